"""TorchScript programs: a network and its code in one file, opened only when its hash is known."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Collection, Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from ..errors import ModelError, name_for_message
from ..poses import ImageSize
from .rtmcc import SPLIT

SUFFIXES: Final = (".pt", ".torchscript")
"""Endings of files that ``TracedNetwork`` opens."""

# How many outputs networks have that look at pictures of this size; pose networks first.
_SIZES: Final = {
    ImageSize(384, 288): 2,
    ImageSize(256, 192): 2,
    ImageSize(256, 256): 2,
    ImageSize(640, 640): 1,
}
_BATCHES: Final = (1, 5, 2, 4, 8, 16, 3, 6, 7)  # 5 is that of the published files


class TracedNetwork:
    """A TorchScript program with the face of a ``Network``.

    What it takes is found by trying, once, as it is opened: the file does not say.

    Attributes:
        input_name: As the published exports have it.
        input_size: Height and width of the input.
        outputs: Name and shape, without the batch axis, of each output.
        fixed_batch: The only batch size it can run, or ``None`` for any.
    """

    def __init__(
        self, path: Path, *, trusted_sha256: Collection[str], device: torch.device
    ) -> None:
        """Open a program whose hash is trusted.

        Raises:
            ModelError: If the hash is not, or the program is not one of these networks.
        """
        self._source = name_for_message(path)
        self._program = _load(path, self._source, trusted_sha256, device)
        self._device = device
        shapes = self._probe()
        self.input_name = "input" if len(shapes) == 2 else "images"
        names = ("simcc_x", "simcc_y") if len(shapes) == 2 else ("output",)
        self.outputs = dict(zip(names, shapes, strict=True))

    def __call__(self, batch: Tensor) -> tuple[Tensor, ...]:
        """``(N, 3, H, W)`` to the outputs; ``N`` is ``fixed_batch`` if that is set."""
        answer = self._program(batch)
        return (answer,) if isinstance(answer, Tensor) else tuple(answer)

    def _probe(self) -> tuple[tuple[int, ...], ...]:
        """Find the input's size and batch; shapes of the outputs without the batch axis."""
        for batch, (size, outputs) in product(_BATCHES, self._sizes()):
            shapes = self._attempt(batch, size)
            if len(shapes) == outputs:
                self.input_size = size
                self.fixed_batch = None if batch == 1 and self._attempt(2, size) else batch
                return shapes
        raise ModelError(
            f"{self._source}: expected a TorchScript program of a pose network or a YOLOX, got one "
            f"that takes no batch of {', '.join(map(str, sorted(_BATCHES)))} pictures of a known "
            "size; use the .onnx or .safetensors file of the network"
        )

    def _sizes(self) -> Iterator[tuple[ImageSize, int]]:
        """Sizes worth trying: the one that the bins tell of, if the weights kept their names."""
        shapes = {
            name.rpartition("head.")[2]: p.shape for name, p in self._program.named_parameters()
        }
        if {"cls_x.weight", "cls_y.weight"} <= shapes.keys():
            height, width = (shapes[f"cls_{axis}.weight"][0] // SPLIT for axis in "yx")
            return iter([(ImageSize(height, width), 2)])
        return iter(_SIZES.items())

    def _attempt(self, batch: int, size: ImageSize) -> tuple[tuple[int, ...], ...]:
        """Shapes of the outputs without the batch axis; none if the program does not take it."""
        try:
            with torch.inference_mode():
                answers = self(torch.zeros(batch, 3, *size, device=self._device))
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError:
            return ()
        if any(answer.ndim != 3 or len(answer) != batch for answer in answers):
            return ()
        return tuple(tuple(answer.shape[1:]) for answer in answers)


def _load(path: Path, name: str, trusted: Collection[str], device: torch.device) -> Any:  # noqa: ANN401  a ScriptModule
    """Read the file once, so that what is run is what was hashed."""
    if path.exists() and not path.is_file():
        raise ModelError(f"{name} is no file; expected a TorchScript program; check the path")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{name}: can not be read ({error.strerror}); check the path") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest not in trusted:
        raise ModelError(
            f"{name}: a TorchScript file is a program, and its sha256 is not one that this "
            f"package knows ({digest}); use the .onnx or .safetensors file of the network, or name "
            "the file .pth if torch.save wrote it"
        )
    load: Callable[..., Any] = torch.jit.load
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the format, by torch 2.13
            return load(io.BytesIO(content), map_location=device).eval()
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{name}: torch can not load this program: {error}") from error
