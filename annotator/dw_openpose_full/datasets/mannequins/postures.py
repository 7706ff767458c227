"""Chance: who stands how, drawn from a random generator."""

from __future__ import annotations

from typing import Final

import numpy as np

from .anatomy import Arm, Build, Leg, Posture
from .faces import Expression

SEATED: Final = 0.08
"""Of all people, those who sit."""


def random_build(rng: np.random.Generator) -> Build:
    """Somebody tall or short, slim or stout."""
    plain = Build()
    limbs = 1 + 0.07 * _bell(rng)
    return Build(
        shoulders=plain.shoulders * (1 + 0.08 * _bell(rng)),
        hips=plain.hips * (1 + 0.1 * _bell(rng)),
        trunk=plain.trunk * (1 + 0.05 * _bell(rng)),
        neck=plain.neck * (1 + 0.2 * _bell(rng)),
        head=plain.head * (1 + 0.1 * _bell(rng)),
        upper_arm=plain.upper_arm * limbs,
        forearm=plain.forearm * limbs,
        hand=plain.hand * (1 + 0.1 * _bell(rng)),
        thigh=plain.thigh * limbs,
        shin=plain.shin * limbs,
        girth=rng.uniform(0.85, 1.3),
    )


def random_posture(rng: np.random.Generator) -> Posture:
    """Somebody who stands, strides, sits, waves, points or lets their arms hang."""
    seated = rng.random() < SEATED
    return Posture(
        trunk=(0.3 * _bell(rng), 0.1 * _bell(rng), 0.11 * _bell(rng)),
        head=(0.25 * _bell(rng), 0.12 * _bell(rng), 0.12 * _bell(rng)),
        arms=(_random_arm(rng), _random_arm(rng)),
        legs=(_random_leg(rng, seated=seated), _random_leg(rng, seated=seated)),
        expression=Expression(rng.uniform(0.5, 2.2), rng.uniform(0.3, 1.4), rng.uniform(-0.5, 1)),
        look_down=rng.uniform(0.05, 0.3),
    )


def _random_arm(rng: np.random.Generator) -> Arm:
    return Arm(
        lift=rng.uniform(0.15, 1.7),
        swing=0.2 * _bell(rng),
        bend=rng.uniform(0, 1.2),
        twist=rng.uniform(0.5, 1.7) if rng.random() < 0.8 else rng.uniform(-1.2, 0),
        wrist=0.25 * _bell(rng),
        roll=0.5 * _bell(rng),
        curl=rng.uniform(0, 0.7),
        spread=rng.uniform(0, 0.5),
    )


def _random_leg(rng: np.random.Generator, *, seated: bool) -> Leg:
    if seated:
        return Leg(
            lift=rng.uniform(0.1, 0.4),
            swing=rng.uniform(1.0, 1.35),
            bend=rng.uniform(1.0, 1.5),
            toes=rng.uniform(0, 0.6),
        )
    return Leg(
        lift=rng.uniform(-0.03, 0.35),
        swing=0.25 * _bell(rng) + 0.1,
        bend=rng.uniform(0, 0.8),
        toes=rng.uniform(0, 0.9),
    )


def _bell(rng: np.random.Generator) -> float:
    """A standard normal number, none farther out than 2."""
    return float(np.clip(rng.standard_normal(), -2, 2))
