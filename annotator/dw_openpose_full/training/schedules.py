"""What changes while a network learns: rate, the teacher's say, the average's share; no torch."""

from __future__ import annotations

import math

from .preset import Preset


def learning_rate(preset: Preset, step: int, steps_per_epoch: int) -> float:
    """The rate of one step: a line up, a plain, and half a cosine down.

    Args:
        preset: Whose ``rate``, ``warm_up``, ``warm_up_from``, ``cosine_from`` and ``lowest`` count.
        step: Counted from 0.
        steps_per_epoch: Turns shares of the epochs into steps.
    """
    total = preset.epochs * steps_per_epoch
    falling = preset.cosine_from * total
    factor = 1.0
    if step < preset.warm_up - 1:
        factor = preset.warm_up_from + (1 - preset.warm_up_from) * step / (preset.warm_up - 1)
    elif step > falling:
        way = (step - falling) / (total - falling)
        factor = preset.lowest + (1 - preset.lowest) * (1 + math.cos(math.pi * way)) / 2
    return preset.rate * factor


def fade(epoch: int, epochs: int) -> float:
    """How much the teacher still has to say in an epoch, counted from 0: from 1 towards 0."""
    return 1 - epoch / epochs


def average_share(preset: Preset, update: int) -> float:
    """Share of the newest weights in the average at one update, counted from 0."""
    least = preset.average_momentum
    return (1 - least) * math.exp(-(1 + update) / preset.average_warm_up) + least
