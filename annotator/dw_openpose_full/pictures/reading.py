"""From a path to the bytes of a regular file; every way this can fail is one sentence."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final, TypeAlias

from ..errors import PictureError, PictureTypeError, name_for_message

AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]

MAX_BYTES: Final = 256 * 1024**2
"""Largest file; an uncompressed RGBA picture of the largest size fits."""

_NOT_FILES: Final = (
    (stat.S_ISDIR, "a folder", "; pass one of the pictures in it"),
    (stat.S_ISFIFO, "a named pipe", ""),
    (stat.S_ISSOCK, "a socket", ""),
    (stat.S_ISCHR, "a device", ""),
    (stat.S_ISBLK, "a device", ""),
)
_REASONS: Final = {
    errno.ELOOP: "its symbolic links lead in a circle; mend the link",
    errno.ENAMETOOLONG: "the name is too long for this system; shorten it",
    errno.EACCES: "reading it is not permitted; change its permissions",
    errno.EPERM: "reading it is not permitted; change its permissions",
    errno.ENOTDIR: "a part of the path is a file, not a folder; check the path",
    errno.EINVAL: "the name is not possible on this system; check the path",
}
# a pipe put there between the two looks must not block; Windows has neither flag but needs O_BINARY
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def read_bytes(path: AnyPath) -> tuple[bytes, str]:
    """Read a whole regular file.

    Args:
        path: ``str``, ``bytes`` or ``PathLike``; need not be UTF-8.

    Returns:
        The bytes, at least one, and the file's name as messages show it.

    Raises:
        PictureError: If there is no such regular file, or it is empty, too large or unreadable.
        PictureTypeError: If ``path`` is no path.
    """
    try:
        place: str | bytes = os.fspath(path)
    except TypeError as error:
        raise PictureTypeError(f"expected a path, got {type(path).__name__}") from error
    name = name_for_message(place)
    _check_name(place, name)
    try:
        _check_kind(os.stat(place), name)  # noqa: PTH116 - bytes have no Path
        with os.fdopen(os.open(place, _FLAGS), "rb") as file:
            _check_kind(os.fstat(file.fileno()), name)
            data = file.read(MAX_BYTES + 1)  # files of /proc give more than their size
    except PictureError:
        raise  # it is a ValueError
    except FileNotFoundError as error:
        raise PictureError(f"{name}: {_why_missing(place)}") from error
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or "unknown reason")
        raise PictureError(f"{name}: can not be read: {reason}") from error
    except ValueError as error:  # a character that file names can not hold
        raise PictureError(f"{name}: no file can have this name ({error}); check it") from error
    _check_length(len(data), name)
    if not data:
        raise PictureError(f"{name}: expected a picture, got an empty file; copy it again")
    return data, name


def _check_name(place: str | bytes, name: str) -> None:
    """Refuse names that are no names, with a hint at what they are."""
    if not place:
        raise PictureError("expected the path of a picture, got an empty name")
    if "\0" in os.fsdecode(place):
        raise PictureError(
            f"{name}: no file name can hold a NUL character; pass the path of the file, "
            "not its contents"
        )


def _check_kind(status: os.stat_result, name: str) -> None:
    """Refuse, before anything is read, what is not a regular file or is too large."""
    for is_kind, kind, advice in _NOT_FILES:
        if is_kind(status.st_mode):
            raise PictureError(f"{name}: expected a picture file, got {kind}{advice}")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(f"{name}: expected a picture file, got something that is no file")
    _check_length(status.st_size, name)


def _check_length(length: int, name: str) -> None:
    if length > MAX_BYTES:
        raise PictureError(
            f"{name}: expected a picture file of at most {MAX_BYTES >> 20} MiB, got "
            f"{length / 2**20:.0f} MiB or more; scale it down or compress it first"
        )


def _why_missing(place: str | bytes) -> str:
    """What is missing: the file, its folder, or what a link points at."""
    text = os.fsdecode(place)
    if "://" in text:
        return "expected the path of a file, got a network address; download the picture first"
    path = Path(text)
    if path.is_symlink():
        target = name_for_message(os.readlink(path))  # noqa: PTH115 - it may not be UTF-8
        return f"is a symbolic link to {target}, which does not exist; mend the link"
    try:
        if path.parent.is_dir():
            return "there is no such file; check the name"
    except OSError:  # a folder that may not be looked into
        return "there is no such file; check the path"
    return f"there is no folder {name_for_message(path.parent)}; check the path"
