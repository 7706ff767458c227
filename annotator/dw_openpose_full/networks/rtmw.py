"""RTMW: CSPNeXt, a pyramid, and a head that reads two resolutions."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from ..poses import ImageSize
from .cspnext import CSPNeXt, Scale, cspnext_csp
from .layers import CBR, CSP, PAFPN
from .rtmcc import SimccHead, cells, initialise_, token_mlp
from .rtmpose import simcc_input_size, simcc_outputs
from .weights import Network, Weights


class RtmwHead(SimccHead):
    """Half of each token is read at stride 32, the other half at stride 16."""

    def __init__(
        self,
        channels: int,
        keypoints: int,
        input_size: ImageSize,
        *,
        width: int = 256,
        key_width: int = 128,
    ) -> None:
        """Make the head; ``channels`` are those of the stride-32 map, half at stride 16."""
        super().__init__(input_size, width, key_width)
        quarter = channels // 4
        self.final_layer = CBR(channels, keypoints, 7)
        self.conv_dec = CBR(quarter, quarter, 7)
        self.final_layer2 = CBR(3 * quarter, keypoints, 7)
        self.mlp = token_mlp(cells(input_size), width // 2)
        self.mlp2 = token_mlp(4 * cells(input_size), width // 2)
        initialise_(self)

    def forward(self, middle: Tensor, deep: Tensor) -> tuple[Tensor, Tensor]:
        """Maps of stride 16 and 32 to ``simcc_x (N, K, 2W)`` and ``simcc_y (N, K, 2H)``."""
        finer = self.conv_dec(functional.pixel_shuffle(deep, 2))
        coarse = self.mlp(self.flat(self.final_layer(deep)))
        fine = self.mlp2(self.flat(self.final_layer2(torch.cat([finer, middle], dim=1))))
        return self.read(torch.cat([coarse, fine], dim=-1))


class Rtmw(Network):
    """Crops of people to keypoints, as raw SimCC bins."""

    input_name = "input"

    def __init__(
        self,
        scale: Scale,
        *,
        keypoints: int = 133,
        input_size: ImageSize = ImageSize(256, 192),  # noqa: B008  a constant
        width: int = 256,
        key_width: int = 128,
    ) -> None:
        """Make the network with random weights; arguments as of ``RtmPose``."""
        super().__init__()
        self.input_size = input_size
        self.outputs = simcc_outputs(keypoints, input_size)
        self.backbone = CSPNeXt(scale)
        self.neck = PAFPN(scale.channels, _neck_csp)
        self.head = RtmwHead(
            scale.channels[-1], keypoints, input_size, width=width, key_width=key_width
        )

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Tensor], source: str = "state dict") -> Rtmw:
        """Make the network that the shapes of a state dict tell of, and fill it.

        Raises:
            ModelError: If these are no weights of an RTMW.
        """
        weights = Weights(state, source)
        size = simcc_input_size(weights, "head.mlp.1.weight")
        scale = Scale.of(weights)
        with torch.device("meta"):
            network = cls(
                scale,
                keypoints=weights.side("head.final_layer.conv.weight", 0),
                input_size=size,
                width=weights.side("head.cls_x.weight", 1),
                key_width=weights.side("head.gau.gamma", 1),
            )
        weights.fill_(network)
        return network

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, 3, H, W)``, normalised RGB, to ``simcc_x (N, K, 2W)``, ``simcc_y (N, K, 2H)``."""
        _, middle, deep = self.neck(self.backbone(crops))
        simcc: tuple[Tensor, Tensor] = self.head(middle, deep)
        return simcc


def _neck_csp(channels_in: int, channels_out: int) -> CSP:
    """Two blocks at every size of network, without identity and attention."""
    return cspnext_csp(channels_in, channels_out, blocks=2)
