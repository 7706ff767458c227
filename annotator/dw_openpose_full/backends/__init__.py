"""Engines that run networks, all behind one seam: a ``Session`` with one method, ``run``.

``.onnx`` files run on onnxruntime, torch's own kinds of file on torch.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from pathlib import Path
from typing import Final

from ..errors import DependencyError, ModelError, OptionError, name_for_message
from .session import Session, Tensor, TensorSpec

__all__ = ["Backend", "Session", "Tensor", "TensorSpec", "open_session"]


class Backend(Enum):
    """Engines by name; ``auto`` takes the one for the kind of file."""

    AUTO = "auto"
    ONNXRUNTIME = "onnxruntime"
    TORCH = "torch"


TORCH_FILES: Final = (".pth", ".safetensors", ".pt")
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
        backend: ``"auto"``, ``"onnxruntime"`` or ``"torch"``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``; for torch ``"mps"`` too.
        trusted_sha256: Digests of TorchScript programs that may be run; no other is.

    Raises:
        OptionError: If backend or device is none of these.
        DependencyError: If the engine is not installed.
        ModelError: If the file is no network this engine can load.
    """
    if backend not in {choice.value for choice in Backend}:
        choices = ", ".join(choice.value for choice in Backend)
        raise OptionError(f"backend must be one of {choices}, got {backend!r}")
    own = Backend.TORCH if path.suffix.lower() in TORCH_FILES else Backend.ONNXRUNTIME
    if Backend(backend) not in {Backend.AUTO, own}:
        raise ModelError(
            f"{name_for_message(path)}: this kind of file runs on {own.value}, not on {backend}; "
            f"leave the backend to auto, or name a file for {backend}"
        )
    if own is Backend.TORCH:
        return _open_torch(path, device, trusted_sha256)
    return _open_onnxruntime(path, device)


def _open_onnxruntime(path: Path, device: str) -> Session:
    try:
        from .ort import OnnxRuntimeSession
    except ImportError as error:
        raise DependencyError(
            f"onnxruntime can not be imported ({error}); "
            'install it with: pip install "dw-openpose-full[ort]"'
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
