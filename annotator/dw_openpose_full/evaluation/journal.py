"""Predictions kept as they come, so that a run that was killed goes on where it was.

A journal is a file of JSON lines: how the predictions are made, then one line for each picture. A
line that a killed process left half-written is cut off, and that picture is done again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import DataSetError, OptionError, OutputError, name_for_message
from .documents import Entry, described, parse

_MARK: Final = '{"dw_openpose_predictions": 1'
_COUNT: Final = "pictures"


class Journal:
    """Predictions of one run: a model, on the pictures of a data set, in certain boxes."""

    def __init__(self, path: Path, circumstances: Mapping[str, Any]) -> None:
        """Begin a journal, or go on with one.

        Args:
            path: Its file; missing folders are made.
            circumstances: What the predictions depend on, as JSON has it; ``pictures`` is how
                many there are.

        Raises:
            OptionError: If the file was begun under other circumstances, or is no journal.
            DataSetError: If a line of it is damaged.
            OutputError: If it can not be written.
        """
        self.path = path
        self._name = name_for_message(path)
        header = {"dw_openpose_predictions": 1, **circumstances}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            self.done, length = self._read(header)
            with path.open("rb+") as file:
                file.truncate(length)
            if not length:
                self._append(header)
        except OSError as error:
            raise self._unwritten(error) from error

    def add_(self, image_id: int, results: list[dict[str, Any]]) -> None:
        """Keep the predictions of one picture; nobody's, too.

        Raises:
            OutputError: If they can not be written.
        """
        try:
            self._append({"image_id": image_id, "results": results})
        except OSError as error:
            raise self._unwritten(error) from error
        self.done.add(image_id)

    def _append(self, line: Mapping[str, Any]) -> None:
        with self.path.open("ab") as file:
            file.write(f"{json.dumps(line, allow_nan=False)}\n".encode())

    def _read(self, header: Mapping[str, Any]) -> tuple[set[int], int]:
        """The pictures that are done, and where the last whole line ends."""
        with self.path.open("rb") as file:
            begin = file.read(len(_MARK)).decode(errors="replace")
            if not _MARK.startswith(begin):
                raise OptionError(
                    f"{self._name}: this is no journal of predictions; name another file"
                )
            file.seek(0)
            lines = iter(file)
            first = next(lines, b"")
            if not first.endswith(b"\n"):
                return set(), 0
            self._compare(_header(first.decode(errors="replace"), self._name), header)
            done, length = set(), len(first)
            for number, line in enumerate(lines, 2):
                if line.endswith(b"\n"):
                    done.add(_row(line.decode(errors="replace"), self._name, number)[0])
                    length += len(line)
        return done, length

    def _compare(self, was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """Refuse a journal that was begun under other circumstances."""
        for key in dict.fromkeys([*now, *was]):
            if was.get(key) != now.get(key):
                raise OptionError(
                    f"{self._name}: its predictions were made with {key} "
                    f"{described(was.get(key))}, not {described(now.get(key))}; name another "
                    "file, or remove this one"
                )

    def _unwritten(self, error: OSError) -> OutputError:
        return OutputError(f"{self._name}: can not be written: {error.strerror or error}")


def is_journal(text: str) -> bool:
    """Whether a text is a journal's."""
    return text.startswith(_MARK)


def read_journal(text: str, name: str, *, unread: int = 0) -> list[Entry]:
    """All results of a journal.

    Args:
        text: The journal.
        name: Its file, for messages.
        unread: How many pictures it lacks because they can not be read.

    Raises:
        DataSetError: If it is damaged, or other pictures are missing.
    """
    first, _, rest = text.partition("\n")
    header = _header(first, name)
    rows = dict(_row(line, name, number) for number, line in enumerate(_whole_lines(rest), 2))
    if len(rows) + unread != header.get(_COUNT):
        raise DataSetError(
            f"{name}: holds {len(rows)} of {header.get(_COUNT)} pictures; the run was cut short, "
            "the same command as then goes on with it"
        )
    return [result for results in rows.values() for result in results]


def _header(line: str, name: str) -> Mapping[str, Any]:
    """How the predictions were made."""
    value = parse(line, f"{name}, line 1")
    if isinstance(value, dict):
        return value
    raise DataSetError(f"{name}, line 1: expected how the predictions were made; remove the file")


def _whole_lines(text: str) -> Iterator[str]:
    """Lines that have an end."""
    lines: Iterable[str] = text.splitlines(keepends=True)
    return (line for line in lines if line.endswith("\n"))


def _row(line: str, name: str, number: int) -> tuple[int, list[Entry]]:
    """A picture's id and results."""
    value = parse(line, f"{name}, line {number}")
    if isinstance(value, dict):
        image, results = value.get("image_id"), value.get("results")
        if isinstance(image, int) and isinstance(results, list):
            return image, results
    raise DataSetError(f"{name}, line {number}: expected a picture's results; remove that line")
