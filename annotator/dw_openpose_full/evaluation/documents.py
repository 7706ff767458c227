"""Large JSON files of entries: read compactly, with one error that counts what is wrong.

The data set's validation results hold forty million numbers; as Python objects they would fill
gigabytes. So each list of keypoints becomes an array as soon as it is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import DataSetError, name_for_message, printable
from ..skeleton import WHOLE_BODY_COUNT
from .parts import FIELDS

Numbers = NDArray[np.float64]
Entry = Mapping[str, Any]
"""An annotation or a result, its lists of keypoints as arrays."""
Value = TypeVar("Value")

PERSON: Final = 1
"""COCO's category of persons, the only one that has keypoints."""


class EntryError(ValueError):
    """What is wrong with one entry; :func:`gather` says of which file, and how often."""


def file_error(path: Path, text: str) -> DataSetError:
    """An error about a file."""
    return DataSetError(f"{name_for_message(path)}: {text}")


def read_text(path: Path) -> str:
    """Text of a file.

    Raises:
        DataSetError: If it can not be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise file_error(path, f"can not be read: {reason}") from error
    except ValueError as error:
        raise file_error(path, f"expected JSON text in UTF-8: {error}") from error


def parse(text: str, name: str) -> object:
    """Values of a JSON text, its lists of keypoints as arrays of float64.

    Args:
        text: The JSON.
        name: What errors call it.

    Raises:
        DataSetError: If it is no JSON.
    """
    try:
        return json.loads(text, object_hook=_compact)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise DataSetError(f"{name}: this is no JSON: {reason}") from error


def entries_of(value: object, name: str, what: str) -> list[Entry]:
    """A list of objects, proven to be one and to hold something.

    Raises:
        DataSetError: If it is not; ``name`` and ``what`` say where it should have been.
    """
    if not isinstance(value, list):
        raise DataSetError(f"{name}: expected a list of {what}, got {described(value)}")
    if not value:
        raise DataSetError(f"{name}: expected {what}, the list is empty")
    return value


def gather(
    entries: list[Entry], read: Callable[[Entry], Value], name: str, what: str
) -> list[Value]:
    """Read every entry, and raise one error that counts those that can not be used.

    Args:
        entries: As :func:`entries_of` gives them.
        read: Makes a value of one; its ``EntryError`` says what is wrong.
        name: The file.
        what: What an entry is, ``"prediction"``.

    Raises:
        DataSetError: If any of them can not be used; the first is told.
    """
    values: list[Value] = []
    wrong: list[str] = []
    for number, entry in enumerate(entries):
        try:
            values.append(read(_object(entry)))
        except EntryError as error:
            wrong.append(f"{what} {number}: {error}")
    if wrong:
        count = f"{len(wrong)} of {len(entries)} {what}s can not be used"
        raise DataSetError(f"{name}: {count}; the first is {wrong[0]}")
    return values


def whole_body(entry: Entry) -> Numbers:
    """The 133 keypoints of an entry, ``(133, 3)``.

    Raises:
        EntryError: If a field is missing, has another length, or holds what is no finite number.
    """
    missing = [field for field in FIELDS if field not in entry]
    if missing:
        raise EntryError(
            f"it has no {', '.join(missing)}; expected COCO-WholeBody's fields {', '.join(FIELDS)}"
        )
    points = np.empty((WHOLE_BODY_COUNT, 3))
    for field, place in FIELDS.items():
        values, count = entry[field], 3 * (place.stop - place.start)
        if not isinstance(values, np.ndarray) or values.shape != (count,):
            raise EntryError(f"{field}: expected {count} numbers, got {described(values)}")
        if not np.isfinite(values).all():
            raise EntryError(f"{field}: holds a number that is not finite")
        points[place] = values.reshape(-1, 3)
    return points


def whole_number(entry: Entry, field: str) -> int:
    """A field that holds a whole number.

    Raises:
        EntryError: If it does not.
    """
    value = entry.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise EntryError(f"{field}: expected a whole number, got {described(value)}")
    return value


def number(entry: Entry, field: str) -> float:
    """A field that holds a finite number.

    Raises:
        EntryError: If it does not.
    """
    return float(_finite([entry.get(field)], 1, field)[0])


def box(entry: Entry) -> Numbers:
    """The ``bbox`` of an entry, ``x, y, width, height``.

    Raises:
        EntryError: If it is not four finite numbers, or a side is negative.
    """
    sides = _finite(entry.get("bbox"), 4, "bbox")
    if (sides[2:] < 0).any():
        raise EntryError(f"bbox: expected x, y, width, height, got {sides.tolist()}")
    return sides


def check_person(entry: Entry) -> None:
    """Refuse an entry of another category.

    Raises:
        EntryError: If ``category_id`` is there and is not a person's.
    """
    category = entry.get("category_id", PERSON)
    if category != PERSON:
        raise EntryError(f"category_id: expected {PERSON}, a person, got {described(category)}")


def described(value: object) -> str:
    """A value as a message can show it."""
    if isinstance(value, np.ndarray):
        return f"{value.size} numbers" if value.ndim == 1 else f"an array {value.shape}"
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    text = "nothing" if value is None else printable(repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _object(entry: object) -> Entry:
    if not isinstance(entry, dict):
        raise EntryError(f"expected an object, got {described(entry)}")
    return entry


def _compact(entry: dict[str, Any]) -> dict[str, Any]:
    """An object as it has just been read, its lists of keypoints replaced by arrays."""
    for field in FIELDS:
        if isinstance(entry.get(field), list):
            with suppress(ValueError, OverflowError):  # no numbers; told when the entry is used
                values = np.asarray(entry[field])
                if values.dtype.kind in "fi" or not values.size:
                    entry[field] = values.astype(np.float64)
    return entry


def _finite(values: object, count: int, field: str) -> Numbers:
    """So many finite numbers."""
    numbers = values if isinstance(values, list) else []
    if len(numbers) != count or any(
        isinstance(value, bool) or not isinstance(value, (int, float)) for value in numbers
    ):
        shown = values[0] if count == 1 and isinstance(values, list) else values
        raise EntryError(
            f"{field}: expected {'a number' if count == 1 else f'{count} numbers'}, "
            f"got {described(shown)}"
        )
    try:
        array = np.array(numbers, np.float64)
    except OverflowError:
        array = np.array([np.inf])
    if not np.isfinite(array).all():
        raise EntryError(f"{field}: expected finite numbers, got {described(values)}")
    return array
