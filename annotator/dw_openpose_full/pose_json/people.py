"""People of a document, each part checked and put in its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .. import skeleton
from ..poses import BoolArray
from . import layout
from .layout import Part
from .spot import Spot, check_number, described, flat_numbers, to_float32, whole_number

MAX_PEOPLE: Final = 4096  # in one frame; a few kilobytes of "{},{}," must not become gigabytes

Rows = NDArray[np.float64]
"""``(K, 4)``: x, y, confidence, score."""

_IDS: Final = np.iinfo(np.int64)


@dataclass(frozen=True, eq=False)
class Person:
    """What a document says of one person, in the document's coordinates.

    Attributes:
        rows: ``(136, 4)`` float64, x, y, confidence and score; 0 where nothing was said.
        box: ``(5,)`` float64, x1, y1, x2, y2, score; ``None`` where there is none.
        name: Its id, ``None`` where there is none.
    """

    rows: Rows
    box: NDArray[np.float64] | None
    name: int | None


def read_people(frame: Mapping[str, Any], spot: Spot) -> list[Person]:
    """Read the people of a frame: a list of them, or one alone; ``null`` is nobody.

    Raises:
        PoseJsonError: If there is no such key, or a value in it has another type or length.
    """
    if layout.PEOPLE not in frame:
        holds = " (it holds animals, which are not read)" if "animals" in frame else ""
        raise spot.error(f"expected an object with the key 'people'{holds}; pass OpenPose JSON")
    people, spot = frame[layout.PEOPLE], spot.key(layout.PEOPLE)
    if people is None:
        return []
    if isinstance(people, Mapping):
        return [_read_person(people, spot)]
    if not isinstance(people, (list, tuple)):
        raise spot.error(f"expected a list of people, got {described(people)}; correct it")
    if len(people) > MAX_PEOPLE:
        raise spot.error(f"expected at most {MAX_PEOPLE} people, got {len(people)}; take some out")
    return [_read_person(person, spot.item(index)) for index, person in enumerate(people)]


def _read_person(person: object, spot: Spot) -> Person:
    """Read one person."""
    if not isinstance(person, Mapping):
        raise spot.error(f"expected a person as an object, got {described(person)}; take it out")
    rows = np.zeros((skeleton.FIGURE_COUNT, 4))
    for part in layout.PARTS:
        _place_part_(rows, _read_part(person, part, spot), part)
    return Person(rows, _read_box(person, spot), _read_name(person, spot))


def _place_part_(rows: Rows, part_rows: Rows, part: Part) -> None:
    """Write a part's points into a person's rows."""
    if part is layout.BODY and len(part_rows) == layout.BODY_25_COUNT:
        rows[layout.FEET.rows] = part_rows[layout.BODY_25_FEET]  # the feet's own key comes later
        part_rows = part_rows[list(layout.BODY_25_JOINTS)]
    rows[part.rows][: len(part_rows)] = part_rows
    without_pupils = part is layout.FACE and len(part_rows) == layout.FACE_WITHOUT_PUPILS
    if without_pupils and seen(part_rows).any():  # else two pupils would float without a face
        rows[layout.PUPILS] = rows[layout.EYES]


def _read_part(person: Mapping[str, Any], part: Part, spot: Spot) -> Rows:
    """Read a part's points ``(K, 4)``; absent, ``null`` and empty give none, short gives fewer."""
    here = spot.key(part.key)
    numbers = flat_numbers(person.get(part.key), here)
    if len(numbers) % 3:
        raise here.error(
            f"expected a multiple of 3 numbers (x, y, confidence of each point), got "
            f"{len(numbers)}; complete the part or leave it out"
        )
    triplets = numbers.reshape(-1, 3)
    _check_count(len(triplets), part, here)
    scores = np.where(seen(triplets), triplets[:, 2], 0)
    there = spot.key(part.scores_key)
    true_scores = flat_numbers(person.get(part.scores_key), there)
    if len(true_scores) == 0:
        return np.column_stack([triplets, scores])
    if len(true_scores) != len(triplets):
        raise there.error(
            f"expected {len(triplets)} numbers, one for each point of {part.key}, got "
            f"{len(true_scores)}; complete the list or leave it out"
        )
    return np.column_stack([triplets, true_scores])


def _check_count(count: int, part: Part, spot: Spot) -> None:
    """Refuse a part that is longer than its skeleton, or of another one."""
    if part is layout.BODY:
        known = count <= part.count or count == layout.BODY_25_COUNT
        if not known or count == layout.COCO_BODY_COUNT:
            raise spot.error(
                f"expected 18 points (COCO with neck) or 25 (BODY_25), got {count}; "
                "write the body in one of these two orders"
            )
    elif count > part.count:
        raise spot.error(
            f"expected at most {part.count} points, got {count}; write the part in OpenPose's order"
        )


def seen(rows: NDArray[np.float64]) -> BoolArray:
    """Which of ``(..., 3 or more)`` values, x, y, confidence, are points that were seen.

    NaN, infinity and what is beyond float32 is no position; any confidence above 0 is enough.
    """
    finite = np.isfinite(to_float32(rows[..., :3])).all(axis=-1)
    found: BoolArray = finite & (rows[..., 2] > 0)
    return found


def _read_box(person: Mapping[str, Any], spot: Spot) -> NDArray[np.float64] | None:
    """Read a person's box ``(5,)``; the score, if not said, is 1."""
    here = spot.key(layout.BOX)
    numbers = flat_numbers(person.get(layout.BOX), here)
    if len(numbers) == 0:
        return None
    if len(numbers) not in {4, 5}:
        raise here.error(
            f"expected 4 numbers (x1, y1, x2, y2), got {len(numbers)}; correct it or leave it out"
        )
    score = person.get(layout.BOX_SCORE)
    if score is not None:
        check_number(score, spot.key(layout.BOX_SCORE))
        numbers = np.append(numbers[:4], flat_numbers([score], spot))
    return numbers if len(numbers) == 5 else np.append(numbers, 1.0)


def _read_name(person: Mapping[str, Any], spot: Spot) -> int | None:
    """Read a person's id: ours, or OpenPose's list of one, in which a negative one is unknown."""
    name, here = person.get(layout.ID), spot.key(layout.ID)
    if name is not None:
        number = whole_number(name, here)
        if not _IDS.min <= number <= _IDS.max:
            raise here.error("expected a whole number of 64 bits, got a larger one; correct it")
        return number
    said = person.get(layout.PERSON_ID)
    listed = flat_numbers([said] if isinstance(said, int) else said, spot.key(layout.PERSON_ID))
    if len(listed) == 1 and 0 <= listed[0] <= 2**53 and float(listed[0]).is_integer():
        return int(listed[0])
    return None
