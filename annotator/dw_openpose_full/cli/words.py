"""How the command speaks: plain lines on stderr, a bar only on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SOME_FAILED: Final = 1
WRONG_USE: Final = 2  # click's own exit code for it
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it

Item = TypeVar("Item")


def say(text: str) -> None:
    """One line for people, on stderr."""
    _console().print(f"dw-openpose: {text}", markup=False, highlight=False, soft_wrap=True)


def say_error(error: object) -> None:
    """One line on stderr about something that went wrong."""
    sentence = " ".join(str(error).split())
    _console().print(
        f"dw-openpose: {sentence}", style="red", markup=False, highlight=False, soft_wrap=True
    )


def with_progress(items: Sequence[Item], *, quiet: bool) -> Iterator[Item]:
    """Go through items under a progress bar, if there are several and a terminal to show it on."""
    console = _console()
    shown = console.is_terminal and len(items) > 1 and not quiet
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not shown, transient=True
    ) as progress:
        yield from progress.track(items, description="annotating")


def _console() -> Console:
    """A console on today's stderr; colour only if that is a terminal."""
    return Console(stderr=True)
