"""Values that travel: picture sizes, person boxes, whole-body poses.

Conventions, everywhere in the package: pixels of the source image, ``x`` to the right, ``y`` down,
``(0, 0)`` in the centre of the top-left pixel; sizes are ``(height, width)``; boxes are
``x1, y1, x2, y2``; pictures are RGB. Nobody in the picture is ``P == 0``, never ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import PoseError
from .skeleton import WHOLE_BODY_COUNT

FloatArray = NDArray[np.float32]
PointArray = NDArray[np.floating[Any]]
"""``(..., 2)``, ``(x, y)``: float32; float64 where published annotators are matched to the bit."""
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
RgbImage = NDArray[np.uint8]
"""``(H, W, 3)`` uint8, channels red, green, blue."""

MAX_PIXELS: Final = 64_000_000
"""Largest picture or canvas, width times height; 192 MB of RGB."""


class ImageSize(NamedTuple):
    """Size of a picture in pixels, rows first as in ``array.shape``."""

    height: int
    width: int

    @classmethod
    def of(cls, image: NDArray[Any]) -> ImageSize:
        """Size of an ``(H, W, ...)`` array."""
        return cls(int(image.shape[0]), int(image.shape[1]))

    @classmethod
    def checked(cls, size: object) -> ImageSize:
        """Make a size of a caller's ``(height, width)``.

        Raises:
            PoseError: If it is not two positive whole numbers.
        """
        sides = np.asarray(size, dtype=object).tolist()
        if (
            not isinstance(sides, list)
            or len(sides) != 2
            or any(not isinstance(side, Integral) or side < 1 for side in sides)
        ):
            raise PoseError(
                f"image_size must be (height, width), two positive whole numbers, got {size!r}"
            )
        return cls(*(int(side) for side in sides))


@dataclass(frozen=True, eq=False)
class Boxes:
    """Where people are.

    Attributes:
        xyxy: ``(P, 4)`` float32, ``x1, y1, x2, y2`` in pixels of the source image.
        scores: ``(P,)`` float32, the detector's confidence, 0..1.
    """

    xyxy: FloatArray
    scores: FloatArray

    def __post_init__(self) -> None:
        people = _rows(self.xyxy)
        _check("boxes", self.xyxy, np.float32, (people, 4))
        _check("box scores", self.scores, np.float32, (people,))
        _seal(self.xyxy, self.scores)

    def __len__(self) -> int:
        return len(self.xyxy)

    @classmethod
    def from_arrays(cls, xyxy: ArrayLike, scores: ArrayLike | None = None) -> Boxes:
        """Make boxes of anything array-like; missing scores count as 1.

        Raises:
            PoseError: If ``xyxy`` is not ``(P, 4)``, or the scores are not ``(P,)``.
        """
        corners = _floats("boxes", xyxy)
        corners = corners.reshape(0, 4) if corners.size == 0 else corners
        if scores is None:
            return cls(corners, np.ones(_rows(corners), np.float32))
        return cls(corners, _floats("box scores", scores))

    def within(self, image_size: ImageSize) -> Boxes:
        """What of them lies in a picture; boxes outside it, empty or not finite are dropped."""
        limits = np.array(image_size[::-1] * 2, np.float32)
        usable: BoolArray = np.asarray(np.isfinite(self.xyxy).all(axis=1))
        clipped = np.clip(np.where(usable[:, None], self.xyxy, 0), 0, limits)
        usable &= (clipped[:, 2:] > clipped[:, :2]).all(axis=1)
        return Boxes(clipped[usable], self.scores[usable])

    @classmethod
    def around(cls, points: FloatArray, seen: BoolArray) -> Boxes:
        """Smallest boxes round the seen points; all zero, score 0, where none is seen.

        Args:
            points: ``(P, K, 2)`` in pixels.
            seen: ``(P, K)``.
        """
        low = np.where(seen[..., None], points, np.inf).min(axis=1, initial=np.inf)
        high = np.where(seen[..., None], points, -np.inf).max(axis=1, initial=-np.inf)
        xyxy = np.concatenate([low, high], axis=1)
        xyxy[~np.isfinite(xyxy).all(axis=1)] = 0
        found: BoolArray = np.asarray(seen.any(axis=1))
        return cls(xyxy.astype(np.float32), found.astype(np.float32))


@dataclass(frozen=True, eq=False)
class WholeBodyPoses:
    """The people of one picture, 133 COCO-WholeBody keypoints each.

    Attributes:
        keypoints: ``(P, 133, 2)`` float32, ``(x, y)`` in pixels of the source image; finite; may
            lie outside the picture. A model loaded with ``parity`` gives float64.
        scores: ``(P, 133)`` float32, the model's confidence; 0 where a keypoint was not found.
        boxes: Where each pose was read from.
        image_size: Size of the source image.
        model: Name of the model that read them, ``None`` for arrays of unknown source.
    """

    keypoints: PointArray
    scores: FloatArray
    boxes: Boxes
    image_size: ImageSize
    model: str | None = None

    def __post_init__(self) -> None:
        people = _rows(self.keypoints)
        check_points("keypoints", self.keypoints, (people, WHOLE_BODY_COUNT, 2))
        _check("scores", self.scores, np.float32, (people, WHOLE_BODY_COUNT))
        if len(self.boxes) != people:
            raise PoseError(f"expected one box for each of {people} poses, got {len(self.boxes)}")
        _seal(self.keypoints, self.scores)

    def __len__(self) -> int:
        return len(self.keypoints)

    @classmethod
    def from_arrays(
        cls,
        keypoints: ArrayLike,
        scores: ArrayLike,
        *,
        image_size: tuple[int, int],
        boxes: Boxes | None = None,
        model: str | None = None,
    ) -> WholeBodyPoses:
        """Make poses of anything array-like; the arguments are copied, never changed.

        A keypoint whose position or score is NaN or infinite was not found: it becomes ``(0, 0)``
        with score 0.

        Args:
            keypoints: ``(P, 133, 2)``, ``(x, y)`` in pixels.
            scores: ``(P, 133)``.
            image_size: ``(height, width)`` of the picture they belong to.
            boxes: Person boxes; by default the smallest round the found keypoints.
            model: Name of the model that read them.

        Raises:
            PoseError: If the shapes do not fit, or the size is not positive.
        """
        points, confidence = _floats("keypoints", keypoints), _floats("scores", scores)
        if points.size == 0 and confidence.size == 0:
            points = points.reshape(0, WHOLE_BODY_COUNT, 2)
            confidence = confidence.reshape(0, WHOLE_BODY_COUNT)
        people = _rows(points)
        _check("keypoints", points, np.float32, (people, WHOLE_BODY_COUNT, 2))
        _check("scores", confidence, np.float32, (people, WHOLE_BODY_COUNT))
        found = np.isfinite(points).all(axis=-1) & np.isfinite(confidence)
        points[~found], confidence[~found] = 0, 0
        boxes = Boxes.around(points, found & (confidence > 0)) if boxes is None else boxes
        return cls(points, confidence, boxes, ImageSize.checked(image_size), model)

    @classmethod
    def nobody(cls, image_size: tuple[int, int], model: str | None = None) -> WholeBodyPoses:
        """The poses of a picture without people."""
        return cls.from_arrays([], [], image_size=image_size, model=model)


def _floats(name: str, values: ArrayLike) -> FloatArray:
    """An own float32 copy of numbers; values beyond float32 become infinite."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.array(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise PoseError(f"{name} must be an array of numbers: {error}") from error


def _rows(array: NDArray[Any]) -> int:
    """Length of the first axis; 0 for a single number, which has none."""
    return int(array.shape[0]) if array.ndim else 0


def _check(name: str, array: NDArray[Any], dtype: type[Any], shape: tuple[int, ...]) -> None:
    """Refuse an array of another number type or shape."""
    if array.dtype != dtype or array.shape != shape:
        raise PoseError(
            f"{name} must be {np.dtype(dtype)} {shape}, got {array.dtype} {array.shape}"
        )


def check_points(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Refuse points of another shape, or that are not float32 or float64.

    Raises:
        PoseError: If they are.
    """
    exact = array.dtype == np.float64
    _check(name, array, np.float64 if exact else np.float32, shape)


def _seal(*arrays: NDArray[Any]) -> None:
    """Make arrays read-only."""
    for array in arrays:
        array.setflags(write=False)
