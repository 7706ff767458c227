"""All that a user can tell the demo, as one value: what its page and a batch are told alike.

A settings file holds the same as JSON. It names models of the zoo and families, never files or
folders: it may come from a stranger by way of a browser. Files of one's own are for who starts the
demo to name, on the command line.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any, Final

from ..annotation import Look
from ..assembly import AUTO, NO_DETECTOR
from ..backends import Backend
from ..backends.ort_providers import PROVIDERS
from ..errors import OptionError, name_for_message
from ..files import write_atomically
from ..generation import Settings
from ..generation.families import DEFAULT_FAMILY, family_named
from ..people import EVERYBODY, PeopleChoice
from ..render import Parts, Style
from ..thresholds import Thresholds
from ..zoo.catalogue import ALL_CARDS
from .config_file import plain, read_values, record

MAX_TEXT: Final = 4000
"""Characters of a prompt; image models look at the first hundreds."""
PREPROCESSOR_RESOLUTIONS: Final = (128, 1024)
"""Least and most of ``DemoSettings.preprocessor_resolution``."""
DEVICES: Final = (AUTO, "cpu", "mps", *(row.word for row in PROVIDERS))
"""Kinds of devices; ``cuda:1`` is the second one of its kind."""
MODELS: Final = (AUTO, *(card.name for card in ALL_CARDS if card.kind == "model"))
"""Who may read poses."""
DETECTORS: Final = (
    AUTO, NO_DETECTOR, *(card.name for card in ALL_CARDS if card.kind == "detector"),
)  # fmt: skip
"""Who may find people."""

LITE: Final = "lite"
_MAKERS_DEVICE: Final = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


class Preprocessor(str, Enum):
    """What of the people is drawn."""

    FULL = "Openpose_Full"
    """All that ``parts`` says."""
    BODY = "Openpose"
    """The body alone."""
    NONE = "None"
    """Nothing: the picture is a canvas already."""


class Processor(str, Enum):
    """Who reads the poses."""

    DWPOSE = "DWpose"
    """The model that is chosen."""
    OPENPOSE = "Openpose"
    """One small network for each organ, as OpenPose has: the ``lite`` model, whatever is chosen.
    OpenPose's own weights are for research only."""


@dataclass(frozen=True)
class DemoSettings(Settings):
    """All that a user can tell the demo; the defaults are those of the DWPose repository's.

    Attributes of ``Settings`` say what pictures are made; ``style`` is that of the figure, too.

    Attributes:
        family: Of image models.
        preprocessor: What of the people is drawn.
        processor: Who reads the poses.
        model: A model of the zoo, or ``auto``.
        detector: Who finds the people: of the zoo, ``auto``, or ``none`` for the whole picture.
        backend: The engine that reads poses.
        device: Where poses are read and, if torch knows the name, pictures are made.
        preprocessor_resolution: Shorter side of the figure's canvas, in pixels; poses are read at
            the picture's own size, and the family is shown a canvas of a size that it knows.
        thresholds: Lowest scores of visible points.
        people: Who is wanted.
        phantoms: Show hands and faces that hang on no body.
    """

    prompt: str = ""
    family: str = DEFAULT_FAMILY
    preprocessor: Preprocessor | str = Preprocessor.FULL
    processor: Processor | str = Processor.DWPOSE
    model: str = AUTO
    detector: str = AUTO
    backend: str = AUTO
    device: str = AUTO
    preprocessor_resolution: int = 512
    thresholds: Thresholds = Thresholds()  # noqa: RUF009  a frozen value
    people: PeopleChoice = EVERYBODY
    phantoms: bool = False

    def __post_init__(self) -> None:
        """Refuse what is out of the choices.

        Raises:
            OptionError: If something is; the message begins with its name.
        """
        for row in fields(self):
            if isinstance(getattr(self, row.name), str):
                _check_text(getattr(self, row.name), row.name)
        super().__post_init__()
        for name, choices in (("preprocessor", Preprocessor), ("processor", Processor)):
            object.__setattr__(self, name, _one_of(choices, getattr(self, name), name))
        self._check_names()
        least, most = PREPROCESSOR_RESOLUTIONS
        if not least <= self.preprocessor_resolution <= most:
            raise OptionError(
                f"preprocessor_resolution must be a whole number from {least} to {most}, "
                f"got {self.preprocessor_resolution!r}"
            )

    def _check_names(self) -> None:
        """Refuse names that stand in no table: they could be those of files."""
        family_named(self.family)
        _one_of(Backend, self.backend, "backend")
        for name, choices in (("model", MODELS), ("detector", DETECTORS)):
            value = getattr(self, name)
            if value not in choices:
                raise OptionError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
        if re.sub(r":\d{1,3}$", "", self.device) not in DEVICES:
            raise OptionError(
                f"device must be one of {', '.join(DEVICES)}, or cuda:1 and the like; "
                f"got {self.device!r}"
            )

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> DemoSettings:
        """Read a settings file; what it does not name has its default.

        Raises:
            OptionError: If it can not be read, is no JSON, or says what can not be; the message
                names the file, and the key.
        """
        values = read_values(Path(path))
        try:
            return cls.from_dict(values)
        except OptionError as error:
            raise OptionError(f"{name_for_message(path)}: {error}") from error

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a settings file, whole or not at all.

        Raises:
            OutputError: If it can not be written.
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        write_atomically(path, f"{text}\n".encode())

    @classmethod
    def from_dict(cls, values: object) -> DemoSettings:
        """Make settings of plain values, as :meth:`to_dict` gives them; some may be missing.

        Raises:
            OptionError: If a key is none of ours, or its value is of a wrong type or out of its
                limits.
        """
        return record(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        values: dict[str, Any] = plain(self)
        return values

    @property
    def reader(self) -> str:
        """The model that reads the poses."""
        return LITE if self.processor is Processor.OPENPOSE else self.model

    @property
    def reads_poses(self) -> bool:
        """Whether there is anything to read; else the picture is a canvas already."""
        return self.preprocessor is not Preprocessor.NONE

    @property
    def drawn(self) -> Parts:
        """The parts that are drawn."""
        return self.parts & Parts.BODY if self.preprocessor is Preprocessor.BODY else self.parts

    @property
    def makers_device(self) -> str:
        """Where pictures are made; ``auto`` where torch does not know the name."""
        return self.device if _MAKERS_DEVICE.fullmatch(self.device) else AUTO

    def look(self) -> Look:
        """How the figure is drawn for people to see, and to be kept."""
        style = self.style or family_named(self.family).style
        return Look(self.preprocessor_resolution, style, self.drawn, self.thresholds, self.phantoms)

    def making(self) -> Settings:
        """What an :class:`ImageMaker` is told."""
        values = {row.name: getattr(self, row.name) for row in fields(Settings)}
        style = None if self.style is Style.OVERLAY else self.style  # that one is for people
        return Settings(**values | {"parts": self.drawn, "style": style})


def _one_of(choices: type[Enum], value: object, name: str) -> Enum:
    """A choice by its value."""
    try:
        return choices(value)
    except ValueError:
        words = ", ".join(str(choice.value) for choice in choices)
        raise OptionError(f"{name} must be one of {words}; got {value!r}") from None


def _check_text(text: str, name: str) -> None:
    """Refuse texts that are very long, or that no file can hold."""
    if len(text) > MAX_TEXT:
        raise OptionError(f"{name} must be of at most {MAX_TEXT} characters, got {len(text)}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise OptionError(f"{name} holds half a character ({error.reason}); type it anew") from None
