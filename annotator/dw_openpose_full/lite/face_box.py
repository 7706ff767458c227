"""MediaPipe's short-range face detector: faces of a square crop.

Input ``(1, 128, 128, 3)`` RGB -1..1; output ``regressors (1, 896, 16)``, the centre and size of a
box and six key points, relative to anchors, and ``classificators (1, 896, 1)`` logits (BlazeFace,
Bazarevsky et al., 2019).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..backends import Session
from ..geometry import Crop, View, intersection_over_union
from ..poses import FloatArray
from .logits import sigmoid

SIDE: Final = 128
FACE_SURE: Final = 0.5  # as in MediaPipe
OVERLAP: Final = 0.3  # detections that overlap more are averaged (MediaPipe's weighted suppression)
GRIDS: Final = ((16, 2), (8, 6))  # cells a side and anchors a cell: strides 8, then 16 three times
KEY_POINTS: Final = 4  # of its six: right eye, left eye, nose, mouth; the ears are not used


class FaceBox(NamedTuple):
    """A face: its box's middle and longer side, and its key points, in pixels of the picture.

    Attributes:
        centre: ``(2,)``.
        side: Longer side of the box.
        keys: ``(4, 2)``: nose, left eye, right eye, mouth.
    """

    centre: FloatArray
    side: float
    keys: FloatArray


class FaceDetector:
    """The face detector on a session."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network."""
        self._session = session

    def find(self, view: View, crop: Crop, scale: float) -> FaceBox | None:
        """The face nearest to the middle of a crop of ``SIDE`` pixels, if there is one.

        Args:
            view: Where to look.
            crop: The part to look at.
            scale: Pixels of the picture for one of the crop.
        """
        pixels = view.cut(crop)[None].astype(np.float32) / np.float32(127.5) - np.float32(1)
        regressors, logits = self._session.run(pixels)
        scores = sigmoid(logits[0, :, 0])
        sure = np.flatnonzero(scores > FACE_SURE)
        if not len(sure):
            return None
        scores, anchors, values = scores[sure], _ANCHORS[sure], regressors[0][sure]
        centres, sizes = values[:, :2] + anchors, values[:, 2:4]
        boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
        off_centre = np.hypot(*(centres - SIDE / 2).T) / SIDE
        best = int((scores - off_centre).argmax())
        same = intersection_over_union(boxes[best], boxes) > OVERLAP
        weights = (scores[same] / scores[same].sum())[:, None]
        box = (boxes[same] * weights).sum(axis=0)
        keys = values[same, 4 : 4 + 2 * KEY_POINTS] + np.tile(anchors[same], KEY_POINTS)
        keys = crop.points_in_image((keys * weights).sum(axis=0).reshape(KEY_POINTS, 2))
        centre = crop.points_in_image((box[:2] + box[2:])[None] / 2)[0]
        return FaceBox(centre, float((box[2:] - box[:2]).max()) * scale, keys[[2, 1, 0, 3]])


def _anchors() -> NDArray[np.float32]:
    """Centres ``(896, 2)`` of the anchors in crop pixels, in the network's order."""
    grids = []
    for cells, repeats in GRIDS:
        rows, columns = np.mgrid[:cells, :cells]
        centres = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1) * (SIDE / cells)
        grids.append(np.repeat(centres, repeats, axis=0))
    return np.concatenate(grids).astype(np.float32)


_ANCHORS: Final = _anchors()
