"""Network files with the shape of the real ones: YOLOX, and CSPNeXt with the RTMCC head.

The released weights can not be committed, and tests and benchmarks need networks all the same.
These have the released files' input and output names, operators, shapes, parameters and
multiply-adds, with weights drawn from a seed. Random weights find nobody, so each graph ends with
the addition of a *planted answer*; what the network itself says is scaled to be small beside it,
but stays in the sum.

A network is planned first, which costs nothing and counts everything; ``save`` draws the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from dw_openpose_full.backends import Tensor, TensorSpec

Floats = NDArray[np.float32]
OPSET = 11  # of the released files
STRIDES = (8, 16, 32)
SPP_POOLS = (5, 9, 13)

YOLOX_SIZES = {  # depth, width, depthwise, side
    "nano": (0.33, 0.25, True, 416),
    "tiny": (0.33, 0.375, False, 416),
    "s": (0.33, 0.5, False, 640),
    "m": (0.67, 0.75, False, 640),
    "l": (1.0, 1.0, False, 640),
    "x": (1.33, 1.25, False, 640),
    "test": (0.1, 0.0625, False, 128),
}
SIMCC_SIZES = {  # depth, width
    "t": (0.167, 0.375),
    "s": (0.33, 0.5),
    "m": (0.67, 0.75),
    "l": (1.0, 1.0),
    "x": (1.33, 1.25),
    "test": (0.1, 0.0625),
}


@dataclass(frozen=True)
class Map:
    """A tensor of the graph: its name and its sides but for the batch."""

    name: str
    channels: int
    height: int
    width: int


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
    weights: list[tuple[str, Callable[[np.random.Generator], NDArray[Any]]]] = field(
        default_factory=list
    )
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    outputs: list[onnx.ValueInfoProto] = field(default_factory=list)

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        array: NDArray[Any] = np.asarray(value, dtype)
        return self.drawn(lambda _: array)

    def drawn(self, draw: Callable[[np.random.Generator], NDArray[Any]]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append((name, draw))
        return name

    def gaussian(self, shape: tuple[int, ...], deviation: float, mean: float = 0.0) -> str:
        def draw(rng: np.random.Generator) -> Floats:
            values = rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)
            return values + np.float32(mean)

        return self.drawn(draw)

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
        weight = self.gaussian(shape, gain / math.sqrt(math.prod(shape[1:])))
        name = self.node(
            "Conv", x.name, weight, self.gaussian((out,), 0.05 * gain, bias),
            dilations=[1, 1], group=groups, kernel_shape=[kernel] * 2, pads=[pad] * 4,
            strides=[stride] * 2,
        )  # fmt: skip
        return Map(name, out, height, width)

    def silu(self, name: str) -> str:
        return self.node("Mul", name, self.node("Sigmoid", name))

    def block(self, x: Map, out: int, kernel: int, **how: Any) -> Map:
        """Convolution, (folded) batch normalisation, SiLU."""
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
        x = self.block(x, x.channels // 2, 1)
        pools = [
            Map(
                self.node("MaxPool", x.name, kernel_shape=[side] * 2, pads=[side // 2] * 4,
                          strides=[1, 1]),
                x.channels, x.height, x.width,
            )
            for side in SPP_POOLS
        ]  # fmt: skip
        return self.block(self.joined(x, *pools), out, 1)

    def doubled(self, x: Map) -> Map:
        nothing, scales = self.constant([]), self.constant([1, 1, 2, 2])
        name = self.node(
            "Resize", x.name, nothing, scales, mode="nearest", nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )  # fmt: skip
        return Map(name, x.channels, 2 * x.height, 2 * x.width)

    def linear(self, x: str, rows: int, into: int, out: int, gain: float = 1.0) -> str:
        self.parameters += into * out
        self.multiply_adds += rows * into * out
        return self.node("MatMul", x, self.gaussian((into, out), gain / math.sqrt(into)))

    def save(self, path: Path) -> Path:
        rng = np.random.default_rng(self.seed)
        tensors = [numpy_helper.from_array(draw(rng), name) for name, draw in self.weights]
        graph = helper.make_graph(self.nodes, "faithful", self.inputs, self.outputs, tensors)
        opsets = [helper.make_opsetid("", OPSET)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=6), path)
        return path


# ---------------------------------------------------------------- YOLOX


class Yolox:
    """Plans a YOLOX: Focus stem, four stages, a pyramid down and up, a head of two branches."""

    def __init__(
        self, depth: float, width: float, depthwise: bool, side: int, *, classes: int = 80,  # noqa: FBT001
        planted: Floats | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        self.net = Network(seed)
        self.depth, self.width, self.depthwise, self.classes = depth, width, depthwise, classes
        shape = [1, 3, side, side]
        self.net.inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)]
        levels = self._neck(self._backbone(self._focus(Map("images", 3, side, side))))
        cells = sum(level.height * level.width for level in levels)
        flat = [self._head(level) for level in levels]
        rows = self.net.node("Transpose", self.net.node("Concat", *flat, axis=2), perm=[0, 2, 1])
        if planted is None:
            planted = np.zeros((1, cells, 5 + classes), np.float32)
        assert planted.shape == (1, cells, 5 + classes)
        self.net.node("Add", rows, self.net.constant(planted), name="output")
        output = helper.make_tensor_value_info("output", TensorProto.FLOAT, list(planted.shape))
        self.net.outputs = [output]

    def _count(self, channels: int) -> int:
        return max(2, int(channels * self.width))

    def _block3(self, x: Map, out: int, stride: int = 1, **how: Any) -> Map:
        """A 3 x 3 block; in the nano network one for each channel, then one across them."""
        if not self.depthwise:
            return self.net.block(x, out, 3, stride=stride, **how)
        x = self.net.block(x, x.channels, 3, stride=stride, groups=x.channels)
        return self.net.block(x, out, 1, **how)

    def _csp(self, x: Map, out: int, repeats: int, *, residual: bool) -> Map:
        middle = out // 2
        main, short = self.net.block(x, middle, 1), self.net.block(x, middle, 1)
        for _ in range(max(1, round(repeats * self.depth))):
            y = self.net.block(main, middle, 1)
            y = self._block3(y, middle, gain=0.5 if residual else 1.3)
            main = self.net.added(y, main) if residual else y
        return self.net.block(self.net.joined(main, short), out, 1)

    def _focus(self, x: Map) -> Map:
        """Four pictures of half the size, of every other pixel, as 12 channels."""

        def every_other(name: str, start: int, axis: int) -> str:
            ends = (start, np.iinfo(np.int64).max, axis, 2)
            return self.net.node(
                "Slice", name, *(self.net.constant([end], np.int64) for end in ends)
            )

        corners = [(row, column) for column in (0, 1) for row in (0, 1)]  # TL, BL, TR, BR
        parts = [every_other(every_other(x.name, row, 2), column, 3) for row, column in corners]
        name = self.net.node("Concat", *parts, axis=1)
        # the input is 0..255, and what follows likes about 1
        return self.net.block(
            Map(name, 12, x.height // 2, x.width // 2), self._count(64), 3, gain=0.02
        )

    def _backbone(self, x: Map) -> list[Map]:
        stages = []
        for channels, repeats in ((128, 3), (256, 9), (512, 9), (1024, 3)):
            last = channels == 1024
            x = self._block3(x, self._count(channels), 2)
            x = self.net.pooled(x, x.channels) if last else x
            x = self._csp(x, x.channels, repeats, residual=not last)
            stages.append(x)
        return stages[1:]

    def _neck(self, stages: list[Map]) -> list[Map]:
        fine, middle, coarse = stages

        def csp(a: Map, b: Map, out: int) -> Map:
            return self._csp(self.net.joined(a, b), out, 3, residual=False)

        lateral = self.net.block(coarse, middle.channels, 1)
        joint = csp(self.net.doubled(lateral), middle, middle.channels)
        reduced = self.net.block(joint, fine.channels, 1)
        out3 = csp(self.net.doubled(reduced), fine, fine.channels)
        out4 = csp(self._block3(out3, fine.channels, 2), reduced, middle.channels)
        out5 = csp(self._block3(out4, middle.channels, 2), lateral, coarse.channels)
        return [out3, out4, out5]

    def _head(self, x: Map) -> str:
        """Boxes, objectness and classes of one level: ``(1, 5 + classes, cells)``."""
        channels = self._count(256)
        x = self.net.block(x, channels, 1)
        kinds = self._block3(self._block3(x, channels), channels)
        places = self._block3(self._block3(x, channels), channels)
        quiet = {"normalised": False}
        kind = self.net.convolve(kinds, self.classes, 1, gain=1e-3, bias=-7, **quiet)
        place = self.net.convolve(places, 4, 1, gain=1e-4, **quiet)
        thing = self.net.convolve(places, 1, 1, gain=1e-3, bias=-9, **quiet)
        sure = [self.net.node("Sigmoid", one.name) for one in (thing, kind)]
        rows = self.net.node("Concat", place.name, *sure, axis=1)
        shape = self.net.constant([1, 5 + self.classes, -1], np.int64)
        return self.net.node("Reshape", rows, shape)


def yolox(size: str, *, planted: Floats | None = None, **how: Any) -> Network:
    """A YOLOX of a published size, or ``"test"``."""
    return Yolox(*YOLOX_SIZES[size], planted=planted, **how).net


def plant_boxes(
    people: Sequence[Sequence[float]], *, side: int = 640, classes: int = 80, others: int = 12,
    seed: int = 1,
) -> Floats:  # fmt: skip
    """What an undecoded head says of people: nine neighbouring cells for each, as real ones do.

    Args:
        people: Boxes, ``x1, y1, x2, y2`` in pixels of the network's input.
        side: Of the input.
        classes: Of the head.
        others: Things of other classes, at random.
        seed: Of the jitter of the neighbours and of the things.
    """
    rng = np.random.default_rng(seed)
    across = [side // stride for stride in STRIDES]
    starts = np.cumsum([0] + [count**2 for count in across])
    rows = np.zeros((1, starts[-1], 5 + classes), np.float32)
    for one in range(others):
        corner, extent = rng.uniform(0, 0.8 * side, 2), rng.uniform(0.02, 0.15, 2) * side
        kind, score = 1 + one % (classes - 1), rng.uniform(0.15, 0.6)
        _plant(rows, starts, [*corner, *(corner + extent)], kind, score, 4, rng)
    for one, box in enumerate(people):
        _plant(rows, starts, box, 0, 0.93 - 0.01 * (one % 10), 9, rng)
    return rows


def _plant(  # noqa: PLR0917
    rows: Floats, starts: NDArray[Any], box: Sequence[float], kind: int, score: float, cells: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    height = max(box[3] - box[1], 8)
    level = int(np.clip(round(math.log2(height / 64)), 0, 2))
    stride = STRIDES[level]
    across = math.isqrt(int(starts[level + 1] - starts[level]))
    middle = [int((box[axis] + box[axis + 2]) / 2 / stride) for axis in (0, 1)]
    ring = [(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)]
    for rank, (dx, dy) in enumerate(ring[:cells]):
        x, y = middle[0] + dx, middle[1] + dy
        if not (0 <= x < across and 0 <= y < across):
            continue
        x1, y1, x2, y2 = np.asarray(box) + (rank > 0) * rng.uniform(-1.5, 1.5, 4)
        row = rows[0, starts[level] + y * across + x]
        row[:2] = (x1 + x2) / 2 / stride - x, (y1 + y2) / 2 / stride - y
        row[2:4] = math.log((x2 - x1) / stride), math.log((y2 - y1) / stride)
        row[4] = row[5 + kind] = math.sqrt(max(score - 0.04 * rank, 0.12))


def people_on_a_grid(count: int, width: float, height: float) -> list[list[float]]:
    """Upright boxes, 1 : 2.4, beside and below each other."""
    columns = max(1, round(math.sqrt(count * 2.2 * width / height)))
    across, down = width / columns, height / math.ceil(count / columns)
    tall = min(0.92 * down, 2.2 * across)
    boxes = []
    for one in range(count):
        x, y = (one % columns + 0.5) * across, (one // columns + 0.5) * down
        boxes.append([x - tall / 4.8, y - tall / 2, x + tall / 4.8, y + tall / 2])
    return boxes


# ---------------------------------------------------------------- CSPNeXt and RTMCC


class Simcc:
    """Plans a pose network: CSPNeXt backbone, one gated attention unit over keypoints, two rows."""

    hidden, expanded, shared = 256, 512, 128

    def __init__(
        self, depth: float, width: float, size: tuple[int, int], *, keypoints: int = 133,
        batch: int | str = "batch", seed: int = 0,
    ) -> None:  # fmt: skip
        self.net = Network(seed)
        self.depth, self.width, self.keypoints = depth, width, keypoints
        height, across = size
        self.net.inputs = [
            helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, height, across])
        ]
        tokens = self._attention(self._tokens(self._backbone(Map("input", 3, height, across))))
        for axis, side in (("x", across), ("y", height)):
            rows = self.net.linear(tokens, keypoints, self.hidden, 2 * side, gain=0.01)
            bumps = self.net.constant(plant_pose(size, axis)[:, :keypoints])
            self.net.node("Add", rows, bumps, name=f"simcc_{axis}")
            shape = [batch, keypoints, 2 * side]
            self.net.outputs.append(
                helper.make_tensor_value_info(f"simcc_{axis}", TensorProto.FLOAT, shape)
            )

    def _count(self, channels: int) -> int:
        return max(4, int(channels * self.width))

    def _backbone(self, x: Map) -> Map:
        wide = self._count(64)
        for out, stride in ((wide // 2, 2), (wide // 2, 1), (wide, 1)):
            x = self.net.block(x, out, 3, stride=stride)
        for channels, repeats in ((128, 3), (256, 6), (512, 6), (1024, 3)):
            last = channels == 1024
            x = self.net.block(x, self._count(channels), 3, stride=2)
            x = self.net.pooled(x, x.channels) if last else x
            x = self._csp(x, repeats, residual=not last)
        return x

    def _csp(self, x: Map, repeats: int, *, residual: bool) -> Map:
        middle = x.channels // 2
        short, main = self.net.block(x, middle, 1), self.net.block(x, middle, 1)
        for _ in range(max(1, round(repeats * self.depth))):
            y = self.net.block(main, middle, 3)
            y = self.net.block(y, middle, 5, groups=middle)
            y = self.net.block(y, middle, 1, gain=0.5 if residual else 1.3)
            main = self.net.added(y, main) if residual else y
        return self.net.block(self._attended(self.net.joined(main, short)), x.channels, 1)

    def _attended(self, x: Map) -> Map:
        """Channel attention: each channel times the hard sigmoid of what all say on average.

        In plain operators, for OpenCV 4.13 and 5.0 take HardSigmoid and Mul together for HardSwish.
        """
        mean = Map(self.net.node("GlobalAveragePool", x.name), x.channels, 1, 1)
        share = self.net.convolve(mean, x.channels, 1, gain=1.0, normalised=False)
        three, zero, six = (self.net.constant(value) for value in (3, 0, 6))
        clipped = self.net.node("Clip", self.net.node("Add", share.name, three), zero, six)
        name = self.net.node("Mul", x.name, self.net.node("Div", clipped, six))
        return Map(name, x.channels, x.height, x.width)

    def _norm(self, x: str, dim: int) -> str:
        self.net.parameters += 1
        length = self.net.node("ReduceL2", x, axes=[2], keepdims=1)
        length = self.net.node("Mul", length, self.net.constant(dim**-0.5))
        length = self.net.node("Clip", length, self.net.constant(1e-5))
        return self.net.node("Mul", self.net.node("Div", x, length), self.net.constant([1.0]))

    def _tokens(self, x: Map) -> str:
        x = self.net.convolve(x, self.keypoints, 7, normalised=False)
        cells = x.height * x.width
        shape = self.net.constant([-1, self.keypoints, cells], np.int64)
        flat = self.net.node("Reshape", x.name, shape)
        return self.net.linear(self._norm(flat, cells), self.keypoints, cells, self.hidden)

    def _attention(self, x: str) -> str:
        net, count, wide, shared = self.net, self.keypoints, self.expanded, self.shared
        both = net.linear(self._norm(x, self.hidden), count, self.hidden, 2 * wide + shared)
        u, v, base = net.split(net.silu(both), (wide, wide, shared), 2)
        net.parameters += 4 * shared + self.hidden
        base = net.node("Unsqueeze", base, axes=[2])
        base = net.node("Mul", base, net.gaussian((1, 1, 2, shared), 0.3, 0.5))
        base = net.node("Add", base, net.gaussian((2, shared), 0.3))
        query, key = (net.node("Squeeze", part, axes=[2]) for part in net.split(base, (1, 1), 2))
        alike = net.node("MatMul", query, net.node("Transpose", key, perm=[0, 2, 1]))
        alike = net.node("Relu", net.node("Div", alike, net.constant(math.sqrt(shared))))
        alike = net.node("Mul", alike, alike)
        net.multiply_adds += count * count * (shared + wide)
        seen = net.node("Mul", u, net.node("MatMul", alike, v))
        new = net.linear(seen, count, wide, self.hidden, gain=0.02)
        return net.node("Add", net.node("Mul", x, net.constant(np.ones(self.hidden))), new)


def simcc(size: str, crop: tuple[int, int] = (384, 288), **how: Any) -> Network:
    """A pose network of a published size, or ``"test"``, for crops of ``(height, width)``."""
    return Simcc(*SIMCC_SIZES[size], crop, **how).net


def standing_person() -> NDArray[np.float64]:
    """133 keypoints of somebody who stands, ``(133, 2)``, as shares of the person box."""
    body = [
        (0.50, 0.09), (0.54, 0.07), (0.46, 0.07), (0.59, 0.08), (0.41, 0.08), (0.68, 0.20),
        (0.32, 0.20), (0.78, 0.36), (0.22, 0.36), (0.84, 0.50), (0.16, 0.50), (0.60, 0.52),
        (0.40, 0.52), (0.61, 0.74), (0.39, 0.74), (0.62, 0.94), (0.38, 0.94),
    ]  # fmt: skip
    feet = [(0.66, 0.98), (0.69, 0.97), (0.60, 0.96), (0.34, 0.98), (0.31, 0.97), (0.40, 0.96)]
    turn = np.linspace(0, 4 * np.pi, 68)  # a spiral will do for a face
    wide = np.linspace(0.08, 0.01, 68)
    face = np.stack([0.5 + wide * np.cos(turn), 0.09 + 0.6 * wide * np.sin(turn)], axis=1)
    finger, joint = np.divmod(np.arange(20), 4)
    angle, reach = np.radians(20 + 25 * finger), 0.03 * (joint + 1)
    fan = np.stack([reach * np.cos(angle), 0.8 * reach * np.sin(angle)], axis=1)
    fan = np.concatenate([[[0, 0]], fan])
    hands = [np.array(body[9]) + fan, np.array(body[10]) + fan * (-1, 1)]
    return np.concatenate([body, feet, face, *hands])


def plant_pose(size: tuple[int, int], axis: str) -> Floats:
    """Bumps ``(1, 133, bins)`` of the standing person along an axis of a crop."""
    height, width = size
    points = (standing_person() - 0.5) / 1.25 + 0.5
    points[:, 0] = (points[:, 0] - 0.5) * (height / 2.4) / width + 0.5  # boxes are 1 : 2.4
    bins = 2 * (width if axis == "x" else height)
    middles = np.round(points[:, "xy".index(axis)] * bins)[:, None]
    tall = np.random.default_rng(7).uniform(0.55, 0.95, (133, 1))
    bumps = tall * np.exp(-0.5 * ((np.arange(bins) - middles) / math.sqrt(bins / 16)) ** 2)
    return bumps[None].astype(np.float32)


# ---------------------------------------------------------------- without any engine


class PlantedSession:
    """A ``Session`` that answers what it was given; remembers what it was shown.

    Args:
        shape: Of the input; ``None`` for an open side.
        answer: Outputs for a batch of any length, or what makes them of the batch.
        declared: Output shapes that the graph tells, where not those of the answer.
        names: Of the outputs.
    """

    description = "planted.onnx on nothing (CPU)"

    def __init__(
        self,
        shape: Sequence[int | None],
        answer: Sequence[Tensor] | Callable[[Tensor], Sequence[Tensor]],
        *,
        declared: Sequence[Sequence[int | None]] | None = None,
        names: Sequence[str] = ("output", "labels", "more"),
        dtype: str = "float32",
    ) -> None:
        self._answer = answer
        if declared is None:
            assert not callable(answer)
            declared = [array.shape for array in answer]
        self.input = TensorSpec("input", tuple(shape), dtype)
        self.outputs = tuple(
            TensorSpec(name, tuple(sides), "float32")
            for name, sides in zip(names, declared, strict=False)
        )
        self.shown: list[Tensor] = []

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        self.shown.append(batch)
        return tuple(self._answer(batch) if callable(self._answer) else self._answer)
