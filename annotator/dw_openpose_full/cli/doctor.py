"""``dw-openpose doctor``: what runs here, what is missing, what clashes, what to do."""

from __future__ import annotations

import click

from ..doctor import Level, examine
from .words import show

_COLOURS = {Level.FINE: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}


@click.command(short_help="What runs here, and what to do about the rest.")
def doctor() -> int:
    """Examine this installation and name the cure for whatever is wrong."""
    findings = examine()
    for finding in findings:
        mark = click.style(f"{finding.level.value:8}", fg=_COLOURS[finding.level])
        show(f"{mark} {finding.what}")
        if finding.cure:
            show(f"{'':8} -> {finding.cure}")
    return 1 if any(finding.level is Level.PROBLEM for finding in findings) else 0
