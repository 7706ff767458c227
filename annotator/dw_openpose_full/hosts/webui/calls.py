"""What the A1111 family's preprocessors have in common: sliders, calls, words for users."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ...errors import DwPoseError
from ...people import PeopleChoice
from ...pictures import as_picture
from ...poses import RgbImage
from ...thresholds import DEFAULT_THRESHOLD
from ..choices import Choice
from ..framing import flattened
from ..preprocessor import Preprocessor, Request
from .settings import settings

MOST_PEOPLE: Final = 20
THRESHOLD_SLIDER: Final = {
    "label": "Threshold",
    "minimum": 0.0,
    "maximum": 1.0,
    "step": 0.01,
    "value": DEFAULT_THRESHOLD,
    "visible": True,
}
PEOPLE_SLIDER: Final = {
    "label": "People (0: all)",
    "minimum": 0,
    "maximum": MOST_PEOPLE,
    "step": 1,
    "value": 0,
    "visible": True,
}

PoseCallback = Callable[[dict[str, Any]], None]

_log = logging.getLogger(__name__)


def tell(text: str) -> None:
    """Words for the host's user: a line on the console, and the progress line of the page."""
    line = f"dw_openpose_full: {text}"
    letters = getattr(sys.stdout, "encoding", None) or "utf-8"  # Windows' consoles lack many
    print(line.encode(letters, "backslashreplace").decode(letters))  # noqa: T201  the hosts' log
    shared = sys.modules.get("modules.shared")
    state = getattr(shared, "state", None)
    if state is not None:
        state.textinfo = text


def alert(text: str) -> None:
    """The same, and a note on the page; outside of the page's own calls gradio passes it over."""
    tell(text)
    note = getattr(sys.modules.get("gradio"), "Warning", None)
    if note is not None:
        note(f"dw_openpose_full: {text}")


HEART: Final = Preprocessor(tell, alert)


class WebuiPreprocessor:
    """The part of a host's preprocessor that is ours; the host's own class comes second."""

    choice: Choice

    def __call__(  # noqa: PLR0913, PLR0917  the hosts' own signature
        self,
        input_image: Any,  # noqa: ANN401  an array in many dresses
        resolution: float,
        slider_1: float | None = None,
        slider_2: float | None = None,
        slider_3: float | None = None,
        input_mask: object = None,
        json_pose_callback: PoseCallback | None = None,
        *,
        low_vram: bool = False,
        **_others: object,
    ) -> RgbImage:
        """Draw the people of a picture.

        Args:
            input_image: ``(H, W)`` or ``(H, W, 1 to 4)`` uint8; of 2 and 4 the last is opacity.
            resolution: Shorter side of the drawing, in pixels.
            slider_1: Lowest score of a visible point; the hosts' stray defaults (64) give ours.
            slider_2: Most people, surest first; 0, and more than the slider has, are all.
            slider_3: Not used.
            input_mask: Not used.
            json_pose_callback: Called once with the OpenPose JSON object.
            low_vram: Free the networks again at once.
        """
        request = Request(
            self.choice,
            _pixels(resolution),
            _threshold(slider_1),
            PeopleChoice(_most_people(slider_2)),
        )
        try:
            picture = as_picture(flattened(np.asarray(input_image)))
            answer = HEART(picture, request, settings())
        except DwPoseError as error:
            raise _shown(error) from error
        finally:
            if low_vram:
                self.unload()
        if json_pose_callback is not None:
            json_pose_callback(answer.document)
        return answer.canvas

    def unload(self) -> bool:
        """Free the memory of the networks; whether there was any."""
        return HEART.unload(self.choice)


def _pixels(resolution: float) -> int:
    """A whole number; 0, which means the default, for what is none."""
    try:
        return round(resolution)
    except (TypeError, ValueError, OverflowError):
        return 0


def _threshold(slider: float | None) -> float:
    """A score; what is none, such as Forge's 64, means the default."""
    return float(slider) if slider is not None and 0 <= slider <= 1 else DEFAULT_THRESHOLD


def _most_people(slider: float | None) -> int | None:
    """A number of people; what the slider does not have means all."""
    count = int(slider) if slider is not None and 0 <= slider <= MOST_PEOPLE else 0
    return count or None


def _shown(error: DwPoseError) -> Exception:
    """The error as the page shows it: gradio shows the words of its own class alone."""
    gradio = sys.modules.get("gradio")
    kind = getattr(gradio, "Error", None)
    return kind(f"dw_openpose_full: {error}") if kind is not None else error
