"""Large JSON files, entry by entry: a list of a million annotations never lies in memory whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import Final, TextIO

from ..errors import DataSetError, name_for_message

CHUNK: Final = 1 << 20
"""Characters that are read at a time."""
LONGEST: Final = 1 << 26
"""Characters of the longest value that is no list at the top; annotations take ten thousand."""

_NUMBERS_REST: Final = 3  # signs after which a number may still go on: 1 of 1e+5
_BLANKS: Final = re.compile(r"[ \t\r\n]*")


def entries(path: Path, field: str) -> Iterator[object]:
    """The values of one list of a JSON object, as they come.

    Args:
        path: A file that holds one object.
        field: The name of the list in it.

    Raises:
        DataSetError: If the file can not be read, is no such JSON, or has no such list.
    """
    with _opened(path) as reader:
        for name in reader.names_():
            if name == field and reader.is_at_list():
                yield from reader.elements_()
                return
            reader.pass_over_()
    raise DataSetError(f"{name_for_message(path)}: expected an object with a list {field}")


def names(path: Path) -> list[str]:
    """The names of all values of a JSON object; so all of it is proven to be JSON.

    Raises:
        DataSetError: If the file can not be read, or holds no object.
    """
    with _opened(path) as reader:
        found = []
        for name in reader.names_():
            found.append(name)
            reader.pass_over_()
        return found


@contextmanager
def _opened(path: Path) -> Iterator[_Reader]:
    """A file being read; whatever goes wrong names it."""
    name = name_for_message(path)
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield _Reader(file)
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise DataSetError(f"{name}: can not be read: {reason}") from error
    except JSONDecodeError as error:
        raise DataSetError(f"{name}: this is no whole JSON: {error.msg}; copy it again") from error
    except UnicodeDecodeError as error:
        raise DataSetError(f"{name}: expected JSON text in UTF-8: {error}") from error
    except RecursionError as error:
        raise DataSetError(f"{name}: this is no JSON: it is nested too deeply") from error


class _Reader:
    """A text, of which only the part that is being read is held."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder()

    def names_(self) -> Iterator[str]:
        """Names of the object's values; whoever takes one goes past its value, too."""
        self._expect_("{")
        while self._next() != "}":
            name = self._value_()
            self._expect_(":")
            yield str(name)
            self._part_("}")
        self._expect_("}")

    def is_at_list(self) -> bool:
        """Whether a list begins here."""
        return self._next() == "["

    def elements_(self) -> Iterator[object]:
        """Values of the list that begins here."""
        self._expect_("[")
        while self._next() != "]":
            yield self._value_()
            self._part_("]")
        self._expect_("]")

    def pass_over_(self) -> None:
        """Go past the value that begins here."""
        if not self.is_at_list():
            self._value_()
            return
        for _ in self.elements_():
            pass

    def _part_(self, end: str) -> None:
        """Go past the comma between two values; there is none before the end."""
        if self._next() != end:
            self._expect_(",")

    def _value_(self) -> object:
        """The value that begins here; what follows it is where reading goes on."""
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except JSONDecodeError:
                if self._ended or len(self._text) - self._at > LONGEST:
                    raise
            else:
                if len(self._text) - end > _NUMBERS_REST or self._ended:
                    self._at = end
                    return value
            self._more_()

    def _expect_(self, sign: str) -> None:
        """Go past one sign."""
        if self._next() != sign:
            raise JSONDecodeError(f"expected {sign!r}", self._text, self._at)
        self._at += 1

    def _next(self) -> str:
        """The sign that comes next, past blanks; nothing at the end."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more_()

    def _more_(self) -> None:
        """Read on: twice what is held, so that a long value is not gone through too often."""
        rest = self._text[self._at :]
        chunk = self._file.read(max(CHUNK, len(rest)))
        self._text, self._at = rest + chunk, 0
        self._ended = not chunk
