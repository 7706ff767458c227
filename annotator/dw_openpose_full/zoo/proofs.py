"""What was proven of files, remembered, so that a large file is not read at each start.

Two small JSON files in the user's cache. Losing them costs a second; a memory that does not fit the
file's length, times and inode is no memory. Writing them is never worth an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any, Final

from .folders import cache_folder

_PROVEN: Final = "proven.json"  # path -> [length, mtime, inode, ctime, sha256]
_RECORDED: Final = "recorded.json"  # file of a row without a digest -> sha256 of the first fetch
_MOST: Final = 200  # memories kept
_BLOCK: Final = 1 << 20  # bytes read at a time


def sha256_of(path: Path) -> str:
    """A file's digest, from memory if the file is still the one that was read.

    Raises:
        OSError: If it can not be read.
    """
    key, memories = str(path.absolute()), _read(_PROVEN)
    status = _status(path)
    memory = memories.get(key)
    if isinstance(memory, list) and len(memory) == 5 and memory[:4] == status:
        return str(memory[4])
    digest = digest_of(path)
    if _status(path) == status:  # nobody wrote meanwhile
        memories[key] = [*status, digest]
        _write(_PROVEN, memories)
    return digest


def digest_of(path: Path) -> str:
    """A file's sha256, read now.

    Raises:
        OSError: If it can not be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def recorded(file: str) -> str | None:
    """The digest that the first fetch of a row without one gave."""
    digest = _read(_RECORDED).get(file)
    return digest if isinstance(digest, str) else None


def record(file: str, digest: str) -> None:
    """Remember the digest of a first fetch."""
    _write(_RECORDED, {**_read(_RECORDED), file: digest})


def _status(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns]


def _read(name: str) -> dict[str, Any]:
    try:
        found = json.loads((cache_folder() / name).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(name: str, memories: dict[str, Any]) -> None:
    folder = cache_folder()
    part = folder / f".{name}.{os.getpid()}-{secrets.token_hex(8)}.part"
    kept = dict(list(memories.items())[-_MOST:])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(kept, indent=1), "utf-8")
        part.replace(folder / name)
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            part.unlink()
