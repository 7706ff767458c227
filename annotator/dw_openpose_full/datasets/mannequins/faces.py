"""A face of 68 points that turns, opens its mouth and closes its eyes.

Coordinates of a face: ``x`` to the person's left, ``y`` down, ``z`` into the head, ``(0, 0, 0)`` in
the middle of the head; 1 is half the width of the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

CHIN: Final = 1.22
"""From the middle of the head down to the chin; the crown is as far above it."""

_MOUTH: Final = 0.72
_EYES: Final = -0.12
_TALL: Final = 1.3  # half the height of the ellipsoid that the face lies on
_NOSE_AHEAD: Final = (0.05, 0.12, 0.2, 0.28)  # of the bridge, from its root to its tip


@dataclass(frozen=True)
class Expression:
    """What a face does.

    Attributes:
        mouth: How far it is open; 1 is relaxed.
        eyes: How far they are open; 1 is relaxed.
        brows: How far they are lifted; 0 is relaxed.
    """

    mouth: float = 1.0
    eyes: float = 1.0
    brows: float = 0.0


def face_points(expression: Expression) -> Points:
    """The 68 points, ``(68, 3)``, in the order of the data set."""
    flat = np.concatenate(
        [
            _jaw(),
            _brows(expression.brows),
            _nose(),
            _eyes(expression.eyes),
            _mouth(expression.mouth),
        ]
    )
    return np.column_stack([flat, _depth(flat)])


def _jaw() -> Points:
    """17 points from the right ear over the chin to the left ear."""
    turn = np.linspace(np.pi, 0, 17)
    return np.column_stack([0.98 * np.cos(turn), 0.05 + (CHIN - 0.05) * np.sin(turn) ** 1.2])


def _brows(lift: float) -> Points:
    """5 points for each, from the right temple to the left."""
    along = np.linspace(-0.78, -0.2, 5)
    arch = _EYES - 0.26 - 0.1 * np.sin(np.linspace(0.3, 2.9, 5)) - 0.1 * lift
    right = np.column_stack([along, arch])
    return np.concatenate([right, _mirror(right)[::-1]])


def _nose() -> Points:
    """4 points down the bridge, 5 round the nostrils."""
    bridge = np.column_stack([np.zeros(4), np.linspace(_EYES, 0.3, 4)])
    below = np.column_stack([np.linspace(-0.2, 0.2, 5), [0.38, 0.42, 0.44, 0.42, 0.38]])
    return np.concatenate([bridge, below])


def _eyes(opening: float) -> Points:
    """6 points for each eye; the right from its outer corner, the left from its inner one."""
    turn = np.pi + np.array([0, 1, 2, 3, 4, 5]) * np.pi / 3
    right = np.column_stack([-0.44 + 0.19 * np.cos(turn), _EYES + 0.1 * opening * np.sin(turn)])
    return np.concatenate([right, _mirror(right)[[3, 2, 1, 0, 5, 4]]])


def _mouth(opening: float) -> Points:
    """12 points round the lips, 8 round the opening, each from the right corner over the top."""
    outer, inner = (np.pi + np.arange(count) * 2 * np.pi / count for count in (12, 8))
    lips = np.column_stack([0.4 * np.cos(outer), (0.1 + 0.06 * opening) * np.sin(outer)])
    gap = np.column_stack([0.3 * np.cos(inner), 0.07 * opening * np.sin(inner)])
    points: Points = np.concatenate([lips, gap]) + [0, _MOUTH]  # noqa: RUF005  a sum
    return points


def _mirror(points: Points) -> Points:
    return points * [-1, 1]


def _depth(flat: Points) -> Points:
    """Puts the points on the front of an ellipsoid, the nose ahead of it."""
    inside = 1 - flat[:, 0] ** 2 - (flat[:, 1] / _TALL) ** 2
    depth = -np.sqrt(np.clip(inside, 0, None))
    depth[27:31] -= _NOSE_AHEAD
    depth[31:36] -= 0.12
    return depth
