"""What is measured of a person: the whole body and five parts of it, ten numbers each.

Fields, order and spreads are the data set's (COCO-WholeBody v1.0, its ``data_format.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ..skeleton import (
    BODY,
    BODY_SIGMAS,
    FACE,
    FACE_SIGMAS,
    FEET,
    FOOT_SIGMAS,
    HAND_SIGMAS,
    LEFT_HAND,
    RIGHT_HAND,
    WHOLE_BODY_COUNT,
)

FIELDS: Final[Mapping[str, slice]] = MappingProxyType(
    {
        "keypoints": BODY,
        "foot_kpts": FEET,
        "face_kpts": FACE,
        "lefthand_kpts": LEFT_HAND,
        "righthand_kpts": RIGHT_HAND,
    }
)
"""Which of the 133 keypoints each field of an annotation or a result holds, in order."""

STATISTICS: Final = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
"""COCO's numbers, 0..1, or -1 where there is nothing to be found: precision and recall over all
thresholds, at OKS 0.5 and 0.75, and over medium and large persons."""


@dataclass(frozen=True)
class MeasuredPart:
    """A part that is matched and scored by itself.

    Attributes:
        name: Its key in the result.
        keypoints: Which of the 133 it has.
        sigmas: The spread of each.
        score_field: The field of a result that ranks it; ``score`` where a result has none.
    """

    name: str
    keypoints: slice
    sigmas: tuple[float, ...]
    score_field: str


BODY_PART: Final = MeasuredPart("body", BODY, BODY_SIGMAS, "score")
PARTS: Final = (
    MeasuredPart(
        "wholebody",
        slice(0, WHOLE_BODY_COUNT),
        BODY_SIGMAS + FOOT_SIGMAS + FACE_SIGMAS + HAND_SIGMAS * 2,
        "wholebody_score",
    ),
    BODY_PART,
    MeasuredPart("foot", FEET, FOOT_SIGMAS, "foot_score"),
    MeasuredPart("face", FACE, FACE_SIGMAS, "face_score"),
    MeasuredPart("lefthand", LEFT_HAND, HAND_SIGMAS, "lefthand_score"),
    MeasuredPart("righthand", RIGHT_HAND, HAND_SIGMAS, "righthand_score"),
)

SIGMAS: Final = PARTS[0].sigmas
"""The spread of each of the 133 keypoints."""

assert len(SIGMAS) == WHOLE_BODY_COUNT
