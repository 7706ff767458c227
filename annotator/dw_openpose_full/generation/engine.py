"""A loaded family on its device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from diffusers import DiffusionPipeline

from ..poses import ImageSize, RgbImage
from .calls import arguments_for
from .devices import Memory, chance, device_named, dtype_on, is_out_of_memory, place_, release
from .failures import GenerationError, in_short
from .loading import Manner, load_pipeline, scheduler_of
from .settings import Settings
from .sources import Models

EachStep = Callable[[int, int], None]
"""Told after every step its number, from 1, and how many there are; may raise to end the work."""

# what a pipeline raises where its parts do not fit together, or memory is short
_FAILURES: Final = (RuntimeError, ValueError, MemoryError)


class Engine:
    """One pipeline of diffusers, ready to make pictures."""

    def __init__(self, models: Models, device: str, memory: str, *, offline: bool) -> None:
        """Load models and bring them to a device.

        Args:
            models: Which.
            device: A name of ``device_named``.
            memory: A value of ``Memory``.
            offline: Take from this machine and the hub's cache only.

        Raises:
            OptionError: If the device is not here.
            ModelError: If a model is missing, damaged, or of another kind.
            GenerationError: If memory is short.
        """
        self._models = models
        self._device = device_named(device)
        manner = Manner(dtype_on(self._device, models.family.dtype), offline=offline)
        with self._explained("to load it"):
            self._pipeline = load_pipeline(models, manner)
            self._own_scheduler = self._pipeline.scheduler
            self._pipeline.set_progress_bar_config(disable=True)
            self.memory = place_(self._pipeline, self._device, Memory(memory))

    def make(
        self, canvas: RgbImage, settings: Settings, seed: int, each_step: EachStep
    ) -> RgbImage:
        """Make one picture of the canvas's size.

        Raises:
            GenerationError: If memory is short, the parts do not fit together, or the picture
                came out as no numbers.
        """
        pipeline, family = self._pipeline, self._models.family
        name = family.scheduler if settings.scheduler is None else settings.scheduler
        pipeline.scheduler = self._own_scheduler
        if name:
            pipeline.scheduler = scheduler_of(pipeline, name)

        # an error that ends the work must not hold the networks: neither by what this function
        # closes over, nor by the snapshot of locals() that diffusers takes for tensor inputs
        def tell(running: DiffusionPipeline, step: int, *_: object) -> dict[str, object]:
            each_step(step + 1, len(running.scheduler.timesteps))
            return {}

        size = ImageSize.of(canvas)
        posed = self._models.follows_poses
        with (
            self._explained(f"for {size.width} x {size.height} pixels"),
            chance(seed, self._device) as generator,
        ):
            made = pipeline(
                **arguments_for(family, settings, canvas, follows_poses=posed),
                generator=generator,
                output_type="np",
                callback_on_step_end=tell,
                callback_on_step_end_tensor_inputs=[],
            ).images[0]
        if not np.isfinite(made).all():
            raise GenerationError(
                f"family {family.name} gave a picture that is no numbers; another base model, or "
                "device='cpu', may help"
            )
        return np.asarray(np.rint(made * 255), dtype=np.uint8)

    def close(self) -> None:
        """Give the memory back; the engine can not be used any more."""
        self._pipeline = self._own_scheduler = None
        release(self._device)

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Say in one sentence why a picture can not be made."""
        try:
            yield
        except _FAILURES as error:
            name = self._models.family.name
            if is_out_of_memory(error):
                raise GenerationError(
                    f"family {name}: not enough memory on {self._device} {what}; a smaller "
                    "resolution, memory='layers' or another family may fit"
                ) from error
            raise GenerationError(
                f"family {name} could not make the picture: {in_short(error)}; check that base "
                "and ControlNet belong together"
            ) from error
