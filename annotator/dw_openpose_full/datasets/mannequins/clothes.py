"""Clothes: a colour for each part of a person.

Sides can be told by colour: left and right sleeves and trouser legs differ, each with its own hue
that varies a little from person to person. A small network learns left from right in minutes so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...skeleton import Rgb

VARIATION: Final = 25
"""By how much each channel of a part's hue may vary."""

_SHIRT: Final = (80, 195, 80)
_SLEEVES: Final = ((230, 65, 60), (65, 105, 230))
_LEGS: Final = ((205, 65, 215), (60, 200, 210))
_SKINS: Final = ((255, 225, 110), (245, 210, 95), (235, 195, 80), (210, 170, 65), (185, 145, 55))
_HAIRS: Final = ((35, 28, 25), (80, 50, 30), (150, 105, 55), (215, 185, 110), (165, 165, 165))


@dataclass(frozen=True)
class Outfit:
    """Colours of a person; those of two are left, right.

    Attributes:
        long_hair: Whether it falls on the shoulders.
    """

    skin: Rgb
    hair: Rgb
    shirt: Rgb
    belt: Rgb
    sleeves: tuple[Rgb, Rgb]
    legs: tuple[Rgb, Rgb]
    shoes: tuple[Rgb, Rgb]
    gloves: tuple[Rgb, Rgb]
    long_hair: bool

    @property
    def lines(self) -> Rgb:
        """Brows, eyes and mouth."""
        return dimmed(self.skin, 0.4)


def random_outfit(rng: np.random.Generator) -> Outfit:
    """What somebody wears."""
    skin = _varied(rng, _SKINS[rng.integers(len(_SKINS))], 12)
    sleeves = _varied(rng, _SLEEVES[0]), _varied(rng, _SLEEVES[1])
    legs = _varied(rng, _LEGS[0]), _varied(rng, _LEGS[1])
    return Outfit(
        skin=skin,
        hair=_varied(rng, _HAIRS[rng.integers(len(_HAIRS))], 12),
        shirt=_varied(rng, _SHIRT),
        belt=_varied(rng, (60, 50, 45), 20),
        sleeves=sleeves,
        legs=legs,
        shoes=(dimmed(legs[0], 0.55), dimmed(legs[1], 0.55)),
        gloves=(dimmed(sleeves[0], 0.7), dimmed(sleeves[1], 0.7)),
        long_hair=bool(rng.random() < 0.4),
    )


def dimmed(colour: Rgb, share: float) -> Rgb:
    """A colour at a share of its brightness."""
    red, green, blue = (round(channel * share) for channel in colour)
    return red, green, blue


def _varied(rng: np.random.Generator, colour: Rgb, by: int = VARIATION) -> Rgb:
    """A colour near another."""
    red, green, blue = np.clip(colour + rng.integers(-by, by + 1, 3), 0, 255).tolist()
    return red, green, blue
