"""What a network learns from, and where it comes from."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from ..errors import DataSetError
from ..poses import BoolArray, FloatArray, RgbImage
from ..skeleton import WHOLE_BODY_COUNT


@dataclass(frozen=True, eq=False)
class Sample:
    """One person's crop and where its keypoints are.

    Attributes:
        crop: ``(H, W, 3)`` uint8.
        keypoints: ``(133, 2)`` float32, ``(x, y)`` in pixels of the crop; finite; may lie outside.
        labelled: ``(133,)``, which of them are known; the others' positions mean nothing.
    """

    crop: RgbImage
    keypoints: FloatArray
    labelled: BoolArray

    def __post_init__(self) -> None:
        if (
            self.crop.ndim != 3
            or self.crop.shape[2] != 3
            or self.keypoints.shape != (WHOLE_BODY_COUNT, 2)
            or self.labelled.shape != (WHOLE_BODY_COUNT,)
        ):
            raise DataSetError(
                f"a sample is a crop (H, W, 3) with {WHOLE_BODY_COUNT} keypoints, got "
                f"{self.crop.shape}, {self.keypoints.shape} and {self.labelled.shape}"
            )


class SampleSource(Protocol):
    """People to learn from, any of them at any time.

    The same index and epoch are the same sample, in whatever process or order they are asked for.
    """

    @property
    def digest(self) -> str:
        """What tells these people from others; does not depend on where they lie."""
        ...

    def __len__(self) -> int: ...

    def sample(self, index: int, epoch: int) -> Sample:
        """The person of a number below the length, as the epoch shows it.

        Raises:
            DataSetError: If the picture can not be had; the message names it.
        """
        ...


class Together:
    """Several sources, one after the other, as one."""

    def __init__(self, sources: Sequence[SampleSource]) -> None:
        self._sources = tuple(sources)
        self._ends = list(accumulate(len(source) for source in sources))

    @property
    def digest(self) -> str:
        """What tells these people, in this order, from others."""
        return digest_of(*(source.digest for source in self._sources))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def sample(self, index: int, epoch: int) -> Sample:
        """The person of a number below the length, as the epoch shows it.

        Raises:
            DataSetError: If the picture can not be had; the message names it.
            IndexError: If there is nobody of that number.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} people, none has the number {index}")
        place = bisect_right(self._ends, index)
        before = self._ends[place - 1] if place else 0
        return self._sources[place].sample(index - before, epoch)


def digest_of(*parts: str | bytes) -> str:
    """Sixteen hexadecimal digits of what is short, or has a digest of its own."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()[:16]
