"""Whether an exported network says what it says in torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from ..backends import Session
from ..detector import PERSON
from ..errors import ModelError
from ..networks import Network, Yolox
from ..poses import BoolArray, FloatArray
from ..simcc import decode
from ..thresholds import DEFAULT_THRESHOLD
from .precision import Bound

_AT_ONCE: Final = 4  # pictures


@dataclass(frozen=True, eq=False)
class Agreement:
    """How near two networks are on the same pictures.

    Attributes:
        pictures: How many.
        same: Share of keypoints in the same bins; of cells with the same verdict.
        difference: Greatest of an output, of the greatest number in it.
        shifts: How far each visible keypoint moved, in pixels of the crop; a detector has none.
        height: Of the crop.
        what: The same.
    """

    pictures: int
    same: float
    difference: float
    shifts: FloatArray
    height: int
    what: str = "in the same bins"

    def __str__(self) -> str:
        """For people."""
        text = (
            f"{100 * self.same:.2f} % {self.what} on {self.pictures} pictures, outputs differ by "
            f"at most {self.difference:.1e} of the greatest"
        )
        if not self.shifts.any():
            return text
        far = np.quantile(self.shifts, 0.95)
        return (
            f"{text}; visible keypoints move by {self.shifts.mean():.2f} px, 95 in 100 by "
            f"{far:.1f} or less"
        )

    def reaches(self, bound: Bound) -> bool:
        """Whether this is good enough; NaN never is."""
        fits = self.same >= bound.same and self.difference <= bound.difference
        near = np.count_nonzero(self.shifts <= bound.reach * self.height)
        return bool(fits and near >= bound.near * max(1, len(self.shifts)))


def compare(network: Network, session: Session, batch: FloatArray) -> Agreement:
    """Show pictures to a network in torch and to its export.

    Args:
        network: In float32, on the CPU.
        session: The export.
        batch: ``(N, 3, H, W)``, as the network wants them.

    Raises:
        ModelError: If the export gives outputs of other shapes.
    """
    pieces = np.split(batch, range(_AT_ONCE, len(batch), _AT_ONCE))
    wanted = _joined(_look(network, piece) for piece in pieces)
    came = _joined(session.run(piece) for piece in pieces)
    if [one.shape for one in wanted] != [one.shape for one in came]:
        raise ModelError(
            f"{session.description}: expected outputs as torch's, {[o.shape for o in wanted]}, got "
            f"{[o.shape for o in came]}; please report it"
        )
    pairs = list(zip(wanted, came, strict=True))
    difference = np.max([np.abs(a - b).max() / (np.abs(a).max() or 1) for a, b in pairs])
    if isinstance(network, Yolox):
        what, shifts = "with the same verdict", np.zeros(0, np.float32)
        same = _is_sure(wanted[0]) == _is_sure(came[0])
    else:
        what = "in the same bins"
        same = np.all([a.argmax(-1) == b.argmax(-1) for a, b in pairs], axis=0)
        points, scores = decode(*wanted)
        moved = np.linalg.norm(decode(*came)[0] - points, axis=-1)
        shifts = moved[scores >= DEFAULT_THRESHOLD]
    height = network.input_size.height
    return Agreement(len(batch), float(same.mean()), float(difference), shifts, height, what)


def _look(network: Network, batch: FloatArray) -> tuple[FloatArray, ...]:
    with torch.inference_mode():
        return tuple(answer.numpy() for answer in network(torch.from_numpy(batch)))


def _joined(parts: Iterable[tuple[NDArray[Any], ...]]) -> list[NDArray[Any]]:
    """Outputs of pieces as those of the whole."""
    return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def _is_sure(rows: FloatArray) -> BoolArray:
    """The cells of a detector that see a person."""
    return np.asarray(rows[..., 4] * rows[..., 5 + PERSON] >= DEFAULT_THRESHOLD)
