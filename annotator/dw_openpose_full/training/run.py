"""A whole training: taken up where it was left, watched, measured, saved."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from ..errors import TrainingError, name_for_message
from ..export.weights_file import write_weights
from ..files import sweep_leftovers
from ..networks import RtmPose
from .beginnings import begin_with_, make_stage
from .feed import Feed
from .log import Log
from .loop import Learning, Step
from .preset import Preset
from .processes import Crew
from .report import Report, Tell
from .state import State, read_state, write_state
from .validation import Validation

STATE: Final = "last.pt"
BEST: Final = "best.safetensors"
FINAL: Final = "final.safetensors"
RANKED_BY: Final = ("wholebody", "body")
"""The parts whose average precision says which weights are the best; the second where the first is
the same, as it is 0 for long. Of equals the latest are."""

_MAY_CHANGE: Final = ("batch", "processes", "val_every")  # of a preset, when it is taken up again


@dataclass(frozen=True)
class Plan:
    """What is asked for.

    Attributes:
        preset: What is learned, and how.
        out: The folder of the training; of several machines, one that all of them see.
        teacher: Weights that teach.
        first: Weights to begin with.
        resume: Whether to go on with the state in ``out``; ``None`` if there is one.
        half: Whether to compute convolutions in bfloat16; ``None`` on GPUs alone.
        save_every: Steps from one saved state to the next.
        most_faults: Steps that may be left out for a loss that is not finite.
        most_unreadable: Share of the people who may be unreadable; one person always may.
    """

    preset: Preset
    out: Path
    teacher: Path | None = None
    first: Path | None = None
    resume: bool | None = None
    half: bool | None = None
    save_every: int = 1000
    most_faults: int = 10
    most_unreadable: float = 0.01


class Run:
    """A training under way; going through it trains.

    Attributes:
        total: Steps from the beginning to the end.
    """

    def __init__(
        self, plan: Plan, feed: Feed, crew: Crew, *, validation: Validation | None, tell: Tell
    ) -> None:
        """Make the networks, and take up the state that ``out`` holds.

        Args:
            plan: What is asked for.
            feed: People to learn from.
            crew: The processes; the first one speaks and writes.
            validation: People to measure with.
            tell: Where lines for people go.

        Raises:
            TrainingError: If it can not begin, or not be taken up.
            ModelError: If weights can not be read.
            OutputError: If ``out`` can not be written.
        """
        self._plan, self._feed, self._crew, self._validation = plan, feed, crew, validation
        half = crew.device.type == "cuda" if plan.half is None else plan.half
        stage = make_stage(plan.preset, crew.device, teacher=plan.teacher, half=half)
        if plan.first is not None:
            tell(begin_with_(stage, plan.first))
        self._learning = Learning(plan.preset, stage, crew, feed.steps_per_epoch)
        self.total = plan.preset.epochs * feed.steps_per_epoch
        self._best: tuple[float, ...] | None = None
        self._faults = 0
        self._unreadable: dict[int, str] = {}
        self._circumstances = _circumstances(plan, feed, crew, stage.digest, half=half)
        self._take_up()
        log = Log(plan.out, self.done) if crew.speaks else None
        people = plan.preset.batch * crew.count
        self._report = Report(log, tell, total=self.total, people=people)
        self._report.begins(self.done)

    @property
    def done(self) -> int:
        """Steps so far."""
        return self._learning.step

    @property
    def remaining(self) -> int:
        """Steps to come."""
        return self.total - self.done

    @property
    def result(self) -> Path:
        """The weights to use: the best that were measured, else the last."""
        best, final = self._plan.out / BEST, self._plan.out / FINAL
        return final if self._best is None else best

    def __iter__(self) -> Iterator[Step]:
        """Train to the end, step by step.

        Raises:
            TrainingError: If too many steps or people had to be left out.
            OutputError: If something can not be written.
            KeyboardInterrupt: When told to stop; the state is saved.
            SystemExit: When told to end; the state is saved.
        """
        try:
            with _watching_signals() as signals:
                for batch in self._feed.batches(self.done, self.total):
                    step = self._learning.learn_(batch.to(self._crew.device))
                    self._report.step(step)
                    self._count(step)
                    self._keep(step)
                    yield step
                    if self._crew.any(bool(signals)):
                        self._save()
                        self._report.stopped(self.done, self._plan.out / STATE)
                        _stop(signals)
            self._finish()
        finally:
            self._report.close()

    def _count(self, step: Step) -> None:
        """Name what was left out of a step, and stop when it is too much."""
        for person, why in step.unreadable.items():
            if person not in self._unreadable:
                self._unreadable[person] = why
                self._report.trouble(step.number, f"person {person} is replaced: {why}")
        most = max(1, int(self._plan.most_unreadable * self._feed.people))
        if len(self._unreadable) > most:
            raise TrainingError(
                f"{len(self._unreadable)} of {self._feed.people} people could not be read, more "
                f"than the {most} that may be; see what is wrong with the data"
            )
        if step.fault:
            self._faults += 1
            self._report.trouble(step.number, f"step {step.number} is left out: {step.fault}")
            if self._faults > self._plan.most_faults:
                raise TrainingError(
                    f"{self._faults} steps had to be left out, the last, {step.number}, because: "
                    f"{step.fault}; choose a lower rate, or look at these people"
                )

    def _keep(self, step: Step) -> None:
        """Measure and save, if it is time."""
        epoch, into = divmod(step.number, self._feed.steps_per_epoch)
        last = step.number == self.total
        measuring = not into and (last or not epoch % self._plan.preset.val_every)
        if measuring and self._validation is not None:
            self._measure(self._validation, step)
        if measuring or last or not step.number % self._plan.save_every:
            self._save()

    def _measure(self, validation: Validation, step: Step) -> None:
        """Measure the average of the weights, and keep it if it is the best."""
        weights = self._weights()
        scores, unreadable = validation.measure(RtmPose.from_state_dict(weights), self._crew)
        for line in unreadable:
            self._report.trouble(step.number, f"counted as not found: {line}")
        rank = tuple(scores[part] for part in RANKED_BY)
        best = rank[0] >= 0 and (self._best is None or rank >= self._best)
        if best:
            self._best = rank
            self._write_weights(BEST, f"AP {rank[0]:.4f} after step {step.number}")
        self._report.measured(step.number, step.epoch, scores, best=best)

    def _finish(self) -> None:
        """Write the result; all processes end together."""
        self._write_weights(FINAL, f"after step {self.done}")
        self._crew.wait()

    def _weights(self) -> dict[str, Any]:
        """The network as the average has it."""
        tensors = self._learning.stage.result(self._learning.average.tensors)
        return {key: tensor.clone() for key, tensor in tensors.items()}

    def _write_weights(self, name: str, when: str) -> None:
        preset = self._plan.preset
        if self._crew.speaks:
            write_weights(
                self._plan.out / name,
                self._weights(),
                input_size=preset.input_size,
                source=f"dw-openpose train {preset.name}, {when}",
            )

    def _save(self) -> None:
        """Save all that it takes to go on."""
        if self._crew.speaks:
            state = {
                "circumstances": self._circumstances,
                "best": self._best,
                "faults": self._faults,
                "unreadable": self._unreadable,
                **self._learning.state(),
            }
            write_state(self._plan.out / STATE, state)

    def _take_up(self) -> None:
        """Go on from a saved state, if that is wanted."""
        plan, path = self._plan, self._plan.out / STATE
        if self._crew.speaks:
            sweep_leftovers(plan.out)
        if plan.resume or (plan.resume is None and path.exists()):
            self._restore_(read_state(path), name_for_message(path))
        self._crew.check_alike(self.done, plan.out)

    def _restore_(self, state: State, name: str) -> None:
        try:
            _check_alike(state["circumstances"], self._circumstances, name)
            self._learning.restore_(state)
            self._best, self._faults = state["best"], state["faults"]
            self._unreadable = dict(state["unreadable"])
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(
                f"{name}: expected all that it takes to go on, got a state that does not fit "
                f"({error!r:.200}); begin anew with --fresh, or put back a copy"
            ) from error


def _circumstances(
    plan: Plan, feed: Feed, crew: Crew, teacher: str, *, half: bool
) -> Mapping[str, object]:
    """What must be the same when a training is taken up again."""
    row = {key: value for key, value in asdict(plan.preset).items() if key not in _MAY_CHANGE}
    return {
        **row,
        "people": feed.people,
        "data": feed.digest,
        "batch of all processes": plan.preset.batch * crew.count,
        "teacher's weights": teacher,
        "half": half,
    }


def _check_alike(found: Mapping[str, object], wanted: Mapping[str, object], name: str) -> None:
    """Refuse to go on with another training."""
    for key, value in wanted.items():
        if found.get(key) != value:
            raise TrainingError(
                f"{name}: this training was begun with {key} {found.get(key)!r}, not {value!r}; "
                "go on with that, or begin anew with --fresh or in another --out folder"
            )


@contextmanager
def _watching_signals() -> Iterator[list[int]]:
    """Have Ctrl-C and the wish of a scheduler wait for the end of a step; the second one does not.

    Gives a list to which the signal is added.
    """
    signals: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {
        number: signal.getsignal(number) or signal.SIG_DFL
        for number in (signal.SIGINT, signal.SIGTERM)
    }

    def note(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        for one, handler in before.items():
            signal.signal(one, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(signals: list[int]) -> None:
    """End as the signal would have it; another process' counts as a wish to end."""
    number = signals[0] if signals else signal.SIGTERM
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
