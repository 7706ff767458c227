"""Networks on PyTorch."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ..errors import ModelError, OptionError, name_for_message
from ..networks import Network, halve_, network_of, read_weights
from ..networks.checkpoint import SUFFIXES as WEIGHTS
from ..networks.torchscript import SUFFIXES as PROGRAMS
from ..networks.torchscript import TracedNetwork
from .session import Tensor, TensorSpec

_DEVICE: Final = re.compile(r"auto|cpu|mps|cuda(?::(\d+))?")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Placed:
    """A network on its device.

    Attributes:
        network: Ready to look.
        device: Where it is.
        dtype: Of what it takes.
        fixed_batch: The only batch size it can run, or ``None`` for any.
    """

    network: Network | TracedNetwork
    device: torch.device
    dtype: torch.dtype = torch.float32
    fixed_batch: int | None = None

    @property
    def place(self) -> str:
        """The device, for people."""
        return str(self.device).upper()

    def look(self, batch: Tensor) -> list[Tensor]:
        """Run the network in one go, on a batch filled up where its size is fixed."""
        count, size = len(batch), self.fixed_batch or len(batch)
        pictures = torch.zeros((size, *batch.shape[1:]), dtype=self.dtype, device=self.device)
        pictures[:count] = torch.from_numpy(np.array(batch, np.float32))
        with torch.inference_mode():
            return [answer[:count].float().cpu().numpy() for answer in self.network(pictures)]


class TorchSession:
    """A ``Session`` of PyTorch; outputs are float32, in the order of the published exports.

    On CUDA networks of this package run in float16, but for the keypoint tokens. A batch that does
    not fit on the GPU is halved, and the smaller size kept. When not even one picture fits, or the
    GPU fails, the network is opened anew on the CPU, for good, with one warning.
    """

    def __init__(
        self, path: Path, *, device: str = "auto", trusted_sha256: Collection[str] = ()
    ) -> None:
        """Load a network.

        Args:
            path: Weights (``.pth``, ``.safetensors``) or a TorchScript program (``.pt``).
            device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
            trusted_sha256: Hashes, in hexadecimal, of the programs that may be run.

        Raises:
            OptionError: If the device is none of these.
            ModelError: If the file is no network that can be used.
        """
        self._path, self._trusted_sha256 = path, trusted_sha256
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._limit: int | None = None  # of a batch, once the GPU's memory has set one
        wanted = _device(device)
        try:
            self._placed = _open(path, wanted, trusted_sha256)
        except RuntimeError as error:  # a GPU that is too full, or does not work
            self._move_to_cpu_(wanted, error)
        network = self._placed.network
        self.input = TensorSpec(network.input_name, (None, 3, *network.input_size), "float32")
        self.outputs = tuple(
            TensorSpec(name, (None, *shape), "float32") for name, shape in network.outputs.items()
        )

    @property
    def description(self) -> str:
        """Which file runs on what."""
        return f"{self._path.name} on torch ({self._placed.place})"

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Run the network on ``(N, 3, H, W)``; no pictures give no rows.

        Raises:
            ModelError: If the batch has another shape.
        """
        if batch.ndim != 4 or batch.shape[1:] != self.input.shape[1:]:
            wanted = ", ".join(map(str, self.input.shape[1:]))
            raise ModelError(
                f"{name_for_message(self._path)}: expected a batch of shape (N, {wanted}), got "
                f"{batch.shape}; cut the pictures to the size that the network takes"
            )
        self._mind_a_fork_()
        network = self._placed.network
        answers = tuple(
            np.empty((len(batch), *shape), np.float32) for shape in network.outputs.values()
        )
        with self._alone():
            start = 0
            while start < len(batch):
                parts = self._look(batch[start:])
                for answer, part in zip(answers, parts, strict=True):
                    answer[start : start + len(part)] = part
                start += len(parts[0])
        return answers

    def _mind_a_fork_(self) -> None:
        """Have torch compute on one thread in a forked process: it waits for ever for others."""
        if self._process != os.getpid():
            torch.set_num_threads(1)
            self._process = os.getpid()

    def _alone(self) -> AbstractContextManager[object]:
        """One thread at a time on a GPU, where a batch may have to shrink or to move."""
        return nullcontext() if self._placed.device.type == "cpu" else self._lock

    def _look(self, batch: Tensor) -> list[Tensor]:
        """Answers to the first pictures of a batch, to as many as can be run at once."""
        while True:
            placed = self._placed
            piece = batch[: placed.fixed_batch or self._limit]
            try:
                return placed.look(piece)
            except RuntimeError as error:
                if placed.device.type == "cpu":
                    raise
                if _is_out_of_memory(error) and len(piece) > 1 and not placed.fixed_batch:
                    self._limit = len(piece) // 2
                else:
                    self._move_to_cpu_(placed.device, error)

    def _move_to_cpu_(self, device: torch.device, error: RuntimeError) -> None:
        """Open the network anew: after some failures a GPU does not even give it back."""
        if device.type == "cpu":
            raise error
        _log.warning(
            "%s: failed on %s (%s); it runs on the CPU from now on",
            name_for_message(self._path),
            str(device).upper(),
            str(error).partition("\n")[0],
        )
        self._placed = _open(self._path, torch.device("cpu"), self._trusted_sha256)
        self._limit = None


def _open(path: Path, device: torch.device, trusted_sha256: Collection[str]) -> _Placed:
    """Open a file as what its ending says, on a device."""
    if path.suffix.lower() in PROGRAMS:
        program = TracedNetwork(path, trusted_sha256=trusted_sha256, device=device)
        return _Placed(program, device, fixed_batch=program.fixed_batch)
    if path.suffix.lower() not in WEIGHTS:
        raise ModelError(
            f"{name_for_message(path)}: expected a file that ends in one of "
            f"{', '.join(WEIGHTS + PROGRAMS)}; files of other kinds are for other backends"
        )
    network = network_of(read_weights(path))
    dtype = _precision(device)
    if dtype == torch.float16:
        halve_(network)
    return _Placed(network.to(device), device, dtype)


def _precision(device: torch.device) -> torch.dtype:
    """What networks of this package compute in."""
    return torch.float16 if device.type == "cuda" else torch.float32


def _device(name: str) -> torch.device:
    """A device by name; the CPU, with one warning, where torch has no such device."""
    match = _DEVICE.fullmatch(name)
    if match is None:
        raise OptionError(f"device must be auto, cpu, cuda, cuda:N or mps, got {name!r}")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next((kind for kind, here in present.items() if here), "cpu"))
    device = torch.device(name)
    if not present.get(device.type, True):
        _log.warning("torch finds no %s device; networks run on the CPU", device.type.upper())
        return torch.device("cpu")
    if match[1] and int(match[1]) >= torch.cuda.device_count():
        raise OptionError(
            f"device must be below cuda:{torch.cuda.device_count()} on this machine, got {name!r}"
        )
    return device


def _is_out_of_memory(error: RuntimeError) -> bool:
    """CUDA has a class for it, Metal only words."""
    return isinstance(error, torch.cuda.OutOfMemoryError) or "out of memory" in str(error)
