"""The base class of preprocessors; its constructor takes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class PreprocessorParameter:
    """Keywords only, as forge-classic has it."""

    def __init__(self, **slider: object) -> None:
        self.gradio_update_kwargs = {"minimum": 0.0, "maximum": 1.0, "value": 0.5, **slider}


class Preprocessor:
    def __init__(self) -> None:
        self.name = "PreprocessorBase"
        self.tags: list[str] = []
        self.model_filename_filters: list[str] = []
        self.slider_resolution = PreprocessorParameter(minimum=128, maximum=2048, value=512)
        self.slider_1 = PreprocessorParameter()
        self.slider_2 = PreprocessorParameter()
        self.sorting_priority = 0

    def __call__(  # noqa: PLR0917  the hosts' own signature
        self,
        input_image: NDArray[np.uint8],
        resolution: int,
        slider_1: float | None = None,
        slider_2: float | None = None,
        slider_3: float | None = None,
        input_mask: NDArray[np.uint8] | None = None,
        **kwargs: Any,
    ) -> NDArray[np.uint8]:
        return input_image
