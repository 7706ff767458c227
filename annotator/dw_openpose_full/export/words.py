"""What the steps of our networks are called in ONNX.

Plain words only, which engines have read alike for years: OpenCV takes HardSigmoid and Mul for
HardSwish, whatever is multiplied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .onnx_writing import Attribute, GraphWriter, type_number

_aten: Final = torch.ops.aten


class Learned(NamedTuple):
    """Weights, and what is made of nothing else.

    Attributes:
        key: In the network's ``state_dict``.
        tensor: On the CPU.
    """

    key: str
    tensor: Tensor


class Conv(NamedTuple):
    """A convolution.

    Attributes:
        key: Of its module in the network.
        taken: Name of what it takes.
        weight: Its kernels, ``(C', C / groups, h, w)``.
        bias: ``(C',)``, if it has one.
        attributes: Strides, borders, dilations and groups, in ONNX's words.
    """

    key: str
    taken: str
    weight: Tensor
    bias: Tensor | None
    attributes: dict[str, Attribute]


WriteConv = Callable[[GraphWriter, Conv], str]
"""Adds a convolution to a graph; gives the name of what it makes."""


def write_conv(graph: GraphWriter, conv: Conv) -> str:
    """Write a convolution as it is."""
    names = [graph.tensor(conv.weight.numpy(), f"{conv.key}.weight")]
    if conv.bias is not None:
        names.append(graph.tensor(conv.bias.numpy(), f"{conv.key}.bias"))
    return graph.step("Conv", conv.taken, *names, **conv.attributes)


@dataclass(frozen=True)
class Step:
    """One step of a network, and the graph that it goes to.

    Attributes:
        graph: Grows.
        write_conv: Writes convolutions.
        given: Arguments by torch's names; what steps have made, by its name in the graph.
        rank: Sides of the first tensor taken.
        shape: Of the tensor made.
        dtype: Its number type.
    """

    graph: GraphWriter
    write_conv: WriteConv
    given: Mapping[Any, Any]
    rank: int
    shape: tuple[Any, ...]
    dtype: str

    def add(self, word: str, *values: str | float | Learned, **attributes: Attribute) -> str:
        """Add a step of ONNX; numbers and weights become constants."""
        return self.graph.step(word, *map(self.name, values), **attributes)

    def name(self, value: str | float | Learned) -> str:
        """The name of a value in the graph."""
        if isinstance(value, str):
            return value
        if isinstance(value, Learned):
            return self.graph.tensor(value.tensor.numpy(), value.key)
        return self.graph.tensor(np.array(value, self.dtype))

    def axis(self, name: str = "dim") -> int:
        """An axis, counted from the first."""
        return int(self.given[name]) % self.rank

    def unary(self, word: str, **attributes: Attribute) -> str:
        """Add a step that takes ``self``."""
        return self.add(word, self.given["self"], **attributes)

    def binary(self, word: str) -> str:
        """Add a step that takes ``self`` and ``other``."""
        return self.add(word, self.given["self"], self.given["other"])


def _conv(step: Step) -> str:
    given, weight, bias = step.given, step.given["weight"], step.given["bias"]
    attributes: dict[str, Attribute] = {
        "kernel_shape": list(weight.tensor.shape[2:]),
        "strides": given["stride"],
        "pads": [*given["padding"], *given["padding"]],
        "dilations": given["dilation"],
        "group": given["groups"],
    }
    key = weight.key.removesuffix(".weight")
    conv = Conv(key, given["input"], weight.tensor, bias and bias.tensor, attributes)
    return step.write_conv(step.graph, conv)


def _silu(step: Step) -> str:
    return step.add("Mul", step.given["self"], step.unary("Sigmoid"))


def _hard_sigmoid(step: Step) -> str:
    clipped = step.add("Clip", step.add("Add", step.given["self"], 3.0), 0.0, 6.0)
    return step.add("Div", clipped, 6.0)


def _mean(step: Step) -> str:
    """Over height and width, which stay."""
    return step.unary("GlobalAveragePool")


def _max_pool(step: Step) -> str:
    given = step.given
    pads = [*given["padding"], *given["padding"]]
    return step.unary(
        "MaxPool", kernel_shape=given["kernel_size"], strides=given["stride"], pads=pads
    )


def _concatenate(step: Step) -> str:
    return step.add("Concat", *step.given["tensors"], axis=step.axis())


def _reshape(step: Step) -> str:
    sides = [side if isinstance(side, int) else -1 for side in step.shape]
    return step.add("Reshape", step.given["self"], step.graph.tensor(np.array(sides, np.int64)))


def _cast(step: Step) -> str:
    return step.unary("Cast", to=type_number(step.dtype))


def _norm(step: Step) -> str:
    (axis,) = step.given["dim"]
    return step.unary("ReduceL2", axes=[axis % step.rank], keepdims=1)


def _clamp(step: Step) -> str:
    return step.add("Clip", step.given["self"], step.given["min"])


def _linear(step: Step) -> str:
    weight = step.given["weight"]
    turned = Learned(weight.key, weight.tensor.T)
    return step.add("MatMul", step.given["input"], turned)


def _split(step: Step) -> list[str]:
    sizes = step.given["split_sizes"]
    sides = step.graph.tensor(np.array(sizes, np.int64))
    taken = step.given["self"]
    names = [f"{taken}_{part}" for part in range(len(sizes))]
    step.graph.make(names, "Split", taken, sides, axis=step.axis())
    return names


def _transpose(step: Step) -> str:
    order = list(range(step.rank))
    first, second = step.axis("dim0"), step.axis("dim1")
    order[first], order[second] = order[second], order[first]
    return step.unary("Transpose", perm=order)


def _square(step: Step) -> str:
    return step.add("Mul", step.given["self"], step.given["self"])


def _slice(step: Step) -> str:
    bounds = (step.given["start"] or 0, step.given["end"], step.axis(), step.given["step"])
    names = [step.graph.tensor(np.array([bound], np.int64)) for bound in bounds]
    return step.add("Slice", step.given["self"], *names)


def _doubled(step: Step) -> str:
    """Each cell many times; the second input is for another kind of enlargement."""
    factors = np.array([1, 1, *step.given["scale_factors"]], np.float32)
    nothing = step.graph.tensor(np.zeros(0, np.float32))
    return step.add(
        "Resize", step.given["input"], nothing, step.graph.tensor(factors),
        mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric",
    )  # fmt: skip


def _pixel_shuffle(step: Step) -> str:
    return step.unary("DepthToSpace", blocksize=step.given["upscale_factor"], mode="CRD")


WORDS: Final[dict[Any, Callable[[Step], Any]]] = {
    _aten.add.Tensor: lambda step: step.binary("Add"),
    _aten.cat.default: _concatenate,
    _aten.clamp.default: _clamp,
    _aten.conv2d.default: _conv,
    _aten.div.Tensor: lambda step: step.binary("Div"),
    _aten.flatten.using_ints: _reshape,
    _aten.hardsigmoid.default: _hard_sigmoid,
    _aten.linalg_vector_norm.default: _norm,
    _aten.linear.default: _linear,
    _aten.matmul.default: lambda step: step.binary("MatMul"),
    _aten.max_pool2d.default: _max_pool,
    _aten.mean.dim: _mean,
    _aten.mul.Tensor: lambda step: step.binary("Mul"),
    _aten.pixel_shuffle.default: _pixel_shuffle,
    _aten.relu.default: lambda step: step.unary("Relu"),
    _aten.sigmoid.default: lambda step: step.unary("Sigmoid"),
    _aten.silu.default: _silu,
    _aten.slice.Tensor: _slice,
    _aten.split_with_sizes.default: _split,
    _aten.square.default: _square,
    _aten.to.dtype: _cast,
    _aten.transpose.int: _transpose,
    _aten.upsample_nearest2d.vec: _doubled,
}
"""By torch's name of the step: what adds it to the graph, and gives the name of what it makes."""
