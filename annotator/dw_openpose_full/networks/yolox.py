"""YOLOX, the person detector, in the layout of mmdet; Megvii's keys are renamed to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from ..poses import ImageSize
from .layers import CBA, CSP, PAFPN, SPP, Block, MakeConv, Separable
from .weights import Network, Weights

_STRIDES: Final = (8, 16, 32)
_BASE: Final = 64  # channels of the stem of l

_EPSILON: Final = 1e-3  # of the batch norms, and their momentum: not torch's defaults
_MOMENTUM: Final = 0.03

_CSP: Final = r"(stage[123]\.1|stage4\.2|neck\.\w+_blocks\.\d)"  # not stage4.1, which pools
_MEGVII_TO_MMDET: Final = (
    (r"^backbone\.backbone\.stem\.", "backbone.stem."),
    (r"^backbone\.backbone\.dark2\.", "backbone.stage1."),
    (r"^backbone\.backbone\.dark3\.", "backbone.stage2."),
    (r"^backbone\.backbone\.dark4\.", "backbone.stage3."),
    (r"^backbone\.backbone\.dark5\.", "backbone.stage4."),
    (r"^backbone\.lateral_conv0\.", "neck.reduce_layers.0."),
    (r"^backbone\.reduce_conv1\.", "neck.reduce_layers.1."),
    (r"^backbone\.C3_p4\.", "neck.top_down_blocks.0."),
    (r"^backbone\.C3_p3\.", "neck.top_down_blocks.1."),
    (r"^backbone\.bu_conv2\.", "neck.downsamples.0."),
    (r"^backbone\.bu_conv1\.", "neck.downsamples.1."),
    (r"^backbone\.C3_n3\.", "neck.bottom_up_blocks.0."),
    (r"^backbone\.C3_n4\.", "neck.bottom_up_blocks.1."),
    (r"^head\.stems\.", "neck.out_convs."),
    (r"^head\.(cls|reg)_convs\.", r"bbox_head.multi_level_\1_convs."),
    (r"^head\.(cls|reg|obj)_preds\.", r"bbox_head.multi_level_conv_\1."),
    (rf"{_CSP}\.conv1\.", r"\1.main_conv."),
    (rf"{_CSP}\.conv2\.", r"\1.short_conv."),
    (rf"{_CSP}\.conv3\.", r"\1.final_conv."),
    (rf"{_CSP}\.m\.", r"\1.blocks."),
    (r"\.dconv\.", ".depthwise_conv."),
    (r"\.pconv\.", ".pointwise_conv."),
)


@dataclass(frozen=True)
class YoloScale:
    """How large a YOLOX is.

    Attributes:
        widen: Channels, as a multiple of those of ``l``.
        blocks: In a layer of the neck; the backbone has one, three, three and one times as many.
        depthwise: Whether the 3x3 convolutions are separable.
        side: Of the input, in pixels.
    """

    widen: float
    blocks: int
    depthwise: bool = False
    side: int = 640

    @property
    def stem(self) -> int:
        """Channels of the stem."""
        return int(_BASE * self.widen)

    @property
    def channels(self) -> tuple[int, int, int]:
        """Channels of the maps of stride 8, 16 and 32."""
        return 4 * self.stem, 8 * self.stem, 16 * self.stem

    @property
    def make_conv(self) -> MakeConv:
        """Makes the 3x3 convolutions."""
        return Separable if self.depthwise else CBA


YOLO_SCALES: Final = {
    "nano": YoloScale(0.25, 1, depthwise=True, side=416),
    "tiny": YoloScale(0.375, 1, side=416),
    "s": YoloScale(0.5, 1),
    "m": YoloScale(0.75, 2),
    "l": YoloScale(1.0, 3),
    "x": YoloScale(1.25, 4),
}
"""The published sizes."""


class Yolox(Network):
    """Letterboxed pictures to one row per cell, not yet decoded."""

    input_name = "images"

    def __init__(self, scale: YoloScale, *, classes: int = 80) -> None:
        """Make the network with random weights."""
        super().__init__()
        self.input_size = ImageSize(scale.side, scale.side)
        self.outputs = {"output": (sum((scale.side // s) ** 2 for s in _STRIDES), 5 + classes)}
        self.backbone = _Darknet(scale)
        self.neck = _Neck(scale)
        self.bbox_head = _Head(scale, classes)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = _EPSILON, _MOMENTUM

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Tensor], source: str = "state dict") -> Yolox:
        """Make the network that the shapes of a state dict tell of, and fill it.

        Args:
            state: Keys as mmdet or as Megvii name them. The tensors are used, not copied.
            source: Where it comes from, for messages.

        Raises:
            ModelError: If these are no weights of a YOLOX.
        """
        weights = Weights({to_mmdet(key): tensor for key, tensor in state.items()}, source)
        widen = weights.side("backbone.stem.conv.conv.weight", 0) / _BASE
        scale = YoloScale(
            widen,
            weights.count("neck.top_down_blocks.0.blocks"),
            depthwise="backbone.stage1.0.depthwise_conv.conv.weight" in weights.tensors,
            side=416 if widen < YOLO_SCALES["s"].widen else 640,
        )
        classes = weights.side("bbox_head.multi_level_conv_cls.0.weight", 0)
        with torch.device("meta"):
            network = cls(scale, classes=classes)
        weights.fill_(network)
        return network

    def forward(self, pictures: Tensor) -> tuple[Tensor]:
        """``(N, 3, H, W)``, 0 to 255, BGR, to ``(N, cells, 5 + classes)``.

        A row is ``x, y, w, h``, raw, then the scores of the object and of its classes, 0 to 1.
        Rows go through the cells of stride 8, then 16, then 32, line by line.
        """
        rows: Tensor = self.bbox_head(self.neck(self.backbone(pictures)))
        return (rows,)


def to_mmdet(key: str) -> str:
    """Megvii's name of a tensor as mmdet's; any other name as it is."""
    if not re.match(r"backbone\.(backbone|lateral|reduce|bu_|C3_)|head\.", key):
        return key
    for pattern, replacement in _MEGVII_TO_MMDET:
        key = re.sub(pattern, replacement, key)
    return key


class _Focus(nn.Module):
    """Space to depth, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = CBA(12, channels, 3)

    def forward(self, pictures: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, C, H / 2, W / 2)``."""
        top, bottom = pictures[..., ::2, :], pictures[..., 1::2, :]
        corners = [top[..., ::2], bottom[..., ::2], top[..., 1::2], bottom[..., 1::2]]
        answer: Tensor = self.conv(torch.cat(corners, dim=1))
        return answer


class _Darknet(nn.Module):
    """A stem and four stages, each at half the resolution of the one before."""

    def __init__(self, scale: YoloScale) -> None:
        super().__init__()
        stem, few, many = scale.stem, scale.blocks, 3 * scale.blocks
        self.stem = _Focus(stem)
        self.stage1 = _stage(scale, stem, few)
        self.stage2 = _stage(scale, 2 * stem, many)
        self.stage3 = _stage(scale, 4 * stem, many)
        self.stage4 = _stage(scale, 8 * stem, few, last=True)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(N, 3, H, W)`` to the maps of stride 8, 16 and 32."""
        fine: Tensor = self.stage2(self.stage1(self.stem(pictures)))
        middle: Tensor = self.stage3(fine)
        deep: Tensor = self.stage4(middle)
        return fine, middle, deep


class _Neck(PAFPN):
    """The pyramid, and a convolution per level to the head's width."""

    def __init__(self, scale: YoloScale) -> None:
        def make_csp(channels_in: int, channels_out: int) -> CSP:
            return _csp(scale, channels_in, channels_out, scale.blocks, identity=False)

        super().__init__(scale.channels, make_csp, scale.make_conv)
        self.out_convs = nn.ModuleList(
            CBA(channels, scale.channels[0], 1) for channels in scale.channels
        )

    def forward(self, maps: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Maps of stride 8, 16 and 32 to three of one width."""
        fine, middle, deep = (
            convolve(level)
            for convolve, level in zip(self.out_convs, super().forward(maps), strict=True)
        )
        return fine, middle, deep


class _Head(nn.Module):
    """Class, box and object scores, each level with its own convolutions."""

    def __init__(self, scale: YoloScale, classes: int) -> None:
        super().__init__()
        width, make_conv = scale.channels[0], scale.make_conv

        def towers() -> nn.ModuleList:
            return nn.ModuleList(
                nn.Sequential(make_conv(width, width, 3), make_conv(width, width, 3))
                for _ in _STRIDES
            )

        def predictors(channels: int) -> nn.ModuleList:
            return nn.ModuleList(nn.Conv2d(width, channels, 1) for _ in _STRIDES)

        self.multi_level_cls_convs, self.multi_level_reg_convs = towers(), towers()
        self.multi_level_conv_cls = predictors(classes)
        self.multi_level_conv_reg = predictors(4)
        self.multi_level_conv_obj = predictors(1)

    def forward(self, maps: tuple[Tensor, ...]) -> Tensor:
        """Three maps to ``(N, cells, 5 + classes)``."""
        levels = []
        for level, shared in enumerate(maps):
            of_class = self.multi_level_cls_convs[level](shared)
            of_box = self.multi_level_reg_convs[level](shared)
            parts = (
                self.multi_level_conv_reg[level](of_box),
                self.multi_level_conv_obj[level](of_box).sigmoid(),
                self.multi_level_conv_cls[level](of_class).sigmoid(),
            )
            levels.append(torch.cat(parts, dim=1).flatten(2))
        return torch.cat(levels, dim=2).transpose(1, 2)


def _stage(scale: YoloScale, channels: int, blocks: int, *, last: bool = False) -> nn.Sequential:
    """Halve the resolution, double the channels; the last stage pools, and adds no identity."""
    return nn.Sequential(
        scale.make_conv(channels, 2 * channels, 3, stride=2),
        *([SPP(2 * channels)] if last else []),
        _csp(scale, 2 * channels, 2 * channels, blocks, identity=not last),
    )


def _csp(
    scale: YoloScale, channels_in: int, channels_out: int, blocks: int, *, identity: bool
) -> CSP:
    """A CSP layer of Darknet's blocks: a 1x1 convolution, then a 3x3."""
    half = channels_out // 2
    return CSP(
        channels_in,
        channels_out,
        (
            Block(CBA(half, half, 1), scale.make_conv(half, half, 3), identity=identity)
            for _ in range(blocks)
        ),
    )
