"""A preprocessor in another folder than the ``annotator`` that it imports."""

from __future__ import annotations

from typing import Any

from modules_forge.shared import add_supported_preprocessor
from modules_forge.supported_preprocessor import Preprocessor


class InpaintPreprocessor(Preprocessor):
    def __init__(self) -> None:
        super().__init__()
        self.name = "inpaint_only"

    def __call__(self, input_image: Any, resolution: int, *args: Any, **kwargs: Any) -> Any:
        from annotator.util import three_channels

        return three_channels(input_image)


add_supported_preprocessor(InpaintPreprocessor())
