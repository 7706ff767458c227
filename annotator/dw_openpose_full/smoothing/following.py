"""Who is who: a name for each person, the same in every frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..geometry import intersection_over_union
from ..poses import Boxes, FloatArray, IntArray

LEAST_OVERLAP: Final = 0.3  # intersection over union of one person's boxes in following frames


@dataclass(eq=False)
class _Known:
    """Somebody, as they were seen last."""

    name: int
    box: FloatArray
    frame: int


class Follower:
    """Follows people by the overlap of their boxes, largest first; who is new gets a new name."""

    def __init__(self, patience: int) -> None:
        """Know nobody yet.

        Args:
            patience: Frames that a person may be missing from.
        """
        self._patience = patience
        self._known: list[_Known] = []
        self._frame = self._born = 0

    def names(self, boxes: Boxes) -> IntArray:
        """Names ``(P,)`` of the people of the next frame, from 0 in the order they appeared."""
        self._frame += 1
        oldest = self._frame - self._patience - 1
        self._known = [person for person in self._known if person.frame >= oldest]
        names = np.full(len(boxes), -1, np.int64)
        for known, row in self._pairs(boxes):
            names[row] = known.name
            known.box, known.frame = boxes.xyxy[row], self._frame
        for row in np.flatnonzero(names < 0).tolist():
            names[row] = self._born
            self._known.append(_Known(self._born, boxes.xyxy[row], self._frame))
            self._born += 1
        return names

    def _pairs(self, boxes: Boxes) -> list[tuple[_Known, int]]:
        """Those who are known, with their rows."""
        rows = [intersection_over_union(known.box, boxes.xyxy) for known in self._known]
        shared = np.array(rows, np.float32).reshape(len(rows), len(boxes))
        pairs = []
        while shared.size and shared.max() >= LEAST_OVERLAP:
            known, row = (int(index) for index in np.unravel_index(shared.argmax(), shared.shape))
            shared[known], shared[:, row] = 0, 0
            pairs.append((self._known[known], row))
        return pairs
