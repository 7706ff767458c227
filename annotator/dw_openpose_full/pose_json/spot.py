"""Where in a document one is, so that an error can say it; single values, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import PoseJsonError, printable
from ..poses import FloatArray

SHOWN: Final = 60  # characters of a name or a text that a message repeats
LARGEST_SHOWN: Final = 10**15

NUMBER: Final = (int, float, np.integer, np.floating)  # and bool, which is an int; look first


@dataclass(frozen=True)
class Spot:
    """A place in a document.

    Attributes:
        source: What is being read: a file's name, or words for text and objects.
        field: Path of the value in it, as ``people[2].face_keypoints_2d``; empty at the top.
    """

    source: str
    field: str = ""

    def key(self, name: str) -> Spot:
        """The value of a key."""
        return Spot(self.source, f"{self.field}.{name}" if self.field else name)

    def item(self, index: int) -> Spot:
        """A value of a list."""
        return Spot(self.source, f"{self.field}[{index}]")

    def error(self, problem: str) -> PoseJsonError:
        """The error to raise here."""
        place = f"{self.source}: {self.field}" if self.field else self.source
        return PoseJsonError(f"{place}: {problem}")


def described(value: object) -> str:
    """A value in JSON's words, short enough for a message."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, NUMBER):
        shown = -LARGEST_SHOWN < value < LARGEST_SHOWN  # NaN is not either
        return f"{value}" if shown else "a huge or undefined number"
    if isinstance(value, str):
        return f"the text '{shortened(value)}'"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, Mapping):
        return "an object" if value else "an empty object"
    return f"a Python {type(value).__name__}"


def shortened(text: str) -> str:
    """A text on one line, cut to what a message can bear."""
    return printable(text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}...")


def whole_number(value: object, spot: Spot) -> int:
    """A whole number; ``512.0`` counts as one, a text or ``true`` does not.

    Raises:
        PoseJsonError: If it is anything else.
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return int(value)
    raise spot.error(f"expected a whole number, got {described(value)}; correct it")


def check_number(value: object, spot: Spot) -> None:
    """Refuse what is no number, a text with digits and ``true`` too.

    Raises:
        PoseJsonError: If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, NUMBER):
        raise spot.error(f"expected a number, got {described(value)}; correct it")


def flat_numbers(value: object, spot: Spot) -> NDArray[np.float64]:
    """Numbers of a flat list, ``(N,)``; ``null`` gives none, numbers beyond float64 are infinite.

    Raises:
        PoseJsonError: If it is no list, or holds anything but numbers.
    """
    if value is None:
        return np.empty(0)
    numbers = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(numbers, (list, tuple)):
        raise spot.error(f"expected a list of numbers, got {described(numbers)}; correct it")
    if not set(map(type, numbers)) <= {int, float}:
        for index, number in enumerate(numbers):
            check_number(number, spot.item(index))
    try:
        return np.array(numbers, dtype=np.float64).reshape(-1)
    except OverflowError:  # a whole number of more than 308 digits
        return np.array([_as_float(number) for number in numbers], dtype=np.float64)


def to_float32(values: NDArray[np.float64]) -> FloatArray:
    """As float32; what is too large becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)


def _as_float(number: float) -> float:
    """A number as float64, infinite where it does not fit."""
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
