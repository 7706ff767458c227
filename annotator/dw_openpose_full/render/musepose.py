"""The first person alone, in strokes as wide as they are long: style musepose."""

from __future__ import annotations

from typing import Final

from .. import skeleton
from ..figures import OpenPoseFigures
from ..poses import BoolArray, ImageSize, RgbImage
from .canvas import within_reach
from .dwpose import through_fractions
from .parts import Parts
from .strokes import (
    Pen,
    Person,
    body_strokes_,
    face_strokes_,
    foot_strokes_,
    hand_strokes_,
    people,
)

WIDEST: Final = 8


def width_of(length: float) -> int:
    """Half width of a limb, thickness of a bone, both by length in pixels.

    >>> [width_of(length) for length in (4.9, 5, 10, 319, 320, 9999)]
    [1, 2, 3, 7, 8, 8]
    """
    return next((width for width in range(1, WIDEST) if length < 5 * 2 ** (width - 1)), WIDEST)


PEN: Final = Pen(hand_dot=3, by_length=width_of)


def draw_musepose_(
    canvas: RgbImage, figures: OpenPoseFigures, parts: Parts, thickness: float = 1.0
) -> None:
    """Draw the first person as MusePose's animation model expects, pixel by pixel.

    Its hands and face are drawn whatever their scores, and its pictures hold the first two of all
    left and then all right hands: with several people, those are the left hands of the first two.
    """
    if len(figures) == 0:
        return
    size, pen = ImageSize.of(canvas), PEN.scaled(thickness)
    points = through_fractions(within_reach(figures.points[:2], size), size)
    first_two = people(points, _with_hands_and_faces(figures.visible[:2]))
    person = first_two[0]
    if Parts.FEET in parts:
        foot_strokes_(canvas, person, pen)
    if Parts.BODY in parts:
        body_strokes_(canvas, person, pen)
    if Parts.HANDS in parts:
        _first_two_hands_(canvas, first_two, pen)
    if Parts.FACE in parts:
        face_strokes_(canvas, person, skeleton.FIGURE_LANDMARKS, pen)


def _first_two_hands_(canvas: RgbImage, first_two: list[Person], pen: Pen) -> None:
    """Draw both hands of the one, or the left hands of the two."""
    for person in first_two:
        hand_strokes_(canvas, person, skeleton.FIGURE_LEFT_HAND, pen)
    if len(first_two) == 1:
        hand_strokes_(canvas, first_two[0], skeleton.FIGURE_RIGHT_HAND, pen)


def _with_hands_and_faces(visible: BoolArray) -> BoolArray:
    """Visibility ``(P, 136)`` as if every point of hands and faces had been sure."""
    sure = visible.copy()
    sure[:, skeleton.FIGURE_FACE.start : skeleton.FIGURE_RIGHT_HAND.stop] = True
    return sure
