"""The preprocessors that Forge has from the start; their code is imported when they are called."""

from __future__ import annotations

from typing import Any

import annotator.util  # noqa: F401  as the real one does
from modules_forge.shared import add_supported_preprocessor
from modules_forge.supported_preprocessor import Preprocessor


class LegacyPreprocessor(Preprocessor):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __call__(self, input_image: Any, resolution: int, *args: Any, **kwargs: Any) -> Any:
        from annotator.canny import outline

        return outline(input_image)


for name in ("None", "canny", "openpose_full", "dw_openpose_full"):
    add_supported_preprocessor(LegacyPreprocessor(name))
