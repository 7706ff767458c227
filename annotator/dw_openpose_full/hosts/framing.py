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

from ..errors import OptionError
from ..poses import MAX_PIXELS, ImageSize, RgbImage

STEP: Final = 64


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

        Raises:
            OptionError: If the resolution is not positive, or gives a canvas above the limit.
        """
        if resolution < 1:
            raise OptionError(f"resolution must be a positive number of pixels, got {resolution}")
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
