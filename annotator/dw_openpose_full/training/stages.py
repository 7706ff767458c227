"""What learns from what in each stage: modules that give the terms of the loss for a batch.

What is frozen is no part of a stage: it has no gradients, is never in training mode (so that its
running statistics stay what they are), and is in nobody's state.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..networks import RtmPose
from ..networks.rtmcc import RtmccHead
from .losses import Bins, feature_loss, keypoint_loss, logit_loss
from .preset import Preset
from .targets import normalised, targets

Terms = dict[str, Tensor]
"""What each part adds to the loss, by name."""


class Seen(NamedTuple):
    """What a network makes of crops.

    Attributes:
        deep: Its deepest map, ``(N, C, h, w)``.
        bins: Its logits.
    """

    deep: Tensor
    bins: Bins


def see(network: RtmPose, pictures: Tensor, *, half: bool) -> Seen:
    """Look at normalised crops; convolutions in bfloat16 if ``half``, tokens always in float32."""
    with torch.autocast(pictures.device.type, torch.bfloat16, enabled=half):
        *_, deep = network.backbone(pictures)
    return Seen(deep, read(network.head, deep, half=half))


def read(head: RtmccHead, deep: Tensor, *, half: bool) -> Bins:
    """Read the deepest map; the attention's squared products are kept in float32."""
    with torch.autocast(deep.device.type, torch.bfloat16, enabled=half):
        maps = head.final_layer(deep)
    return head.read(head.mlp(head.flat(maps)))


class Frozen:
    """A network that is only looked at.

    Attributes:
        network: In evaluation mode, without gradients.
    """

    def __init__(self, network: RtmPose) -> None:
        self.network = network.eval().requires_grad_(requires_grad=False)

    def see(self, pictures: Tensor, *, half: bool) -> Seen:
        """Look at normalised crops."""
        with torch.no_grad():
            return see(self.network, pictures, half=half)

    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell one set of weights from another."""
        state = hashlib.sha256()
        for key, tensor in sorted(self.network.state_dict().items()):
            state.update(key.encode() + tensor.cpu().numpy().tobytes())
        return state.hexdigest()[:16]


class Stage(nn.Module, ABC):
    """What learns: its parameters are the ones that are stepped, averaged and kept."""

    teacher: Frozen | None = None

    def __init__(self, preset: Preset, *, half: bool) -> None:
        super().__init__()
        self._preset, self._half = preset, half

    @abstractmethod
    def forward(self, crops: Tensor, keypoints: Tensor, labelled: Tensor, fade: float) -> Terms:
        """The terms of the loss, whose sum is to be small.

        Args:
            crops: ``(N, H, W, 3)`` uint8.
            keypoints: ``(N, K, 2)`` in pixels of the crop.
            labelled: ``(N, K)`` bool.
            fade: How much a teacher still has to say beside labels, 1 to 0.
        """

    def result(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state dict of the network that a state of this module makes."""
        start = "student."
        return {
            key.removeprefix(start): tensor
            for key, tensor in tensors.items()
            if key.startswith(start)
        }

    @property
    def digest(self) -> str:
        """Tells one teacher from another; empty without one."""
        return self.teacher.digest() if self.teacher is not None else ""

    def _labels(self, bins: Bins, keypoints: Tensor, labelled: Tensor) -> Tensor:
        """The term of the labels."""
        preset = self._preset
        wanted = targets(keypoints, labelled, preset.input_size)
        return keypoint_loss(bins, wanted, preset.sharpness, preset.reference_batch)


class FromLabels(Stage):
    """A network learns from labels alone."""

    def __init__(self, preset: Preset, student: RtmPose, *, half: bool) -> None:
        super().__init__(preset, half=half)
        self.student = student

    def forward(self, crops: Tensor, keypoints: Tensor, labelled: Tensor, _fade: float) -> Terms:
        """See :meth:`Stage.forward`."""
        seen = see(self.student, normalised(crops), half=self._half)
        return {"keypoints": self._labels(seen.bins, keypoints, labelled)}


class FromTeacher(Stage):
    """Stage 1: a network learns from labels, and from a larger one that sees the same crops."""

    def __init__(self, preset: Preset, student: RtmPose, teacher: Frozen, *, half: bool) -> None:
        super().__init__(preset, half=half)
        self.student, self.teacher = student, teacher
        ours, its = (_channels(network) for network in (student, teacher.network))
        self.align = nn.Identity() if ours == its else nn.Conv2d(ours, its, 1)

    def forward(self, crops: Tensor, keypoints: Tensor, labelled: Tensor, fade: float) -> Terms:
        """See :meth:`Stage.forward`."""
        assert self.teacher is not None
        pictures, preset = normalised(crops), self._preset
        taught = self.teacher.see(pictures, half=self._half)
        seen = see(self.student, pictures, half=self._half)
        logits = logit_loss(seen.bins, taught.bins, preset.sharpness)
        features = feature_loss(self.align(seen.deep.float()), taught.deep)
        return {
            "keypoints": self._labels(seen.bins, keypoints, labelled),
            "logits": fade * preset.logit_weight * logits,
            "features": fade * preset.feature_weight * features,
        }


class HeadAnew(Stage):
    """Stage 2: a new head learns from the trained one, on the same frozen backbone, no labels."""

    def __init__(self, preset: Preset, head: RtmccHead, teacher: Frozen, *, half: bool) -> None:
        super().__init__(preset, half=half)
        self.head, self.teacher = head, teacher

    def forward(self, crops: Tensor, _keypoints: Tensor, _labelled: Tensor, _fade: float) -> Terms:
        """See :meth:`Stage.forward`; only the crops are looked at."""
        assert self.teacher is not None
        taught = self.teacher.see(normalised(crops), half=self._half)
        said = read(self.head, taught.deep, half=self._half)
        return {
            "logits": self._preset.logit_weight
            * logit_loss(said, taught.bins, self._preset.sharpness)
        }

    def result(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See :meth:`Stage.result`: the teacher's backbone, the new head."""
        assert self.teacher is not None
        backbone = {
            key: tensor
            for key, tensor in self.teacher.network.state_dict().items()
            if key.startswith("backbone.")
        }
        return backbone | dict(tensors)


def _channels(network: RtmPose) -> int:
    """Of the deepest map."""
    return int(network.head.final_layer.in_channels)
