"""People of a pack, as samples: read the picture, place the crop, cut it, vary it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..errors import DataSetError, PictureError, name_for_message
from ..geometry import LONGEST_SIDE, Crop
from ..pictures import read_picture
from ..pictures.reading import read_bytes
from ..poses import ImageSize, IntArray, RgbImage
from .augmentation import Views
from .crops import Person, Placement, sample_of
from .packing import Pack
from .pixels import read_reduced
from .samples import Sample, digest_of

REDUCTIONS: Final = (8, 4, 2)
"""How many times smaller a JPEG file can be decoded."""
STILL_SKIPPED: Final = 2.0
"""Pixels of the smaller picture for one of the crop, at least. Annotators cut crops out of whole
pictures, where as many and more are skipped; a crop that skipped none would look unlike theirs."""


@dataclass(frozen=True, eq=False)
class PackedPeople:
    """The people of a pack who count, as a ``SampleSource``.

    Attributes:
        pack: Their annotations.
        folder: Where the names of their pictures start from.
        rows: ``(N,)`` int64, which rows of the pack they are.
        views: How they are shown.
    """

    pack: Pack
    folder: Path
    rows: IntArray
    views: Views

    @property
    def digest(self) -> str:
        """What tells these people from others: their rows, and the pack's."""
        return digest_of(self.pack.digest, self.rows.tobytes())

    def __len__(self) -> int:
        return len(self.rows)

    def sample(self, index: int, epoch: int) -> Sample:
        """One of them, as an epoch shows it.

        Raises:
            DataSetError: If the picture can not be read, or is not the annotated one.
            IndexError: If there is nobody of that number.
        """
        person, variation = self.person(index), self.views.of(index, epoch)
        placement = Placement.chosen(person, variation)
        picture, reduction = self._picture(index, step_of(placement.crop))
        return sample_of(picture, person, placement, variation, reduction)

    def person(self, index: int) -> Person:
        """One of them, as annotated."""
        row = self.pack.people[self._row(index)]
        known = np.array(row["keypoints"])
        return Person(np.array(row["box"]), known[:, :2].copy(), known[:, 2] > 0)

    def path(self, index: int) -> Path:
        """The file of the picture that one of them is on."""
        return self.folder / self.pack.file_of(self.pack.people["picture"][self._row(index)])

    def annotation(self, index: int) -> int:
        """The id that one of them has in the data set."""
        return int(self.pack.people["id"][self._row(index)])

    def area(self, index: int) -> float:
        """How many pixels of the picture one of them covers."""
        return float(self.pack.people["area"][self._row(index)])

    def picture(self, index: int) -> RgbImage:
        """The picture that one of them is on.

        Raises:
            DataSetError: If it can not be read, or is not the annotated one.
        """
        return self._picture(index, 1.0)[0]

    def _picture(self, index: int, step: float) -> tuple[RgbImage, int]:
        """The picture, or a smaller one and how many times it is smaller.

        Args:
            index: Whose.
            step: Pixels of the picture for one of the crop.
        """
        path, reduction = self.path(index), _reduction(step)
        try:
            picture = read_reduced(read_bytes(path)[0], reduction) if reduction > 1 else None
            if picture is None:
                picture, reduction = read_picture(path), 1
        except PictureError as error:
            raise DataSetError(f"annotation {self.annotation(index)}: {error}") from error
        self._check_size(index, path, ImageSize.of(picture), reduction)
        return picture, reduction

    def _check_size(self, index: int, path: Path, got: ImageSize, reduction: int) -> None:
        """Refuse a picture that is not as large as annotated, or larger than can be cut from."""
        row = self.pack.pictures[self.pack.people["picture"][self._row(index)]]
        annotated = ImageSize(int(row["height"]), int(row["width"]))
        expected = ImageSize(*(-(-side // reduction) for side in annotated))
        if got != expected:
            raise DataSetError(
                f"{name_for_message(path)}: expected the annotated picture, "
                f"{annotated.width} x {annotated.height} pixels, got {got.width * reduction} x "
                f"{got.height * reduction}; fetch it again"
            )
        if max(got) > LONGEST_SIDE:
            raise DataSetError(
                f"{name_for_message(path)}: expected sides up to {LONGEST_SIDE} pixels, got "
                f"{got.width} x {got.height}; leave it out"
            )

    def _row(self, index: int) -> int:
        if not 0 <= index < len(self.rows):
            raise IndexError(f"there are {len(self.rows)} people, none has the number {index}")
        return int(self.rows[index])


def step_of(crop: Crop) -> float:
    """How many pixels of the picture one of the crop stands for, along an axis."""
    return float(np.hypot(*crop.to_image[:, 0]))


def _reduction(step: float) -> int:
    """How many times smaller the picture may be read; the crop would skip those pixels anyway."""
    return next((times for times in REDUCTIONS if step / times >= STILL_SKIPPED), 1)
