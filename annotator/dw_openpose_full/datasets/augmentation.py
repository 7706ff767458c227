"""How much a person's crop varies, from epoch to epoch.

The steps and their numbers are those of the published training configurations (DWPose, RTMPose,
RTMW). ``crops`` takes them, in their order: flip, half of the body, shift, size, turn; then, with
``pixels``, colours, blur and a hole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from ..errors import OptionError, printable
from ..poses import ImageSize


@dataclass(frozen=True)
class Strength:
    """How much is varied: chances 0..1, and ranges.

    A range is the width of a normal distribution cut off at one standard deviation.

    Attributes:
        flip: Chance of a mirror image.
        half_body: Chance that only the upper or the lower body is shown.
        shift: Of the crop, as a share of its sides; it happens in ``shift_chance`` of cases.
        scale: Least and greatest side of the crop, of the padded box's.
        rotation: Degrees; it happens in ``rotation_chance`` of cases.
        jitter: Whether hue, saturation and value are shifted a little.
        distortion: Whether brightness, contrast, saturation, hue and the order of the channels
            are changed instead, as for RTMW.
        blur: Chance of a mean blur, and again of a median blur.
        hole: Chance of a black rectangle.
    """

    flip: float = 0.5
    half_body: float = 0.3
    shift: float = 0.16
    shift_chance: float = 0.3
    scale: tuple[float, float] = (0.6, 1.4)
    rotation: float = 80.0
    rotation_chance: float = 0.6
    jitter: bool = True
    distortion: bool = False
    blur: float = 0.1
    hole: float = 1.0


_STRONG: Final = Strength()
_WIDE: Final = replace(_STRONG, scale=(0.5, 1.5), rotation=90.0)
_RTMW: Final = replace(_WIDE, jitter=False, distortion=True, hole=0.5)
NONE: Final = Strength(
    flip=0.0, half_body=0.0, shift=0.0, scale=(1.0, 1.0), rotation=0.0, jitter=False, blur=0.0,
    hole=0.0,
)  # fmt: skip
"""The crop that annotators cut."""

STRENGTHS: Final[Mapping[str, Strength]] = MappingProxyType(
    {
        "none": NONE,
        # of t, s, m and l; the second in the last 30 epochs
        "strong": _STRONG,
        "mild": replace(_STRONG, shift=0.0, scale=(0.75, 1.25), rotation=60.0, hole=0.5),
        # of x; the second in the last 30 epochs
        "wide": _WIDE,
        "wide-last": replace(_WIDE, shift=0.0, hole=0.5),
        # of RTMW; the second in the last 10 epochs
        "rtmw": _RTMW,
        "rtmw-last": replace(_RTMW, hole=0.0),
    }
)
"""The published rows, by name."""


@dataclass(frozen=True)
class Course:
    """Which strength an epoch has.

    Attributes:
        first: Strength of the epochs below ``switch``.
        last: Strength of all others.
        switch: An epoch, counted from 0.
    """

    first: Strength
    last: Strength
    switch: int

    @classmethod
    def steady(cls, strength: Strength) -> Course:
        """The same strength at all times."""
        return cls(strength, strength, 0)

    @classmethod
    def named(cls, first: str, last: str, switch: int) -> Course:
        """A course from one row of ``STRENGTHS`` to another.

        Raises:
            OptionError: If a name is none of theirs.
        """
        for name in (first, last):
            if name not in STRENGTHS:
                raise OptionError(
                    f"no augmentation is called {printable(name)!r}; there are "
                    f"{', '.join(STRENGTHS)}"
                )
        return cls(STRENGTHS[first], STRENGTHS[last], switch)

    def at(self, epoch: int) -> Strength:
        """The strength of an epoch."""
        return self.first if epoch < self.switch else self.last


@dataclass(frozen=True)
class Views:
    """How people are shown, from epoch to epoch.

    Attributes:
        size: Size of the crops.
        course: How much is varied.
        seed: Whole numbers that randomness starts from.
    """

    size: ImageSize
    course: Course
    seed: tuple[int, ...]

    def of(self, index: int, epoch: int) -> Variation:
        """How the person of a number is shown in an epoch: always alike."""
        draws = np.random.default_rng([*self.seed, epoch, index])
        return Variation(self.size, self.course.at(epoch), draws)


@dataclass(frozen=True, eq=False)
class Variation:
    """How one person is shown once.

    Attributes:
        size: Size of the crop.
        strength: How much is varied.
        draws: Where randomness comes from.
    """

    size: ImageSize
    strength: Strength
    draws: np.random.Generator

    def happens(self, chance: float) -> bool:
        """Whether something of a chance comes true this time."""
        return bool(self.draws.random() < chance)
