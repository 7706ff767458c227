"""Networks on onnxruntime, on whichever of its devices works here."""

from __future__ import annotations

import ctypes
import io
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..errors import ModelError, name_for_message
from .onnx_file import parse_onnx, read_onnx
from .ort_providers import (
    CPU,
    TRIAL_NETWORK,
    Device,
    devices_for,
    is_out_of_memory,
    reason_of,
)
from .privacy import without_telemetry
from .session import Tensor, TensorSpec

with without_telemetry():
    import onnxruntime

_SILENT: Final = 4  # onnxruntime's "fatal": what matters reaches the user through our own words
_WARNING: Final = 2  # what onnxruntime starts with
_UNUSABLE: Final = '%s can not be used (%s); networks run on %s; "dw-openpose doctor" tells more'
_FAILED: Final = "%s failed (%s) on %s; networks that fail there run on the CPU from now on"
_CURE: Final = "choose another file, or download it again"
_NUMPY_TYPES: Final = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
}
_log = logging.getLogger(__name__)
_lock = threading.RLock()  # of what the whole process shares: the two below, and the log level
_trials: dict[Device, str] = {}
_told: set[tuple[str, Device]] = set()


@dataclass(frozen=True, eq=False)
class _Engine:
    """A network on its device.

    Attributes:
        session: Onnxruntime's.
        device: Where it is.
        limit: Most pictures it can run at once, or ``None`` for any number.
        turn: What a thread holds while it runs the network.
    """

    session: Any
    device: Device
    limit: int | None
    turn: AbstractContextManager[object]

    @classmethod
    def on(cls, device: Device, content: bytes) -> _Engine:
        """Start a network; raises whatever onnxruntime raises."""
        limit = 1 if device.provider.one_by_one else None
        turn = nullcontext() if device.provider.together else threading.Lock()
        return cls(_start(content, device), device, limit, turn)


class OnnxRuntimeSession:
    """A ``Session`` of onnxruntime.

    A batch that does not fit on a GPU is halved, and the smaller size kept. When not even one
    picture fits, or the provider fails, the network is opened anew on the CPU, for good; a process
    is warned of a cause once. Threads run a session at the same time on the CPU and on CUDA, in
    turn elsewhere. onnxruntime chooses its number of threads, unless ``OMP_NUM_THREADS`` does.
    """

    def __init__(self, path: Path, *, device: str = "auto") -> None:
        """Load a network.

        Args:
            path: An ONNX file.
            device: See :func:`dw_openpose_full.backends.open_session`.

        Raises:
            OptionError: If there is no such device.
            ModelError: If the file is no network that onnxruntime can run.
        """
        self._path, self._lock = path, threading.Lock()
        self._engine = _open(path, _working_device(device))
        session = self._engine.session
        self.input = _spec(session.get_inputs()[0])
        self.outputs = tuple(_spec(output) for output in session.get_outputs())
        self._divisible = all(spec.shape[:1] == (None,) for spec in (self.input, *self.outputs))

    @property
    def description(self) -> str:
        """Which file runs on what; the provider is the one the session reports."""
        return f"{self._path.name} on onnxruntime ({self._engine.device.label})"

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Run the network; outputs in graph order.

        Raises:
            ModelError: If the batch has another shape or number type than the network takes, or
                the network fails on the CPU too.
        """
        self._check(batch)
        answers: list[tuple[Tensor, ...]] = []
        left: Tensor | None = batch
        while left is not None:
            answer, left = self._look(left)
            answers.append(answer)
        if len(answers) == 1:
            return answers[0]
        return tuple(np.concatenate(parts) for parts in zip(*answers, strict=True))

    def _check(self, batch: Tensor) -> None:
        taken = self.input
        fits = len(taken.shape) == batch.ndim and all(
            side in {None, got} for side, got in zip(taken.shape, batch.shape, strict=True)
        )
        if not fits or batch.dtype != taken.dtype:
            sides = ", ".join(str(side or "N") for side in taken.shape)
            raise ModelError(
                f"{name_for_message(self._path)}: expected a batch of {taken.dtype} of shape "
                f"({sides}), got {batch.dtype} {batch.shape}; cut the pictures to the size that "
                "the network takes"
            )

    def _look(self, batch: Tensor) -> tuple[tuple[Tensor, ...], Tensor | None]:
        """Answers to as many pictures as can be run at once, and the pictures left."""
        while True:
            engine = self._engine  # read once: another thread may replace it
            piece, left = batch, None
            if self._divisible and engine.limit and len(batch) > engine.limit:
                piece, left = batch[: engine.limit], batch[engine.limit :]
            try:
                with engine.turn:
                    return tuple(engine.session.run(None, {self.input.name: piece})), left
            except Exception as error:  # noqa: BLE001  onnxruntime's classes have no other parent
                self._lower_(engine, piece, error)

    def _lower_(self, engine: _Engine, piece: Tensor, error: Exception) -> None:
        """Replace an engine that has failed: by less at once, or by the CPU."""
        if engine.device == CPU:
            raise ModelError(
                f"{name_for_message(self._path)}: onnxruntime can not run this network on the "
                f"CPU: {reason_of(error)}; download it again, or free memory"
            ) from error
        with self._lock:
            if self._engine is not engine:  # another thread was here first
                return
            if self._divisible and len(piece) > 1 and is_out_of_memory(error):
                self._engine = replace(engine, limit=len(piece) // 2)
                return
            self._engine = _open(self._path, CPU)
            _warn_once(_FAILED, engine.device, reason_of(error), name_for_message(self._path))


def survey(word: str) -> tuple[Device, dict[Device, str]]:
    """The device that a word gets here, and why those before it do not work.

    Raises:
        OptionError: If there is no such device.
    """
    failures: dict[Device, str] = {}
    for device in devices_for(word, onnxruntime.get_available_providers()):
        failure = _failure(device)
        if not failure:
            return device, failures
        failures[device] = failure
    return CPU, failures


def _working_device(word: str) -> Device:
    """The device that a word gets here, with a warning for each better one that does not work."""
    device, failures = survey(word)
    for lost, why in failures.items():
        _warn_once(_UNUSABLE, lost, why, device.label)
    return device


def _warn_once(text: str, lost: Device, *words: str) -> None:
    """Warn of a device; a process hears each text about each device once."""
    with _lock:
        if (text, lost) not in _told:
            _told.add((text, lost))
            _log.warning(text, lost.label, *words)


def _failure(device: Device) -> str:
    """Why a device can not be used, or nothing if it can; a process tries each device once.

    Onnxruntime lists the providers it was built with, whether they work here or not, so each has
    to run a tiny network. CUDA gets a second try, with libraries that came as Python packages.
    """
    if device == CPU:
        return ""
    if device.provider.name not in onnxruntime.get_available_providers():
        return "this onnxruntime was built without it"
    with _lock, redirect_stdout(io.StringIO()):  # onnxruntime prints
        if device not in _trials:
            _trials[device] = _trial(device)
            if _trials[device] and hasattr(onnxruntime, "preload_dlls"):
                onnxruntime.preload_dlls()
                _trials[device] = _trial(device)
        return _trials[device]


def _trial(device: Device) -> str:
    try:
        session = _start(TRIAL_NETWORK, device)
        session.run(None, {"x": np.zeros((1, 1, 4, 4), np.float32)})
    except Exception as error:  # noqa: BLE001  onnxruntime's classes have no other parent
        return reason_of(error)
    return ""


def _open(path: Path, device: Device) -> _Engine:
    """Check a network file and start it on a device; on the CPU, with a warning, if that fails."""
    content, source = read_onnx(path), name_for_message(path)
    graph = parse_onnx(content, source)  # older versions follow files outside the folder
    if len(graph.inputs) != 1:
        raise ModelError(
            f"{source}: expected a network of one input, got {len(graph.inputs)}; {_CURE}"
        )
    try:
        return _Engine.on(device, content)
    except Exception as error:  # onnxruntime's classes have no other parent
        if device == CPU:
            raise ModelError(
                f"{source}: onnxruntime can not load this network: {reason_of(error)}; {_CURE}"
            ) from error
        engine = _open(path, CPU)
        _warn_once(_FAILED, device, reason_of(error), source)
        return engine


def _start(content: bytes, device: Device) -> Any:  # noqa: ANN401  an InferenceSession, untyped
    """A session of onnxruntime that is on the device, and stays there."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    options.enable_mem_pattern = device.provider.memory_patterns
    threads = os.environ.get("OMP_NUM_THREADS", "")
    options.intra_op_num_threads = int(threads) if threads.isdecimal() else 0  # 0: its own choice
    with nullcontext() if device == CPU else _silence():
        session = onnxruntime.InferenceSession(
            content, options, providers=device.request, enable_fallback=0
        )
    session.disable_fallback()  # its own would leave a device without asking; and see 1.17
    session._model_bytes = None  # kept for that fall-back: as large as the file
    if session.get_providers()[0] != device.provider.name:
        raise RuntimeError(_why_not_loaded(device))
    return session


@contextmanager
def _silence() -> Iterator[None]:
    """Keep providers quiet while they start: they write to the log of the whole process."""
    with _lock:
        onnxruntime.set_default_logger_severity(_SILENT)
        try:
            yield
        finally:
            onnxruntime.set_default_logger_severity(_WARNING)


def _why_not_loaded(device: Device) -> str:
    """What the system says of a provider's library that onnxruntime dropped without a word.

    Only for after that: such a library crashes where onnxruntime has not tried it first.
    """
    folder = Path(onnxruntime.__file__).parent / "capi"
    for library in folder.glob(f"*onnxruntime_providers_{device.provider.stem.lower()}.*"):
        try:
            ctypes.CDLL(str(library))
        except OSError as error:
            return str(error)
    return "onnxruntime does not say why"


def _spec(argument: Any) -> TensorSpec:  # noqa: ANN401  an onnxruntime NodeArg, untyped
    shape = tuple(side if isinstance(side, int) else None for side in argument.shape)
    return TensorSpec(argument.name, shape, _NUMPY_TYPES.get(argument.type, argument.type))
