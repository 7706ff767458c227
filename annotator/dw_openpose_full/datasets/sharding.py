"""Shards out: the people of packs, mixed and cut out, into tar files and an index of them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ..errors import DataSetError, name_for_message
from ..files import replacing, write_atomically
from ..geometry import PersonCrop, resized
from ..poses import FloatArray, ImageSize, RgbImage
from .counting import Tally
from .crops import Person
from .layouts import Split
from .packed import PackedPeople
from .pixels import encode_jpeg
from .shards import FORMAT, PAIR_ROW, Pairs, check_sum, index_file, list_file

ENLARGED: Final = 1.5
"""Sides of a pair's picture, of the person's crop; what lies farther out is black when read."""
FINEST: Final = 2.0
"""Pixels for one of the crop, at most: what a crop of half the size shows is not lost."""
IN_SHARD: Final = 1000  # people, in some 100 MB
QUALITY: Final = 95  # of JPEG
LOST: Final = "people whose picture can not be read"


class ShardWriter:
    """Writes everybody's enlarged crop, in an order that is mixed and always the same.

    Going through it does the work, one person at a time; afterwards it knows what was written.

    Attributes:
        files: The shards.
        people: How many people are in them.
        left_out: Who is not.
    """

    def __init__(
        self,
        sources: Sequence[PackedPeople],
        folder: Path,
        split: Split,
        *,
        in_shard: int = IN_SHARD,
    ) -> None:
        """Plan the shards.

        Args:
            sources: The people; their crops' size is the largest that the shards are good for.
            folder: Where the shards go.
            split: What they are called.
            in_shard: How many people a shard has.

        Raises:
            DataSetError: If there is nobody.
        """
        if not sources:
            raise DataSetError(f"there is nobody to write for {split}")
        self.files: list[Path] = []
        self.people = 0
        self.left_out = Tally()
        self._folder, self._split, self._in_shard = folder, split, in_shard
        self._size = sources[0].views.size
        everybody = [(source, index) for source in sources for index in range(len(source))]
        order = np.random.default_rng(0).permutation(len(everybody))  # neighbours are much alike
        self._everybody = [everybody[place] for place in order]

    def __iter__(self) -> Iterator[int]:
        """Write the shards; gives the number of people that are done.

        Raises:
            DataSetError: If nobody's picture can be read.
            OutputError: If a shard can not be written.
        """
        # it would speak of shards that are no more
        list_file(self._folder, self._split).unlink(missing_ok=True)
        pairs: list[Pairs] = []
        for first in range(0, len(self._everybody), self._in_shard):
            path = self._folder / f"{self._split}-{first // self._in_shard:06}.tar"
            yield from self._write_(path, first)
            pairs.append(_pairs(path, len(self.files)))
            self.files.append(path)
        self._finish_(np.concatenate(pairs))

    def _write_(self, path: Path, first: int) -> Iterator[int]:
        """Write one shard, from a person on."""
        with replacing(path) as part, tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as shard:
            last = min(first + self._in_shard, len(self._everybody))
            for place in range(first, last):
                try:
                    _add(shard, f"{place:09}", *self._everybody[place])
                except DataSetError as error:
                    self.left_out.add_(LOST, str(error))
                yield place + 1

    def _finish_(self, pairs: Pairs) -> None:
        """Write the index, then the list of shards."""
        if not len(pairs):
            raise DataSetError(
                f"{name_for_message(self._folder)}: there is nobody to write; "
                + "; ".join(self.left_out.lines())
            )
        self.people = len(pairs)
        with replacing(index_file(self._folder, self._split)) as part, part.open("wb") as file:
            np.save(file, pairs)
        known = {
            "format": FORMAT,
            "size": self._size,
            "people": self.people,
            "shards": {path.name: path.stat().st_size for path in self.files},
        }
        data = json.dumps(known, indent=1).encode()
        write_atomically(list_file(self._folder, self._split), data)


def enlarged(picture: RgbImage, person: Person, size: ImageSize) -> tuple[RgbImage, Person]:
    """The picture of a pair, and the person in its pixels.

    Args:
        picture: The whole picture.
        person: Somebody on it.
        size: Size of the crops that it is for.
    """
    crop = PersonCrop.around(person.box, size)
    reach = crop.extent * ENLARGED / 2
    last = np.array(picture.shape[1::-1])
    low = np.clip(np.floor(crop.centre - reach), 0, last - 1).astype(int)
    high = np.clip(np.ceil(crop.centre + reach) + 1, low + 1, last).astype(int)
    cut = picture[low[1] : high[1], low[0] : high[0]]
    times = min(1.0, FINEST * size.width / float(crop.extent[0]))
    height, width = (max(1, round(side * times)) for side in cut.shape[:2])
    small = resized(np.ascontiguousarray(cut), ImageSize(height, width))
    shrink = np.divide((width, height), high - low)
    return small, Person(
        ((person.box.reshape(2, 2) - low) * shrink + (shrink - 1) / 2).ravel().astype(np.float32),
        ((person.keypoints - low) * shrink + (shrink - 1) / 2).astype(np.float32),
        person.labelled,
    )


def _add(shard: tarfile.TarFile, key: str, source: PackedPeople, index: int) -> None:
    """Add a pair."""
    annotated = source.person(index)
    picture, person = enlarged(source.picture(index), annotated, source.views.size)
    shrink = float(np.divide(_extent(person), _extent(annotated)).prod())
    points = np.column_stack([person.keypoints, person.labelled]).astype(np.float64)
    notes = {
        "keypoints": points.round(3).ravel().tolist(),
        "box": person.box.astype(np.float64).round(3).tolist(),
        "area": round(source.area(index) * shrink, 3),
        "annotation": source.annotation(index),
        "source": source.path(index).name,
    }
    files = {"jpg": encode_jpeg(picture, QUALITY), "json": json.dumps(notes).encode()}
    for kind, data in files.items():
        member = tarfile.TarInfo(f"{key}.{kind}")
        member.size = len(data)
        shard.addfile(member, io.BytesIO(data))


def _extent(person: Person) -> FloatArray:
    """Width and height of the box."""
    return person.box[2:] - person.box[:2]


def _pairs(path: Path, shard: int) -> Pairs:
    """Where the pairs of a shard lie that has just been written."""
    with tarfile.open(path, "r:") as file, path.open("rb") as raw:
        members = [(member.offset_data, member.size) for member in file]

        def data(place: int, size: int) -> bytes:
            raw.seek(place)
            return raw.read(size)

        return np.array(
            [
                (shard, *picture, *notes, check_sum(data(*picture), data(*notes)))
                for picture, notes in zip(members[::2], members[1::2], strict=True)
            ],
            PAIR_ROW,
        )
