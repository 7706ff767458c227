"""Files of weights that we write: safetensors, in mmpose's names, with words about the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from ..errors import ModelError, OptionError, name_for_message
from ..files import write_atomically
from ..networks import Network, Weights, network_of
from ..poses import ImageSize
from .description import describe

_COUNTERS: Final = ".num_batches_tracked"  # of training, which nothing reads
_ALIGNMENT: Final = 8  # bytes, of the numbers in the file


def write_weights(
    path: Path, tensors: Mapping[str, Tensor], *, input_size: ImageSize, source: str
) -> None:
    """Write the weights of one network, complete or not at all.

    Tensors are written as float32 in the names of mmpose (of mmdet for YOLOX), whatever names they
    had. The file's metadata tell ``arch``, ``size``, ``input``, ``keypoints``, ``mean``, ``std``
    and ``source``.

    Args:
        path: Of the file, ending in ``.safetensors``.
        tensors: By key, as in a network's ``state_dict``; on any device, and not changed.
        input_size: Of the pictures that the network learned from.
        source: What they come from: for a file its name and sha256.

    Raises:
        ModelError: If they are not the finite weights of one network for that size.
        OutputError: If the file can not be written.
    """
    network = network_of(Weights({key: one.detach() for key, one in tensors.items()}, source))
    if network.input_size != input_size:
        raise ModelError(
            f"{source}: expected weights for pictures of {input_size.width} x {input_size.height}, "
            f"got those for {network.input_size.width} x {network.input_size.height}; name the "
            "size that the network learned from"
        )
    write_network(path, network, source=source)


def write_network(path: Path, network: Network, *, source: str) -> None:
    """Write the weights of a network; see :func:`write_weights`.

    Raises:
        ModelError: If they are not finite.
        OptionError: If the path has another ending.
        OutputError: If the file can not be written.
    """
    if path.suffix.lower() != ".safetensors":
        raise OptionError(f"{name_for_message(path)}: expected a name that ends in .safetensors")
    state = {
        key: tensor.to("cpu", torch.float32, copy=True).contiguous()
        for key, tensor in network.state_dict().items()
        if not key.endswith(_COUNTERS)
    }
    for key, tensor in state.items():
        if not tensor.isfinite().all():
            raise ModelError(
                f"{source}: expected finite weights, got NaN or infinite ones in {key}; the "
                "training failed: take an earlier state of it"
            )
    write_atomically(path, _file(state, {**describe(network).metadata(), "source": source}))


def _file(state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file; the same weights and words make the same bytes.

    The library writes the words of each file in another order.
    """
    header: dict[str, object] = {"__metadata__": metadata}
    end = 0
    for key, tensor in state.items():
        start, end = end, end + tensor.nbytes
        header[key] = {"dtype": "F32", "shape": [*tensor.shape], "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    numbers = (tensor.numpy().astype("<f4", copy=False).data for tensor in state.values())
    return b"".join([len(text).to_bytes(8, "little"), text, *numbers])
