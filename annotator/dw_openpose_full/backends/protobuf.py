"""Protobuf's wire format, as far as checking and mending a network file needs it.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_FIELDS: Final = 200_000  # in one file; the largest networks have some 12,000
MOST_TEXT: Final = 65_536  # bytes of one name
_VARINT, _EIGHT_BYTES, _MESSAGE, _FOUR_BYTES = 0, 1, 2, 5
_CONTINUED: Final = bytes(range(128, 256))


class WireError(ValueError):
    """Bytes that are no protobuf message."""


@dataclass(frozen=True)
class Field:
    """One field of a message.

    Attributes:
        number: Which one.
        value: An integer, unsigned, or the bytes of a text, message or packed list.
        raw: The whole field, as it stands in the file.
    """

    number: int
    value: int | memoryview
    raw: memoryview

    @property
    def integer(self) -> int:
        """The value as int64."""
        if not isinstance(self.value, int):
            raise WireError(f"field {self.number} should be a number")
        return self.value - (1 << 64) if self.value >= 1 << 63 else self.value

    @property
    def content(self) -> memoryview:
        """The value's bytes."""
        if isinstance(self.value, int):
            raise WireError(f"field {self.number} should be text or a message")
        return self.value

    @property
    def text(self) -> str:
        """The value as text.

        Raises:
            WireError: If it is very long, or not UTF-8. OpenCV dies (SIGSEGV) as it reports such a
                name.
        """
        if len(self.content) > MOST_TEXT:
            raise WireError(f"the text of field {self.number} has {len(self.content)} bytes")
        try:
            return bytes(self.content).decode("utf-8")
        except UnicodeDecodeError as error:
            raise WireError(f"the text of field {self.number} is not UTF-8") from error

    @property
    def integers(self) -> list[int]:
        """The values of a repeated int64, packed or one."""
        if isinstance(self.value, int):
            return [self.integer]
        found, at = [], 0
        while at < len(self.value):
            number, at = _read_varint(self.value, at)
            found.append(number - (1 << 64) if number >= 1 << 63 else number)
        return found

    def count(self, width: int) -> int:
        """How many numbers a repeated field holds: of ``width`` bytes each, or varints for 0."""
        if isinstance(self.value, int):
            return 1
        if width:
            return len(self.value) // width
        return len(bytes(self.value).translate(None, _CONTINUED))


class Reader:
    """Walks through messages, and gives up where there are too many fields."""

    def __init__(self) -> None:
        """Start counting."""
        self._left = MOST_FIELDS

    def fields(self, message: memoryview) -> Iterator[Field]:
        """The fields of a message, in the order of the file.

        Raises:
            WireError: If the bytes are no message, or the file has too many fields.
        """
        at = 0
        while at < len(message):
            self._left -= 1
            if self._left < 0:
                raise WireError(f"more than {MOST_FIELDS} fields")
            start = at
            tag, at = _read_varint(message, at)
            number, kind = tag >> 3, tag & 7
            value: int | memoryview
            if not 0 < number < 1 << 29:
                raise WireError(f"no field has the number {number}")
            if kind == _VARINT:
                value, at = _read_varint(message, at)
            else:
                length, at = _length(message, at, kind)
                value, at = message[at : at + length], at + length
            yield Field(number, value, message[start:at])


def varint(number: int) -> bytes:
    """A number that is not negative, in groups of 7 bits, the lowest first."""
    groups = bytearray()
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def message_field(number: int, content: bytes | memoryview) -> bytes:
    """A field that holds bytes."""
    return b"".join((varint(number << 3 | _MESSAGE), varint(len(content)), content))


def number_field(number: int, value: int) -> bytes:
    """A field that holds a number that is not negative."""
    return varint(number << 3 | _VARINT) + varint(value)


def _length(message: memoryview, at: int, kind: int) -> tuple[int, int]:
    """How many bytes a value has, and where they start."""
    widths = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
    if kind == _MESSAGE:
        length, at = _read_varint(message, at)
    elif kind in widths:
        length = widths[kind]
    else:
        raise WireError(f"no field has the wire type {kind}")
    if length > len(message) - at:
        raise WireError("it ends in the middle of a field")
    return length, at


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise WireError("it ends in the middle of a number")
        byte = message[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number & (1 << 64) - 1, at
    raise WireError("a number has more than 10 bytes")
