"""Organ 3: 17 body and 6 foot keypoints of one person.

MoveNet's reference says who and where; BlazePose, where it agrees about that, sharpens arms and legs
and knows heels and toes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..geometry import Crop, Pyramid, direction, distance
from ..poses import BoolArray, FloatArray
from . import blazepose
from .blazepose import BlazePose, Landmarks
from .reference import CROP_PAD, Reference, similarity

# rows of the 23 keypoints of body and feet
SHOULDERS: Final = (5, 6)
EYES: Final = (1, 2)
HIPS: Final = (11, 12)
FIRST_LIMB: Final = 7  # elbows, wrists, hips, knees, ankles: where BlazePose is exact
ARMS: Final = slice(7, 11)  # elbows and wrists
LOWER: Final = slice(11, 23)  # hips, legs, feet
FEET: Final = slice(17, 23)
SMALL_TOES: Final = (18, 21)
FOOT_SOURCES: Final = (
    31,
    31,
    29,
    32,
    32,
    30,
)  # BlazePose's big toes and heels; it has no small toe
FOOT_ANKLES: Final = (15, 15, 15, 16, 16, 16)
BLAZE_ANKLES: Final = (27, 27, 27, 28, 28, 28)
HEELS_OF_SMALL_TOES: Final = (19, 22)

PERSON_THERE: Final = 0.5  # BlazePose's flag, as in MediaPipe
LOOK_AGAIN: Final = 0.1  # a flag above this is worth a second look at a better crop
SAME_PERSON: Final = 0.4  # similarity with the reference below which BlazePose is on somebody else
SURELY_SAME: Final = 0.7
WORSE: Final = 0.1  # a second look may be this much less similar, for it is better aligned
NEAR: Final = 0.2  # of the body's size: the two networks mean the same joint
BLAZE_SHARE: Final = 0.3  # weight of BlazePose's score against MoveNet's, where both agree
MOVENET_GAIN: Final = 1.4  # MoveNet's score of .21 is as good as .3 elsewhere

# an arm that MoveNet does not see and BlazePose is sure of
ARM_UNSEEN: Final = 0.25
ARM_SURE: Final = 0.8
ARM_SCORE: Final = 0.6

FOOT_SHIFT: Final = 0.3  # feet follow the joined ankle by this share of its move
SMALL_TOE_SHARE: Final = 0.15  # a small toe is guessed this far from the big toe to the heel
HIP_CUT: Final = 0.6  # hips of somebody cut at the waist, where the networks disagree
EDGE: Final = 0.03  # of the size: lower points this near to the picture's lower edge are doubtful
EDGE_SCORE: Final = 0.5
OUTSIDE: Final = 0.01  # of the size: points further outside the picture were not seen

# shares of a standing person's height (anthropometric, between joint centres)
SHOULDER_WIDTH: Final = 0.20
EYES_TO_SHOULDERS: Final = 0.125
TORSO: Final = 0.29
WHOLE_SIDE: Final = 1.03  # side of BlazePose's crop, of the height


@dataclass(frozen=True, eq=False)
class Body:
    """One person's body and feet.

    Attributes:
        points: ``(23, 2)`` in pixels of the picture.
        scores: ``(23,)``; 0.3 and above is meant to be drawn.
        size: The body's size in pixels.
        blaze: BlazePose's 39 points ``(39, 2)`` where it agrees about the person.
    """

    points: FloatArray
    scores: FloatArray
    size: float
    blaze: FloatArray | None


def read_body(network: BlazePose, picture: Pyramid, reference: Reference) -> Body:
    """Join a reference with what BlazePose sees of the same person."""
    landmarks, alike = _look(network, picture, reference)
    points, scores = np.zeros((23, 2), np.float32), np.zeros(23, np.float32)
    points[:17] = reference.points
    scores[:17] = np.clip(reference.scores * MOVENET_GAIN, 0, 1)
    agrees = landmarks.flag >= PERSON_THERE and alike >= SAME_PERSON
    if agrees:
        far = _join_(points, scores, reference, landmarks, sure=alike > SURELY_SAME)
        _add_feet_(points, scores, landmarks, far)
    bottom = picture.image_size.height - 1 - EDGE * reference.size
    scores[LOWER] *= np.where(points[LOWER, 1] > bottom, EDGE_SCORE, 1)
    scores[picture.outside(points, OUTSIDE * reference.size)] = 0
    return Body(points, scores, reference.size, landmarks.points if agrees else None)


def _look(network: BlazePose, picture: Pyramid, reference: Reference) -> tuple[Landmarks, float]:
    """BlazePose's view, the better of two crops, and how similar to the reference it is."""

    def see(crop: Crop) -> tuple[Landmarks, float]:
        seen = network.read(picture, crop)
        points = seen.points[list(blazepose.BODY)]
        weights = reference.scores**2
        return seen, similarity(reference.points, points, weights, reference.size)

    if reference.legs_cut:
        centre, side, rotation = whole_of_upper(reference)
        first = see(_square(centre, side * WHOLE_SIDE, rotation))
        if first[1] >= SURELY_SAME:
            return first
        second, slack = see(_square(centre, side, rotation)), 0.0
    else:
        box = reference.box
        side = float((box[2:] - box[:2]).max()) * CROP_PAD
        first = see(_square((box[:2] + box[2:]) / 2, side, 0.0))
        if first[0].flag <= LOOK_AGAIN:
            return first
        second, slack = see(_aligned(first[0].points)), WORSE
    worse = second[1] < first[1] - slack
    return first if worse or second[0].flag < min(first[0].flag, PERSON_THERE) else second


def whole_of_upper(reference: Reference) -> tuple[FloatArray, float, float]:
    """Where the whole body would be of a person whose legs are not in the picture.

    Returns:
        Hips' centre ``(2,)``, the person's height in pixels, and the rotation.
    """
    points = reference.points
    shoulders, eyes = points[list(SHOULDERS)].mean(axis=0), points[list(EYES)].mean(axis=0)
    heights = [
        distance(points[SHOULDERS[0]], points[SHOULDERS[1]]) / SHOULDER_WIDTH,
        distance(eyes, shoulders) / EYES_TO_SHOULDERS,
    ]
    down = (shoulders - eyes) * (0.5, 1.0)  # heads turn sideways more than bodies
    hips: FloatArray | None = None
    if reference.scores[list(HIPS)].min() > 0.3:
        hips = points[list(HIPS)].mean(axis=0)
        down = hips - shoulders
        heights.append(math.hypot(*down) / TORSO)
    height = float(np.median(heights)) if hips is not None else max(heights)
    down = down / max(math.hypot(*down), 1e-6)
    centre = hips if hips is not None else shoulders + down * TORSO * height
    return np.asarray(centre, np.float32), height, direction(down) - math.pi / 2


def _aligned(points: FloatArray) -> Crop:
    """MediaPipe's crop round the circle that BlazePose itself draws round the body."""
    hips, circle = points[blazepose.HIPS_CENTRE], points[blazepose.CIRCLE]
    side = 2 * CROP_PAD * distance(hips, circle)
    return _square(hips, side, direction(circle - hips) + math.pi / 2)


def _square(centre: FloatArray, side: float, rotation: float) -> Crop:
    return Crop.square(
        (float(centre[0]), float(centre[1])), max(side, 1.0), blazepose.SIDE, rotation
    )


def _join_(
    points: FloatArray,
    scores: FloatArray,
    reference: Reference,
    landmarks: Landmarks,
    *,
    sure: bool,
) -> BoolArray:
    """Move limbs towards BlazePose where the two agree; returns where they do not, ``(17,)``."""
    body = list(blazepose.BODY)
    theirs, their_scores = landmarks.points[body], landmarks.scores[body]
    far: BoolArray = np.hypot(*(theirs - points[:17]).T) > NEAR * reference.size
    limb = np.arange(17) >= FIRST_LIMB
    weights = BLAZE_SHARE * their_scores
    share = np.where(limb & ~far, weights / np.maximum(weights + reference.scores, 1e-6), 0)
    agreed = np.maximum(scores[:17], np.sqrt(scores[:17] * their_scores))
    scores[:17] = np.where(limb & ~far, agreed, scores[:17])
    if sure:
        unseen = np.zeros(17, bool)
        unseen[ARMS] = (reference.scores < ARM_UNSEEN)[ARMS]
        taken = unseen & far & (their_scores > ARM_SURE)
        share[taken], scores[:17][taken] = 1, ARM_SCORE * their_scores[taken]
    points[:17] += share[:, None] * (theirs - points[:17])
    if reference.legs_cut:
        doubtful = [hip for hip in HIPS if far[hip]]
        scores[doubtful] *= HIP_CUT
    return far


def _add_feet_(
    points: FloatArray, scores: FloatArray, landmarks: Landmarks, far: BoolArray
) -> None:
    """Heels and toes from BlazePose, where the two agree about the ankle."""
    ankles, sources = list(FOOT_ANKLES), list(FOOT_SOURCES)
    shift = FOOT_SHIFT * (points[ankles] - landmarks.points[list(BLAZE_ANKLES)])
    points[FEET] = landmarks.points[sources] + shift
    for toe, heel in zip(SMALL_TOES, HEELS_OF_SMALL_TOES, strict=True):
        points[toe] += SMALL_TOE_SHARE * (points[heel] - points[toe])
    scores[FEET] = np.sqrt(landmarks.scores[sources] * scores[ankles]) * ~far[ankles]
    scores[list(SMALL_TOES)] = 0  # a guess, never drawn
