"""What the steps of an ONNX graph may not ask of an engine.

Engines do as they are told: a few bytes make them fill the memory, loop for ever, or divide by
zero, which kills the process (SIGFPE, in OpenCV 4.8 to 5.0 and in onnxruntime). What a graph says
outright is checked here; a size that it computes on the way is the engine's to refuse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ..errors import ModelError, printable
from .onnx_graph import OnnxNode
from .onnx_tensors import MOST_NUMBERS, OnnxTensor
from .session import TensorSpec

_ENDLESS: Final = {"Loop", "Scan", "SequenceMap"}
_PASSING: Final = {"Identity", "Cast"}
_MOST_STEPS: Final = 65536  # of one kernel, stride, border...; those of networks are far below
_LEAST_STEPS: Final = {  # attributes that engines divide by, count up to or add on
    **dict.fromkeys(("strides", "dilations", "kernel_shape", "group", "blocksize"), 1),
    **dict.fromkeys(("num_outputs", "hidden_size", "size"), 1),
    **dict.fromkeys(("pads", "output_padding", "output_shape"), -_MOST_STEPS),
}


class _Known(NamedTuple):
    """What is known of a tensor before anything runs."""

    size: float = 1
    numbers: tuple[float, ...] = ()  # if they are a few
    whole: bool = False

    @classmethod
    def of(cls, tensor: OnnxTensor) -> _Known:
        """Of a tensor that lies in the file."""
        return cls(math.prod(tensor.shape), tensor.numbers, "int" in tensor.dtype)


class Demands:
    """Goes through the steps of a graph, adds up what they ask for, and refuses what is absurd."""

    def __init__(
        self, inputs: Iterable[TensorSpec], tensors: Mapping[str, OnnxTensor], source: str
    ) -> None:
        """Take what is there before the first step.

        Args:
            inputs: Of the graph; a side left open counts for 1.
            tensors: Its weights, by name.
            source: The file, for messages.
        """
        self._source = source
        self._asked = 0.0
        self._known = {
            one.name: _Known(math.prod(side or 1 for side in one.shape)) for one in inputs
        }
        self._known |= {name: _Known.of(tensor) for name, tensor in tensors.items()}

    def add_(self, node: OnnxNode) -> None:
        """Take in the next step.

        Raises:
            ModelError: If it loops, divides by zero, or makes more than fits anywhere.
        """
        for inner in node.nested:
            self.add_(inner)
        given = [self._known.get(name, _Known()) for name in node.inputs]
        if node.operator in _ENDLESS:
            raise self._refusal("a network without loops", f"a {node.operator}")
        self._check_steps(node)
        if node.operator in {"Div", "Mod"} and len(given) > 1:
            self._check_divisor(node, given[1])
        if node.operator in _PASSING and given:
            self._learn_(node, given[0])
        elif node.operator == "Constant":
            self._learn_constant_(node)
        elif node.operator in _SIZES and given:
            self._learn_(node, _Known(self._allowed(node, _SIZES[node.operator](given))))

    def _check_steps(self, node: OnnxNode) -> None:
        for name, values in node.integers.items():
            least = _LEAST_STEPS.get(name)
            if least is not None and not all(least <= value <= _MOST_STEPS for value in values):
                seen = f"a {node.operator} of {list(values[:8])}"
                raise self._refusal(f"{name} of {least} to {_MOST_STEPS}", seen)
        if "shape" in node.integers:  # of random numbers
            self._allowed(node, math.prod(map(float, node.integers["shape"])))

    def _check_divisor(self, node: OnnxNode, divisor: _Known) -> None:
        """The processor knows no whole number for n / 0, nor for the least one / -1."""
        if divisor.whole and not {0, -1}.isdisjoint(divisor.numbers):
            seen = f"a {node.operator} by {list(divisor.numbers)}"
            raise self._refusal("whole numbers divided by other ones than 0 and -1", seen)

    def _allowed(self, node: OnnxNode, size: float) -> float:
        """The size of what a step makes, if it fits beside all that was asked for before."""
        self._asked += size
        if not self._asked <= MOST_NUMBERS:  # NaN neither
            seen = f"a {node.operator} of {size:.0f}"
            raise self._refusal(f"tensors of at most {MOST_NUMBERS} numbers", seen)
        return size

    def _learn_constant_(self, node: OnnxNode) -> None:
        listed = node.integers.get("value_ints", node.integers.get("value_int", ()))
        if node.value is not None:
            self._learn_(node, _Known.of(node.value))
        elif listed:
            self._learn_(node, _Known(len(listed), listed, whole=True))

    def _learn_(self, node: OnnxNode, known: _Known) -> None:
        if node.outputs:
            self._known[node.outputs[0]] = known

    def _refusal(self, wanted: str, seen: str) -> ModelError:
        return ModelError(
            f"{self._source}: expected {wanted}, got {printable(seen[:200])}; download the file "
            "again, or choose another"
        )


def _product(given: Sequence[_Known], place: int) -> float:
    """Of the numbers of an input; 1 if it is not there, or they are not known."""
    numbers = given[place].numbers if place < len(given) else ()
    return math.prod(abs(float(number)) for number in numbers)


def _resized(given: Sequence[_Known]) -> float:
    """Inputs are X, roi, scales, sizes; before operator set 11 they were X, scales."""
    scales = 2 if len(given) > 2 else 1
    return max(given[0].size * _product(given, scales), _product(given, 3))


def _padded(given: Sequence[_Known]) -> float:
    """No less than it can be: every side was at least 1."""
    borders = given[1].numbers if len(given) > 1 else ()
    return max(given[0].size, math.prod(1 + abs(float(border)) for border in borders))


def _counted(given: Sequence[_Known]) -> float:
    """From, to and step."""
    if len(given) < 3 or not all(one.numbers for one in given[:3]):
        return 1
    start, end, step = (float(one.numbers[0]) for one in given[:3])
    return max((end - start) / step, 0.0) if step else math.inf


_SIZES: Final[dict[str, Callable[[Sequence[_Known]], float]]] = {
    "Concat": lambda given: sum(one.size for one in given),
    "ConstantOfShape": lambda given: _product(given, 0),
    "Expand": lambda given: max(given[0].size, _product(given, 1)),
    "OneHot": lambda given: given[0].size * _product(given, 1),
    "Pad": _padded,
    "Range": _counted,
    "Resize": _resized,
    "Tile": lambda given: given[0].size * _product(given, 1),
    "Upsample": _resized,
}
"""How many numbers a step makes that says so itself."""
