"""What an ONNX file says, read without any engine, and whether it may be given to one.

Engines written in C++ trust a file's numbers. This looks at them first: sizes against the bytes
that are there, names against what makes them, and nothing outside the file. The numbers of fields
are those of ``onnx.proto`` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import math
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..errors import ModelError, name_for_message, printable
from .onnx_tensors import DTYPES, MOST_NUMBERS, OnnxTensor, read_tensor
from .protobuf import Field, Reader, WireError
from .session import TensorSpec

MOST_BYTES: Final = 2**31 - 1  # of a protobuf message
_AGAIN: Final = "download it again"
_STRANGERS: Final = {
    b"version https://git-lfs": "a Git LFS pointer",
    b"PK\x03\x04": "a zip archive",
    b"<": "a web page",
    b"{": "JSON",
    b"\x80": "a pickle",
}
_SHAPED_BY: Final = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1, "Resize": 3}
"""Operators whose output is as large as one of their inputs says; that input's place."""
_OWN_DOMAINS: Final = {"", "ai.onnx"}


@dataclass(frozen=True)
class OnnxNode:
    """One step of a graph.

    Attributes:
        operator: Its name; with its domain, ``com.x::Name``, where that is not ONNX's own.
        inputs: Names of tensors; empty for one left out.
        outputs: Names of tensors.
        value: Of a ``Constant`` that is a tensor.
        nested: Whether it holds graphs of its own.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    value: OnnxTensor | None = None
    nested: bool = False


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


@dataclass
class _Parts:
    """What a graph's fields hold, before anything is compared."""

    nodes: list[OnnxNode] = field(default_factory=list)
    tensors: list[OnnxTensor] = field(default_factory=list)
    inputs: list[TensorSpec] = field(default_factory=list)
    outputs: list[TensorSpec] = field(default_factory=list)


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
            parts = _read_graph(reader, part.content, source)
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
    return version if domain in _OWN_DOMAINS else 0


def _read_graph(reader: Reader, content: memoryview, source: str) -> _Parts:
    parts = _Parts()
    for part in reader.fields(content):
        if part.number == 1:
            parts.nodes.append(_read_node(reader, part.content, source))
        elif part.number == 5:
            parts.tensors.append(read_tensor(reader, part.content, source))
        elif part.number == 11:
            parts.inputs.append(_read_value(reader, part.content))
        elif part.number == 12:
            parts.outputs.append(_read_value(reader, part.content))
        elif part.number == 13:  # tensors on the way; engines read them too
            _read_value(reader, part.content)
        elif part.number == 15:
            raise ModelError(f"{source}: expected dense weights, got sparse ones; export it again")
    return parts


def _read_node(reader: Reader, content: memoryview, source: str) -> OnnxNode:
    names: dict[int, list[str]] = {1: [], 2: [], 3: [], 4: [""], 7: [""]}
    value, nested = None, False
    for part in reader.fields(content):
        if part.number in names:
            names[part.number].append(part.text)
        elif part.number == 5:
            tensor, graphs = _read_attribute(reader, part.content, source)
            value, nested = tensor or value, graphs or nested
    operator, domain = names[4][-1], names[7][-1]
    operator = operator if domain in _OWN_DOMAINS else f"{domain}::{operator}"
    return OnnxNode(operator, tuple(names[1]), tuple(names[2]), value, nested)


def _read_attribute(
    reader: Reader, content: memoryview, source: str
) -> tuple[OnnxTensor | None, bool]:
    """A tensor if there is one, and whether there are graphs; its texts have to be text."""
    value, nested = None, False
    for part in reader.fields(content):
        if part.number in {1, 4, 9, 21}:  # names, texts
            _ = part.text
        elif part.number in {5, 10}:  # one tensor, several
            value = read_tensor(reader, part.content, source)
        nested = nested or part.number in {6, 11}
    return value, nested


def _read_value(reader: Reader, content: memoryview) -> TensorSpec:
    """An input or output; of one that is no tensor the number type is ``"none"``."""
    name, dtype, shape = "", "none", []
    for part in reader.fields(content):
        if part.number == 1:
            name = part.text
        elif part.number == 2:
            for tensor in _within(reader, part.content, 1):
                if tensor.number == 1:
                    dtype = DTYPES.get(tensor.integer, ("none", 0))[0]
                elif tensor.number == 2:
                    sides = [side for side in reader.fields(tensor.content) if side.number == 1]
                    shape = [_read_side(reader, side.content) for side in sides]
    return TensorSpec(name, tuple(shape), dtype)


def _within(reader: Reader, content: memoryview, number: int) -> Iterator[Field]:
    """The fields of those messages in a message that have a number."""
    for part in reader.fields(content):
        if part.number == number:
            yield from reader.fields(part.content)


def _read_side(reader: Reader, content: memoryview) -> int | None:
    sides = [part.integer for part in reader.fields(content) if part.number == 1]
    return sides[-1] if sides and sides[-1] > 0 else None


def _joined(parts: _Parts, opset: int, source: str) -> OnnxGraph:
    """The graph, once its parts fit each other."""
    tensors = {tensor.name: tensor for tensor in parts.tensors}
    inputs = tuple(value for value in parts.inputs if value.name not in tensors)
    if not (inputs and parts.outputs and parts.nodes):
        raise WireError("the graph has no inputs, no outputs or no nodes")
    for value in (*inputs, *parts.outputs):
        if math.prod(side or 1 for side in value.shape) > MOST_NUMBERS:
            raise ModelError(
                f"{source}: expected tensors of at most {MOST_NUMBERS} numbers, got "
                f"{printable(value.name[:80])} {value.shape}; {_AGAIN}"
            )
    made = {"", *tensors, *(value.name for value in inputs)}
    for node in parts.nodes:
        _check_node(node, made, tensors, source)
        made.update(node.outputs)
        if node.operator == "Constant" and node.value is not None and node.outputs:
            tensors[node.outputs[0]] = node.value
    if missing := {value.name for value in parts.outputs} - (made - {""}):
        raise WireError(f"nothing makes the output {min(missing)[:80]}")
    return OnnxGraph(opset, inputs, tuple(parts.outputs), tuple(parts.nodes), tensors)


def _check_node(
    node: OnnxNode, made: set[str], tensors: dict[str, OnnxTensor], source: str
) -> None:
    """Refuse a step that takes what is not there, or makes what fits nowhere."""
    if not node.operator or not node.outputs:
        raise WireError("a node has no operator or no outputs")
    if missing := set(node.inputs) - made:
        raise WireError(f"nothing makes {min(missing)[:80]}, which a {node.operator[:80]} takes")
    place = _SHAPED_BY.get(node.operator)
    if place is None or place >= len(node.inputs):
        return
    shape = tensors.get(node.inputs[place])
    if shape is not None and math.prod(abs(side) for side in shape.integers) > MOST_NUMBERS:
        raise ModelError(
            f"{source}: expected tensors of at most {MOST_NUMBERS} numbers, got a {node.operator} "
            f"of {list(shape.integers)}; {_AGAIN}"
        )
