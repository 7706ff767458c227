"""The formulas of the losses once more, slowly: one number at a time, in Python's float64.

Written from the formulas alone, to be compared with; nothing here is fast or clever.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

SPREADS = {192: 4.9, 256: 5.66, 288: 6.0, 384: 6.93}


def softmax(values: Sequence[float], factor: float) -> list[float]:
    """Of values times a factor."""
    highest = max(values)
    powers = [math.exp(factor * (value - highest)) for value in values]
    return [power / math.fsum(powers) for power in powers]


def bump(position: float, side: int) -> list[float] | None:
    """The bins of one keypoint along one axis; none where it lies too far outside."""
    count = 2 * side
    spread = SPREADS.get(side, math.sqrt(side / 8))
    middle = round(2 * position)  # half to even
    if middle + 3 * spread < 0 or middle - 3 * spread >= count:
        return None
    return [math.exp(-((i - middle) ** 2) / (2 * spread**2)) for i in range(count)]


def keypoint_loss(
    bins: Any, keypoints: Any, labelled: Any, size: tuple[int, int], batch: int
) -> float:
    """B.3 as printed, for a batch of ``batch`` people on one device.

    Mean over bins, sum over the batch, divided by the number of keypoints.
    """
    people, count = labelled.shape
    total = 0.0
    for n in range(people):
        for k in range(count):
            if not labelled[n, k]:
                continue
            bumps = [bump(float(keypoints[n, k, axis]), size[1 - axis]) for axis in (0, 1)]
            if None in bumps:
                continue
            for axis in (0, 1):
                p, q = softmax(bumps[axis], 10), softmax(bins[axis][n, k].tolist(), 10)
                kl = math.fsum(a * (math.log(a) - math.log(b)) for a, b in zip(p, q, strict=True))
                total += kl / len(p)
    return total / count * (batch / people)


def logit_loss(bins: Any, taught: Any) -> float:
    """C.1's second term without its weight: sum over bins and keypoints, mean over people."""
    people, count = bins[0].shape[:2]
    total = 0.0
    for axis in (0, 1):
        for n in range(people):
            for k in range(count):
                t, s = (
                    softmax(taught[axis][n, k].tolist(), 10),
                    softmax(bins[axis][n, k].tolist(), 10),
                )
                total += math.fsum(
                    a * (math.log(a) - math.log(b)) for a, b in zip(t, s, strict=True)
                )
    return total / count / people


def feature_loss(seen: Any, taught: Any) -> float:
    """C.1's first term without its weight: squares, summed over a person, mean over people."""
    squares = [
        (a - b) ** 2 for a, b in zip(taught.ravel().tolist(), seen.ravel().tolist(), strict=True)
    ]
    return math.fsum(squares) / len(seen)
