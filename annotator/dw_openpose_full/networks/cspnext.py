"""CSPNeXt, the backbone of RTMPose and RTMW."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn

from ..errors import ModelError
from .layers import CBA, CSP, SPP, Block, Separable
from .weights import Weights

STRIDE: Final = 32
"""Input pixels per cell of the deepest map."""


@dataclass(frozen=True)
class Scale:
    """How wide and how deep a CSPNeXt is.

    Attributes:
        widen: Channels, as a multiple of those of ``l``.
        blocks: In each of the four stages.
    """

    widen: float
    blocks: tuple[int, int, int, int]

    @property
    def channels(self) -> tuple[int, int, int]:
        """Channels of the maps of stride 8, 16 and 32."""
        return int(256 * self.widen), int(512 * self.widen), int(1024 * self.widen)

    @classmethod
    def of(cls, weights: Weights) -> Scale:
        """Read the scale from the shapes of weights.

        Raises:
            ModelError: If they are none of a CSPNeXt.
        """
        deep = weights.side("backbone.stage4.0.conv.weight", 0)
        if deep % 32:
            raise ModelError(
                f"{weights.source}: expected a CSPNeXt whose last map has a multiple of 32 "
                f"channels, got {deep}; use the checkpoint of an RTMPose or RTMW network"
            )
        first, second, third, fourth = (
            weights.count(f"backbone.stage{stage}.{2 if stage == 4 else 1}.blocks")
            for stage in (1, 2, 3, 4)
        )
        return cls(deep / 1024, (first, second, third, fourth))


SCALES: Final = {
    "t": Scale(0.375, (1, 1, 1, 1)),
    "s": Scale(0.5, (1, 2, 2, 1)),
    "m": Scale(0.75, (2, 4, 4, 2)),
    "l": Scale(1.0, (3, 6, 6, 3)),
    "x": Scale(1.25, (4, 8, 8, 4)),
}
"""The published sizes."""


class CSPNeXt(nn.Module):
    """A stem and four stages, each at half the resolution of the one before."""

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        widths = [int(side * scale.widen) for side in (64, 128, 256, 512, 1024)]
        stem = int(64 * scale.widen // 2)
        self.stem = nn.Sequential(
            CBA(3, stem, 3, stride=2), CBA(stem, stem, 3), CBA(stem, widths[0], 3)
        )
        self.stage1 = _stage(widths[0], widths[1], scale.blocks[0])
        self.stage2 = _stage(widths[1], widths[2], scale.blocks[1])
        self.stage3 = _stage(widths[2], widths[3], scale.blocks[2])
        self.stage4 = _stage(widths[3], widths[4], scale.blocks[3], last=True)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(N, 3, H, W)`` to the maps of stride 8, 16 and 32."""
        fine: Tensor = self.stage2(self.stage1(self.stem(pictures)))
        middle: Tensor = self.stage3(fine)
        deep: Tensor = self.stage4(middle)
        return fine, middle, deep


def cspnext_csp(
    channels_in: int,
    channels_out: int,
    blocks: int,
    *,
    identity: bool = False,
    attention: bool = False,
) -> CSP:
    """A CSP layer of CSPNeXt's blocks: a 3x3 convolution, then a separable 5x5."""
    half = channels_out // 2
    return CSP(
        channels_in,
        channels_out,
        (
            Block(CBA(half, half, 3), Separable(half, half, 5), identity=identity)
            for _ in range(blocks)
        ),
        attention=attention,
    )


def _stage(
    channels_in: int, channels_out: int, blocks: int, *, last: bool = False
) -> nn.Sequential:
    """Halve the resolution, then a CSP layer; the last stage pools, and adds no identity."""
    return nn.Sequential(
        CBA(channels_in, channels_out, 3, stride=2),
        *([SPP(channels_out)] if last else []),
        cspnext_csp(channels_out, channels_out, blocks, identity=not last, attention=True),
    )
