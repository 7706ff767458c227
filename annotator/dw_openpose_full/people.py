"""Which of the people found are wanted, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from numbers import Integral

import numpy as np

from .errors import OptionError
from .poses import Boxes, FloatArray, ImageSize


class Order(Enum):
    """What puts people in order: how sure the detector is, how large they are, where they stand."""

    SCORE = "score"
    SIZE = "size"
    LEFT_TO_RIGHT = "left-to-right"

    @classmethod
    def named(cls, name: Order | str) -> Order:
        """An order by its value.

        Raises:
            OptionError: If there is none of that name.
        """
        try:
            return cls(name)
        except ValueError:
            choices = ", ".join(order.value for order in cls)
            raise OptionError(f"order must be one of {choices}, got {name!r}") from None


@dataclass(frozen=True)
class PeopleChoice:
    """Who is wanted.

    Attributes:
        max_people: The first so many in ``order``; all where ``None``.
        order: Surest, largest or leftmost first. Poses, figures and JSON keep it; equals keep the
            order they were found in.
        min_size: Smallest person: the box's longer side, of the picture's longer side, 0..1.
        min_score: Lowest score of a person's box, 0..1; the detector's own where ``None``.
    """

    max_people: int | None = None
    order: Order | str = Order.SCORE
    min_size: float = 0.0
    min_score: float | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range.

        Raises:
            OptionError: If one is.
        """
        count = self.max_people
        if count is not None and (not isinstance(count, Integral) or count < 1):
            raise OptionError(f"max_people must be a positive number, got {count!r}")
        for name in ("min_size", "min_score"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise OptionError(f"{name} must lie within 0..1, got {value!r}")
        object.__setattr__(self, "order", Order.named(self.order))

    def of(self, boxes: Boxes, image_size: ImageSize) -> Boxes:
        """The boxes of those who are wanted, in order."""
        longer_sides = (boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]).max(axis=1, initial=0)
        wanted = longer_sides >= self.min_size * max(image_size)
        if self.min_score is not None:
            wanted &= boxes.scores >= np.float32(self.min_score)
        boxes = Boxes(boxes.xyxy[wanted], boxes.scores[wanted])
        first = np.argsort(self._rank(boxes), kind="stable")[: self.max_people]
        return Boxes(boxes.xyxy[first], boxes.scores[first])

    def _rank(self, boxes: Boxes) -> FloatArray:
        """A number for each box; the lowest comes first."""
        if self.order is Order.SCORE:
            return -boxes.scores
        if self.order is Order.LEFT_TO_RIGHT:
            return boxes.xyxy[:, 0] + boxes.xyxy[:, 2]
        sides = boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]
        areas: FloatArray = sides[:, 0] * sides[:, 1]
        return -areas


EVERYBODY = PeopleChoice()
