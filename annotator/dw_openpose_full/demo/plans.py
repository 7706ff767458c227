"""What a batch is given, and where the results of each go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import name_for_message
from ..pictures.finding import PICTURE_SUFFIXES, find_pictures, is_kind, unique_names
from ..video import VIDEO_SUFFIXES

_FIGURE: Final = "_figure.png"


@dataclass(frozen=True)
class Item:
    """A picture, a video or a frame of one, and what the names of its results begin with.

    Attributes:
        source: The file.
        stem: ``OUT/name``; for a frame ``OUT/video/000001``.
    """

    source: Path
    stem: Path

    @property
    def is_video(self) -> bool:
        """Whether it holds frames."""
        return self.source.suffix.lower() in VIDEO_SUFFIXES

    @property
    def document(self) -> Path:
        """File of the poses; a video's comes when all its frames are done."""
        return self._named(".json")

    @property
    def figure(self) -> Path:
        """File of the figure; for a video, a video."""
        return self._named("_figure.mp4" if self.is_video else _FIGURE)

    @property
    def poses(self) -> tuple[Path, Path]:
        """Files of poses and figure."""
        return self.document, self.figure

    def picture(self, number: int) -> Path:
        """File of a picture that is made, from 1."""
        return self._named(f"_{number}.png")

    def frame(self, number: int) -> Item:
        """A frame of a video, from 1; it has the video's name for messages."""
        return Item(self.source.with_suffix(""), self.stem / f"{number:06}")

    def frames_drawn(self) -> Iterator[Item]:
        """The frames that have figures already, in order."""
        for path in sorted(self.stem.glob(f"*{_FIGURE}")):
            number = path.name.removesuffix(_FIGURE)
            if number.isdecimal():
                yield self.frame(int(number))

    def _named(self, end: str) -> Path:
        return self.stem.with_name(self.stem.name + end)


def all_there(files: Iterable[Path]) -> bool:
    """Whether all of these are files."""
    return all(is_kind(Path.is_file, path) for path in files)


def plan(words: Iterable[str], folder: Path, images: int) -> tuple[list[Item], list[str]]:
    """Resolve files, folders and globs, and give each picture and video its results' names.

    Args:
        words: As typed.
        folder: Where results go.
        images: How many pictures are made of each.

    Returns:
        What is to be done, and one sentence for each word or file that can not be.
    """
    sources, complaints = find_pictures(words, folder, PICTURE_SUFFIXES | VIDEO_SUFFIXES)
    names = unique_names(sources)
    items = [Item(source, folder / name) for source, name in zip(sources, names, strict=True)]
    own = {os.path.realpath(item.stem) for item in items if item.is_video}
    items = [item for item in items if os.path.realpath(item.source.parent) not in own]
    return _without_clashes(items, images, complaints)


def _without_clashes(
    items: Sequence[Item], images: int, complaints: list[str]
) -> tuple[list[Item], list[str]]:
    """The items without those whose results would take the place of an input."""
    sources = {os.path.realpath(item.source) for item in items}
    kept: list[Item] = []
    for item in items:
        results = [item.document, item.figure, *(item.picture(n + 1) for n in range(images))]
        clash = next((path for path in results if os.path.realpath(path) in sources), None)
        if clash is None:
            kept.append(item)
        else:
            name, place = name_for_message(item.source), name_for_message(clash)
            complaints.append(f"{name}: {place} is one of the inputs; name another folder with -o")
    return kept, complaints
