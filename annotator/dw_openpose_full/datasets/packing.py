"""Annotations as packed arrays: made once, then mapped into the memory of every process.

The published training annotations are 841 MB of JSON, and gigabytes as Python objects. A *pack* has
what training needs of them: ``<name>-<key>.people.npy``, a row for each person,
``<name>-<key>.pictures.npy``, a row for each picture that one of them is on, and
``<name>-<key>.json``, written last, which says what was left out and why. The key is made of the
source's length and time: the pack of a file that has changed is not found, and made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib import format as npy

from ..errors import DataSetError, OutputError, name_for_message
from ..files import replacing, sweep_leftovers, write_atomically
from .counting import Tally
from .filtering import PERSON_ROW, WRONG_PICTURE, LeftOut, NotAsked, Pictures, Rows, person_row
from .json_stream import entries

FORMAT: Final = 2  # of packs; others are made anew


@dataclass(frozen=True)
class Source:
    """A file of annotations and the pictures it is about.

    Attributes:
        annotations: As COCO-WholeBody's are published.
        pictures: The folder that the names of its pictures start from.
        sampled: Whether only every tenth picture counts, as of UBody.
    """

    annotations: Path
    pictures: Path
    sampled: bool = False

    @property
    def name(self) -> str:
        """What its packs are called."""
        return f"{self.annotations.parent.name}-{self.annotations.stem}"

    def key(self) -> str:
        """Sixteen hexadecimal digits that change when its pack would.

        Raises:
            DataSetError: If the file is not there.
        """
        try:
            status = self.annotations.stat()
        except OSError as error:
            raise DataSetError(
                f"{name_for_message(self.annotations)}: can not be read: {error.strerror}"
            ) from error
        facts = (FORMAT, status.st_size, status.st_mtime_ns, self.sampled)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Pack:
    """The arrays of one source.

    Attributes:
        folder: Where they lie.
        stem: What their names begin with.
    """

    folder: Path
    stem: str

    def __reduce__(self) -> tuple[type[Pack], tuple[Path, str]]:
        """A process that is sent a pack maps the arrays itself; nothing is copied."""
        return Pack, (self.folder, self.stem)

    @classmethod
    def of(cls, source: Source, folder: Path) -> Pack:
        """The pack of a source: the one that is there, or a new one.

        Args:
            source: What to pack.
            folder: Where packs are kept.

        Raises:
            DataSetError: If the source is no such file, or nobody in it can be learnt from.
            OutputError: If the pack can not be written.
        """
        stem = f"{source.name}-{source.key()}"
        pack = cls(folder, stem)
        if not pack.is_whole(source.pictures):
            pack = cls(folder, stem)  # the other remembers files that were not whole
            pack._make(source)
            pack._sweep(source.name)
        return pack

    @cached_property
    def people(self) -> Rows:
        """``(N,)`` rows of ``PERSON_ROW``."""
        return self._mapped("people")

    @cached_property
    def pictures(self) -> Rows:
        """``(M,)`` rows of ``picture_row``."""
        return self._mapped("pictures")

    @cached_property
    def notes(self) -> Mapping[str, Any]:
        """How many were annotated, and what was left out."""
        notes: Mapping[str, Any] = json.loads(self._notes_file.read_text(encoding="utf-8"))
        return notes

    @property
    def digest(self) -> str:
        """What tells its rows from others, on whatever machine they were packed."""
        return str(self.notes["digest"])

    @property
    def left_out(self) -> Tally:
        """Who is not in it, and why."""
        return Tally(**self.notes["left_out"])

    def file_of(self, picture: int) -> str:
        """The file of a picture, by its row; parts of it are parted by ``/``."""
        return bytes(self.pictures["file"][picture]).decode()

    def is_whole(self, pictures: Path) -> bool:
        """Whether it can be used: complete, and no picture that it lacks has come since."""
        try:
            lost, rows = self.notes["lost"], self.notes["rows"]
            has_all = rows == [len(self.people), len(self.pictures)]
        except (OSError, ValueError, KeyError, TypeError):  # ValueError: no JSON, DataSetError
            return False
        return has_all and not any((pictures / file).is_file() for file in lost)

    def _make(self, source: Source) -> None:
        """Write the three files."""
        tally = Tally()
        pictures = Pictures(source.annotations, source.pictures, tally, sampled=source.sampled)
        rows = _people(source.annotations, pictures, tally)
        try:
            count, of_people = _write_rows(self._file("people"), PERSON_ROW, rows)
            if not count:
                raise DataSetError(
                    f"{name_for_message(source.annotations)}: there is nobody in it to learn from; "
                    + ("; ".join(tally.lines()) or "it annotates nobody")
                )
            used = pictures.rows()
            _, of_pictures = _write_rows(self._file("pictures"), used.dtype, [used])
            notes = {
                "source": name_for_message(source.annotations),
                "annotated": count + len(tally) - tally.counts.get(WRONG_PICTURE, 0),
                "rows": [count, len(used)],
                "digest": of_people + of_pictures,
                "left_out": tally.as_json(),
                "lost": pictures.lost,
            }
            write_atomically(self._notes_file, json.dumps(notes, indent=1).encode())
        except OutputError as error:
            raise OutputError(f"{error}; --cache names another folder for packs") from error

    def _sweep(self, name: str) -> None:
        """Remove older packs of the same source."""
        sweep_leftovers(self.folder)
        for path in self.folder.glob(f"{name}-*"):
            with suppress(OSError):  # on Windows, while another process still uses it
                if not path.name.startswith(self.stem):
                    path.unlink()

    @property
    def _notes_file(self) -> Path:
        return self.folder / f"{self.stem}.json"

    def _file(self, kind: str) -> Path:
        return self.folder / f"{self.stem}.{kind}.npy"

    def _mapped(self, kind: str) -> Rows:
        path = self._file(kind)
        try:
            rows: Rows = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataSetError(
                f"{name_for_message(path)}: expected a part of a pack: {error}; remove the folder, "
                "it is made anew"
            ) from error
        return rows


def _people(annotations: Path, pictures: Pictures, tally: Tally) -> Iterator[Rows]:
    """Rows of all who can be learnt from."""
    for place, entry in enumerate(entries(annotations, "annotations")):
        try:
            yield person_row(entry, pictures)
        except NotAsked:
            continue
        except LeftOut as reason:
            detail = f" ({reason.detail})" if reason.detail else ""
            tally.add_(reason.why, _name_of(entry, place) + detail)


def _name_of(entry: object, place: int) -> str:
    """An annotation's id, or where it stands if it has none."""
    known = entry.get("id") if isinstance(entry, dict) else None
    return f"annotation {known}" if isinstance(known, int) else f"annotation at place {place}"


def _write_rows(path: Path, dtype: np.dtype[Any], blocks: Iterable[Rows]) -> tuple[int, str]:
    """Write rows as they come, as a ``.npy`` file; how many there were, and their digest."""
    count, state = 0, hashlib.sha256()
    with replacing(path) as part, part.open("r+b") as file:
        _write_head(file, dtype, 0)
        for block in blocks:
            data = block.tobytes()
            file.write(data)
            state.update(data)
            count += len(block)
        file.seek(0)
        _write_head(file, dtype, count)  # of the same length: numpy leaves room for digits
    return count, state.hexdigest()[:16]


def _write_head(file: BinaryIO, dtype: np.dtype[Any], count: int) -> None:
    head = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)}
    npy.write_array_header_1_0(file, head)
