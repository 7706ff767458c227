"""The preprocessors that users choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..assembly import AUTO
from ..render import Parts
from ..zoo.auto import LITE


@dataclass(frozen=True)
class Choice:
    """One preprocessor of a host's list.

    Attributes:
        name: As users know it; "openpose" in it gets the hosts' buttons for editing and JSON.
        parts: What it draws.
        model: Of the zoo.
    """

    name: str
    parts: Parts = Parts.ALL
    model: str = AUTO


FULL: Final = Choice("dw_openpose_full")
CHOICES: Final = (
    FULL,
    Choice("dw_openpose_body", Parts.BODY),
    Choice("dw_openpose_hand", Parts.BODY | Parts.HANDS),
    Choice("dw_openpose_face", Parts.BODY | Parts.FACE),
    Choice("dw_openpose_faceonly", Parts.FACE),
    Choice("dw_openpose_lite", model=LITE),
)
"""Named after the hosts' own: openpose_hand has the body too, openpose_faceonly has not."""
