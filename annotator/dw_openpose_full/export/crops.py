"""Pictures of people as a network sees them, to try and to calibrate it on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ..assembly import Engine, Supply, load_detector
from ..errors import OptionError
from ..geometry import Crop, PersonCrop
from ..pictures import read_picture
from ..poses import FloatArray, ImageSize, RgbImage
from ..zoo.cards import InputFormat

_FINDER: Final = "movenet"  # of the detectors, the one that comes with the package

MOST: Final = 120
"""Crops that are taken of pictures, however many there are."""


def people_on(files: Sequence[Path], size: ImageSize) -> list[RgbImage]:
    """The people on pictures, one crop ``(H, W, 3)`` each; pictures without any give none.

    Raises:
        PictureError: If a file is no picture.
        OptionError: If nobody is on any of them.
    """
    find = load_detector(Engine("auto", "cpu", Supply(offline=True)), _FINDER).part
    crops: list[RgbImage] = []
    for file in files:
        picture = read_picture(file)
        crops += [PersonCrop.around(box, size).warp(picture) for box in find(picture).xyxy]
        if len(crops) >= MOST:
            break
    if not crops:
        raise OptionError(
            f"no people were found on the {len(files)} pictures to calibrate with; name a folder "
            "with people"
        )
    return crops[:MOST]


def whole(files: Sequence[Path], size: ImageSize) -> list[RgbImage]:
    """Whole pictures, ``(H, W, 3)``, as a detector sees them."""
    pictures = [read_picture(file) for file in files[:MOST]]
    return [Crop.letterbox(ImageSize.of(one), size).warp(one) for one in pictures]


def batch_of(crops: Sequence[RgbImage], pixels: InputFormat) -> FloatArray:
    """Crops as a network wants them, ``(N, 3, H, W)``."""
    stacked = np.stack(crops).astype(np.float32)
    if pixels.channel_order == "BGR":
        stacked = stacked[..., ::-1]
    normal = (stacked - np.array(pixels.mean, np.float32)) / np.array(pixels.std, np.float32)
    return np.ascontiguousarray(normal.transpose(0, 3, 1, 2), np.float32)
