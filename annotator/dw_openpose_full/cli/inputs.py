"""A place for each picture's and video's results, as the words of the command line have it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from ..errors import name_for_message
from ..pictures.finding import PICTURE_SUFFIXES, is_folder, is_kind, unique_names
from ..video import VIDEO_SUFFIXES

STDOUT: Final = "-"
DEFAULT_FOLDER: Final = "out"
SUFFIXES: Final = PICTURE_SUFFIXES | VIDEO_SUFFIXES

_CANVASES: Final = frozenset({".png", ".mp4"})  # how results end that are drawn


@dataclass(frozen=True)
class Job:
    """One picture or video to annotate, and where its results go.

    Attributes:
        source: The picture or video.
        picture: The canvas's file, for a video a video; ``None`` for stdout.
        document: The JSON's file; ``None`` for stdout or no JSON at all.
        json_to_stdout: Whether the JSON goes to stdout.
    """

    source: Path
    picture: Path | None
    document: Path | None = None
    json_to_stdout: bool = False

    @property
    def is_video(self) -> bool:
        """Whether the source is a video, by its name."""
        return is_video(self.source)

    @property
    def results(self) -> tuple[Path, ...]:
        """The files this job writes."""
        return tuple(path for path in (self.picture, self.document) if path is not None)

    @property
    def is_done(self) -> bool:
        """Whether all its files are there already; one that writes to stdout never is."""
        to_stdout = self.picture is None or self.json_to_stdout
        return not to_stdout and all(is_kind(Path.is_file, path) for path in self.results)


def is_video(source: Path) -> bool:
    """Whether a file is a video, by its name."""
    return source.suffix.lower() in VIDEO_SUFFIXES


def results_folder(output: str | None) -> Path | None:
    """The folder that ``-o`` names; ``None`` where it names a file or stdout."""
    if output == STDOUT:
        return None
    folder = Path(DEFAULT_FOLDER if output is None else output)
    return folder if is_folder(folder) or folder.suffix.lower() not in _CANVASES else None


def plan_jobs(
    pictures: Sequence[Path], output: str | None, document: str | None, *, one_file: bool
) -> list[Job]:
    """Give every picture and video a place for its results.

    Args:
        pictures: What to annotate.
        output: ``-o``: a file for one of them, a folder, ``"-"``, or ``None``.
        document: ``--json``: a file for one of them, a folder, ``"-"``, ``""`` for beside the
            canvas, or ``None`` for no JSON.
        one_file: Whether the user named one file and nothing else.

    Raises:
        click.UsageError: If the two do not fit the number of pictures, or each other.
    """
    if STDOUT == output == document:
        raise click.UsageError("-o - and --json - can not both go to stdout")
    if output == "":
        raise click.UsageError("-o needs the name of a file or a folder, got an empty one")
    if not pictures:
        return []
    if output == STDOUT and any(map(is_video, pictures)):
        raise click.UsageError("-o - takes pictures; name a file or a folder for a video")
    suffix = ".mp4" if one_file and any(map(is_video, pictures)) else ".png"
    picture_is_file = _names_a_file(output, suffix, "-o", one_file=one_file)
    document_is_file = _names_a_file(document or None, ".json", "--json", one_file=one_file)
    folder = Path(DEFAULT_FOLDER if output is None else output)
    jobs = []
    for source, name in zip(pictures, unique_names(pictures), strict=True):
        own = ".mp4" if is_video(source) else ".png"
        picture = folder if picture_is_file else folder / f"{name}{own}"
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
        if given in SUFFIXES | {".json"}:
            raise click.UsageError(f"{option} writes {suffix} files, got {value!r}")
        return False
    if not one_file:
        raise click.UsageError(f"{option} {value!r} names one file; for many, name a folder")
    return True
