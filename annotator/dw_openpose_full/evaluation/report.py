"""Results for people, and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .metrics import Results
from .published import CIRCUMSTANCES, SHOWN, Row

NOTHING = "-"


def table(results: Results, published: Row | None = None) -> str:
    """The table that is printed: AP and AR of the whole and its parts, times 100.

    Args:
        results: What was measured.
        published: A row to show beside it, if there is one for the model.
    """
    lines = [f"{'':8}{'AP':>8}{'AR':>8}"]
    if published is not None:
        lines = [f"{'':24}   {published.name}, published", f"{lines[0]}   {'AP':>8}{'AR':>8}"]
    for part in SHOWN:
        own = _percent(_mean(results, part, "AP")), _percent(_mean(results, part, "AR"))
        line = f"{part:8}{own[0]:>8}{own[1]:>8}"
        if published is not None:
            line += f"   {_stated(published.precision, part):>8}"
            line += f"{_stated(published.recall, part):>8}"
        lines.append(line)
    if published is not None:
        lines.append(f"published: {CIRCUMSTANCES}; {published.source}")
    return "\n".join(lines)


def document(results: Results) -> bytes:
    """The results as a JSON file: six parts, ten numbers each, 0..1, or -1."""
    return f"{json.dumps(results, indent=1, allow_nan=False)}\n".encode()


def _mean(results: Results, part: str, statistic: str) -> float:
    """A line's number; of the hands that were measured, the mean."""
    names = {"whole": ("wholebody",), "hand": ("lefthand", "righthand")}.get(part, (part,))
    numbers = [results[name][statistic] for name in names if results[name][statistic] >= 0]
    return sum(numbers) / len(numbers) if numbers else -1.0


def _percent(number: float) -> str:
    return NOTHING if number < 0 else f"{100 * number:.1f}"


def _stated(numbers: Mapping[str, float], part: str) -> str:
    return f"{numbers[part]:.1f}" if part in numbers else NOTHING
