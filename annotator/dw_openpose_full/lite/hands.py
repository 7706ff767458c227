"""Organ 5: 21 keypoints of each hand, looked for beyond the wrists of a body.

MediaPipe's way from a body to a hand: knuckles guessed from the arm, a small network that cuts the
hand out, and the landmark network; once more from the hand's own points when it is not sure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from ..backends import Session
from ..geometry import Crop, View, direction, distance
from ..poses import FloatArray
from .body import Body

HAND_POINTS: Final = 21
RECROP_SIDE: Final = 256
LANDMARK_SIDE: Final = 224


class Arm(NamedTuple):
    """Rows of one arm's joints in a body, and of its hand's points in BlazePose."""

    shoulder: int
    elbow: int
    wrist: int
    blaze_wrist: int
    blaze_pinky: int
    blaze_index: int


LEFT_ARM: Final = Arm(5, 7, 9, 15, 17, 19)
RIGHT_ARM: Final = Arm(6, 8, 10, 16, 18, 20)

WRIST_SEEN: Final = 0.2  # a wrist that scores less has no hand
FOREARM_OF_UPPER: Final = 0.6  # a foreshortened forearm counts as this much of the upper arm
FOREARM_OF_SIZE: Final = 0.15  # ... or of the body's size
BLAZE_NEAR: Final = (
    0.5  # forearms between the two networks' wrists, for BlazePose's fingers to count
)
KNUCKLES_NEAREST: Final = 0.1  # of a forearm, from the wrist, for BlazePose's fingers to count
KNUCKLES_AHEAD: Final = 0.35  # where knuckles are guessed, forearms beyond the wrist
RECROP_OF_KNUCKLES: Final = 2 * 2.7  # crop side, of the way from wrist to knuckles (MediaPipe)
SMALLEST_CROP: Final = 16.0  # pixels of the picture; smaller hands can not be read
LARGEST_CROP: Final = 4.0  # of the picture's longer side
CROP_AHEAD: Final = 0.1  # of its side, towards the fingers (MediaPipe)

HAND_THERE: Final = 0.5  # the landmark network's flag, as in MediaPipe
HAND_ALONE: Final = 0.9  # ... where the wrist itself is doubtful
WRIST_SURE: Final = 0.3
WORTH_A_LOOK: Final = 0.15  # between this flag ...
SURE: Final = 0.9  # ... and this one a second look from the hand's own points pays
WRIST_NEAR: Final = 0.45  # forearms between the hand's wrist and the arm's; else another's hand
LONGEST_PALM: Final = 0.9  # forearms from wrist to middle knuckle; else no hand of this arm

MIDDLE_KNUCKLE: Final = 9
# the points that span a hand's next crop, and the middle joints that give its direction (MediaPipe)
PALM: Final = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)
POINTER_JOINT, MIDDLE_JOINT, RING_JOINT = 6, 10, 14


class Hand(NamedTuple):
    """A hand: 21 points ``(21, 2)`` in the view, and the network's flag, 0..1."""

    points: FloatArray
    flag: float


class HandReader:
    """Finds and reads hands."""

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        """Take the loaded networks ``hand_recrop`` and ``hand``."""
        self._recrop = sessions["hand_recrop"]
        self._landmarks = sessions["hand"]

    def read(self, view: View, body: Body, arm: Arm) -> Hand | None:
        """The hand of one arm; ``None`` where none is seen, or only another's."""
        if body.scores[arm.wrist] < WRIST_SEEN:
            return None
        wrist, forearm = body.points[arm.wrist], _forearm_length(body, arm)
        for knuckles in _guess_knuckles(body, arm, forearm):
            crop = self._cut_out(view, wrist, knuckles)
            hand = None if crop is None else self._look_twice(view, crop)
            least = HAND_THERE if body.scores[arm.wrist] >= WRIST_SURE else HAND_ALONE
            if hand is None or hand.flag < least:
                continue
            if _belongs(hand, wrist, forearm):
                return hand
        return None

    def _cut_out(self, view: View, wrist: FloatArray, knuckles: FloatArray) -> Crop | None:
        """The hand's crop, by the small network; ``None`` where it would be absurd."""
        side = RECROP_OF_KNUCKLES * distance(knuckles, wrist)
        if side < SMALLEST_CROP:
            return None
        rotation = direction(knuckles - wrist) + math.pi / 2
        rough = Crop.square(knuckles, side, RECROP_SIDE, rotation)
        pixels = view.cut(rough)[None].astype(np.float32) / np.float32(255)
        centre, end = rough.points_in_image(self._recrop.run(pixels)[0].reshape(2, 2))
        side, rotation = 2 * distance(end, centre), direction(end - centre) - math.pi / 2
        if not SMALLEST_CROP / 2 < side < LARGEST_CROP * max(view.image_size):
            return None
        ahead = CROP_AHEAD * side * np.array([math.sin(rotation), -math.cos(rotation)])
        return Crop.square(centre + ahead, side, LANDMARK_SIDE, rotation)

    def _look_twice(self, view: View, crop: Crop) -> Hand:
        hand = self._look(view, crop)
        if WORTH_A_LOOK <= hand.flag < SURE:
            again = self._look(view, next_crop(hand.points))
            hand = max(hand, again, key=lambda hand: hand.flag)
        return hand

    def _look(self, view: View, crop: Crop) -> Hand:
        pixels = view.cut(crop)[None].astype(np.float32) / np.float32(255)
        points, flag = self._landmarks.run(pixels)[:2]
        return Hand(crop.points_in_image(points.reshape(HAND_POINTS, 3)[:, :2]), float(flag.item()))


def _forearm_length(body: Body, arm: Arm) -> float:
    """The arm's unit of length, in pixels; a forearm that points at the camera is longer."""
    shoulder, elbow, wrist = (body.points[row] for row in arm[:3])
    return max(
        distance(wrist, elbow),
        FOREARM_OF_UPPER * distance(elbow, shoulder),
        FOREARM_OF_SIZE * body.size,
    )


def _guess_knuckles(body: Body, arm: Arm, forearm: float) -> Iterator[FloatArray]:
    """Where the knuckles may be: by BlazePose's fingers, then straight on from the forearm."""
    wrist, elbow = body.points[arm.wrist], body.points[arm.elbow]
    if body.blaze is not None:
        own, pinky, index = body.blaze[list(arm[3:])]
        ahead = (2 * index + pinky) / 3 - own
        reach = math.hypot(*ahead)
        if (
            distance(own, wrist) < BLAZE_NEAR * forearm
            and KNUCKLES_NEAREST * forearm < reach < forearm
        ):
            yield wrist + ahead
    ahead = wrist - elbow
    yield wrist + ahead * min(1.0, forearm / max(math.hypot(*ahead), 1e-6)) * KNUCKLES_AHEAD


def _belongs(hand: Hand, wrist: FloatArray, forearm: float) -> bool:
    """Whether a hand is this arm's."""
    root = hand.points[0]
    return (
        distance(root, wrist) <= WRIST_NEAR * forearm
        and distance(hand.points[MIDDLE_KNUCKLE], root) <= LONGEST_PALM * forearm
    )


def next_crop(points: FloatArray) -> Crop:
    """The crop for the next look at a hand, from its points ``(21, 2)`` in this one (MediaPipe)."""
    fingers = (points[POINTER_JOINT] + points[RING_JOINT]) / 2
    rotation = direction((fingers + points[MIDDLE_JOINT]) / 2 - points[0]) + math.pi / 2
    cosine, sine = math.cos(rotation), math.sin(rotation)
    axes = np.array([[cosine, sine], [-sine, cosine]])  # rows: the turned hand's x and y axes
    turned = points[list(PALM)] @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    centre = (low + high) / 2 - (0, CROP_AHEAD * (high[1] - low[1]))
    return Crop.square(centre @ axes, 2 * float((high - low).max()), LANDMARK_SIDE, rotation)
