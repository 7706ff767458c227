"""Organ 3: BlazePose's opinion of a person, and whether it means the one of the reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..geometry import Crop, View, direction, distance
from ..poses import FloatArray
from . import blazepose
from .blazepose import BlazePose, Landmarks
from .reference import CROP_PAD, Reference, similarity

SHOULDERS: Final = (5, 6)
EYES: Final = (1, 2)
HIPS: Final = (11, 12)
HIP_SEEN: Final = 0.3

PERSON_THERE: Final = 0.5  # BlazePose's flag, as in MediaPipe
LOOK_AGAIN: Final = 0.1  # a flag above this is worth a second look at a better crop
SAME_PERSON: Final = 0.4  # similarity with the reference below which BlazePose is on somebody else
SURELY_SAME: Final = 0.7
TWINS: Final = 0.85  # so similar that a low flag does not matter
WORSE: Final = 0.1  # a later look may be this much less similar, for its crop is better

# shares of a standing person's height (anthropometric, between joint centres)
SHOULDER_WIDTH: Final = 0.20
EYES_TO_SHOULDERS: Final = 0.125
TORSO: Final = 0.29
WHOLE_SIDE: Final = 1.03  # side of BlazePose's crop, of the height


@dataclass(frozen=True, eq=False)
class Opinion:
    """What BlazePose sees, and how similar that is to a reference, 0..1."""

    landmarks: Landmarks
    alike: float

    @property
    def agrees(self) -> bool:
        """Whether it sees somebody, and the same person."""
        there = self.landmarks.flag >= PERSON_THERE
        return self.alike >= (SAME_PERSON if there else TWINS)

    @property
    def is_sure(self) -> bool:
        """Whether it is the same person beyond doubt."""
        return self.alike > SURELY_SAME

    def improves_on(self, earlier: Opinion, *, slack: float = WORSE) -> bool:
        """Whether this later opinion is to be taken for an earlier one."""
        least = min(earlier.landmarks.flag, PERSON_THERE)
        return self.alike >= earlier.alike - slack and self.landmarks.flag >= least


def opinion_of(landmarks: Landmarks, reference: Reference) -> Opinion:
    """Hold landmarks against a reference; its surer keypoints count more."""
    points, weights = landmarks.points[list(blazepose.BODY)], reference.scores**2
    return Opinion(landmarks, similarity(reference.points, points, weights, reference.size))


def ask(network: BlazePose, view: View, reference: Reference) -> Opinion:
    """BlazePose's opinion from two crops: the better one, or the mean of two good ones."""

    def see(crop: Crop) -> Opinion:
        return opinion_of(network.read(view, crop), reference)

    if reference.legs_cut:
        centre, height, rotation = whole_of_upper(reference)
        first = see(Crop.square(centre, height * WHOLE_SIDE, blazepose.SIDE, rotation))
        if first.is_sure:
            return first
        second, slack = see(Crop.square(centre, height, blazepose.SIDE, rotation)), 0.0
    else:
        box = reference.box
        side = float((box[2:] - box[:2]).max()) * CROP_PAD
        first = see(Crop.square((box[:2] + box[2:]) / 2, side, blazepose.SIDE))
        if first.landmarks.flag <= LOOK_AGAIN:
            return first
        second, slack = see(_aligned(first.landmarks.points)), WORSE
    flags = first.landmarks.flag, second.landmarks.flag
    if first.is_sure and second.is_sure and min(flags) > PERSON_THERE:
        return Opinion(_mean(first.landmarks, second.landmarks), second.alike)
    return second if second.improves_on(first, slack=slack) else first


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
    if reference.scores[list(HIPS)].min() > HIP_SEEN:
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
    return Crop.square(hips, side, blazepose.SIDE, direction(circle - hips) + math.pi / 2)


def _mean(first: Landmarks, second: Landmarks) -> Landmarks:
    """Two looks at one person in their mean."""
    points = np.asarray((first.points + second.points) / 2, np.float32)
    scores = np.asarray((first.scores + second.scores) / 2, np.float32)
    return Landmarks(second.flag, points, scores, second.mask, second.crop)
