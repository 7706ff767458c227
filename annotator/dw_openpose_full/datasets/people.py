"""The door of the data sets: folders in, people to learn from and people to be measured on out."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from ..errors import DataSetError, name_for_message
from ..evaluation.annotations import Annotations
from ..evaluation.ubody import of_videos
from ..pictures import read_picture
from ..poses import ImageSize, IntArray, RgbImage
from .augmentation import NONE, Course, Views
from .filtering import faults
from .layouts import DataSet, Split, recognised
from .packed import PackedPeople
from .packing import Pack
from .samples import SampleSource, Together
from .shards import ShardedPeople, is_sharded

_log = logging.getLogger(__name__)

Tell = Callable[[str], None]
"""Takes a line for people."""
UNVARIED: Final = Course.steady(NONE)


@dataclass(frozen=True, eq=False)
class Measured:
    """People that a network is measured on.

    Attributes:
        name: The data set.
        truth: Their annotations.
        pictures: The folder that the names of the pictures start from, or the shards they are in.
    """

    name: str
    truth: Annotations
    pictures: Path | ShardedPeople

    def picture(self, image: int) -> RgbImage:
        """One of the pictures, by its id.

        Raises:
            PictureError: If it can not be read.
            DataSetError: If its shard can not be read there, or is damaged.
        """
        if isinstance(self.pictures, ShardedPeople):
            return self.pictures.read(image)[0]
        return read_picture(self.pictures / self.truth.pictures[image])


def open_people(  # noqa: PLR0913  what a user can choose
    folders: Sequence[Path],
    split: Split,
    size: ImageSize,
    *,
    course: Course = UNVARIED,
    seed: int = 0,
    cache: Path | None = None,
    tell: Tell = _log.warning,
) -> SampleSource:
    """People to learn from, of all folders together, none weighted; packed first where need be.

    Args:
        folders: Data sets in their published layouts, or shards of them.
        split: Which part of them.
        size: Size of the crops.
        course: How much is varied.
        seed: Where randomness starts from.
        cache: Folder for packs; by default below each data set.
        tell: Told what each part holds and lacks, and what is wrong with it.

    Raises:
        DataSetError: If a folder is no data set, or has nothing that can be used for the split.
        OutputError: If a pack can not be written.
    """
    sources: list[SampleSource] = []
    for place, folder in enumerate(folders):
        views = Views(size, course, (seed, place))
        if is_sharded(folder, split):
            sources.append(ShardedPeople.open(folder, split, views))
        else:
            sources += packed_people(recognised(folder), split, views, cache=cache, tell=tell)
    if not sources:
        raise DataSetError(f"there is nobody to learn from for {split}; name a folder of data")
    return sources[0] if len(sources) == 1 else Together(sources)


def packed_people(
    data: DataSet,
    split: Split,
    views: Views,
    *,
    cache: Path | None = None,
    tell: Tell = _log.warning,
) -> list[PackedPeople]:
    """The people of each part of a data set, packed where they were not.

    Raises:
        DataSetError: If nothing can be used for the split, or a part is damaged.
        OutputError: If a pack can not be written.
    """
    _check(data, split)
    folder = pack_folder(data, cache)
    found = []
    for place, (name, source) in enumerate(data.sources[split].items()):
        pack = Pack.of(source, folder)
        tell_of(pack, f"{data.name} {name}", tell)
        own_views = replace(views, seed=(*views.seed, place))
        found.append(PackedPeople(pack, source.pictures, _rows(pack, data, split), own_views))
    return [people for people in found if len(people)]


def pack_folder(data: DataSet, cache: Path | None) -> Path:
    """Where the packs of a data set are kept: below it, or in a folder for the packs of many."""
    if cache is None:
        return data.folder / ".dw-openpose"
    place = data.folder.resolve()
    digest = hashlib.sha256(str(place).encode(errors="surrogateescape")).hexdigest()
    return cache / f"{place.name}-{digest[:8]}"


def tell_of(pack: Pack, name: str, tell: Tell) -> None:
    """Say how many a pack has, and who is not in it though the published rule allows it."""
    tell(f"{name}: {len(pack.people)} of {pack.notes['annotated']} people can be learnt from")
    for line in faults(pack.left_out):
        tell(f"{name}: left out: {line}")


def measured_people(folder: Path, size: ImageSize) -> Measured:
    """People of a data set that a network is measured on, by its authors' rules.

    UBody's scenes become one set: its pictures are numbered anew, and their names begin with the
    scene. In shards each person is alone on a picture, so that their numbers differ a little from
    those of the data set they were made of.

    Args:
        folder: A data set in its published layout, or shards of one.
        size: Of the network's crops.

    Raises:
        DataSetError: If the folder has none, or their annotations can not be used.
    """
    if is_sharded(folder, "val"):
        shards = ShardedPeople.open(folder, "val", Views(size, UNVARIED, (0,)))
        return Measured("shards", shards.truth(name_for_message(folder)), shards)
    if is_sharded(folder, "train"):
        raise DataSetError(
            f"{name_for_message(folder)}: shards to learn from, and none to be measured on; write "
            "them with: dw-openpose data shards --split val"
        )
    data = recognised(folder)
    _check(data, "val")
    sources = data.sources["val"]
    if data.test_videos is None:
        (source,) = sources.values()
        return Measured(data.name, Annotations.read(source.annotations), source.pictures)
    wanted = of_videos(data.test_videos)
    scenes: dict[str, Annotations] = {}
    for scene, source in sources.items():
        scene_people = Annotations.read(source.annotations, area_from_box=True)
        with suppress(DataSetError):  # of a scene none of whose videos is for tests
            scenes[scene] = scene_people.on(wanted)
    if not scenes:
        raise DataSetError(f"{name_for_message(folder)}: none of its videos is for tests")
    return Measured(data.name, _one_set(scenes), folder / "images")


def _one_set(scenes: Mapping[str, Annotations]) -> Annotations:
    """The annotations of several scenes, their pictures numbered from 1."""
    pictures: dict[int, str] = {}
    image_ids = []
    for scene, part in scenes.items():
        new = {image: len(pictures) + place for place, image in enumerate(part.pictures, 1)}
        pictures |= {
            new[image]: f"{scene}/{file.lstrip('/')}" for image, file in part.pictures.items()
        }
        image_ids.append(np.array([new[int(image)] for image in part.image_ids], np.int64))
    parts = list(scenes.values())
    return Annotations(
        f"{len(parts)} scenes of UBody",
        pictures,
        np.concatenate(image_ids),
        np.concatenate([part.keypoints for part in parts]),
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.areas for part in parts]),
        np.concatenate([part.crowd for part in parts]),
    )


def _check(data: DataSet, split: Split) -> None:
    """Refuse a data set that has nothing for a split; say what it lacks."""
    if not data.sources[split]:
        lacks = [f"{lack.what} ({lack.cure})" for lack in data.missing if split in lack.spoils]
        raise DataSetError(
            f"{name_for_message(data.folder)}: {data.name}, but nothing of it can be used for "
            f"{split}; missing: {'; '.join(lacks[:3])}{'; ...' if len(lacks) > 3 else ''}"
        )


def _rows(pack: Pack, data: DataSet, split: Split) -> IntArray:
    """Which rows of a pack belong to a split."""
    if data.test_videos is None:
        return np.arange(len(pack.people), dtype=np.int64)
    is_for_tests = of_videos(data.test_videos)
    tests = np.array(
        [
            is_for_tests(int(picture), pack.file_of(row))
            for row, picture in enumerate(pack.pictures["id"])
        ]
    )
    is_test = tests[pack.people["picture"]]
    return np.flatnonzero(is_test == (split == "val")).astype(np.int64)
