"""Networks in plain torch: RTMPose (DWPose's kind), RTMW and YOLOX, and their files of weights.

Only this package and ``backends.pytorch`` import torch.
"""

from __future__ import annotations

from torch import nn

from ..errors import ModelError
from .checkpoint import read_weights
from .rtmcc import GatedAttention, ScaleNorm
from .rtmpose import RtmPose
from .rtmw import Rtmw
from .weights import Network, Weights
from .yolox import Yolox

__all__ = ["Network", "RtmPose", "Rtmw", "Weights", "Yolox", "halve_", "network_of", "read_weights"]


def network_of(weights: Weights) -> Network:
    """Make the network that weights are of, recognised by their keys, and fill it.

    Raises:
        ModelError: If they are of none that this package knows, or do not fit together.
    """
    keys = weights.tensors.keys()
    if "head.mlp2.1.weight" in keys:
        return Rtmw.from_state_dict(weights.tensors, weights.source)
    if "head.final_layer.weight" in keys:
        return RtmPose.from_state_dict(weights.tensors, weights.source)
    if keys & {"head.obj_preds.0.weight", "bbox_head.multi_level_conv_obj.0.weight"}:
        return Yolox.from_state_dict(weights.tensors, weights.source)
    first = ", ".join(sorted(keys)[:3])
    raise ModelError(
        f"{weights.source}: expected the weights of an RTMPose, RTMW or YOLOX network, got "
        f"{len(keys)} tensors named {first}...; choose another file"
    )


def halve_(network: Network) -> None:
    """Take a network to float16, except what makes and mixes keypoint tokens.

    The squared products of the attention do not fit into float16.
    """
    network.half()
    for module in network.modules():
        if isinstance(module, (nn.Linear, ScaleNorm, GatedAttention)):
            module.float()
