"""Options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import click

from ..errors import OptionError
from ..render import Parts, Style


def style_and_parts(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--style`` and ``--parts``."""
    add_parts = click.option(
        "--parts",
        metavar="LIST",
        default="body,hands,face",
        show_default=True,
        callback=_parse_parts,
        help="Any of body, hands, face, feet, with commas between them.",
    )
    add_style = click.option(
        "--style",
        type=click.Choice([style.value for style in Style]),
        default=Style.CONTROLNET.value,
        show_default=True,
        help="Whose drawing to match.",
    )
    return add_style(add_parts(command))


def _parse_parts(_context: click.Context, _option: click.Parameter, value: str) -> Parts:
    """Read ``body,hands,face,feet`` in any selection; wrong use names the choices."""
    try:
        return Parts.parse(value)
    except OptionError as error:
        raise click.BadParameter(str(error)) from error


def refuse_nan(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """Refuse the one number that no range keeps out."""
    if math.isnan(value):
        raise click.BadParameter(f"{value} is not a number")
    return value
