"""Bones: joint angles to the 133 keypoints of a person in space.

Metres; ``x`` to the right of who looks on, ``y`` down, ``z`` away from them. A person of no angles
faces who looks on, so that their left is at positive ``x``; arms and legs hang down. Angles are
radians. Limbs are made as left ones; a right one is the mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...skeleton import FACE, LEFT_HAND, RIGHT_HAND, WHOLE_BODY_COUNT
from .faces import CHIN, Expression, Points, face_points

Turn = NDArray[np.float64]
"""``(3, 3)`` rotation."""

SIDES: Final = (1, -1)
"""Left and right, as the sign of ``x``."""

# of the left hand, hanging, its back to the front: where each finger begins, thumb first
_ROOTS: Final = np.array(
    [[-0.02, 0.03, 0], [-0.028, 0.09, 0], [-0.008, 0.094, 0], [0.012, 0.09, 0], [0.03, 0.08, 0]]
)
_REACH: Final = (0.034, 0.033, 0.036, 0.034, 0.027)  # of each bone of a finger
_FAN: Final = (0.75, 0.16, 0.03, -0.1, -0.24)  # angle of each finger that is not spread
_TOES: Final = np.array([[-0.01, 0.075, -0.17], [0.065, 0.08, -0.13], [0.0, 0.07, 0.06]])


@dataclass(frozen=True)
class Build:
    """Lengths of a person, in metres; those of a doll: head, hands and feet are large.

    Attributes:
        shoulders: From the middle to a shoulder; ``hips`` alike.
        head: Half the width of the head.
        hand: Factor for hands and feet.
        girth: Factor for the flesh.
    """

    shoulders: float = 0.18
    hips: float = 0.1
    trunk: float = 0.5
    neck: float = 0.07
    head: float = 0.12
    upper_arm: float = 0.28
    forearm: float = 0.25
    hand: float = 1.3
    thigh: float = 0.42
    shin: float = 0.4
    girth: float = 1.0


@dataclass(frozen=True)
class Arm:
    """Angles of an arm.

    Attributes:
        lift: Away from the body, to the side.
        swing: To the front.
        bend: Of the elbow.
        twist: Which way the elbow bends: 0 to the front, positive outwards.
        wrist: Of the hand towards the thumb.
        roll: Of the hand about its length; 0 shows the back of a hanging hand to the front.
        curl: Of each joint of the fingers.
        spread: Between the fingers.
    """

    lift: float = 0.0
    swing: float = 0.0
    bend: float = 0.0
    twist: float = 0.0
    wrist: float = 0.0
    roll: float = 0.0
    curl: float = 0.0
    spread: float = 0.0


@dataclass(frozen=True)
class Leg:
    """Angles of a leg: to the side, to the front, of the knee, of the toes outwards."""

    lift: float = 0.0
    swing: float = 0.0
    bend: float = 0.0
    toes: float = 0.0


@dataclass(frozen=True)
class Posture:
    """All angles of a person.

    Attributes:
        trunk: Turn to their left, bow to the front, lean to their left.
        head: The same, on top of the trunk's.
        arms: Left, right; ``legs`` alike.
        look_down: From how far above they are looked at.
    """

    trunk: tuple[float, float, float] = (0.0, 0.0, 0.0)
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)
    arms: tuple[Arm, Arm] = (Arm(), Arm())
    legs: tuple[Leg, Leg] = (Leg(), Leg())
    expression: Expression = Expression()  # noqa: RUF009  frozen
    look_down: float = 0.0


@dataclass(frozen=True, eq=False)
class Body:
    """A person in space.

    Attributes:
        keypoints: ``(133, 3)``.
        skull: ``(2, 3)``, its crown and its chin.
        neck: ``(3,)``, the middle of the shoulders.
        build: Its lengths.
    """

    keypoints: Points
    skull: Points
    neck: Points
    build: Build


def stand(build: Build, posture: Posture) -> Body:
    """Give a person a posture; the middle of their hips is at ``(0, 0, 0)``."""
    points = np.zeros((WHOLE_BODY_COUNT, 3))
    view = _about_x(posture.look_down)
    pelvis = view @ _about_y(-posture.trunk[0])
    trunk = view @ _turned(posture.trunk)
    head = trunk @ _turned(posture.head)
    neck = trunk @ [0, -build.trunk, 0]
    middle = neck + head @ [0, -build.neck - build.head * CHIN, 0]
    _set_head_(points, middle, head * build.head, posture.expression)
    for number, side in enumerate(SIDES):
        mirror = np.diag([side, 1.0, 1.0])
        arm = neck + _arm(posture.arms[number], build) @ (trunk @ mirror).T
        leg = _leg(posture.legs[number], build) @ (pelvis @ mirror).T
        points[[5 + number, 7 + number, 9 + number]] = arm[:3]
        points[(LEFT_HAND, RIGHT_HAND)[number]] = arm[3:]
        points[[11 + number, 13 + number, 15 + number]] = leg[:3]
        points[17 + 3 * number : 20 + 3 * number] = leg[3:]
    skull = middle + np.array([[0, -CHIN, 0], [0, CHIN, 0]]) * build.head @ head.T
    return Body(points, skull, neck, build)


def _set_head_(points: Points, middle: Points, head: Turn, expression: Expression) -> None:
    """Place the face, and nose, eyes and ears, which are of the body too."""
    face = face_points(expression)
    ears = np.array([[1.0, -0.05, 0.1], [-1.0, -0.05, 0.1]])
    eyes = face[[range(42, 48), range(36, 42)]].mean(axis=1)
    points[FACE] = middle + face @ head.T
    points[:5] = middle + np.concatenate([face[30:31], eyes, ears]) @ head.T


def _arm(arm: Arm, build: Build) -> Points:
    """Shoulder, elbow, wrist and hand of a left arm, ``(24, 3)``, from the neck."""
    upper = _about_z(-arm.lift) @ _about_x(-arm.swing) @ _about_y(-arm.twist)
    lower = upper @ _about_x(-arm.bend)
    hand = lower @ _about_y(arm.twist + arm.roll) @ _about_z(arm.wrist)
    shoulder = np.array([build.shoulders, 0.03, 0])
    elbow = shoulder + upper @ [0, build.upper_arm, 0]
    wrist = elbow + lower @ [0, build.forearm, 0]
    fingers = _hand(arm.curl, arm.spread) * build.hand
    return np.concatenate([[shoulder, elbow, wrist], wrist + fingers @ hand.T])


def _hand(curl: float, spread: float) -> Points:
    """A hanging left hand, ``(21, 3)``, from the wrist: its root, then the fingers."""
    points = [np.array([0, 0.01, 0])]
    for finger, (root, reach, fan) in enumerate(zip(_ROOTS, _REACH, _FAN, strict=True)):
        aim = _about_z(fan + spread * (0.5 if finger == 0 else (2 - finger) / 2))
        bend = curl * (0.5 if finger == 0 else 1.0)
        points.append(root)
        for joint in (1, 2, 3):
            points.append(points[-1] + aim @ _about_x(bend * joint) @ [0, reach, 0])
    return np.array(points)


def _leg(leg: Leg, build: Build) -> Points:
    """Hip, knee, ankle, big toe, small toe and heel of a left leg, ``(6, 3)``, from the pelvis."""
    upper = _about_z(-leg.lift) @ _about_x(-leg.swing)
    lower = upper @ _about_x(leg.bend)
    hip = np.array([build.hips, 0, 0])
    knee = hip + upper @ [0, build.thigh, 0]
    ankle = knee + lower @ [0, build.shin, 0]
    foot = _TOES * build.hand @ _about_y(-leg.toes).T
    return np.concatenate([[hip, knee, ankle], ankle + foot])


def _turned(angles: tuple[float, float, float]) -> Turn:
    """To their left, then a bow, then a lean to their left."""
    turn, bow, lean = angles
    return _about_z(lean) @ _about_x(bow) @ _about_y(-turn)


def _about_x(angle: float) -> Turn:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def _about_y(angle: float) -> Turn:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])


def _about_z(angle: float) -> Turn:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
