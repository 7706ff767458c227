"""Limbs, bones and discs on a canvas: the only place where coordinates become whole pixels.

A canvas is an ``RgbImage``, C-contiguous, and is drawn on in place. Points are ``(x, y)`` floats in
pixels of the canvas, first brought ``within_reach``. The plain primitives cut coordinates off
towards zero and never smooth an edge, because that is what the ControlNets were trained on (and
hosts take a picture of few colours for a pose map). The smooth ones are for people's eyes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..poses import ImageSize, PointArray, RgbImage
from ..skeleton import Rgb

Point = Sequence[float]
"""``(x, y)`` in pixels of the canvas."""

DRAWING_MARGIN: Final = 2**15
"""Pixels round the canvas within which points keep their exact place.

A point farther out is drawn as if it lay on the margin's edge. OpenCV computes in fixed point with
16 fractional bits and walks through the rows of a shape, so unbounded coordinates would overflow or
take minutes. No reference picture has a point that far out.
"""

_SUBPIXEL_BITS: Final = 4  # smooth primitives place their points to a sixteenth of a pixel


def blank(size: ImageSize) -> RgbImage:
    """A black canvas."""
    return np.zeros((size.height, size.width, 3), np.uint8)


def scaled(canvas: RgbImage, size: ImageSize) -> RgbImage:
    """A canvas of another size, each pixel between the nearest four of the old one."""
    smaller: RgbImage = np.asarray(cv2.resize(canvas, (size.width, size.height)), np.uint8)
    return smaller


def within_reach(points: PointArray, size: ImageSize) -> NDArray[np.float64]:
    """Points ``(..., 2)`` in double precision, none farther than the margin from the canvas."""
    farthest = np.array([size.width, size.height], np.float64) + DRAWING_MARGIN
    return np.clip(points.astype(np.float64), -DRAWING_MARGIN, farthest)


def limb_(canvas: RgbImage, start: Point, end: Point, half_width: int, colour: Rgb) -> None:
    """Fill an ellipse that reaches from start to end.

    Centre, long half axis and angle in whole degrees are cut off towards zero; the outline has a
    corner every degree. A limb between two equal points paints a stroke as wide as the ellipse.

    Args:
        canvas: Drawn on.
        start: First joint of the limb; the angle is that of the way to it from the other.
        end: Second joint.
        half_width: The ellipse's short half axis, in pixels.
        colour: As drawn; nothing dims it any more.
    """
    across, down = start[0] - end[0], start[1] - end[1]
    centre = int((start[0] + end[0]) / 2), int((start[1] + end[1]) / 2)
    half_axes = int(math.sqrt(across**2 + down**2) / 2), half_width
    angle = int(math.degrees(math.atan2(down, across)))
    outline = cv2.ellipse2Poly(centre, half_axes, angle, 0, 360, 1)
    cv2.fillConvexPoly(canvas, np.asarray(outline, np.int32), colour)


def bone_(canvas: RgbImage, start: Point, end: Point, thickness: int, colour: Rgb) -> None:
    """Draw a line of that many pixels."""
    cv2.line(canvas, _pixel(start), _pixel(end), colour, thickness)


def disc_(canvas: RgbImage, centre: Point, radius: int, colour: Rgb) -> None:
    """Fill a circle: 49 pixels at radius 4, 29 at radius 3."""
    cv2.circle(canvas, _pixel(centre), radius, colour, -1)


def length_on_canvas(start: Point, end: Point) -> float:
    """Length of a bone between the whole pixels that it is drawn between."""
    return math.dist(_pixel(start), _pixel(end))


def smooth_bone_(canvas: RgbImage, start: Point, end: Point, thickness: int, colour: Rgb) -> None:
    """Draw a line of that many pixels with smooth edges, its ends between pixels if need be."""
    ends = _subpixel(start), _subpixel(end)
    cv2.line(canvas, *ends, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def smooth_disc_(canvas: RgbImage, centre: Point, radius: float, colour: Rgb) -> None:
    """Fill a circle with a smooth edge; radius in pixels, whole or not."""
    size = round(radius * 2**_SUBPIXEL_BITS)
    cv2.circle(canvas, _subpixel(centre), size, colour, -1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _pixel(point: Point) -> tuple[int, int]:
    """The pixel of a point, cut off towards zero."""
    return int(point[0]), int(point[1])


def _subpixel(point: Point) -> tuple[int, int]:
    """The nearest sixteenth of a pixel, in sixteenths."""
    return round(point[0] * 2**_SUBPIXEL_BITS), round(point[1] * 2**_SUBPIXEL_BITS)
