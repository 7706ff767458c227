"""The flip test: a SimCC network sees each crop and its mirror image, and the mean counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..assembly import Engine
from ..backends import Session, Tensor, TensorSpec
from ..estimator import OUTPUTS
from ..skeleton import MIRRORED, WHOLE_BODY_COUNT


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
