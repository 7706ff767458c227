"""NanoDet: boxes of people in a whole picture.

Input ``(1, 3, 416, 416)`` BGR, normalised; for strides 8, 16, 32 it gives class scores ``(cells,
80)``, person first, and box sides ``(cells, 4 * 11)`` as distributions over 0..10 strides, whose
mean is the distance of left, top, right, bottom from the cell's centre (Generalized Focal Loss,
Li et al., 2020).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..backends import Session
from ..errors import ModelError
from ..geometry import Crop, View, non_maximum_suppression
from ..poses import Boxes, FloatArray, ImageSize

SIDE: Final = 416
STRIDES: Final = (8, 16, 32)
BINS: Final = 11
PERSON: Final = 0  # of COCO's 80 classes
OVERLAP: Final = 0.6  # two boxes that overlap more are one person; as in its own demo

MEAN: Final = np.array([103.53, 116.28, 123.675], np.float32)  # BGR, of ImageNet
STD: Final = np.array([57.375, 57.12, 58.395], np.float32)


class NanoDet:
    """NanoDet on a session."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network, and find its outputs by their shapes."""
        self._session = session
        shapes = [output.shape[1:] for output in session.outputs]
        cells = [(SIDE // stride) ** 2 for stride in STRIDES]
        try:
            self._classes = [shapes.index((count, 80)) for count in cells]
            self._sides = [shapes.index((count, 4 * BINS)) for count in cells]
        except ValueError as error:
            raise ModelError(
                f"{session.description}: expected NanoDet's outputs, got shapes {shapes}"
            ) from error

    def find(self, view: View, lowest: float) -> Boxes:
        """Boxes of the people that score above ``lowest``, best first."""
        crop = Crop.letterbox(view.image_size, ImageSize(SIDE, SIDE))
        pixels = (view.cut(crop)[..., ::-1].astype(np.float32) - MEAN) / STD
        outputs = self._session.run(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))
        boxes, scores = [], []
        for stride, classes, sides in zip(STRIDES, self._classes, self._sides, strict=True):
            scored = outputs[classes][0]
            cells = np.flatnonzero((scored[:, PERSON] > lowest) & (scored.argmax(1) == PERSON))
            boxes.append(_decode(outputs[sides][0][cells], cells, stride))
            scores.append(scored[cells, PERSON])
        xyxy, sure = np.concatenate(boxes), np.concatenate(scores)
        kept = non_maximum_suppression(xyxy, sure, OVERLAP)
        corners = crop.points_in_image(xyxy[kept].reshape(-1, 2, 2)).reshape(-1, 4)
        return Boxes(corners, sure[kept].astype(np.float32))


def _decode(sides: FloatArray, cells: NDArray[np.intp], stride: int) -> FloatArray:
    """Boxes ``(N, 4)`` in crop pixels from side distributions ``(N, 44)`` of numbered cells."""
    logits = sides.reshape(-1, 4, BINS)
    chances = np.exp(logits - logits.max(axis=-1, keepdims=True))
    distances = (chances @ np.arange(BINS, dtype=np.float32)) / chances.sum(axis=-1) * stride
    across = SIDE // stride
    centres = np.stack([cells % across, cells // across], axis=1) * stride + stride / 2
    corners = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
    return corners.astype(np.float32)
