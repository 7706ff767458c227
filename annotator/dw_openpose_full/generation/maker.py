"""Pictures that follow a pose: models are loaded when first needed, one family at a time."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import OptionError
from ..poses import RgbImage
from .canvases import Pose, canvas_for
from .failures import StoppedError, refuse_without
from .settings import Settings
from .sources import Models

if TYPE_CHECKING:
    from .engine import Engine

MEMORY_CHOICES: Final = ("auto", "whole", "parts", "layers")


class Step(NamedTuple):
    """How far the work is; all counts from 1."""

    picture: int
    pictures: int
    step: int
    steps: int


def tell_nobody(_step: Step) -> None:
    """Progress that nobody watches."""


def never() -> bool:
    """Nobody stops the work."""
    return False


@dataclass(frozen=True)
class Watch:
    """Who looks on.

    Attributes:
        progress: Called after every step.
        stop: Asked at the start and after every step whether to end it all; for one,
            ``is_set`` of a ``threading.Event``.
    """

    progress: Callable[[Step], None] = tell_nobody
    stop: Callable[[], bool] = never

    def check(self) -> None:
        """Leave if asked to.

        Raises:
            StoppedError: If so.
        """
        if self.stop():
            raise StoppedError("stopped, as asked; the device's memory is free again")

    def tell(self, picture: int, pictures: int, step: int, steps: int) -> None:
        """Pass on how far the work is, and leave if asked to.

        Raises:
            StoppedError: If so.
        """
        self.progress(Step(picture, pictures, step, steps))
        self.check()


NOBODY = Watch()


@dataclass(frozen=True, eq=False)
class Generated:
    """What came out.

    Attributes:
        canvas: What the family was shown, ``(H, W, 3)`` uint8 RGB.
        pictures: Of the canvas's size, uint8 RGB.
        seeds: Of each picture; ``Settings`` with one of them makes it again, alone.
    """

    canvas: RgbImage
    pictures: tuple[RgbImage, ...]
    seeds: tuple[int, ...]


class ImageMaker:
    """Makes pictures on one device; callable from any thread, one call at a time works.

    A family stays loaded for the next call with the same models. Other models take its place;
    ``unload``, an error and a stop free the memory.
    """

    def __init__(
        self, device: str = "auto", *, memory: str = "auto", offline: bool = False
    ) -> None:
        """Choose a place; nothing is loaded yet.

        Args:
            device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
            memory: How much is on a GPU at a time: ``whole``, ``parts`` (one network), ``layers``
                (one layer, which is slow), or ``auto`` for as much as fits.
            offline: Take models from this machine and the hub's cache only.

        Raises:
            OptionError: If ``memory`` is none of the choices.
        """
        if memory not in MEMORY_CHOICES:
            raise OptionError(f"memory must be one of {', '.join(MEMORY_CHOICES)}; got {memory!r}")
        self._device, self._memory, self._offline = device, memory, offline
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._loaded: Models | None = None

    @property
    def loaded(self) -> Models | None:
        """What is in memory now."""
        return self._loaded

    def generate(
        self, models: Models, pose: Pose, settings: Settings, *, watch: Watch = NOBODY
    ) -> Generated:
        """Make pictures.

        Args:
            models: Of which family; loaded if they are not.
            pose: Figures, or a canvas that is drawn already; where no ControlNet looks at it, it
                gives the size.
            settings: What to make.
            watch: Who looks on.

        Raises:
            OptionError: If the family can not do what is asked, or the device is not here.
            DependencyError: If diffusers is missing or too old.
            ModelError: If a model is missing, damaged, or of another kind.
            StoppedError: If the watch says so.
            GenerationError: If memory is short, or a picture came out as no numbers.
        """
        settings.check_for(models.family)
        canvas, seeds = canvas_for(pose, models.family, settings), settings.seeds()
        with self._lock:
            try:
                watch.check()
                pictures = self._make(models, canvas, settings, seeds, watch)
            except BaseException as error:
                _forget_locals(error)
                self._drop()
                raise
        return Generated(canvas, pictures, seeds)

    def unload(self) -> None:
        """Free the memory; the next call loads again."""
        with self._lock:
            self._drop()

    def _make(
        self,
        models: Models,
        canvas: RgbImage,
        settings: Settings,
        seeds: tuple[int, ...],
        watch: Watch,
    ) -> tuple[RgbImage, ...]:
        """A picture for each seed."""
        engine = self._ready(models)
        return tuple(
            engine.make(canvas, settings, seed, partial(watch.tell, number, len(seeds)))
            for number, seed in enumerate(seeds, start=1)
        )

    def _ready(self, models: Models) -> Engine:
        """The engine of these models; another one is dropped before they are loaded."""
        if self._engine is not None and self._loaded == models:
            return self._engine
        self._drop()
        try:
            from .engine import Engine  # loads torch and diffusers
        except ImportError as error:
            refuse_without(error)
        self._engine = Engine(models, self._device, self._memory, offline=self._offline)
        self._loaded = models
        return self._engine

    def _drop(self) -> None:
        """Free the memory."""
        engine, self._engine, self._loaded = self._engine, None, None
        if engine is not None:
            engine.close()


def _forget_locals(error: BaseException) -> None:
    """Let go of what the frames of an error's traceback hold: whole networks, on the device."""
    link: BaseException | None = error
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__
