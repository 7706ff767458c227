"""The RTMCC head: keypoints as tokens that attend to each other, read out along x and along y."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..poses import ImageSize
from .cspnext import STRIDE

SPLIT: Final = 2
"""Bins per input pixel."""


class ScaleNorm(nn.Module):
    """Divides a vector by its root mean square; one learnt factor."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1))
        self.factor = length**-0.5

    def forward(self, vectors: Tensor) -> Tensor:
        """``(..., length)`` to the same shape."""
        norm: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
        answer: Tensor = vectors / (norm * self.factor).clamp(min=1e-5) * self.g
        return answer


class ScaledIdentity(nn.Module):
    """One learnt factor per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, tokens: Tensor) -> Tensor:
        """``(N, K, width)`` to the same shape."""
        return tokens * self.scale


class GatedAttention(nn.Module):
    """Gated attention unit over keypoint tokens, with squared ReLU in place of softmax.

    Its products can be large: keep it in float32.
    """

    def __init__(self, width: int, key_width: int) -> None:
        super().__init__()
        self.widths = [2 * width, 2 * width, key_width]
        self.gamma = nn.Parameter(torch.rand(2, key_width))
        self.beta = nn.Parameter(torch.rand(2, key_width))
        self.uv = nn.Linear(width, sum(self.widths), bias=False)
        self.o = nn.Linear(2 * width, width, bias=False)
        self.ln = ScaleNorm(width)
        self.res_scale = ScaledIdentity(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """``(N, K, width)`` to the same shape."""
        mixed = functional.silu(self.uv(self.ln(tokens)))
        gate, value, base = torch.split(mixed, self.widths, dim=-1)
        query = base * self.gamma[0] + self.beta[0]
        key = base * self.gamma[1] + self.beta[1]
        similarity = query @ key.transpose(1, 2) * self.widths[2] ** -0.5
        attended = functional.relu(similarity).square() @ value
        answer: Tensor = self.res_scale(tokens) + self.o(gate * attended)
        return answer


class SimccHead(nn.Module):
    """What RTMPose's and RTMW's heads have in common: tokens in, bins out."""

    def __init__(self, input_size: ImageSize, width: int, key_width: int) -> None:
        super().__init__()
        self.gau = GatedAttention(width, key_width)
        self.cls_x = nn.Linear(width, SPLIT * input_size.width, bias=False)
        self.cls_y = nn.Linear(width, SPLIT * input_size.height, bias=False)

    def read(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens ``(N, K, width)`` to raw ``simcc_x (N, K, 2W)`` and ``simcc_y (N, K, 2H)``."""
        attended = self.gau(tokens)
        return self.cls_x(attended), self.cls_y(attended)

    def flat(self, maps: Tensor) -> Tensor:
        """Maps ``(N, K, h, w)`` to vectors ``(N, K, h * w)``, in the precision of the tokens."""
        return maps.flatten(2).to(self.gau.gamma.dtype)


class RtmccHead(SimccHead):
    """RTMPose's head: one map per keypoint, of the deepest map alone."""

    def __init__(
        self,
        channels: int,
        keypoints: int,
        input_size: ImageSize,
        *,
        width: int = 256,
        key_width: int = 128,
    ) -> None:
        """Make the head with the published initial values.

        Args:
            channels: Of the deepest map.
            keypoints: How many it finds.
            input_size: Of the network.
            width: Of a token.
            key_width: Of the attention's queries and keys.
        """
        super().__init__(input_size, width, key_width)
        self.final_layer = nn.Conv2d(channels, keypoints, 7, padding=3)
        self.mlp = token_mlp(cells(input_size), width)
        initialise_(self)

    def forward(self, deep: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, channels, h, w)`` to ``simcc_x (N, K, 2W)`` and ``simcc_y (N, K, 2H)``."""
        return self.read(self.mlp(self.flat(self.final_layer(deep))))


def token_mlp(length: int, width: int) -> nn.Sequential:
    """Makes a token of a keypoint's flattened map."""
    return nn.Sequential(ScaleNorm(length), nn.Linear(length, width, bias=False))


def cells(input_size: ImageSize) -> int:
    """Cells of the deepest map."""
    return (input_size.height // STRIDE) * (input_size.width // STRIDE)


def initialise_(head: SimccHead) -> None:
    """Draw the published initial values, where there are numbers.

    On the meta device torch would load its compiler to draw them: 0.7 s, and an environment
    variable set.
    """
    if head.cls_x.weight.is_meta:
        return
    for module in head.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
        elif isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.001)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
