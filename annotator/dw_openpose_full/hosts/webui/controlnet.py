"""sd-webui-controlnet's seam."""

from __future__ import annotations

from internal_controlnet.external_code import Preprocessor, PreprocessorParameter

from ..choices import Choice
from .calls import PEOPLE_SLIDER, THRESHOLD_SLIDER, WebuiPreprocessor


class ControlNetPreprocessor(WebuiPreprocessor, Preprocessor):
    """One of our choices, as sd-webui-controlnet lists it."""

    def __init__(self, choice: Choice, name: str) -> None:
        """List a choice under a name."""
        super().__init__(name=name)
        self.choice = choice
        self.tags = ["OpenPose"]
        self.slider_1 = PreprocessorParameter(**THRESHOLD_SLIDER)
        self.slider_2 = PreprocessorParameter(**PEOPLE_SLIDER)

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def names() -> set[str]:
    """The preprocessors that are listed."""
    return set(Preprocessor.all_processors_by_name)


def put(choice: Choice, name: str) -> None:
    """List a choice, in place of what has its name.

    ``add_supported_preprocessor`` asserts that the name is free.
    """
    known = Preprocessor.all_processors_by_name.pop(name, None)
    if known is not None:
        Preprocessor.all_processors.pop(known.label, None)
    Preprocessor.add_supported_preprocessor(ControlNetPreprocessor(choice, name))
