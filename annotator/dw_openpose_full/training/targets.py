"""What a network should have said, and what it is shown, made on the device it learns on."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..poses import ImageSize
from ..simcc import REACH, SPLIT_RATIO, spread_for
from ..zoo.cards import IMAGENET_RGB


class Targets(NamedTuple):
    """Bins that a perfect network would give; the twin of ``simcc.encode``.

    Attributes:
        x: ``(N, K, 2 W)``, a bump of height 1; zero where not known.
        y: ``(N, K, 2 H)``.
        known: ``(N, K)`` bool: labelled, finite and not too far outside.
    """

    x: Tensor
    y: Tensor
    known: Tensor


def targets(keypoints: Tensor, labelled: Tensor, size: ImageSize) -> Targets:
    """Turn positions ``(N, K, 2)`` in pixels of the crop, labelled ``(N, K)``, into bins."""
    known = labelled & keypoints.isfinite().all(-1)
    middles = (torch.where(known[..., None], keypoints, 0).float() * SPLIT_RATIO).round()
    bumps = []
    for middle, side in zip(middles.unbind(-1), (size.width, size.height), strict=True):
        count, spread = int(side * SPLIT_RATIO), spread_for(side)
        known = known & (middle + REACH * spread >= 0) & (middle - REACH * spread < count)
        bins = torch.arange(count, device=middle.device, dtype=torch.float32)
        bumps.append(torch.exp(-0.5 * ((bins - middle[..., None]) / spread).square()))
    x, y = (bump * known[..., None] for bump in bumps)
    return Targets(x, y, known)


def normalised(crops: Tensor) -> Tensor:
    """Crops ``(N, H, W, 3)`` uint8 RGB as networks take them, ``(N, 3, H, W)`` float32."""
    mean, std = (
        torch.tensor(values, device=crops.device).view(1, 3, 1, 1)
        for values in (IMAGENET_RGB.mean, IMAGENET_RGB.std)
    )
    return (crops.permute(0, 3, 1, 2).float() - mean) / std
