"""Files of weights: safetensors, and PyTorch's checkpoints read as nothing but data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import safetensors
import torch
from torch import Tensor

from ..errors import ModelError, name_for_message, printable
from .archive import Archive, ArchiveError, TensorPlan, open_archive
from .weights import Weights

SUFFIXES: Final = (".safetensors", ".pth")
"""Endings of files of weights that a network is opened from."""

CHECKPOINTS: Final = (".pth", ".pt", ".ckpt")
"""Endings of PyTorch's checkpoints, which ``read_weights`` opens too."""

_MOST_TENSORS: Final = 20_000  # in one file; the largest networks have some 2,000
_LONGEST_NAME: Final = 200
_LONGEST_HEADER: Final = 2**22  # bytes; that of 2,000 tensors has 2**18
_WEIGHTS: Final = ("state_dict", "model", "average")  # mmengine's, Megvii's and our own word
_NOT_OF_THE_NETWORK: Final = ("data_preprocessor.", "distill_losses.")
_SIGNATURES: Final = (
    (b"\x80", "a pickle; rename it to .pth if you trust where it comes from"),
    (b"PK\x03\x04", "a zip archive; if torch.save wrote it, rename it to .pth"),
    (b"version https://git-lfs", "a pointer of Git LFS; fetch the file itself"),
    (b"<", "a web page; download the file again"),
    (b"7z\xbc\xaf", "a 7-Zip archive; get the file itself"),
)


def read_weights(path: Path, *, stage: int | None = None) -> Weights:
    """Read the weights of one network from a file, on the CPU; nothing in it is ever run.

    Of a training checkpoint the ``state_dict`` is taken, and of a distillation the student: from
    stage 1 its backbone and head, from stage 2 its head and the teacher's backbone.

    Args:
        path: A ``.safetensors`` file, or a checkpoint.
        stage: 1 or 2, if the file is of a distillation that does not itself tell which.

    Raises:
        ModelError: If the file can not be used; the message says why, and what to do.
    """
    name = name_for_message(path)
    _check_file(path, name)
    read = _read_checkpoint if _is_checkpoint(path) else _read_safetensors
    tensors = read(path, name)
    _check_names(tensors.keys(), name)
    tensors = _without_wrapper(tensors)
    is_distilled = any(key.startswith("student.") for key in tensors)
    stage = (stage or _stage(tensors, name)) if is_distilled else None
    kept = _of_student(tensors, stage)
    _check_numbers(kept, name)
    return Weights(kept, name, stage)


def _is_checkpoint(path: Path) -> bool:
    return path.suffix.lower() in CHECKPOINTS


def _check_file(path: Path, name: str) -> None:
    """Refuse what is no file, or of an unknown kind."""
    if path.suffix.lower() not in {*SUFFIXES, *CHECKPOINTS}:
        raise ModelError(f"{name}: expected a file that ends in {' or '.join(SUFFIXES)}")
    if not path.is_file():
        came = "is no file" if path.exists() else "is not there"
        raise ModelError(f"{name} {came}; expected the weights of a network; check the path")


def _read_safetensors(path: Path, name: str) -> Mapping[str, Tensor]:
    try:
        with path.open("rb") as start:
            length = int.from_bytes(start.read(8), "little")
        if length > _LONGEST_HEADER:
            raise _refusal(path, name, "safetensors", f"a header of {length} bytes")
        with safetensors.safe_open(path, framework="pt") as file:
            keys = file.keys()
            _check_names(keys, name)  # each tensor takes its time, however small
            return {key: file.get_tensor(key) for key in keys}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise _refusal(path, name, "safetensors", str(error)) from error


def _check_names(keys: Collection[str], name: str) -> None:
    """Refuse what no network has: a crowd of tensors, or names that are no names."""
    if len(keys) > _MOST_TENSORS:
        raise ModelError(
            f"{name}: expected at most {_MOST_TENSORS} tensors, got {len(keys)}; choose another"
        )
    for key in keys:
        if len(key) > _LONGEST_NAME or not key.isprintable():
            raise ModelError(
                f"{name}: expected names of tensors, got {printable(key[:80])}; choose another file"
            )


def _check_numbers(tensors: Mapping[str, Tensor], name: str) -> None:
    """Refuse NaN and infinity: a network that holds one says nothing else."""
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.float().isfinite().all():
            raise ModelError(
                f"{name}: expected finite numbers, got NaN or infinite ones in {key}; the file is "
                "damaged, or its training failed; get it again, or choose another"
            )


def _read_checkpoint(path: Path, name: str) -> Mapping[str, Tensor]:
    """Read the state dict out of whatever else a training run saved."""
    try:
        with path.open("rb") as file:
            archive = open_archive(file)
            return _state_dict(archive, name)
    except ModelError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        reason = str(error) if isinstance(error, ArchiveError) else f"damaged ({error!r:.300})"
        raise _refusal(path, name, "a PyTorch checkpoint", reason) from error


def _state_dict(archive: Archive, name: str) -> dict[str, Tensor]:
    """The weights among what a checkpoint holds: never the raw twins that an average leaves."""
    content = archive.content
    if isinstance(content, dict):
        plans = next((content[key] for key in _WEIGHTS if key in content), content)
        if isinstance(plans, dict):
            found = {
                key: archive.build(plan)
                for key, plan in plans.items()
                if isinstance(key, str) and isinstance(plan, TensorPlan)
            }
            if found:
                return found
    held = _keys(content) if isinstance(content, dict) else "no dictionary"
    raise ModelError(
        f"{name}: expected a dictionary of tensors, or one under {' or '.join(_WEIGHTS)}, "
        f"got {held}; choose another file"
    )


def _keys(content: dict[object, object]) -> str:
    """The first keys of a dictionary, for people."""
    names = sorted(key for key in content if isinstance(key, str))
    return ", ".join(printable(key[:80]) for key in names[:8]) or "one without names"


def _without_wrapper(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Keys without the ``module.`` of a wrapper for training on several machines."""
    if all(key.startswith("module.") for key in tensors):
        return {key.removeprefix("module."): tensor for key, tensor in tensors.items()}
    return tensors


def _of_student(tensors: Mapping[str, Tensor], stage: int | None) -> dict[str, Tensor]:
    """What a distillation was for; any other network as it is."""
    if stage is not None:
        prefixes = ("student.",) if stage == 1 else ("teacher.backbone.", "student.head.")
        tensors = {
            key.partition(".")[2]: tensor
            for key, tensor in tensors.items()
            if key.startswith(prefixes)
        }
    return {
        key: tensor for key, tensor in tensors.items() if not key.startswith(_NOT_OF_THE_NETWORK)
    }


def _stage(tensors: Mapping[str, Tensor], name: str) -> int:
    """Which stage of a distillation made these weights.

    In stage 2 teacher and student share a backbone, so that a student may hold an idle one of the
    same shape; in stage 1 teachers are larger, or the loss has a layer of its own.

    Raises:
        ModelError: If they do not tell.
    """
    of_student = {k.partition(".")[2]: t for k, t in tensors.items() if k.startswith("student.")}
    of_teacher = {k.partition(".")[2]: t for k, t in tensors.items() if k.startswith("teacher.")}
    backbone = {key for key in of_student if key.startswith("backbone.")}
    if not backbone:
        return 2
    alike = all(
        key in of_teacher and of_teacher[key].shape == of_student[key].shape for key in backbone
    )
    if not alike or any(key.startswith("distill_losses.") for key in tensors):
        return 1
    if all(torch.equal(of_teacher[key], of_student[key]) for key in backbone):
        return 2  # and 1 alike
    raise ModelError(
        f"{name}: made by distilling one network into another of its kind, with two backbones; "
        "expected to be told which to take; convert it with --one-dis (stage 1, the student's) or "
        "--two-dis (stage 2, the teacher's)"
    )


def _refusal(path: Path, name: str, expected: str, reason: str) -> ModelError:
    """What to say of a file that is not what its name tells."""
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        return ModelError(f"{name}: can not be read ({error.strerror}); check its permissions")
    came = next((words for sign, words in _SIGNATURES if start.startswith(sign)), None)
    if not start:
        came = "an empty file; get it again"
    elif came is None or (_is_checkpoint(path) and start.startswith((b"\x80", b"PK"))):
        came = f"{reason}; get the file again"
    return ModelError(f"{name}: expected {expected}, got {came}")
