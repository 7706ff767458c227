"""Building stones of CSPNeXt, RTMPose, RTMW and YOLOX.

Attributes bear the names that the published weights use, so that a checkpoint's keys are ours.
Maps are ``(N, C, H, W)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional


class MakeConv(Protocol):
    """Makes a convolution of channels in, channels out, kernel and stride."""

    def __call__(
        self, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1
    ) -> nn.Module:
        """Make it; the map keeps its size, divided by the stride."""
        ...


class CBA(nn.Module):
    """Convolution without bias, batch norm, activation; "same" padding."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        self.bn = nn.BatchNorm2d(channels_out)
        self.activate: nn.Module = nn.SiLU()

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C', H / stride, W / stride)``."""
        answer: Tensor = self.activate(self.bn(self.conv(maps)))
        return answer


class CBR(CBA):
    """A ``CBA`` with ReLU in place of SiLU."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__(channels_in, channels_out, kernel)
        self.activate = nn.ReLU()


class Separable(nn.Module):
    """A depthwise, then a pointwise ``CBA``."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1
    ) -> None:
        super().__init__()
        self.depthwise_conv = CBA(
            channels_in, channels_in, kernel, stride=stride, groups=channels_in
        )
        self.pointwise_conv = CBA(channels_in, channels_out, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C', H / stride, W / stride)``."""
        answer: Tensor = self.pointwise_conv(self.depthwise_conv(maps))
        return answer


class Block(nn.Module):
    """Two convolutions, added to their input if ``identity``."""

    def __init__(self, conv1: nn.Module, conv2: nn.Module, *, identity: bool) -> None:
        super().__init__()
        self.conv1, self.conv2, self.identity = conv1, conv2, identity

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape."""
        answer: Tensor = self.conv2(self.conv1(maps))
        return maps + answer if self.identity else answer


class ChannelAttention(nn.Module):
    """Weighs each channel, 0 to 1, by what all channels are on average."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape."""
        weights = functional.hardsigmoid(self.fc(maps.mean((2, 3), keepdim=True)))
        return maps * weights


class CSP(nn.Module):
    """Cross-stage partial layer: half of the channels go through blocks, the other half past them.

    ``blocks`` work on half of ``channels_out``.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        blocks: Iterable[nn.Module],
        *,
        attention: bool = False,
    ) -> None:
        super().__init__()
        half = channels_out // 2
        self.main_conv = CBA(channels_in, half, 1)
        self.short_conv = CBA(channels_in, half, 1)
        self.blocks = nn.Sequential(*blocks)
        self.attention = ChannelAttention(2 * half) if attention else nn.Identity()
        self.final_conv = CBA(2 * half, channels_out, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C', H, W)``."""
        both = torch.cat([self.blocks(self.main_conv(maps)), self.short_conv(maps)], dim=1)
        answer: Tensor = self.final_conv(self.attention(both))
        return answer


class SPP(nn.Module):
    """Spatial pyramid pooling: the map beside its maxima over 5, 9 and 13 cells."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = CBA(channels, channels // 2, 1)
        self.conv2 = CBA(2 * channels, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape."""
        narrow: Tensor = self.conv1(maps)
        pooled = [functional.max_pool2d(narrow, side, 1, side // 2) for side in (5, 9, 13)]
        answer: Tensor = self.conv2(torch.cat([narrow, *pooled], dim=1))
        return answer


class PAFPN(nn.Module):
    """Path-aggregation pyramid: what the deep map knows goes up to the fine ones, and back down."""

    def __init__(
        self,
        channels: tuple[int, int, int],
        make_csp: Callable[[int, int], CSP],
        make_conv: MakeConv = CBA,
    ) -> None:
        """Make the pyramid for maps of stride 8, 16 and 32.

        Args:
            channels: Of the three maps, in and out alike.
            make_csp: Makes a layer of channels in and channels out.
            make_conv: Makes the downsampling convolutions.
        """
        super().__init__()
        fine, middle, deep = channels
        self.reduce_layers = nn.ModuleList([CBA(deep, middle, 1), CBA(middle, fine, 1)])
        self.top_down_blocks = nn.ModuleList(
            [make_csp(2 * middle, middle), make_csp(2 * fine, fine)]
        )
        self.downsamples = nn.ModuleList(
            [make_conv(fine, fine, 3, stride=2), make_conv(middle, middle, 3, stride=2)]
        )
        self.bottom_up_blocks = nn.ModuleList(
            [make_csp(2 * fine, middle), make_csp(2 * middle, deep)]
        )

    def forward(self, maps: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Maps of stride 8, 16 and 32 to three of the same shapes."""
        fine, middle, deep = maps
        deep = self.reduce_layers[0](deep)
        middle = self.top_down_blocks[0](torch.cat([_doubled(deep), middle], dim=1))
        middle = self.reduce_layers[1](middle)
        fine = self.top_down_blocks[1](torch.cat([_doubled(middle), fine], dim=1))
        middle = self.bottom_up_blocks[0](torch.cat([self.downsamples[0](fine), middle], dim=1))
        deep = self.bottom_up_blocks[1](torch.cat([self.downsamples[1](middle), deep], dim=1))
        return fine, middle, deep


def _doubled(maps: Tensor) -> Tensor:
    """``(N, C, H, W)`` to ``(N, C, 2H, 2W)``, each cell four times."""
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")
