"""PyTorch's checkpoint files, read without running anything that they say.

A checkpoint is a pickle, and a pickle is a program. This reader gives it nothing to run: a class or
function that the pickle names becomes either one of the four things that tensors are made of, or an
``Inert`` that swallows whatever is done to it. One that names what could run something, by the rule
of ``names``, is refused, though it could do no harm here: it could elsewhere. Tensors are plans
until ``build`` reads their bytes, so what is not wanted, such as the second and third copy of the
weights in a training checkpoint, is never read. Both of torch's formats are known: the zip archive
(torch 1.6 and later) and the run of pickles before it, which torch still writes on request.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import pickletools
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO, Final, NamedTuple, TypeGuard

import torch
from torch import Tensor

from ..errors import printable
from .names import Dictionary, Inert, Value, is_program, is_value, todays

_MAGIC: Final = 0x1950A86A20F9469CFC6C  # first pickle of a file of the older format
_PROTOCOL: Final = 1001  # its second
_HEAVIEST: Final = (
    1_000_000  # of a tuple, with all that is in it; those of checkpoints are below 100
)
_DTYPES: Final = {
    "BFloat16Storage": torch.bfloat16,
    "BoolStorage": torch.bool,
    "ByteStorage": torch.uint8,
    "CharStorage": torch.int8,
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "ShortStorage": torch.int16,
}


class ArchiveError(Exception):
    """A file that is no checkpoint, or a damaged one; the message says what is wrong with it."""


class Storage(NamedTuple):
    """Where the numbers of tensors lie."""

    key: str
    dtype: torch.dtype
    length: int

    @property
    def size(self) -> int:
        """Bytes."""
        width: int = self.dtype.itemsize
        return self.length * width


class TensorPlan:
    """A tensor whose numbers have not been read."""

    def __init__(
        self, storage: object, offset: object, shape: object, strides: object, *_: object
    ) -> None:
        if not (isinstance(storage, Storage) and _is_count(offset)):
            raise ArchiveError("a tensor without numbers")
        if not (_are_counts(shape) and _are_counts(strides) and len(shape) == len(strides)):
            raise ArchiveError("a tensor without a shape")
        self.storage, self.offset = storage, offset
        self.shape: tuple[int, ...] = shape
        self.strides: tuple[int, ...] = strides

    def __setstate__(self, state: object) -> None: ...


class _ParameterPlan(TensorPlan):
    """A parameter is its tensor."""

    def __init__(self, plan: TensorPlan, *_: object) -> None:
        super().__init__(plan.storage, plan.offset, plan.shape, plan.strides)


# Everything here has its own __setstate__: a pickle can set no attribute of a class or a function.
_KNOWN: Final[dict[tuple[str, str], Any]] = {
    ("collections", "OrderedDict"): Dictionary,
    ("torch._utils", "_rebuild_tensor"): TensorPlan,
    ("torch._utils", "_rebuild_tensor_v2"): TensorPlan,
    ("torch._utils", "_rebuild_parameter"): _ParameterPlan,
    **{("torch", name): dtype for name, dtype in _DTYPES.items()},
}


def _attribute(owner: object, name: str, *_: object) -> type[Inert]:
    """What ``getattr`` gives: members of other packages' enums; no methods of values."""
    if owner is Inert or type(owner) is Inert:
        return Inert
    raise _program(str(name))


def _program(called: str) -> ArchiveError:
    return ArchiveError(
        f"a program that would call {printable(called[:80])}, of which nothing was run"
    )


class _InertUnpickler(pickle.Unpickler):
    """Knows tensors and dictionaries; all else is ``Inert``.

    Attributes:
        storages: Those that the pickle names, by key.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  whatever it may be
        module, name = todays(module, name)
        if (module, name) == ("builtins", "getattr"):
            return _attribute
        if is_program(module, name):
            raise _program(f"{module}.{name}")
        return _KNOWN.get((module, name), Value if is_value(module, name) else Inert)

    def persistent_load(self, pid: object) -> Storage:
        match pid:
            case ("storage", torch.dtype() as dtype, str(key), _, int(count), *_) if count >= 0:
                storage = Storage(key, dtype, count)
                return self.storages.setdefault(key, storage)
        raise ArchiveError("numbers of an unknown kind")


class Archive:
    """An open checkpoint.

    Attributes:
        content: What the pickle holds, with a ``TensorPlan`` for each tensor.
    """

    def __init__(self, content: object, read: Callable[[Storage], bytes]) -> None:
        self.content = content
        self._read = read
        self._storages: dict[Storage, Tensor] = {}

    def build(self, plan: TensorPlan) -> Tensor:
        """Read a tensor; tensors that share numbers in the file share them here."""
        storage = plan.storage
        last = plan.offset + sum(
            (side - 1) * stride for side, stride in zip(plan.shape, plan.strides, strict=True)
        )
        count = math.prod(plan.shape)
        if count == 0:
            return torch.empty(plan.shape, dtype=storage.dtype)
        if last >= storage.length or count > storage.length:
            raise ArchiveError("a tensor that is larger than its numbers")
        if storage not in self._storages:
            raw = bytearray(self._read(storage))
            if len(raw) != storage.size:
                raise ArchiveError("not whole: the end is missing")
            self._storages[storage] = torch.frombuffer(raw, dtype=storage.dtype)
        return self._storages[storage].as_strided(plan.shape, plan.strides, plan.offset)


def open_archive(file: BinaryIO) -> Archive:
    """Read a checkpoint; ``file`` must stay open until its tensors are built.

    Raises:
        ArchiveError: If it is no checkpoint, or a damaged one. A damaged pickle may also raise
            whatever else Python raises.
    """
    start = file.read(4)
    file.seek(0)
    if start == b"PK\x03\x04":
        return _open_zip(file)
    if start[:1] == b"\x80":
        return _open_run_of_pickles(file)
    raise ArchiveError("neither a zip archive nor a pickle")


def _open_zip(file: BinaryIO) -> Archive:
    """Torch 1.6 and later: ``NAME/data.pkl``, ``NAME/data/KEY`` and others, none compressed."""
    archive = zipfile.ZipFile(file)
    members = {info.filename.partition("/")[2]: info for info in archive.infolist()}
    if "constants.pkl" in members:
        raise ArchiveError("a TorchScript program, not a checkpoint")
    size = file.seek(0, os.SEEK_END)
    if sum(info.file_size for info in members.values()) > size:
        raise ArchiveError("compressed, which torch does not do")
    if "data.pkl" not in members:
        raise ArchiveError("a zip archive, but torch did not write it")
    if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
        raise ArchiveError("written on a big-endian machine; save it again on another")

    def read(storage: Storage) -> bytes:
        return archive.read(members[f"data/{storage.key}"])

    content, _ = _unpickle(io.BytesIO(archive.read(members["data.pkl"])))
    return Archive(content, read)


def _open_run_of_pickles(file: BinaryIO) -> Archive:
    """Before torch 1.6: five pickles, then each storage's length and numbers."""
    if _unpickle(file)[0] != _MAGIC or _unpickle(file)[0] != _PROTOCOL:
        raise ArchiveError("a pickle, but torch did not write it")
    (machine, _), (content, storages), (keys, _) = (_unpickle(file) for _ in range(3))
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise ArchiveError("written on a big-endian machine; save it again on another")
    places: dict[str, int] = {}
    start = file.tell()
    for key in keys:
        places[key] = start + 8  # behind the count of its numbers, which the pickle told too
        start += 8 + storages[key].size
    if start > file.seek(0, os.SEEK_END):
        raise ArchiveError("not whole: the end is missing")

    def read(storage: Storage) -> bytes:
        file.seek(places[storage.key])
        return file.read(storage.size)

    return Archive(content, read)


def _unpickle(file: BinaryIO) -> tuple[Any, dict[str, Storage]]:
    """Read one pickle: what it holds, and which storages it names."""
    start = file.tell()
    _check_pickle(file)
    file.seek(start)
    unpickler = _InertUnpickler(file)
    return unpickler.load(), unpickler.storages


def _check_pickle(file: BinaryIO) -> None:
    """Refuse a pickle that would eat time or memory out of all proportion to its length.

    It numbers what it remembers, and a number far beyond its length only eats memory. Tuples of
    remembered tuples, each twice, are soon so many that their hash is never done; so tuples are
    weighed, with all that is in them, before anything is made.
    """
    start, highest = file.tell(), 0
    stack: list[int | None] = []  # weights; None for a mark
    memory: dict[Any, int | None] = {}
    for opcode, argument, _ in pickletools.genops(file):
        if "PUT" in opcode.name or opcode.name == "MEMOIZE":
            key = len(memory) if argument is None else argument
            memory[key] = stack[-1] if stack else 1
            highest = max(highest, int(key))
            continue
        taken = _take(stack, opcode)
        weight = 1
        if "GET" in opcode.name:
            weight = memory.get(argument) or 1
        elif opcode.name.startswith(("TUPLE", "FROZENSET")):
            weight += sum(taken)
        if weight > _HEAVIEST:
            raise ArchiveError("a pickle of tuples without end")
        stack += [None if opcode.name == "MARK" else weight] * len(opcode.stack_after)
    if highest > file.tell() - start:
        raise ArchiveError("a damaged pickle")


def _take(stack: list[int | None], opcode: pickletools.OpcodeInfo) -> list[int]:
    """Take off the stack what an opcode takes: so many, or all down to the last mark."""
    wanted = opcode.stack_before
    taken: list[int] = []
    if pickletools.markobject in wanted:
        wanted = wanted[: wanted.index(pickletools.markobject)]
        while stack and (weight := stack.pop()) is not None:
            taken.append(weight)
    return taken + [stack.pop() or 1 for _ in wanted if stack]


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and value >= 0


def _are_counts(values: object) -> TypeGuard[tuple[int, ...]]:
    return isinstance(values, tuple) and all(_is_count(value) for value in values)
