"""From the words of the command line to a list of pictures, and a place for each one's results."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import click

from ..errors import name_for_message

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
        json_to_stdout: Whether the JSON goes to stdout.
    """

    source: Path
    picture: Path | None
    document: Path | None = None
    json_to_stdout: bool = False

    @property
    def results(self) -> tuple[Path, ...]:
        """The files this job writes."""
        return tuple(path for path in (self.picture, self.document) if path is not None)

    @property
    def is_done(self) -> bool:
        """Whether all its files are there already; one that writes to stdout never is."""
        to_stdout = self.picture is None or self.json_to_stdout
        return not to_stdout and all(_is(Path.is_file, path) for path in self.results)


def find_pictures(
    words: Iterable[str], results: Path | None = None
) -> tuple[list[Path], list[str]]:
    """Resolve files, folders and globs.

    A folder gives the pictures directly in it, by suffix; a glob gives what it matches (``**``
    goes into folders); a file is taken whatever its name. A picture named twice counts once.

    Args:
        words: As typed.
        results: The folder that results go to. What folders and globs give of that is passed over:
            an earlier run made it.

    Returns:
        The pictures, in order, and one sentence for each word that gave none.
    """
    found: dict[str, Path] = {}
    complaints: list[str] = []
    for word in words:
        name = name_for_message(word) or "an empty name"
        try:
            pictures = list(_resolve(word, results))
        except OSError as error:
            complaints.append(f"{name}: can not be listed: {error.strerror}")
            continue
        if not pictures:
            complaints.append(f"{name}: {_why_nothing(word, results)}")
        for picture in pictures:
            found.setdefault(os.path.realpath(picture), picture)
    return list(found.values()), complaints


def results_folder(output: str | None) -> Path | None:
    """The folder that ``-o`` names; ``None`` where it names a file or stdout."""
    if output == STDOUT:
        return None
    folder = Path(DEFAULT_FOLDER if output is None else output)
    return folder if is_folder(folder) or folder.suffix.lower() != ".png" else None


def is_folder(path: str | Path) -> bool:
    """Whether there is a folder; not so where the system does not even look."""
    return _is(Path.is_dir, Path(path))


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    try:
        return kind(path)
    except OSError:  # the name is too long, or a folder on the way is closed to us
        return False


def _resolve(word: str, results: Path | None) -> Iterator[Path]:
    """The pictures that a word stands for."""
    if not word:  # an empty variable of a shell; a path would take it for this folder
        return
    if os.path.lexists(word) and not is_folder(word):
        yield Path(word)
        return
    own = results and os.path.realpath(results)
    for path in sorted(_pictures_in(Path(word)) if is_folder(word) else _matches(Path(word))):
        if not is_folder(path) and os.path.realpath(path.parent) != own:
            yield path


def _pictures_in(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.suffix.lower() in PICTURE_SUFFIXES and not entry.name.startswith("."):
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


def _why_nothing(word: str, results: Path | None) -> str:
    if not word:
        return "expected the name of a file or a folder"
    if results and os.path.realpath(word) == os.path.realpath(results):
        return "results go to this folder, so it gives no pictures; name another one with -o"
    if is_folder(word):
        return f"the folder holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})"
    return "nothing matches" if glob.has_magic(word) else "no such file or folder"


def plan_jobs(
    pictures: Sequence[Path], output: str | None, document: str | None, *, one_file: bool
) -> list[Job]:
    """Give every picture a place for its results.

    Args:
        pictures: What to annotate.
        output: ``-o``: a file for one picture, a folder, ``"-"``, or ``None``.
        document: ``--json``: a file for one picture, a folder, ``"-"``, ``""`` for beside the
            canvas, or ``None`` for no JSON.
        one_file: Whether the user named one file and nothing else.

    Raises:
        click.UsageError: If the two do not fit the number of pictures, or each other.
    """
    if STDOUT == output == document:
        raise click.UsageError("-o - and --json - can not both go to stdout")
    if output == "":
        raise click.UsageError("-o needs the name of a file or a folder, got an empty one")
    picture_is_file = _names_a_file(output, ".png", "-o", one_file=one_file)
    document_is_file = _names_a_file(document or None, ".json", "--json", one_file=one_file)
    folder = Path(DEFAULT_FOLDER if output is None else output)
    jobs = []
    for source, name in zip(pictures, _unique_names(pictures), strict=True):
        picture = folder if picture_is_file else folder / f"{name}.png"
        canvas = None if output == STDOUT else picture
        if document is None or document == STDOUT:
            jobs.append(Job(source, canvas, json_to_stdout=document == STDOUT))
        elif document == "":
            beside = Path(f"{name}.json") if canvas is None else canvas.with_suffix(".json")
            jobs.append(Job(source, canvas, beside))
        else:
            where = Path(document)
            jobs.append(Job(source, canvas, where if document_is_file else where / f"{name}.json"))
    return jobs


def without_clashes(jobs: Sequence[Job]) -> tuple[list[Job], list[str]]:
    """The jobs without those that would write over an input, and a sentence for each of those."""
    sources = {os.path.realpath(job.source) for job in jobs}
    kept: list[Job] = []
    refused: list[str] = []
    for job in jobs:
        own = [path for path in job.results if os.path.realpath(path) in sources]
        if own:
            name, place = name_for_message(job.source), name_for_message(own[0])
            refused.append(f"{name}: {place} is one of the inputs; name another place with -o")
        else:
            kept.append(job)
    return kept, refused


def _names_a_file(value: str | None, suffix: str, option: str, *, one_file: bool) -> bool:
    """Whether an option's value is a file's name rather than a folder's."""
    if value is None:
        return False
    if value == STDOUT:
        if option == "-o" and not one_file:
            raise click.UsageError("-o - takes one picture at a time; name a folder with -o")
        return True
    given = Path(value).suffix.lower()
    if is_folder(value) or not given:
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
