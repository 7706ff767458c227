"""``dw-openpose data mannequins``: synthetic people in the layout of COCO-WholeBody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click

from ..datasets.mannequins import Plan, write_mannequins
from ..poses import ImageSize
from .words import say, with_progress

_PLAN: Final = Plan()


def _parse_size(_context: click.Context, _option: click.Parameter, value: str) -> ImageSize:
    """Read ``104x136``."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", value)
    if match is None:
        raise click.BadParameter(f"expected width x height in pixels, as 104x136, got {value!r}")
    return ImageSize(height=int(match[2]), width=int(match[1]))


@click.command(short_help="Make synthetic people to learn from.")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--train", metavar="N", type=click.IntRange(1), default=_PLAN.train, show_default=True,
    help="Pictures to learn from; labelled carelessly, as real ones are.",
)  # fmt: skip
@click.option(
    "--val", metavar="N", type=click.IntRange(1), default=_PLAN.val, show_default=True,
    help="Pictures to measure with; labelled perfectly.",
)  # fmt: skip
@click.option(
    "--seed", metavar="N", type=click.IntRange(0), default=_PLAN.seed, show_default=True,
    help="The same seed gives the same people.",
)  # fmt: skip
@click.option(
    "--size", metavar="WxH", default=f"{_PLAN.size.width}x{_PLAN.size.height}", show_default=True,
    callback=_parse_size, help="Of a picture, in pixels.",
)  # fmt: skip
@click.option(
    "--people", metavar="N", type=click.IntRange(1), default=_PLAN.people, show_default=True,
    help="The most on one picture; a single one fills it.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def mannequins(
    out: Path, train: int, val: int, seed: int, size: ImageSize, people: int, quiet: bool
) -> None:
    """Write pictures of mannequins with all 133 keypoints into the folder OUT.

    It is laid out as COCO-WholeBody is, so that whatever reads that reads this.
    """
    plan = Plan(train, val, seed, size, people)
    pictures = write_mannequins(out, plan)
    for _ in with_progress(pictures, train + val, quiet=quiet, doing="making mannequins"):
        pass
    if not quiet:
        say(f"{out} holds {train} pictures to learn from and {val} to measure with")
