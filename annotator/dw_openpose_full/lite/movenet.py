"""MoveNet MultiPose: up to six people of a crop, a box and 17 body keypoints each.

Input int32 RGB 0..255, ``(1, H, W, 3)``, sides multiples of 32; output ``(1, 6, 56)``: 17 times
``y, x, score``, then ``ymin, xmin, ymax, xmax, score``, all relative to the input's sides (model
card of MoveNet MultiPose Lightning 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..backends import Session
from ..geometry import Crop, View
from ..poses import FloatArray

STEP: Final = 32  # the input's sides are multiples of this
MOST_ROWS: Final = 6
POINT_SEEN: Final = 0.2  # score above which one of its keypoints is taken seriously

# the 17 body keypoints with left and right exchanged
MIRRORED: Final = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)


@dataclass(frozen=True, eq=False)
class Rows:
    """The people MoveNet saw in a crop, in pixels of the image.

    Attributes:
        scores: ``(6,)``, how sure it is of each; unused rows score near 0.
        xyxy: ``(6, 4)`` boxes.
        points: ``(6, 17, 2)`` keypoints.
        point_scores: ``(6, 17)``.
    """

    scores: FloatArray
    xyxy: FloatArray
    points: FloatArray
    point_scores: FloatArray

    def wide_boxes(self) -> FloatArray:
        """The boxes ``(6, 4)``, widened to hold the keypoints that were seen."""
        seen = (self.point_scores > POINT_SEEN)[..., None]
        low = np.where(seen, self.points, np.inf).min(axis=1)
        high = np.where(seen, self.points, -np.inf).max(axis=1)
        low, high = np.minimum(self.xyxy[:, :2], low), np.maximum(self.xyxy[:, 2:], high)
        wide: FloatArray = np.concatenate([low, high], axis=1)
        return wide


class MoveNet:
    """MoveNet MultiPose on a session."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network."""
        self._session = session

    def read(self, view: View, crop: Crop, *, mirrored: bool = False) -> Rows:
        """Read the people of a crop; ``mirrored`` shows the network its mirror image."""
        crop = crop.mirrored() if mirrored else crop
        batch = view.cut(crop)[None].astype(np.int32)
        rows = self._session.run(batch)[0][0].astype(np.float32)
        size = np.array(crop.size[::-1], np.float32)
        points = crop.points_in_image(rows[:, :51].reshape(MOST_ROWS, 17, 3)[..., 1::-1] * size)
        point_scores = rows[:, 2:51:3]
        corners = crop.points_in_image(rows[:, [52, 51, 54, 53]].reshape(MOST_ROWS, 2, 2) * size)
        if mirrored:
            points, point_scores = points[:, MIRRORED], point_scores[:, MIRRORED]
        xyxy = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        return Rows(rows[:, 55], xyxy, points, point_scores)
