"""What others have measured: rows of published tables, for the table that we print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

DWPOSE: Final = "DWPose's README (IDEA-Research/DWPose)"
MMPOSE: Final = "mmpose's model card of RTMPose (COCO-UBody)"
MMPOSE_RTMW: Final = "mmpose's model card of RTMW (cocktail14)"

CIRCUMSTANCES: Final = (
    "COCO-WholeBody v1.0 val, all 5,000 pictures, flip test, boxes of a detector with 56.4 AP"
)
"""Of every row."""


@dataclass(frozen=True)
class Row:
    """A model's published numbers, times 100.

    Attributes:
        name: The model, as its publishers call it, with the size of its crops.
        source: Where the numbers stand.
        precision: AP by part: whole, body, foot, face, hand.
        recall: AR by part, as far as it was published.
    """

    name: str
    source: str
    precision: Mapping[str, float]
    recall: Mapping[str, float]


def _row(name: str, source: str, precision: tuple[float, ...], recall: tuple[float, ...]) -> Row:
    return Row(
        name,
        source,
        MappingProxyType(dict(zip(SHOWN, precision, strict=False))),
        MappingProxyType(dict(zip(SHOWN, recall, strict=False))),
    )


SHOWN: Final = ("whole", "body", "foot", "face", "hand")
"""The lines of the table; ``hand`` is taken for the mean of both hands."""

PUBLISHED: Final[Mapping[str, Row]] = MappingProxyType(
    {
        "dwpose-t": _row(
            "DWPose-t 256x192", DWPOSE, (48.5, 58.5, 46.5, 73.5, 35.7), (58.4,)
        ),
        "dwpose-s": _row(
            "DWPose-s 256x192", DWPOSE, (53.8, 63.3, 53.3, 77.6, 42.7), (63.2,)
        ),
        "dwpose-m": _row(
            "DWPose-m 256x192", DWPOSE, (60.6, 68.5, 63.6, 82.8, 52.7), (69.5,)
        ),
        "dwpose-l": _row(
            "DWPose-l 256x192", DWPOSE, (63.1, 70.4, 66.2, 84.3, 56.6), (71.7,)
        ),
        "dwpose-l-384": _row(
            "DWPose-l 384x288", DWPOSE, (66.5, 72.2, 70.4, 88.7, 62.1), (74.3,)
        ),
        "rtmpose-m": _row(
            "RTMPose-m 256x192", MMPOSE,
            (58.2, 67.3, 61.5, 81.3, 47.5), (67.4, 75.0, 75.2, 87.1, 58.9),
        ),
        "rtmpose-l": _row(
            "RTMPose-l 256x192", MMPOSE,
            (61.1, 69.5, 65.8, 83.3, 51.9), (70.0, 76.9, 78.5, 88.7, 62.8),
        ),
        "rtmpose-l-384": _row(
            "RTMPose-l 384x288", MMPOSE,
            (64.8, 71.2, 69.3, 88.2, 57.9), (73.0, 78.1, 81.1, 91.9, 67.7),
        ),
        "rtmw-m": _row(
            "RTMW-m 256x192", MMPOSE_RTMW, (58.2, 67.6, 67.1, 78.3, 49.1), (67.3,)
        ),
        "rtmw-l": _row(
            "RTMW-l 256x192", MMPOSE_RTMW, (66.0, 74.3, 76.3, 83.4, 59.8), (74.6,)
        ),
        "rtmw-x": _row(
            "RTMW-x 256x192", MMPOSE_RTMW, (67.2, 74.6, 77.0, 84.4, 61.0), (75.2,)
        ),
        "rtmw-l-384": _row(
            "RTMW-l 384x288", MMPOSE_RTMW, (70.1, 76.1, 79.3, 88.4, 66.3), (78.0,)
        ),
        "rtmw-x-384": _row(
            "RTMW-x 384x288", MMPOSE_RTMW, (70.2, 76.3, 79.6, 88.4, 66.4), (78.1,)
        ),
    }
)  # fmt: skip
"""By the names of our zoo, or names in its manner."""
