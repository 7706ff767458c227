"""What a training tells people while it goes on: now and then a line, and everything in the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..errors import name_for_message
from .log import Log
from .loop import Step

LOG_EVERY: Final = 50
"""Steps of which the log has the means."""

_SAY_EVERY: Final = 60.0  # seconds

Tell = Callable[[str], None]
"""Hands a line to people."""


class Report:
    """Follows the steps of one training."""

    def __init__(self, log: Log | None, tell: Tell, *, total: int, people: int) -> None:
        """Begin.

        Args:
            log: Where numbers go.
            tell: Where lines go.
            total: Steps of the whole training.
            people: Of one step of all processes.
        """
        self._log, self._tell, self._total, self._people = log, tell, total, people
        self._since: list[Step] = []
        self._began = time.monotonic()
        self._said = self._began - _SAY_EVERY

    def begins(self, done: int) -> None:
        """The training begins after so many steps."""
        if 0 < done < self._total:
            self._tell(f"goes on from step {done} of {self._total}")

    def stopped(self, done: int, state: Path) -> None:
        """The training was told to end after so many steps."""
        self._tell(
            f"stopped after step {done} of {self._total}, which {name_for_message(state)} keeps; "
            "the same command goes on from there"
        )

    def step(self, step: Step) -> None:
        """Take note of a step; every so often the means since the last time are told."""
        self._since.append(step)
        if step.number % LOG_EVERY and step.number != self._total:
            return
        now = time.monotonic()
        pace = (now - self._began) / len(self._since)
        good = [one for one in self._since if not one.fault]
        self._since, self._began = [], now
        if not good:
            return
        terms = {name: sum(one.terms[name] for one in good) / len(good) for name in step.terms}
        loss, norm = sum(terms.values()), sum(one.norm for one in good) / len(good)
        speed = self._people / pace
        self._write(
            step.number,
            epoch=step.epoch,
            loss={"sum": loss, **terms},
            gradient=norm,
            rate=step.rate,
            people_per_second=round(speed, 1),
        )
        if now - self._said >= _SAY_EVERY or step.number == self._total:
            self._said = now
            shares = ", ".join(f"{name} {value:.4g}" for name, value in terms.items())
            left = _span((self._total - step.number) * pace)
            self._tell(
                f"epoch {step.epoch}, step {step.number} of {self._total}: loss {loss:.4g} "
                f"({shares}), {speed:.0f} people/s, {left} left"
            )

    def trouble(self, step: int, text: str) -> None:
        """Something was left out."""
        self._tell(text)
        self._write(step, trouble=text)

    def measured(self, step: int, epoch: int, scores: dict[str, float], *, best: bool) -> None:
        """The network was measured."""
        shown = ", ".join(f"{part} {100 * score:.1f}" for part, score in scores.items())
        self._tell(f"epoch {epoch}: AP {shown}{', the best so far' if best else ''}")
        self._write(step, epoch=epoch, AP=scores)
        self._began = time.monotonic()  # measuring is no part of the pace

    def close(self) -> None:
        """Have everything written out."""
        if self._log is not None:
            self._log.close()

    def _write(self, step: int, **numbers: object) -> None:
        if self._log is not None:
            self._log.add_(step, numbers)


def _span(seconds: float) -> str:
    """A time for people."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
