"""The hub's part: huggingface_hub where it is installed, and the addresses of its files.

What the library brings is proven as everything else is. It neither resumes nor minds a server that
drips (2.x), so it is watched, and where it fails our own reader asks the same address.
"""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import quote

from .addresses import check_address
from .cards import HubFile
from .parts import new_part, size_below
from .progress import Progress
from .web import Limits

_log = logging.getLogger(__name__)

ENDPOINT: Final = "https://huggingface.co"
_POLL: Final = 0.2  # seconds between looks at what has come
_TRUE: Final = {"1", "true", "yes", "on"}


def is_offline() -> bool:
    """Whether the user's environment forbids downloads (``HF_HUB_OFFLINE``)."""
    return os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in _TRUE


def endpoint() -> str:
    """The hub's address, or that of the mirror that ``HF_ENDPOINT`` names."""
    return (os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")


def url_of(place: HubFile) -> str:
    """The address of a file on the hub."""
    repo, file = quote(place.repo), quote(place.file)
    return f"{endpoint()}/{repo}/resolve/{quote(place.revision, safe='')}/{file}"


def check_endpoint() -> None:
    """Refuse a mirror that huggingface_hub must not be sent to either.

    Raises:
        RefusedError: If it is not https, nor on this machine.
    """
    check_address(endpoint())


def bring(place: HubFile, target: Path, limits: Limits, progress: Progress) -> Path | None:
    """Have huggingface_hub fetch a file beside ``target``, under a name of ours.

    It works in a thread that can not be ended: when nothing comes for a window's time it is left
    to itself, with its own folder, which a later fetch sweeps.

    Args:
        place: What to fetch.
        target: Where the file shall stand in the end; nothing is written there.
        limits: How long to wait.
        progress: Told the bytes that have come; the length is not known here.

    Returns:
        The file, or None if the library is not installed or did not bring it.
    """
    try:
        library: Any = importlib.import_module("huggingface_hub")
    except Exception:  # noqa: BLE001  a broken installation raises anything at all
        return None
    folder, part = new_part(target, "", "hub"), new_part(target, "")
    brought: list[Path] = []

    def work() -> None:
        try:
            brought.append(_ask(library, place, folder, limits))
        except BaseException as error:  # noqa: BLE001  whatever it is, we ask ourselves
            _log.info("huggingface_hub: %s; asking the hub directly", error)

    worker = threading.Thread(target=work, daemon=True, name="huggingface_hub")
    worker.start()
    if not _watch(worker, folder, limits, progress):
        _log.info("huggingface_hub brings nothing; asking the hub directly")
        return None
    with suppress(OSError):
        if brought and not brought[0].is_symlink():
            brought[0].replace(part)
    shutil.rmtree(folder, ignore_errors=True)
    return part if part.is_file() else None


def _watch(worker: threading.Thread, folder: Path, limits: Limits, progress: Progress) -> bool:
    """Wait for a worker as long as its folder grows; False if it was left to itself."""
    grown, since = 0, time.monotonic()
    while worker.is_alive():
        worker.join(_POLL)
        size = size_below(folder)
        if size - grown >= limits.rate * limits.window:
            grown, since = size, time.monotonic()
            progress(size, None)
        if time.monotonic() - since > limits.window + limits.connect:
            return False
    return True


def _ask(library: ModuleType, place: HubFile, folder: Path, limits: Limits) -> Path:
    """``hf_hub_download`` into a folder of ours, without its bars."""
    bars: Any = importlib.import_module("huggingface_hub.utils")
    silent = bars.are_progress_bars_disabled()
    if not silent:
        bars.disable_progress_bars()
    try:
        found = library.hf_hub_download(
            repo_id=place.repo,
            filename=place.file,
            revision=place.revision,
            endpoint=endpoint(),
            local_dir=str(folder),
            etag_timeout=limits.connect,
        )
    finally:
        if not silent:
            bars.enable_progress_bars()
    return Path(found)
