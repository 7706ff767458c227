"""Figures over the photograph, for people to look at: style overlay.

Nobody was trained on these pictures, so they may be smooth: one colour a person, each stroke on a
dark rim so that it shows on any ground, the person's right side in a deeper shade than the left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .. import skeleton
from ..figures import OpenPoseFigures
from ..poses import BoolArray, ImageSize, RgbImage
from ..skeleton import Rgb
from .canvas import Point, smooth_bone_, smooth_disc_, within_reach
from .parts import Parts

# Okabe and Ito's colours (2008), which colour-blind people can tell apart, without black; the
# darkest, blue, is lightened by a third, because it is lost on dark ground
PERSON_COLOURS: Final[tuple[Rgb, ...]] = (
    (86, 180, 233),  # 0 sky blue
    (230, 159, 0),  # 1 orange
    (0, 200, 145),  # 2 bluish green, lightened
    (240, 228, 66),  # 3 yellow
    (232, 134, 190),  # 4 reddish purple, lightened
    (255, 110, 40),  # 5 vermilion, lightened
    (85, 161, 204),  # 6 blue, lightened
)
RIM_COLOUR: Final = (16, 16, 16)
DOT_COLOUR: Final = (255, 255, 255)
RIGHT_SHADE: Final = 0.62  # of the colour of the left

_CANVAS_SHARE: Final = 1 / 220  # a limb's thickness, of the canvas's longest side
_PERSON_SHARE: Final = 1 / 36  # at most, of the longest side of the person's body
_SMALLEST_DOT: Final = 0.5  # radius in pixels
_RIGHT_JOINTS: Final = frozenset({2, 3, 4, 8, 9, 10, 14, 16})


@dataclass
class _Strokes:
    """What is drawn of one person, all of it first as rim, then in colour."""

    lines: list[tuple[Point, Point, int, Rgb]] = field(default_factory=list)
    dots: list[tuple[Point, float, Rgb]] = field(default_factory=list)

    def draw_(self, canvas: RgbImage, rim: int) -> None:
        """Draw with a rim of that many pixels, but no dot with more rim than dot."""
        for start, end, thickness, _ in self.lines:
            smooth_bone_(canvas, start, end, thickness + 2 * rim, RIM_COLOUR)
        for centre, radius, _ in self.dots:
            smooth_disc_(canvas, centre, radius + min(rim, radius), RIM_COLOUR)
        for start, end, thickness, colour in self.lines:
            smooth_bone_(canvas, start, end, thickness, colour)
        for centre, radius, colour in self.dots:
            smooth_disc_(canvas, centre, radius, colour)


@dataclass(frozen=True)
class _Person:
    """One figure with its look.

    Attributes:
        points: The 136 points, ``(x, y)`` in pixels of the canvas.
        visible: Which of them are drawn.
        thickness: Of a limb, in pixels.
        left: Colour of the left side and the middle.
        right: Colour of the right side.
    """

    points: list[list[float]]
    visible: list[bool]
    thickness: float
    left: Rgb
    right: Rgb

    def add_bones(self, strokes: _Strokes, bones: list[tuple[int, int, Rgb]], share: float) -> None:
        """Add those bones whose ends are visible, at a share of a limb's thickness."""
        thickness = max(1, round(self.thickness * share))
        for first, second, colour in bones:
            if self.visible[first] and self.visible[second]:
                strokes.lines.append((self.points[first], self.points[second], thickness, colour))

    def add_dots(self, strokes: _Strokes, span: slice, share: float, colour: Rgb) -> None:
        """Add the visible points of a span, their radius a share of a limb's thickness."""
        radius = max(_SMALLEST_DOT, self.thickness * share)
        for index in range(span.start, span.stop):
            if self.visible[index]:
                strokes.dots.append((self.points[index], radius, colour))


def draw_overlay_(
    canvas: RgbImage, figures: OpenPoseFigures, parts: Parts, thickness: float = 1.0
) -> None:
    """Draw figures for people's eyes, each in the colour of its id.

    Lines grow with the canvas, but not beyond what suits a small person in it.
    """
    size = ImageSize.of(canvas)
    points = within_reach(figures.points, size)
    for place, visible, name in zip(points, figures.visible, figures.ids.tolist(), strict=True):
        left = PERSON_COLOURS[name % len(PERSON_COLOURS)]
        limb = max(1.0, thickness * _limb_thickness(place, visible, max(size)))
        person = _Person(place.tolist(), visible.tolist(), limb, left, _shaded(left))
        _strokes_of(person, parts).draw_(canvas, rim=max(1, round(limb / 3)))


def _strokes_of(person: _Person, parts: Parts) -> _Strokes:
    """Choose the strokes, those to lie on top last."""
    strokes = _Strokes()
    if Parts.FEET in parts:
        person.add_bones(strokes, _foot_bones(person), 0.75)
        person.add_dots(strokes, skeleton.FIGURE_FEET, 0.45, DOT_COLOUR)
    if Parts.BODY in parts:
        person.add_bones(strokes, _limbs(person), 1.0)
        person.add_dots(strokes, skeleton.FIGURE_BODY, 0.7, DOT_COLOUR)
    if Parts.HANDS in parts:
        for hand, colour in (
            (skeleton.FIGURE_LEFT_HAND, person.left),
            (skeleton.FIGURE_RIGHT_HAND, person.right),
        ):
            person.add_bones(strokes, _hand_bones(hand, colour), 0.4)
            person.add_dots(strokes, hand, 0.25, DOT_COLOUR)
    if Parts.FACE in parts:
        person.add_dots(strokes, skeleton.FIGURE_FACE, 0.25, person.left)
    return strokes


def _limbs(person: _Person) -> list[tuple[int, int, Rgb]]:
    """Limbs with their colours: a limb is a right one if it ends in a right joint."""
    return [
        (first, second, person.right if second in _RIGHT_JOINTS else person.left)
        for first, second in skeleton.LIMBS
    ]


def _foot_bones(person: _Person) -> list[tuple[int, int, Rgb]]:
    """Bones of both feet with their colours."""
    return [
        (
            ankle,
            skeleton.FIGURE_FEET.start + tip,
            person.right if ankle in _RIGHT_JOINTS else person.left,
        )
        for ankle, tip in skeleton.FOOT_BONES
    ]


def _hand_bones(hand: slice, colour: Rgb) -> list[tuple[int, int, Rgb]]:
    """Bones of one hand in its colour."""
    return [
        (hand.start + first, hand.start + second, colour) for first, second in skeleton.HAND_BONES
    ]


def _limb_thickness(points: NDArray[np.float64], visible: BoolArray, longest_side: int) -> float:
    """Thickness of a person's limbs in pixels, at least 1."""
    body = points[skeleton.FIGURE_BODY][visible[skeleton.FIGURE_BODY]]
    reach = float(np.ptp(body, axis=0).max()) if len(body) else 0.0
    return max(1.0, min(longest_side * _CANVAS_SHARE, reach * _PERSON_SHARE))


def _shaded(colour: Rgb) -> Rgb:
    """The colour of the right side that goes with one of the left."""
    red, green, blue = (round(channel * RIGHT_SHADE) for channel in colour)
    return red, green, blue
