"""The seam between the pipeline and whatever runs a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

Tensor = NDArray[Any]


@dataclass(frozen=True)
class TensorSpec:
    """What a graph says of one of its inputs or outputs.

    Attributes:
        name: Its name in the graph.
        shape: Its sides; ``None`` where the graph leaves one open.
        dtype: NumPy's name of its number type.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Session(Protocol):
    """One network, loaded and ready."""

    @property
    def description(self) -> str:
        """Which file on which engine and device, for people: ``"a.onnx on onnxruntime (CPU)"``."""
        ...

    @property
    def input(self) -> TensorSpec:
        """The one input."""
        ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs, in graph order."""
        ...

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Run the network; outputs in graph order. Safe to call from several threads."""
        ...
