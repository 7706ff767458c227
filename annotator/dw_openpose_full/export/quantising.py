"""Convolutions in whole numbers of 8 bits; everything else stays as it is.

What a convolution takes and makes is brought to 256 steps between the least and the greatest number
that it had on pictures of people; its weights, to 127 steps for each channel. The head's products,
and the predictors of a detector, lose too much by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..networks import Network
from .onnx_writing import GraphWriter
from .words import Conv, write_conv

_STEPS: Final = 255  # of uint8
_LARGEST_WEIGHT: Final = 63  # of int8: two products of more overflow on processors without VNNI


class Range(NamedTuple):
    """From the least to the greatest number of a tensor, 0 among them."""

    low: float = 0.0
    high: float = 0.0

    def widened(self, values: Tensor) -> Range:
        """To hold more numbers."""
        low, high = torch.aminmax(values)
        return Range(min(self.low, float(low)), max(self.high, float(high)))

    @property
    def scale(self) -> np.float32:
        """One step."""
        return np.float32((self.high - self.low) / _STEPS or 1)

    @property
    def zero(self) -> np.uint8:
        """The step that is 0."""
        return np.uint8(round(-self.low / float(self.scale)))


class Ranges(NamedTuple):
    """Of what a convolution takes, and of what it makes."""

    taken: Range = Range()
    made: Range = Range()


def observe(network: Network, batches: Iterable[Tensor]) -> dict[str, Ranges]:
    """Which numbers the convolutions of a network take and make, by their key."""
    seen: dict[str, Ranges] = {}

    def watch(key: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def look(_: nn.Module, taken: tuple[Tensor], made: Tensor) -> None:
            before = seen.get(key, Ranges())
            seen[key] = Ranges(before.taken.widened(taken[0]), before.made.widened(made))

        return module.register_forward_hook(look)

    modules = dict(network.named_modules())
    hooks = [watch(key, one) for key, one in modules.items() if isinstance(one, nn.Conv2d)]
    with torch.inference_mode():
        for batch in batches:
            network(batch)
    for hook in hooks:
        hook.remove()
    return seen


class QuantisedConvs:
    """Writes convolutions between steps that round to whole numbers; engines join the three."""

    def __init__(self, ranges: Mapping[str, Ranges]) -> None:
        """Take what :func:`observe` has seen; convolutions that it has not seen stay."""
        self._ranges = ranges
        self._rounded: dict[tuple[str, Range], str] = {}

    def __call__(self, graph: GraphWriter, conv: Conv) -> str:
        """Write a convolution."""
        ranges = self._ranges.get(conv.key)
        if ranges is None:
            return write_conv(graph, conv)
        scales = _channel_scales(conv.weight)
        weight = np.rint(conv.weight.numpy() / scales[:, None, None, None]).astype(np.int8)
        names = [self._round(graph, conv.taken, ranges.taken)]
        names.append(_stored(graph, f"{conv.key}.weight", weight, scales))
        if conv.bias is not None:
            fine = scales * ranges.taken.scale
            bias = np.rint(conv.bias.double().numpy() / fine).astype(np.int32)
            names.append(_stored(graph, f"{conv.key}.bias", bias, fine))
        return self._round(graph, graph.step("Conv", *names, **conv.attributes), ranges.made)

    def _round(self, graph: GraphWriter, name: str, span: Range) -> str:
        """A tensor rounded to the steps of a range; once, however many take it."""
        if (name, span) not in self._rounded:
            steps = graph.tensor(np.array(span.scale)), graph.tensor(np.array(span.zero))
            whole = graph.step("QuantizeLinear", name, *steps)
            self._rounded[name, span] = graph.step("DequantizeLinear", whole, *steps)
        return self._rounded[name, span]


def _channel_scales(weight: Tensor) -> NDArray[np.float32]:
    """One step of each channel's weights, ``(C',)``."""
    largest = weight.abs().amax((1, 2, 3)).numpy()
    return np.where(largest > 0, largest / np.float32(_LARGEST_WEIGHT), np.float32(1))


def _stored(
    graph: GraphWriter, key: str, whole: NDArray[np.integer], scales: NDArray[np.float32]
) -> str:
    """Weights that lie in the file as whole numbers."""
    names = (
        graph.tensor(whole, key),
        graph.tensor(scales),
        graph.tensor(np.zeros(len(scales), whole.dtype)),
    )
    return graph.step("DequantizeLinear", *names, axis=0)
