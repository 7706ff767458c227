"""Weights in an ONNX file: their shape and type, and whether their bytes are there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..errors import ModelError, printable
from .protobuf import Field, Reader, WireError

MOST_NUMBERS: Final = 2**28  # in one tensor: 1 GiB of float32; those of the largest YOLOX have 2^24
DTYPES: Final = {
    1: ("float32", 4),
    2: ("uint8", 1),
    3: ("int8", 1),
    4: ("uint16", 2),
    5: ("int16", 2),
    6: ("int32", 4),
    7: ("int64", 8),
    8: ("string", 0),
    9: ("bool", 1),
    10: ("float16", 2),
    11: ("float64", 8),
    12: ("uint32", 4),
    13: ("uint64", 8),
    16: ("bfloat16", 2),
}
"""NumPy's name, and bytes of a number, by ONNX's number of the type."""
_LISTS: Final = {4: 4, 5: 0, 7: 0, 10: 8, 11: 0}
"""Fields that list numbers, and the bytes of each; 0 for varints."""
_LIST_OF: Final = {"float32": 4, "int64": 7, "float64": 10, "uint32": 11, "uint64": 11}
MOST_SIDES: Final = 8
_FEW: Final = 16  # numbers of a tensor that may be a shape
_READABLE: Final = {"int32", "int64", "float32", "float64"}


@dataclass(frozen=True)
class OnnxTensor:
    """A tensor that lies in the file.

    Attributes:
        name: Its name in the graph; empty for a constant's value.
        shape: Its sides.
        dtype: NumPy's name of its number type.
        numbers: Its numbers, if they are a few and of a common type.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    numbers: tuple[float, ...] = ()


@dataclass
class _Parts:
    """What a tensor's fields hold, before anything is compared."""

    name: str = ""
    kind: int = 0
    shape: tuple[int, ...] = ()
    raw: memoryview | None = None
    lists: tuple[Field, ...] = ()
    elsewhere: bool = False

    def add_(self, part: Field) -> None:
        """Take in one field."""
        match part.number:
            case 1:
                self.shape += tuple(part.integers)
            case 2:
                self.kind = part.integer
            case 8:
                self.name = part.text
            case 9:
                self.raw = part.content
            case 13:
                self.elsewhere = True
            case 14:
                self.elsewhere = self.elsewhere or part.integer != 0
            case number if number in _LISTS:
                self.lists += (part,)

    def holds(self, count: int, dtype: str, width: int) -> bool:
        """Whether there are as many numbers as the shape asks for."""
        if self.raw is not None:
            return not self.lists and len(self.raw) == count * width
        number = _LIST_OF.get(dtype, 5)
        if any(part.number != number for part in self.lists):
            return False
        return sum(part.count(_LISTS[number]) for part in self.lists) == count

    def numbers(self, dtype: str) -> tuple[float, ...]:
        """The numbers, Python's own."""
        if self.raw is None and "int" in dtype:
            return tuple(number for part in self.lists for number in part.integers)
        content = b"".join(part.content for part in self.lists) if self.raw is None else self.raw
        return tuple(np.frombuffer(content, np.dtype(dtype).newbyteorder("<")).tolist())


def read_tensor(reader: Reader, content: memoryview, source: str) -> OnnxTensor:
    """Check a tensor's shape against its bytes.

    Raises:
        ModelError: If its numbers lie in another file, or it is absurdly large.
        WireError: If the bytes are not those of its shape.
    """
    parts = _Parts()
    for part in reader.fields(content):
        parts.add_(part)
    shown, shape = printable(parts.name[:80]) or "a constant", parts.shape
    if parts.elsewhere:
        raise ModelError(
            f"{source}: expected all weights inside the file, got {shown} in another file; "
            "use an export with its weights inside"
        )
    if parts.kind not in DTYPES:
        raise WireError(f"the weights {shown} have no number type that is known ({parts.kind})")
    dtype, width = DTYPES[parts.kind]
    if len(shape) > MOST_SIDES or min(shape, default=0) < 0 or math.prod(shape) > MOST_NUMBERS:
        raise ModelError(
            f"{source}: expected weights of at most {MOST_NUMBERS} numbers and {MOST_SIDES} sides, "
            f"got {shown} of shape {shape[:MOST_SIDES]}; download it again"
        )
    count = math.prod(shape)
    if dtype != "string" and not parts.holds(count, dtype, width):
        raise WireError(f"the weights {shown} have other bytes than their shape {shape} needs")
    few = dtype in _READABLE and count <= _FEW
    return OnnxTensor(parts.name, shape, dtype, parts.numbers(dtype) if few else ())
