"""A body in space to the parts that are painted, and which of its keypoints they hide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...poses import BoolArray
from ...skeleton import BODY, FACE, FEET, HAND_BONES, LEFT_HAND, RIGHT_HAND, WHOLE_BODY_COUNT, Rgb
from .anatomy import Body
from .clothes import Outfit, dimmed
from .faces import Points
from .painting import Canvas, Layer, Numbers, joined

TRUNK, HEAD, UPPER_ARM, FOREARM, HAND, THIGH, SHIN, FOOT = 0, 1, 2, 4, 6, 8, 10, 12
"""Numbers of parts; of two the left one's, the right one's is the next."""
PART_COUNT: Final = 14


def _carriers() -> BoolArray:
    """Which parts ``(133, 14)`` each keypoint lies on."""
    carriers = np.zeros((WHOLE_BODY_COUNT, PART_COUNT), bool)
    carriers[:5, HEAD] = carriers[FACE, HEAD] = True
    for side, hand in enumerate((LEFT_HAND, RIGHT_HAND)):
        joints = {
            5: (TRUNK, UPPER_ARM + side),
            7: (UPPER_ARM + side, FOREARM + side),
            9: (FOREARM + side, HAND + side),
            11: (TRUNK, THIGH + side),
            13: (THIGH + side, SHIN + side),
            15: (SHIN + side, FOOT + side),
        }
        for joint, parts in joints.items():
            carriers[joint + side, parts] = True
        carriers[FEET.start + 3 * side : FEET.start + 3 * side + 3, FOOT + side] = True
        carriers[hand, HAND + side] = True
        carriers[hand.start, FOREARM + side] = True
    assert carriers.any(axis=1).all()
    assert carriers[BODY].sum() == 5 + 24
    return carriers


CARRIERS: Final = _carriers()


@dataclass(frozen=True, eq=False)
class Figure:
    """A person in a picture, ready to be painted.

    Attributes:
        keypoints: ``(133, 2)`` in pixels.
        layers: Of each part.
        depths: ``(14,)``, how far away each part is.
    """

    keypoints: Numbers
    layers: tuple[tuple[Layer, ...], ...]
    depths: Numbers

    def paint_(self, canvas: Canvas, first: int) -> NDArray[np.int64]:
        """Paint it, from far to near.

        Args:
            canvas: Painted on.
            first: Number of the part that is farthest away; above those of all that is behind.

        Returns:
            ``(14,)``, the number of each part.
        """
        order = np.argsort(-self.depths, kind="stable")
        numbers = np.empty(PART_COUNT, np.int64)
        numbers[order] = first + np.arange(PART_COUNT)
        for part in order:
            for layer in self.layers[part]:
                canvas.paint_(layer, int(numbers[part]))
        return numbers

    def extent(self) -> tuple[Numbers, Numbers]:
        """Top-left and bottom-right corner of all that is painted."""
        corners = [layer.extent() for part in self.layers for layer in part]
        lows, highs = zip(*corners, strict=True)
        return np.min(lows, axis=0), np.max(highs, axis=0)


def figure_of(body: Body, outfit: Outfit, scale: float, middle: Numbers) -> Figure:
    """Look at a body.

    Args:
        body: In space.
        outfit: Its colours.
        scale: Pixels for a metre.
        middle: ``(2,)``, where the middle of the hips is in the picture.
    """
    flesh = _Flesh(body, scale, middle)
    limbs: dict[int, tuple[Layer, ...]] = {TRUNK: flesh.trunk(outfit), HEAD: flesh.head(outfit)}
    for side in (0, 1):
        sleeve, leg = outfit.sleeves[side], outfit.legs[side]
        shoulder, elbow, wrist, hip, knee, ankle = range(5 + side, 17, 2)
        limbs[UPPER_ARM + side] = (flesh.limb(shoulder, elbow, 0.058, 0.046, sleeve),)
        limbs[FOREARM + side] = (flesh.limb(elbow, wrist, 0.045, 0.034, sleeve),)
        limbs[HAND + side] = (flesh.hand((LEFT_HAND, RIGHT_HAND)[side], outfit.gloves[side]),)
        limbs[THIGH + side] = (flesh.limb(hip, knee, 0.088, 0.062, leg),)
        limbs[SHIN + side] = (flesh.limb(knee, ankle, 0.06, 0.042, leg),)
        limbs[FOOT + side] = (flesh.foot(side, outfit.shoes[side]),)
    depths = np.array([body.keypoints[carried, 2].mean() for carried in CARRIERS.T])
    depths[HEAD] = min(depths[HEAD], depths[TRUNK] - 0.01)  # seen from the front, before the neck
    return Figure(flesh.points, tuple(limbs[part] for part in range(PART_COUNT)), depths)


def seen_keypoints(canvas: Canvas, keypoints: Numbers, numbers: NDArray[np.int64]) -> BoolArray:
    """Which keypoints ``(133,)`` nothing nearer than their own parts lies on.

    Args:
        canvas: With everything painted.
        keypoints: ``(133, 2)``, inside the picture.
        numbers: Of the person's parts, as :meth:`Figure.paint_` gives them.
    """
    column, row = np.rint(keypoints).astype(int).T
    own = np.where(CARRIERS, numbers, 0).max(axis=1)
    return np.asarray(canvas.tops[row, column] <= own)


@dataclass(frozen=True, eq=False)
class _Flesh:
    """Makes layers of the places in space of a body."""

    body: Body
    scale: float
    middle: Numbers

    @property
    def points(self) -> Numbers:
        """The keypoints in the picture."""
        return self._seen(self.body.keypoints)

    def limb(self, start: int, end: int, first: float, last: float, colour: Rgb) -> Layer:
        """A capsule from keypoint to keypoint."""
        girth = self.body.build.girth
        return self._capsules([(start, end, first * girth, last * girth)], colour)

    def trunk(self, outfit: Outfit) -> tuple[Layer, ...]:
        """Long hair on the back, neck, shirt and belt."""
        body, girth = self.body, self.body.build.girth
        waist, belly = 0.075 * girth, body.keypoints[[11, 12]].mean(axis=0)
        throat, navel = body.neck * 0.85 + belly * 0.15, body.neck * 0.1 + belly * 0.9
        sides = [(5, 6, 0.06, 0.06), (5, 11, 0.07, waist), (6, 12, 0.07, waist)]
        slants = [(5, 12, 0.08, waist), (6, 11, 0.08, waist)]
        shirt = joined(
            self._capsules([*sides, *slants], outfit.shirt),
            self._capsule(throat, navel, 0.12 * girth, 0.1 * girth, outfit.shirt),
        )
        collar, half = self._along_skull(0.6), body.build.head
        neck = self._capsule(body.neck, collar, 0.06, 0.05, dimmed(outfit.skin, 0.85))
        hair = self._capsule(
            self._along_skull(0.4), self._along_skull(0.95), half, 1.15 * half, outfit.hair
        )
        belt = self._capsules([(11, 12, waist, waist)], outfit.belt)
        return (hair, neck, shirt, belt) if outfit.long_hair else (neck, shirt, belt)

    def head(self, outfit: Outfit) -> tuple[Layer, ...]:
        """Hair, ears, skull, fringe and the lines of the face."""
        half, line = self.body.build.head, 0.0055 * self.scale
        face, eyes, white = self.points[FACE], self.points[1:3], (245, 245, 245)
        brow, jaw = self._along_skull(0.34), self._along_skull(0.7)
        nape = self._along_skull(0.5)
        return (
            self._capsule(brow, nape, 1.2 * half, 1.08 * half, outfit.hair),
            self._capsules([(3, 3, 0.022, 0.022), (4, 4, 0.022, 0.022)], outfit.skin),
            self._capsule(brow, jaw, half, 0.76 * half, outfit.skin),
            Layer.chain(self._fringe(), 0.27 * half * self.scale, outfit.hair),
            Layer.chain(face[17:22], line * 1.3, outfit.hair),
            Layer.chain(face[22:27], line * 1.3, outfit.hair),
            Layer.chain(face[36:42], line, white, closed=True),
            Layer.chain(face[42:48], line, white, closed=True),
            Layer(eyes, eyes, np.full((2, 2), line * 1.8), outfit.lines),
            Layer.chain(face[[27, 30, 33]], line * 0.8, dimmed(outfit.skin, 0.8)),
            Layer.chain(face[31:36], line * 0.8, dimmed(outfit.skin, 0.6)),
            Layer.chain(face[48:60], line * 1.2, (175, 60, 60), closed=True),
            Layer.chain(face[60:68], line * 0.8, outfit.lines, closed=True),
        )

    def hand(self, hand: slice, colour: Rgb) -> Layer:
        """Palm and fingers."""
        size = self.body.build.hand
        bones = [(hand.start + a, hand.start + b) for a, b in HAND_BONES]
        return self._capsules([(a, b, 0.012 * size, 0.010 * size) for a, b in bones], colour)

    def foot(self, side: int, colour: Rgb) -> Layer:
        """A shoe: from the ankle to heel and toes."""
        big, small, heel = range(FEET.start + 3 * side, FEET.start + 3 * side + 3)
        ankle = 15 + side
        toes = [(ankle, big, 0.045, 0.032), (ankle, small, 0.045, 0.03)]
        sole = [(ankle, heel, 0.045, 0.04), (heel, big, 0.04, 0.032)]
        return self._capsules([*sole, *toes], colour)

    def _fringe(self) -> Numbers:
        """A line of hair over the forehead, from ear over crown to ear, ``(5, 2)``."""
        left, right = self.body.keypoints[3:5]
        front = self.body.keypoints[FACE][27] - (left + right) / 2
        top, across = self._along_skull(0.03), (left - right) * 0.3
        rise = self._along_skull(0.28) - self._along_skull(0.5)
        low, high = front * 0.2, front * 0.3
        arch = [left + rise + low, top + across + high, top + front * 0.45]
        return self._seen(np.array([*arch, top - across + high, right + rise + low]))

    def _along_skull(self, share: float) -> Points:
        """A place on the line from the crown, 0, to the chin, 1, or beyond."""
        crown, chin = self.body.skull
        place: Points = crown + share * (chin - crown)
        return place

    def _capsule(self, start: Points, end: Points, first: float, last: float, colour: Rgb) -> Layer:
        """A capsule between places in space; radii in metres."""
        ends = self._seen(np.stack([start, end]))
        return Layer(ends[:1], ends[1:], np.array([[first, last]]) * self.scale, colour)

    def _capsules(self, bones: list[tuple[int, int, float, float]], colour: Rgb) -> Layer:
        """Capsules between keypoints; radii in metres."""
        starts, ends = [bone[0] for bone in bones], [bone[1] for bone in bones]
        radii = np.array([bone[2:] for bone in bones]) * self.scale
        return Layer(self.points[starts], self.points[ends], radii, colour)

    def _seen(self, places: Points) -> Numbers:
        """Places ``(..., 3)`` in space to points of the picture."""
        return places[..., :2] * self.scale + self.middle
