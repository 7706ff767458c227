"""A training's state in one file, to go on from: tensors, numbers and text, nothing that runs.

It is written at once or not at all, and read as every checkpoint is (ADR 0009), with anything but
tensors and plain values refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from ..errors import TrainingError, name_for_message
from ..files import replacing
from ..networks.archive import Archive, ArchiveError, TensorPlan, open_archive

State = Mapping[str, Any]
"""Tensors, numbers, text, and dictionaries and lists of them."""

FORMAT: Final = "dw-openpose training, 2"


def write_state(path: Path, state: State) -> None:
    """Write a state; whatever goes wrong, the file that was there stays.

    Raises:
        OutputError: If it can not be written.
    """
    with replacing(path) as part, part.open("wb") as file:
        try:
            torch.save({"format": FORMAT, **state}, file)
        except RuntimeError as error:  # what torch makes of a full disk
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise OSError(0, str(error).partition("\n")[0]) from error


def read_state(path: Path) -> State:
    """Read a state; nothing in the file is ever run.

    Raises:
        TrainingError: If it is none, damaged, or holds what could be run.
    """
    name = name_for_message(path)
    try:
        with path.open("rb") as file:
            archive = open_archive(file)
            content = _built(archive.content, archive)
    except OSError as error:
        raise TrainingError(f"{name}: can not be read ({error.strerror})") from error
    except Exception as error:  # a damaged pickle may raise anything
        reason = str(error) if isinstance(error, ArchiveError) else f"damaged ({error!r:.200})"
        raise TrainingError(
            f"{name}: expected the state of a training, got a file that is {reason}; begin anew "
            "with --fresh, or put back a copy"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise TrainingError(
            f"{name}: expected the state of a training of this version, got another file; begin "
            "anew with --fresh, or in another --out folder"
        )
    return content


def _built(value: object, archive: Archive) -> object:
    """What a file holds, its tensors read; anything else than plain values is refused."""
    if isinstance(value, TensorPlan):
        return archive.build(value)
    if isinstance(value, dict):
        return {_built(key, archive): _built(one, archive) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_built(one, archive) for one in value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ArchiveError("one that names classes or functions of programs, which are not run")
