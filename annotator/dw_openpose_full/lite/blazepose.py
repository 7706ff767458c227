"""BlazePose (MediaPipe's ``pose_landmark_full``): 39 points of the person in a square crop.

Input ``(1, 256, 256, 3)`` RGB 0..1. Of its outputs we read the landmarks (39 times ``x, y, z`` in
crop pixels, visibility and presence logits), the flag that a person is there, a 64 x 64 heatmap per
point, which refines it, and a mask of people (BlazePose, Bazarevsky et al., 2020; MediaPipe's
landmark graph).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..backends import Session
from ..geometry import Crop, View
from ..poses import FloatArray
from .logits import sigmoid

SIDE: Final = 256
POINTS: Final = 39
HEATMAP: Final = 64
REACH: Final = 3  # heatmap cells on each side of a landmark that refine it: a 7 x 7 window
HEATMAP_SURE: Final = 0.5  # peak below which the heatmap says nothing

OUTPUTS: Final = ("Identity", "Identity_1", "Identity_3", "Identity_2")  # in our order

# which of its points a keypoint is
BODY: Final = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
HIPS_CENTRE: Final = 33
CIRCLE: Final = 34  # a point on the circle round the whole body, above the head
FACE: Final = slice(0, 11)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """What BlazePose saw.

    Attributes:
        flag: Whether a person is there, 0..1.
        points: ``(39, 2)`` in pixels of the image.
        scores: ``(39,)`` visibility times presence, 0..1.
        mask: ``(256, 256)`` logits of where in the crop there are people.
        crop: The crop it was seen in.
    """

    flag: float
    points: FloatArray
    scores: FloatArray
    mask: FloatArray
    crop: Crop


class BlazePose:
    """BlazePose on a session."""

    def __init__(self, session: Session) -> None:
        """Take the loaded network, and find its outputs by their names."""
        self._session = session
        names = [output.name for output in session.outputs]
        self._outputs = [names.index(name) for name in OUTPUTS]

    def read(self, view: View, crop: Crop) -> Landmarks:
        """Read the person of a square crop of ``SIDE`` pixels."""
        pixels = view.cut(crop)[None].astype(np.float32) / np.float32(255)
        results = self._session.run(pixels)
        values, flag, heatmaps, mask = (results[index][0] for index in self._outputs)
        values = values.reshape(POINTS, 5)
        points = crop.points_in_image(refine(values[:, :2], heatmaps))
        scores = sigmoid(values[:, 3]) * sigmoid(values[:, 4])
        return Landmarks(float(flag[0]), points, scores, mask[..., 0], crop)


def refine(points: FloatArray, heatmaps: FloatArray) -> FloatArray:
    """Move each point to the centre of mass of its heatmap's surroundings, where that is sure.

    Args:
        points: ``(39, 2)`` in crop pixels.
        heatmaps: ``(64, 64, 39)`` logits.
    """
    scale = SIDE // HEATMAP
    cell = np.floor(points / scale).astype(int)
    inside = ((cell >= 0) & (cell < HEATMAP)).all(axis=1)
    window = np.arange(-REACH, REACH + 1)
    rows = cell[:, 1, None, None] + window[None, :, None]
    columns = cell[:, 0, None, None] + window[None, None, :]
    real = (rows >= 0) & (rows < HEATMAP) & (columns >= 0) & (columns < HEATMAP)
    which = np.arange(POINTS)[:, None, None]
    seen = heatmaps[np.clip(rows, 0, HEATMAP - 1), np.clip(columns, 0, HEATMAP - 1), which]
    mass = sigmoid(seen) * real
    total = np.maximum(mass.sum(axis=(1, 2)), np.finfo(np.float32).tiny)
    centre = np.stack([(mass * columns).sum(axis=(1, 2)), (mass * rows).sum(axis=(1, 2))], axis=1)
    sure = inside & (mass.max(axis=(1, 2)) >= HEATMAP_SURE)
    refined: FloatArray = np.where(sure[:, None], centre / total[:, None] * scale, points)
    return refined.astype(np.float32)
