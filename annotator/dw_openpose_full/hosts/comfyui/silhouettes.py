"""Where people are, as a mask: their figures with flesh on the bones.

A rough silhouette for inpainting and for regional prompts, not a segmentation. What is not visible
is not covered. Thicknesses are shares of the person's longest visible limb, by eye on photographs.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ... import skeleton
from ...figures import OpenPoseFigures
from ...geometry import distance
from ...poses import BoolArray, ImageSize, PointArray, RgbImage
from ...render.canvas import blank, bone_, disc_, within_reach

_WHITE: Final = (255, 255, 255)
_NECK: Final = skeleton.NECK
_TRUNK: Final = (1, 2, 5, 8, 11)  # neck, shoulders, hips
_HEAD: Final = (0, 14, 15, 16, 17)  # nose, eyes, ears
_LIMB: Final = 0.25
_TRUNK_LINE: Final = 0.4
_HEAD_ROOM: Final = 1.3  # of the farthest visible point of a head from its middle
_FINGER: Final = 0.2  # of the hand's extent
_HANDS: Final = (skeleton.FIGURE_LEFT_HAND, skeleton.FIGURE_RIGHT_HAND)


def silhouettes(figures: OpenPoseFigures) -> NDArray[np.uint8]:
    """A mask ``(H, W)`` of the canvas, 255 on people."""
    canvas = blank(figures.image_size)
    reach = within_reach(figures.points, figures.image_size)
    for points, visible in zip(reach, figures.visible, strict=True):
        _person_(canvas, points, visible)
    return np.ascontiguousarray(canvas[..., 0])


def _person_(canvas: RgbImage, points: PointArray, visible: BoolArray) -> None:
    """Cover one person, points ``(136, 2)``."""
    limbs = [pair for pair in skeleton.LIMBS if visible[list(pair)].all()]
    longest = max((distance(points[a], points[b]) for a, b in limbs), default=0.0)
    for a, b in limbs:
        if not {a, b} <= {*_HEAD, _NECK}:
            _line_(canvas, points[a], points[b], longest * _LIMB)
    for a, b in combinations([joint for joint in _TRUNK if visible[joint]], 2):
        _line_(canvas, points[a], points[b], longest * _TRUNK_LINE)
    for ankle, tip in skeleton.FOOT_BONES:
        if visible[ankle] and visible[skeleton.FIGURE_FEET][tip]:
            toe = points[skeleton.FIGURE_FEET][tip]
            _line_(canvas, points[ankle], toe, longest * _LIMB)
    _head_(canvas, points, visible)
    for hand in _HANDS:
        _hand_(canvas, points[hand], visible[hand])


def _head_(canvas: RgbImage, points: PointArray, visible: BoolArray) -> None:
    """Cover a head with a disc, and join it to the neck."""
    rows = [*_HEAD, *range(skeleton.FIGURE_FACE.start, skeleton.FIGURE_FACE.stop)]
    seen = points[rows][visible[rows]]
    if len(seen) < 2:
        return
    middle = (seen.min(axis=0) + seen.max(axis=0)) / 2
    radius = float(np.hypot(*(seen - middle).T).max()) * _HEAD_ROOM
    disc_(canvas, middle.tolist(), _pixels(radius, canvas), _WHITE)
    if visible[_NECK]:
        _line_(canvas, middle, points[_NECK], radius)


def _hand_(canvas: RgbImage, points: PointArray, visible: BoolArray) -> None:
    """Cover a hand ``(21, 2)``: thick fingers, which fill the palm."""
    if not visible.any():
        return
    extent = float(np.ptp(points[visible], axis=0).max())
    for a, b in skeleton.HAND_BONES:
        if visible[a] and visible[b]:
            _line_(canvas, points[a], points[b], extent * _FINGER)


def _line_(canvas: RgbImage, start: PointArray, end: PointArray, thickness: float) -> None:
    bone_(canvas, start.tolist(), end.tolist(), _pixels(thickness, canvas), _WHITE)


def _pixels(length: float, canvas: RgbImage) -> int:
    """A thickness or a radius that OpenCV can draw."""
    return max(1, min(round(length), max(ImageSize.of(canvas))))
