"""Networks on OpenCV, for people without onnxruntime.

OpenCV's own importer dies of some files and misreads others, so it sees a file only after
:mod:`.onnx_file` has, and in the words of :mod:`.onnx_mending`. One network gives threads each
other's answers: each has a lock.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from ..errors import ModelError, OptionError, name_for_message, printable
from .onnx_file import OnnxGraph, parse_onnx, read_onnx
from .onnx_graph import OnnxNode
from .onnx_mending import mend_for_opencv
from .onnx_tensors import OnnxTensor
from .session import Tensor, TensorSpec

_DEVICE: Final = re.compile(r"auto|cpu|cuda(?::(\d+))?")
_CURE: Final = "run it on onnxruntime"
# what takes a number without sides rightly on 4.8.1, 4.11, 4.13 and 5.0; others were seen to fail
_TAKES_NUMBERS: Final = {
    *("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Clip", "PRelu", "Pad", "Gather"),
    *("Equal", "Greater", "Less", "Where", "Cast", "Transpose", "Unsqueeze"),
}
_CONVOLUTIONS: Final = {"Conv", "ConvTranspose"}
_log = logging.getLogger(__name__)


class OpenCvSession:
    """A ``Session`` of OpenCV's DNN module, on the CPU; networks take and give float32.

    Pictures of an open batch are run one by one. Several threads may call; they wait in turn.
    """

    def __init__(self, path: Path, *, device: str = "auto") -> None:
        """Check and load a network.

        Args:
            path: An ONNX file.
            device: ``auto`` or ``cpu``; ``cuda`` and ``cuda:N`` are the CPU too, with one warning.

        Raises:
            OptionError: If the device is none of these.
            ModelError: If the file is no network, or none that OpenCV can run.
        """
        if _DEVICE.fullmatch(device) is None:
            raise OptionError(f"device must be auto, cpu, cuda or cuda:N, got {device!r}")
        self._source, self._name = name_for_message(path), path.name
        content = read_onnx(path)
        graph = parse_onnx(content, self._source)
        _check(graph, self._source)
        self.input, self.outputs = graph.inputs[0], graph.outputs
        try:
            mended = mend_for_opencv(content, self.input.name)
            self._network: Any = cv2.dnn.readNetFromONNX(np.frombuffer(mended, np.uint8))
        except cv2.error as error:
            raise self._refusal("can not load it", error) from error
        self._lock = threading.Lock()
        if device.startswith("cuda"):
            _log.warning("OpenCV from PyPI has no CUDA; %s runs on the CPU", self._source)

    @property
    def description(self) -> str:
        """Which file runs on what."""
        return f"{self._name} on OpenCV {cv2.__version__} (CPU)"

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Run the network; outputs in graph order. No pictures give no rows.

        Raises:
            ModelError: If the batch has another shape than the graph says, or OpenCV fails.
        """
        shape = self.input.shape
        wanted = (len(batch), *shape[1:]) if batch.ndim and shape[0] is None else shape
        if batch.shape != wanted:
            sides = ", ".join(str(side or "N") for side in shape)
            raise ModelError(
                f"{self._source}: expected a batch of shape ({sides}), got {batch.shape}; cut the "
                "pictures to the size that the network takes"
            )
        pictures = np.ascontiguousarray(batch, np.float32)
        if shape[0] is not None:
            return self._look(pictures)
        blank = np.zeros((1, *pictures.shape[1:]), np.float32)
        rows = [self._look(pictures[row : row + 1]) for row in range(len(pictures))]
        answers = zip(*(rows or [self._look(blank)]), strict=True)
        return tuple(np.concatenate(parts)[: len(pictures)] for parts in answers)

    def _look(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Run what the network was loaded for; copies, for OpenCV's arrays are its own."""
        names = [output.name for output in self.outputs]
        try:
            with self._lock:
                self._network.setInput(pictures, self.input.name)
                answers = [np.array(part, np.float32) for part in self._network.forward(names)]
        except cv2.error as error:
            raise self._refusal("can not run it", error) from error
        for output, answer in zip(self.outputs, answers, strict=True):
            self._check_answer(output, answer.shape, batch=len(pictures))
        return tuple(answers)

    def _check_answer(self, output: TensorSpec, came: tuple[int, ...], *, batch: int) -> None:
        """Refuse an answer that is not what the graph says: OpenCV has misread it."""
        shape = output.shape
        if self.input.shape[0] is None:
            shape = (batch, *shape[1:])
        fits = len(came) == len(shape) and all(
            side in {None, got} for side, got in zip(shape, came, strict=True)
        )
        if not fits:
            raise ModelError(
                f"{self._source}: expected an output {printable(output.name)} of shape {shape}, "
                f"got {came} from OpenCV {cv2.__version__}; {_CURE}"
            )

    def _refusal(self, what: str, error: cv2.error) -> ModelError:
        lines = printable(" ".join(str(error).split()))
        return ModelError(
            f"{self._source}: OpenCV {cv2.__version__} {what} ({lines[:300]}); {_CURE}"
        )


def _check(graph: OnnxGraph, source: str) -> None:
    """Refuse what OpenCV is known not to run rightly."""
    taken = graph.inputs[0]
    if len(graph.inputs) > 1 or taken.dtype != "float32" or not taken.shape:
        seen = ", ".join(f"{printable(i.name[:80])} {i.dtype} {i.shape}" for i in graph.inputs[:4])
        raise ModelError(f"{source}: expected one float32 input for OpenCV, got {seen}; {_CURE}")
    if None in taken.shape[1:]:
        raise ModelError(
            f"{source}: expected an input with all sides but the batch fixed for OpenCV, got "
            f"{taken.shape}; {_CURE}"
        )
    for output in graph.outputs:
        if output.dtype != "float32" or not output.shape:
            seen = f"{printable(output.name[:80])} {output.dtype} {output.shape}"
            raise ModelError(
                f"{source}: expected float32 outputs with sides for OpenCV, got {seen}; {_CURE}"
            )
    for node in graph.nodes:
        fault = _fault(node, graph.tensors)
        if fault is not None:
            raise ModelError(
                f"{source}: expected plain ONNX operators for OpenCV, got "
                f"{printable(node.operator[:80])}{fault}; {_CURE}"
            )


def _fault(node: OnnxNode, tensors: Mapping[str, OnnxTensor]) -> str | None:
    """What there is about a step that OpenCV dies of or misreads; ``None`` if it is well."""
    weights = [tensors[name] for name in node.inputs if name in tensors]
    if node.nested or "::" in node.operator or node.operator == "Mod":
        return ""
    if not node.inputs and node.operator != "Constant":
        return " of nothing"
    if node.operator not in _TAKES_NUMBERS and any(not one.shape for one in weights):
        return " of a single number"
    if any(0 in one.shape for one in weights if len(one.shape) > 1):
        return " of no numbers"
    kernel = tensors.get(node.inputs[1]) if len(node.inputs) > 1 else None
    if node.operator in _CONVOLUTIONS and (kernel is None or len(kernel.shape) < 3):
        return " without weights in the file"
    return None
