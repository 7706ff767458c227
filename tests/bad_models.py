"""Network files that are wrong, hostile or merely odd, made from one small pose network.

The network answers the same two rows of bins whatever it sees.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dw_openpose_full.backends.protobuf import message_field, number_field

HEIGHT, WIDTH = 64, 48
INPUT = ("N", 3, HEIGHT, WIDTH)
FLOAT = TensorProto.FLOAT
Model = onnx.ModelProto
Make = Callable[[], Model | bytes]


def bumps(keypoints: int = 133) -> list[Any]:
    """Rows of bins for x and for y, each with one bump."""
    rng = np.random.default_rng(0)
    rows = []
    for count in (2 * WIDTH, 2 * HEIGHT):
        row = np.zeros((1, keypoints, count), np.float32)
        row[0, np.arange(keypoints), rng.integers(0, count, keypoints)] = 0.8
        rows.append(row)
    return rows


def tensor(name: str, value: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """A node; inputs are words."""
    return helper.make_node(operator, inputs.split(), [output], **attributes)


def pose(
    *before: onnx.NodeProto,
    shape: Sequence[Any] = INPUT,
    dtype: int = FLOAT,
    answers: Sequence[Any] | None = None,
    declared: Sequence[Any] | None = None,
    names: Sequence[str] = ("simcc_x", "simcc_y"),
    opset: int = 11,
    ir: int = 6,
    **weights: Any,
) -> Model:
    """The small network.

    Args:
        before: Steps before all others. One that makes ``extra`` is added to the input.
        shape: Of the input.
        dtype: Of the input.
        answers: What it answers.
        declared: Shape of the outputs, as the graph tells; by default that of the answers.
        names: Of the outputs.
        opset: Version of the operators.
        ir: Version of the format.
        weights: Of the steps before, by name.
    """
    answers = bumps() if answers is None else answers
    steps = [*before, node("Cast", "input", "seen", to=FLOAT)]
    seen = "seen"
    if any("extra" in step.output for step in before):
        steps += [node("ReduceMean", "extra", "more", keepdims=0), node("Add", "seen more", "both")]
        seen = "both"
    if len(shape) == 4:
        steps.append(node("GlobalAveragePool", seen, "pooled"))
        seen = "pooled"
    steps += [
        node("Flatten", seen, "flat"),
        node("MatMul", "flat nothing", "zero"),
        node("Reshape", "zero column_shape", "column"),
    ]
    weights |= {
        "nothing": np.zeros((shape[1], 1), np.float32),
        "column_shape": np.array([-1, 1, 1]),
    }
    outputs = []
    for name, answer in zip(names, answers, strict=True):
        steps.append(node("Add", f"column {name}_planted", name))
        sides = [shape[0], *answer.shape[1:]] if declared is None else declared
        outputs.append(helper.make_tensor_value_info(name, FLOAT, sides))
        weights[f"{name}_planted"] = answer
    graph = helper.make_graph(
        steps, "pose", [helper.make_tensor_value_info("input", dtype, shape)], outputs,
        [tensor(name, value) for name, value in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


def changed(change: Callable[[Model], object], model: Model | None = None) -> Model:
    """A network after a change in place."""
    model = model or pose()
    change(model)
    return model


def whole() -> bytes:
    content: bytes = pose().SerializeToString()
    return content


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.onnx", whole())
    return buffer.getvalue()


# ---------------------------------------------------------------- files that are no networks

NOT_NETWORKS: dict[str, tuple[Make, str]] = {
    **{
        f"cut at {share}": (lambda share=share: whole()[: int(len(whole()) * share)], "whole ONNX")
        for share in (0.0005, 0.01, 0.1, 0.5, 0.9, 0.9999)
    },
    "without its last byte": (lambda: whole()[:-1], "whole ONNX"),
    "empty": (lambda: b"", "an empty file"),
    "a web page": (lambda: b"\n <!DOCTYPE html><html>404</html>", "a web page"),
    "a Git LFS pointer": (
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "a Git LFS pointer",
    ),
    "JSON": (lambda: b'{"error": "Repository not found"}', "JSON"),
    "a zip archive": (zipped, "a zip archive"),
    "a gzip archive": (lambda: gzip.compress(whole()), "a gzip archive"),
    "a 7-Zip archive": (lambda: b"7z\xbc\xaf\x27\x1c\0\4" + bytes(99), "a 7-Zip archive"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(99), "a picture"),
    "a pickle": (lambda: b"\x80\x02cposix\nsystem\nX\x02\0\0\0ls\x85R.", "a pickle"),
    "safetensors": (lambda: b"\2\0\0\0\0\0\0\0{}", "whole ONNX"),
    "a line of text": (lambda: b"Not Found", "whole ONNX"),
    "zeros": (lambda: bytes(100_000), "whole ONNX"),
    "noise": (lambda: np.random.default_rng(3).bytes(100_000), "whole ONNX"),
    "with a page behind it": (lambda: whole() + b"<html>", "whole ONNX"),
    "twice": (lambda: whole() * 2, "two graphs"),
    "a field of 2 GB": (lambda: b"\x08\x06\x3a\xff\xff\xff\xff\x07" + bytes(99), "middle of a"),
    "a field of 2**64 bytes": (lambda: b"\x08\x06\x3a" + b"\xff" * 9 + b"\1", "middle of a field"),
}

# ---------------------------------------------------------------- networks of another kind


def scalars(model: Model) -> None:
    for output in model.graph.output:
        mean = f"{output.name}_mean"
        model.graph.node.append(node("ReduceMean", output.name, mean, keepdims=0))
        output.CopyFrom(helper.make_tensor_value_info(mean, FLOAT, []))


def sequences(model: Model) -> None:
    model.graph.node.append(node("SequenceConstruct", "simcc_x", "listed"))
    model.graph.output[0].CopyFrom(helper.make_tensor_sequence_value_info("listed", FLOAT, None))


def second_input(model: Model) -> None:
    model.graph.input.append(helper.make_tensor_value_info("mask", FLOAT, [1]))


OTHER_KINDS: dict[str, Make] = {
    "17 keypoints": lambda: pose(answers=bumps(17)),
    "134 keypoints": lambda: pose(answers=bumps(134)),
    "swapped bins": lambda: pose(answers=bumps()[::-1]),
    "133 keypoints told, 17 given": lambda: pose(answers=bumps(17), declared=[None] * 3),
    "one output": lambda: changed(lambda model: model.graph.output.pop()),
    "no output": lambda: changed(lambda model: model.graph.ClearField("output")),
    "one output twice": lambda: changed(
        lambda model: model.graph.output[1].CopyFrom(model.graph.output[0])
    ),
    "outputs without sides": lambda: changed(scalars),
    "an output that is a list": lambda: changed(sequences),
    "no input": lambda: changed(lambda model: model.graph.ClearField("input")),
    "two inputs": lambda: changed(second_input),
    "int64 in": lambda: pose(dtype=TensorProto.INT64),
    "uint8 in": lambda: pose(dtype=TensorProto.UINT8),
    "channels last": lambda: pose(shape=("N", HEIGHT, WIDTH, 3)),
    "a flat input": lambda: pose(shape=("N", 99)),
    "sides left open": lambda: pose(shape=("N", 3, "H", "W")),
    "no height": lambda: pose(shape=("N", 3, 0, WIDTH)),
    "a batch of none": lambda: pose(shape=(0, 3, HEIGHT, WIDTH)),
    "a classifier": lambda: pose(
        shape=("N", 3, 224, 224), answers=[np.zeros((1, 1, 9), np.float32)] * 2
    ),
}

# ---------------------------------------------------------------- networks that are right

RIGHT: dict[str, Make] = {
    "a fixed batch of 1": lambda: pose(shape=(1, *INPUT[1:])),
    "a fixed batch of 5": lambda: pose(shape=(5, *INPUT[1:])),
    "outputs of other names": lambda: pose(names=("a", "b")),
    "outputs in the other order": lambda: changed(
        lambda model: model.graph.output.append(model.graph.output.pop(0))
    ),
    "outputs left open": lambda: pose(declared=[None, None, None]),
    "a long description": lambda: changed(
        lambda model: setattr(model, "doc_string", "x" * 1_000_000)
    ),
    "weights that are inputs too": lambda: changed(
        lambda model: model.graph.input.append(
            helper.make_tensor_value_info("simcc_x_planted", FLOAT, [1, 133, 2 * WIDTH])
        )
    ),
}

EITHER: dict[str, Make] = {  # right on one engine, refused by another
    "operators of set 99": lambda: pose(opset=99),
    "operators of set 1": lambda: pose(opset=1),
    "a format of the future": lambda: pose(ir=99),
    "a format without a number": lambda: pose(ir=0),
    "a number without sides": lambda: pose(node("Mul", "one one", "extra"), one=np.float32(1)),
    "a number without sides, unused": lambda: pose(lonely=np.float32(1)),
    "a branch": lambda: branch(node("Identity", "w", "inner"), weights=[tensor("w", ONE)]),
    "half precision in": lambda: pose(dtype=TensorProto.FLOAT16),
    "a step that fails": lambda: pose(
        node("Gather", "input i", "extra", axis=1),
        i=np.array([10**9]),
    ),
}

# ---------------------------------------------------------------- networks that do harm


def elsewhere(weights: onnx.TensorProto, place: str) -> onnx.TensorProto:
    """Weights that are said to lie in another file."""
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=place)
    return weights


def weights_at(place: str) -> Model:
    return changed(lambda model: elsewhere(model.graph.initializer[0], place))


def branch(*steps: onnx.NodeProto, weights: Sequence[onnx.TensorProto] = ()) -> Model:
    """The network with an ``If`` whose branches are these steps."""
    made = helper.make_tensor_value_info(steps[-1].output[0], FLOAT, None)
    graphs = [helper.make_graph(list(steps), name, [], [made], weights) for name in ("a", "b")]
    choice = node("If", "yes", "extra", then_branch=graphs[0], else_branch=graphs[1])
    return pose(choice, yes=np.array([True]))


def loop(operator: str) -> Model:
    """The network with a loop of 2**62 rounds."""
    kinds = {"round": TensorProto.INT64, "on": TensorProto.BOOL, "x": FLOAT}
    values = [helper.make_tensor_value_info(name, kind, []) for name, kind in kinds.items()]
    body = helper.make_graph(
        [node("Identity", "on", "on_"), node("Add", "x x", "x_")], "body", values,
        [helper.make_tensor_value_info("on_", TensorProto.BOOL, []),
         helper.make_tensor_value_info("x_", FLOAT, [])],
    )  # fmt: skip
    step = node(operator, "rounds yes one", "extra", body=body)
    return pose(step, rounds=np.int64(2**62), yes=np.ones((), bool), one=np.float32(1))


def nested(depth: int) -> bytes:
    """Graphs within graphs, which no writer of ONNX would write."""
    graph = b""
    for _ in range(depth):
        attribute = message_field(1, b"then_branch") + message_field(6, graph) + number_field(20, 5)
        step = message_field(2, b"o") + message_field(4, b"If") + message_field(5, attribute)
        graph = message_field(1, step)
    model = pose()
    inner = model.graph.SerializeToString()
    model.ClearField("graph")
    content: bytes = model.SerializeToString() + message_field(7, inner + graph)
    return content


def bomb(*before: onnx.NodeProto, **weights: Any) -> Make:
    return lambda: pose(*before, **weights)


BILLIONS = np.array([20_000_000_000])  # 80 GB of float32
ONE = np.ones(1, np.float32)
HARMFUL: dict[str, tuple[Make, str]] = {
    # more than fits anywhere
    "a fill": (bomb(node("ConstantOfShape", "n", "extra"), n=BILLIONS), "at most"),
    "a fill of a shape passed on": (
        bomb(node("Identity", "n", "m"), node("ConstantOfShape", "m", "extra"), n=BILLIONS),
        "at most",
    ),
    "a fill of a constant shape": (
        bomb(
            node("Constant", "", "n", value=tensor("", BILLIONS)),
            node("ConstantOfShape", "n", "extra"),
        ),
        "at most",
    ),
    "many fills": (
        bomb(
            *(node("ConstantOfShape", "n", f"fill{i}") for i in range(40)),
            node("Sum", " ".join(f"fill{i}" for i in range(40)), "extra"),
            n=np.array([2**28 - 1]),
        ),
        "at most",
    ),
    "a doubled fill": (
        bomb(
            node("ConstantOfShape", "n", "a0"),
            *(node("Concat", f"a{i} a{i}", f"a{i + 1}", axis=0) for i in range(8)),
            node("Identity", "a8", "extra"),
            n=np.array([2**26]),
        ),
        "at most",
    ),
    "a fill in a branch": (
        lambda: branch(
            node("ConstantOfShape", "n", "inner"), weights=[tensor("n", BILLIONS)]
        ),
        "at most",
    ),
    "Expand": (bomb(node("Expand", "one n", "extra"), one=ONE, n=BILLIONS), "at most"),
    "Tile": (
        bomb(node("Tile", "k n", "extra"), k=np.ones(1000, np.float32), n=BILLIONS // 1000),
        "at most",
    ),
    "Tile of the picture": (
        bomb(node("Tile", "input n", "extra"), n=np.array([1, 1, 1000, 1000])),
        "at most",
    ),
    "Range": (
        bomb(
            node("Range", "zero_ n step", "r"),
            node("Cast", "r", "extra", to=FLOAT),
            zero_=np.int64(0), n=np.int64(BILLIONS[0]), step=np.int64(1),
        ),
        "at most",
    ),
    "Range of fractions": (
        bomb(
            node("Range", "zero_ n step", "extra"),
            zero_=np.float32(0), n=np.float32(1), step=np.float32(1e-30),
        ),
        "at most",
    ),
    "OneHot": (
        bomb(
            node("OneHot", "i n values", "extra"),
            i=np.zeros(9, np.int64), n=BILLIONS, values=np.zeros(2, np.float32),
        ),
        "at most",
    ),
    "Pad": (
        bomb(node("Pad", "one n", "extra"), one=ONE, n=np.array([0, BILLIONS[0]])),
        "at most",
    ),
    "Resize": (
        bomb(
            node("Resize", "one roi scales", "extra"),
            one=ONE.reshape(1, 1, 1, 1), roi=np.zeros(0, np.float32),
            scales=np.array([1, 1, 2e5, 1e5], np.float32),
        ),
        "at most",
    ),
    "RandomNormal": (
        bomb(node("RandomNormal", "", "extra", shape=BILLIONS.tolist())),
        "at most",
    ),
    "a huge input": (lambda: pose(shape=("N", 3, 60_000, 60_000)), "at most"),
    "huge weights": (
        lambda: changed(lambda model: model.graph.initializer[0].dims.insert(0, 2**40)),
        "at most",
    ),
    "weights of less than nothing": (
        lambda: changed(lambda model: model.graph.initializer[0].dims.insert(0, -1)),
        "at most",
    ),
    # without end
    "a loop": (lambda: loop("Loop"), "without loops"),
    "a scan": (lambda: loop("Scan"), "without loops"),
    "a loop in a branch": (
        lambda: branch(loop("Loop").graph.node[0]),
        "without loops",
    ),
    "graphs 50 deep": (lambda: nested(50), "nested more than"),
    "graphs 3000 deep": (lambda: nested(3000), "nested more than"),
    "a name of 10 MB": (lambda: pose(names=("a" * 10**7, "b")), "has 10000008 bytes"),
    "a million fields": (lambda: whole() + b"\xa0\x06\x01" * 10**6, "more than"),
    "a circle": (
        lambda: pose(node("Add", "back input", "on"), node("Add", "on input", "back")),
        "nothing makes back",
    ),
    "a step that takes its own": (
        lambda: pose(node("Add", "own input", "own")), "nothing makes own",
    ),
    "two weights of one name": (
        lambda: changed(
            lambda model: model.graph.initializer.append(model.graph.initializer[0])
        ),
        "two weights have one name",
    ),
    "two steps that make one name": (
        lambda: changed(lambda model: model.graph.node.append(node("Relu", "flat", "zero"))),
        "zero is made twice",
    ),
    # what a processor can not do
    "a stride of 0": (
        bomb(node("MaxPool", "input", "extra", kernel_shape=[1, 1], strides=[0, 0])),
        "strides of 1",
    ),
    "no groups": (
        bomb(node("Conv", "input w", "extra", group=0), w=np.ones((3, 3, 1, 1), np.float32)),
        "group of 1",
    ),
    "a border of 2**31": (
        bomb(node("MaxPool", "input", "extra", kernel_shape=[1, 1], pads=[2**31 - 1] * 4)),
        "pads of",
    ),
    "n / 0": (
        bomb(
            node("Div", "n z", "q"), node("Cast", "q", "extra", to=FLOAT),
            n=np.array([1]), z=np.array([0]),
        ),
        "divided by",
    ),
    "the least number / -1": (
        bomb(
            node("Div", "n z", "q"), node("Cast", "q", "extra", to=FLOAT),
            n=np.array([-(2**63)]), z=np.array([-1]),
        ),
        "divided by",
    ),
    "n % 0": (
        bomb(
            node("Mod", "n z", "q"), node("Cast", "q", "extra", to=FLOAT),
            n=np.array([1], np.int32), z=np.array([0], np.int32),
        ),
        "divided by",
    ),
    # other files
    **{
        f"weights at {place}": (lambda place=place: weights_at(place), "another file")
        for place in ("beside.bin", "../secret.bin", "/etc/passwd", "link.bin", "nowhere.bin", "")
    },
    "weights of a branch elsewhere": (
        lambda: branch(
            node("Identity", "w", "inner"), weights=[elsewhere(tensor("w", ONE), "beside.bin")]
        ),
        "another file",
    ),
    # of another time or place
    "functions of its own": (
        lambda: changed(lambda model: model.functions.add(name="F", domain="own")),
        "got functions",
    ),
    "sparse weights": (
        lambda: changed(lambda model: model.graph.sparse_initializer.add()), "got sparse",
    ),
    "numbers of an unknown type": (
        lambda: changed(lambda model: setattr(model.graph.initializer[0], "data_type", 99)),
        "number type",
    ),
    "an unknown operator": (lambda: pose(node("NoSuch", "input", "extra")), "NoSuch"),
    "an operator of another domain": (
        lambda: pose(node("Foo", "input", "extra", domain="com.example")), "com.example",
    ),
    "an operator with a name of two lines": (
        lambda: pose(node("No\n\x1b[31mSuch", "input", "extra")), "Such",
    ),
}  # fmt: skip
