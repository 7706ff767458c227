"""Which of a picture's poses count: ranked by box and keypoints, and each person once.

The rules and numbers are those of the published configurations (mmpose's top-down tests).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..geometry import PersonCrop
from ..poses import FloatArray, ImageSize, WholeBodyPoses
from .parts import SIGMAS

SEEN: Final = 0.2
"""A keypoint's score above which it has a say in the person's."""
SAME_PERSON: Final = 0.9
"""The OKS above which two poses are one person's."""
CROP_SHAPE: Final = ImageSize(256, 192)
"""Shape of every published whole-body network's crops; they all are 4 to 3."""


def person_scores(poses: WholeBodyPoses) -> FloatArray:
    """What ranks each pose, ``(P,)``: its box's score times the mean of its seen keypoints'."""
    seen = poses.scores > SEEN
    total = np.where(seen, poses.scores, 0).sum(axis=1)
    means = np.divide(total, seen.sum(axis=1), out=np.zeros_like(total), where=seen.any(axis=1))
    return np.asarray(means * poses.boxes.scores, np.float32)


def without_repeats(poses: WholeBodyPoses, scores: FloatArray) -> list[int]:
    """Rows of the best poses of which no two are the same person's, best first."""
    order = np.argsort(-scores, kind="stable")
    areas = np.array([_crop_area(box) for box in poses.boxes.xyxy])
    kept: list[int] = []
    while len(order):
        best, rest = int(order[0]), order[1:]
        kept.append(best)
        order = rest[_similarity(poses.keypoints, areas, best, rest) <= SAME_PERSON]
    return kept


def _similarity(
    keypoints: NDArray[np.floating], areas: NDArray[np.float64], one: int, others: NDArray[np.intp]
) -> NDArray[np.float64]:
    """OKS of one pose with others, ``(N,)``, over all keypoints, on the mean of their areas."""
    away = keypoints[others].astype(np.float64) - keypoints[one]
    spreads = (2 * np.array(SIGMAS)) ** 2
    mean_area = (areas[one] + areas[others]) / 2 + np.spacing(1)
    exponent = (away**2).sum(axis=-1) / spreads / mean_area[:, None] / 2
    return np.asarray(np.exp(-exponent).mean(axis=1))


def _crop_area(box: FloatArray) -> float:
    return float(PersonCrop.around(box, CROP_SHAPE).extent.prod())
