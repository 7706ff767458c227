"""The average of the weights that a network had while it learned; it is what is kept."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


class Average:
    """An exponential moving average of a module's parameters and buffers.

    Attributes:
        tensors: By key, as in the module's ``state_dict``; counters are the module's last.
    """

    def __init__(self, module: nn.Module) -> None:
        """Begin with a copy of what the module is now."""
        self._module = module
        self.tensors = {key: tensor.clone() for key, tensor in _state(module).items()}

    def update_(self, share: float) -> None:
        """Move towards the module: ``(1 - share)`` of the average, ``share`` of what it is now."""
        for key, newest in _state(self._module).items():
            if newest.is_floating_point():
                self.tensors[key].lerp_(newest, share)
            else:
                self.tensors[key].copy_(newest)

    def restore_(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over an average that was kept."""
        for key, tensor in self.tensors.items():
            tensor.copy_(tensors[key])


def _state(module: nn.Module) -> Mapping[str, Tensor]:
    state: Mapping[str, Tensor] = module.state_dict()
    return state
