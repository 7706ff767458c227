"""The inputs of the page, one row each: the fifteen of the DWPose repository's demo, and ours.

A row knows its place in :class:`DemoSettings`, so that the page, its API and a settings file say
the same. What a browser sends is a plain value; all of it is checked as a settings file is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from ..backends import Backend
from ..generation import FAMILIES, LIMITS, SCHEDULERS, Family
from ..generation.families import ETA, GUESS, NEGATIVE, START, family_named
from ..people import Order
from ..render import Style
from ..thresholds import PARTS as THRESHOLDS
from .config import (
    DETECTORS,
    DEVICES,
    MODELS,
    PREPROCESSOR_RESOLUTIONS,
    DemoSettings,
    Preprocessor,
    Processor,
)


class Kind(Enum):
    """What a user does with an input."""

    TEXT = "text"
    SWITCH = "switch"
    SLIDER = "slider"
    RADIO = "radio"
    MENU = "menu"
    CHECKS = "checks"


_HUGE: Final = 2**53  # whole numbers beyond this are out of every limit

Choices = tuple[tuple[str, str], ...]
"""What is shown, and the value that stands for it."""


@dataclass(frozen=True)
class Field:
    """One input.

    Attributes:
        name: Of the API's parameter.
        label: On the page.
        kind: What a user does with it.
        info: A line below the label.
        key: Its place in ``DemoSettings``, with a dot for what lies in a group; the name itself
            where empty.
        limits: Of a slider: least, most, step.
        choices: Of a menu, a radio or checks.
        unset: What stands for ``None``: leave it to the model.
    """

    name: str
    label: str
    kind: Kind = Kind.TEXT
    info: str = ""
    key: str = ""
    limits: tuple[float, float, float] = (0, 1, 0.01)
    choices: Choices = ()
    unset: object = None

    @property
    def path(self) -> tuple[str, ...]:
        """Its place in the settings as plain values."""
        return tuple((self.key or self.name).split("."))

    def to_plain(self, said: object) -> object:
        """The value of a settings file for what a browser said."""
        if self.kind is Kind.CHECKS and isinstance(said, list):
            return ",".join(map(str, said)) or "none"
        if self.unset is not None and said == self.unset and not isinstance(said, bool):
            return None
        if self.kind is not Kind.SLIDER or isinstance(said, bool):
            return said
        return self._number(said)

    def _number(self, said: object) -> object:
        """A number of the slider's kind; browsers know one kind only."""
        if self.limits[2] % 1:
            return float(said) if isinstance(said, int) and abs(said) < _HUGE else said
        return int(said) if isinstance(said, float) and said.is_integer() else said

    def to_page(self, plain: Any, family: Family) -> Any:  # noqa: ANN401  as JSON has it
        """What the page shows for a value of a settings file."""
        if self.kind is Kind.CHECKS:
            return [] if plain == "none" else plain.split(",")
        if plain is None:
            return family_values(family).get(self.name, self.unset)
        return plain


def _same(names: Any) -> Choices:  # noqa: ANN401  any iterable of texts
    return tuple((str(name), str(name)) for name in names)


BY_FAMILY: Final = "family"
"""Stands for ``None`` in menus: as the family has it."""
_SEEDS: Final = LIMITS["seed"]

FIRST: Final = (
    Field(
        "prompt", "Prompt",
        info="What the new pictures show. Run reads the pose and, if there is a prompt, goes on to "
        "make pictures; Generate makes them of the pose as it is now",
    ),
    Field("images", "Images", Kind.SLIDER, limits=(1, 12, 1)),
    Field("seed", "Seed", Kind.SLIDER, limits=(_SEEDS[0], _SEEDS[1], 1)),
    Field(
        "processor", "processor", Kind.RADIO,
        "Openpose is the small lite model: OpenPose's own weights are for research only",
        choices=_same(row.value for row in (Processor.OPENPOSE, Processor.DWPOSE)),
    ),
    Field(
        "preprocessor", "Preprocessor", Kind.RADIO, "None: the picture is a figure already",
        choices=_same(row.value for row in Preprocessor),
    ),
)  # fmt: skip
"""Always in sight."""

MAKING: Final = (
    Field("family", "Image model", Kind.MENU,
          choices=tuple((row.title, row.name) for row in FAMILIES.values())),
    Field("resolution", "Image Resolution", Kind.SLIDER, limits=(256, 768, 64)),
    Field("added_prompt", "Added Prompt"),
    Field("negative_prompt", "Negative Prompt"),
    Field("steps", "Steps", Kind.SLIDER, limits=(1, 100, 1)),
    Field("guidance", "Guidance Scale", Kind.SLIDER, limits=(0.1, 30, 0.1)),
    Field("strength", "Control Strength", Kind.SLIDER, limits=(0, 2, 0.01)),
    Field("guess_mode", "Guess Mode", Kind.SWITCH, "Follow the pose without the prompt's help"),
    Field("control_start", "Control start", Kind.SLIDER, "Share of the steps"),
    Field("control_end", "Control end", Kind.SLIDER, "Share of the steps"),
    Field("scheduler", "Scheduler", Kind.MENU, unset=BY_FAMILY,
          choices=(("the family's", BY_FAMILY), ("the model's own", ""), *_same(SCHEDULERS))),
    Field("eta", "DDIM ETA", Kind.SLIDER, "Noise on the way"),
)  # fmt: skip
"""How pictures are made; the family first, which decides about the rest."""

READING: Final = (
    Field("preprocessor_resolution", "Preprocessor Resolution", Kind.SLIDER,
          limits=(*PREPROCESSOR_RESOLUTIONS, 1)),
    Field("model", "Pose model", Kind.MENU, "auto: dwpose-l-384, or lite while that is not here",
          choices=_same(MODELS)),
    Field("detector", "Person detector", Kind.MENU, "none: the picture is one person",
          choices=_same(DETECTORS)),
    Field("device", "Device", Kind.MENU, "For poses and pictures", choices=_same(DEVICES)),
    Field("backend", "Engine", Kind.MENU, "For poses",
          choices=_same(row.value for row in Backend)),
    Field("phantoms", "Phantoms", Kind.SWITCH, "Show hands and faces that hang on no body"),
    *(Field(f"threshold_{part}", f"Threshold: {part}", Kind.SLIDER, key=f"thresholds.{part}")
      for part in THRESHOLDS),
    Field("max_people", "Most people", Kind.SLIDER, "0: everybody", "people.max_people",
          (0, 100, 1), unset=0),
    Field("order", "Order of people", Kind.MENU, key="people.order",
          choices=_same(row.value for row in Order)),
    Field("min_size", "Smallest person", Kind.SLIDER, "Of the picture", "people.min_size"),
    Field("min_score", "Lowest score of a person", Kind.SLIDER, "0: the detector's",
          "people.min_score", unset=0),
)  # fmt: skip
"""How poses are read."""

DRAWING: Final = (
    Field("style", "Style", Kind.MENU, unset=BY_FAMILY,
          choices=(("the image model's", BY_FAMILY), *_same(row.value for row in Style))),
    Field("parts", "Parts", Kind.CHECKS, choices=_same(("body", "hands", "face", "feet"))),
)  # fmt: skip
"""How figures are drawn."""

FIELDS: Final = (*FIRST, *DRAWING, *MAKING, *READING)

_FOR_PICTURES: Final = {"prompt", "images", "seed", *(field.name for field in MAKING)}


def settings_of(said: Mapping[str, object]) -> DemoSettings:
    """Settings of what a browser said, by field names; fields that are missing have defaults.

    Raises:
        OptionError: If a value is of a wrong type, out of its limits, or none of the choices.
    """
    plain: dict[str, Any] = {}
    for field in FIELDS:
        if field.name not in said:
            continue
        group = plain
        for key in field.path[:-1]:
            group = group.setdefault(key, {})
        group[field.path[-1]] = field.to_plain(said[field.name])
    return DemoSettings.from_dict(plain)


def page_values(settings: DemoSettings) -> dict[str, Any]:
    """What the page shows for settings, by field names."""
    family, shown = family_named(settings.family), {}
    for field in FIELDS:
        value: Any = settings.to_dict()
        for key in field.path:
            value = value[key]
        shown[field.name] = field.to_page(value, family)
    return shown


def family_values(family: Family) -> dict[str, Any]:
    """What a family has where the user leaves it open."""
    return {
        "resolution": family.canvas.side,
        "steps": family.steps,
        "guidance": family.guidance,
        "strength": family.strength,
        "control_end": family.control_end,
    }


def limits_of(field: Field, family: Family) -> tuple[float, float, float]:
    """A slider's limits; those of resolutions lie round the family's own."""
    if field.name != "resolution":
        return field.limits
    side, step = family.canvas.side, family.canvas.step
    return side // 2 // step * step, side * 3 // 2 // step * step, step


def is_taken(field: Field, family: Family, scheduler: str = BY_FAMILY) -> bool:
    """Whether a family has any use for an input.

    Args:
        field: The input.
        family: Of image models.
        scheduler: What the page's menu of that name says.
    """
    needs = {
        "negative_prompt": NEGATIVE in family.takes,
        "guess_mode": GUESS in family.takes,
        "control_start": START in family.takes,
        "control_end": START in family.takes,
        "scheduler": family.has_schedulers,
        "eta": ETA in family.takes
        and (family.scheduler if scheduler == BY_FAMILY else scheduler) == "ddim",
    }
    return needs.get(field.name, True)


def is_shown(field: Field, family: Family, scheduler: str, *, makes: bool) -> bool:
    """Whether the page has any use for an input.

    Args:
        field: The input.
        family: Of image models.
        scheduler: What the page's menu of that name says.
        makes: Whether pictures can be made here.
    """
    return (makes or field.name not in _FOR_PICTURES) and is_taken(field, family, scheduler)
