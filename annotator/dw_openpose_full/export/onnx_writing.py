"""ONNX files under construction.

The numbers of fields are those of ``onnx.proto``
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .._version import DISTRIBUTION, package_version
from ..backends.onnx_tensors import DTYPES
from ..backends.protobuf import message_field, number_field

OPSET: Final = 13  # the first with weights quantised by channel
_IR_VERSION: Final = 7  # of that operator set
_INT, _STRING, _INTS = 2, 3, 7  # kinds of attributes
_TYPES: Final = {name: number for number, (name, _) in DTYPES.items()}

Attribute = int | str | Sequence[int]


class GraphWriter:
    """A graph that grows step by step.

    What is added is known to later steps by its name.
    """

    def __init__(self) -> None:
        """Begin an empty graph."""
        self._nodes: list[bytes] = []
        self._tensors: dict[str, bytes] = {}
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = 0

    def input(self, name: str, sides: Sequence[int | str]) -> str:
        """Add an input of float32; a side with a name is open."""
        self._inputs.append(message_field(11, _value(name, sides)))
        return name

    def output(self, name: str, sides: Sequence[int | str]) -> str:
        """Add an output of float32, which a step must make."""
        self._outputs.append(message_field(12, _value(name, sides)))
        return name

    def tensor(self, array: NDArray[Any], name: str = "") -> str:
        """Add weights; a name that was there before stands for the same ones."""
        name = name or self._new("constant")
        if name not in self._tensors:
            little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            self._tensors[name] = message_field(
                5,
                b"".join(
                    (
                        *(number_field(1, side) for side in array.shape),
                        number_field(2, _TYPES[array.dtype.name]),
                        message_field(8, name.encode()),
                        message_field(9, little.reshape(-1).view(np.uint8).data),
                    )
                ),
            )
        return name

    def step(self, operator: str, /, *inputs: str, **attributes: Attribute) -> str:
        """Add a step of one output, whose name is new."""
        name = self._new(operator)
        self.make([name], operator, *inputs, **attributes)
        return name

    def make(
        self, names: Sequence[str], operator: str, /, *inputs: str, **attributes: Attribute
    ) -> None:
        """Add a step, with names for its outputs."""
        content = [message_field(1, name.encode()) for name in inputs]
        content += [message_field(2, name.encode()) for name in names]
        content.append(message_field(3, f"make {names[0]}".encode()))
        content.append(message_field(4, operator.encode()))
        content += [message_field(5, _attribute(*pair)) for pair in attributes.items()]
        self._nodes.append(message_field(1, b"".join(content)))

    def file(self, metadata: Mapping[str, str]) -> bytes:
        """The file, with words about the network."""
        graph = [*self._nodes, message_field(2, b"network"), *self._tensors.values()]
        graph += [*self._inputs, *self._outputs]
        words = (
            message_field(14, message_field(1, key.encode()) + message_field(2, value.encode()))
            for key, value in metadata.items()
        )
        return b"".join(
            (
                number_field(1, _IR_VERSION),
                message_field(2, DISTRIBUTION.encode()),
                message_field(3, package_version().encode()),
                message_field(7, b"".join(graph)),
                message_field(8, number_field(2, OPSET)),
                *words,
            )
        )

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


def type_number(dtype: str) -> int:
    """ONNX's number of a number type that NumPy names."""
    return _TYPES[dtype]


def _value(name: str, sides: Iterable[int | str]) -> bytes:
    shape = b"".join(
        message_field(
            1, number_field(1, side) if isinstance(side, int) else message_field(2, side.encode())
        )
        for side in sides
    )
    tensor = number_field(1, _TYPES["float32"]) + message_field(2, shape)
    return message_field(1, name.encode()) + message_field(2, message_field(1, tensor))


def _attribute(name: str, value: Attribute) -> bytes:
    start = message_field(1, name.encode())
    if isinstance(value, int):
        return start + number_field(3, value) + number_field(20, _INT)
    if isinstance(value, str):
        return start + message_field(4, value.encode()) + number_field(20, _STRING)
    listed = b"".join(number_field(8, one) for one in value)
    return start + listed + number_field(20, _INTS)
