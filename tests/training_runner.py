"""Small trainings on random people, in this process or as a program in another.

As a program, ``training_runner.py OUT WHAT NUMBER``: ``kill`` ends a training without a word, as
``kill -9`` does, after a step; ``halve`` does so in the middle of writing a state; ``wait`` trains
with worker processes until it is told to stop; ``lose`` has one of them killed; ``leave`` is ended
as by ``kill -9`` while one begins; ``read`` keeps batches that they read.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dw_openpose_full.datasets.samples import Sample
from dw_openpose_full.errors import DataSetError, TrainingError
from dw_openpose_full.training.feed import Feed, Share
from dw_openpose_full.training.loop import Step
from dw_openpose_full.training.preset import Preset
from dw_openpose_full.training.processes import Crew
from dw_openpose_full.training.run import Plan, Run

ALONE = Crew(torch.device("cpu"))
TINY = Preset(
    "tiny", widen=1 / 32, blocks=(1, 1, 1, 1), height=64, width=64, token=16, key=8, batch=2,
    warm_up=3, epochs=3, val_every=2, clip=1.0,
)  # fmt: skip


@dataclass(frozen=True)
class RandomPeople:
    """A ``SampleSource`` of noise.

    Attributes:
        count: How many people there are.
        lost: Those who can not be read.
        size: Of the crops.
    """

    count: int = 10
    lost: frozenset[int] = frozenset()
    size: tuple[int, int] = (64, 64)

    @property
    def digest(self) -> str:
        """Differs with what is shown."""
        return f"noise of {self.count}"

    def __len__(self) -> int:
        return self.count

    def sample(self, index: int, epoch: int) -> Sample:
        """Noise that follows from index and epoch."""
        if index in self.lost:
            raise DataSetError(f"picture-{index}.jpg: not whole")
        chance = np.random.default_rng([index, epoch])
        return Sample(
            chance.integers(0, 256, (*self.size, 3), dtype=np.uint8),
            chance.uniform(0, 64, (133, 2)).astype(np.float32),
            chance.random(133) < 0.7,
        )


def feed(preset: Preset, people: Any, crew: Crew = ALONE, workers: int = 0) -> Feed:
    """Batches of people for a preset."""
    share = Share(len(people), preset.batch, crew.rank, crew.count, preset.seed)
    return Feed(people, share, preset.input_size, workers=workers)


@dataclass
class Training:
    """One training, gone through with :meth:`go`.

    Attributes:
        said: What it told people.
        steps: What its steps were.
    """

    out: Path
    preset: Preset = TINY
    people: Any = RandomPeople()
    workers: int = 0
    validation: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    run: Run | None = None

    def go(self, each: Callable[[Run, Step], None] = lambda _run, _step: None) -> Training:
        """Train to the end, or to whatever ends it."""
        plan = Plan(self.preset, self.out, **{"save_every": 2, **self.options})
        batches = feed(self.preset, self.people, workers=self.workers)
        self.run = Run(plan, batches, ALONE, validation=self.validation, tell=self.said.append)
        for step in self.run:
            self.steps.append(step)
            each(self.run, step)
        return self


def kill(out: Path, last: int) -> None:
    """Train, and end as nothing else does."""
    torch.set_num_threads(1)

    def end(_run: Run, step: Step) -> None:
        if step.number == last:
            os.kill(os.getpid(), signal.SIGKILL)

    Training(out).go(end)


def halve(out: Path, count: int) -> None:
    """Train, and end when half of a state is written."""
    torch.set_num_threads(1)
    real, numbers = torch.save, iter(range(1, count + 1))

    def save(state: Any, file: Any) -> None:
        if next(numbers) == count:
            file.write(b"PK\x03\x04 and no more")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        real(state, file)

    torch.save = save
    Training(out).go()


def wait(out: Path, workers: int) -> None:
    """Train without end, and say when it has begun."""
    torch.set_num_threads(1)
    training = Training(out, replace(TINY, epochs=10_000), workers=workers)

    def begun(_run: Run, step: Step) -> None:
        if step.number == 1:
            sys.stdout.write("begun\n")
            sys.stdout.flush()

    training.go(begun)


def lose(out: Path, workers: int) -> None:
    """Train until a worker is gone, and say what that leads to."""

    def strike(_run: Run, step: Step) -> None:
        if step.number == 1:
            multiprocessing.active_children()[0].kill()

    try:
        Training(out, replace(TINY, epochs=10_000), workers=workers).go(strike)
    except TrainingError as error:
        sys.stdout.write(str(error))


@dataclass(frozen=True)
class SlowlySent(RandomPeople):
    """Does not arrive in a worker before the training is gone.

    Attributes:
        trace: Where the worker writes its number.
    """

    trace: Path = Path()
    training: int = field(default_factory=os.getpid)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Wait."""
        self.__dict__.update(state)
        self.trace.write_text(str(os.getpid()))
        while os.getppid() == self.training:
            time.sleep(0.01)


def leave(out: Path, workers: int) -> None:
    """Train, and end without a word while the first worker begins."""

    def end() -> None:
        while not (out / "worker").exists() or not (out / "worker").read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=end).start()
    Training(out, TINY, SlowlySent(trace=out / "worker"), workers=workers).go()


def read(out: Path, workers: int) -> None:
    """Keep some batches."""
    people = RandomPeople(7, lost=frozenset({2}))
    batches = [vars(batch) for batch in feed(TINY, people, workers=workers).batches(1, 6)]
    torch.save(batches, out / f"{workers}.pt")


if __name__ == "__main__":
    folder, what, number = sys.argv[1:]
    does = {"kill": kill, "halve": halve, "wait": wait, "lose": lose, "leave": leave, "read": read}
    does[what](Path(folder), int(number))
