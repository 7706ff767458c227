"""From the words of the command line to a list of pictures, and a place for each one's results."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import click

PICTURE_SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
)
STDOUT: Final = "-"
DEFAULT_FOLDER: Final = "out"


@dataclass(frozen=True)
class Job:
    """One picture to annotate, and where its results go.

    Attributes:
        source: The picture.
        picture: The canvas's file; ``None`` for stdout.
        document: The JSON's file; ``None`` for stdout or no JSON at all.
    """

    source: Path
    picture: Path | None
    document: Path | None

    @property
    def results(self) -> tuple[Path, ...]:
        """The files this job writes."""
        return tuple(path for path in (self.picture, self.document) if path is not None)

    @property
    def is_done(self) -> bool:
        """Whether all its files are there already; one that writes to stdout never is."""
        return bool(self.results) and all(path.exists() for path in self.results)


def find_pictures(words: Iterable[str]) -> tuple[list[Path], list[str]]:
    """Resolve files, folders and globs.

    A folder gives the pictures directly in it, by suffix; a glob gives what it matches (``**``
    goes into folders); a file is taken whatever its name. A picture named twice counts once.

    Returns:
        The pictures, in order, and one sentence for each word that gave none.
    """
    found: dict[str, Path] = {}
    complaints: list[str] = []
    for word in words:
        pictures = list(_resolve(word))
        if not pictures:
            complaints.append(_nothing_at(word))
        for picture in pictures:
            found.setdefault(os.path.realpath(picture), picture)
    return list(found.values()), complaints


def _resolve(word: str) -> Iterator[Path]:
    path = Path(word)
    if path.is_dir():
        yield from _pictures_in(path)
    elif os.path.lexists(path):
        yield path
    else:
        for match in sorted(glob.glob(word, recursive=True)):  # noqa: PTH207  keeps "./" as typed
            if not Path(match).is_dir():
                yield Path(match)


def _pictures_in(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise click.UsageError(f"{folder}: can not be listed ({error.strerror})") from error
    for entry in entries:
        is_picture = entry.suffix.lower() in PICTURE_SUFFIXES
        if is_picture and not entry.name.startswith(".") and not entry.is_dir():
            yield entry


def _nothing_at(word: str) -> str:
    if Path(word).is_dir():
        return f"{word}: the folder holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})"
    if glob.has_magic(word):
        return f"{word}: nothing matches"
    return f"{word}: no such file or folder"


def plan_jobs(
    pictures: Sequence[Path], output: str | None, document: str | None, *, one_file: bool
) -> list[Job]:
    """Give every picture a place for its results.

    Args:
        pictures: What to annotate.
        output: ``-o``: a file for one picture, a folder, ``"-"``, or ``None``.
        document: ``--json``: a file for one picture, a folder, ``"-"``, ``""`` for beside the
            canvas, or ``None`` for no JSON.
        one_file: Whether the user named exactly one file.

    Raises:
        click.UsageError: If the two do not fit the number of pictures, or each other.
    """
    if STDOUT == output == document:
        raise click.UsageError("-o - and --json - can not both go to stdout")
    picture_is_file = _names_a_file(output, ".png", "-o", one_file=one_file)
    document_is_file = _names_a_file(document or None, ".json", "--json", one_file=one_file)
    folder = Path(output or DEFAULT_FOLDER)
    jobs = []
    for source, name in zip(pictures, _unique_names(pictures), strict=True):
        picture = folder if picture_is_file else folder / f"{name}.png"
        canvas = None if output == STDOUT else picture
        if document is None or document == STDOUT:
            jobs.append(Job(source, canvas, None))
        elif document == "":
            beside = Path(f"{name}.json") if canvas is None else canvas.with_suffix(".json")
            jobs.append(Job(source, canvas, beside))
        else:
            where = Path(document)
            jobs.append(Job(source, canvas, where if document_is_file else where / f"{name}.json"))
    return jobs


def _names_a_file(value: str | None, suffix: str, option: str, *, one_file: bool) -> bool:
    """Whether an option's value is a file's name rather than a folder's."""
    if value is None:
        return False
    if value == STDOUT:
        if option == "-o" and not one_file:
            raise click.UsageError("-o - takes one picture at a time; name a folder with -o")
        return True
    given = Path(value).suffix.lower()
    if Path(value).is_dir() or not given:
        return False
    if given != suffix:
        if given in PICTURE_SUFFIXES | {".json"}:
            raise click.UsageError(f"{option} writes {suffix} files, got {value!r}")
        return False
    if not one_file:
        raise click.UsageError(f"{option} {value!r} names one file; for many, name a folder")
    return True


def _unique_names(pictures: Sequence[Path]) -> list[str]:
    """A result's name for each picture: its stem, or more of its path where stems collide."""
    stems = Counter(picture.stem.casefold() for picture in pictures)
    names: list[str] = []
    taken: set[str] = set()
    for picture in pictures:
        name = next(
            name
            for name in _names_for(picture, lone=stems[picture.stem.casefold()] == 1)
            if name.casefold() not in taken
        )
        taken.add(name.casefold())
        names.append(name)
    return names


def _names_for(picture: Path, *, lone: bool) -> Iterator[str]:
    """Names for a picture's results, the shortest first; ``lone``: no other has its stem."""
    if lone:
        yield picture.stem
    yield picture.name
    longer = f"{picture.absolute().parent.name}_{picture.name}"
    yield longer
    yield from (f"{longer}_{number}" for number in count(2))
