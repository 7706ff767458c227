"""Engines that run networks, all behind one seam: a ``Session`` with one method, ``run``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from ..errors import DependencyError, OptionError
from .session import Session, Tensor, TensorSpec

__all__ = ["Backend", "Session", "Tensor", "TensorSpec", "open_session"]


class Backend(Enum):
    """Engines by name; ``auto`` takes the best that is installed."""

    AUTO = "auto"
    ONNXRUNTIME = "onnxruntime"


def open_session(path: Path, *, backend: str = "auto", device: str = "auto") -> Session:
    """Load a network file.

    Args:
        path: An ONNX file.
        backend: ``"auto"`` or ``"onnxruntime"``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises:
        OptionError: If backend or device is none of these.
        DependencyError: If the engine is not installed.
        ModelError: If the file is no network this engine can load.
    """
    if backend not in {choice.value for choice in Backend}:
        choices = ", ".join(choice.value for choice in Backend)
        raise OptionError(f"backend must be one of {choices}, got {backend!r}")
    try:
        from .ort import OnnxRuntimeSession
    except ImportError as error:
        raise DependencyError(
            f"onnxruntime can not be imported ({error}); "
            'install it with: pip install "dw-openpose-full[ort]"'
        ) from error
    return OnnxRuntimeSession(path, device=device)
