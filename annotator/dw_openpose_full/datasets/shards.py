"""Shards: crops in tar files, for sets that lie on a network or are read by many machines.

A shard is a plain tar file of pairs ``<key>.jpg`` and ``<key>.json``, as the library *webdataset*
reads them too. Here it is read by place: ``<split>.index.npy`` says where every pair lies. So any
person costs one seek, and the order of an epoch, its division by machine and process, and going on
in its middle are arithmetic, where the library streams from the beginning.

The picture of a pair is the person's crop made half as large again, as much of it as lies on the
source picture; keypoints, box and area are in its pixels.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DataSetError, PictureError, name_for_message
from ..evaluation.annotations import Annotations
from ..pictures.decoding import decode
from ..poses import ImageSize, IntArray, RgbImage
from ..skeleton import WHOLE_BODY_COUNT
from .augmentation import Views
from .counting import Tally
from .crops import Person, Placement, sample_of
from .layouts import Split
from .samples import Sample, digest_of

FORMAT: Final = 2
DAMAGED: Final = "people of shards that can not be read"

PAIR_ROW: Final = np.dtype(
    [("shard", "<i4"), ("picture", "<i8"), ("picture_size", "<i4"), ("notes", "<i8"),
     ("notes_size", "<i4"), ("crc32", "<u4")]
)  # fmt: skip
"""Where a pair lies: a shard's number, offsets and lengths in bytes; check sum of both files."""
Pairs = NDArray[Any]
"""``(N,)`` rows of ``PAIR_ROW``."""


def list_file(folder: Path, split: Split) -> Path:
    """The file that says which shards there are; it is written last."""
    return folder / f"{split}.shards.json"


def index_file(folder: Path, split: Split) -> Path:
    """The file that says where every pair lies."""
    return folder / f"{split}.index.npy"


def is_sharded(folder: Path, split: Split) -> bool:
    """Whether a folder holds shards of a split."""
    return list_file(folder, split).is_file()


@dataclass(frozen=True, eq=False)
class ShardedPeople:
    """The people of shards, as a ``SampleSource``.

    Attributes:
        files: The shards.
        pairs: Where each person lies.
        views: How they are shown.
    """

    files: tuple[Path, ...]
    pairs: Pairs
    views: Views

    @classmethod
    def open(cls, folder: Path, split: Split, views: Views) -> ShardedPeople:
        """Open the shards of a split, all proven to be as long as they were written.

        Raises:
            DataSetError: If one is missing or cut short, or they were made for smaller crops.
        """
        place = list_file(folder, split)
        try:
            known = json.loads(place.read_text(encoding="utf-8"))
            made_for = ImageSize(*known["size"])
            lengths = {folder / str(name): int(length) for name, length in known["shards"].items()}
            pairs: Pairs = np.load(index_file(folder, split), allow_pickle=False)
            _check_version(known, pairs)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
            raise DataSetError(
                f"{name_for_message(place)}: expected a list of shards with its index: {error}; "
                "write the shards again"
            ) from error
        _check_lengths(lengths)
        size = views.size
        if size.height > made_for.height or size.width > made_for.width:
            raise DataSetError(
                f"{name_for_message(place)}: expected shards for crops of {size.width} x "
                f"{size.height} pixels, got {made_for.width} x {made_for.height}; write them again"
            )
        return cls(tuple(lengths), pairs, views)

    @property
    def digest(self) -> str:
        """What tells these people from others: where each lies, and the check sums."""
        return digest_of(self.pairs.tobytes())

    def __len__(self) -> int:
        return len(self.pairs)

    def sample(self, index: int, epoch: int) -> Sample:
        """One of them, as an epoch shows it.

        Raises:
            DataSetError: If the shard can not be read there, or is damaged.
            IndexError: If there is nobody of that number.
        """
        picture, person = self.read(index)
        variation = self.views.of(index, epoch)
        return sample_of(picture, person, Placement.chosen(person, variation), variation)

    def order(self, epoch: int, part: int = 0, parts: int = 1) -> IntArray:
        """In which order one of several machines or processes goes through an epoch.

        The shards are mixed, and the people within each; so a shard is read at one time and by few.
        All parts are equally long, and begin in the middle by leaving out what has been done.

        Args:
            epoch: Which epoch.
            part: Which of the parts, from 0.
            parts: How many there are: machines times their processes.

        Returns:
            Numbers for :meth:`sample`. Together the parts are everybody once, and the first few
            again where the parts would not be equal otherwise.
        """
        draws = np.random.default_rng([*self.views.seed, epoch])
        rank = draws.permutation(len(self.files))[self.pairs["shard"]]
        everybody = np.lexsort([draws.random(len(self)), rank])
        share = -(-len(self) // parts)
        wanted = np.arange(part * share, (part + 1) * share) % len(self)
        return everybody[wanted].astype(np.int64)

    def read(self, index: int) -> tuple[RgbImage, Person]:
        """The picture of one of them, and the person in its pixels.

        Raises:
            DataSetError: If the shard can not be read there, or is damaged.
            IndexError: If there is nobody of that number.
        """
        with self._reading(index) as (file, name):
            pair = self.pairs[index]
            packed, notes = _part(file, pair, "picture"), _part(file, pair, "notes")
            _check_sum(packed, notes, int(pair["crc32"]))
            return decode(packed, name), _person(json.loads(notes))

    def truth(self, name: str) -> Annotations:
        """Everybody as somebody to be found, alone on the picture that :meth:`read` gives.

        Args:
            name: Of the whole, for messages.

        Raises:
            DataSetError: If somebody's notes can not be read; pictures are not looked at.
        """
        people = [self._noted(index) for index in range(len(self))]
        boxes = np.array([person.box for person, _ in people], np.float64)
        points = [np.column_stack([one.keypoints, one.labelled]) for one, _ in people]
        everybody = np.arange(len(self), dtype=np.int64)
        return Annotations(
            name,
            {int(index): f"person {index}" for index in everybody},
            everybody,
            np.array(points, np.float64),
            np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]),
            np.array([area for _, area in people]),
            np.zeros(len(self), bool),
        )

    def damage(self) -> Tally:
        """Read everybody, and count those that can not be read."""
        tally = Tally()
        for index in range(len(self)):
            try:
                self.read(index)
            except DataSetError as error:
                tally.add_(DAMAGED, str(error))
        return tally

    def _noted(self, index: int) -> tuple[Person, float]:
        """One of them, and how many pixels they cover."""
        with self._reading(index) as (file, _):
            notes = json.loads(_part(file, self.pairs[index], "notes"))
            return _person(notes), float(notes["area"])

    @contextmanager
    def _reading(self, index: int) -> Iterator[tuple[BinaryIO, str]]:
        """The shard that one of them is in, and what errors call that person."""
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} people, none has the number {index}")
        path = self.files[int(self.pairs[index]["shard"])]
        name = f"{name_for_message(path)}: person {index}"
        try:
            with path.open("rb") as file:
                yield file, name
        except PictureError as error:
            raise DataSetError(str(error)) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataSetError(
                f"{name}: expected a picture and its notes, got something damaged ({error}); "
                "copy the shard again"
            ) from error


def check_sum(picture: bytes, notes: bytes) -> int:
    """Of a pair."""
    return zlib.crc32(notes, zlib.crc32(picture))


def _part(file: BinaryIO, pair: Any, kind: str) -> bytes:  # noqa: ANN401  a row of ``Pairs``
    """The picture or the notes of a pair."""
    file.seek(int(pair[kind]))
    return file.read(int(pair[f"{kind}_size"]))


def _check_sum(picture: bytes, notes: bytes, expected: int) -> None:
    if check_sum(picture, notes) != expected:
        raise ValueError("its check sum is wrong")


def _check_version(known: dict[str, Any], pairs: Pairs) -> None:
    if known["format"] != FORMAT or pairs.dtype != PAIR_ROW or known["people"] != len(pairs):
        raise ValueError("it is of another version, or the index belongs to other shards")


def _check_lengths(lengths: dict[Path, int]) -> None:
    """Refuse shards that are missing, or not as long as they were written."""
    for path, length in lengths.items():
        try:
            found = path.stat().st_size
        except OSError as error:
            raise DataSetError(
                f"{name_for_message(path)}: can not be read: {error.strerror}; copy it again"
            ) from error
        if found != length:
            raise DataSetError(
                f"{name_for_message(path)}: expected a shard of {length} bytes, got {found}; copy "
                "it again"
            )


def _person(notes: dict[str, Any]) -> Person:
    """Whom a shard's notes are about."""
    points = np.array(notes["keypoints"], np.float32).reshape(WHOLE_BODY_COUNT, 3)
    box = np.array(notes["box"], np.float32).reshape(4)
    return Person(box, points[:, :2].copy(), points[:, 2] > 0)
