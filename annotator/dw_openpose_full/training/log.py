"""What a training says of itself: lines of JSON, and TensorBoard's file where that is installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ..errors import OutputError, name_for_message
from ..files import write_atomically

LINES: Final = "log.jsonl"
BOARD: Final = "tensorboard"


class Log:
    """The numbers of one training, step by step; taken up again, what lies ahead is cut off."""

    def __init__(self, folder: Path, step: int) -> None:
        """Begin a log, or go on with one.

        Args:
            folder: Of the training.
            step: The last that counts.

        Raises:
            OutputError: If it can not be written.
        """
        self._path = folder / LINES
        write_atomically(self._path, b"".join(_kept(self._path, step)))
        self._board = _board(folder / BOARD, step)

    def add_(self, step: int, numbers: Mapping[str, object]) -> None:
        """Write one line, and the numbers in it to the board.

        Raises:
            OutputError: If it can not be written.
        """
        line = json.dumps({"step": step, **numbers}) + "\n"
        try:
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(line)
        except OSError as error:
            name = name_for_message(self._path)
            raise OutputError(f"{name}: can not be written: {error.strerror}") from error
        if self._board is not None:
            for name, number in _flat(numbers):
                self._board.add_scalar(name, number, step)

    def close(self) -> None:
        """Have the board written out."""
        if self._board is not None:
            self._board.close()


def _kept(path: Path, step: int) -> list[bytes]:
    """Whole lines up to a step; what a killed process left half-written is none."""
    kept: list[bytes] = []
    with suppress(FileNotFoundError):
        for line in path.read_bytes().splitlines(keepends=True):
            with suppress(ValueError, KeyError, TypeError):
                if json.loads(line)["step"] <= step:
                    kept.append(line)
    return kept


def _board(folder: Path, step: int) -> Any:  # noqa: ANN401  TensorBoard's writer, or None
    """The writer, if TensorBoard is installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)


def _flat(numbers: Mapping[str, object], prefix: str = "") -> list[tuple[str, float]]:
    """Numbers of dictionaries in dictionaries, their names joined."""
    found: list[tuple[str, float]] = []
    for name, value in numbers.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}/")
        elif isinstance(value, (int, float)):
            found.append((prefix + name, float(value)))
    return found
