"""Strokes as bright as they are sure, drawn large and scaled down: style mimicmotion."""

from __future__ import annotations

import math
from colorsys import hsv_to_rgb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .. import skeleton
from ..figures import OpenPoseFigures
from ..poses import MAX_PIXELS, ImageSize, RgbImage
from ..skeleton import Rgb
from .canvas import blank, bone_, disc_, limb_, scaled, within_reach
from .parts import Parts
from .strokes import FACE_DOT_COLOUR, HAND_DOT_COLOUR, Pen, Person, people

SHORTER_SIDE: Final = 2160
"""Pixels of the canvas that is drawn on, whatever the size that is wanted."""

_LIMB_SHARE: Final = 0.6

_HAND_COLOURS: Final = tuple(hsv_to_rgb(bone / 20, 1, 1) for bone in range(20))
"""The rainbow, channels 0..1."""

Scores = list[float]
"""How sure the points of a ``Person`` are, 0..1."""


def draw_mimicmotion_(
    canvas: RgbImage, figures: OpenPoseFigures, parts: Parts, thickness: float = 1.0
) -> None:
    """Draw figures as MimicMotion's animation model expects, pixel by pixel.

    A point's colour is multiplied by its score, a stroke's by those of both its ends; the neck is
    as sure as can be. MimicMotion shows hands and faces whatever their scores, as this does with
    their thresholds at 0. Its network knows all colours with red and blue in each other's place.
    """
    size = ImageSize.of(canvas)
    large = _enlarged(size)
    pixels = blank(large)
    points = within_reach(figures.points / size[::-1] * large[::-1], large)
    _draw_(pixels, _brushes(points, figures, Pen().scaled(thickness)), parts)
    drawn = scaled(pixels, size)[..., ::-1]
    np.copyto(canvas, drawn, where=drawn.any(axis=2, keepdims=True))


def _brushes(points: NDArray[np.float64], figures: OpenPoseFigures, pen: Pen) -> list[_Brush]:
    """A brush for each person, whose points ``(P, 136, 2)`` lie on the larger canvas."""
    scores = figures.scores.astype(np.float64)
    scores[:, skeleton.NECK] = 1
    everybody = people(points, figures.visible)
    return [
        _Brush(person, sure, pen) for person, sure in zip(everybody, scores.tolist(), strict=True)
    ]


def _draw_(canvas: RgbImage, brushes: list[_Brush], parts: Parts) -> None:
    """Draw everybody, part by part."""
    if Parts.FEET in parts:
        for brush in brushes:
            brush.feet_(canvas)
    if Parts.BODY in parts:
        _bodies_(canvas, brushes)
    if Parts.HANDS in parts:
        _hands_(canvas, brushes)
    if Parts.FACE in parts:
        for brush in brushes:
            brush.face_(canvas)


class _Brush:
    """Draws the parts of one person."""

    def __init__(self, points: Person, scores: Scores, pen: Pen) -> None:
        self._points, self._scores, self._pen = points, scores, pen

    def limb_(self, canvas: RgbImage, limb: int) -> None:
        """Draw one limb, if both its joints are there."""
        colour = self._dimmed(skeleton.JOINT_COLOURS[limb], *skeleton.LIMBS[limb])
        self._stroke_(canvas, *skeleton.LIMBS[limb], self._pen.limb, colour)

    def joint_(self, canvas: RgbImage, joint: int) -> None:
        """Draw one joint, if it is there."""
        self._dot_(canvas, joint, self._pen.joint, skeleton.JOINT_COLOURS[joint])

    def hand_(self, canvas: RgbImage, hand: slice) -> None:
        """Draw a hand: bones, then points on top of them."""
        for (first, second), colour in zip(skeleton.HAND_BONES, _HAND_COLOURS, strict=True):
            start, end = self._points[hand.start + first], self._points[hand.start + second]
            if start and end:
                full = int(255 * self._sure(hand.start + first, hand.start + second))
                red, green, blue = (round(channel * full) for channel in colour)
                bone_(canvas, start, end, self._pen.bone, (red, green, blue))
        for point in range(hand.start, hand.stop):
            self._dot_(canvas, point, self._pen.hand_dot, HAND_DOT_COLOUR)

    def face_(self, canvas: RgbImage) -> None:
        """Draw a face: points without lines."""
        for point in range(skeleton.FIGURE_LANDMARKS.start, skeleton.FIGURE_LANDMARKS.stop):
            self._dot_(canvas, point, self._pen.face_dot, FACE_DOT_COLOUR)

    def feet_(self, canvas: RgbImage) -> None:
        """Draw both feet, to be drawn before the body: ankle and shin then cover their ends."""
        first = skeleton.FIGURE_FEET.start
        rows = zip(skeleton.FOOT_BONES, skeleton.FOOT_SHINS, strict=True)
        for (ankle, tip), shin in rows:
            colour = self._dimmed(skeleton.JOINT_COLOURS[shin], ankle, first + tip)
            self._stroke_(canvas, ankle, first + tip, self._pen.foot, colour)
        for ankle, tip in skeleton.FOOT_BONES:
            self._dot_(canvas, first + tip, self._pen.foot_dot, skeleton.JOINT_COLOURS[ankle])

    def _stroke_(self, canvas: RgbImage, first: int, second: int, width: int, bright: Rgb) -> None:
        start, end = self._points[first], self._points[second]
        if start and end:
            red, green, blue = (int(channel * _LIMB_SHARE) for channel in bright)
            limb_(canvas, start, end, width, (red, green, blue))

    def _dot_(self, canvas: RgbImage, point: int, radius: int, colour: Rgb) -> None:
        centre = self._points[point]
        if centre:
            disc_(canvas, centre, radius, self._dimmed(colour, point))

    def _dimmed(self, colour: Rgb, *points: int) -> Rgb:
        """A colour of points, as bright as they are sure."""
        sure = self._sure(*points)
        red, green, blue = (int(channel * sure) for channel in colour)
        return red, green, blue

    def _sure(self, *points: int) -> float:
        return math.prod(min(self._scores[point], 1.0) for point in points)


def _bodies_(canvas: RgbImage, brushes: list[_Brush]) -> None:
    """Draw all bodies: limb by limb, then joint by joint."""
    for limb in range(len(skeleton.LIMBS)):
        for brush in brushes:
            brush.limb_(canvas, limb)
    for joint in range(len(skeleton.JOINT_COLOURS)):
        for brush in brushes:
            brush.joint_(canvas, joint)


def _hands_(canvas: RgbImage, brushes: list[_Brush]) -> None:
    """Draw all left hands, then all right hands."""
    for hand in (skeleton.FIGURE_LEFT_HAND, skeleton.FIGURE_RIGHT_HAND):
        for brush in brushes:
            brush.hand_(canvas, hand)


def _enlarged(size: ImageSize) -> ImageSize:
    """The canvas to draw on; of a canvas so long that it would be too large, a smaller one."""
    scale = min(SHORTER_SIDE / min(size), math.sqrt(MAX_PIXELS / (size.height * size.width)))
    return ImageSize(max(1, int(size.height * scale)), max(1, int(size.width * scale)))
