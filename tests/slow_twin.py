"""DWPose's arithmetic once more, slow and plain: an independent witness for tests.

Written from the published description alone, in double precision, without OpenCV and without
anything of the package. Only the networks themselves are lent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Run = Callable[[NDArray[np.float32]], Sequence[NDArray[Any]]]
"""A network: a batch in, its outputs out."""

MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # red, green, blue
PERSON, FIRST_SCORE, LAST_SCORE, OVERLAP = 0, 0.1, 0.3, 0.45


@dataclass(frozen=True)
class TwinPerson:
    """Somebody, in pixels of the picture.

    Attributes:
        box: ``(4,)``, ``x1, y1, x2, y2``.
        score: Of the box.
        keypoints: ``(133, 2)``.
        scores: ``(133,)``.
    """

    box: Array
    score: float
    keypoints: Array
    scores: Array


def see(
    picture: NDArray[np.uint8], detector: Run, pose: Run, *, side: int, crop: tuple[int, int],
    parity: bool = False,
) -> list[TwinPerson]:  # fmt: skip
    """The people of an RGB picture, surest first.

    Args:
        picture: ``(H, W, 3)``.
        detector: An undecoded YOLOX.
        pose: A SimCC network.
        side: Of the detector's input.
        crop: Height and width of the pose network's.
        parity: Show the detector RGB.
    """
    small = letterboxed(picture if parity else picture[..., ::-1], side)
    (rows,) = detector(small.transpose(2, 0, 1)[None].astype(np.float32))
    boxes, scores = people(decoded(rows[0], side), side, picture.shape[:2])
    found = []
    for box, score in zip(boxes, scores, strict=True):
        inputs = normalised(warped(picture, crop_matrix(box, crop), crop))
        bins_x, bins_y = pose(inputs.transpose(2, 0, 1)[None].astype(np.float32))
        found.append(TwinPerson(box, score, *at_home(bins_x[0], bins_y[0], box, crop)))
    return found


# ---------------------------------------------------------------- boxes


def letterboxed(picture: NDArray[np.uint8], side: int) -> Array:
    """The picture in the top-left corner of a grey square, whole grey levels."""
    height, width = picture.shape[:2]
    ratio = min(side / height, side / width)
    rows, columns = max(int(height * ratio), 1), max(int(width * ratio), 1)
    x = np.clip((np.arange(columns) + 0.5) * width / columns - 0.5, 0, width - 1)
    y = np.clip((np.arange(rows) + 0.5) * height / rows - 0.5, 0, height - 1)
    square = np.full((side, side, 3), 114.0)
    square[:rows, :columns] = bilinear(picture, *np.meshgrid(x, y))
    return square


def bilinear(picture: NDArray[np.uint8], x: Array, y: Array) -> Array:
    """The picture at places, black outside, rounded to whole grey levels."""
    height, width = picture.shape[:2]
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    total = np.zeros((*x.shape, 3))
    for dy in (0, 1):
        for dx in (0, 1):
            column, row = left + dx, top + dy
            share = (1 - np.abs(x - column)) * (1 - np.abs(y - row))
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            values = picture[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
            total += np.where(inside, share, 0)[..., None] * values
    return np.round(total)


def decoded(rows: NDArray[Any], side: int) -> Array:
    """Corners and 80 class scores ``(cells, 84)`` of a raw head, in pixels of its input."""
    answer = []
    start = 0
    for stride in (8, 16, 32):
        count = side // stride
        for cell in range(count * count):
            x, y, w, h, thing, *kinds = rows[start + cell].astype(np.float64)
            middle_x, middle_y = (x + cell % count) * stride, (y + cell // count) * stride
            half_w, half_h = np.exp(w) * stride / 2, np.exp(h) * stride / 2
            corners = [middle_x - half_w, middle_y - half_h, middle_x + half_w, middle_y + half_h]
            answer.append([*corners, *(thing * kind for kind in kinds)])
        start += count * count
    return np.array(answer)


def people(rows: Array, side: int, size: Sequence[int]) -> tuple[Array, Array]:
    """Boxes ``(P, 4)`` and scores of people in a picture of ``(height, width)``, surest first."""
    height, width = size
    boxes = rows[:, :4] / min(side / height, side / width)
    scores = rows[:, 4 + PERSON]
    kept: list[int] = []
    for row in np.argsort(-scores, kind="stable"):
        if scores[row] > FIRST_SCORE and all(
            overlap(boxes[row], boxes[other]) <= OVERLAP for other in kept
        ):
            kept.append(int(row))
    shown = [
        row
        for row in kept
        if scores[row] > LAST_SCORE
        and boxes[row, 0] < width and boxes[row, 1] < height
        and boxes[row, 2] > 0 and boxes[row, 3] > 0
    ]  # fmt: skip
    return boxes[shown], scores[shown]


def overlap(a: Array, b: Array) -> float:
    """Intersection over union of boxes that hold their last pixel."""
    across = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    down = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return float(across * down / (sum(areas) - across * down))


# ---------------------------------------------------------------- poses


def crop_extent(box: Array, crop: tuple[int, int]) -> tuple[float, float]:
    """Width and height of the crop round a box, in pixels of the picture."""
    width, height = (box[2] - box[0]) * 1.25, (box[3] - box[1]) * 1.25
    shape = crop[1] / crop[0]
    return (width, width / shape) if width > height * shape else (height * shape, height)


def crop_matrix(box: Array, crop: tuple[int, int]) -> Array:
    """The affine map ``(2, 3)`` from the picture into the crop."""
    width, _ = crop_extent(box, crop)
    scale = crop[1] / width
    middle = (box[:2] + box[2:]) / 2
    shift = np.array([crop[1] / 2, crop[0] / 2]) - scale * middle
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def warped(picture: NDArray[np.uint8], matrix: Array, crop: tuple[int, int]) -> Array:
    """What a crop shows, in whole grey levels."""
    y, x = np.mgrid[: crop[0], : crop[1]].astype(np.float64)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    there = np.stack([x, y, np.ones_like(x)], axis=-1) @ back.T
    return bilinear(picture, there[..., 0], there[..., 1])


def normalised(pixels: Array) -> Array:
    """As in training: RGB less its mean, by its deviation."""
    return (pixels - np.array(MEAN)) / np.array(DEVIATION)


def at_home(
    bins_x: NDArray[Any], bins_y: NDArray[Any], box: Array, crop: tuple[int, int]
) -> tuple[Array, Array]:
    """Keypoints ``(K, 2)`` in the picture, and scores ``(K,)``; an unseen one is all zero."""
    extent = crop_extent(box, crop)
    middle = (box[:2] + box[2:]) / 2
    points, scores = [], []
    for row_x, row_y in zip(bins_x.astype(np.float64), bins_y.astype(np.float64), strict=True):
        score = min(row_x.max(), row_y.max())
        places = (int(row_x.argmax()) / 2, int(row_y.argmax()) / 2)
        point = [
            place / side * length + centre - length / 2
            for place, side, length, centre in zip(places, crop[::-1], extent, middle, strict=True)
        ]
        points.append(point if score > 0 else [0.0, 0.0])
        scores.append(max(score, 0.0))
    return np.array(points), np.array(scores)
