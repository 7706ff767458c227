"""A folder of mannequins, laid out as COCO-WholeBody is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...errors import OptionError, OutputError, name_for_message
from ...evaluation.documents import PERSON
from ...files import write_atomically
from ...pictures import encode_png
from ...poses import MAX_PIXELS, ImageSize
from ...skeleton import BODY_NAMES
from .labels import annotation, careless
from .scene import random_scene

SPLITS: Final = ("train", "val")
SMALLEST: Final = 32
"""Shortest side of a picture, in pixels."""


@dataclass(frozen=True)
class Plan:
    """How many pictures of which kind; the same plan gives the same folder.

    Attributes:
        train: Pictures to learn from, labelled carelessly.
        val: Pictures to measure with, labelled perfectly.
        seed: Of all chance. More pictures of the same seed go on where fewer stopped.
        size: Of each picture.
        people: The most on one picture. A single one fills it, as a crop is filled.
    """

    train: int = 2000
    val: int = 300
    seed: int = 0
    size: ImageSize = ImageSize(136, 104)  # noqa: RUF009  a constant
    people: int = 1

    def __post_init__(self) -> None:
        if min(self.train, self.val, self.people) < 1 or self.seed < 0:
            raise OptionError(
                "mannequins need at least 1 picture to train and 1 to validate with, at least 1 "
                f"person on each and a seed of 0 or more, got {self}"
            )
        if min(self.size) < SMALLEST or self.size.height * self.size.width > MAX_PIXELS:
            raise OptionError(
                f"pictures of mannequins have sides of {SMALLEST} pixels or more and no more than "
                f"{MAX_PIXELS} pixels in all, got {self.size.width} x {self.size.height}"
            )

    def count(self, split: str) -> int:
        """Pictures of a split."""
        return {"train": self.train, "val": self.val}[split]


def write_mannequins(folder: Path, plan: Plan) -> Iterator[Path]:
    """Write the folder, picture by picture, as the answer is gone through.

    ``train2017/``, ``val2017/`` and, last, ``annotations/coco_wholebody_{train,val}_v1.0.json``.

    Args:
        folder: New or empty; made if it is not there.
        plan: What it will hold.

    Yields:
        The path of each picture, when it has been written.

    Raises:
        OutputError: If the folder holds something already, or can not be written.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise OutputError(
            f"{name_for_message(folder)} holds something already; name a new folder for mannequins"
        )
    return _write(folder, plan)


def _write(folder: Path, plan: Plan) -> Iterator[Path]:
    documents = {}
    for number, split in enumerate(SPLITS):
        images: list[dict[str, Any]] = []
        people: list[dict[str, Any]] = []
        for image in range(1, plan.count(split) + 1):
            rng = np.random.default_rng([plan.seed, number, image])
            scene = random_scene(rng, plan.size, plan.people)
            path = folder / f"{split}2017" / f"{image:012d}.png"
            write_atomically(path, encode_png(scene.picture))
            images.append(_image(image, path.name, plan.size))
            for person in scene.people:
                points = careless(rng, person) if split == "train" else person.keypoints
                people.append(annotation(person, points, image, len(people) + 1))
            yield path
        documents[split] = _document(images, people, plan)
    for split, document in documents.items():
        text = json.dumps(document, separators=(",", ":"))
        place = folder / "annotations" / f"coco_wholebody_{split}_v1.0.json"
        write_atomically(place, text.encode())


def _image(image: int, name: str, size: ImageSize) -> dict[str, Any]:
    return {"id": image, "file_name": name, "height": size.height, "width": size.width}


def _document(
    images: list[dict[str, Any]], people: list[dict[str, Any]], plan: Plan
) -> dict[str, Any]:
    """What the published files hold, as far as programs read it."""
    person = {"id": PERSON, "name": "person", "supercategory": "person", "keypoints": BODY_NAMES}
    return {
        "info": {"description": f"mannequins, seed {plan.seed}", "version": "1.0"},
        "categories": [person],
        "images": images,
        "annotations": people,
    }
