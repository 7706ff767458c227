"""Choosing among people."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from ...errors import OptionError
from ...figures import OpenPoseFigures
from ...people import Order, PeopleChoice
from ...poses import Boxes
from .estimator import MOST_PEOPLE, ORDERS
from .keypoints import PoseKeypoints, read_frames, write_frames
from .node import POSE_KEYPOINT, Answer, Node, Output, choice, socket, widget

AS_THEY_ARE: Final = "as they are"
_INDICES: Final = re.compile(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?")


@dataclass(frozen=True, eq=False)
class SelectPeople(Node):
    """Keeps some of each frame's people: those large enough, put in order, by number."""

    id = "DWOpenposeSelectPeople"
    title = "DW OpenPose Select People"
    outputs = (Output(POSE_KEYPOINT, "pose_keypoint", "The people that were chosen."),)

    pose_keypoint: PoseKeypoints = field(metadata=socket(POSE_KEYPOINT, "Of any node."))
    order: str = field(
        default=AS_THEY_ARE,
        metadata=choice(
            (AS_THEY_ARE, *ORDERS), "Puts people in order: surest, largest or leftmost first."
        ),
    )
    indices: str = field(
        default="",
        metadata=widget(
            "STRING", "Whom to keep, counted from 0 in that order: 0 or 0, 2-4; empty: everybody."
        ),
    )
    max_people: int = field(
        default=0, metadata=widget("INT", "Keep at most so many; 0: all.", min=0, max=MOST_PEOPLE)
    )
    min_size: float = field(
        default=0.0,
        metadata=widget(
            "FLOAT",
            "Smallest person: the longer side of the box, of the canvas's longer side; 0: any. The "
            "smaller ones go first, and are not counted.",
            min=0.0,
            max=1.0,
            step=0.01,
        ),
    )

    @staticmethod
    def check(indices: str | None = None) -> bool | str:
        """Whether the indices can be read."""
        try:
            _parse(indices or "")
        except OptionError as error:
            return str(error)
        return True

    def run(self) -> Answer:
        """Choose in every frame."""
        wanted = _parse(self.indices)
        kept = []
        for frame in read_frames(self.pose_keypoint):
            rows = self._in_order(frame.figures)
            if wanted:
                rows = [rows[index] for index in wanted if index < len(rows)]
            rows = rows[: self.max_people or None]
            kept.append(replace(frame, figures=frame.figures.only(rows)))
        return Answer((write_frames(kept),))

    def _in_order(self, figures: OpenPoseFigures) -> list[int]:
        """Rows of the people who are large enough, in order."""
        order = Order.SCORE if self.order == AS_THEY_ARE else self.order
        chosen = PeopleChoice(order=order, min_size=self.min_size).of(
            figures.boxes, figures.image_size
        )
        free, rows = dict(enumerate(_rows_of(figures.boxes))), []
        for box in _rows_of(chosen):
            row = next(row for row, known in free.items() if known == box)
            del free[row]
            rows.append(row)
        return sorted(rows) if self.order == AS_THEY_ARE else rows


def _rows_of(boxes: Boxes) -> list[list[float]]:
    return [list(row) for row in np.column_stack([boxes.xyxy, boxes.scores]).tolist()]


def _parse(text: str) -> list[int]:
    """Numbers of people: ``0, 2-4`` are 0, 2, 3 and 4; each counts once.

    Raises:
        OptionError: If it is not that.
    """
    if not text.strip():
        return []
    found: list[int] = []
    for word in text.split(","):
        match = _INDICES.fullmatch(word)
        if match is None:
            raise OptionError(f"indices: expected numbers like 0, 2-4, got {text[:60]!r}")
        first = int(match[1])
        found += range(first, int(match[2] or first) + 1)
    return list(dict.fromkeys(found))
