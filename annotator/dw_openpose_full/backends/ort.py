"""Networks on onnxruntime."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import onnxruntime

from ..errors import ModelError, OptionError, name_for_message
from .onnx_file import parse_onnx, read_onnx
from .session import Tensor, TensorSpec

_DEVICE: Final = re.compile(r"auto|cpu|cuda(?::(\d+))?")
_SILENT: Final = 4  # onnxruntime's "fatal": what matters reaches the user through our own words
_NUMPY_TYPES: Final = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
}


class OnnxRuntimeSession:
    """A ``Session`` of onnxruntime.

    onnxruntime's ``run`` is safe from several threads on the CPU and on CUDA.
    """

    def __init__(self, path: Path, *, device: str = "auto") -> None:
        """Load ``path`` on ``device``; see :func:`dw_openpose_full.backends.open_session`."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _SILENT
        providers, content, source = _providers(device), read_onnx(path), name_for_message(path)
        graph = parse_onnx(content, source)  # older versions follow files outside the folder
        if len(graph.inputs) != 1:
            raise ModelError(f"{source}: expected a network of one input, got {len(graph.inputs)}")
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=providers)
        except Exception as error:  # onnxruntime raises its own unrelated classes
            reason = " ".join(str(error).split())
            raise ModelError(
                f"{source}: onnxruntime can not load this network: {reason}"
            ) from error
        self._provider = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        self._name = path.name
        self.input = _spec(self._session.get_inputs()[0])
        self.outputs = tuple(_spec(output) for output in self._session.get_outputs())

    @property
    def description(self) -> str:
        """Which file runs on what; the provider is the one the session reports."""
        return f"{self._name} on onnxruntime ({self._provider})"

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Run the network on one input tensor."""
        return tuple(self._session.run(None, {self.input.name: batch}))


def _providers(device: str) -> list[Any]:
    """Onnxruntime's execution providers for a device name, best first."""
    match = _DEVICE.fullmatch(device)
    if match is None:
        raise OptionError(f"device must be auto, cpu, cuda or cuda:N, got {device!r}")
    cuda = ("CUDAExecutionProvider", {"device_id": int(match[1] or 0)})
    # onnxruntime warns in its own words of a provider that it was not built with
    wanted = device.startswith("cuda") and cuda[0] in onnxruntime.get_available_providers()
    return [cuda, "CPUExecutionProvider"] if wanted else ["CPUExecutionProvider"]


def _spec(argument: Any) -> TensorSpec:  # noqa: ANN401  an onnxruntime NodeArg, untyped
    shape = tuple(side if isinstance(side, int) else None for side in argument.shape)
    return TensorSpec(argument.name, shape, _NUMPY_TYPES.get(argument.type, argument.type))
