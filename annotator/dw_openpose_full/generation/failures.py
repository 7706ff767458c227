"""What can go wrong while a picture is made."""

from __future__ import annotations

from typing import NoReturn

from ..errors import DependencyError, DwPoseError, printable

EXTRA = 'pip install "dw-openpose-full[demo]"'


class GenerationError(DwPoseError):
    """A picture that could not be made: too little memory, or numbers that are no colours."""


class StoppedError(GenerationError):
    """The user stopped it."""


def refuse_without(error: ImportError) -> NoReturn:
    """Say which library is missing, and how to get it.

    Raises:
        DependencyError: Always.
    """
    raise DependencyError(
        f"making pictures needs diffusers, transformers, accelerate, safetensors and torch; "
        f"{error.name or 'one of them'} is missing here: {EXTRA}"
    ) from error


def in_short(error: BaseException) -> str:
    """The first line of an error, for a sentence of our own."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return printable(lines[0])[:300].rstrip(". ")
