"""Where people are, for models that are told: the data set's boxes, or a detector's in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import DataSetError, name_for_message
from ..poses import Boxes, FloatArray, IntArray
from .annotations import Annotations
from .documents import (
    PERSON,
    Entry,
    Numbers,
    box,
    entries_of,
    gather,
    number,
    parse,
    read_text,
    whole_number,
)

GivenBoxes = Mapping[int, Boxes]
"""The person boxes of each picture, by its id; pictures without any may be missing."""


def annotated_boxes(truth: Annotations) -> GivenBoxes:
    """The boxes of the people who are to be found, score 1; crowds are left out."""
    named = truth.named & (truth.boxes[:, 2:] > 0).all(axis=1)
    return _by_picture(truth.image_ids[named], truth.boxes[named], np.ones(int(named.sum())))


def detected_boxes(path: Path, truth: Annotations) -> tuple[GivenBoxes, int]:
    """A detector's boxes, of a file of COCO results; none is dropped for its score.

    Returns:
        The boxes, and how many others lie on pictures that do not count or in other categories.

    Raises:
        DataSetError: If the file holds no such results, or none on these pictures.
    """
    name = name_for_message(path)
    entries = entries_of(parse(read_text(path), name), name, "boxes")

    def read(entry: Entry) -> tuple[int, Numbers, float]:
        return whole_number(entry, "image_id"), box(entry), number(entry, "score")

    people = [entry for entry in entries if _is_person(entry)]
    rows = gather(people, read, name, "box")
    rows = [row for row in rows if row[0] in truth.pictures]
    if not rows:
        raise DataSetError(
            f"{name}: none of its {len(entries)} boxes is a person's on one of the "
            f"{len(truth.pictures)} pictures; expected boxes of the same data set"
        )
    images, corners, scores = zip(*rows, strict=True)
    boxes = _by_picture(np.array(images, np.int64), np.array(corners), np.array(scores))
    return boxes, len(entries) - len(rows)


def digest(boxes: GivenBoxes) -> str:
    """Sixteen hexadecimal digits that tell one set of boxes from another."""
    state = hashlib.sha256()
    for image in sorted(boxes):
        found = boxes[image]
        state.update(str(image).encode() + found.xyxy.tobytes() + found.scores.tobytes())
    return state.hexdigest()[:16]


def _is_person(entry: object) -> bool:
    return not isinstance(entry, dict) or entry.get("category_id", PERSON) == PERSON


def _by_picture(image_ids: IntArray, corners: Numbers, scores: Numbers) -> GivenBoxes:
    """Boxes ``x, y, width, height`` of people, by the picture they are on, in their order."""
    xyxy: FloatArray = corners.astype(np.float32)
    xyxy[:, 2:] += xyxy[:, :2]
    order = np.argsort(image_ids, kind="stable")
    images, starts = np.unique(image_ids[order], return_index=True)
    return {
        int(image): Boxes(xyxy[rows], scores[rows].astype(np.float32))
        for image, rows in zip(images, np.split(order, starts[1:]), strict=True)
    }
