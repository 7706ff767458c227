"""``dw-openpose convert``: checkpoints in, files of weights out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..errors import DependencyError, name_for_message
from .words import say

_FILE = click.Path(path_type=Path)


def stage_choice(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--two-dis`` and ``--one-dis``."""
    return click.option(
        "--two-dis/--one-dis", "two_dis", default=None,
        help="CKPT is of the distillation's stage 2, or 1.  [default: as the file tells]",
    )(command)  # fmt: skip


def stage_of(two_dis: bool | None) -> int | None:
    """The stage that the user tells, if any."""
    return None if two_dis is None else 1 + two_dis


@click.command(short_help="A training's checkpoint in; a file of weights out.")
@click.argument("checkpoint", metavar="CKPT", type=_FILE)
@click.argument("output", metavar="OUT.safetensors", type=_FILE)
@stage_choice
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def convert(checkpoint: Path, output: Path, two_dis: bool | None, quiet: bool) -> None:
    """Write the weights of CKPT: our own or mmpose's, of either stage, or a released dw-*.pth.

    Nothing in CKPT is run. What is written opens as --model, and in any program that reads
    safetensors; names are mmpose's.
    """
    with torch_wanted():
        from ..export.checkpoints import convert as write
    taken = write(checkpoint, output, stage=stage_of(two_dis))
    if not quiet:
        say(f"{name_for_message(output)}: {taken}")


@contextmanager
def torch_wanted() -> Iterator[None]:
    """Say which extra brings the libraries that imports miss.

    Raises:
        DependencyError: If one is missing.
    """
    try:
        yield
    except ImportError as error:
        raise DependencyError(
            f'{error}; install what this takes with: pip install "dw-openpose-full[export]"'
        ) from error
