"""What runs here, what is missing, what clashes, and the cure for each."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from ._version import package_version
from .backends.privacy import without_telemetry
from .errors import DwPoseError
from .zoo.catalogue import CARDS, FETCHED_CARDS, ModelCard
from .zoo.store import find_verified

ONNXRUNTIME_FLAVOURS: Final = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-rocm",
    "onnxruntime-migraphx",
    "onnxruntime-qnn",
)
OPENCV_FLAVOURS: Final = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
NVIDIA_DRIVER: Final = (
    Path("/proc/driver/nvidia/version"),
    Path("/usr/lib/wsl/lib/libcuda.so.1"),
    Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "nvcuda.dll"),
)
"""Files of NVIDIA's driver; where it works one of them is there."""
_PROVIDERS_PAGE: Final = "https://onnxruntime.ai/docs/execution-providers"
_CUDA_LIBRARIES: Final = (
    'pip install "onnxruntime-gpu[cuda,cudnn]", or install the CUDA and cuDNN that it was built '
    f"for: {_PROVIDERS_PAGE}/CUDA-ExecutionProvider.html#requirements"
)
_CUDA_DRIVER: Final = (
    "install NVIDIA's driver; if there is no NVIDIA GPU: pip uninstall -y onnxruntime-gpu, "
    "then pip install onnxruntime"
)
PILLOW_FLOOR: Final = (13, 0)  # 13.0.0 fixed a critical fault of its JPEG decoder (2026-10-16)


class Level(Enum):
    """How much a finding matters."""

    FINE = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing the doctor saw.

    Attributes:
        level: Whether anything must be done.
        what: What was seen.
        cure: What to do; empty when all is well.
    """

    level: Level
    what: str
    cure: str = ""


def examine() -> list[Finding]:
    """Look at Python, the libraries and the weights; changes nothing, fetches nothing."""
    return [
        Finding(
            Level.FINE,
            f"dw-openpose-full {package_version()}, Python {platform.python_version()}, "
            f"{platform.system()} {platform.machine()}",
        ),
        *_opencv(),
        *_pillow(),
        *_onnxruntime(),
        *_weights(),
    ]


def _opencv() -> Iterator[Finding]:
    installed = _installed(OPENCV_FLAVOURS)
    module = _module("cv2")
    if isinstance(module, Finding):
        yield module
        return
    if len(installed) > 1:
        yield Finding(
            Level.WARNING,
            f"{', '.join(installed)} share the name cv2; the last one installed is in use",
            "nothing, unless cv2 misbehaves: then remove all and install one again",
        )
    yield Finding(Level.FINE, f"OpenCV {module.__version__}")


def _pillow() -> Iterator[Finding]:
    version = _version("pillow")
    if version is None:
        yield Finding(
            Level.WARNING,
            "Pillow is not installed: arrays can be annotated, picture files can not",
            'pip install "dw-openpose-full[cli]"',
        )
    elif tuple(int(part) for part in version.split(".")[:2]) < PILLOW_FLOOR:
        yield Finding(
            Level.WARNING,
            f"Pillow {version} decodes hostile JPEG files unsafely",
            "pip install --upgrade pillow, unless a host pins it",
        )
    else:
        yield Finding(Level.FINE, f"Pillow {version}")


def _onnxruntime() -> Iterator[Finding]:
    installed = _installed(ONNXRUNTIME_FLAVOURS)
    if len(installed) > 1:
        yield Finding(
            Level.PROBLEM,
            f"{' and '.join(installed)} are both installed and overwrite one another: "
            "a GPU is lost without a word",
            f"pip uninstall -y {' '.join(installed)}, then install the one you want",
        )
    module = _module("onnxruntime")
    if isinstance(module, Finding):
        yield module
        return
    yield from _devices(module)


def _devices(onnxruntime: Any) -> Iterator[Finding]:  # noqa: ANN401  a module
    """What onnxruntime runs on here, and why on nothing better."""
    from .backends.ort import survey  # where there is onnxruntime

    device, failures = survey("auto")
    names = onnxruntime.get_available_providers()
    built_for = ", ".join(name.removesuffix("ExecutionProvider") for name in names)
    yield Finding(
        Level.FINE,
        f"onnxruntime {onnxruntime.__version__}, built for {built_for}; "
        f"--device auto runs on {device.label}",
    )
    has_nvidia = any(path.exists() for path in NVIDIA_DRIVER)
    for lost, why in failures.items():
        cure = f"see {_PROVIDERS_PAGE}"
        if lost.provider.word == "cuda":
            cure = _CUDA_LIBRARIES if has_nvidia else _CUDA_DRIVER
        yield Finding(Level.WARNING, f"onnxruntime can not use {lost.label}: {why}", cure)
    if device.provider.word == "cpu" and has_nvidia and not failures:
        yield Finding(
            Level.WARNING,
            "this machine has an NVIDIA driver, but this onnxruntime was built without CUDA",
            f"pip uninstall -y {' '.join(_installed(ONNXRUNTIME_FLAVOURS)) or 'onnxruntime'}, "
            'then pip install "dw-openpose-full[ort-gpu]"',
        )


def _weights() -> Iterator[Finding]:
    for card in CARDS:
        try:
            _prove(card)
        except DwPoseError as error:
            yield Finding(Level.PROBLEM, str(error), "see above")
        else:
            yield Finding(Level.FINE, f"{card.kind} {card.name}: all weights here and whole")
    missing = []
    for card in FETCHED_CARDS:
        try:
            _prove(card)
        except DwPoseError:
            missing.append(card.name)
        else:
            yield Finding(Level.FINE, f"{card.kind} {card.name}: here and whole")
    if missing:
        fetch_it = '"dw-openpose models fetch NAME" brings one'
        yield Finding(Level.FINE, f"not here: {', '.join(missing)}; {fetch_it}")


def _prove(card: ModelCard) -> None:
    """Find a card's weights and prove them; raises as :func:`find_verified` does."""
    for weight in card.weights.values():
        find_verified(weight)


def _module(name: str) -> Any:  # noqa: ANN401  a module, or what is wrong with it
    """Import a module, or a finding that says why it can not be."""
    try:
        with without_telemetry():
            return importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  a broken binary raises anything at all
        extra = "ort" if name == "onnxruntime" else "cli"
        return Finding(
            Level.PROBLEM,
            f"{name} can not be imported by {sys.executable}: {error}",
            f'pip install "dw-openpose-full[{extra}]"',
        )


def _installed(distributions: tuple[str, ...]) -> list[str]:
    return [name for name in distributions if _version(name) is not None]


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
