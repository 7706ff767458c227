"""Weights on their way into a network: what their shapes tell, and whether they fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from ..errors import ModelError
from ..poses import ImageSize

_COUNTERS: Final = ".num_batches_tracked"  # of training; a network that only looks does without
_MOST_MODULES: Final = 64  # in one list; the largest networks have 12


@dataclass(frozen=True, eq=False)
class Weights:
    """The tensors of one network.

    Attributes:
        tensors: By key, as in the network's ``state_dict``.
        source: The file, for messages.
        stage: 1 or 2, if a distillation made them.
    """

    tensors: Mapping[str, Tensor]
    source: str
    stage: int | None = None

    def side(self, key: str, axis: int) -> int:
        """Length of one axis of one tensor.

        Raises:
            ModelError: If there is no such tensor, or no such axis.
        """
        tensor = self.tensors.get(key)
        if tensor is None or tensor.ndim <= axis or tensor.shape[axis] < 1:
            came = "is missing" if tensor is None else f"has the shape {tuple(tensor.shape)}"
            raise ModelError(
                f"{self.source}: {key} {came}; expected the weights of an RTMPose, RTMW or YOLOX "
                "network; choose another file"
            )
        return int(tensor.shape[axis])

    def count(self, prefix: str) -> int:
        """How many modules ``prefix.0``, ``prefix.1``... there are.

        Raises:
            ModelError: If they are more than any network has.
        """
        start = prefix + "."
        found = {key[len(start) :].split(".")[0] for key in self.tensors if key.startswith(start)}
        if len(found) > _MOST_MODULES:
            raise ModelError(
                f"{self.source}: expected at most {_MOST_MODULES} modules {prefix}, got "
                f"{len(found)}; the file is damaged or of another network; choose another"
            )
        return len(found)

    def fill_(self, network: nn.Module) -> None:
        """Put the tensors into a network, floating ones as float32, and set it to looking.

        Raises:
            ModelError: If a tensor is missing, too many, or of another shape or number type.
        """
        self._compare(network.state_dict())
        with torch.no_grad():
            network.load_state_dict(
                {
                    key: tensor.float() if tensor.is_floating_point() else tensor
                    for key, tensor in self.tensors.items()
                },
                assign=True,
            )
        network.eval()

    def _compare(self, wanted: Mapping[str, Tensor]) -> None:
        """Refuse tensors that are not what a network wants, naming the first."""
        missing = [key for key in wanted if key not in self.tensors and not key.endswith(_COUNTERS)]
        surplus = [key for key in self.tensors if key not in wanted]
        unlike = [
            f"{key} {_words(wanted[key])}, got {_words(tensor)}"
            for key, tensor in self.tensors.items()
            if key in wanted and not _alike(tensor, wanted[key])
        ]
        for what, faults in (
            ("expected", unlike),
            ("lacks", missing),
            ("holds what the network has no place for:", surplus),
        ):
            if faults:
                more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
                raise ModelError(
                    f"{self.source}: {what} {faults[0]}{more}; the file is damaged or of another "
                    "network; get it again, or choose another"
                )


def _alike(tensor: Tensor, wanted: Tensor) -> bool:
    """Whether one can stand for the other; any precision will do."""
    kinds = tensor.is_floating_point() == wanted.is_floating_point()
    return tensor.shape == wanted.shape and kinds and not tensor.is_complex()


def _words(tensor: Tensor) -> str:
    kind = str(tensor.dtype).removeprefix("torch.")
    return f"of shape {tuple(tensor.shape)} ({kind})"


class Network(nn.Module):
    """A network that says what goes in and what comes out.

    ``forward`` takes ``(N, 3, H, W)`` and gives one tensor for each of ``outputs``.

    Attributes:
        input_name: Its name in the published exports.
        input_size: Height and width of the input.
        outputs: Name and shape, without the batch axis, of each output.
    """

    input_name: str
    input_size: ImageSize
    outputs: dict[str, tuple[int, ...]]
