"""How the command speaks: results to stdout, plain lines to stderr, a bar only on a terminal.

Words that can not be spoken (stderr is closed, or its disk is full) stop nothing. Results that can
not be handed over stop everything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Final, TextIO, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from ..errors import OutputError, printable

SOME_FAILED: Final = 1
WRONG_USE: Final = 2  # click's own exit code for it
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it

Item = TypeVar("Item")


class StdoutError(OutputError):
    """Stdout takes no more: there is no use in going on."""


def show(result: str | bytes, *, end: bool = True) -> None:
    """A result on stdout, at once.

    Args:
        result: Text or bytes.
        end: Whether a line ends there.

    Raises:
        StdoutError: If stdout is closed, or can not hold it.
    """
    if sys.stdout is None:
        raise StdoutError("stdout is closed; name a file with -o")
    try:
        click.echo(result, nl=end)
    except OSError as error:
        give_up(sys.stdout)
        raise StdoutError(f"stdout: can not be written: {error.strerror}") from error


def say(text: str, style: str | None = None) -> None:
    """One line for people, on stderr."""
    line = f"dw-openpose: {printable(text)}"
    try:
        _console().print(line, style=style, markup=False, highlight=False, soft_wrap=True)
    except OSError:
        give_up(sys.stderr)


def say_error(error: object) -> None:
    """One line on stderr about something that went wrong."""
    say(" ".join(str(error).split()), style="red")


def give_up(stream: TextIO) -> None:
    """Have what a stream still holds go nowhere; Python would complain of it when it ends."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def with_progress(
    items: Iterable[Item], count: int | None, *, quiet: bool, doing: str = "annotating"
) -> Iterator[Item]:
    """Go through items under a progress bar, if there are several and a terminal to show it on.

    How many there are need not be known.
    While the bar is there, what is said on stderr appears above it.
    """
    console = _console()
    if quiet or (count is not None and count < 2) or not console.is_terminal:
        yield from items
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # results go there
    ) as progress:
        yield from progress.track(items, total=count, description=escape(printable(doing)))


@contextmanager
def fetching(*, quiet: bool = False) -> Iterator[Callable[[int, int | None], None]]:
    """Show how weights come: a bar on a terminal, one line elsewhere, nothing if none come.

    Gives a function to call with the bytes that have come and the length, None where not known.
    """
    console = _console()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    bar = Progress(*columns, TransferSpeedColumn(), console=console, redirect_stdout=False)
    with_bar = console.is_terminal and not quiet

    def tell(done: int, total: int | None) -> None:
        if not quiet and not bar.task_ids:
            say("fetching weights, this once; --offline or HF_HUB_OFFLINE=1 forbids it")
        if not bar.task_ids:
            bar.add_task("fetching")
            if with_bar:
                bar.start()
        with suppress(OSError):
            bar.update(bar.task_ids[0], completed=done, total=total)

    try:
        yield tell
    finally:
        if with_bar and bar.task_ids:
            with suppress(OSError):
                bar.stop()


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to us; rich would close stdout and end the program."""
        raise BrokenPipeError


@lru_cache(maxsize=1)
def _console() -> Console:
    """The one console, on stderr, so that words and the bar know of each other."""
    return _Console(stderr=True)
