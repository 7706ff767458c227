"""What a user asks of a generated picture."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any, Final, NamedTuple

from ..errors import OptionError
from ..render import Parts, Style
from .families import END, GUESS, SCHEDULERS, START, Family


class Limits(NamedTuple):
    """The least and the most that a number may be."""

    least: float
    most: float


RANDOM_SEED: Final = -1
_SEEDS: Final = 2**31


def _number(default: float | None, least: float, most: float) -> Any:  # noqa: ANN401  as dataclasses.field
    """A field that holds a number within limits."""
    return field(default=default, metadata={"limits": Limits(least, most)})


@dataclass(frozen=True)
class Settings:
    """What to make; ``None`` leaves a choice to the family.

    The defaults are those of the DWPose repository's demo.

    Attributes:
        prompt: What the picture shows.
        added_prompt: Added to it after a comma, unless empty.
        negative_prompt: What it does not show; models without guidance can not take that.
        images: How many pictures, one after another; the second has the next seed, and so on (0
            comes after the largest), so any of them can be made again alone.
        seed: Of the first picture; -1 for a random one, which the result reports.
        steps: Of denoising.
        guidance: How closely to follow the prompt.
        strength: How closely to follow the pose.
        control_start: When the pose takes hold, as a fraction of the steps.
        control_end: When it lets go.
        guess_mode: Let the network make sense of the pose without the prompt's help.
        scheduler: A name of ``SCHEDULERS``; empty for the model's own.
        eta: Noise that DDIM adds on its way, 0 for none; others do not take it.
        resolution: In pixels, in place of the family's ``CanvasRule.side``.
        style: How the figures are drawn.
        parts: What of them is drawn.
    """

    prompt: str
    added_prompt: str = "best quality"
    negative_prompt: str = "lowres, bad anatomy, bad hands, cropped, worst quality"
    images: int = _number(1, 1, 12)
    seed: int = _number(12345, RANDOM_SEED, _SEEDS - 1)
    steps: int | None = _number(None, 1, 100)
    guidance: float | None = _number(None, 0, 30)
    strength: float | None = _number(None, 0, 2)
    control_start: float = _number(0.0, 0, 1)
    control_end: float | None = _number(None, 0, 1)
    guess_mode: bool = False
    scheduler: str | None = None
    eta: float = _number(1.0, 0, 1)
    resolution: int | None = _number(None, 64, 4096)
    style: Style | str | None = None
    parts: Parts = Parts.ALL

    def __post_init__(self) -> None:
        """Refuse numbers out of their limits and unknown names; numbers become Python's own.

        Raises:
            OptionError: If there is one.
        """
        for name, limits in LIMITS.items():
            value = getattr(self, name)
            whole = name in _WHOLE
            if value is None and name in _LEFT_OPEN:
                continue
            if not isinstance(value, Integral if whole else Real) or not (
                limits.least <= value <= limits.most
            ):
                raise OptionError(
                    f"{name} must be a {'whole ' if whole else ''}number from {limits.least} to "
                    f"{limits.most}, got {value!r}"
                )
            own = float(value)
            object.__setattr__(self, name, int(own) if whole else own)
        if self.scheduler and self.scheduler not in SCHEDULERS:
            choices = ", ".join(SCHEDULERS)
            raise OptionError(f"scheduler must be one of {choices}; got {self.scheduler!r}")
        if self.style is not None:
            object.__setattr__(self, "style", Style.named(self.style))

    @property
    def whole_prompt(self) -> str:
        """The prompt with what is added to it."""
        return ", ".join(text for text in (self.prompt.strip(), self.added_prompt.strip()) if text)

    def seeds(self) -> tuple[int, ...]:
        """One for each picture; a random first one is drawn anew by every call."""
        first = self.seed
        if first == RANDOM_SEED:
            first = random.randrange(_SEEDS)
        return tuple((first + number) % _SEEDS for number in range(self.images))

    def check_for(self, family: Family) -> None:
        """Refuse what a family can not do.

        Raises:
            OptionError: If something is asked for in vain.
        """
        asked = {
            GUESS: self.guess_mode,
            START: self.control_start > 0,
            END: self.control_end not in {None, 1},
        }
        for argument, wanted in asked.items():
            if wanted and argument not in family.takes:
                raise OptionError(
                    f"family {family.name} takes no {argument}; leave it at its default"
                )
        end = family.control_end if self.control_end is None else self.control_end
        if self.control_start >= end:
            raise OptionError(
                f"control_start must be less than control_end, got {self.control_start} and {end}"
            )
        if self.scheduler and not family.has_schedulers:
            raise OptionError(
                f"family {family.name} has its own scheduler, not {self.scheduler!r}; leave it out"
            )


LIMITS: Final = {
    row.name: row.metadata["limits"] for row in fields(Settings) if "limits" in row.metadata
}
"""Limits of the numbers in ``Settings``, by name."""

_WHOLE: Final = frozenset({"images", "seed", "steps", "resolution"})
_LEFT_OPEN: Final = frozenset({"steps", "guidance", "strength", "control_end", "resolution"})
