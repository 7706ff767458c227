"""Ways of points through frames: short gaps closed, jitter smoothed.

Savitzky and Golay, Analytical Chemistry 36 (1964): "Smoothing and differentiation of data by
simplified least squares procedures".
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..poses import BoolArray

_STIFFNESS: Final = 1e-6  # of slope and bend, where the window has too few points to tell them

Values = NDArray[np.float64]


def without_gaps(
    points: Values, scores: Values, known: BoolArray, longest: int
) -> tuple[Values, Values, BoolArray]:
    """Close short gaps by straight lines.

    Args:
        points: ``(T, K, 2)``, places of K points in T frames.
        scores: ``(T, K)``.
        known: ``(T, K)``, where there is something to go by.
        longest: Frames of a gap that is closed.

    Returns:
        The three anew.
    """
    frames = np.arange(len(known))[:, None]
    before = np.maximum.accumulate(np.where(known, frames, -1))
    after = np.minimum.accumulate(np.where(known, frames, len(known))[::-1])[::-1]
    inside = ~known & (before >= 0) & (after < len(known)) & (after - before - 1 <= longest)
    before, after = np.where(inside, before, 0), np.where(inside, after, 0)
    way = (frames - before) / np.maximum(after - before, 1)
    columns = np.arange(known.shape[1])
    closed = []
    for values in (points, scores):
        share = way.reshape(way.shape + (1,) * (values.ndim - 2))
        start, end = values[before, columns], values[after, columns]
        there = inside.reshape(inside.shape + (1,) * (values.ndim - 2))
        closed.append(np.where(there, start + share * (end - start), values))
    return closed[0], closed[1], known | inside


def filtered(points: Values, known: BoolArray, half: int) -> Values:
    """Read each known point from the parabola through the known ones round it.

    Args:
        points: ``(T, K, 2)``.
        known: ``(T, K)``; what is not known stays.
        half: Frames to either side that count.
    """
    if half == 0:
        return points
    matrix = np.zeros((*known.shape, 3, 3)) + np.diag([0, _STIFFNESS, _STIFFNESS])
    right = np.zeros((*known.shape, 3, 2))
    for step in range(-half, half + 1):
        powers = (step / half) ** np.arange(3)
        here = slice(max(0, -step), max(0, len(known) - max(0, step)))
        there = slice(max(0, step), max(0, len(known) + min(0, step)))
        weight = known[there].astype(np.float64)
        matrix[here] += weight[..., None, None] * np.outer(powers, powers)
        right[here] += (weight[..., None] * points[there])[..., None, :] * powers[:, None]
    matrix[~known] = np.eye(3)  # nothing to read there
    solved: Values = np.linalg.solve(matrix, right)[..., 0, :]
    return np.where(known[..., None], solved, points)
