"""RTMPose: CSPNeXt and an RTMCC head; DWPose's networks are of this kind."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import ModelError
from ..poses import ImageSize
from .cspnext import STRIDE, CSPNeXt, Scale
from .rtmcc import SPLIT, RtmccHead, cells
from .weights import Network, Weights


class RtmPose(Network):
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
        """Make the network with random weights.

        Args:
            scale: Of the backbone; ``cspnext.SCALES`` has the published ones.
            keypoints: How many it finds.
            input_size: Height and width of a crop, multiples of 32.
            width: Of a keypoint's token.
            key_width: Of the attention's queries and keys.
        """
        super().__init__()
        self.input_size = input_size
        self.outputs = simcc_outputs(keypoints, input_size)
        self.backbone = CSPNeXt(scale)
        self.head = RtmccHead(
            scale.channels[-1], keypoints, input_size, width=width, key_width=key_width
        )

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Tensor], source: str = "state dict") -> RtmPose:
        """Make the network that the shapes of a state dict tell of, and fill it.

        Args:
            state: Keys as mmpose names them. The tensors are used, not copied.
            source: Where it comes from, for messages.

        Raises:
            ModelError: If these are no weights of an RTMPose.
        """
        weights = Weights(state, source)
        size = simcc_input_size(weights, "head.mlp.1.weight")
        scale = Scale.of(weights)
        with torch.device("meta"):
            network = cls(
                scale,
                keypoints=weights.side("head.final_layer.weight", 0),
                input_size=size,
                width=weights.side("head.mlp.1.weight", 0),
                key_width=weights.side("head.gau.gamma", 1),
            )
        weights.fill_(network)
        return network

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, 3, H, W)``, normalised RGB, to ``simcc_x (N, K, 2W)``, ``simcc_y (N, K, 2H)``."""
        *_, deep = self.backbone(crops)
        simcc: tuple[Tensor, Tensor] = self.head(deep)
        return simcc


def simcc_outputs(keypoints: int, input_size: ImageSize) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the outputs, as the published exports have them."""
    return {
        "simcc_x": (keypoints, SPLIT * input_size.width),
        "simcc_y": (keypoints, SPLIT * input_size.height),
    }


def simcc_input_size(weights: Weights, mlp: str) -> ImageSize:
    """Input size of a network with a SimCC head, told by its bins.

    Args:
        weights: Of the network.
        mlp: Key of the linear layer that makes tokens of flattened stride-32 maps.

    Raises:
        ModelError: If bins and maps do not agree.
    """
    size = ImageSize(
        weights.side("head.cls_y.weight", 0) // SPLIT, weights.side("head.cls_x.weight", 0) // SPLIT
    )
    length = weights.side(mlp, 1)
    if size.height % STRIDE or size.width % STRIDE or cells(size) != length:
        raise ModelError(
            f"{weights.source}: {mlp} reads {length} cells, but the bins tell of an input of "
            f"{size.width} x {size.height}; the file is damaged or no RTMPose; choose another"
        )
    return size
