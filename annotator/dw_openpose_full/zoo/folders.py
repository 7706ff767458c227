"""Where weights may lie, in the order they are looked for, and where fetched ones go."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .cards import HubFile

FOLDER_VARIABLE: Final = "DW_OPENPOSE_CKPTS"
"""Environment variable that names a folder of weights to look in first, and to fetch into."""

CACHE_VARIABLE: Final = "DW_OPENPOSE_CACHE"
"""Environment variable that names the folder of this user's cache."""

_NAME: Final = "dw-openpose-full"
_PACKAGE: Final = Path(__file__).resolve().parents[1]
_SHELVES: Final = {"extensions", "extensions-builtin", "custom_nodes"}  # where hosts keep packs

NEIGHBOURS: Final = (
    "extensions/sd-webui-controlnet/annotator/downloads/openpose",
    "models/ControlNetPreprocessor",
    "models/ControlNetPreprocessor/openpose",
    "custom_nodes/comfyui_controlnet_aux/ckpts",
    "custom_nodes/comfyui-controlnet-aux/ckpts",
)
"""Folders of other packs, below a host's root: A1111's, the Forge family's, ComfyUI's."""

HOST_OPTIONS: Final = (
    "--controlnet-annotator-models-path",
    "--controlnet-preprocessor-models-dir",
)
"""Options of hosts that move those folders; the next word of the command line is the folder."""

AUX_VARIABLE: Final = "AUX_ANNOTATOR_CKPTS_PATH"  # comfyui_controlnet_aux's own


_told: list[Path] = []  # folders of weights that the host's user has named on its settings page


def add_host_folder(folder: str | Path) -> None:
    """Look in a folder that a host knows of, before its usual ones."""
    path = Path(folder).expanduser().absolute()
    if path not in _told:
        _told.append(path)


def weight_folders() -> tuple[Path, ...]:
    """Folders of our own: the user's, the wheel's, the checkout's.

    The wheel carries the ``lite`` bundle beside the package's modules; in a checkout the same
    files lie in ``ckpts/`` at the top. ``annotator/ckpts`` is where DWPose's own pages put files.
    """
    named = _named(FOLDER_VARIABLE)
    fixed = (_PACKAGE / "ckpts", _PACKAGE.parents[1] / "ckpts", _PACKAGE.parent / "ckpts")
    return (*named, *fixed)


def neighbour_folders() -> tuple[Path, ...]:
    """Folders of other packs, when we lie inside a host."""
    folders = [
        *_named(AUX_VARIABLE),
        *(part for told in _told for part in (told, told / "openpose")),
    ]
    for root in _host_roots():
        for option in HOST_OPTIONS:
            moved = _option(option)
            if moved:
                folders += [root / moved, root / moved / "openpose"]
        folders += [root / neighbour for neighbour in NEIGHBOURS]
    return tuple(dict.fromkeys(folders))


def cache_folder() -> Path:
    """This user's cache: ``$DW_OPENPOSE_CACHE``, or the platform's place for such things."""
    named = _named(CACHE_VARIABLE)
    if named:
        return named[0]
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else _home() / "AppData" / "Local") / _NAME
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / _NAME
    return _xdg_cache() / _NAME


def download_folder() -> Path:
    """Where fetched weights go: the user's named folder, or else the user's cache."""
    named = _named(FOLDER_VARIABLE)
    return named[0] if named else cache_folder() / "ckpts"


def hub_files(place: HubFile) -> Iterator[Path]:
    """Where huggingface_hub may have put a file: the row's revision first, then any other."""
    owner, _, name = place.repo.partition("/")
    snapshots = _hub_cache() / f"models--{owner}--{name}" / "snapshots"
    yield snapshots / place.revision / place.file
    try:
        revisions = sorted(snapshots.iterdir())
    except OSError:
        return
    for revision in revisions:
        if revision.name != place.revision:
            yield revision / place.file


def _hub_cache() -> Path:
    """huggingface_hub's cache, by its own variables."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        named = _named(variable)
        if named:
            return named[0]
    home = _named("HF_HOME")
    return (home[0] if home else _xdg_cache() / "huggingface") / "hub"


def _host_roots() -> Iterator[Path]:
    """Hosts that we lie in; a pack may be a link to a checkout elsewhere."""
    for package in dict.fromkeys((Path(__file__).absolute().parents[1], _PACKAGE)):
        for parent in package.parents:
            if parent.name in _SHELVES:
                yield parent.parent


def _option(name: str) -> str:
    """The value of one of the host's options; nothing if it was not given."""
    words: list[str] = getattr(sys, "argv", [])  # embedded interpreters may have none
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return ""


def _named(variable: str) -> tuple[Path, ...]:
    """The folder that a variable names, if any."""
    value = os.environ.get(variable)
    if not value:
        return ()
    try:
        return (Path(value).expanduser(),)
    except RuntimeError:  # a home that nobody has
        return (Path(value),)


def _xdg_cache() -> Path:
    """``$XDG_CACHE_HOME`` if it is absolute, as its specification has it, else ``~/.cache``."""
    named = _named("XDG_CACHE_HOME")
    return named[0] if named and named[0].is_absolute() else _home() / ".cache"


def _home() -> Path:
    """The user's home; where there is none, a folder that can not be written tells so later."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep)
