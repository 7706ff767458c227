"""Graphs of ONNX files under construction: planned first, weights drawn or given on saving."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Floats = NDArray[np.float32]
Draw = Callable[[np.random.Generator], NDArray[Any]]
OPSET = 11  # of the released files
SPP_POOLS = (5, 9, 13)


@dataclass(frozen=True)
class Map:
    """A tensor of the graph: its name and its sides but for the batch."""

    name: str
    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Weight:
    """A tensor of the file, not made yet: a constant, or drawn, or learned by another network."""

    name: str
    draw: Draw
    shape: tuple[int, ...] | None = None  # None for a constant, which nobody learns

    def made(self, rng: np.random.Generator, learned: Mapping[str, Floats] | None) -> NDArray[Any]:
        if learned is None or self.shape is None:
            return self.draw(rng)
        return np.ascontiguousarray(learned[self.name], np.float32).reshape(self.shape)


@dataclass
class Network:
    """A graph under construction; methods append to it and return what they made.

    ``parameters`` counts as training does, two for each channel of a batch normalisation, which in
    a file is folded into one bias; ``multiply_adds`` counts convolutions and matrix products.
    """

    seed: int = 0
    parameters: int = 0
    multiply_adds: int = 0
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    outputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    scope: list[str] = field(default_factory=list)

    @contextmanager
    def under(self, key: str) -> Iterator[None]:
        """What is made inside has keys that begin with this one, as in a checkpoint."""
        self.scope.append(key)
        yield
        self.scope.pop()

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        array: NDArray[Any] = np.asarray(value, dtype)
        self.weights.append(Weight(f"c{len(self.weights)}", lambda _: array))
        return self.weights[-1].name

    def learned(self, key: str, shape: tuple[int, ...], draw: Draw) -> str:
        name = ".".join([*self.scope, key])
        assert all(weight.name != name for weight in self.weights), name
        self.weights.append(Weight(name, draw, shape))
        return name

    def gaussian(
        self, key: str, shape: tuple[int, ...], deviation: float, mean: float = 0.0
    ) -> str:
        def draw(rng: np.random.Generator) -> Floats:
            values = rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)
            return values + np.float32(mean)

        return self.learned(key, shape, draw)

    def ones(self, key: str, count: int = 1) -> str:
        return self.learned(key, (count,), lambda _: np.ones(count, np.float32))

    def node(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def split(self, x: str, sides: Sequence[int], axis: int) -> list[str]:
        names = [f"split{len(self.nodes)}_{part}" for part in range(len(sides))]
        self.nodes.append(helper.make_node("Split", [x], names, axis=axis, split=list(sides)))
        return names

    def convolve(
        self, x: Map, out: int, kernel: int, *, stride: int = 1, groups: int = 1,
        gain: float = 1.3, bias: float = 0.0, normalised: bool = True,
    ) -> Map:  # fmt: skip
        pad = kernel // 2
        height, width = ((s + 2 * pad - kernel) // stride + 1 for s in (x.height, x.width))
        shape = (out, x.channels // groups, kernel, kernel)
        self.parameters += math.prod(shape) + out * (2 if normalised else 1)
        self.multiply_adds += math.prod(shape) * height * width
        weight = self.gaussian("weight", shape, gain / math.sqrt(math.prod(shape[1:])))
        name = self.node(
            "Conv", x.name, weight, self.gaussian("bias", (out,), 0.05 * gain, bias),
            dilations=[1, 1], group=groups, kernel_shape=[kernel] * 2, pads=[pad] * 4,
            strides=[stride] * 2,
        )  # fmt: skip
        return Map(name, out, height, width)

    def silu(self, name: str) -> str:
        return self.node("Mul", name, self.node("Sigmoid", name))

    def block(self, key: str, x: Map, out: int, kernel: int, **how: Any) -> Map:
        """Convolution, (folded) batch normalisation, SiLU."""
        with self.under(key):
            y = self.convolve(x, out, kernel, **how)
        return Map(self.silu(y.name), y.channels, y.height, y.width)

    def joined(self, *maps: Map) -> Map:
        first = maps[0]
        name = self.node("Concat", *(one.name for one in maps), axis=1)
        return Map(name, sum(one.channels for one in maps), first.height, first.width)

    def added(self, a: Map, b: Map) -> Map:
        return Map(self.node("Add", a.name, b.name), a.channels, a.height, a.width)

    def pooled(self, x: Map, out: int) -> Map:
        """SPP: halve the channels, look at three scales, join."""
        x = self.block("conv1", x, x.channels // 2, 1)
        pools = [
            Map(
                self.node("MaxPool", x.name, kernel_shape=[side] * 2, pads=[side // 2] * 4,
                          strides=[1, 1]),
                x.channels, x.height, x.width,
            )
            for side in SPP_POOLS
        ]  # fmt: skip
        return self.block("conv2", self.joined(x, *pools), out, 1)

    def doubled(self, x: Map) -> Map:
        nothing, scales = self.constant([]), self.constant([1, 1, 2, 2])
        name = self.node(
            "Resize", x.name, nothing, scales, mode="nearest", nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )  # fmt: skip
        return Map(name, x.channels, 2 * x.height, 2 * x.width)

    def linear(  # noqa: PLR0917
        self, key: str, x: str, rows: int, into: int, out: int, gain: float = 1.0
    ) -> str:
        self.parameters += into * out
        self.multiply_adds += rows * into * out
        weight = self.gaussian(f"{key}.weight", (into, out), gain / math.sqrt(into))
        return self.node("MatMul", x, weight)

    def save(self, path: Path, learned: Mapping[str, Floats] | None = None) -> Path:
        """Write the file, with weights of the seed, or with another network's.

        Args:
            path: Of the file.
            learned: All weights by key, as :func:`exported` makes them.
        """
        rng = np.random.default_rng(self.seed)
        tensors = [
            numpy_helper.from_array(weight.made(rng, learned), weight.name)
            for weight in self.weights
        ]
        graph = helper.make_graph(self.nodes, "faithful", self.inputs, self.outputs, tensors)
        opsets = [helper.make_opsetid("", OPSET)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=6), path)
        return path


def exported(state: Mapping[str, NDArray[Any]], epsilon: float) -> dict[str, Floats]:
    """What an export makes of a checkpoint: each batch normalisation folded into its convolution.

    Args:
        state: Tensors by key, as mmpose and mmdet name them.
        epsilon: Of the batch normalisations.
    """
    learned: dict[str, Floats] = {}
    for key, value in state.items():
        stem, _, last = key.rpartition(".")
        block = stem.removesuffix(".conv").removesuffix(".bn")
        if f"{block}.bn.weight" not in state or block == stem:
            turned = value.ndim == 2 and last == "weight"  # of a linear layer
            learned[key] = value.T if turned else value
    for key in [key for key in state if key.endswith(".bn.weight")]:
        block = key.removesuffix(".bn.weight")
        mean, variance, shift = (
            state[f"{block}.bn.{name}"].astype(np.float64)
            for name in ("running_mean", "running_var", "bias")
        )
        factor = state[key] / np.sqrt(variance + epsilon)
        convolution = state[f"{block}.conv.weight"] * factor[:, None, None, None]
        learned[f"{block}.weight"] = convolution.astype(np.float32)
        learned[f"{block}.bias"] = (shift - mean * factor).astype(np.float32)
    return learned
