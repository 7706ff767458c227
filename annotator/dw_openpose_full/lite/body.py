"""Organ 4: 17 body and 6 foot keypoints of one person.

MoveNet's reference says who and where; BlazePose, where it agrees about that, sharpens arms and
legs, and knows heels and toes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..geometry import outside
from ..poses import BoolArray, FloatArray, ImageSize
from . import blazepose
from .blazepose import Landmarks
from .opinion import HIPS, Opinion
from .reference import KNEES_AND_ANKLES, Reference

# rows of the 23 keypoints of body and feet
FIRST_LIMB: Final = 7  # elbows, wrists, hips, knees, ankles: where BlazePose is exact
ARMS: Final = slice(7, 11)  # elbows and wrists
LEGS: Final = KNEES_AND_ANKLES
LOWER: Final = slice(11, 23)  # hips, legs, feet
FEET: Final = slice(17, 23)
SMALL_TOES: Final = (18, 21)
# BlazePose's big toes and heels; it has no small toe
FOOT_SOURCES: Final = (31, 31, 29, 32, 32, 30)
FOOT_ANKLES: Final = (15, 15, 15, 16, 16, 16)
HEELS_OF_SMALL_TOES: Final = (19, 22)

NEAR: Final = 0.25  # of the body's size: the two networks mean the same joint
BLAZE_SHARE: Final = 0.2  # weight of BlazePose's score against MoveNet's, where both agree
MOVENET_GAIN: Final = 1.4  # MoveNet's score of .21 is as good as .3 elsewhere

# an arm that MoveNet does not see and BlazePose is sure of
ARM_UNSEEN: Final = 0.3
ARM_SURE: Final = 0.8
ARM_SCORE: Final = 0.6

SMALL_TOE_SHARE: Final = 0.15  # a small toe is guessed this far from the big toe to the heel
HIP_CUT: Final = 0.6  # hips of somebody cut at the waist, where the networks disagree
# hips to toes this near to the picture's lower edge, of the size, are mostly guesses
EDGE: Final = 0.03
EDGE_CUT: Final = 0.08  # ... of somebody cut at the waist
EDGE_SCORE: Final = 0.4
OUTSIDE: Final = 0.01  # of the size: points further outside the picture were not seen


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


def read_body(reference: Reference, opinion: Opinion, image_size: ImageSize) -> Body:
    """Join a reference with BlazePose's opinion of the same person."""
    landmarks = opinion.landmarks
    points, scores = np.zeros((23, 2), np.float32), np.zeros(23, np.float32)
    points[:17] = reference.points
    scores[:17] = np.clip(reference.scores * MOVENET_GAIN, 0, 1)
    if opinion.agrees:
        far = _join_(points, scores, reference, opinion)
        _add_feet_(points, scores, landmarks, far)
    if reference.legs_cut:
        scores[LEGS] = np.minimum(scores[LEGS], reference.scores[LEGS])
    edge = (EDGE_CUT if reference.legs_cut else EDGE) * reference.size
    bottom = image_size.height - 1 - edge
    scores[LOWER] *= np.where(points[LOWER, 1] > bottom, EDGE_SCORE, 1)
    scores[outside(points, image_size, OUTSIDE * reference.size)] = 0
    return Body(points, scores, reference.size, landmarks.points if opinion.agrees else None)


def _join_(
    points: FloatArray, scores: FloatArray, reference: Reference, opinion: Opinion
) -> BoolArray:
    """Move limbs towards BlazePose where the two agree; returns where they do not, ``(17,)``."""
    body = list(blazepose.BODY)
    theirs, their_scores = opinion.landmarks.points[body], opinion.landmarks.scores[body]
    far: BoolArray = np.hypot(*(theirs - points[:17]).T) > NEAR * reference.size
    limb = np.arange(17) >= FIRST_LIMB
    weights = BLAZE_SHARE * their_scores
    share = np.where(limb & ~far, weights / np.maximum(weights + reference.scores, 1e-6), 0)
    agreed = np.maximum(scores[:17], np.sqrt(scores[:17] * their_scores))
    scores[:17] = np.where(limb & ~far, agreed, scores[:17])
    if opinion.is_sure:
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
    points[FEET] = landmarks.points[sources]
    for toe, heel in zip(SMALL_TOES, HEELS_OF_SMALL_TOES, strict=True):
        points[toe] += SMALL_TOE_SHARE * (points[heel] - points[toe])
    scores[FEET] = np.sqrt(landmarks.scores[sources] * scores[ankles]) * ~far[ankles]
    scores[list(SMALL_TOES)] = 0  # a guess, never drawn
