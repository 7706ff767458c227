"""What is done to the pixels of a crop; the only room of the data sets that knows OpenCV.

Every function gives a new picture. Numbers are those of the libraries that the published
configurations name, at their defaults.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..poses import RgbImage

JITTER: Final = (5.0, 30.0, 30.0)
"""Greatest shift of hue (of 180), saturation and value (of 255)."""
KERNELS: Final = (3, 5, 7)
"""Sides of a blur, in pixels."""
HOLE: Final = (0.2, 0.4)
"""Least and greatest side of a hole, of the crop's."""
BRIGHTNESS: Final = 32.0
CONTRAST: Final = (0.5, 1.5)
SATURATION: Final = (0.5, 1.5)
HUE: Final = 18.0

Colours = NDArray[np.float32]
"""``(H, W, 3)``: red, green, blue 0..255; or hue 0..360, saturation 0..1, value 0..255."""


def jittered(picture: RgbImage, draws: np.random.Generator) -> RgbImage:
    """Shift hue, saturation and value, each in half of the cases."""
    shift = draws.uniform(-1, 1, 3) * JITTER * draws.integers(0, 2, 3)
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(np.int16) + shift.astype(np.int16)
    hsv[..., 0] %= 180
    hsv[..., 1:] = hsv[..., 1:].clip(0, 255)
    return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB), np.uint8)


def distorted(picture: RgbImage, draws: np.random.Generator) -> RgbImage:
    """Photometric distortion (Liu et al., SSD, 2016), each step in half of the cases.

    Brightness; contrast, before the colours or after them; saturation and hue; channels.
    """
    colours = picture.astype(np.float32)
    if draws.random() < 0.5:
        colours += np.float32(draws.uniform(-BRIGHTNESS, BRIGHTNESS))
    contrast = np.float32(draws.uniform(*CONTRAST) if draws.random() < 0.5 else 1)
    comes_first = draws.random() < 0.5
    if comes_first:
        colours *= contrast
    colours = _tinted(colours, draws)
    if not comes_first:
        colours *= contrast
    if draws.random() < 0.5:
        colours = colours[..., draws.permutation(3)]
    return np.ascontiguousarray(colours.round().clip(0, 255), np.uint8)


def _tinted(colours: Colours, draws: np.random.Generator) -> Colours:
    """Change saturation and hue."""
    hsv = cv2.cvtColor(colours.clip(0, 255), cv2.COLOR_RGB2HSV)
    if draws.random() < 0.5:
        hsv[..., 1] = (hsv[..., 1] * draws.uniform(*SATURATION)).clip(0, 1)
    if draws.random() < 0.5:
        hsv[..., 0] = (hsv[..., 0] + draws.uniform(-HUE, HUE)) % 360
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.float32)


def blurred(picture: RgbImage, draws: np.random.Generator) -> RgbImage:
    """Give each pixel the mean of its surroundings."""
    side = int(draws.choice(KERNELS))
    return np.asarray(cv2.blur(picture, (side, side)), np.uint8)


def median_blurred(picture: RgbImage, draws: np.random.Generator) -> RgbImage:
    """Give each pixel the median of its surroundings."""
    return np.asarray(cv2.medianBlur(picture, int(draws.choice(KERNELS))), np.uint8)


def with_hole(picture: RgbImage, draws: np.random.Generator) -> RgbImage:
    """Paint a rectangle black."""
    sides = np.array(picture.shape[:2])
    extent = (sides * draws.uniform(*HOLE, 2)).astype(int)
    top, left = (int(draws.integers(0, room + 1)) for room in sides - extent)
    holed = picture.copy()
    holed[top : top + extent[0], left : left + extent[1]] = 0
    return holed


def read_reduced(data: bytes, reduction: int) -> RgbImage | None:
    """Decode a JPEG file to a picture 2, 4 or 8 times smaller, which is much quicker.

    Args:
        data: The whole file.
        reduction: 2, 4 or 8; each pixel is the mean of so many along each axis.

    Returns:
        ``(H, W, 3)`` uint8 RGB, upright; ``None`` where this is no whole JPEG file.
    """
    if not data.startswith(b"\xff\xd8\xff") or data.rstrip(b"\0")[-2:] != b"\xff\xd9":
        return None
    how = getattr(cv2, f"IMREAD_REDUCED_COLOR_{reduction}")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    return None if picture is None else np.ascontiguousarray(picture[..., ::-1])


def encode_jpeg(picture: RgbImage, quality: int) -> bytes:
    """A picture as a JPEG file."""
    bgr = np.ascontiguousarray(picture[..., ::-1])
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(data).tobytes()
