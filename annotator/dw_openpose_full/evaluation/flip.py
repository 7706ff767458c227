"""The flip test: a SimCC network sees each crop and its mirror image, and the mean counts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from ..assembly import Engine
from ..backends import Session, Tensor, TensorSpec
from ..estimator import OUTPUTS
from ..skeleton import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, WHOLE_BODY_COUNT

_FACE_RUNS: Final = (
    (0, 16, 16),  # jaw
    (17, 26, 43),  # brows
    (31, 35, 66),  # nostrils; the bridge, 27 to 30, lies in the middle
    (36, 39, 81), (42, 45, 81), (40, 41, 87), (46, 47, 87),  # eyes
    (48, 54, 102), (55, 59, 114),  # mouth, outside
    (60, 64, 124), (65, 67, 132),  # mouth, inside
)  # fmt: skip
"""First and last point of a run that a mirror turns round, and what a pair adds up to."""


def _mirrored() -> tuple[int, ...]:
    """For each keypoint, the one that takes its place in a mirror."""
    others = list(range(WHOLE_BODY_COUNT))
    for left in range(1, BODY.stop, 2):
        others[left], others[left + 1] = left + 1, left
    left_foot, right_foot = others[17:20], others[20:23]
    others[FEET] = right_foot + left_foot
    for first, last, total in _FACE_RUNS:
        for point in range(first, last + 1):
            others[FACE.start + point] = FACE.start + total - point
    others[LEFT_HAND], others[RIGHT_HAND] = others[RIGHT_HAND], others[LEFT_HAND]
    return tuple(others)


MIRRORED: Final = _mirrored()
"""The table of the data set's flip pairs; left and right change places, the middle stays."""


class FlippedSession:
    """A SimCC network that is run twice on a batch, the second time on the mirror image."""

    def __init__(self, session: Session) -> None:
        """Take a loaded network; which outputs are rows of bins along x, its names tell."""
        self._session = session
        names = [output.name for output in session.outputs]
        self._along_x = names.index(OUTPUTS[0]) if OUTPUTS[0] in names else 0

    @property
    def description(self) -> str:
        """As the network's."""
        return self._session.description

    @property
    def input(self) -> TensorSpec:
        """As the network's."""
        return self._session.input

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """As the network's."""
        return self._session.outputs

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Bins of the crops, the mean of both looks."""
        plain = self._session.run(batch)
        mirror = self._session.run(np.ascontiguousarray(batch[..., ::-1]))
        return tuple(
            (seen + self._back(other, place)) / 2
            for place, (seen, other) in enumerate(zip(plain, mirror, strict=True))
        )

    def _back(self, bins: Tensor, place: int) -> Tensor:
        """Bins of the mirror image as the crop would have given them."""
        if bins.ndim != 3 or bins.shape[1] != WHOLE_BODY_COUNT:
            return bins  # none that the estimator takes; it says so
        bins = bins[:, MIRRORED]
        return bins[..., ::-1] if place == self._along_x else bins


class FlippingEngine(Engine):
    """Opens networks for the flip test."""

    def open(self, path: Path) -> Session:
        """A session of a network file that looks twice."""
        return FlippedSession(super().open(path))


assert all(MIRRORED[other] == keypoint for keypoint, other in enumerate(MIRRORED))
