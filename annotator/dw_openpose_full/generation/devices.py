"""Where a pipeline's parts wait and work: number types, devices, and memory that is short."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Final

import torch

from ..errors import OptionError

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

WORKING_MEMORY: Final = 4 * 2**30
"""Bytes that a picture of a million pixels needs on a GPU beside the weights."""

_DEVICE: Final = re.compile(r"auto|cpu|mps|cuda(?::\d+)?")


class Memory(Enum):
    """How much of a pipeline is on the GPU at a time."""

    AUTO = "auto"
    """As much as fits."""
    WHOLE = "whole"
    PARTS = "parts"
    """One network: text encoder, denoiser or decoder."""
    LAYERS = "layers"
    """One layer; many times slower."""


def device_named(name: str) -> torch.device:
    """A device; ``auto`` takes the GPU where there is one.

    Raises:
        OptionError: If there is none of that name, or not here.
    """
    here = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if here[kind])
    if not _DEVICE.fullmatch(name):
        raise OptionError(f"device must be auto, cpu, cuda, cuda:N or mps; got {name!r}")
    device = torch.device(name)
    if not here[device.type] or (device.index or 0) >= max(torch.cuda.device_count(), 1):
        raise OptionError(f"torch finds no device {name!r} here; try auto or cpu")
    return device


def dtype_on(device: torch.device, wanted: str) -> torch.dtype:
    """A family's number type on a device: float32 on CPUs, float16 on GPUs without bfloat16."""
    if device.type == "cpu":
        return torch.float32
    if wanted == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return torch.float16
    dtype: torch.dtype = getattr(torch, wanted)
    return dtype


def fitting(weights: int, largest: int, free: int) -> Memory:
    """What fits on a GPU.

    Args:
        weights: Bytes of a whole pipeline.
        largest: Bytes of its largest network.
        free: Bytes that are free.
    """
    if weights + WORKING_MEMORY <= free:
        return Memory.WHOLE
    return Memory.PARTS if largest + WORKING_MEMORY <= free else Memory.LAYERS


def place_(pipeline: DiffusionPipeline, device: torch.device, memory: Memory) -> Memory:
    """Bring a pipeline to a device, as a whole or bit by bit. Returns how."""
    if device.type == "cpu":
        return Memory.WHOLE
    if memory is Memory.AUTO:
        memory = fitting(*_sizes(pipeline), _free(device))
    if memory is Memory.WHOLE:
        pipeline.to(device)
    elif memory is Memory.PARTS:
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.enable_sequential_cpu_offload(device=device)
    if memory is not Memory.WHOLE and hasattr(pipeline.vae, "enable_tiling"):
        pipeline.vae.enable_tiling()
    return memory


def release(device: torch.device) -> None:
    """Give back what a dropped pipeline held on a device."""
    gc.collect()
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory is short, on any device."""
    text = str(error).lower()
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError)
        and ("out of memory" in text or "can't allocate memory" in text)
    )


@contextmanager
def chance(seed: int, device: torch.device) -> Iterator[torch.Generator]:
    """The source of a picture's noise; on the CPU, so that all devices start from the same.

    While it is in use torch's global source is seeded too, and put back afterwards: Stable
    Diffusion 3's pipeline draws the latents of the canvas from that one.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield torch.Generator("cpu").manual_seed(seed)


def _sizes(pipeline: DiffusionPipeline) -> tuple[int, int]:
    """Bytes of all weights, and of the largest network."""
    networks = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    sizes = [
        sum(weight.numel() * weight.element_size() for weight in network.parameters())
        for network in networks
    ]
    return sum(sizes), max(sizes, default=0)


def _free(device: torch.device) -> int:
    """Bytes that are free on a GPU; on Apple's, what torch recommends to use at most."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
