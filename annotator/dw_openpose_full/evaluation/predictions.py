"""COCO-WholeBody results: the people that a model found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataSetError, name_for_message
from ..poses import BoolArray, IntArray
from ..skeleton import WHOLE_BODY_COUNT
from .documents import (
    Entry,
    EntryError,
    Numbers,
    box,
    check_person,
    entries_of,
    gather,
    number,
    parse,
    read_text,
    whole_body,
    whole_number,
)
from .journal import is_journal, read_journal
from .parts import BODY_PART, PARTS


@dataclass(frozen=True, eq=False)
class Predictions:
    """The people found, in the order of their file.

    Attributes:
        name: The file, for messages.
        image_ids: ``(M,)`` int64, whose picture each was found on.
        keypoints: ``(M, 133, 3)`` float64, ``(x, y, score)``.
        scores: ``(M, 6)`` float64, what ranks them, for each of ``PARTS``.
        areas: ``(M,)`` float64, extent of the body, or of the box where a result gives one; says
            only whether somebody who was not to be found counts as medium or large.
    """

    name: str
    image_ids: IntArray
    keypoints: Numbers
    scores: Numbers
    areas: Numbers

    @classmethod
    def read(cls, path: Path, pictures: Mapping[int, str], *, unread: int = 0) -> Predictions:
        """Read results, or the journal of a run of ours.

        Args:
            path: A JSON list of results, or a journal.
            pictures: The pictures that there are, by id.
            unread: How many of them a journal lacks because they can not be read.

        Raises:
            DataSetError: If the file is neither, or some results can not be used, or a journal
                does not reach the end.
        """
        name, text = name_for_message(path), read_text(path)
        found = read_journal(text, name, unread=unread) if is_journal(text) else parse(text, name)
        del text  # it takes as much memory as the numbers
        return cls.of(entries_of(found, name, "results"), pictures, name)

    @classmethod
    def of(cls, entries: list[Entry], pictures: Mapping[int, str], name: str) -> Predictions:
        """Make predictions of results as JSON gives them; see :meth:`read`."""
        keypoints = np.empty((len(entries), WHOLE_BODY_COUNT, 3))
        rows = iter(keypoints)

        def read(entry: Entry) -> tuple[int, list[float], float]:
            check_person(entry)
            image = whole_number(entry, "image_id")
            if image not in pictures:
                raise EntryError(f"image_id: {image} is none of the {len(pictures)} pictures")
            points = whole_body(entry)
            next(rows)[:] = points
            scores = [number(entry, _score_field(entry, part.score_field)) for part in PARTS]
            return image, scores, _area(entry, points)

        read_rows = gather(entries, read, name, "prediction")
        return cls(
            name,
            np.array([image for image, _, _ in read_rows], np.int64),
            keypoints,
            np.array([scores for _, scores, _ in read_rows]),
            np.array([area for _, _, area in read_rows]),
        )

    def __len__(self) -> int:
        return len(self.image_ids)

    def on(self, pictures: Mapping[int, str]) -> Predictions:
        """Those on some of the pictures.

        Raises:
            DataSetError: If none is.
        """
        kept: BoolArray = np.isin(self.image_ids, list(pictures))
        if not kept.any():
            raise DataSetError(
                f"{self.name}: none of its {len(self)} predictions is on one of the "
                f"{len(pictures)} pictures that count"
            )
        if kept.all():
            return self
        return Predictions(
            self.name,
            self.image_ids[kept],
            self.keypoints[kept],
            self.scores[kept],
            self.areas[kept],
        )


def _score_field(entry: Mapping[str, Any], field: str) -> str:
    return field if field in entry else "score"


def _area(entry: Entry, points: Numbers) -> float:
    """Width times height of the result's box, or else of the smallest one round its body."""
    if entry.get("bbox"):
        width, height = box(entry)[2:]
    else:
        body = points[BODY_PART.keypoints, :2]
        width, height = body.max(axis=0) - body.min(axis=0)
    return float(width * height)
