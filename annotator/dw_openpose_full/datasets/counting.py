"""What was left out, and why: counted, and the first cases named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NAMED: Final = 3
"""Cases of a reason that are named; the others are counted."""


@dataclass
class Tally:
    """Cases by their reason.

    Attributes:
        counts: How many there are.
        cases: The first ``NAMED`` of them.
    """

    counts: dict[str, int] = field(default_factory=dict)
    cases: dict[str, list[str]] = field(default_factory=dict)

    def add_(self, reason: str, case: str) -> None:
        """Count a case."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        named = self.cases.setdefault(reason, [])
        if len(named) < NAMED:
            named.append(case)

    def __len__(self) -> int:
        return sum(self.counts.values())

    def lines(self) -> list[str]:
        """One line for each reason."""
        return [
            f"{count} {reason}: {', '.join(self.cases[reason])}"
            f"{', ...' if count > len(self.cases[reason]) else ''}"
            for reason, count in self.counts.items()
        ]

    def as_json(self) -> Mapping[str, object]:
        """For a file; ``Tally(**...)`` reads it."""
        return {"counts": self.counts, "cases": self.cases}
