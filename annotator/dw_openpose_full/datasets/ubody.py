"""UBody's two preparations: frames out of the videos, and a category into the annotations.

Names and numbers are those of the scripts that its authors tell people to run: frame ``000001.png``
is the first of 30 a second, in a folder called as its video up to the first dot.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from ..errors import DataSetError, name_for_message
from ..evaluation.documents import PERSON
from ..evaluation.ubody import every_tenth
from ..files import replacing, sweep_leftovers, write_atomically
from ..pictures import encode_png
from ..skeleton import BODY_NAMES
from ..video import VIDEO_SUFFIXES, Frame, Video
from .json_stream import entries, names
from .layouts import SCENE_FILE, SCENES

RATE: Final = 30  # frames a second
COMPLETE: Final = ".complete"
"""A file among frames which says that all of a video are there."""

PERSON_CATEGORY: Final = {
    "supercategory": "person",
    "id": PERSON,
    "name": "person",
    "keypoints": list(BODY_NAMES),
    "skeleton": [
        [16, 14], [14, 12], [17, 15], [15, 13], [12, 13], [6, 12], [7, 13], [6, 7], [6, 8], [7, 9],
        [8, 10], [9, 11], [2, 3], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7],
    ],
}  # fmt: skip
"""COCO's category of persons; its bones count keypoints from 1."""


@dataclass(frozen=True)
class VideoJob:
    """A video that becomes frames.

    Attributes:
        video: The file.
        frames: The folder of its frames.
        wanted: Names of the frames that are needed; ``None`` for all.
    """

    video: Path
    frames: Path
    wanted: frozenset[str] | None

    @property
    def is_done(self) -> bool:
        """Whether all that is wanted is there."""
        if self.wanted is None:
            return (self.frames / COMPLETE).exists()
        return all((self.frames / name).is_file() for name in self.wanted)

    def run(self) -> int:
        """Write the frames that are not there yet.

        Returns:
            How many were written.

        Raises:
            VideoError: If the video can not be read to its end.
            DataSetError: If it ends before a frame that is wanted.
            DependencyError: If PyAV is not installed.
            OutputError: If a frame can not be written.
        """
        sweep_leftovers(self.frames)
        written, number = 0, 0
        for number, frame in enumerate(at_rate(Video.of(self.video)), 1):
            path = self.frames / f"{number:06}.png"
            if (self.wanted is None or path.name in self.wanted) and not path.is_file():
                write_atomically(path, encode_png(frame.picture))
                written += 1
        if self.wanted is None:
            write_atomically(self.frames / COMPLETE, b"")
        elif lost := sorted(self.wanted - {path.name for path in self.frames.iterdir()}):
            raise DataSetError(
                f"{name_for_message(self.video)}: expected {lost[0]} among its frames, it has "
                f"{number} at {RATE} a second; copy it again"
            )
        return written


def video_jobs(folder: Path, scene: str, *, needed_only: bool) -> tuple[list[VideoJob], list[str]]:
    """The videos of a scene.

    Args:
        folder: UBody's.
        scene: One of its scenes.
        needed_only: Leave out all frames but every tenth picture of the annotations.

    Returns:
        What there is to do, and one sentence for each thing that is wrong.

    Raises:
        DataSetError: If the annotations are needed and can not be read.
    """
    home, goal = folder / "videos" / scene, folder / "images" / scene
    wanted = _wanted(folder / "annotations" / scene / SCENE_FILE) if needed_only else None
    jobs: dict[Path, VideoJob] = {}
    complaints: list[str] = []
    for video in _videos(home):
        place = video.relative_to(home).with_name(video.name.split(".")[0])
        if place in jobs:
            other = jobs[place].video.name
            complaints.append(
                f"{name_for_message(video)}: its frames would be those of {other}; rename it"
            )
        else:
            needed = None if wanted is None else wanted.pop(place.as_posix(), frozenset())
            jobs[place] = VideoJob(video, goal / place, needed)
    if wanted:
        complaints.append(
            f"{name_for_message(home)}: {len(wanted)} videos that are annotated are not there; the "
            f"first is {next(iter(wanted))}"
        )
    elif not jobs:
        complaints.append(f"{name_for_message(home)}: expected the videos of {scene}, got none")
    return [job for job in jobs.values() if job.wanted is None or job.wanted], complaints


def _videos(home: Path) -> list[Path]:
    """Video files below a folder."""
    return [
        path
        for path in sorted(home.rglob("*"))
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
    ]


def at_rate(video: Video, rate: int = RATE) -> Iterator[Frame]:
    """Frames of a video at a constant rate: each as often as its time asks for, some not at all."""
    shown, last = 0, None
    for frame in video.frames():
        while last is not None and shown < _place(frame.time, rate):
            yield last
            shown += 1
        last = frame
    if last is not None:
        end = _place(last.time + Fraction(1) / video.rate, rate)
        yield from [last] * max(end - shown, 0 if shown else 1)


def _place(time: Fraction, rate: int) -> int:
    """The number, from 0, of the frame that is nearest to a time."""
    return math.floor(time * rate + Fraction(1, 2))


def scenes_of(folder: Path, kind: str) -> list[str]:
    """The scenes that there are, of ``"videos"``, ``"annotations"`` or ``"images"``.

    Raises:
        DataSetError: If there is none.
    """
    found = [scene for scene in SCENES if (folder / kind / scene).is_dir()]
    if not found:
        raise DataSetError(
            f"{name_for_message(folder)}: expected UBody's folder, with {kind}/<scene>/; the "
            f"scenes are {', '.join(SCENES)}"
        )
    return found


def add_category(folder: Path, scene: str) -> bool:
    """Add COCO's category of persons to the annotations of a scene, if they have none.

    Tools that are made for COCO need it; this package does not.

    Returns:
        Whether it was added.

    Raises:
        DataSetError: If there is no such file of annotations.
        OutputError: If it can not be written.
    """
    path = folder / "annotations" / scene / SCENE_FILE
    fields = names(path)
    if "annotations" not in fields:
        raise DataSetError(f"{name_for_message(path)}: expected annotations, it has none")
    if "categories" in fields:
        return False
    addition = f', "categories": {json.dumps([PERSON_CATEGORY])}}}'.encode()
    with replacing(path) as part, path.open("rb") as source, part.open("wb") as copy:
        _copy(source, copy, _end_of_object(source))
        copy.write(addition)
    return True


def _wanted(annotations: Path) -> dict[str, frozenset[str]]:
    """Names of the frames that count, by the folder that they are in."""
    wanted: dict[str, set[str]] = {}
    for entry in entries(annotations, "images"):
        known: Mapping[str, object] = entry if isinstance(entry, dict) else {}
        picture, file = known.get("id"), known.get("file_name")
        if isinstance(picture, int) and isinstance(file, str) and every_tenth(picture, file):
            place = PurePosixPath(file.lstrip("/"))
            wanted.setdefault(place.parent.as_posix(), set()).add(place.name)
    return {place: frozenset(found) for place, found in wanted.items()}


def _end_of_object(file: BinaryIO) -> int:
    """Where the last brace of a file is, which is whole JSON."""
    tail = 0
    while True:
        tail += 1 << 10
        start = max(file.seek(0, 2) - tail, 0)
        file.seek(start)
        brace = file.read().rfind(b"}")
        if brace >= 0:
            return start + brace


def _copy(source: BinaryIO, goal: BinaryIO, length: int) -> None:
    """Copy the beginning of a file."""
    source.seek(0)
    while length:
        chunk = source.read(min(length, 1 << 20))
        goal.write(chunk)
        length -= len(chunk)
