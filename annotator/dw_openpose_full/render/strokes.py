"""The strokes of one figure: limbs, joints, hands, face, feet. Styles put them in order.

What is drawn is what every published OpenPose annotator draws of a part; a ``Pen`` holds what the
styles disagree about.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .. import skeleton
from ..poses import BoolArray, RgbImage
from ..skeleton import Rgb
from .canvas import bone_, disc_, length_on_canvas, limb_

Person = list[list[float] | None]
"""The 136 points of a figure, ``(x, y)`` in pixels of the canvas, ``None`` where nothing is drawn;
plain numbers, which are quicker to take one by one than those of an array."""

# ControlNet (Zhang et al., 2023) was trained on limbs at 60 % of their joint's colour
LIMB_COLOURS: Final[tuple[Rgb, ...]] = tuple(
    (red * 6 // 10, green * 6 // 10, blue * 6 // 10) for red, green, blue in skeleton.JOINT_COLOURS
)
HAND_DOT_COLOUR: Final = (0, 0, 255)
FACE_DOT_COLOUR: Final = (255, 255, 255)

_HANDS_AND_FACE: Final = slice(skeleton.FIGURE_FACE.start, skeleton.FIGURE_RIGHT_HAND.stop)


@dataclass(frozen=True)
class Pen:
    """Sizes in pixels; by default those that the ControlNets of Stable Diffusion 1.5 know.

    Attributes:
        limb: Half width of a limb.
        joint: Radius of a joint.
        bone: Thickness of a hand's bone.
        hand_dot: Radius of a hand's point.
        face_dot: Radius of a face's point.
        foot: Half width of a foot's bone.
        foot_dot: Radius of a foot's point.
        by_length: Takes the place of ``limb``, ``bone`` and ``foot``: from a length to one of them.
        thickness: What ``by_length`` is multiplied by; see :meth:`scaled`.
    """

    limb: int = 4
    joint: int = 4
    bone: int = 2
    hand_dot: int = 4
    face_dot: int = 3
    foot: int = 3
    foot_dot: int = 3
    by_length: Callable[[float], int] | None = None

    thickness: float = 1.0

    def width(self, usual: int, length: float) -> int:
        """Width of a stroke of that length."""
        return usual if self.by_length is None else self._thick(self.by_length(length))

    def scaled(self, thickness: float) -> Pen:
        """The same pen with every width and radius times so much, but at least one pixel."""
        if thickness == 1:
            return self
        thick = replace(self, thickness=self.thickness * thickness)
        return replace(
            thick,
            limb=thick._thick(self.limb),
            joint=thick._thick(self.joint),
            bone=thick._thick(self.bone),
            hand_dot=thick._thick(self.hand_dot),
            face_dot=thick._thick(self.face_dot),
            foot=thick._thick(self.foot),
            foot_dot=thick._thick(self.foot_dot),
        )

    def _thick(self, usual: int) -> int:
        return max(1, round(usual * self.thickness))


def people(points: NDArray[np.float64], visible: BoolArray) -> list[Person]:
    """Unpack points ``(P, 136, 2)`` and visibility ``(P, 136)`` for the strokes below.

    Hands and faces have no point in the first row or column of the canvas, nor beyond: there the
    published annotators take it for missing. Bodies and feet are drawn everywhere.
    """
    shown = visible.copy()
    shown[:, _HANDS_AND_FACE] &= (points[:, _HANDS_AND_FACE] >= 1).all(axis=-1)
    return [
        [point if drawn else None for point, drawn in zip(row, flags, strict=True)]
        for row, flags in zip(points.tolist(), shown.tolist(), strict=True)
    ]


def limb_stroke_(canvas: RgbImage, person: Person, limb: int, pen: Pen) -> None:
    """Draw one limb, if both its joints are there."""
    start, end = (person[joint] for joint in skeleton.LIMBS[limb])
    if start and end:
        limb_(canvas, start, end, pen.width(pen.limb, math.dist(start, end)), LIMB_COLOURS[limb])


def joint_stroke_(canvas: RgbImage, person: Person, joint: int, pen: Pen) -> None:
    """Draw one joint, if it is there."""
    centre = person[joint]
    if centre:
        disc_(canvas, centre, pen.joint, skeleton.JOINT_COLOURS[joint])


def body_strokes_(canvas: RgbImage, person: Person, pen: Pen) -> None:
    """Draw a body: limbs, then joints on top of them."""
    for limb in range(len(skeleton.LIMBS)):
        limb_stroke_(canvas, person, limb, pen)
    for joint in range(len(skeleton.JOINT_COLOURS)):
        joint_stroke_(canvas, person, joint, pen)


def hand_strokes_(canvas: RgbImage, person: Person, hand: slice, pen: Pen) -> None:
    """Draw a hand: bones, then points on top of them.

    Args:
        canvas: Drawn on.
        person: Whose hand.
        hand: ``FIGURE_LEFT_HAND`` or ``FIGURE_RIGHT_HAND``.
        pen: Sizes.
    """
    points = person[hand]
    for (first, second), colour in zip(skeleton.HAND_BONES, skeleton.HAND_COLOURS, strict=True):
        start, end = points[first], points[second]
        if start and end:
            bone_(canvas, start, end, pen.width(pen.bone, length_on_canvas(start, end)), colour)
    for centre in points:
        if centre:
            disc_(canvas, centre, pen.hand_dot, HAND_DOT_COLOUR)


def face_strokes_(canvas: RgbImage, person: Person, face: slice, pen: Pen) -> None:
    """Draw a face: points without lines.

    Args:
        canvas: Drawn on.
        person: Whose face.
        face: ``FIGURE_FACE``, or ``FIGURE_LANDMARKS`` without the pupils.
        pen: Sizes.
    """
    for centre in person[face]:
        if centre:
            disc_(canvas, centre, pen.face_dot, FACE_DOT_COLOUR)


def foot_strokes_(canvas: RgbImage, person: Person, pen: Pen) -> None:
    """Draw both feet, to be drawn before the body: ankle and shin then cover their ends."""
    toes_and_heels = person[skeleton.FIGURE_FEET]
    rows = zip(skeleton.FOOT_BONES, skeleton.FOOT_SHINS, strict=True)
    for (ankle, tip), shin in rows:
        start, end = person[ankle], toes_and_heels[tip]
        if start and end:
            limb_(
                canvas, start, end, pen.width(pen.foot, math.dist(start, end)), LIMB_COLOURS[shin]
            )
    for ankle, tip in skeleton.FOOT_BONES:
        centre = toes_and_heels[tip]
        if centre:
            disc_(canvas, centre, pen.foot_dot, skeleton.JOINT_COLOURS[ankle])
