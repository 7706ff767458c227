"""Onnxruntime's execution providers: their names, what each needs, and which one a word asks for.

Nothing here needs onnxruntime. Options are those of
https://onnxruntime.ai/docs/execution-providers/.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import OptionError, printable
from .protobuf import message_field, number_field


@dataclass(frozen=True, eq=False)
class Provider:
    """One of onnxruntime's ways to run networks.

    Attributes:
        label: What people call it.
        stem: What onnxruntime calls it, without the ending that all have.
        auto: Whether ``auto`` may take it.
        numbered: Whether a machine may have several; ``word:N`` asks for one of them.
        together: Whether threads may run one session at the same time.
        one_by_one: Whether pictures of an open batch are run alone, since it compiles a network
            anew, for seconds, for each batch size.
        memory_patterns: Whether it bears onnxruntime's plan of where tensors lie.
        options: What onnxruntime is to tell it.
        stands_on: The provider that takes the operators it lacks, before the CPU does.
    """

    label: str
    stem: str
    auto: bool = True
    numbered: bool = False
    together: bool = False
    one_by_one: bool = False
    memory_patterns: bool = True
    options: Mapping[str, str] = field(default_factory=dict)
    stands_on: Provider | None = None

    @property
    def word(self) -> str:
        """What to write for it as a device."""
        return self.label.lower()

    @property
    def name(self) -> str:
        """The name that onnxruntime knows."""
        return f"{self.stem}ExecutionProvider"


# an exhaustive search, the default, stalls at each batch size not seen before; an arena that
# doubles, the default too, takes memory from a host's own networks
_CUDA: Final = Provider(
    "CUDA",
    "CUDA",
    numbered=True,
    together=True,
    options={
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
    },
)
PROVIDERS: Final = (
    _CUDA,
    Provider("MIGraphX", "MIGraphX", numbered=True, one_by_one=True),
    Provider("ROCm", "ROCM", numbered=True),
    Provider("DirectML", "Dml", numbered=True, memory_patterns=False),
    Provider("OpenVINO", "OpenVINO"),
    # in every wheel for macOS, so nobody chose it; computes in half precision, fails on some nets
    Provider("CoreML", "CoreML", auto=False, one_by_one=True),
    # builds an engine for each network, for minutes
    Provider("TensorRT", "Tensorrt", auto=False, numbered=True, one_by_one=True, stands_on=_CUDA),
)
"""All but the CPU, in the order in which ``auto`` prefers them."""
_CPU: Final = Provider("CPU", "CPU", together=True)


@dataclass(frozen=True)
class Device:
    """A provider, and which of its devices."""

    provider: Provider
    number: int = 0

    @property
    def label(self) -> str:
        """For people: ``CPU``, ``CUDA``, ``CUDA:1``."""
        return f"{self.provider.label}:{self.number}" if self.number else self.provider.label

    @property
    def request(self) -> list[Any]:
        """What a session of onnxruntime is to be given as its providers."""
        request: list[Any] = [_CPU.name]
        for each in (self.provider.stands_on, self.provider):
            if each not in {None, _CPU}:
                number = {"device_id": str(self.number)} if each.numbered else {}
                request.insert(0, (each.name, {**number, **each.options}))
        return request


CPU: Final = Device(_CPU)


def devices_for(word: str, compiled_in: Collection[str]) -> list[Device]:
    """The devices that a word asks for, best first; the last one is the CPU.

    Args:
        word: ``auto``, ``cpu``, or a provider's word, with ``:N`` where it is numbered.
        compiled_in: Names of the providers that onnxruntime was built with. ``auto`` looks at no
            others; a provider asked for by name is returned in any case.

    Raises:
        OptionError: If the word is none of these.
    """
    if word == "cpu":
        return [CPU]
    if word == "auto":
        here = [each for each in PROVIDERS if each.auto and each.name in compiled_in]
        return [*map(Device, here), CPU]
    kind, colon, number = word.partition(":")
    for each in PROVIDERS:
        if kind == each.word and (
            not colon or (each.numbered and re.fullmatch("[0-9]{1,4}", number))
        ):
            return [Device(each, int(number or 0)), CPU]
    words = [each.word + "[:N]" * each.numbered for each in PROVIDERS]
    raise OptionError(f"device must be auto, cpu or one of {', '.join(words)}, got {word!r}")


_NOISE: Final = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : "
    r"|\S+\.(?:cc|cpp|h):\d+ (?:[^()]*\([^()]*\)(?: \[with [^]]*\])?|\S+) "  # place, signature
    r"| ; GPU=.*"  # the machine's name, and places again
)
_OUT_OF_MEMORY: Final = re.compile(
    r"out.?of.?memory|fail\w* to allocate|alloc\w*.?fail|bad.?alloc|8007000E", re.IGNORECASE
)


def reason_of(error: Exception) -> str:
    """What an error of onnxruntime says, in one line, without places in its source."""
    text = printable(_NOISE.sub("", " ".join(str(error).split())))
    return text[:200].rstrip(" .;") or type(error).__name__


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device had too little memory; each provider has its own words for it."""
    return isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)) is not None


def _value(name: bytes) -> bytes:
    """What the trial network says of a tensor: float32 of shape ``(1, 1, 4, 4)``."""
    sides = b"".join(message_field(1, number_field(1, side)) for side in (1, 1, 4, 4))
    tensor = number_field(1, 1) + message_field(2, sides)
    return message_field(1, name) + message_field(2, message_field(1, tensor))


def _trial_network() -> bytes:
    """One convolution, by the field numbers of ``onnx.proto``."""
    node = message_field(1, b"x") + message_field(1, b"w") + message_field(2, b"y")
    weight = number_field(1, 1) * 4 + number_field(2, 1)  # shape (1, 1, 1, 1), float32
    weight += message_field(8, b"w") + message_field(9, struct.pack("<f", 1))
    graph = (
        message_field(1, node + message_field(4, b"Conv"))
        + message_field(2, b"trial")
        + message_field(5, weight)
        + message_field(11, _value(b"x"))
        + message_field(12, _value(b"y"))
    )
    return number_field(1, 7) + message_field(7, graph) + message_field(8, number_field(2, 13))


TRIAL_NETWORK: Final = _trial_network()
"""An ONNX file that copies ``x`` by a convolution: CUDA looks for cuDNN no sooner than that."""
