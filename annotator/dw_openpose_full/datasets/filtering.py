"""Which annotated people a network can learn from, and their rows in a pack.

The rule is that of the published trainings: no crowd, some keypoint of the body, a box that is not
empty once it is cut at the picture's edges, and a keypoint that lies somewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..evaluation.annotations import BOX_SHARE
from ..evaluation.documents import (
    EntryError,
    Numbers,
    box,
    check_person,
    described,
    number,
    whole_body,
    whole_number,
)
from ..evaluation.parts import BODY_PART, FIELDS
from ..evaluation.ubody import every_tenth
from ..skeleton import WHOLE_BODY_COUNT
from .counting import Tally
from .json_stream import entries

Rows = NDArray[Any]
"""Rows of ``PERSON_ROW`` or ``picture_row``."""

PERSON_ROW: Final = np.dtype(
    [
        ("keypoints", "<f4", (WHOLE_BODY_COUNT, 3)),  # x, y in pixels; known where the third is > 0
        ("box", "<f4", (4,)),  # x1, y1, x2, y2, on the picture
        ("area", "<f4"),  # pixels; a share of the box where none is annotated, or none counts
        ("id", "<i8"),
        ("picture", "<i8"),  # a row of the pictures
    ]
)
LONGEST_NAME: Final = 1000  # bytes of a picture's file

# why somebody is left out: the first two by the rule, the others because something is wrong
CROWD: Final = "crowds"
NO_BODY: Final = "people without a keypoint of the body"
UNSEEN: Final = "people without any labelled keypoint"
OUTSIDE: Final = "people whose box is not on their picture"
LOST: Final = "people whose picture is not there"
WRONG: Final = "annotations that can not be read"
WRONG_PICTURE: Final = "entries of pictures that can not be read"

BY_RULE: Final = (CROWD, NO_BODY)
"""Reasons that are no faults: the published data sets have such people."""


class LeftOut(Exception):  # noqa: N818  a reason, no fault of the program
    """Why somebody can not be learnt from.

    Attributes:
        why: One of the reasons.
        detail: What this case is about; may be empty.
    """

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}")
        self.why, self.detail = why, detail


class NotAsked(Exception):  # noqa: N818  as above
    """Somebody on a picture that does not count."""


def picture_row(longest: int) -> np.dtype[Any]:
    """A picture's row; its file's name has at most so many bytes."""
    numbers = [("id", "<i8"), ("height", "<i4"), ("width", "<i4")]
    return np.dtype([*numbers, ("file", f"S{longest}")])


class Pictures:
    """The pictures of a file of annotations; those that somebody is on get a row.

    Attributes:
        sampled: Whether only every tenth of them counts, as of UBody.
    """

    def __init__(self, annotations: Path, folder: Path, tally: Tally, *, sampled: bool) -> None:
        """Read which there are.

        Args:
            annotations: The file.
            folder: Where the names of its pictures start from.
            tally: Told of entries that can not be read.
            sampled: Whether only every tenth picture counts, as of UBody.

        Raises:
            DataSetError: If it is no such file.
        """
        self.sampled = sampled
        self._folder = folder
        self._known: dict[int, tuple[int, int, str]] = {}
        self._row_of: dict[int, int] = {}
        self._is_there: dict[str, bool] = {}
        for place, entry in enumerate(entries(annotations, "images")):
            try:
                picture, height, width, file = _picture(entry)
            except EntryError as error:
                tally.add_(WRONG_PICTURE, f"image {place} ({error})")
                continue
            if self._counts(picture):
                self._known[picture] = height, width, file

    @property
    def lost(self) -> list[str]:
        """Files that somebody is on and that are not there."""
        return [file for file, is_there in self._is_there.items() if not is_there]

    def size_of(self, picture: int) -> tuple[int, int]:
        """Height and width.

        Raises:
            NotAsked: If the picture does not count.
            LeftOut: If it is none of the file's pictures.
        """
        if not self._counts(picture):
            raise NotAsked
        if picture not in self._known:
            raise LeftOut(LOST, f"image_id {picture} is none of the pictures")
        return self._known[picture][:2]

    def row_of(self, picture: int) -> int:
        """The row of a picture that somebody is on; a new one the first time.

        Raises:
            LeftOut: If its file is not there.
        """
        file = self._known[picture][2]
        if file not in self._is_there:
            self._is_there[file] = (self._folder / file).is_file()
        if not self._is_there[file]:
            raise LeftOut(LOST, file)
        return self._row_of.setdefault(picture, len(self._row_of))

    def rows(self) -> Rows:
        """All that somebody is on, at least one."""
        used = [(picture, *self._known[picture]) for picture in self._row_of]
        longest = max(len(file.encode()) for _, _, _, file in used)
        return np.array(
            [(*numbers, file.encode()) for *numbers, file in used], picture_row(longest)
        )

    def _counts(self, picture: int) -> bool:
        return not self.sampled or every_tenth(picture, "")


def person_row(entry: object, pictures: Pictures) -> Rows:
    """The row of a person, ``(1,)``.

    Raises:
        LeftOut: If nothing can be learnt from it.
        NotAsked: If it is on a picture that does not count.
    """
    row = np.zeros(1, PERSON_ROW)
    if not isinstance(entry, dict):
        raise LeftOut(WRONG, f"expected an object, got {described(entry)}")
    try:
        check_person(entry)
        picture = whole_number(entry, "image_id")
        height, width = pictures.size_of(picture)
        if entry.get("iscrowd"):
            raise LeftOut(CROWD)
        if entry.get("num_keypoints") == 0:
            raise LeftOut(NO_BODY)
        row["id"] = whole_number(entry, "id")
        row["keypoints"] = points = whole_body(_with_arrays(entry))
        row["box"] = _on_picture(box(entry), height, width)
        row["area"] = _area(entry, from_box=pictures.sampled)
    except EntryError as error:
        raise LeftOut(WRONG, str(error)) from error
    _check_labels(points, counted="num_keypoints" in entry)
    row["picture"] = pictures.row_of(picture)
    return row


def faults(tally: Tally) -> list[str]:
    """Lines about what is wrong, and not merely left out by the rule."""
    return Tally(_without(tally.counts, BY_RULE), tally.cases).lines()


def _without(counts: Mapping[str, int], reasons: Collection[str]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if reason not in reasons}


def _picture(entry: object) -> tuple[int, int, int, str]:
    """Id, height, width and file of a picture.

    Raises:
        EntryError: If they are not there, or the file is none below the pictures' folder.
    """
    if not isinstance(entry, dict):
        raise EntryError(f"expected an object, got {described(entry)}")
    file = entry.get("file_name")
    if not isinstance(file, str):
        raise EntryError(f"file_name: expected text, got {described(file)}")
    file = file.lstrip("/")  # some of UBody's begin so
    picture, height, width = (whole_number(entry, field) for field in ("id", "height", "width"))
    if not (0 < height < 2**31 and 0 < width < 2**31):
        raise EntryError(f"expected a height and a width, got {height} and {width}")
    length = len(file.encode(errors="replace"))
    if not 0 < length <= LONGEST_NAME or ".." in PurePosixPath(file).parts or not _is_name(file):
        raise EntryError(f"file_name: expected a file below its folder, got {described(file)}")
    return picture, height, width, file


def _is_name(file: str) -> bool:
    return file.isprintable() and not PurePosixPath(file).is_absolute()


def _with_arrays(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry, its lists of keypoints as arrays; what is no list of numbers stays as it is."""
    arrays = dict(entry)
    for field in FIELDS:
        if isinstance(entry.get(field), list):
            try:
                values = np.array(entry[field])
            except ValueError:
                continue
            if values.dtype.kind in "fi":
                arrays[field] = values.astype(np.float64)
    return arrays


def _area(entry: Mapping[str, Any], *, from_box: bool) -> float:
    """Pixels that somebody covers; UBody's own areas do not count."""
    if "area" in entry and not from_box:
        return number(entry, "area")
    return BOX_SHARE * float(box(entry)[2:].prod())


def _on_picture(sides: Numbers, height: int, width: int) -> Numbers:
    """Corners of a box ``x, y, width, height``, cut at the picture's edges.

    Raises:
        LeftOut: If nothing is left of it.
    """
    last = np.array([width - 1, height - 1] * 2)
    corners = np.concatenate([sides[:2], sides[:2] + sides[2:]]).clip(0, last)
    if not (corners[2:] > corners[:2]).all():
        raise LeftOut(OUTSIDE, f"x, y, width, height {sides.tolist()} on {width} x {height}")
    return corners


def _check_labels(points: Numbers, *, counted: bool) -> None:
    """Refuse somebody of whom nothing is known.

    Raises:
        LeftOut: If that is so.
    """
    labelled = points[:, 2] > 0
    if not counted and not labelled[BODY_PART.keypoints].any():
        raise LeftOut(NO_BODY)
    if not labelled.any() or not (points[labelled, :2] > 0).any():
        raise LeftOut(UNSEEN)
