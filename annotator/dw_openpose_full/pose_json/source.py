"""From what a caller has, a path, text or objects, to the values of a JSON document."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import name_for_message
from .spot import Spot, described, shortened

MAX_BYTES: Final = 64 * 2**20  # read into memory at once, where it takes some ten times as much
MAX_CONTAINERS: Final = 10**6  # lists and objects; an empty one is two bytes here, 64 in memory
MAX_DIGITS: Final = 400  # more than any float64 has; longer whole numbers are read as infinite

_BLANK: Final = "\ufeff \t\r\n"


def load(document: object) -> tuple[object, Spot]:
    """Get the values of a document.

    Args:
        document: An object or list as the json module gives it; JSON text; or a path. A ``str`` is
            text when its first character is ``{`` or ``[``, otherwise a path.

    Returns:
        The values, and the spot that names the document in errors.

    Raises:
        PoseJsonError: If the file can not be read, the text is no JSON, or it is none of the three.
    """
    if isinstance(document, (bytes, bytearray)):
        spot = Spot("JSON text")
        return _parse(_decode(bytes(document), spot), spot), spot
    if isinstance(document, str):
        return _load_str(document)
    if isinstance(document, os.PathLike):
        return _load_file(Path(os.fsdecode(document)))
    spot = Spot("OpenPose JSON")
    if isinstance(document, (Mapping, list, tuple)):
        return document, spot
    raise spot.error(
        f"expected an object, a list, JSON text or a path, got {described(document)}; pass one"
    )


def _load_str(text: str) -> tuple[object, Spot]:
    """Values of a text or, where it does not look like JSON, of the file it names."""
    content, spot = text.lstrip(_BLANK), Spot("JSON text")
    if content.startswith(("{", "[")):
        return _parse(content, spot), spot
    if not content:
        raise spot.error("it is empty, expected an object with 'people'; pass the text or a path")
    return _load_file(Path(text))


def _load_file(path: Path) -> tuple[object, Spot]:
    """Values of a file."""
    spot = Spot(name_for_message(path))
    data = _read_regular_file(path, spot)
    return _parse(_decode(data, spot), spot), spot


def _read_regular_file(path: Path, spot: Spot) -> bytes:
    """Bytes of a file; a pipe or a device is refused before it can block or flood the reader."""
    data = b""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise spot.error("no such file; check the path") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise spot.error(f"it can not be read: {reason}; check the path") from error
    except ValueError as error:  # a path with a null character
        raise spot.error(f"it is no path: {error}; pass JSON text or a path") from error
    if stat.S_ISDIR(mode):
        raise spot.error("it is a folder, expected a JSON file; name the file in it")
    if not stat.S_ISREG(mode):
        raise spot.error("it is no regular file; copy its content into a file first")
    return data


def _decode(data: bytes, spot: Spot) -> str:
    """Text of UTF-8 with or without a byte order mark."""
    _check_length(len(data), spot)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise spot.error(
            f"it is not UTF-8 text (byte {data[error.start]:#04x} at {error.start}); "
            "pass a JSON file saved as UTF-8"
        ) from error


def _parse(text: str, spot: Spot) -> object:
    """Values of a JSON text."""
    _check_length(len(text), spot)
    if text.count("[") + text.count("{") > MAX_CONTAINERS:
        raise spot.error(
            f"it holds more than {MAX_CONTAINERS} lists and objects; split it into files of fewer "
            "frames"
        )
    if not text.strip(_BLANK):
        raise spot.error("it is empty, expected an object with 'people'; write the file again")
    try:
        return json.loads(text, parse_int=_whole, object_pairs_hook=_object)
    except RecursionError as error:
        raise spot.error("it is nested too deeply for a pose document; check the file") from error
    except ValueError as error:
        raise spot.error(f"it is not valid JSON: {error}; write the file again") from error


def _check_length(length: int, spot: Spot) -> None:
    """Refuse what would fill the memory."""
    if length > MAX_BYTES:
        raise spot.error(
            f"it is larger than {MAX_BYTES // 2**20} MiB; split it into files of fewer frames"
        )


def _whole(digits: str) -> float:
    """A whole number; Python refuses thousands of digits, or takes minutes over them."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys appear once: of two lists of people, one would be lost unseen."""
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key '{shortened(twice)}' appears twice in one object")
    return made
