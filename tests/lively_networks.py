"""Small torch networks whose answers hang on the picture, softly: a little noise moves them little.

Random weights give bins without an order, where the slightest change sends a keypoint anywhere.
Here the bins of a row are a wave that dies away to both sides; where its highest crest lies, a
keypoint's token says.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dw_openpose_full.export.crops import batch_of
from dw_openpose_full.geometry import PersonCrop
from dw_openpose_full.networks import RtmPose, Rtmw, Yolox
from dw_openpose_full.networks.cspnext import Scale
from dw_openpose_full.networks.yolox import YoloScale
from dw_openpose_full.pictures import read_picture
from dw_openpose_full.poses import ImageSize, RgbImage
from dw_openpose_full.zoo.cards import IMAGENET_RGB, PLAIN_BGR
from taught_networks import settle_

SAMPLE = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"
SIZE = ImageSize(96, 64)
SCALE = Scale(1 / 16, (1, 1, 1, 1))
WAVES = 7  # in a row of bins
CALM = 0.02  # of what attention adds to a token


def crops(count: int, size: ImageSize = SIZE) -> list[RgbImage]:
    """Parts of the sample picture, of many sizes."""
    picture, rng = read_picture(SAMPLE), np.random.default_rng(0)
    sides = np.array(picture.shape[1::-1])
    parts = []
    for _ in range(count):
        low = rng.uniform(0, 0.6, 2)
        box = np.concatenate([low, low + rng.uniform(0.2, 0.4, 2)]) * np.tile(sides, 2)
        parts.append(PersonCrop.around(box.astype(np.float32), size).warp(picture))
    return parts


def lively_pose(
    kind: type[RtmPose] | type[Rtmw] = RtmPose,
    size: ImageSize = SIZE,
    scale: Scale = SCALE,
    **how: int,
) -> Any:
    """A pose network, with a small head unless its widths are given."""
    network = kind(scale, input_size=size, **{"width": 48, "key_width": 32, **how})
    settle_(network, torch.from_numpy(batch_of(crops(8, size), IMAGENET_RGB)))
    network.head.gau.o.weight.data *= CALM
    for layer in (network.head.cls_x, network.head.cls_y):
        turns = torch.linspace(-WAVES, WAVES, layer.out_features)[:, None] * math.pi
        wave = torch.cat([turns.cos(), turns.sin()], dim=1) * torch.exp(-((turns / math.pi) ** 2))
        drawn = torch.randn(2, layer.in_features, generator=torch.Generator().manual_seed(1))
        layer.weight.data = wave @ drawn
    return network


def lively_yolox() -> Any:
    """A detector."""
    network = Yolox(YoloScale(1 / 16, 1, side=416))
    settle_(network, torch.from_numpy(batch_of(crops(2, network.input_size), PLAIN_BGR)))
    return network


def look(network: Any, batch: Any) -> list[Any]:
    """What a network says in torch."""
    with torch.inference_mode():
        return [answer.numpy() for answer in network(torch.as_tensor(batch))]
