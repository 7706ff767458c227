"""The processes that train one network together, one for each GPU, or one alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ..errors import OptionError, TrainingError, name_for_message

_DEVICES: Final = ("auto", "cpu", "cuda", "mps")
_PATIENCE: Final = timedelta(hours=1)  # the first process measures and writes, the others wait

Item = TypeVar("Item")


@dataclass(frozen=True)
class Crew:
    """This process among those that train together.

    Attributes:
        device: Where it computes.
        rank: Its number; the first, 0, speaks and writes.
        count: How many there are.
        leads: Whether it is the first of its machine.
        here: How many there are on its machine.
    """

    device: torch.device
    rank: int = 0
    count: int = 1
    leads: bool = True
    here: int = 1

    @property
    def speaks(self) -> bool:
        """Whether this is the one that speaks and writes."""
        return self.rank == 0

    def wrapped(self, stage: nn.Module) -> nn.Module:
        """A module whose gradients are the mean of all processes'."""
        if self.count == 1:
            return stage
        here = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(stage, device_ids=here, gradient_as_bucket_view=True)

    def synchronised(self, stage: nn.Module) -> nn.Module:
        """A module whose batch norms see the people of all processes; on GPUs alone."""
        if self.count == 1 or self.device.type != "cuda":
            return stage
        made: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(stage)
        return made

    def mean(self, numbers: Tensor) -> Tensor:
        """The mean of all processes' numbers; NaN where any has one."""
        if self.count > 1:
            distributed.all_reduce(numbers)
            numbers /= self.count
        return numbers

    def gathered(self, items: list[Item]) -> list[Item]:
        """All processes' lists in one, in the order of the processes."""
        if self.count == 1:
            return items
        lists: list[Any] = [None] * self.count
        distributed.all_gather_object(lists, items)
        return [item for one in lists for item in one]

    def any(self, flag: bool) -> bool:  # noqa: FBT001  it is the whole question
        """Whether it is so in any process."""
        return bool(self.mean(torch.tensor(float(flag), device=self.device)))

    def check_alike(self, step: int, folder: Path) -> None:
        """Refuse to go on from different steps.

        Raises:
            TrainingError: If the processes do not see the same folder.
        """
        steps = set(self.gathered([step]))
        if len(steps) > 1:
            raise TrainingError(
                f"{name_for_message(folder)}: the processes found states of the steps "
                f"{', '.join(map(str, sorted(steps)))}; choose an --out that all machines see"
            )

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """The first process of each machine goes through the block before the others do."""
        if not self.leads:
            self.wait()
        yield
        if self.leads:
            self.wait()

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            distributed.barrier()


@contextmanager
def gathered_crew(device: str) -> Iterator[Crew]:
    """Join the processes that ``torchrun`` has started, or be alone without it.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; of several processes of one
            machine each takes the GPU of its own number.

    Raises:
        OptionError: If there is no such device.
        TrainingError: If torchrun's words are incomplete, or a machine has fewer GPUs than
            processes.
    """
    count = _word("WORLD_SIZE", 1)
    local, rank = _word("LOCAL_RANK", 0), _word("RANK", 0)
    place = _device(device, local if count > 1 else None)
    if place.type == "cuda":
        torch.cuda.set_device(place)
    if count == 1:
        yield Crew(place)
        return
    distributed.init_process_group(
        "nccl" if place.type == "cuda" else "gloo", timeout=_PATIENCE, device_id=_bound(place)
    )
    try:
        here = _word("LOCAL_WORLD_SIZE", 1)
        yield Crew(place, rank, count, leads=local == 0, here=here)
    finally:
        distributed.destroy_process_group()


def _bound(place: torch.device) -> torch.device | None:
    """The GPU that a process keeps to."""
    return place if place.type == "cuda" else None


def _device(name: str, local: int | None) -> torch.device:
    """A device by name, proven to be there."""
    kind, _, number = name.partition(":")
    if kind not in _DEVICES or (number and not (kind == "cuda" and number.isdecimal())):
        raise OptionError(f"device must be auto, cpu, cuda, cuda:N or mps, got {name!r}")
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind == "auto":
        kind = next((kind for kind, present in here.items() if present), "cpu")
    if not here.get(kind, True):
        raise OptionError(f"torch finds no {kind.upper()} device here; choose --device cpu")
    if kind != "cuda":
        return torch.device(kind)
    index, present = int(number or local or 0), torch.cuda.device_count()
    if local is not None and number:
        raise OptionError("of several processes each takes its own GPU; choose --device cuda")
    if index >= present:
        raise TrainingError(
            f"expected GPU {index}, this machine has {present}; start as many processes as it has"
        )
    return torch.device(kind, index)


def _word(name: str, default: int) -> int:
    """A number that torchrun left in the environment."""
    value = os.environ.get(name, str(default))
    if not value.isdecimal():
        raise TrainingError(f"{name}: expected the number that torchrun sets, got {value!r}")
    return int(value)
