"""Network files with the shape of the real ones: YOLOX, and CSPNeXt with the RTMCC head.

The released weights can not be committed, and tests and benchmarks need networks all the same.
These have the released files' input and output names, operators, shapes, parameters and
multiply-adds, with weights drawn from a seed. Random weights find nobody, so each graph ends with
the addition of a *planted answer*; what the network itself says is scaled to be small beside it,
but stays in the sum.

A network is planned first, which costs nothing and counts everything; ``save`` draws the weights.
They have the keys of mmdet's and mmpose's checkpoints, so ``save`` can also take them from one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from dw_openpose_full.backends import Tensor, TensorSpec
from faithful_graph import Floats, Map, Network

STRIDES = (8, 16, 32)

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
        flat = [self._head(level, x) for level, x in enumerate(levels)]
        rows = self.net.node("Transpose", self.net.node("Concat", *flat, axis=2), perm=[0, 2, 1])
        if planted is None:
            planted = np.zeros((1, cells, 5 + classes), np.float32)
        assert planted.shape == (1, cells, 5 + classes)
        self.net.node("Add", rows, self.net.constant(planted), name="output")
        output = helper.make_tensor_value_info("output", TensorProto.FLOAT, list(planted.shape))
        self.net.outputs = [output]

    def _count(self, channels: int) -> int:
        return max(2, int(channels * self.width))

    def _block3(self, key: str, x: Map, out: int, stride: int = 1, **how: Any) -> Map:
        """A 3 x 3 block; in the nano network one for each channel, then one across them."""
        if not self.depthwise:
            return self.net.block(key, x, out, 3, stride=stride, **how)
        with self.net.under(key):
            x = self.net.block("depthwise_conv", x, x.channels, 3, stride=stride, groups=x.channels)
            return self.net.block("pointwise_conv", x, out, 1, **how)

    def _csp(self, key: str, x: Map, out: int, repeats: int, *, residual: bool) -> Map:
        net, middle = self.net, out // 2
        with net.under(key):
            main, short = (net.block(f"{way}_conv", x, middle, 1) for way in ("main", "short"))
            for one in range(max(1, round(repeats * self.depth))):
                with net.under(f"blocks.{one}"):
                    y = net.block("conv1", main, middle, 1)
                    y = self._block3("conv2", y, middle, gain=0.5 if residual else 1.3)
                main = net.added(y, main) if residual else y
            return net.block("final_conv", net.joined(main, short), out, 1)

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
        small = Map(name, 12, x.height // 2, x.width // 2)
        return self.net.block("backbone.stem.conv", small, self._count(64), 3, gain=0.02)

    def _backbone(self, x: Map) -> list[Map]:
        stages = []
        for stage, (channels, repeats) in enumerate(((128, 3), (256, 9), (512, 9), (1024, 3)), 1):
            last = stage == 4
            with self.net.under(f"backbone.stage{stage}"):
                x = self._block3("0", x, self._count(channels), 2)
                if last:
                    with self.net.under("1"):
                        x = self.net.pooled(x, x.channels)
                x = self._csp("2" if last else "1", x, x.channels, repeats, residual=not last)
            stages.append(x)
        return stages[1:]

    def _neck(self, stages: list[Map]) -> list[Map]:
        fine, middle, coarse = stages

        def csp(key: str, a: Map, b: Map, out: int) -> Map:
            return self._csp(key, self.net.joined(a, b), out, 3, residual=False)

        with self.net.under("neck"):
            lateral = self.net.block("reduce_layers.0", coarse, middle.channels, 1)
            joint = csp("top_down_blocks.0", self.net.doubled(lateral), middle, middle.channels)
            reduced = self.net.block("reduce_layers.1", joint, fine.channels, 1)
            out3 = csp("top_down_blocks.1", self.net.doubled(reduced), fine, fine.channels)
            down = self._block3("downsamples.0", out3, fine.channels, 2)
            out4 = csp("bottom_up_blocks.0", down, reduced, middle.channels)
            down = self._block3("downsamples.1", out4, middle.channels, 2)
            out5 = csp("bottom_up_blocks.1", down, lateral, coarse.channels)
        return [out3, out4, out5]

    def _head(self, level: int, x: Map) -> str:
        """Boxes, objectness and classes of one level: ``(1, 5 + classes, cells)``."""
        net, channels = self.net, self._count(256)
        x = net.block(f"neck.out_convs.{level}", x, channels, 1)
        with net.under("bbox_head"):
            kinds, places = (self._tower(f"{way}_convs.{level}", x) for way in ("cls", "reg"))
            kind = self._predictor(f"cls.{level}", kinds, self.classes, gain=1e-3, bias=-7)
            place = self._predictor(f"reg.{level}", places, 4, gain=1e-4)
            thing = self._predictor(f"obj.{level}", places, 1, gain=1e-3, bias=-9)
        sure = [net.node("Sigmoid", one.name) for one in (thing, kind)]
        rows = net.node("Concat", place.name, *sure, axis=1)
        shape = net.constant([1, 5 + self.classes, -1], np.int64)
        return net.node("Reshape", rows, shape)

    def _tower(self, key: str, x: Map) -> Map:
        with self.net.under(f"multi_level_{key}"):
            return self._block3("1", self._block3("0", x, x.channels), x.channels)

    def _predictor(self, key: str, x: Map, out: int, **how: float) -> Map:
        with self.net.under(f"multi_level_conv_{key}"):
            return self.net.convolve(x, out, 1, normalised=False, **how)


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
        batch: int | str = "batch", planted: bool = True, seed: int = 0,
    ) -> None:  # fmt: skip
        self.net = Network(seed)
        self.depth, self.width, self.keypoints = depth, width, keypoints
        height, across = size
        self.net.inputs = [
            helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, height, across])
        ]
        tokens = self._attention(self._tokens(self._backbone(Map("input", 3, height, across))))
        for axis, side in (("x", across), ("y", height)):
            key = f"head.cls_{axis}"
            rows = self.net.linear(key, tokens, keypoints, self.hidden, 2 * side, gain=0.01)
            bumps = plant_pose(size, axis)[:, :keypoints] * np.float32(planted)
            self.net.node("Add", rows, self.net.constant(bumps), name=f"simcc_{axis}")
            shape = [batch, keypoints, 2 * side]
            self.net.outputs.append(
                helper.make_tensor_value_info(f"simcc_{axis}", TensorProto.FLOAT, shape)
            )

    def _count(self, channels: int) -> int:
        return max(4, int(channels * self.width))

    def _backbone(self, x: Map) -> Map:
        wide = self._count(64)
        with self.net.under("backbone"):
            for one, (out, stride) in enumerate(((wide // 2, 2), (wide // 2, 1), (wide, 1))):
                x = self.net.block(f"stem.{one}", x, out, 3, stride=stride)
            for stage, (channels, repeats) in enumerate(
                ((128, 3), (256, 6), (512, 6), (1024, 3)), 1
            ):
                with self.net.under(f"stage{stage}"):
                    x = self._stage(x, self._count(channels), repeats, last=stage == 4)
        return x

    def _stage(self, x: Map, out: int, repeats: int, *, last: bool) -> Map:
        x = self.net.block("0", x, out, 3, stride=2)
        if last:
            with self.net.under("1"):
                x = self.net.pooled(x, x.channels)
        with self.net.under("2" if last else "1"):
            return self._csp(x, repeats, residual=not last)

    def _csp(self, x: Map, repeats: int, *, residual: bool) -> Map:
        net, middle = self.net, x.channels // 2
        short, main = (net.block(f"{way}_conv", x, middle, 1) for way in ("short", "main"))
        for one in range(max(1, round(repeats * self.depth))):
            with net.under(f"blocks.{one}"):
                y = net.block("conv1", main, middle, 3)
                y = net.block("conv2.depthwise_conv", y, middle, 5, groups=middle)
                y = net.block("conv2.pointwise_conv", y, middle, 1, gain=0.5 if residual else 1.3)
            main = net.added(y, main) if residual else y
        both = net.joined(main, short)
        with net.under("attention.fc"):
            both = self._attended(both)
        return net.block("final_conv", both, x.channels, 1)

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

    def _norm(self, key: str, x: str, dim: int) -> str:
        self.net.parameters += 1
        length = self.net.node("ReduceL2", x, axes=[2], keepdims=1)
        length = self.net.node("Mul", length, self.net.constant(dim**-0.5))
        length = self.net.node("Clip", length, self.net.constant(1e-5))
        return self.net.node("Mul", self.net.node("Div", x, length), self.net.ones(f"{key}.g"))

    def _tokens(self, x: Map) -> str:
        with self.net.under("head.final_layer"):
            x = self.net.convolve(x, self.keypoints, 7, normalised=False)
        cells = x.height * x.width
        shape = self.net.constant([-1, self.keypoints, cells], np.int64)
        flat = self._norm("head.mlp.0", self.net.node("Reshape", x.name, shape), cells)
        return self.net.linear("head.mlp.1", flat, self.keypoints, cells, self.hidden)

    def _attention(self, x: str) -> str:
        with self.net.under("head.gau"):
            return self._gated(x)

    def _gated(self, x: str) -> str:
        net, count, wide, shared = self.net, self.keypoints, self.expanded, self.shared
        normed = self._norm("ln", x, self.hidden)
        both = net.linear("uv", normed, count, self.hidden, 2 * wide + shared)
        u, v, base = net.split(net.silu(both), (wide, wide, shared), 2)
        net.parameters += 4 * shared + self.hidden
        base = net.node("Unsqueeze", base, axes=[2])
        base = net.node("Mul", base, net.gaussian("gamma", (1, 1, 2, shared), 0.3, 0.5))
        base = net.node("Add", base, net.gaussian("beta", (2, shared), 0.3))
        query, key = (net.node("Squeeze", part, axes=[2]) for part in net.split(base, (1, 1), 2))
        alike = net.node("MatMul", query, net.node("Transpose", key, perm=[0, 2, 1]))
        alike = net.node("Relu", net.node("Div", alike, net.constant(math.sqrt(shared))))
        alike = net.node("Mul", alike, alike)
        net.multiply_adds += count * count * (shared + wide)
        seen = net.node("Mul", u, net.node("MatMul", alike, v))
        new = net.linear("o", seen, count, wide, self.hidden, gain=0.02)
        kept = net.node("Mul", x, net.ones("res_scale.scale", self.hidden))
        return net.node("Add", kept, new)


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
