"""Pictures in, pictures out: whatever a caller holds becomes ``(H, W, 3)`` uint8 RGB, or one error.

The caller's picture is never changed. A result is C-contiguous and read-only; where the caller's
array is already right, the result is a read-only view of it, not a copy.

Order of the work: ``reading`` (path to bytes), ``signatures`` (which format), ``decoding`` (by
Pillow), ``arrays`` (numbers to 0..255, channels to three). Pillow is needed for files only.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike

from ..errors import OutputError, PictureError, PictureTypeError
from ..poses import MAX_PIXELS, RgbImage
from .arrays import picture_from_array
from .decoding import decode, picture_from_pil
from .reading import MAX_BYTES, AnyPath, read_bytes

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "PictureLike",
    "as_picture",
    "encode_png",
    "picture_from_array",
    "picture_from_pil",
    "read_picture",
]

PictureLike: TypeAlias = "AnyPath | Image.Image | ArrayLike | Any"
"""What ``as_picture`` takes: a path, a PIL image, or an array of any library."""

# spelled out, since the defaults differ between versions of OpenCV
_PNG_SETTINGS: Final = (
    cv2.IMWRITE_PNG_COMPRESSION, 6, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT,
)  # fmt: skip
_ARRAY_SIGNS: Final = ("__array__", "__array_interface__", "__array_struct__", "detach")


def as_picture(image: PictureLike) -> RgbImage:
    """Make a picture of a path, a PIL image, or an array.

    Args:
        image: Path of a file (``str``, ``bytes``, ``PathLike``), PIL image, or anything array-like
            (numpy, memmap, torch tensor on any device, nested lists): see ``picture_from_array``.

    Returns:
        ``(H, W, 3)`` uint8 RGB, C-contiguous, read-only.

    Raises:
        PictureError: If the file or the numbers make no usable picture.
        PictureTypeError: If it is none of these things.
        DependencyError: If a file is to be read and Pillow is not installed.
    """
    if isinstance(image, (str, bytes, os.PathLike)):
        return read_picture(image)
    pillow = sys.modules.get("PIL.Image")
    if pillow is not None and isinstance(image, pillow.Image):
        return picture_from_pil(image)
    if isinstance(image, (list, tuple)) or any(hasattr(image, sign) for sign in _ARRAY_SIGNS):
        return picture_from_array(image)
    hint = ""
    if image is None:
        hint = " (cv2.imread gives None for a file that it can not read)"
    elif isinstance(image, (bytearray, memoryview)) or hasattr(image, "read"):
        hint = "; open it with PIL.Image.open first"
    raise PictureTypeError(
        f"expected the path of a picture, a PIL image or an array, got {type(image).__name__}{hint}"
    )


def read_picture(path: AnyPath) -> RgbImage:
    """Read a picture from a file: PNG, JPEG, WebP, BMP, GIF or TIFF, whatever its name ends with.

    EXIF orientation is applied, transparency is composited on white, of an animation or a
    multi-page file the first frame is taken, 16 bits are scaled to 8. Colour profiles are ignored:
    the numbers are taken as sRGB.

    Returns:
        ``(H, W, 3)`` uint8 RGB, C-contiguous, read-only.

    Raises:
        PictureError: If there is no such regular file, or it is no picture of these formats, or it
            is damaged, above ``MAX_BYTES`` bytes or above ``MAX_PIXELS`` pixels.
        PictureTypeError: If ``path`` is no path.
        DependencyError: If Pillow is not installed.
    """
    data, name = read_bytes(path)
    return decode(data, name)


def encode_png(image: RgbImage) -> bytes:
    """Encode a picture as a PNG file, in memory: the same bytes for the same picture.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.

    Raises:
        PictureError: If it is not such a picture.
        OutputError: If OpenCV can not encode it.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise PictureError(
            f"expected a picture (H, W, 3) uint8 to encode, got {image.dtype} {image.shape}"
        )
    bgr = np.ascontiguousarray(image[..., ::-1])
    try:
        done, data = cv2.imencode(".png", bgr, _PNG_SETTINGS)
    except cv2.error as error:
        raise OutputError(f"a picture {image.shape} could not be made a PNG: {error}") from error
    if not done:
        raise OutputError(f"a picture {image.shape} could not be made a PNG")
    return np.asarray(data).tobytes()
