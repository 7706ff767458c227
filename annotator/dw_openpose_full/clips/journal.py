"""The poses of a video's frames, kept as they are read: an interrupted run goes on after them.

A file of numpy arrays, one after the other: first who wrote it, then three of each frame. A frame
that was cut by the end of its process is dropped.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..errors import OutputError, PoseError, name_for_message
from ..locks import try_lock
from ..poses import Boxes, ImageSize, WholeBodyPoses
from ..skeleton import WHOLE_BODY_COUNT
from .reading import Sighting

FORMAT: Final = 1

_NO_JOURNAL: Final = (ValueError, EOFError, KeyError, TypeError, PoseError, MemoryError)


@dataclass(frozen=True, eq=False)
class Entry:
    """One frame.

    Attributes:
        time: Seconds since the first frame.
        sighting: Its people.
    """

    time: Fraction
    sighting: Sighting


class Journal:
    """The file beside a result that is in the making."""

    def __init__(self, result: Path, identity: Mapping[str, Any], *, resume: bool) -> None:
        """Open it, for this process alone.

        Args:
            result: What is in the making.
            identity: What the poses depend on, as JSON has it. A journal of anything else is
                begun anew.
            resume: Keep what an earlier run has left.

        Raises:
            OutputError: If another process is at work on this result.
            OSError: If the file can not be written.
        """
        self.path = journal_of(result)
        self._identity = json.dumps({"format": FORMAT, **identity}, sort_keys=True)
        self._model = str(identity["model"])
        self._file = _opened(self.path)
        try:
            self._lock(result)
            if not (resume and self._is_ours()):
                self._begin()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file; it stays, for another run."""
        self._file.close()

    def kept(self) -> Iterator[Entry]:
        """The frames of earlier runs, in order; to be read to the end before any is added."""
        while True:
            place = self._file.tell()
            try:
                entry = self._entry()
            except _NO_JOURNAL:
                break
            yield entry
        self._file.seek(place)
        self._file.truncate()

    def add(self, entry: Entry) -> None:
        """Keep the next frame.

        Raises:
            OSError: If the file can not be written.
        """
        poses, asked = entry.sighting.poses, entry.sighting.asked
        people = np.zeros(len(poses), _person(poses.keypoints.dtype))
        people["keypoints"], people["scores"] = poses.keypoints, poses.scores
        people["box"], people["box_score"] = poses.boxes.xyxy, poses.boxes.scores
        when = [entry.time.numerator, entry.time.denominator, *poses.image_size]
        self._write(np.array(when, "<i8"))
        self._write(np.column_stack([asked.xyxy, asked.scores]).astype("<f4"))
        self._write(people)
        self._file.flush()

    def remove(self) -> None:
        """Remove the file: the result is there."""
        self._file.close()
        with suppress(OSError):
            self.path.unlink()

    def _lock(self, result: Path) -> None:
        try:
            try_lock(self._file.fileno())
        except BlockingIOError:
            raise OutputError(
                f"{name_for_message(result)}: another dw-openpose is at work on it; wait for it, "
                "or choose another name"
            ) from None
        except OSError:  # a file system without locks
            pass

    def _is_ours(self) -> bool:
        """Whether the file begins as ours do; it is then read up to its first frame."""
        with suppress(*_NO_JOURNAL):
            return self._read().tobytes().decode() == self._identity
        return False

    def _begin(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._write(np.frombuffer(self._identity.encode(), np.uint8))

    def _entry(self) -> Entry:
        numerator, denominator, height, width = self._read().tolist()
        asked, people = self._read(), self._read()
        poses = WholeBodyPoses(
            people["keypoints"],
            people["scores"],
            Boxes(people["box"], people["box_score"]),
            ImageSize(height, width),
            self._model,
        )
        boxes = Boxes(asked[:, :4].copy(), asked[:, 4].copy())
        return Entry(Fraction(numerator, denominator), Sighting(poses, boxes))

    def _write(self, array: NDArray[Any]) -> None:
        npy.write_array(self._file, array, allow_pickle=False)

    def _read(self) -> NDArray[Any]:
        array: NDArray[Any] = npy.read_array(self._file, allow_pickle=False)
        return array


def journal_of(result: Path) -> Path:
    """The journal's place: hidden, beside the result."""
    return result.with_name(f".{result.name}.journal")


def _opened(path: Path) -> BinaryIO:
    """A file to be read and written, whether it is there or not; no link is followed."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.fdopen(os.open(path, flags, 0o666), "r+b")
    except OSError as error:
        if error.errno == errno.ELOOP:
            path.unlink()
            return _opened(path)
        raise


def _person(precision: np.dtype[Any]) -> np.dtype[Any]:
    """A row of a frame's people."""
    return np.dtype(
        [
            ("keypoints", precision.newbyteorder("<"), (WHOLE_BODY_COUNT, 2)),
            ("scores", "<f4", (WHOLE_BODY_COUNT,)),
            ("box", "<f4", (4,)),
            ("box_score", "<f4"),
        ]
    )
