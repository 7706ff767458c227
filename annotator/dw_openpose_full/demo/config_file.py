"""Settings as JSON: small files of plain values to frozen dataclasses, and back.

A dataclass's own annotations say which values its fields take, so a new field needs no line here.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from ..errors import OptionError, name_for_message
from ..pose_json.spot import described, shortened
from ..render import Parts

MAX_BYTES: Final = 64 * 1024
"""Largest settings file."""

_DIGITS: Final = 20  # of whole numbers; longer ones are out of every limit, and slow to show
_PARTS: Final = ("BODY", "HANDS", "FACE", "FEET")
_WORDS: Final = {
    type(None): "null",
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}

Record = TypeVar("Record")


def read_values(path: Path) -> object:
    """Values of a JSON file.

    Raises:
        OptionError: If it can not be read, is too large for settings, or is no JSON.
    """
    name = name_for_message(path)
    try:
        data = _bytes_of(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OptionError(f"{name}: settings can not be read: {reason}") from error
    except ValueError as error:
        raise OptionError(f"{name}: no file can have this name ({error}); check it") from error
    if len(data) > MAX_BYTES:
        raise OptionError(f"{name}: expected settings, got more than {MAX_BYTES >> 10} KiB")
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_once_each,
            parse_int=_whole,
            parse_constant=_no_number,
        )
    except RecursionError as error:
        raise OptionError(f"{name}: it is nested too deeply for settings") from error
    except ValueError as error:
        raise OptionError(f"{name}: expected settings as JSON: {error}") from error


def record(kind: type[Record], values: object) -> Record:
    """A dataclass of plain values; fields that are missing have their defaults.

    Raises:
        OptionError: If a key is no field, or its value is of a wrong type or out of its limits.
    """
    if not isinstance(values, Mapping):
        raise OptionError(f"expected an object with settings, got {described(values)}")
    hints = get_type_hints(kind)
    for key in values:
        if key not in hints:
            choices = ", ".join(hints)
            raise OptionError(f"'{shortened(str(key))}' is no setting; there are {choices}")
    return kind(**{key: _value(hints[key], value, key) for key, value in values.items()})


def plain(value: Any) -> Any:  # noqa: ANN401  a value of any field
    """A dataclass, or the value of a field, as JSON has it."""
    if isinstance(value, Parts):
        return ",".join(name.lower() for name in _PARTS if Parts[name] & value) or "none"
    if is_dataclass(value):
        return {row.name: plain(getattr(value, row.name)) for row in fields(value)}
    return value.value if isinstance(value, Enum) else value


def _bytes_of(path: Path) -> bytes:
    """What a regular file holds, and at most a byte too much of it."""
    if path.exists() and not path.is_file():  # a pipe would block, a device would never end
        raise OSError("expected a file, got a folder or a device")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys appear once."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key appears twice in one object")
    return made


def _whole(digits: str) -> float:
    """A whole number, infinite where it is beyond every limit."""
    return int(digits) if len(digits) <= _DIGITS else float(digits)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _value(hint: Any, value: object, name: str) -> Any:  # noqa: ANN401  of the type the hint says
    """The value of a field, proven to be of one of its types."""
    kinds = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    if Parts in kinds:
        return Parts.parse(_value(str, value, name))
    if is_dataclass(hint):
        return _inner_record(hint, value, name)
    if type(value) in kinds or (type(value) is int and float in kinds):
        return value
    words = " or ".join(words for kind, words in _WORDS.items() if kind in kinds)
    raise OptionError(f"{name} must be {words}, got {described(value)}")


def _inner_record(kind: Any, value: object, name: str) -> object:  # noqa: ANN401  a dataclass
    """A dataclass that is the value of a field."""
    try:
        made: object = record(kind, value)
    except OptionError as error:
        raise OptionError(f"{name}: {error}") from error
    return made
