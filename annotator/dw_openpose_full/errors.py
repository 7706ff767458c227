"""What can go wrong on purpose: one family of errors.

Every message says what was expected, what came, in which file or field, and what to do next.
The caller's mistakes are ``ValueError`` or ``TypeError`` too, so plain Python habits keep working.
"""

from __future__ import annotations

import os


class DwPoseError(Exception):
    """Any error this package raises deliberately."""


class PictureError(DwPoseError, ValueError):
    """A picture, in a file or in memory, that can not be used."""


class PictureTypeError(DwPoseError, TypeError):
    """Something that is no picture at all was given as one."""


class PoseError(DwPoseError, ValueError):
    """Arrays that do not make poses or figures: wrong shape, number type or picture size."""


class PoseJsonError(DwPoseError, ValueError):
    """Text or a file that should have been OpenPose JSON."""


class OptionError(DwPoseError, ValueError):
    """A name, size or threshold outside the choices; the message lists them."""


class ModelError(DwPoseError):
    """A network file that is missing, damaged, refused, or of the wrong kind."""


class DataSetError(DwPoseError, ValueError):
    """Files of a data set, predictions or boxes, that can not be measured with or learnt from."""


class TrainingError(DwPoseError):
    """A training that can not begin, go on, or be taken up again."""


class OutputError(DwPoseError):
    """A result that could not be written."""


class DependencyError(DwPoseError, ImportError):
    """A library that this step needs is not installed; the message names the extra to install."""


def name_for_message(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> str:
    """A path as a message can show it: one line, printable, encodable, shortened when very long."""
    shown = printable(os.fsdecode(path))
    return shown if len(shown) <= 240 else f"{shown[:100]}...{shown[-100:]}"


def printable(text: str) -> str:
    """A text with its control characters, and bytes that are no text, as escapes."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
