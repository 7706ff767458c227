"""Limb by limb over all people, as the DWPose repository draws: style dwpose."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .. import skeleton
from ..figures import OpenPoseFigures
from ..poses import ImageSize, RgbImage
from .canvas import within_reach
from .parts import Parts
from .strokes import (
    Pen,
    Person,
    face_strokes_,
    foot_strokes_,
    hand_strokes_,
    joint_stroke_,
    limb_stroke_,
    people,
)

PEN: Final = Pen()


def draw_dwpose_(
    canvas: RgbImage, figures: OpenPoseFigures, parts: Parts, thickness: float = 1.0
) -> None:
    """Draw figures as the DWPose repository does, pixel by pixel.

    The first limb of everybody, the second limb of everybody and so on; then the joints alike, all
    left hands, all right hands, all faces, which have no pupils. Where nobody overlaps, that is
    the ``controlnet`` style without pupils, but for points on whole coordinates (see
    ``through_fractions``).
    """
    size, pen = ImageSize.of(canvas), PEN.scaled(thickness)
    points = through_fractions(within_reach(figures.points, size), size)
    everybody = people(points, figures.visible)
    if Parts.FEET in parts:
        for person in everybody:
            foot_strokes_(canvas, person, pen)
    if Parts.BODY in parts:
        _bodies_(canvas, everybody, pen)
    if Parts.HANDS in parts:
        _hands_(canvas, everybody, pen)
    if Parts.FACE in parts:
        for person in everybody:
            face_strokes_(canvas, person, skeleton.FIGURE_LANDMARKS, pen)


def through_fractions(points: NDArray[np.float64], size: ImageSize) -> NDArray[np.float64]:
    """Pass points through fractions of the canvas and back, as DWPose's users do.

    That moves a whole coordinate down by the last bit here and there, ``27 / 425 * 425`` for one,
    and cutting it off then gives the pixel before.

    Args:
        points: ``(..., 2)``, ``(x, y)`` in pixels.
        size: Of the canvas.
    """
    sides = np.array([size.width, size.height], np.float64)
    return points / sides * sides


def _bodies_(canvas: RgbImage, everybody: list[Person], pen: Pen) -> None:
    """Draw all bodies: limb by limb, then joint by joint."""
    for limb in range(len(skeleton.LIMBS)):
        for person in everybody:
            limb_stroke_(canvas, person, limb, pen)
    for joint in range(len(skeleton.JOINT_COLOURS)):
        for person in everybody:
            joint_stroke_(canvas, person, joint, pen)


def _hands_(canvas: RgbImage, everybody: list[Person], pen: Pen) -> None:
    """Draw all left hands, then all right hands."""
    for hand in (skeleton.FIGURE_LEFT_HAND, skeleton.FIGURE_RIGHT_HAND):
        for person in everybody:
            hand_strokes_(canvas, person, hand, pen)
