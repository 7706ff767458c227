"""SimCC: a keypoint as two rows of bins, one along each axis of the crop.

A crop of ``H`` x ``W`` pixels has ``2 W`` bins along x and ``2 H`` along y; bin ``i`` is the
position ``i / 2`` in pixels of the crop.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .errors import PoseError
from .poses import BoolArray, FloatArray, ImageSize

SPLIT_RATIO: Final = 2.0
"""Bins for one pixel; of every DWPose, RTMPose and RTMW network."""

UNSEEN: Final = -1 / SPLIT_RATIO
"""Where the published annotators put a keypoint without a positive score: bin -1, on both axes."""

PUBLISHED_SPREADS: Final = {192: 4.9, 256: 5.66, 288: 6.0, 384: 6.93}
"""Standard deviation of a target, in bins, by the crop's side; of the training configurations."""

REACH: Final = 3.0  # standard deviations; a keypoint farther outside the bins has no target


def decode(
    bins_x: NDArray[np.floating], bins_y: NDArray[np.floating]
) -> tuple[FloatArray, FloatArray]:
    """Read the keypoints of a network's two outputs.

    Args:
        bins_x: ``(N, K, 2 W)``, not normalised.
        bins_y: ``(N, K, 2 H)``.

    Returns:
        Points ``(N, K, 2)`` in pixels of the crop, on a grid of half pixels; and scores ``(N, K)``,
        the lesser of the two maxima, which may pass 1. A score that is not positive, or a maximum
        that is NaN or infinite, is an unseen keypoint: its point is :data:`UNSEEN` on both axes,
        and not finite scores become 0.

    Raises:
        PoseError: If the two do not fit each other.
    """
    if bins_x.ndim != 3 or bins_x.shape[:2] != bins_y.shape[:2] or bins_y.ndim != 3:
        raise PoseError(
            "SimCC bins must be (N, K, bins) for x and y with the same N and K, "
            f"got {bins_x.shape} and {bins_y.shape}"
        )
    if 0 in (bins_x.shape[2], bins_y.shape[2]):
        raise PoseError(f"SimCC needs bins on both axes, got {bins_x.shape} and {bins_y.shape}")
    (place_x, most_x), (place_y, most_y) = _peaks(bins_x), _peaks(bins_y)
    scores = np.minimum(most_x, most_y)  # NaN where either is
    scores[~(np.isfinite(most_x) & np.isfinite(most_y))] = 0
    places = np.stack([place_x, place_y], axis=-1).astype(np.float32)
    places[scores <= 0] = -1
    return places / np.float32(SPLIT_RATIO), scores


def encode(
    points: NDArray[np.floating], size: ImageSize, labelled: BoolArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """The bins that a perfect network would give: a bump of height 1 on the nearest bin.

    Args:
        points: ``(N, K, 2)`` in pixels of the crop.
        size: Size of the crop.
        labelled: ``(N, K)``, which keypoints are known; all of them by default.

    Returns:
        Bins ``(N, K, 2 W)`` for x and ``(N, K, 2 H)`` for y, 0..1. Both are zero for a keypoint
        that is not known, not finite, or more than :data:`REACH` spreads outside the bins.

    Raises:
        PoseError: If the shapes do not fit.
    """
    if points.ndim != 3 or points.shape[-1] != 2:
        raise PoseError(f"points of a crop must be (N, K, 2), got {points.shape}")
    known = np.isfinite(points).all(axis=-1)
    if labelled is not None:
        if labelled.shape != known.shape:
            raise PoseError(f"labelled must be {known.shape}, got {labelled.shape}")
        known &= labelled
    bumps: list[FloatArray] = []
    middles = np.round(np.where(known[..., None], points, 0).astype(np.float64) * SPLIT_RATIO)
    for middle, side in zip(np.moveaxis(middles, -1, 0), (size.width, size.height), strict=True):
        count, spread = int(side * SPLIT_RATIO), spread_for(side)
        known &= (middle + REACH * spread >= 0) & (middle - REACH * spread < count)
        away = (np.arange(count) - middle[..., None]) / spread
        bumps.append(np.exp(-0.5 * away**2).astype(np.float32))
    for bump in bumps:
        bump[~known] = 0
    return bumps[0], bumps[1]


def _peaks(bins: NDArray[np.floating]) -> tuple[NDArray[np.intp], FloatArray]:
    """Place and height ``(N, K)`` of each row's first maximum; a NaN counts as one."""
    places = bins.argmax(axis=-1)
    heights = np.take_along_axis(bins, places[..., None], axis=-1)[..., 0]
    return places, heights.astype(np.float32)


def spread_for(side: int) -> float:
    """Standard deviation of a target in bins; the published ones round the root of side / 8."""
    return PUBLISHED_SPREADS.get(side, float(np.sqrt(side / 8)))
