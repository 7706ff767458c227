"""Arrays that show a picture, in any of the ways numbers do, to ``(H, W, 3)`` uint8 RGB.

Work that needs other number types on the way goes by blocks of rows, so that a large picture does
not cost a multiple of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError, PictureTypeError
from ..poses import MAX_PIXELS, RgbImage

_CHANNELS: Final = (1, 3, 4)  # grey, RGB, RGBA
_BLOCK_PIXELS: Final = 1 << 20
_UNIT_LIMIT: Final = 1.001  # largest "1" of floats in 0..1; the excess is rounding of the caller's
_MOVE_AXIS: Final = "move them to the end: np.moveaxis(array, 0, -1), tensor.permute(1, 2, 0)"


def picture_from_array(array: object) -> RgbImage:
    """Make a picture of numbers.

    Shapes: ``(H, W)`` and ``(H, W, 1)`` grey, ``(H, W, 3)`` RGB, ``(H, W, 4)`` RGBA (composited on
    white), each also as a batch of exactly one, ``(1, H, W, C)``.

    Numbers: uint8; bool (False black, True white); uint16 (0..65535, scaled by 1/257; refused when
    nothing is above 255, since that is 8-bit data in a wider type); other whole numbers within
    0..255; floats, 0..1 when none is above 1, else 0..255. The mask of a masked array is ignored.

    Args:
        array: Anything numpy can read, or a torch tensor on any device.

    Returns:
        ``(H, W, 3)`` uint8 RGB, C-contiguous, read-only; a view of ``array`` when that is already
        right.

    Raises:
        PictureError: If shape, size or values are none of these.
        PictureTypeError: If it holds no real numbers.
    """
    return to_rgb(_as_numpy(array), "the array")


def to_rgb(values: NDArray[Any], what: str) -> RgbImage:
    """Do the work of ``picture_from_array``; ``what`` opens the message of an error."""
    if values.dtype.kind not in "buif":
        raise PictureTypeError(
            f"{what}: expected whole or floating-point numbers, got {values.dtype}"
        )
    pixels = _one_picture(values, what)
    height, width = pixels.shape[:2]
    check_size(height, width, what)
    levels = _as_levels(pixels, what)
    if levels.ndim == 2:
        levels = levels[..., None]
    if levels.shape[2] == 4:
        levels = _by_blocks(_on_white, levels, 3)
    return sealed(np.broadcast_to(levels, (height, width, 3)))


def check_size(height: int, width: int, what: str) -> None:
    """Refuse pictures without pixels or with too many.

    Raises:
        PictureError: If the area is 0 or above ``MAX_PIXELS``.
    """
    if height * width > MAX_PIXELS:
        raise PictureError(
            f"{what}: expected at most {MAX_PIXELS // 1_000_000} million pixels, got {width} x "
            f"{height} (width x height), {height * width / 1e6:.0f} million; scale it down first"
        )
    if height < 1 or width < 1:
        raise PictureError(
            f"{what}: expected at least one pixel, got {width} x {height} (width x height)"
        )


def sealed(rgb: NDArray[np.uint8]) -> RgbImage:
    """A read-only, C-contiguous view; a copy only where the array is not contiguous."""
    view = np.ascontiguousarray(rgb).view()
    view.setflags(write=False)
    return view


def _as_numpy(array: object) -> NDArray[Any]:
    """A base-class array of anything array-like, uncopied where possible."""
    try:
        return np.asarray(_off_the_device(array))
    except Exception as error:  # whatever a foreign __array__ raises
        raise PictureTypeError(
            f"expected an array of numbers, got {type(array).__name__} that numpy can not read: "
            f"{error}"
        ) from error


def _off_the_device(array: object) -> object:
    """The numpy twin of a torch tensor; other things as they are."""
    if not all(hasattr(array, verb) for verb in ("detach", "cpu", "numpy")):
        return array
    foreign: Any = array  # torch is not imported, not even for its types
    tensor = foreign.detach().cpu()
    if str(tensor.dtype).startswith(("torch.bfloat16", "torch.float8")):  # numpy has no such types
        tensor = tensor.float()
    numbers: object = tensor.numpy()
    return numbers


def _one_picture(values: NDArray[Any], what: str) -> NDArray[Any]:
    """The ``(H, W)`` or ``(H, W, C)`` array of one picture, ``C`` in 1, 3, 4."""
    shape = values.shape
    if 0 in shape:
        raise PictureError(f"{what}: expected at least one pixel, got shape {shape}")
    if values.ndim == 4:
        if shape[0] != 1:
            raise PictureError(
                f"{what}: expected one picture, got a batch of {shape[0]}, shape {shape}; "
                "pass them one by one"
            )
        return _one_picture(values[0], what)
    if values.ndim == 2 or (values.ndim == 3 and shape[2] in _CHANNELS):
        return values
    if values.ndim == 3 and shape[0] in _CHANNELS:
        raise PictureError(
            f"{what}: expected channels last, (H, W, 3), got shape {shape} with channels first; "
            f"{_MOVE_AXIS}"
        )
    raise PictureError(
        f"{what}: expected shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), got {shape}"
    )


def _as_levels(pixels: NDArray[Any], what: str) -> NDArray[np.uint8]:
    """The same picture as uint8, 0..255."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return _by_blocks(_bool_levels, pixels)
    low, high = pixels.min(), pixels.max()  # either is NaN where any value is
    if pixels.dtype.kind == "f":
        return _float_levels(pixels, float(low), float(high), what)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        if 0 < high <= 255:
            raise PictureError(
                f"{what}: expected uint16 values over 0..65535, got none above {high}; if they "
                "mean 0..255, pass array.astype(np.uint8)"
            )
        return _by_blocks(_deep_levels, pixels)
    if low < 0 or high > 255:
        raise PictureError(
            f"{what}: expected {pixels.dtype} values within 0..255, got {low}..{high}; scale "
            "them to 0..255 first"
        )
    return pixels.astype(np.uint8)


def _float_levels(pixels: NDArray[Any], low: float, high: float, what: str) -> NDArray[np.uint8]:
    """Floats in 0..1 or 0..255, rounded to whole levels."""
    if not (np.isfinite(low) and np.isfinite(high)):
        raise PictureError(f"{what}: expected finite numbers, got NaN or infinity among them")
    if low < 0 or high > 255:
        raise PictureError(
            f"{what}: expected floats within 0..1 or 0..255, got {low:g}..{high:g}; undo the "
            "normalisation or clip them first"
        )
    factor = np.float32(255 if high <= _UNIT_LIMIT else 1)

    def levels(block: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(np.rint(block.astype(np.float32) * factor))

    with np.errstate(all="ignore"):  # underflow, where the host asks numpy to raise
        return _by_blocks(levels, pixels)


def _bool_levels(block: NDArray[Any]) -> NDArray[Any]:
    return block * np.uint8(255)


def _deep_levels(block: NDArray[Any]) -> NDArray[Any]:
    """16 bits to 8: 257 levels of the one are one of the other."""
    return (block.astype(np.uint32) + 128) // 257


def _on_white(block: NDArray[Any]) -> NDArray[Any]:
    """RGBA over a white ground; at most 255 * 255 + 127 on the way, which uint16 holds."""
    wide = block.astype(np.uint16)
    colour, alpha = wide[..., :3], wide[..., 3:]
    return (colour * alpha + 255 * (255 - alpha) + 127) // 255


def _by_blocks(
    change: Callable[[NDArray[Any]], NDArray[Any]],
    pixels: NDArray[Any],
    channels: int | None = None,
) -> NDArray[np.uint8]:
    """A new uint8 array: ``change`` applied to some rows at a time.

    Args:
        change: Takes rows ``(h, W, ...)`` and gives their levels, 0..255.
        pixels: ``(H, W)`` or ``(H, W, C)``.
        channels: Of the result; by default as many as there are.
    """
    shape = pixels.shape if channels is None else (*pixels.shape[:2], channels)
    result = np.empty(shape, np.uint8)
    for rows in _row_blocks(*pixels.shape[:2]):
        result[rows] = change(pixels[rows])
    return result


def _row_blocks(height: int, width: int) -> Iterator[slice]:
    step = max(1, _BLOCK_PIXELS // width)
    for first in range(0, height, step):
        yield slice(first, first + step)
