"""A private folder for what users send and get; nothing of it outlives the demo.

Every answer is an own file: gradio would name it by its content and write it in place, while the
same picture is being sent to somebody else. The lock beside the folder tells the next demo whether
this one still lives, however it ended.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..locks import try_lock

PREFIX: Final = "dw-openpose-demo-"
KEEP_SECONDS: Final = 3600
"""Files older than this go; a page that is still open asks for its picture again."""
MOST_BYTES: Final = 2 * 2**30
"""Of all files; above it the oldest go, whatever their age."""
NOT_SENT: Final = "expected an uploaded file, got something else; choose the file again"
"""A refusal of whatever names no file in here."""

_LOCK: Final = ".lock"
_ANSWERS: Final = "answers"
_TIDY_SECONDS: Final = 60  # between two looks at the ages


class Room:
    """The folder of one running demo."""

    def __init__(self, parent: Path | None = None) -> None:
        """Sweep what dead demos left, and make a folder.

        Args:
            parent: Where; by default the system's folder for temporary files.
        """
        place = Path(tempfile.gettempdir() if parent is None else parent).resolve()
        sweep(place)
        self._descriptor, self._lock_file = _locked_file(place)
        self.folder = self._lock_file.with_suffix("")
        self.folder.mkdir(mode=0o700)
        self._tidying = threading.Lock()
        self._tidied = time.monotonic()

    def hand_out(self, name: str, data: bytes) -> Path:
        """Write an answer to an own file, under a name that nobody can guess.

        Args:
            name: What the user's browser calls the file.
            data: What it holds.
        """
        self._tidy_now_and_then()
        folder = self.folder / _ANSWERS / secrets.token_hex(16)
        folder.mkdir(parents=True)
        path = folder / name
        path.write_bytes(data)
        return path

    def holds(self, path: object) -> bool:
        """Whether somebody's word for a file names one in here, links and dots followed."""
        if not isinstance(path, str):
            return False
        try:
            return Path(path).resolve().is_relative_to(self.folder)
        except (OSError, ValueError, RuntimeError):  # no name of a file at all, or links in a ring
            return False

    def tidy(self, *, now: float | None = None) -> None:
        """Remove what is old, and the oldest while all is too much.

        Args:
            now: Seconds as ``time.time`` gives them.
        """
        now = time.time() if now is None else now
        files = sorted(_files_below(self.folder))
        excess = sum(size for _, size, _ in files) - MOST_BYTES
        for changed, size, path in files:
            if now - changed > KEEP_SECONDS or excess > 0:
                excess -= size
                with suppress(OSError):
                    path.unlink()
                    path.parent.rmdir()

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            os.close(self._descriptor)
        with suppress(OSError):
            self._lock_file.unlink()

    def _tidy_now_and_then(self) -> None:
        """Tidy up if that was long ago; one thread at a time."""
        if time.monotonic() - self._tidied > _TIDY_SECONDS and self._tidying.acquire(
            blocking=False
        ):
            try:
                self._tidied = time.monotonic()
                self.tidy()
            finally:
                self._tidying.release()


def sweep(parent: Path) -> int:
    """Remove the folders of demos that ended without doing so. Returns how many there were."""
    swept = 0
    for lock_file in parent.glob(f"{PREFIX}*{_LOCK}"):
        with suppress(OSError):
            if not _is_ours(lock_file, stat.S_ISREG):
                continue
            descriptor = os.open(lock_file, os.O_RDWR)
            try:
                try_lock(descriptor)
                folder = lock_file.with_suffix("")
                if folder.exists() and _is_ours(folder, stat.S_ISDIR):
                    shutil.rmtree(folder, ignore_errors=True)
                    swept += 1
            finally:
                os.close(descriptor)
            lock_file.unlink()
    return swept


def _locked_file(parent: Path) -> tuple[int, Path]:
    """A new file that this process alone has locked, for as long as it lives."""
    while True:
        descriptor, name = tempfile.mkstemp(_LOCK, PREFIX, parent)
        try:
            try_lock(descriptor)
            if os.path.samestat(os.fstat(descriptor), os.stat(name)):  # noqa: PTH116  beside fstat
                return descriptor, Path(name)
        except OSError:  # another demo's sweep was quicker
            pass
        os.close(descriptor)


def _is_ours(path: Path, is_kind: object) -> bool:
    """Whether a file is of a kind, no link, and belongs to this user."""
    status = path.lstat()
    ours = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    return ours and callable(is_kind) and bool(is_kind(status.st_mode))


def _files_below(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Time of change, size and path of every file."""
    for path in folder.rglob("*"):
        with suppress(OSError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                yield status.st_mtime, status.st_size, path
