"""Files out: complete under their final name, or not there at all.

A file is first written beside its place as ``.<name>.<process>-<machine><random>.part``; what a
killed process leaves of that, ``sweep_leftovers`` finds and removes later.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import stat
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from .errors import DwPoseError, OutputError, name_for_message

AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_LEFTOVER: Final = re.compile(r"\..+\.(\d+)-([0-9a-f]{8})[0-9a-f]{8}\.part", re.DOTALL)
_LEFTOVER_AGE: Final = 24 * 3600  # seconds after which no write of ours is still under way
_LONG_NAME: Final = 180  # bytes; most systems allow 255, and the additions take up to 40
_CREATE: Final = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)  # Windows
)
_NO_FSYNC: Final = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EROFS, errno.EBADF}
_REASONS: Final = {
    errno.ENOSPC: "no space left there; make room or choose another folder",
    getattr(errno, "EDQUOT", errno.ENOSPC): "your quota there is used up; make room",
    errno.EACCES: "writing there is not permitted; choose another folder, or close the program "
    "that has the file open",
    errno.EPERM: "writing there is not permitted; choose another folder",
    errno.EROFS: "that disk is read-only; choose another folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another folder",
    errno.EEXIST: "a part of the path is a file, not a folder; choose another folder",
    errno.ENAMETOOLONG: "the name is too long for this system; shorten it",
    errno.ELOOP: "its symbolic links lead in a circle; mend the link",
    errno.EISDIR: "it is a folder; choose the name of a file",
}


def write_atomically(path: AnyPath, data: bytes) -> None:
    """Write a file so that its name shows all of it or what was there before, whatever happens.

    Missing folders are made. A symbolic link stays, and the file it leads to is replaced. A new
    file gets the permissions of the user's umask, a replaced one keeps its own.

    Raises:
        OutputError: If it can not be written; no part of it is left behind.
    """
    with replacing(path) as part:
        part.write_bytes(data)


@contextmanager
def replacing(path: AnyPath) -> Iterator[Path]:
    """Give a temporary file to be filled; it takes the name ``path`` when the block ends well.

    The temporary file exists, empty, in the folder of ``path``. On any failure, an interrupt
    included, it is removed, and what stood under ``path`` before still stands there.

    Raises:
        OutputError: For any ``OSError``, of the block too: the result could not be written.
    """
    name = name_for_message(path)
    try:
        target = _target(path, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _part_beside(target)
        try:
            os.close(os.open(part, _CREATE, 0o666))
            yield part
            _keep_mode(target, part)
            _push_to_disk(part)
            part.replace(target)
        finally:
            with suppress(OSError):
                part.unlink()
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise OutputError(f"{name}: can not be written: {reason}") from error
    except DwPoseError:  # of the block
        raise
    except ValueError as error:  # a NUL or another character that file names can not hold
        raise OutputError(f"{name}: no file can have this name ({error}); change it") from error


def sweep_leftovers(folder: AnyPath) -> int:
    """Remove temporary files that dead processes of ours left in a folder.

    Only files named and owned as ours are touched, and only when the process that made them is gone
    from this machine, or when they are older than a day: another machine may be writing to the
    same folder, and so may another process of this one.

    Returns:
        How many were removed; what can not be looked at or removed is passed over.
    """
    removed = 0
    with suppress(OSError), os.scandir(os.fsdecode(folder)) as entries:
        for entry in entries:
            match = _LEFTOVER.fullmatch(entry.name)
            with suppress(OSError):
                if match and _is_left_over(match, entry.stat(follow_symlinks=False)):
                    Path(entry.path).unlink()
                    removed += 1
    return removed


def _target(path: AnyPath, name: str) -> Path:
    """The place to write to, behind symbolic links; refused where no file can be put."""
    text = os.fsdecode(path)
    if not text:
        raise OutputError("expected the name of a file to write, got an empty one")
    target = Path(text)
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode) or text.endswith(("/", os.sep)):
        raise OutputError(f"{name}: can not be written: {_REASONS[errno.EISDIR]}")
    if not stat.S_ISREG(mode):  # os.replace would put a file in place of the device
        raise OutputError(
            f"{name}: can not be written: it is a device, a pipe or a socket; choose a file"
        )
    return Path(os.path.realpath(target)) if target.is_symlink() else target


def _part_beside(target: Path) -> Path:
    """An own name in the folder of ``target``."""
    stem = target.name
    if len(os.fsencode(stem)) > _LONG_NAME:
        stem = stem[: _LONG_NAME // 4]  # a character takes up to four bytes
    return target.with_name(f".{stem}.{os.getpid()}-{_machine()}{secrets.token_hex(4)}.part")


def _machine() -> str:
    """Eight hexadecimal digits that tell machines with a common folder apart."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _keep_mode(target: Path, part: Path) -> None:
    """Give the new file the permissions of the one that it replaces."""
    with suppress(OSError):
        part.chmod(stat.S_IMODE(target.stat().st_mode))


def _push_to_disk(part: Path) -> None:
    """Have the system write the file out, where the file system knows how."""
    descriptor = os.open(part, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FSYNC:
            raise
    finally:
        os.close(descriptor)


def _is_left_over(match: re.Match[str], status: os.stat_result) -> bool:
    if not stat.S_ISREG(status.st_mode):
        return False
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        return False
    if time.time() - status.st_mtime > _LEFTOVER_AGE:
        return True
    return match[2] == _machine() and not _is_alive(int(match[1]))


def _is_alive(process: int) -> bool:
    """Whether a process of this machine runs; on Windows, where looking may end it, always yes."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or no number of a process
        return True
    return True
