"""What an ONNX file says, read without any engine, and whether it may be given to one.

Engines written in C++ trust a file's numbers. This looks at them first: sizes against the bytes
that are there, names against what makes them, and nothing outside the file. The numbers of fields
are those of ``onnx.proto`` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import math
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import ModelError, name_for_message, printable
from .onnx_demands import Demands
from .onnx_graph import OWN_DOMAINS, GraphParts, GraphReader, OnnxNode
from .onnx_tensors import MOST_NUMBERS, OnnxTensor
from .protobuf import Reader, WireError
from .session import TensorSpec

MOST_BYTES: Final = 2**31 - 1  # of a protobuf message
_AGAIN: Final = "download it again"
_STRANGERS: Final = {
    b"version https://git-lfs": "a Git LFS pointer",
    b"PK\x03\x04": "a zip archive",
    b"<": "a web page",
    b"{": "JSON",
    b"\x80": "a pickle",
    b"\x89PNG": "a picture",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x1f\x8b": "a gzip archive",
}


@dataclass(frozen=True)
class OnnxGraph:
    """A graph that holds together.

    Attributes:
        opset: The version of ONNX's operators.
        inputs: What it takes, weights left out.
        outputs: What it gives.
        nodes: Its steps, in order.
        tensors: Weights and constants, by name.
    """

    opset: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    nodes: tuple[OnnxNode, ...]
    tensors: dict[str, OnnxTensor]


def read_onnx(path: Path) -> bytes:
    """The bytes of a network file.

    Raises:
        ModelError: If it can not be read, is no regular file, or is larger than ONNX allows.
    """
    source = name_for_message(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(
                f"{source}: expected an ONNX file, got a folder or a device; choose a file"
            )
        if status.st_size > MOST_BYTES:
            raise ModelError(
                f"{source}: expected an ONNX file of less than 2 GiB, got {status.st_size} bytes; "
                "choose a smaller network"
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{source}: can not be read ({reason}); check the path") from error


def parse_onnx(content: bytes, source: str) -> OnnxGraph:
    """Check a network file and tell what it says.

    Args:
        content: The file.
        source: Its name, for messages.

    Raises:
        ModelError: If it is no ONNX, incomplete, contradicts itself, keeps weights elsewhere, or
            asks for tensors of absurd size.
    """
    try:
        return _parse(memoryview(content), source)
    except WireError as error:
        came = next(
            (k for start, k in _STRANGERS.items() if content.lstrip().startswith(start)), ""
        )
        came = came or "an empty file" * (not content) or f"{len(content)} bytes of which: {error}"
        raise ModelError(
            f"{source}: expected a whole ONNX file, got {printable(came)}; {_AGAIN}"
        ) from error


def _parse(content: memoryview, source: str) -> OnnxGraph:
    reader, opset, parts = Reader(), 0, None
    for part in reader.fields(content):
        if part.number == 7:
            if parts is not None:
                raise WireError("it has two graphs")
            parts = GraphReader(reader, source).read(part.content)
        elif part.number == 8:
            opset = max(opset, _read_opset(reader, part.content))
        elif part.number == 25:
            raise ModelError(f"{source}: expected plain operators, got functions; export it again")
    if parts is None or not opset:
        raise WireError("it holds no graph" if parts is None else "it names no operator set")
    return _joined(parts, opset, source)


def _read_opset(reader: Reader, content: memoryview) -> int:
    """The version of ONNX's own operators; 0 for those of others."""
    domain, version = "", 0
    for part in reader.fields(content):
        if part.number == 1:
            domain = part.text
        elif part.number == 2:
            version = part.integer
    return version if domain in OWN_DOMAINS else 0


def _joined(parts: GraphParts, opset: int, source: str) -> OnnxGraph:
    """The graph, once its parts fit each other."""
    tensors = {tensor.name: tensor for tensor in parts.tensors}
    inputs = tuple(value for value in parts.inputs if value.name not in tensors)
    if not (inputs and parts.outputs and parts.nodes):
        raise WireError("the graph has no inputs, no outputs or no nodes")
    if len(tensors) < len(parts.tensors):
        raise WireError("two weights have one name")
    for value in (*inputs, *parts.outputs):
        if math.prod(side or 1 for side in value.shape) > MOST_NUMBERS:
            raise ModelError(
                f"{source}: expected tensors of at most {MOST_NUMBERS} numbers, got "
                f"{printable(value.name[:80])} {value.shape}; {_AGAIN}"
            )
    if empty := [value for value in inputs if 0 in value.shape]:
        raise ModelError(
            f"{source}: expected an input with sides of 1 and more, got "
            f"{printable(empty[0].name[:80])} {empty[0].shape}; choose another network"
        )
    _check_names(parts, {*tensors, *(value.name for value in inputs)})
    demands = Demands(inputs, tensors, source)
    for node in parts.nodes:
        demands.add_(node)
    constants = {
        node.outputs[0]: node.value
        for node in parts.nodes
        if node.operator == "Constant" and node.value is not None
    }
    nodes, outputs = tuple(parts.nodes), tuple(parts.outputs)
    return OnnxGraph(opset, inputs, outputs, nodes, {**tensors, **constants})


def _check_names(parts: GraphParts, made: set[str]) -> None:
    """Refuse steps that take what is not made before, or make what is."""
    for node in parts.nodes:
        if not node.operator or not node.outputs:
            raise WireError("a node has no operator or no outputs")
        if missing := set(node.inputs) - made - {""}:
            raise WireError(f"nothing makes {min(missing)[:80]}, taken by a {node.operator[:80]}")
        outputs = set(node.outputs) - {""}
        if again := outputs & made:
            raise WireError(f"{min(again)[:80]} is made twice")
        made |= outputs
    if missing := {value.name for value in parts.outputs} - made:
        raise WireError(f"nothing makes the output {min(missing)[:80]}")
