"""Sizes as sd-webui-controlnet and the Forge family have them.

A picture is scaled until its shorter side is the resolution, and its right and lower edges are
repeated until both sides are multiples of 64. Pictures are handed back without that border; JSON
counts it in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..poses import MAX_PIXELS, ImageSize, RgbImage

STEP: Final = 64
LEAST: Final = 64  # the hosts' smallest resolution
USUAL: Final = 512  # the hosts' own default


@dataclass(frozen=True)
class Frame:
    """Sizes of a picture's drawing.

    Attributes:
        inner: Of the drawing that is handed back.
        outer: Of the canvas that JSON speaks of.
    """

    inner: ImageSize
    outer: ImageSize

    @classmethod
    def of(cls, image_size: ImageSize, resolution: int) -> Frame:
        """The frame of a picture.

        Args:
            image_size: The picture's.
            resolution: Shorter side of the drawing; what no host offers (-1, 2) means the default.

        Raises:
            OptionError: If the resolution gives a canvas above the limit.
        """
        resolution = resolution if resolution >= LEAST else USUAL
        scale = resolution / min(image_size)
        inner = ImageSize(*(int(np.round(side * scale)) for side in image_size))
        outer = ImageSize(*(-(-side // STEP) * STEP for side in inner))
        if outer.height * outer.width > MAX_PIXELS:
            raise OptionError(
                f"resolution {resolution} makes a picture of {image_size.width} x "
                f"{image_size.height} {outer.width} x {outer.height}, above {MAX_PIXELS} pixels; "
                "choose a smaller one"
            )
        return cls(inner, outer)

    def fill(self, picture: RgbImage) -> RgbImage:
        """A picture scaled and bordered; bicubic where it grows, averaged where it shrinks."""
        grows = min(self.inner) > min(picture.shape[:2])
        how = cv2.INTER_CUBIC if grows else cv2.INTER_AREA
        scaled = cv2.resize(picture, self.inner[::-1], interpolation=how)
        below, beside = np.subtract(self.outer, self.inner)
        bordered = np.pad(scaled, ((0, below), (0, beside), (0, 0)), mode="edge")
        return np.asarray(bordered, dtype=np.uint8)

    def cut(self, canvas: RgbImage) -> RgbImage:
        """The drawing without its border."""
        return np.ascontiguousarray(canvas[: self.inner.height, : self.inner.width])


def flattened(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Transparent pixels ``(H, W, 2 or 4)`` on white, with the hosts' rounding; others as they are.

    Returns:
        ``(H, W, 3)`` uint8 of transparent pixels.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in {2, 4}:
        return pixels
    colours, opacity = (
        pixels[..., :-1].astype(np.float32),
        pixels[..., -1:].astype(np.float32) / 255,
    )
    mixed = np.clip(colours * opacity + 255 * (1 - opacity), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(mixed, (*mixed.shape[:2], 3)))
