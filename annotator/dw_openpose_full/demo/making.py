"""The demo's maker of pictures: loaded when first needed, one family and one device at a time."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import Final

from ..errors import DependencyError, OptionError
from ..generation import FAMILIES, Family, Generated, ImageMaker, Models, Pose
from ..generation.failures import EXTRA
from .config import DemoSettings
from .onlooker import Onlooker

LIBRARIES: Final = ("torch", "diffusers", "transformers", "accelerate", "safetensors")
"""What making pictures needs."""


def missing_libraries() -> tuple[str, ...]:
    """Which of ``LIBRARIES`` are not installed; looked for, not loaded."""
    return tuple(name for name in LIBRARIES if find_spec(name) is None)


class Studio:
    """Makes pictures for any number of users; they wait for one another."""

    def __init__(self, models: Models | None = None, *, offline: bool = False) -> None:
        """Nothing is loaded yet.

        Args:
            models: The only ones to be used; by default any family with its own.
            offline: Fetch no models.
        """
        self._models, self._offline = models, offline
        self._lock = threading.Lock()
        self._maker: ImageMaker | None = None
        self._device = ""
        self.missing = missing_libraries()

    @property
    def families(self) -> dict[str, Family]:
        """Which families may be asked for, by name."""
        if self._models is None:
            return dict(FAMILIES)
        return {self._models.family.name: self._models.family}

    @property
    def loaded(self) -> Models | None:
        """What is in memory now."""
        return self._maker.loaded if self._maker is not None else None

    def make(self, pose: Pose, settings: DemoSettings, onlooker: Onlooker) -> Generated:
        """Make pictures.

        Args:
            pose: Figures, or a canvas that is drawn already.
            settings: What to make, and where.
            onlooker: Who waits.

        Raises:
            DependencyError: If libraries are missing.
            OptionError: If the family may not be asked for, or can not do what is asked.
            ModelError: If a model is missing, damaged, or of another kind.
            StoppedError: If the onlooker has asked to stop.
            GenerationError: If memory is short, or a picture came out as no numbers.
        """
        if self.missing:
            raise DependencyError(without_pictures(self.missing))
        models = self._models_for(settings)
        with self._lock:
            onlooker.hear(0.0, f"loading {models.family.title}" if not self.loaded else "starting")
            maker = self._maker_on(settings.makers_device)
            return maker.generate(models, pose, settings.making(), watch=onlooker.watch())

    def _models_for(self, settings: DemoSettings) -> Models:
        """The models of the family, or those that were given."""
        if settings.family not in self.families:
            raise OptionError(
                f"family must be {' or '.join(self.families)} here, got {settings.family!r}"
            )
        return self._models or Models.of(settings.family)

    def _maker_on(self, device: str) -> ImageMaker:
        """The maker on a device; what is loaded on another one is freed first."""
        if self._maker is None or self._device != device:
            if self._maker is not None:
                self._maker.unload()
            self._maker, self._device = ImageMaker(device, offline=self._offline), device
        return self._maker


def without_pictures(missing: tuple[str, ...]) -> str:
    """Why there are poses but no pictures, and the cure."""
    are = "is" if len(missing) == 1 else "are"
    return f"poses only: {', '.join(missing)} {are} not installed, so no pictures are made; {EXTRA}"
