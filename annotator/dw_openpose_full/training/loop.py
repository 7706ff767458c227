"""One step after the other: look, compare, step, average; exact, counted, never silent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from .average import Average
from .feed import Batch
from .preset import Preset
from .processes import Crew
from .schedules import average_share, fade, learning_rate
from .stages import Stage
from .state import State


@dataclass(frozen=True)
class Step:
    """What one step was.

    Attributes:
        number: Counted from 1.
        epoch: Counted from 1.
        terms: What each part added to the loss, the mean of all processes.
        norm: Length of the gradient before it was clipped.
        rate: The learning rate.
        unreadable: Who could not be read and was replaced, by number, and why.
        fault: Why the step was left out; empty for a good one.
    """

    number: int
    epoch: int
    terms: Mapping[str, float]
    norm: float
    rate: float
    unreadable: Mapping[int, str]
    fault: str = ""

    @property
    def loss(self) -> float:
        """The sum of the terms."""
        return sum(self.terms.values())


class Learning:
    """A stage that learns.

    Attributes:
        stage: What learns.
        average: Of its weights.
        step: How many steps it has had, those left out too.
    """

    def __init__(self, preset: Preset, stage: Stage, crew: Crew, steps_per_epoch: int) -> None:
        """Begin with the stage as it is."""
        self._preset, self._crew, self._per_epoch = preset, crew, steps_per_epoch
        self.stage = stage
        self._shared = crew.wrapped(crew.synchronised(stage))
        self._optimiser = torch.optim.AdamW(
            decaying_and_not(stage, preset.weight_decay), lr=preset.rate
        )
        self._parameters = [p for p in stage.parameters() if p.requires_grad]
        self.average = Average(stage)
        self.step = 0

    def learn_(self, batch: Batch) -> Step:
        """Take one step; one whose loss or gradient is not finite leaves no trace but its fault."""
        epoch = self.step // self._per_epoch
        rate = learning_rate(self._preset, self.step, self._per_epoch)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        torch.manual_seed(self._preset.seed + self.step)  # of whatever a network may draw
        before = [buffer.clone() for buffer in self.stage.buffers()]
        self.stage.train()
        terms = self._shared(
            batch.crops, batch.keypoints, batch.labelled, fade(epoch, self._preset.epochs)
        )
        self._optimiser.zero_grad(set_to_none=True)
        sum(terms.values()).backward()
        norm = nn.utils.clip_grad_norm_(self._parameters, self._preset.clip)
        own = torch.stack([*(term.detach() for term in terms.values()), norm])
        *values, length, lost = self._crew.mean(
            torch.cat([own, own.new_tensor([len(batch.unreadable)])])
        ).tolist()
        fault = ""
        if not all(map(math.isfinite, [*values, length])):
            fault = self._fault(dict(zip([*terms, "gradient"], own.tolist(), strict=True)), batch)
            for buffer, old in zip(self.stage.buffers(), before, strict=True):
                buffer.copy_(old)
        else:
            self._optimiser.step()
            self.average.update_(average_share(self._preset, self.step))
        unreadable = dict(self._crew.gathered([*batch.unreadable.items()])) if lost else {}
        self.step += 1
        means = dict(zip(terms, values, strict=True))
        return Step(self.step, epoch + 1, means, length, rate, unreadable, fault)

    def state(self) -> State:
        """All that it takes to go on as if nothing had happened."""
        return {
            "step": self.step,
            "stage": dict(self.stage.state_dict()),
            "average": self.average.tensors,
            "optimiser": self._optimiser.state_dict(),
        }

    def restore_(self, state: State) -> None:
        """Go on from a state of the same training."""
        self.step = state["step"]
        self.stage.load_state_dict(state["stage"])
        self.average.restore_(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])

    def _fault(self, own: Mapping[str, float], batch: Batch) -> str:
        """What is not finite, and among whom; in all processes."""
        wrong = [name for name, value in own.items() if not math.isfinite(value)]
        people = ", ".join(map(str, batch.people))
        words = [f"{' and '.join(wrong)} not finite with people {people}"] if wrong else []
        return "; ".join(self._crew.gathered(words)) or "the processes' sum is not finite"


def decaying_and_not(module: nn.Module, decay: float) -> list[dict[str, object]]:
    """Parameters in two groups, as AdamW takes them: norms and biases do not decay."""
    groups: tuple[list[nn.Parameter], list[nn.Parameter]] = ([], [])
    for part in module.modules():
        is_norm = isinstance(part, (nn.BatchNorm2d, nn.SyncBatchNorm))
        for name, parameter in part.named_parameters(recurse=False):
            if parameter.requires_grad:
                groups[is_norm or name == "bias"].append(parameter)
    decaying, still = groups
    return [
        {"params": decaying, "weight_decay": decay},
        {"params": still, "weight_decay": 0.0},
    ]
