"""Which numbers an exported file holds, and how near to torch it then has to be."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple


class Precision(Enum):
    """Of the numbers in a file."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"


class Bound(NamedTuple):
    """What a file has to reach.

    Attributes:
        same: Least share of keypoints in the same bins along x and y; of a detector's cells, with
            the same verdict.
        difference: Greatest difference of an output, of the greatest number in it.
        near: Least share of visible keypoints that are no farther away than ``reach``.
        reach: Of the height of the crop.
    """

    same: float = 0.0
    difference: float = float("inf")
    near: float = 0.0
    reach: float = 0.0


BOUNDS: Final = {
    Precision.FLOAT32: Bound(same=0.999, difference=1e-3),
    Precision.FLOAT16: Bound(near=0.99, reach=1 / 128),
    Precision.INT8: Bound(near=0.95, reach=1 / 64),
}
"""By precision. In float16 and int8 a bin may give way to its neighbour; keypoints do not stray."""
