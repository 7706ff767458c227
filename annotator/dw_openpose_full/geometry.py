"""Plane geometry between a picture, its crops and its boxes.

Pixel centres have whole coordinates, ``(0, 0)`` is the centre of the top-left pixel, and an affine
map is a ``(2, 3)`` float64 matrix that takes ``(x, y, 1)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .poses import BoolArray, FloatArray, ImageSize, RgbImage

Matrix = NDArray[np.float64]
"""``(2, 3)`` affine map."""
Point = tuple[float, float] | NDArray[np.floating]
"""``(x, y)``."""

PERSON_PADDING: Final = 1.25
"""Sides of a person's crop, of the box's; of mmpose's top-down training configurations."""

LONGEST_SIDE: Final = 32_766  # of a picture that OpenCV 4's warpAffine takes

FARTHEST: Final = 8
"""No corner of a person box lies farther out than this many of the picture's longer side."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A picture's part as a network sees it, with the way there and the way home.

    Attributes:
        to_image: Affine map from pixels of the crop to pixels of the source image.
        size: Size of the crop.
    """

    to_image: Matrix
    size: ImageSize

    @classmethod
    def square(cls, centre: Point, side: float, pixels: int, rotation: float = 0.0) -> Crop:
        """A square of the image, turned, as ``pixels`` x ``pixels``.

        Args:
            centre: ``(x, y)`` of its middle, in the image.
            side: Its side, in pixels of the image; at least 1.
            pixels: Side of the crop.
            rotation: Radians; the crop's x axis points this far from the image's x axis towards
                its y axis.
        """
        scale = max(side, 1.0) / pixels
        cosine, sine = math.cos(rotation) * scale, math.sin(rotation) * scale
        half = pixels / 2
        x = float(centre[0]) - cosine * half + sine * half
        y = float(centre[1]) - sine * half - cosine * half
        matrix = np.array([[cosine, -sine, x], [sine, cosine, y]], np.float64)
        return cls(matrix, ImageSize(pixels, pixels))

    @classmethod
    def upright(cls, centre: Point, scale: float, size: ImageSize) -> Crop:
        """An unturned crop of any size; ``scale`` is pixels of the image for one of the crop."""
        x = float(centre[0]) - scale * size.width / 2
        y = float(centre[1]) - scale * size.height / 2
        return cls(np.array([[scale, 0, x], [0, scale, y]], np.float64), size)

    @classmethod
    def letterbox(cls, image_size: ImageSize, size: ImageSize) -> Crop:
        """The whole image, scaled alike in x and y, in the top-left corner of the crop."""
        scale = max(image_size.height / size.height, image_size.width / size.width)
        return cls(np.array([[scale, 0, 0], [0, scale, 0]], np.float64), size)

    def warp(self, image: RgbImage) -> RgbImage:
        """Cut the crop out of the image, bilinear; black outside the image."""
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = cv2.warpAffine(image, self.to_image, (self.size.width, self.size.height), flags=flags)
        return np.asarray(cut, dtype=np.uint8)

    def mirrored(self) -> Crop:
        """The same part of the image with left and right exchanged."""
        matrix = self.to_image.copy()
        matrix[:, 2] += matrix[:, 0] * self.size.width
        matrix[:, 0] *= -1
        return Crop(matrix, self.size)

    def points_in_image(self, points_in_crop: NDArray[np.floating]) -> FloatArray:
        """Take points ``(..., 2)`` of the crop home."""
        return apply_affine(self.to_image, points_in_crop)

    def points_in_crop(self, points_in_image: NDArray[np.floating]) -> FloatArray:
        """Take points ``(..., 2)`` of the image into the crop."""
        inverse = np.asarray(cv2.invertAffineTransform(self.to_image), dtype=np.float64)
        return apply_affine(inverse, points_in_image)


@dataclass(frozen=True, eq=False)
class PersonCrop(Crop):
    """The upright crop of one person that SimCC networks are trained on.

    The published annotators cut with one map, made of float32 points, and go home with another, in
    float64. So does this, so that pixels and points are theirs to the last bit.

    Attributes:
        centre: ``(2,)`` float64, ``(x, y)`` of its middle, in the image.
        extent: ``(2,)`` float64, its width and height, in pixels of the image.
    """

    centre: NDArray[np.float64]
    extent: NDArray[np.float64]

    @classmethod
    def around(cls, box: FloatArray, size: ImageSize) -> PersonCrop:
        """The crop round a person box: padded, then widened or heightened to the crop's shape.

        Args:
            box: ``(4,)`` float32, not empty.
            size: Size of the crop.
        """
        low, high = box[:2].astype(np.float64), box[2:].astype(np.float64)
        centre = (low + high) / 2
        extent = (high - low) * PERSON_PADDING
        aspect = size.width / size.height
        if extent[0] > extent[1] * aspect:
            extent[1] = extent[0] / aspect
        else:
            extent[0] = extent[1] * aspect
        there = _three_points(centre, extent[0])
        here = _three_points(np.array([size.width / 2, size.height / 2]), size.width)
        home = cv2.invertAffineTransform(cv2.getAffineTransform(there, here))
        return cls(np.asarray(home, dtype=np.float64), size, centre, extent)

    def warp(self, image: RgbImage) -> RgbImage:
        """Cut the crop out; where OpenCV can not take the picture, out of the part it shows."""
        if max(image.shape[:2]) <= LONGEST_SIDE:
            return super().warp(image)
        last = np.array(image.shape[1::-1])
        low = np.clip(np.floor(self.centre - self.extent / 2) - 2, 0, last - 1).astype(int)
        high = np.clip(np.ceil(self.centre + self.extent / 2) + 2, low + 1, last).astype(int)
        step = -(-int((high - low).max()) // LONGEST_SIDE)
        part = np.ascontiguousarray(image[low[1] : high[1] : step, low[0] : high[0] : step])
        matrix = self.to_image.copy()
        matrix[:, 2] -= low
        return Crop(matrix / step, self.size).warp(part)

    def points_in_image(self, points_in_crop: NDArray[np.floating]) -> FloatArray:
        """Take points ``(..., 2)`` of the crop home; float32 out, float64 on the way."""
        return self.exact_points_in_image(points_in_crop).astype(np.float32)

    def exact_points_in_image(self, points_in_crop: NDArray[np.floating]) -> NDArray[np.float64]:
        """The same, unrounded."""
        share = points_in_crop / np.array(self.size[::-1], np.float64)
        return np.asarray(share * self.extent + self.centre - self.extent / 2, np.float64)


class View(Protocol):
    """Something that crops can be cut of: a picture, or a picture with parts painted over."""

    @property
    def image_size(self) -> ImageSize:
        """Size of the picture, in whose pixels crops are given."""
        ...

    def cut(self, crop: Crop) -> RgbImage:
        """The pixels of a crop."""
        ...


class Pyramid:
    """The plain view of a picture: the picture and halved copies of it.

    A crop much larger than the network's input is cut from the copy nearest to that input in size,
    so that detail is averaged, as if the picture had been shrunk, and not skipped.
    """

    def __init__(self, image: RgbImage, *, smallest: int = 400) -> None:
        """Halve while the shorter side is above ``smallest`` pixels."""
        self.image_size = ImageSize.of(image)
        longest = max(self.image_size)
        fit = min(1.0, LONGEST_SIDE / longest)
        height, width = (max(int(side * fit), 1) for side in self.image_size)
        self._levels = [resized(image, ImageSize(height, width))]
        while min(self._levels[-1].shape[:2]) > smallest:
            height, width = (side // 2 for side in self._levels[-1].shape[:2])
            self._levels.append(resized(self._levels[-1], ImageSize(height, width)))

    def cut(self, crop: Crop) -> RgbImage:
        """Cut a crop, given in pixels of the full picture."""
        scale = math.hypot(crop.to_image[0, 0], crop.to_image[1, 0])
        wanted = int(math.log2(scale)) if scale >= 1 else 0
        level = self._levels[min(wanted, len(self._levels) - 1)]
        if ImageSize.of(level) == self.image_size:
            return crop.warp(level)
        shrink = np.divide(ImageSize.of(level)[::-1], self.image_size[::-1])
        matrix = crop.to_image * shrink[:, None]
        matrix[:, 2] += (shrink - 1) / 2  # pixel centres stay where they are
        return Crop(matrix, crop.size).warp(level)


def outside(points: FloatArray, image_size: ImageSize, margin: float = 0.0) -> BoolArray:
    """Which points ``(..., 2)`` lie more than ``margin`` pixels outside a picture."""
    last = np.subtract(image_size[::-1], 1)
    beyond = (points < -margin) | (points > last + margin)
    return np.asarray(beyond.any(axis=-1))


def resized(image: RgbImage, size: ImageSize) -> RgbImage:
    """A picture at another size: averaged when it shrinks, bilinear when it grows."""
    if ImageSize.of(image) == size:
        return image
    shrinks = size.height * size.width < image.shape[0] * image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size[::-1], interpolation=how), dtype=np.uint8)


def direction(vector: NDArray[np.floating]) -> float:
    """Angle of ``(x, y)`` from the x axis towards the y axis, in radians."""
    return math.atan2(float(vector[1]), float(vector[0]))


def distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Length of the way between two points ``(x, y)``."""
    return math.hypot(float(a[0] - b[0]), float(a[1] - b[1]))


def apply_affine(matrix: Matrix, points: NDArray[np.floating]) -> FloatArray:
    """Map points ``(..., 2)``; float32 out, float64 on the way."""
    moved = points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved.astype(np.float32)


def intersection_over_union(box: FloatArray, others: FloatArray) -> FloatArray:
    """Overlap of one box ``(4,)`` with others ``(N, 4)``: ``(N,)``, 0..1; empty boxes give 0."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared: FloatArray = np.clip(high - low, 0, None).prod(axis=1)
    union = _area(box[None])[0] + _area(others) - shared
    overlap: FloatArray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def non_maximum_suppression(xyxy: FloatArray, scores: FloatArray, overlap: float) -> list[int]:
    """Keep the best of boxes that overlap by more than ``overlap``.

    Args:
        xyxy: ``(N, 4)``.
        scores: ``(N,)``.
        overlap: Largest intersection over union that two kept boxes may have.

    Returns:
        Rows to keep, best first.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best, rest = int(order[0]), order[1:]
        kept.append(best)
        order = rest[intersection_over_union(xyxy[best], xyxy[rest]) <= overlap]
    return kept


def fitting_scale(image_size: ImageSize, size: ImageSize) -> float:
    """By how much a picture is scaled, alike in x and y, so that it just fits a size."""
    return min(size.height / image_size.height, size.width / image_size.width)


def fitted(image: RgbImage, size: ImageSize) -> RgbImage:
    """A picture scaled, bilinear, to just fit a size; its sides cut to whole pixels, at least 1."""
    scale = fitting_scale(ImageSize.of(image), size)
    height, width = (max(1, int(side * scale)) for side in image.shape[:2])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(small, dtype=np.uint8)


def usable_boxes(xyxy: FloatArray, image_size: ImageSize, *, beside: bool = False) -> BoolArray:
    """Which boxes ``(N, 4)`` can hold somebody: ``(N,)``.

    Those that are finite, not empty, reach into the picture (or, with ``beside``, lie anywhere),
    and no farther out of it than :data:`FARTHEST` of its longer side.
    """
    last, reach = np.array(image_size[::-1], np.float32), FARTHEST * max(image_size)
    usable = (np.abs(xyxy) <= reach).all(axis=1)  # false for NaN
    usable &= (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)
    if not beside:
        usable &= ((xyxy[:, 2:] > 0) & (xyxy[:, :2] < last)).all(axis=1)
    return np.asarray(usable)


def _three_points(centre: NDArray[np.float64], width: float) -> FloatArray:
    """Points ``(3, 2)`` that fix an affine map: a middle, half a width above it, left of that."""
    above = centre - np.array([0, width / 2])
    points = np.stack([centre, above, above]).astype(np.float32)
    points[2, 0] -= points[0, 1] - points[1, 1]
    return points


def _area(xyxy: FloatArray) -> FloatArray:
    """Areas ``(N,)`` of boxes ``(N, 4)``; inside-out boxes have none."""
    areas: FloatArray = np.clip(xyxy[:, 2:] - xyxy[:, :2], 0, None).prod(axis=1)
    return areas
