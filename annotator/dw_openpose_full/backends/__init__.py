"""Engines that run networks, all behind one seam: a ``Session`` with one method, ``run``.

``.onnx`` files run on onnxruntime, or on OpenCV where there is no onnxruntime; torch's own kinds of
file run on torch.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from enum import Enum
from pathlib import Path
from typing import Final

from ..errors import DependencyError, ModelError, OptionError, name_for_message
from .session import Session, Tensor, TensorSpec

__all__ = ["Backend", "Session", "Tensor", "TensorSpec", "open_session"]

_log = logging.getLogger(__name__)


class Backend(Enum):
    """Engines by name; ``auto`` takes the best one for the kind of file."""

    AUTO = "auto"
    ONNXRUNTIME = "onnxruntime"
    OPENCV = "opencv"
    TORCH = "torch"


TORCH_FILES: Final = (".pth", ".safetensors", ".pt", ".torchscript")
"""Kinds of file that torch runs; all others are taken for ONNX."""


def open_session(
    path: Path,
    *,
    backend: str = "auto",
    device: str = "auto",
    trusted_sha256: Collection[str] = (),
) -> Session:
    """Load a network file.

    Args:
        path: An ONNX file, or weights for torch: ``.safetensors``, ``.pth``, or TorchScript.
        backend: ``"auto"``, ``"onnxruntime"``, ``"opencv"`` or ``"torch"``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``; for torch ``"mps"`` too; for
            onnxruntime ``"migraphx"``, ``"rocm"``, ``"directml"`` and ``"tensorrt"`` (``":N"`` as
            for CUDA), ``"openvino"`` and ``"coreml"`` too. ``auto`` takes the best that works: not
            CoreML, whose numbers differ, nor TensorRT, which starts for minutes.
        trusted_sha256: Digests of TorchScript programs that may be run; no other is.

    Raises:
        OptionError: If backend or device is none of these.
        DependencyError: If the engine is not installed.
        ModelError: If the file is no network this engine can load.
    """
    if backend not in {choice.value for choice in Backend}:
        choices = ", ".join(choice.value for choice in Backend)
        raise OptionError(f"backend must be one of {choices}, got {backend!r}")
    wanted = Backend(backend)
    is_torchs = path.suffix.lower() in TORCH_FILES
    if wanted is not Backend.AUTO and is_torchs != (wanted is Backend.TORCH):
        own = "torch" if is_torchs else "onnxruntime or opencv"
        raise ModelError(
            f"{name_for_message(path)}: this kind of file runs on {own}, not on {backend}; "
            f"leave the backend to auto, or name a file for {backend}"
        )
    if is_torchs:
        return _open_torch(path, device, trusted_sha256)
    if wanted is Backend.OPENCV:
        return _open_opencv(path, device)
    try:
        return _open_onnxruntime(path, device)
    except DependencyError as missing:
        if wanted is not Backend.AUTO:
            raise
        return _open_opencv_instead(path, device, missing)


def _open_opencv(path: Path, device: str) -> Session:
    from .opencv_dnn import OpenCvSession

    return OpenCvSession(path, device=device)


def _open_opencv_instead(path: Path, device: str, missing: DependencyError) -> Session:
    """OpenCV's session; where OpenCV can not run the network, what is missing is told."""
    try:
        session = _open_opencv(path, device)
    except ModelError as error:
        raise missing from error
    _log.warning("%s runs on OpenCV, slower: %s", name_for_message(path), missing)
    return session


def _open_onnxruntime(path: Path, device: str) -> Session:
    try:
        from .ort import OnnxRuntimeSession
    except ImportError as error:
        raise DependencyError(
            f"onnxruntime can not be imported ({error}); "
            'install it with: pip install "dw-openpose-full[ort]", or inside a host with its own '
            "Python: python install.py"
        ) from error
    return OnnxRuntimeSession(path, device=device)


def _open_torch(path: Path, device: str, trusted_sha256: Collection[str]) -> Session:
    try:
        from .pytorch import TorchSession
    except ImportError as error:
        raise DependencyError(
            f"torch can not be imported ({error}); "
            'install it with: pip install "dw-openpose-full[torch]"'
        ) from error
    return TorchSession(path, device=device, trusted_sha256=trusted_sha256)
