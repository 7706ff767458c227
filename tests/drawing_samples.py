"""Figures made by hand, for tests of drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dw_openpose_full import skeleton
from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.poses import Boxes, ImageSize

Points = Mapping[int, Sequence[float]]
"""Visible points of a figure by number, 0..135, ``(x, y)``."""

STANDING_BODY = (
    (256, 100), (256, 180), (200, 180), (170, 270), (150, 360), (312, 180), (342, 270), (362, 360),
    (220, 400), (215, 530), (210, 660), (292, 400), (297, 530), (302, 660), (244, 88), (268, 88),
    (228, 95), (284, 95),
)  # fmt: skip
"""Joints 0..17 of a person who faces the camera, on a canvas of 768 x 512."""


def figures_of(*people: Points, size: tuple[int, int] = (40, 60)) -> OpenPoseFigures:
    """Figures with just these points, all of them visible with score 1."""
    points = np.zeros((len(people), skeleton.FIGURE_COUNT, 2), np.float32)
    visible = np.zeros(points.shape[:2], np.bool_)
    for row, person in enumerate(people):
        for index, point in person.items():
            points[row, index], visible[row, index] = point, True
    boxes = Boxes.around(points, visible)
    ids = np.arange(len(people), dtype=np.int64)
    return OpenPoseFigures(
        points, visible, visible.astype(np.float32), boxes, ids, ImageSize(*size)
    )


def standing_person(shift: tuple[float, float] = (0.0, 0.0)) -> dict[int, tuple[float, float]]:
    """A person of 768 x 512 pixels with body, both hands, face and pupils, but no feet."""
    places: list[tuple[float, float]] = [*STANDING_BODY]
    places += [(226 + 6 * (i % 10), 70 + 9 * (i // 10)) for i in range(68)]
    places += [STANDING_BODY[14], STANDING_BODY[15]]
    places += [(362 + 7 * (i % 5), 372 + 9 * (i // 5)) for i in range(21)]
    places += [(150 - 7 * (i % 5), 372 + 9 * (i // 5)) for i in range(21)]
    return {i: (x + 0.5 + shift[0], y + 0.5 + shift[1]) for i, (x, y) in enumerate(places)}


def without(person: Points, *indices: int) -> dict[int, Sequence[float]]:
    """The same person, but for these points."""
    return {index: point for index, point in person.items() if index not in indices}


def only(person: Points, span: slice) -> dict[int, Sequence[float]]:
    """Just these points of the person."""
    return {index: point for index, point in person.items() if span.start <= index < span.stop}
