"""What can go wrong with videos."""

from __future__ import annotations

from typing import NoReturn

from ..errors import DependencyError, DwPoseError, printable


class VideoError(DwPoseError):
    """A video that can not be used, or not to its end."""


def refuse_without(error: ImportError) -> NoReturn:
    """Say which library is missing, and how to get it.

    Raises:
        DependencyError: Always.
    """
    raise DependencyError(
        f"videos need PyAV, which can not be imported here ({error}); install it with: "
        'pip install "dw-openpose-full[video]"'
    ) from error


def in_short(error: BaseException) -> str:
    """What FFmpeg says of an error, for a sentence of our own."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(reason.splitlines()[0])[:200].rstrip(". ")
