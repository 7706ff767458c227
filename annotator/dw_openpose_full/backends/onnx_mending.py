"""An ONNX file said in words that OpenCV does not misread.

Two things are changed, and neither changes what the network computes:

- Every ``HardSigmoid`` gets a ``Relu`` behind it. OpenCV (seen in 4.8.1, 4.11, 4.13 and 5.0) takes
  a ``HardSigmoid`` and the ``Mul`` behind it for a HardSwish, whatever is multiplied; it does so
  while it imports, so that ``enableFusion(False)`` comes too late. A HardSigmoid is never negative:
  the Relu gives back what it takes.
- An open batch becomes 1. OpenCV 4 fails on any other size, and 5.0 dies (SIGSEGV) of the third
  size that it sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .protobuf import Reader, message_field, number_field

_SUFFIX: Final = b"!before_relu"


def mend_for_opencv(content: bytes, name: str) -> bytes:
    """The same network, for OpenCV.

    Args:
        content: An ONNX file that :func:`onnx_file.parse_onnx` takes.
        name: Of the input whose first side becomes 1 if it is open.
    """
    reader = Reader()
    return b"".join(
        message_field(7, b"".join(_graph(reader, part.content, name.encode())))
        if part.number == 7
        else part.raw
        for part in reader.fields(memoryview(content))
    )


def _graph(reader: Reader, content: memoryview, name: bytes) -> Iterator[bytes | memoryview]:
    for part in reader.fields(content):
        if part.number == 1:
            yield from _node(reader, part.content, part.raw)
        elif part.number == 11 and _text(reader, part.content, 1) == name:
            yield message_field(11, _with_batch(reader, part.content, (2, 1, 2, 1)))
        else:
            yield part.raw


def _node(reader: Reader, content: memoryview, raw: memoryview) -> Iterator[bytes | memoryview]:
    """A node, and the one behind it where there has to be one."""
    if _text(reader, content, 4) != b"HardSigmoid":
        yield raw
        return
    output = _text(reader, content, 2)
    before = output + _SUFFIX
    parts = [
        message_field(2, before) if part.number == 2 else part.raw
        for part in reader.fields(content)
    ]
    yield message_field(1, b"".join(parts))
    relu = {1: before, 2: output, 3: before + b"!node", 4: b"Relu"}
    yield message_field(1, b"".join(message_field(*pair) for pair in relu.items()))


def _text(reader: Reader, content: memoryview, number: int) -> bytes:
    """The last text of a message that has a number."""
    found = b""
    for part in reader.fields(content):
        if part.number == number:
            found = bytes(part.content)
    return found


def _with_batch(reader: Reader, content: memoryview, path: tuple[int, ...]) -> bytes:
    """A message with 1 in the first side that the path leads to, if that is open."""
    if not path:
        sides = [part.integer for part in reader.fields(content) if part.number == 1]
        return bytes(content) if sides and sides[-1] > 0 else number_field(1, 1)
    parts: list[bytes | memoryview] = []
    done = False
    for part in reader.fields(content):
        if part.number == path[0] and not done:
            done = True
            parts.append(message_field(part.number, _with_batch(reader, part.content, path[1:])))
        else:
            parts.append(part.raw)
    return b"".join(parts)
