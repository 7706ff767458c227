"""The preprocessors that ControlNet has from the start; their code is imported when called."""

from typing import Any

from scripts.supported_preprocessor import Preprocessor


class LegacyPreprocessor(Preprocessor):
    def __call__(self, input_image: Any, resolution: int, *args: Any, **kwargs: Any) -> Any:
        from annotator.canny import outline

        return outline(input_image)


for name in ("none", "canny", "openpose_full", "dw_openpose_full"):
    Preprocessor.add_supported_preprocessor(LegacyPreprocessor(name, f"{name} (built in)"))
