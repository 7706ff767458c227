"""The Forge family's seam."""

from __future__ import annotations

from modules_forge import shared
from modules_forge.supported_preprocessor import Preprocessor, PreprocessorParameter

from ..choices import Choice
from .calls import PEOPLE_SLIDER, THRESHOLD_SLIDER, WebuiPreprocessor


class ForgePreprocessor(WebuiPreprocessor, Preprocessor):
    """One of our choices, as Forge lists it."""

    def __init__(self, choice: Choice, name: str) -> None:
        """List a choice under a name."""
        super().__init__()
        self.choice = choice
        self.name = name
        self.tags = ["OpenPose"]
        self.model_filename_filters = ["openpose"]
        self.slider_1 = PreprocessorParameter(**THRESHOLD_SLIDER)
        self.slider_2 = PreprocessorParameter(**PEOPLE_SLIDER)


def names() -> set[str]:
    """The preprocessors that are listed."""
    return set(shared.supported_preprocessors)


def put(choice: Choice, name: str) -> None:
    """List a choice, in place of what has its name."""
    shared.add_supported_preprocessor(ForgePreprocessor(choice, name))
