"""Who waits for an answer: is told how far it is, and may ask to stop."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..generation import Step, StoppedError, Watch

Tell = Callable[[float, str], None]
"""Told a share of the work, 0..1, and what is being done."""


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
    """What runs, by user, so that each can stop their own work and nobody else's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, list[threading.Event]] = defaultdict(list)

    @contextmanager
    def of(self, user: str) -> Iterator[threading.Event]:
        """While some work of a user runs: set when they stop it."""
        stop = threading.Event()
        with self._lock:
            self._running[user].append(stop)
        try:
            yield stop
        finally:
            with self._lock:
                self._running[user].remove(stop)
                if not self._running[user]:
                    del self._running[user]

    def stop(self, user: str) -> int:
        """Ask all work of a user to stop. Returns how much there was."""
        with self._lock:
            stops = list(self._running.get(user, ()))
        for stop in stops:
            stop.set()
        return len(stops)
