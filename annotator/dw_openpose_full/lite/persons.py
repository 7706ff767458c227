"""Organ 1: picture to person boxes.

MoveNet reads the whole picture; NanoDet finds people whom it has no rows or no resolution for. In a
busy picture MoveNet looks once more, through a window round each box. Boxes are generous: the next
organ drops those that hold nobody or somebody twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ..backends import Session
from ..geometry import Crop, Pyramid, intersection_over_union, non_maximum_suppression
from ..poses import BoolArray, Boxes, FloatArray, ImageSize, RgbImage
from .movenet import STEP, MoveNet, Rows
from .nanodet import NanoDet

WHOLE_SIDE: Final = 256  # longer side of the whole picture's crop, as MoveNet's model card has it
ROW_SURE: Final = 0.15  # MoveNet's people; no picture without people gave more than .11
NANO_SURE: Final = 0.35  # NanoDet's people; the threshold of its own demo
NANO_SURE_BUSY: Final = 0.2  # in a busy picture weaker boxes are tried too
NANO_SHARE: Final = 0.5  # of NanoDet's scores, so that MoveNet's tighter boxes go first

SAME_PERSON: Final = 0.5  # boxes that overlap more are one person
SAME_PERSON_BUSY: Final = 0.65  # in a busy picture, where neighbours overlap

# a picture is busy when MoveNet nearly ran out of rows, NanoDet knows more people, or all are small
BUSY_ROW: Final = 0.10
BUSY_ROWS: Final = 4
BUSY_EXTRA: Final = 2
SMALL_PERSON: Final = 0.25  # median box height, of the picture's longer side

SAME_EXTENT: Final = 0.65  # a box takes the mean with NanoDet's box that overlaps it more

MOST_WINDOWS: Final = 12
WINDOW_PAD: Final = 1.8  # a window's sides, of its box's
WINDOW_ROW_SURE: Final = 0.2
WINDOW_EDGE: Final = 0.02  # people nearer to a window's edge, of its side, are cut by it


class LitePersonDetector:
    """Finds people with MoveNet and NanoDet."""

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        """Take the loaded networks ``movenet`` and ``nanodet``."""
        self._movenet = MoveNet(sessions["movenet"])
        self._nanodet = NanoDet(sessions["nanodet"])

    def __call__(self, image: RgbImage, *, score: float | None = None) -> Boxes:
        """Find the people of a picture; best first.

        Args:
            image: RGB uint8 ``(H, W, 3)``.
            score: Lowest score of a person, 0..1; by default, what each of the networks needs.
        """
        picture = Pyramid(image)
        rows = self._movenet.read(picture, whole_crop(picture.image_size))
        sure = rows.scores >= (ROW_SURE if score is None else score)
        boxes, scores = rows.wide_boxes()[sure], rows.scores[sure]
        others = self._nanodet.find(picture, NANO_SURE_BUSY)
        busy = is_busy(rows, boxes, others, picture.image_size)
        sure = others.scores >= (NANO_SURE_BUSY if busy else NANO_SURE)
        boxes = np.concatenate([boxes, others.xyxy[sure]])
        scores = np.concatenate([scores, others.scores[sure] * NANO_SHARE])
        if busy:
            known = boxes[non_maximum_suppression(boxes, scores, SAME_PERSON)]
            for around in known[:MOST_WINDOWS]:
                closer = self._look_closer(picture, around)
                boxes = np.concatenate([boxes, closer.xyxy])
                scores = np.concatenate([scores, closer.scores])
        height, width = picture.image_size
        boxes = np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
        wanted = scores >= (score or 0)
        boxes, scores = boxes[wanted], scores[wanted]
        kept = non_maximum_suppression(boxes, scores, SAME_PERSON_BUSY if busy else SAME_PERSON)
        boxes = _with_extent(boxes[kept].astype(np.float32), others.xyxy)
        return Boxes(boxes, scores[kept].astype(np.float32))

    def _look_closer(self, picture: Pyramid, around: FloatArray) -> Boxes:
        """People in a window round a box, but for those that the window cuts."""
        crop = crop_round(around, WHOLE_SIDE, pad=WINDOW_PAD)
        rows = self._movenet.read(picture, crop)
        boxes = rows.wide_boxes()
        kept = (rows.scores >= WINDOW_ROW_SURE) & ~_cut_by(crop, boxes, picture.image_size)
        return Boxes(boxes[kept], rows.scores[kept])


def whole_crop(image_size: ImageSize) -> Crop:
    """The whole picture for MoveNet, in the top-left corner of sides that are multiples of 32."""
    scale = max(image_size) / WHOLE_SIDE
    height, width = (max(1, -(-max(1, round(side / scale)) // STEP)) * STEP for side in image_size)
    centre = (np.array([width, height]) * scale + (scale - 1)) / 2  # pixel centres meet
    return Crop.upright((centre[0], centre[1]), scale, ImageSize(height, width))


def crop_round(box: FloatArray, side: int, *, pad: float) -> Crop:
    """An upright crop round a box for MoveNet.

    Args:
        box: ``(4,)`` in the picture.
        side: About the crop's longer side in its own pixels.
        pad: How much larger than the box it is. The shorter side is at least half the longer.
    """
    wanted = np.maximum(box[2:] - box[:2], 1.0).astype(np.float64) * pad
    scale = float(wanted.max()) / side
    sides = np.maximum(wanted, wanted.max() / 2) / scale / STEP
    width, height = (max(1, int(np.ceil(count - 1e-6))) * STEP for count in sides)
    x, y = (box[:2].astype(np.float64) + box[2:]) / 2
    return Crop.upright((float(x), float(y)), scale, ImageSize(height, width))


def is_busy(rows: Rows, boxes: FloatArray, others: Boxes, image_size: ImageSize) -> bool:
    """Whether a picture asks for a closer look."""
    if (rows.scores >= BUSY_ROW).sum() >= BUSY_ROWS:
        return True
    extra = sum(
        not (intersection_over_union(box, boxes) >= SAME_PERSON).any()
        for box in others.xyxy[others.scores >= NANO_SURE]
    )
    heights = boxes[:, 3] - boxes[:, 1]
    small = len(boxes) > 0 and float(np.median(heights)) < SMALL_PERSON * max(image_size)
    return extra >= BUSY_EXTRA or small


def _with_extent(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """Boxes in their mean with NanoDet's: MoveNet knows who, NanoDet how far they reach."""
    meant = boxes.copy()
    for row, box in enumerate(boxes if len(others) else ()):
        overlaps = intersection_over_union(box, others)
        if overlaps.max() > SAME_EXTENT:
            meant[row] = (box + others[overlaps.argmax()]) / 2
    return meant


def _cut_by(crop: Crop, boxes: FloatArray, image_size: ImageSize) -> BoolArray:
    """Which boxes ``(N, 4)`` end at an edge of an upright crop that is not the picture's edge."""
    corners = np.array([[0, 0], crop.size[::-1]], np.float32)
    low, high = crop.points_in_image(corners)
    margin = WINDOW_EDGE * (high - low)
    at_low = ((boxes[:, :2] < low + margin) & (low > 0)).any(axis=1)
    at_high = ((boxes[:, 2:] > high - margin) & (high < image_size[::-1])).any(axis=1)
    cut: BoolArray = at_low | at_high
    return cut
