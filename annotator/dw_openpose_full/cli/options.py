"""Options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import click

from ..errors import OptionError
from ..people import Order
from ..render import Parts, Style
from ..thresholds import DEFAULT_THRESHOLD, Thresholds


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


def people_choice(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--max-people``, ``--order``, ``--min-size`` and ``--min-score``."""
    share = click.FloatRange(0, 1)
    for option in (
        click.option(
            "--min-score",
            metavar="T",
            type=share,
            callback=refuse_nan,
            help="Lowest score of a person's box.  [default: the detector's]",
        ),
        click.option(
            "--min-size",
            metavar="T",
            type=share,
            default=0.0,
            callback=refuse_nan,
            help="Smallest person: the box's longer side, of the picture's longer side, 0..1.",
        ),
        click.option(
            "--order",
            type=click.Choice([order.value for order in Order]),
            default=Order.SCORE.value,
            show_default=True,
            help="What puts people in order.",
        ),
        click.option(
            "--max-people",
            "--people",
            "max_people",
            metavar="N",
            type=click.IntRange(1),
            help="Keep the first people in that order only.",
        ),
    ):
        command = option(command)
    return command


def thresholds(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--threshold``."""
    return click.option(
        "--threshold",
        metavar="T",
        default=str(DEFAULT_THRESHOLD),
        show_default=True,
        callback=_parse_thresholds,
        help="Lowest score of a visible point; of parts, too: 0.3,hands=0.5,face=0.4.",
    )(command)


def _parse_thresholds(_context: click.Context, _option: click.Parameter, value: str) -> Thresholds:
    """Read thresholds; wrong use shows the grammar."""
    try:
        return Thresholds.parse(value)
    except OptionError as error:
        raise click.BadParameter(str(error)) from error


def following(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what concerns videos: ``--detect-every``, ``--no-smooth`` and ``--resume``."""
    for option in (
        click.option(
            "--resume",
            is_flag=True,
            help="Videos: go on after the last frame that an interrupted run has read.",
        ),
        click.option(
            "--smooth/--no-smooth",
            default=True,
            help="Videos: close short gaps and smooth movement, or only follow people.  "
            "[default: smooth]",
        ),
        click.option(
            "--detect-every",
            metavar="K",
            type=click.IntRange(1),
            default=1,
            show_default=True,
            help="Videos: look for people in each Kth frame, follow them in between.",
        ),
    ):
        command = option(command)
    return command


def refuse_nan(
    _context: click.Context, _option: click.Parameter, value: float | None
) -> float | None:
    """Refuse the one number that no range keeps out."""
    if value is not None and math.isnan(value):
        raise click.BadParameter(f"{value} is not a number")
    return value
