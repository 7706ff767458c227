"""What two processes do together, kept for a test; started by torchrun.

Gradients of one step, by one process with a batch of 4 and by both with 2 each; and three steps of
which the second is spoilt in the second process.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from dw_openpose_full.training.beginnings import make_stage, new_network
from dw_openpose_full.training.loop import Learning
from dw_openpose_full.training.processes import Crew, gathered_crew
from dw_openpose_full.training.stages import FromTeacher, Frozen
from training_runner import ALONE, TINY, RandomPeople, feed


def gradients(batch: int, crew: Crew) -> dict[str, torch.Tensor]:
    """Of stage 1, all of whose losses count; batch norms use what they have learned."""
    preset = replace(TINY, stage=1, batch=batch)
    torch.manual_seed(1)
    teacher = Frozen(new_network(replace(TINY, widen=1 / 16)))
    student = new_network(preset)
    stage = FromTeacher(preset, student, teacher, half=False)
    shared = crew.wrapped(stage)
    stage.train()
    for module in stage.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    (one,) = feed(preset, RandomPeople(10), crew).batches(2, 3)
    sum(shared(one.crops, one.keypoints, one.labelled, 0.7).values()).backward()
    return {name: parameter.grad for name, parameter in stage.named_parameters()}


def spoilt(crew: Crew) -> dict[str, object]:
    """Faults and unreadable people of three steps, a mean, and the sum of all weights at last."""
    learning = Learning(TINY, make_stage(TINY, crew.device), crew, 10)
    people = RandomPeople(10, lost=frozenset({3}))
    steps = []
    for number, batch in enumerate(feed(TINY, people, crew).batches(0, 3)):
        if (number, crew.rank) == (1, 1):
            with torch.no_grad():
                weight = learning.stage.student.head.cls_x.weight
                kept = weight.clone()
                weight.fill_(torch.inf)
        steps.append(learning.learn_(batch))
        if (number, crew.rank) == (1, 1):
            with torch.no_grad():
                weight.copy_(kept)
    return {
        "faults": [step.fault for step in steps],
        "unreadable": [dict(step.unreadable) for step in steps],
        "mean rank": crew.mean(torch.tensor(float(crew.rank))).item(),
        "weights": sum(one.double().sum().item() for one in learning.stage.parameters()),
    }


def main(folder: Path) -> None:
    """Write both."""
    torch.set_num_threads(1)
    with gathered_crew("cpu") as crew:
        together = gradients(2, crew)
        (folder / f"spoilt-{crew.rank}.json").write_text(json.dumps(spoilt(crew)), encoding="utf-8")
        if crew.speaks:
            torch.save(together, folder / "together.pt")
            torch.save(gradients(4, ALONE), folder / "alone.pt")
        crew.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
