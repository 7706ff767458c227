"""Convert networks for the ``lite`` bundle, and compare two bundles.

``build_lite.py`` runs this file inside its throw-away environment, for only there are onnx and
onnxruntime pinned. ``check`` also works alone, wherever numpy, onnx and onnxruntime are::

    python tools/lite_networks.py check ckpts/lite DIR_OF_FLOAT32_NETWORKS
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET: Final = 13
"""ONNX operator set; onnxruntime runs it since 1.6."""

FEWEST_HALVES: Final = 64
"""Elements; below this a ``Cast`` costs about the bytes that float16 saves."""

TOLERANCE: Final = 1e-4
"""Largest difference between two answers, in an output's own unit (pixels, logits, scores).

The stored weights are the reference's bit for bit, so 0 is expected; this leaves room for an
onnxruntime that joins operators of the one graph and not of the other.
"""

OPEN_SIZES: Final = ((256, 256), (320, 192), (512, 512))
"""(height, width) tried where a network leaves them open."""

SEEDS: Final = (0, 1, 2)


def repair_tfjs(graph: dict[str, Any]) -> None:
    """Add what tf2onnx asks of two operators and tfjs leaves out, in place.

    ``_FusedConv2D`` lacks the types of its further arguments, ``TopKV2`` that of its indices.
    """
    for node in graph["modelTopology"]["node"]:
        if node["op"] == "_FusedConv2D":
            further = int(node["attr"]["num_args"]["i"])
            node["attr"]["TArgs"] = {"list": {"type": ["DT_FLOAT"] * further}}
        elif node["op"] == "TopKV2":
            node["attr"].setdefault("index_type", {"type": "DT_INT32"})


def converted(source: Path) -> onnx.ModelProto:
    """Convert a tflite file, or a tfjs graph whose weights lie beside it, as tf2onnx does it."""
    kind = "--tflite"
    if source.suffix == ".json":
        graph = json.loads(source.read_text("utf-8"))
        repair_tfjs(graph)
        kind, source = "--tfjs", source.with_stem(f"{source.stem}-repaired")
        source.write_text(json.dumps(graph), "utf-8")
    plain = source.with_suffix(".onnx")
    options = ["--opset", str(OPSET), "--output", str(plain)]
    command = [sys.executable, "-m", "tf2onnx.convert", kind, str(source), *options]
    subprocess.run(command, check=True)
    return onnx.load(plain)


def in_order(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """List the nodes depth first from the outputs.

    The converter's own order follows Python sets, which differ from run to run; this one follows
    from the graph alone. Nodes that no output needs are left out.
    """
    producers = {name: node for node in graph.node for name in node.output}
    ordered: dict[str, onnx.NodeProto] = {}
    stack = [producers[value.name] for value in reversed(graph.output)]
    while stack:
        inputs = (producers[name] for name in stack[-1].input if name in producers)
        waiting = next((node for node in inputs if node.output[0] not in ordered), None)
        if waiting is not None:
            stack.append(waiting)
        else:
            node = stack.pop()
            ordered[node.output[0]] = node
    return list(ordered.values())


def tensor_names(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto]) -> dict[str, str]:
    """Map each tensor to a name by position; the graph's inputs and outputs keep theirs."""
    names = {"": ""} | {value.name: value.name for value in (*graph.input, *graph.output)}
    for node in nodes:
        for name in (*node.input, *node.output):
            names.setdefault(name, f"t{len(names)}")
    return names


def renamed(node: onnx.NodeProto, names: Mapping[str, str]) -> onnx.NodeProto:
    """Copy a node with new tensor names, its attributes sorted, without name and remarks."""
    return onnx.NodeProto(
        op_type=node.op_type,
        domain=node.domain,
        input=[names[name] for name in node.input],
        output=[names[name] for name in node.output],
        attribute=sorted(node.attribute, key=attrgetter("name")),
    )


def fits_half(weights: NDArray[Any]) -> bool:
    """Tell whether float32 weights survive float16 unchanged and are many enough to gain by it.

    The sources store float16, so nearly all weights survive. Those of ``hand_recrop`` are true
    float32 and stay so: rounding them would save 50 kB and change every answer.
    """
    if weights.dtype != np.float32 or weights.size < FEWEST_HALVES:
        return False
    with np.errstate(over="ignore"):  # too large for float16: infinite, so not equal
        return np.array_equal(weights.astype(np.float16).astype(np.float32), weights)


def stored(tensor: TensorProto, name: str) -> tuple[TensorProto, list[onnx.NodeProto]]:
    """Give a weight tensor as it is stored, and the ``Cast`` that makes it float32 again.

    onnxruntime folds the ``Cast`` into the weights as it loads, so it costs no time per picture.
    """
    weights = numpy_helper.to_array(tensor)
    if not fits_half(weights):
        return numpy_helper.from_array(weights, name), []
    half = numpy_helper.from_array(weights.astype(np.float16), f"{name}_half")
    return half, [helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT)]


def described(values: Iterable[onnx.ValueInfoProto]) -> list[onnx.ValueInfoProto]:
    """Copy inputs or outputs; an open axis is called after its tensor, not by a running number."""
    return [
        helper.make_tensor_value_info(
            value.name,
            value.type.tensor_type.elem_type,
            [
                axis.dim_value or f"{value.name}_axis_{index}"
                for index, axis in enumerate(value.type.tensor_type.shape.dim)
            ],
        )
        for value in values
    ]


def rewrite(model: onnx.ModelProto, name: str, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """Make the same network with float16 weights and nothing in it that varies between runs."""
    ordered = in_order(model.graph)
    names = tensor_names(model.graph, ordered)
    nodes = [renamed(node, names) for node in ordered]
    tensors = {
        names[tensor.name]: tensor for tensor in model.graph.initializer if tensor.name in names
    }
    used = [tensor_name for tensor_name in names.values() if tensor_name in tensors]
    weights, casts = [], []
    for tensor_name in used:
        weight, cast = stored(tensors[tensor_name], tensor_name)
        weights.append(weight)
        casts.extend(cast)
    inputs, outputs = described(model.graph.input), described(model.graph.output)
    result = helper.make_model(
        helper.make_graph([*casts, *nodes], name, inputs, outputs, weights),
        opset_imports=[opset for opset in model.opset_import if not opset.domain],
        ir_version=model.ir_version,
    )
    helper.set_model_props(result, dict(sorted(metadata.items())))
    onnx.checker.check_model(result)
    return result


def input_shapes(session: onnxruntime.InferenceSession) -> list[tuple[int, ...]]:
    """List the input shapes to try: the declared one, or for MoveNet, NHWC, ``OPEN_SIZES``."""
    declared = session.get_inputs()[0].shape
    if all(isinstance(length, int) for length in declared):
        return [tuple(declared)]
    return [(1, height, width, 3) for height, width in OPEN_SIZES]


def random_input(
    session: onnxruntime.InferenceSession, shape: tuple[int, ...], seed: int
) -> dict[str, NDArray[Any]]:
    """Draw a noise picture: 0 to 255 for an int32 input, 0 to 1 for a float32 one."""
    generator = np.random.default_rng(seed)
    takes = session.get_inputs()[0]
    if takes.type == "tensor(int32)":
        return {takes.name: generator.integers(0, 256, shape, dtype=np.int32)}
    return {takes.name: generator.random(shape, dtype=np.float32)}


def differences(built: Path, reference: Path) -> dict[str, float]:
    """Measure the largest difference of two networks, by input shape and output.

    Raises:
        ValueError: If the two disagree in the shape of an output.
    """
    ours, theirs = (
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        for path in (built, reference)
    )
    outputs = [output.name for output in ours.get_outputs()]
    largest: dict[str, float] = {}
    for shape in input_shapes(ours):
        for seed in SEEDS:
            feed = random_input(ours, shape, seed)
            answers = zip(outputs, ours.run(outputs, feed), theirs.run(outputs, feed), strict=True)
            for output, mine, other in answers:
                if mine.shape != other.shape:
                    message = f"{built}: {output} is {mine.shape}, expected {other.shape}"
                    raise ValueError(message)
                key = f"{'x'.join(map(str, shape))} -> {output} {'x'.join(map(str, mine.shape))}"
                largest[key] = np.maximum(largest.get(key, 0.0), np.abs(mine - other).max())
    return largest


def check(built: Path, reference: Path) -> bool:
    """Print the differences of every network in ``built``; tell whether all are tolerable."""
    paths = sorted(built.glob("*.onnx"))
    missing = [path.name for path in paths if not (reference / path.name).is_file()]
    if missing or not paths:
        sys.stderr.write(f"{reference} lacks {', '.join(missing) or f'all, as does {built}'}\n")
        return False
    good = True
    for path in paths:
        for key, difference in differences(path, reference / path.name).items():
            # "not <=" also catches a difference that is not a number
            bad = not difference <= TOLERANCE
            good = good and not bad
            sys.stdout.write(f"{path.stem}: {key}: {difference:.3g}{' TOO MUCH' * bad}\n")
    return good


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert or check; 1 means that a network is missing or differs above ``TOLERANCE``."""
    parser = argparse.ArgumentParser(description="Convert or compare lite networks.")
    commands = parser.add_subparsers(dest="command", required=True)
    convert_parser = commands.add_parser("convert", help="convert one network")
    convert_parser.add_argument("source", type=Path)
    convert_parser.add_argument("target", type=Path)
    convert_parser.add_argument("metadata", nargs="*", help="KEY=VALUE")
    check_parser = commands.add_parser("check", help="compare a bundle with its reference")
    check_parser.add_argument("built", type=Path)
    check_parser.add_argument("reference", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "check":
        return 0 if check(options.built, options.reference) else 1
    metadata = dict(pair.split("=", 1) for pair in options.metadata)
    network = rewrite(converted(options.source), options.target.stem, metadata)
    options.target.write_bytes(network.SerializeToString(deterministic=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
