"""What a network is, in words that a file can carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..networks import Network, Rtmw, Weights, Yolox
from ..networks.cspnext import SCALES, Scale
from ..networks.yolox import YOLO_SCALES, YoloScale
from ..poses import ImageSize
from ..zoo.cards import IMAGENET_RGB, PLAIN_BGR, InputFormat

_PUBLISHED_HEAD: Final = (256, 128)  # width of a token, and of the attention's keys


@dataclass(frozen=True)
class Description:
    """Facts of a network that its file's tensors do not tell, or not in a word.

    Attributes:
        arch: ``rtmpose``, ``rtmw`` or ``yolox``.
        size: ``t``, ``s``, ``m``, ``l``, ``x``...; empty for one that was not published.
        input_size: Of its pictures.
        answers: Keypoints, or classes of a YOLOX.
        pixels: How it wants its pictures.
        parameters: How many numbers it has learned.
    """

    arch: str
    size: str
    input_size: ImageSize
    answers: int
    pixels: InputFormat
    parameters: int

    @property
    def things(self) -> str:
        """What it tells of."""
        return "classes" if self.arch == "yolox" else "keypoints"

    @property
    def side_by_side(self) -> str:
        """Size of its pictures: width, then height."""
        return f"{self.input_size.width}x{self.input_size.height}"

    def __str__(self) -> str:
        """For people: ``rtmpose-l, 288x384, 133 keypoints, 33.611 M parameters``."""
        name = f"{self.arch}-{self.size}" if self.size else f"{self.arch} of its own size"
        learned = f"{self.parameters / 1e6:.3f} M parameters"
        return f"{name}, {self.side_by_side}, {self.answers} {self.things}, {learned}"

    def metadata(self) -> dict[str, str]:
        """As pairs of text, for a file; the numbers of a row have commas between them."""
        return {
            "arch": self.arch,
            "size": self.size,
            "input": self.side_by_side,
            self.things: str(self.answers),
            "channels": self.pixels.channel_order,
            "mean": ",".join(map(str, self.pixels.mean)),
            "std": ",".join(map(str, self.pixels.std)),
        }


def describe(network: Network) -> Description:
    """What a network of this package is."""
    parameters = sum(parameter.numel() for parameter in network.parameters())
    answers = next(iter(network.outputs.values()))
    if isinstance(network, Yolox):
        arch, size, count, pixels = "yolox", _yolo_size(network), answers[1] - 5, PLAIN_BGR
    else:
        arch = "rtmw" if isinstance(network, Rtmw) else "rtmpose"
        size, count, pixels = _simcc_size(network), answers[0], IMAGENET_RGB
    return Description(arch, size, network.input_size, count, pixels, parameters)


def _simcc_size(network: Network) -> str:
    """The published name of a network's scale, if it has one."""
    weights = Weights(network.state_dict(), "network")
    head = weights.side("head.cls_x.weight", 1), weights.side("head.gau.gamma", 1)
    return _name(SCALES, Scale.of(weights)) if head == _PUBLISHED_HEAD else ""


def _yolo_size(network: Network) -> str:
    weights = Weights(network.state_dict(), "network")
    scale = YoloScale(
        weights.side("backbone.stem.conv.conv.weight", 0) / YOLO_SCALES["l"].stem,
        weights.count("neck.top_down_blocks.0.blocks"),
        depthwise="backbone.stage1.0.depthwise_conv.conv.weight" in weights.tensors,
        side=network.input_size.height,
    )
    return _name(YOLO_SCALES, scale)


def _name(scales: Mapping[str, object], wanted: object) -> str:
    return next((name for name, scale in scales.items() if scale == wanted), "")
