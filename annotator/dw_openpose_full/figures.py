"""From poses to figures: what OpenPose would draw of them.

The one place where the neck is made, the order of joints is changed, and a threshold decides who is
visible. Renderers and JSON take the decision as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from . import skeleton
from .errors import PoseError
from .poses import (
    BoolArray,
    Boxes,
    FloatArray,
    ImageSize,
    IntArray,
    PointArray,
    WholeBodyPoses,
    check_points,
)
from .thresholds import DEFAULT_THRESHOLD, Thresholds

Values = TypeVar("Values", bound=NDArray[np.floating[Any]])

_JOINTS: Final = np.array([max(source, 0) for source in skeleton.JOINT_SOURCES])
_SHOULDERS: Final = slice(5, 7)
_PUPILS: Final = np.array(skeleton.PUPIL_SOURCES)


@dataclass(frozen=True, eq=False)
class OpenPoseFigures:
    """The people of one canvas, 136 points each: 18 body, 70 face, 2 x 21 hand, 6 foot points.

    Attributes:
        points: ``(P, 136, 2)`` float32, or float64 as the poses', ``(x, y)`` in pixels of the
            canvas; may lie outside the canvas; where not visible, the model's guess or ``(0, 0)``.
        visible: ``(P, 136)`` bool, decided once. The ``musepose`` drawing alone looks behind it.
        scores: ``(P, 136)`` float32, what is known of each point's confidence.
        boxes: Where each person is.
        ids: ``(P,)`` int64, a name for each person; stable over the frames of a video.
        image_size: Size of the canvas.
    """

    points: PointArray
    visible: BoolArray
    scores: FloatArray
    boxes: Boxes
    ids: IntArray
    image_size: ImageSize

    def __post_init__(self) -> None:
        people, count = len(self.points), skeleton.FIGURE_COUNT
        check_points("points of figures", self.points, (people, count, 2))
        self.points.setflags(write=False)
        for name, array, dtype, shape in (
            ("visible", self.visible, np.bool_, (people, count)),
            ("scores", self.scores, np.float32, (people, count)),
            ("ids", self.ids, np.int64, (people,)),
            ("boxes", self.boxes.xyxy, np.float32, (people, 4)),
        ):
            if array.dtype != dtype or array.shape != shape:
                raise PoseError(
                    f"{name} of figures must be {np.dtype(dtype)} {shape}, "
                    f"got {array.dtype} {array.shape}"
                )
            array.setflags(write=False)
        if not np.isfinite(self.points).all():
            raise PoseError("points of figures must be finite, got NaN or infinity")

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def from_poses(
        cls, poses: WholeBodyPoses, threshold: Thresholds | float = DEFAULT_THRESHOLD
    ) -> OpenPoseFigures:
        """Make the figures that OpenPose would draw.

        Args:
            poses: The people of a picture.
            threshold: A point is visible when its score is at least this, or at least its part's
                threshold; 0..1. The neck lies between the shoulders and is visible when both score
                above it. Face points 68 and 69 copy the eyes, and are visible where the eye and
                some other face point are.

        Raises:
            OptionError: If a threshold is not within 0..1.
        """
        lowest = Thresholds.of(threshold)
        points, scores = to_figure_order(poses.keypoints), to_figure_order(poses.scores)
        points[:, skeleton.NECK] = poses.keypoints[:, _SHOULDERS].mean(axis=1, dtype=np.float64)
        scores[:, skeleton.NECK] = poses.scores[:, _SHOULDERS].min(axis=1)
        visible = (scores >= lowest.of_points()) & (scores > 0)
        # in double precision, as published annotators compare: float32 0.3 is a little above 0.3
        visible[:, skeleton.NECK] = scores[:, skeleton.NECK].astype(np.float64) > lowest.body
        face_is_seen = visible[:, skeleton.FIGURE_LANDMARKS].any(axis=1, keepdims=True)
        visible[:, skeleton.FIGURE_PUPILS] &= face_is_seen
        ids = np.arange(len(poses), dtype=np.int64)
        return cls(points, visible, scores, poses.boxes, ids, poses.image_size)

    def only(self, rows: Sequence[int]) -> OpenPoseFigures:
        """Some of the people, in the order of their rows as given."""
        chosen = np.array(rows, dtype=np.intp)
        return OpenPoseFigures(
            self.points[chosen],
            self.visible[chosen],
            self.scores[chosen],
            Boxes(self.boxes.xyxy[chosen], self.boxes.scores[chosen]),
            self.ids[chosen],
            self.image_size,
        )

    def scaled_to(self, size: ImageSize) -> OpenPoseFigures:
        """The same figures on a canvas of another size."""
        if size == self.image_size:
            return self
        factor = np.divide(size[::-1], self.image_size[::-1], dtype=np.float64)  # (x, y)
        largest = np.finfo(np.float32).max
        points = np.clip(self.points * factor, -largest, largest).astype(self.points.dtype)
        xyxy = np.clip(self.boxes.xyxy * np.tile(factor, 2), -largest, largest).astype(np.float32)
        boxes = Boxes(xyxy, self.boxes.scores)
        return OpenPoseFigures(points, self.visible, self.scores, boxes, self.ids, size)


def to_figure_order(values: Values) -> Values:
    """Re-order whole-body values ``(P, 133, ...)`` to figure order ``(P, 136, ...)``.

    The neck's row is left for the caller: it holds the nose's value.
    """
    ordered = np.concatenate(
        [
            values[:, _JOINTS],
            values[:, skeleton.FACE],
            values[:, _PUPILS],
            values[:, skeleton.LEFT_HAND],
            values[:, skeleton.RIGHT_HAND],
            values[:, skeleton.FEET],
        ],
        axis=1,
    )
    return cast("Values", ordered)
