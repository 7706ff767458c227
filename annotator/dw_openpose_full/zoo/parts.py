"""Files on their way in: private names, taking over what dead processes left, and the lock.

A part is called ``.<name>.<process>-<machine><random>-<tag>.part``. No two processes ever write to
one: whoever goes on with a dead process's part takes it by renaming it, which succeeds once. So the
lock only saves a second download; where a file system has none, or a broken one, nothing is lost.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import shutil
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ..errors import ModelError, name_for_message
from ..locks import try_lock

TAG_LENGTH: Final = 16
_OLD: Final = 24 * 3600  # seconds after which no fetch is still under way
_POLL: Final = 0.1  # seconds between looks at a lock
_REASONS: Final = {
    errno.ENOSPC: "no space is left there; make room",
    getattr(errno, "EDQUOT", errno.ENOSPC): "your quota there is used up; make room",
    errno.EACCES: "writing there is not permitted",
    errno.EPERM: "writing there is not permitted",
    errno.EROFS: "that disk is read-only",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a part of the path is a file, not a folder",
    errno.EISDIR: "a folder has its name; move it away",
    errno.ENAMETOOLONG: "the name is too long for this system",
}


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence.

    Raises:
        ModelError: For any ``OSError`` of the block.
    """
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise ModelError(
            f"{name_for_message(target)}: can not be written: {reason}, or name another folder in "
            "DW_OPENPOSE_CKPTS"
        ) from error


def prepare(target: Path, size: int | None) -> None:
    """Make the folder, and see that the file can stand there.

    Raises:
        ModelError: If it can not.
    """
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if size is not None and shutil.disk_usage(target.parent).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def new_part(target: Path, tag: str, kind: str = "part") -> Path:
    """A name in the folder of ``target`` that nobody else has; nothing is made yet."""
    own = f"{os.getpid()}-{_machine()}{secrets.token_hex(4)}"
    return target.with_name(f".{target.name}.{own}-{tag:0<{TAG_LENGTH}.{TAG_LENGTH}}.{kind}")


def take_over(target: Path, tag: str, *, locked: bool) -> Path | None:
    """The largest part with that tag that a dead process left, now ours; None if there is none."""
    left = [part for part, its_tag in _parts(target, "part", locked=locked) if its_tag == tag]
    for part in sorted(left, key=size_below, reverse=True):
        own = new_part(target, tag)
        with suppress(OSError):
            part.rename(own)
            return own
    return None


def has_leftovers(target: Path, tag: str) -> bool:
    """Whether there is a part with that tag, whosever, that might be gone on with."""
    return any(f"-{tag}." in path.name for path in _siblings(target))


def sweep(target: Path, *, locked: bool) -> None:
    """Remove what dead processes left of a fetch of ``target``."""
    for part, _ in _parts(target, "part", locked=locked):
        with suppress(OSError):
            part.unlink()
    for folder, _ in _parts(target, "hub", locked=locked):
        shutil.rmtree(folder, ignore_errors=True)


def put(part: Path, target: Path) -> None:
    """Give a proven part its name, in place of whatever had it.

    Raises:
        ModelError: If the file system refuses.
    """
    with writing(target):
        with suppress(OSError):  # some file systems do not know how
            descriptor = os.open(part, os.O_RDWR | getattr(os, "O_BINARY", 0))
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        part.replace(target)


@contextmanager
def lock(target: Path, patience: float) -> Iterator[bool]:
    """Hold the one lock on fetching ``target``, or go on without it; yields whether it is held.

    Another holder is waited for as long as its parts grow, and ``patience`` seconds more. The
    system frees the lock of a killed process, so there are no stale ones.
    """
    path = target.with_name(f".{target.name}.lock")
    descriptor = _hold(path, target, patience)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            with suppress(OSError):
                if sys.platform != "win32":  # there an open file can not be removed
                    path.unlink()
            os.close(descriptor)
            with suppress(OSError):
                if sys.platform == "win32":
                    path.unlink()


def _hold(path: Path, target: Path, patience: float) -> int | None:
    """A descriptor that holds the lock; None if there are no locks here, or nobody gives it up."""
    grown, deadline = -1, time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            return None
        try:
            try_lock(descriptor)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            pass
        except FileNotFoundError:  # its last holder removed it just now
            pass
        except OSError:  # no locks on this file system
            os.close(descriptor)
            with suppress(OSError):
                path.unlink()
            return None
        os.close(descriptor)
        size = sum(size_below(part) for part in _siblings(target))
        if size != grown:
            grown, deadline = size, time.monotonic() + patience
        time.sleep(_POLL)
    return None


def _siblings(target: Path) -> list[Path]:
    """Parts of ``target``, whosever."""
    found: list[Path] = []
    start = f".{target.name}."
    with suppress(OSError), os.scandir(target.parent) as entries:
        found += [
            Path(entry.path)
            for entry in entries
            if entry.name.startswith(start) and entry.name.endswith((".part", ".hub"))
        ]
    return found


def _parts(target: Path, kind: str, *, locked: bool) -> Iterator[tuple[Path, str]]:
    """Parts of ``target`` that no living process writes to, with their tags."""
    shape = re.compile(
        re.escape(f".{target.name}.") + rf"(\d+)-([0-9a-f]{{8}})[0-9a-f]{{8}}-(\w+)\.{kind}"
    )
    for path in _siblings(target):
        match = shape.fullmatch(path.name)
        if match is None:
            continue
        with suppress(OSError):
            status = path.lstat()
            ours = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
            old = time.time() - status.st_mtime > _OLD
            dead = match[2] == _machine() and not _is_alive(int(match[1]), locked=locked)
            if ours and (old or dead):
                yield path, match[3]


def _is_alive(process: int, *, locked: bool) -> bool:
    """Whether a process of this machine may still write.

    On Windows looking would end it; there the lock tells, and an open file can not be renamed. A
    number may be given again, to ourselves after a container's restart: there too the lock tells.
    """
    if sys.platform == "win32":
        return not locked
    if process == os.getpid():
        return not locked
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def size_below(path: Path) -> int:
    """Bytes in a file, or in all files below a folder; 0 for none."""
    try:
        if path.is_dir():
            return sum(size_below(entry) for entry in path.iterdir())
        return path.stat().st_size
    except OSError:
        return 0


def _machine() -> str:
    """Eight hexadecimal digits that tell machines with a common folder apart."""
    return f"{zlib.crc32(platform.node().encode()):08x}"
