"""COCO-WholeBody annotations: which pictures there are, and the people that should be found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from ..errors import DataSetError, name_for_message
from ..poses import BoolArray, IntArray
from .documents import (
    EntryError,
    Numbers,
    box,
    check_person,
    described,
    entries_of,
    gather,
    number,
    parse,
    read_text,
    whole_body,
    whole_number,
)
from .parts import BODY_PART

BOX_SHARE: Final = 0.53
"""Of a person box, what counts as the person where no area is annotated; of the reference."""


@dataclass(frozen=True, eq=False)
class Annotations:
    """The people of a data set, in the order of its file.

    Attributes:
        name: The file, for messages.
        pictures: The name of each picture's file, by its id.
        image_ids: ``(N,)`` int64, whose picture each person is on.
        keypoints: ``(N, 133, 3)`` float64, ``(x, y, v)``; labelled where ``v > 0``.
        boxes: ``(N, 4)`` float64, ``x, y, width, height``.
        areas: ``(N,)`` float64, pixels that each person covers.
        crowd: ``(N,)``, which are groups of people in one outline.
    """

    name: str
    pictures: Mapping[int, str]
    image_ids: IntArray
    keypoints: Numbers
    boxes: Numbers
    areas: Numbers
    crowd: BoolArray

    @classmethod
    def read(cls, path: Path, *, area_from_box: bool = False) -> Annotations:
        """Read a file as the data set publishes it.

        Args:
            path: The JSON file.
            area_from_box: Take :data:`BOX_SHARE` of each box for the area, as UBody is measured;
                areas that the file may give are not looked at.

        Raises:
            DataSetError: If it is no such file, or some of its entries can not be used.
        """
        name = name_for_message(path)
        document = parse(read_text(path), name)
        if not isinstance(document, dict) or not {"images", "annotations"} <= document.keys():
            raise DataSetError(
                f"{name}: expected COCO-WholeBody annotations, an object with images and "
                f"annotations, got {described(document)}"
            )
        pictures = _pictures(document["images"], name)
        entries = entries_of(document["annotations"], name, "annotations")
        image_ids = gather(entries, _image_reader(pictures), name, "annotation")
        boxes = np.array(gather(entries, box, name, "annotation"))
        if area_from_box:
            areas = boxes[:, 3] * boxes[:, 2] * BOX_SHARE
        else:
            areas = np.array(gather(entries, _area, name, "annotation"))
        return cls(
            name,
            pictures,
            np.array(image_ids, np.int64),
            np.array(gather(entries, whole_body, name, "annotation")),
            boxes,
            areas,
            np.array([bool(entry.get("iscrowd", 0)) for entry in entries]),
        )

    def __len__(self) -> int:
        return len(self.image_ids)

    def on(self, wanted: Callable[[int, str], bool]) -> Annotations:
        """Those on some of the pictures.

        Args:
            wanted: Told the id and the file of a picture, says whether it counts.

        Raises:
            DataSetError: If none is left.
        """
        pictures = {image: file for image, file in self.pictures.items() if wanted(image, file)}
        kept = np.isin(self.image_ids, list(pictures))
        if not kept.any():
            raise DataSetError(
                f"{self.name}: of its {len(self.pictures)} pictures, the {len(pictures)} that "
                "count have nobody annotated; expected pictures of this split"
            )
        return replace(
            self,
            pictures=pictures,
            image_ids=self.image_ids[kept],
            keypoints=self.keypoints[kept],
            boxes=self.boxes[kept],
            areas=self.areas[kept],
            crowd=self.crowd[kept],
        )

    @property
    def named(self) -> BoolArray:
        """Which are single people with a labelled body, whose boxes a model may be given."""
        bodies = self.keypoints[:, BODY_PART.keypoints, 2]
        return np.asarray(~self.crowd & (bodies > 0).any(axis=1))


def _pictures(value: object, name: str) -> dict[int, str]:
    """File names by id, proven to be unique."""

    def read(entry: Mapping[str, object]) -> tuple[int, str]:
        file = entry.get("file_name", "")
        if not isinstance(file, str):
            raise EntryError(f"file_name: expected text, got {described(file)}")
        return whole_number(entry, "id"), file

    rows = gather(entries_of(value, name, "images"), read, name, "image")
    pictures = dict(rows)
    if len(pictures) < len(rows):
        raise DataSetError(f"{name}: {len(rows) - len(pictures)} ids of images are taken twice")
    return pictures


def _image_reader(pictures: Mapping[int, str]) -> Callable[[Mapping[str, object]], int]:
    """Reads an entry's ``image_id``, and refuses an entry that is no person's."""

    def read(entry: Mapping[str, object]) -> int:
        check_person(entry)
        image = whole_number(entry, "image_id")
        if image not in pictures:
            raise EntryError(f"image_id: {image} is none of the {len(pictures)} pictures")
        return image

    return read


def _area(entry: Mapping[str, object]) -> float:
    return number(entry, "area")
