"""Finding weights on disk and proving that they are what the catalogue says."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from ..errors import ModelError, name_for_message
from . import proofs
from .cards import HubFile, Weight
from .catalogue import card_of
from .folders import download_folder, hub_files, neighbour_folders, weight_folders

_log = logging.getLogger(__name__)


def candidates(weight: Weight) -> Iterator[Path]:
    """Files that may be that weight, in the order of trust, whole or not."""
    seen: set[Path] = set()
    for path in _places(weight):
        try:
            if path.is_file() and (real := path.resolve()) not in seen:
                seen.add(real)
                yield path
        except (OSError, RuntimeError):  # a folder that may not be looked into, links in a circle
            continue


def find(weight: Weight) -> Path:
    """The first file of the right length; others are passed over with a word.

    Raises:
        ModelError: If there is none; the message says what was found, or names the folders.
    """
    return next(_of_right_size(weight))


def verify(weight: Weight, path: Path) -> None:
    """Prove that a file is the catalogue's, by size and sha256.

    The digest is read once and remembered while the file's length, times and inode stay.

    Raises:
        ModelError: If it is not; the message says what was expected and what to do.
    """
    name, cure = name_for_message(path), f"delete it and {_cure(weight)}"
    try:
        size = path.stat().st_size
        if weight.size not in {None, size}:
            raise ModelError(f"{name}: expected {weight.size} bytes, got {size}; {cure}")
        digest = proofs.sha256_of(path)
    except OSError as error:
        raise ModelError(f"{name}: can not be read ({error.strerror}); {cure}") from error
    expected = digest_expected(weight, path)
    if expected not in {None, digest}:
        raise ModelError(f"{name}: sha256 is {digest[:12]}..., expected {expected[:12]}...; {cure}")


def is_here(weight: Weight) -> bool:
    """Whether a weight's file can be found and proven."""
    try:
        find_verified(weight)
    except ModelError:
        return False
    return True


def find_verified(weight: Weight) -> Path:
    """A weight's file, found and proven; a damaged one is passed over where there is another.

    Raises:
        ModelError: As :func:`find` and :func:`verify` do.
    """
    first: ModelError | None = None
    files = _of_right_size(weight)
    while True:
        try:
            path = next(files)
        except ModelError as error:
            raise first or error from None
        try:
            verify(weight, path)
        except ModelError as error:
            first = first or error
        else:
            if first is not None:
                _log.warning("%s; %s is taken", first, name_for_message(path))
            return path


def digest_expected(weight: Weight, path: Path) -> str | None:
    """The row's digest; for a row without one, that of its first fetch, for the file it fetched."""
    if weight.sha256 is not None or path != download_folder() / weight.file:
        return weight.sha256
    return proofs.recorded(weight.file)


def _of_right_size(weight: Weight) -> Iterator[Path]:
    """Files of the right length; ends in a ModelError, never by itself."""
    wrong: list[str] = []
    for path in candidates(weight):
        try:
            size = path.stat().st_size
        except OSError:
            continue
        if weight.size in {None, size}:
            for word in wrong:
                _log.warning("%s; passed over", word)
            wrong.clear()
            yield path
        else:
            wrong.append(f"{name_for_message(path)}: expected {weight.size} bytes, got {size}")
    if wrong:
        raise ModelError(f"{'; '.join(wrong)}; delete it and {_cure(weight)}")
    raise ModelError(_missing(weight))


def _places(weight: Weight) -> Iterator[Path]:
    """Where a weight may lie: our folders, other packs', the user's cache, the hub's."""
    for folder in weight_folders():
        yield folder / weight.file
    if not weight.places:
        return
    on_hub = [place for place in weight.places if isinstance(place, HubFile)]
    for folder in neighbour_folders():
        yield folder / weight.file
        for place in on_hub:  # comfyui_controlnet_aux keeps them by owner and repository
            yield folder / place.repo / place.file
    yield download_folder() / weight.file
    for place in on_hub:
        yield from hub_files(place)


def _missing(weight: Weight) -> str:
    if not weight.places:
        places = ", ".join(name_for_message(folder) for folder in weight_folders())
        return (
            f"{weight.file} is in none of {places}; it comes with the package, so install the "
            "package again, or in a checkout run: python tools/build_lite.py"
        )
    return (
        f"{weight.file} is not here; {_cure(weight)}, or put it by hand into "
        f"{name_for_message(download_folder())}"
    )


def _cure(weight: Weight) -> str:
    """What brings the right file."""
    if not weight.places:
        return "install the package again"
    card = card_of(weight)
    return f"run: dw-openpose models fetch {card.name}" if card else "fetch it again"
