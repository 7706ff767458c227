"""Lowest scores of visible points, for each part of a figure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from . import skeleton
from .errors import OptionError
from .poses import FloatArray

DEFAULT_THRESHOLD: Final = 0.3  # of every published DWPose annotator


@dataclass(frozen=True)
class Thresholds:
    """A point is visible when its score is at least its part's threshold, 0..1."""

    body: float = DEFAULT_THRESHOLD
    hands: float = DEFAULT_THRESHOLD
    face: float = DEFAULT_THRESHOLD
    feet: float = DEFAULT_THRESHOLD

    def __post_init__(self) -> None:
        """Refuse values out of range.

        Raises:
            OptionError: If one is.
        """
        for part in PARTS:
            value = getattr(self, part)
            if not 0 <= value <= 1:
                raise OptionError(f"threshold must lie within 0..1, got {value!r} for {part}")

    @classmethod
    def of(cls, threshold: Thresholds | float) -> Thresholds:
        """One number is the threshold of all parts.

        Raises:
            OptionError: If it is not within 0..1.
        """
        if isinstance(threshold, Thresholds):
            return threshold
        if not 0 <= threshold <= 1:
            raise OptionError(f"threshold must lie within 0..1, got {threshold!r}")
        return cls(*[threshold] * len(PARTS))

    @classmethod
    def parse(cls, text: str) -> Thresholds:
        """Read ``0.3``, ``hands=0.5``, or ``0.3,hands=0.5,face=0.4``.

        Raises:
            OptionError: If it is not that.
        """
        base, own = DEFAULT_THRESHOLD, {}
        for place, word in enumerate(text.split(",")):
            part, equals, value = word.strip().rpartition("=")
            try:
                number = float(value)
            except ValueError:
                raise OptionError(_refusal(text)) from None
            if equals and part.strip() in PARTS:
                own[part.strip()] = number
            elif not equals and place == 0:
                base = number
            else:
                raise OptionError(_refusal(text))
        return cls(**dict.fromkeys(PARTS, base) | own)

    def of_points(self) -> FloatArray:
        """The threshold of each point of a figure, ``(136,)`` float32."""
        values = np.empty(skeleton.FIGURE_COUNT, np.float32)
        values[skeleton.FIGURE_BODY] = self.body
        values[skeleton.FIGURE_FACE] = self.face
        values[skeleton.FIGURE_LEFT_HAND] = values[skeleton.FIGURE_RIGHT_HAND] = self.hands
        values[skeleton.FIGURE_FEET] = self.feet
        return values


PARTS: Final = tuple(field.name for field in fields(Thresholds))


def _refusal(text: str) -> str:
    return (
        "threshold must be a number within 0..1, or numbers of parts like 0.3,hands=0.5 "
        f"({', '.join(PARTS)}), got {text!r}"
    )
