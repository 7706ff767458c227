"""``dw-openpose render``: OpenPose JSON in, a canvas out."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..errors import OutputError
from ..files import write_atomically
from ..pictures import encode_png
from ..pose_json import PoseDocument
from ..render import Parts
from ..render import render as draw
from .inputs import STDOUT
from .options import style_and_parts
from .words import say, show


@click.command(short_help="OpenPose JSON in; figures out.")
@click.argument("poses", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="OUT", required=True, help="A .png, or - for stdout.")
@style_and_parts
@click.option(
    "--frame", metavar="N", type=click.IntRange(0), default=0, show_default=True,
    help="Which frame of several.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def render(
    poses: Path,
    output: str,
    style: str,
    parts: Parts,
    frame: int,
    quiet: bool,
) -> None:
    """Draw the figures of POSES, an OpenPose JSON file of any common dialect."""
    if output != STDOUT and Path(output).suffix.lower() != ".png":
        raise click.UsageError(f"-o writes .png files, got {output!r}")
    if os.path.realpath(output) == os.path.realpath(poses):
        raise OutputError(f"{output} is the input; name another place with -o")
    document = PoseDocument.read(poses)
    png = encode_png(draw(document.figures(frame), style, parts))
    if output == STDOUT:
        show(png, end=False)
    else:
        write_atomically(Path(output), png)
    if len(document) > 1 and not quiet:
        say(f"{poses} holds {len(document)} frames; frame {frame} was drawn")
