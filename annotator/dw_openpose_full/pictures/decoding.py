"""From the bytes of a file, or a PIL image, to pixels: the only room of Pillow.

Nothing of Pillow's global state is changed or trusted. A host may have set
``LOAD_TRUNCATED_IMAGES``, or another ``MAX_IMAGE_PIXELS``: damage is refused and sizes are limited
here all the same. That is why the reader of the one format is called by name: ``Image.open`` would
first warn of large pictures, and ask every plug-in that a host has registered.
"""

from __future__ import annotations

import io
import logging
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DependencyError, DwPoseError, PictureError, PictureTypeError, name_for_message
from ..poses import RgbImage
from .arrays import check_size, sealed, to_rgb
from .signatures import picture_format

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFile import ImageFile

_log = logging.getLogger(__name__)

_ORIENTATION: Final = 0x0112  # the EXIF tag
_PNG_HEAD: Final = 8  # bytes before the first chunk
_WIDEST_PIXEL: Final = 8  # bytes: RGBA of 16 bits
_INFLATE_STEP: Final = 1 << 20  # bytes

# how the stored rows and columns are to be turned, by EXIF orientation
_UPRIGHT: Final[dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]]] = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored[::-1].swapaxes(0, 1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored[:, ::-1].swapaxes(0, 1),
}


def decode(data: bytes, name: str) -> RgbImage:
    """Decode a picture file.

    Args:
        data: The whole file.
        name: The file, for messages.

    Returns:
        ``(H, W, 3)`` uint8 RGB, upright, C-contiguous, read-only.

    Raises:
        PictureError: If it is of another format, damaged, or too large.
        DependencyError: If Pillow is not installed.
    """
    kind = picture_format(data, name)
    open_ = _reader(kind)
    source = _WholeFile(data)
    try:
        with open_(source) as image:
            check_size(image.height, image.width, name)
            _check_structure(kind, data, image.size)
            source.loading = True
            image.load()
            source.loading = False
            return _upright_rgb(image, name)
    except DwPoseError:
        raise
    except Exception as error:  # damaged bytes make decoders raise anything
        raise PictureError(
            f"{name}: expected a whole {kind} picture, got one that is damaged, cut short or of "
            f"an unknown variant ({_reason(error)}); copy it again or save it as PNG"
        ) from error


def picture_from_pil(image: object) -> RgbImage:
    """Make a picture of a PIL image: of the frame it stands at, EXIF orientation applied.

    Args:
        image: Of any mode; loaded if it is not yet, otherwise left as it is.

    Returns:
        ``(H, W, 3)`` uint8 RGB, upright, C-contiguous, read-only.

    Raises:
        PictureError: If it has no or too many pixels, is closed or damaged, or of a mode without a
            way to RGB.
        PictureTypeError: If it is no PIL image.
    """
    pillow = _pillow()
    if not isinstance(image, pillow.Image):
        raise PictureTypeError(f"expected a PIL image, got {type(image).__name__}")
    file = getattr(image, "filename", "")
    name = name_for_message(file) if file else "the PIL image"
    check_size(image.height, image.width, name)
    try:
        image.load()
        return _upright_rgb(image, name)
    except DwPoseError:
        raise
    except Exception as error:  # as above: a lazy image is decoded here
        raise PictureError(
            f"{name}: expected a PIL image with pixels, got one of mode {image.mode} whose pixels "
            f"can not be had ({_reason(error)}); open it again or convert it to RGB"
        ) from error


class _WholeFile(io.BytesIO):
    """Bytes of a file that ends too early when pixels are asked for beyond its end."""

    loading = False

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        if self.loading and not chunk and size != 0:
            raise OSError("the file ends too early")
        return chunk


def _pillow() -> ModuleType:
    """The module ``PIL.Image``."""
    try:
        from PIL import Image
    except ImportError as error:
        raise DependencyError(
            'reading picture files needs Pillow: pip install "dw-openpose-full[cli]" '
            "(arrays need nothing)"
        ) from error
    return Image


def _reader(kind: str) -> Callable[[io.BytesIO], ImageFile]:
    """Pillow's class for one format; it reads the header and no pixels."""
    _pillow()
    from PIL import (
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    readers: dict[str, Callable[[io.BytesIO], ImageFile]] = {
        "BMP": BmpImagePlugin.BmpImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
    }
    return readers[kind]


def _check_structure(kind: str, data: bytes, size: tuple[int, int]) -> None:
    """Find damage that decoders may pass over.

    Args:
        kind: Of the six formats.
        data: The whole file.
        size: ``(width, height)``, as Pillow has it.

    Raises:
        ValueError: Says what is wrong.
    """
    if kind == "WEBP" and int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise ValueError("the file ends too early")
    if kind == "PNG":
        pixels = _checked_chunks(data)
        from PIL import ImageFile

        if ImageFile.LOAD_TRUNCATED_IMAGES:  # then Pillow would fill up what is missing
            _check_pixels_end(pixels, (size[0] * _WIDEST_PIXEL + 8) * (size[1] + 8))


def _checked_chunks(data: bytes) -> list[bytes]:
    """The compressed pixels of a PNG file, after a look at the check sum of every chunk."""
    pixels: list[bytes] = []
    position, chunk = _PNG_HEAD, b""
    while chunk != b"IEND":
        length = int.from_bytes(data[position : position + 4], "big")
        end = position + 12 + length
        if end > len(data):
            raise ValueError("the file ends too early")
        chunk = data[position + 4 : position + 8]
        body = memoryview(data)[position + 4 : end - 4]
        if zlib.crc32(body) != int.from_bytes(data[end - 4 : end], "big"):
            raise ValueError(f"the check sum of a chunk {chunk!r} is wrong")
        if chunk == b"IDAT":
            pixels.append(bytes(body[4:]))
        position = end
    return pixels


def _check_pixels_end(pixels: list[bytes], limit: int) -> None:
    """Inflate and throw away, a little at a time: the end must come within ``limit`` bytes."""
    inflate, inflated = zlib.decompressobj(), 0
    for part in [*pixels, b""]:
        packed, given = part, _INFLATE_STEP
        while (packed or given == _INFLATE_STEP) and not inflate.eof and inflated <= limit:
            given = len(inflate.decompress(packed, _INFLATE_STEP))
            packed = inflate.unconsumed_tail
            inflated += given
    if not inflate.eof:
        raise ValueError("the compressed pixels end too early or not at all")


def _upright_rgb(image: Image.Image, name: str) -> RgbImage:
    """Pixels of a loaded image, turned as its EXIF says."""
    stored = to_rgb(_numbers(image), name)
    turn = _UPRIGHT.get(_orientation(image, name))
    return stored if turn is None else sealed(turn(stored))


def _numbers(image: Image.Image) -> NDArray[Any]:
    """The image as an array that ``to_rgb`` takes.

    Whole numbers of 16 bits stay uint16, floats stay floats: their range is a matter of values.
    """
    mode = image.mode
    key = image.info.get("transparency")
    if mode.startswith("I;16") or (mode == "I" and image.format == "PNG"):
        return _sixteen_bits(image, key)
    if mode in ("I", "F"):
        return np.asarray(image)
    if mode in ("La", "LA", "PA", "RGBa", "RGBA") or key is not None or _palette_has_alpha(image):
        return np.asarray((image.convert("LA") if mode == "La" else image).convert("RGBA"))
    if mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    return np.asarray(image.convert("RGB"))


def _sixteen_bits(image: Image.Image, key: object) -> NDArray[np.uint8]:
    """Grey levels of 16 bits as 8; those that equal the transparent ``key`` become white.

    Unlike an array, a file says that it has 16 bits: a dark one is a dark one.
    """
    deep = np.asarray(image).astype(np.uint32)
    if isinstance(key, int):
        deep[deep == key] = 65535
    return ((deep + 128) // 257).astype(np.uint8)


def _palette_has_alpha(image: Image.Image) -> bool:
    return image.mode == "P" and image.palette is not None and "A" in image.palette.mode


def _orientation(image: Image.Image, name: str) -> int:
    """How the pixels still are to be turned, 1..8; 1 where nothing says so that can be read."""
    if image.format == "TIFF":  # turned on loading; up to Pillow 9.5 the tag stays all the same
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - broken EXIF does not spoil the pixels
        _log.debug("%s: EXIF data is ignored, it can not be read", name, exc_info=True)
        return 1
    return value if isinstance(value, int) else 1


def _reason(error: BaseException) -> str:
    """One line of what a decoder said."""
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
