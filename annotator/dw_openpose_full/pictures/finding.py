"""From words to pictures, and names for what is made of them.

A word is a file, a folder or a glob.
"""

from __future__ import annotations

import glob
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Final

from ..errors import name_for_message

PICTURE_SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
)
"""How names of picture files end, in lower case."""


def find_pictures(
    words: Iterable[str],
    results: Path | None = None,
    suffixes: Collection[str] = PICTURE_SUFFIXES,
) -> tuple[list[Path], list[str]]:
    """Resolve files, folders and globs.

    A folder gives the pictures directly in it, by suffix; a glob gives what it matches (``**``
    goes into folders); a file is taken whatever its name. A picture named twice counts once.

    Args:
        words: As typed.
        results: The folder that results go to. What folders and globs give of that is passed over:
            an earlier run made it.
        suffixes: How files end that a folder gives, in lower case.

    Returns:
        The pictures, in order, and one sentence for each word that gave none.
    """
    found: dict[str, Path] = {}
    complaints: list[str] = []
    for word in words:
        name = name_for_message(word) or "an empty name"
        try:
            pictures = list(_resolve(word, results, suffixes))
        except OSError as error:
            complaints.append(f"{name}: can not be listed: {error.strerror}")
            continue
        if not pictures:
            complaints.append(f"{name}: {_why_nothing(word, results, suffixes)}")
        for picture in pictures:
            found.setdefault(os.path.realpath(picture), picture)
    return list(found.values()), complaints


def is_folder(path: str | Path) -> bool:
    """Whether there is a folder; not so where the system does not even look."""
    return is_kind(Path.is_dir, Path(path))


def is_kind(kind: Callable[[Path], bool], path: Path) -> bool:
    """Whether a path is of a kind, ``Path.is_file`` say; not so where the system does not look."""
    try:
        return kind(path)
    except OSError:  # the name is too long, or a folder on the way is closed to us
        return False


def unique_names(pictures: Sequence[Path]) -> list[str]:
    """A result's name for each picture: its stem, or more of its path where stems collide."""
    stems = Counter(picture.stem.casefold() for picture in pictures)
    numbers: dict[str, Iterator[int]] = defaultdict(lambda: count(2))
    names: list[str] = []
    taken: set[str] = set()
    for picture in pictures:
        name = next(
            name
            for name in _names_for(picture, numbers, lone=stems[picture.stem.casefold()] == 1)
            if name.casefold() not in taken
        )
        taken.add(name.casefold())
        names.append(name)
    return names


def _names_for(picture: Path, numbers: Mapping[str, Iterator[int]], *, lone: bool) -> Iterator[str]:
    """Names for a picture's results, the shortest first.

    Args:
        picture: The source.
        numbers: For each name in lower case, the numbers that are left to tell its bearers apart.
        lone: No other picture has its stem.
    """
    if lone:
        yield picture.stem
    yield picture.name
    longer = f"{picture.absolute().parent.name}_{picture.name}"
    yield longer
    yield from (f"{longer}_{number}" for number in numbers[longer.casefold()])


def _resolve(word: str, results: Path | None, suffixes: Collection[str]) -> Iterator[Path]:
    """The pictures that a word stands for."""
    if not word:  # an empty variable of a shell; a path would take it for this folder
        return
    if os.path.lexists(word) and not is_folder(word):
        yield Path(word)
        return
    own = results and os.path.realpath(results)
    place = Path(word)
    for path in sorted(_entries(place, suffixes) if is_folder(place) else _matches(place)):
        if not is_folder(path) and os.path.realpath(path.parent) != own:
            yield path


def _entries(folder: Path, suffixes: Collection[str]) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.suffix.lower() in suffixes and not entry.name.startswith("."):
            yield entry


def _matches(pattern: Path) -> Iterator[Path]:
    """What a glob matches, but nothing hidden.

    ``glob.glob`` follows links to folders for ``**`` too: of two that lead in a circle it never
    comes back.
    """
    magic = [part for part in pattern.parts if part != pattern.anchor and glob.has_magic(part)]
    if not magic:
        return
    first = pattern.parts.index(magic[0])
    root, below = Path(*pattern.parts[:first]), list(pattern.parts[first:])
    below += ["*"] if below[-1] == "**" else []
    below = [part if part == "**" else re.sub(r"\*+", "*", part) for part in below]
    for path in root.glob("/".join(below)):
        if not any(part.startswith(".") for part in path.parts[first:]):
            yield path


def _why_nothing(word: str, results: Path | None, suffixes: Collection[str]) -> str:
    if not word:
        return "expected the name of a file or a folder"
    if results and os.path.realpath(word) == os.path.realpath(results):
        return "results go to this folder, so it gives no pictures; name another one with -o"
    if is_folder(word):
        return f"the folder holds no pictures ({', '.join(sorted(suffixes))})"
    return "nothing matches" if glob.has_magic(word) else "no such file or folder"
