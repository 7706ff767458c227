"""Batches: who is seen in which step, read by worker processes, the unreadable replaced.

Everything follows from seed, epoch and number: the order of an epoch is one permutation, a step
takes the next of it for all processes together, and the same step is the same people on any number
of processes. So a training can be taken up in the middle of an epoch, and every process has as
many steps of as many people as the others: the last step of an epoch is filled from its beginning.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..datasets.samples import Sample, SampleSource
from ..errors import DwPoseError, TrainingError
from ..poses import ImageSize, IntArray

Place = tuple[int, int]
"""Epoch, and number of a person."""

_TRIES: Final = 20  # others to take where one can not be read


@dataclass(frozen=True, eq=False)
class Batch:
    """People of one step of one process.

    Attributes:
        crops: ``(N, H, W, 3)`` uint8.
        keypoints: ``(N, 133, 2)`` float32, in pixels of the crop.
        labelled: ``(N, 133)`` bool.
        people: Their numbers.
        unreadable: Who could not be read and was replaced, by number, and why.
    """

    crops: Tensor
    keypoints: Tensor
    labelled: Tensor
    people: tuple[int, ...]
    unreadable: dict[int, str]

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return self._mapped(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """The same in memory that a GPU reads by itself."""
        return self._mapped(lambda tensor: tensor.pin_memory())

    def _mapped(self, change: Any) -> Batch:  # noqa: ANN401  a function of tensors
        return replace(
            self,
            crops=change(self.crops),
            keypoints=change(self.keypoints),
            labelled=change(self.labelled),
        )


@dataclass(frozen=True)
class Share:
    """Which people of each step are a process's own.

    Attributes:
        people: How many there are.
        batch: Of one process.
        rank: Of this process.
        processes: How many there are.
        seed: Of the order.
    """

    people: int
    batch: int
    rank: int = 0
    processes: int = 1
    seed: int = 0

    @property
    def steps_per_epoch(self) -> int:
        """Steps until everybody was seen."""
        return -(-self.people // (self.batch * self.processes))

    def order(self, epoch: int) -> IntArray:
        """Everybody in the order of an epoch, filled from its beginning to whole steps."""
        shuffled = np.random.default_rng([self.seed, epoch]).permutation(self.people)
        return np.resize(shuffled, self.steps_per_epoch * self.batch * self.processes)

    def places(self, first: int, last: int) -> Iterator[list[Place]]:
        """The people of steps ``first`` up to, not with, ``last``, over the epochs."""
        per_epoch, epoch, order = self.steps_per_epoch, -1, np.empty(0, np.int64)
        for step in range(first, last):
            if step // per_epoch != epoch:
                epoch = step // per_epoch
                order = self.order(epoch)
            start = ((step % per_epoch) * self.processes + self.rank) * self.batch
            yield [(epoch, int(person)) for person in order[start : start + self.batch]]


class Feed:
    """Gives the batches of one process.

    Attributes:
        people: How many there are to learn from.
        digest: What tells them from others.
        steps_per_epoch: How many make an epoch.
    """

    def __init__(
        self,
        source: SampleSource,
        share: Share,
        size: ImageSize,
        *,
        workers: int,
        pin: bool = False,
    ) -> None:
        """Take a source.

        Args:
            source: Of samples; workers get a copy of it.
            share: Whom this process gets.
            size: Of the crops.
            workers: Processes that read; 0 reads in this one.
            pin: Whether a GPU is waiting for them.

        Raises:
            TrainingError: If there is nobody.
        """
        if not len(source):
            raise TrainingError("expected people to learn from, the data hold none")
        self.people, self.digest = len(source), source.digest
        self.steps_per_epoch = share.steps_per_epoch
        self._share, self._workers, self._pin = share, workers, pin
        self._reader = _Reader(source, share.seed, size)

    def batches(self, first: int, last: int) -> Iterator[Batch]:
        """The batches of steps ``first`` up to, not with, ``last``, counted over all epochs."""
        workers = min(self._workers, last - first)
        loader = DataLoader(
            self._reader,
            batch_sampler=self._share.places(first, last),
            collate_fn=_as_it_is,
            num_workers=workers,
            worker_init_fn=_settle,
            multiprocessing_context="spawn" if workers else None,  # forks and threads quarrel
            pin_memory=self._pin,
        )
        try:
            batches = iter(loader)
            _leave_children_alone()
            yield from batches
        except (ConnectionError, EOFError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "DataLoader worker" not in str(error):
                raise
            raise TrainingError(
                f"a process that reads pictures was ended ({error}); perhaps memory is short: "
                "choose fewer --workers; the same command goes on"
            ) from error


class _Reader:
    """Reads whole batches, in whatever process; has the face of torch's data sets."""

    def __init__(self, source: SampleSource, seed: int, size: ImageSize) -> None:
        self._source, self._seed, self._size = source, seed, size

    def __getitems__(self, places: list[Place]) -> Batch:
        """Read people, and others in place of those who can not be read."""
        unreadable: dict[int, str] = {}
        samples = [self._read(*place, unreadable) for place in places]
        return Batch(
            torch.from_numpy(np.stack([sample.crop for sample in samples])),
            torch.from_numpy(np.stack([sample.keypoints for sample in samples])).float(),
            torch.from_numpy(np.stack([sample.labelled for sample in samples])),
            tuple(person for _, person in places),
            unreadable,
        )

    def _read(self, epoch: int, person: int, unreadable: dict[int, str]) -> Sample:
        """One person, or another who does not depend on chance."""
        others = np.random.default_rng([self._seed, epoch, person])
        for _ in range(_TRIES):
            try:
                return self._checked(self._source.sample(person, epoch))
            except (DwPoseError, OSError) as error:
                unreadable[person] = str(error)
            person = int(others.integers(len(self._source)))
        raise TrainingError(
            f"{_TRIES} people in a row could not be read; the last: {list(unreadable.values())[-1]}"
        )

    def _checked(self, sample: Sample) -> Sample:
        if ImageSize.of(sample.crop) != self._size:
            raise TrainingError(
                f"expected crops of {self._size.width} x {self._size.height}, the data gave "
                f"{sample.crop.shape[1]} x {sample.crop.shape[0]}"
            )
        return sample


def _as_it_is(batch: Batch) -> Batch:
    """Batches come whole."""
    return batch


def _settle(_worker: int) -> None:
    """Have a worker use one core, and end when its training does, not at Ctrl-C."""
    threading.Thread(target=_end_with_training, daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _end_with_training() -> None:
    """Leave when the process that trains is gone, or was before this one had begun to work.

    Torch's own watch takes whoever is the parent then for the one that trains.
    """
    training = multiprocessing.parent_process()
    if training is not None:
        training.join()
        os._exit(1)


def _leave_children_alone() -> None:
    """Have the end of a worker be noticed when its batch is due.

    Torch would raise an error as soon as the system tells of it, in whatever line that is.
    """
    if hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
