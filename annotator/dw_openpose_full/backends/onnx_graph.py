"""What the fields of a graph in an ONNX file hold, with the graphs within it.

The numbers of fields are those of ``onnx.proto``
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ..errors import ModelError
from .onnx_tensors import DTYPES, OnnxTensor, read_tensor
from .protobuf import Field, Reader, WireError
from .session import TensorSpec

OWN_DOMAINS: Final = {"", "ai.onnx"}
MOST_NESTED: Final = 8  # graphs within graphs
_TEXTS: Final = {1, 4, 9, 21}  # of an attribute; the first is its name


@dataclass(frozen=True)
class OnnxNode:
    """One step of a graph.

    Attributes:
        operator: Its name; with its domain, ``com.x::Name``, where that is not ONNX's own.
        inputs: Names of tensors; empty for one left out.
        outputs: Names of tensors.
        value: Of a ``Constant`` that is a tensor.
        integers: Its attributes that are whole numbers, by name.
        nested: The steps of the graphs that it holds, with their weights as constants.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    value: OnnxTensor | None = None
    integers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    nested: tuple[OnnxNode, ...] = ()


@dataclass
class GraphParts:
    """What a graph's fields hold, before anything is compared."""

    nodes: list[OnnxNode] = field(default_factory=list)
    tensors: list[OnnxTensor] = field(default_factory=list)
    inputs: list[TensorSpec] = field(default_factory=list)
    outputs: list[TensorSpec] = field(default_factory=list)


@dataclass
class _Attributes:
    """What a node's attributes hold."""

    tensor: OnnxTensor | None = None
    integers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    nested: list[OnnxNode] = field(default_factory=list)


class GraphReader:
    """Reads graphs; refuses weights that are sparse or lie in another file."""

    def __init__(self, reader: Reader, source: str) -> None:
        """Take what walks through messages, and the name of the file for messages to people."""
        self._reader = reader
        self._source = source
        self._depth = 0

    def read(self, content: memoryview) -> GraphParts:
        """Read a graph.

        Raises:
            ModelError: If weights lie in another file, are sparse, or absurdly large.
            WireError: If it is no graph.
        """
        parts = GraphParts()
        for part in self._reader.fields(content):
            match part.number:
                case 1:
                    parts.nodes.append(self._node(part.content))
                case 5:
                    parts.tensors.append(read_tensor(self._reader, part.content, self._source))
                case 11:
                    parts.inputs.append(self._value(part.content))
                case 12:
                    parts.outputs.append(_with_sides(self._value(part.content)))
                case 13:  # tensors on the way; engines read them too
                    self._value(part.content)
                case 15:
                    raise self._sparse()
        return parts

    def _node(self, content: memoryview) -> OnnxNode:
        names: dict[int, list[str]] = {1: [], 2: [], 3: [], 4: [""], 7: [""]}
        found = _Attributes()
        for part in self._reader.fields(content):
            if part.number in names:
                names[part.number].append(part.text)
            elif part.number == 5:
                self._attribute(part.content, found)
        operator, domain = names[4][-1], names[7][-1]
        return OnnxNode(
            operator if domain in OWN_DOMAINS else f"{domain}::{operator}",
            tuple(names[1]),
            tuple(names[2]),
            found.tensor,
            found.integers,
            tuple(found.nested),
        )

    def _attribute(self, content: memoryview, found: _Attributes) -> None:
        """Add an attribute to those found."""
        texts: dict[int, str] = {}
        integers: list[int] = []
        for part in self._reader.fields(content):
            number = part.number
            if number in _TEXTS:
                texts[number] = part.text
            elif number in {3, 8}:  # one, several
                integers += part.integers
            elif number in {5, 10}:
                found.tensor = read_tensor(self._reader, part.content, self._source)
            elif number in {6, 11}:
                found.nested += self._inner_steps(part.content)
            elif number in {22, 23}:
                raise self._sparse()
        name = texts.get(1, "")
        found.integers[name] = (*found.integers.get(name, ()), *integers)

    def _inner_steps(self, content: memoryview) -> list[OnnxNode]:
        """The steps of a graph within a graph."""
        if self._depth == MOST_NESTED:
            raise WireError(f"graphs are nested more than {MOST_NESTED} deep")
        self._depth += 1
        parts = self.read(content)
        self._depth -= 1
        weights = [OnnxNode("Constant", (), (one.name,), one) for one in parts.tensors]
        return [*weights, *parts.nodes]

    def _value(self, content: memoryview) -> TensorSpec:
        """An input or output; of one that is no tensor the number type is ``"none"``."""
        name, dtype, shape = "", "none", []
        for part in self._reader.fields(content):
            if part.number == 1:
                name = part.text
            elif part.number == 2:
                for tensor in self._within(part.content, 1):
                    if tensor.number == 1:
                        dtype = DTYPES.get(tensor.integer, ("none", 0))[0]
                    elif tensor.number == 2:
                        shape = [self._side(side.content) for side in self._of(tensor.content, 1)]
        return TensorSpec(name, tuple(shape), dtype)

    def _of(self, content: memoryview, number: int) -> Iterator[Field]:
        """The fields of a message that have a number."""
        return (part for part in self._reader.fields(content) if part.number == number)

    def _within(self, content: memoryview, number: int) -> Iterator[Field]:
        """The fields of those messages in a message that have a number."""
        for part in self._of(content, number):
            yield from self._reader.fields(part.content)

    def _side(self, content: memoryview) -> int | None:
        sides = [part.integer for part in self._of(content, 1)]
        return sides[-1] if sides and sides[-1] >= 0 else None

    def _sparse(self) -> ModelError:
        return ModelError(
            f"{self._source}: expected dense weights, got sparse ones; export it again"
        )


def _with_sides(output: TensorSpec) -> TensorSpec:
    """An output; some exporters write 0 for a side that depends on the picture."""
    return TensorSpec(output.name, tuple(side or None for side in output.shape), output.dtype)
