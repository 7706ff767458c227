"""Who waits for an answer: is told how far it is, and may ask to stop."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from ..generation import Step, StoppedError, Watch

Tell = Callable[[float, str], None]
"""Told a share of the work, 0..1, and what is being done."""

_REMEMBERED: Final = 1000  # users whose last stop is known; far more than the queue holds requests


def tell_nobody(_share: float, _words: str) -> None:
    """Nobody waits."""


@dataclass(frozen=True)
class Onlooker:
    """Who waits for one answer.

    Attributes:
        tell: How far the work is.
        stop: Set when the user does not want the answer any more.
    """

    tell: Tell
    stop: threading.Event

    def hear(self, share: float, words: str) -> None:
        """Pass on how far the work is.

        Raises:
            StoppedError: If the user has asked to stop.
        """
        if self.stop.is_set():
            raise StoppedError("stopped, as asked")
        self.tell(share, words)

    def fetching(self, done: int, total: int | None) -> None:
        """Told of a download; see ``Supply``."""
        share = done / total if total else 0.0
        self.hear(share, f"fetching weights, this once: {done / 2**20:.0f} MiB")

    def denoising(self, step: Step) -> None:
        """Told of a step; see ``Watch``."""
        done = (step.picture - 1) * step.steps + step.step
        words = f"picture {step.picture} of {step.pictures}, step {step.step} of {step.steps}"
        self.hear(done / (step.pictures * step.steps), words)

    def watch(self) -> Watch:
        """The same for an ``ImageMaker``."""
        return Watch(self.denoising, self.stop.is_set)


class Stops:
    """What runs, by user, so that each can stop their own work and nobody else's.

    A stop is also for what a user has asked for before, and still waits for its turn.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[str, list[threading.Event]] = defaultdict(list)
        self._stopped: dict[str, float] = {}  # when, the latest last
        self._ended = False

    @contextmanager
    def of(self, user: str, asked: float) -> Iterator[threading.Event]:
        """While some work of a user runs: set when they stop it, or have done so already.

        Args:
            user: Whose work.
            asked: When they asked for it, as ``time.monotonic`` tells.
        """
        stop = threading.Event()
        with self._changed:
            if self._ended or asked <= self._stopped.get(user, float("-inf")):
                stop.set()
            self._running[user].append(stop)
        try:
            yield stop
        finally:
            with self._changed:
                self._running[user].remove(stop)
                if not self._running[user]:
                    del self._running[user]
                self._changed.notify_all()

    def stop(self, user: str) -> int:
        """Ask all work of a user to stop. Returns how much of it runs."""
        with self._changed:
            self._stopped.pop(user, None)
            self._stopped[user] = time.monotonic()
            if len(self._stopped) > _REMEMBERED:
                del self._stopped[next(iter(self._stopped))]
            stops = self._running.get(user, ())
            for stop in stops:
                stop.set()
            return len(stops)

    def end(self, seconds: float) -> bool:
        """Ask everybody's work to stop, now and from here on, and wait for that.

        Returns:
            Whether nothing runs any more; where not, it has taken longer than ``seconds``.
        """
        with self._changed:
            self._ended = True
            for stop in (stop for stops in self._running.values() for stop in stops):
                stop.set()
            return self._changed.wait_for(lambda: not self._running, seconds)
