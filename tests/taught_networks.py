"""Torch networks that see something, without training: weights for all backends to share.

Random weights find nobody, and a planted answer hides what a network says. These are random but
for their last layers, which are solved for, by least squares, so that the networks find what they
are told in the picture they are shown. What they find elsewhere is as good as random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dw_openpose_full.detector import YoloxDetector
from dw_openpose_full.estimator import SimccEstimator
from dw_openpose_full.geometry import PersonCrop
from dw_openpose_full.networks import RtmPose, Yolox
from dw_openpose_full.networks.cspnext import SCALES
from dw_openpose_full.networks.yolox import YOLO_SCALES
from dw_openpose_full.pictures import read_picture
from dw_openpose_full.poses import Boxes, ImageSize, RgbImage
from dw_openpose_full.simcc import encode
from dw_openpose_full.zoo.cards import IMAGENET_RGB
from faithful_graph import Floats, Network, exported
from faithful_networks import PlantedSession, simcc, standing_person, yolox

SAMPLE = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"
STRIDES, LEVEL = (8, 16, 32), 2  # of the head's levels the coarsest is taught
SURE, UNSURE = 3.0, -4.0  # logits of a cell with a person and without
WEIGHT = 8.0  # of a cell with a person, beside the many without
COPIES, GRAIN = 6, 2.0  # grey levels
QUIET = 0.1  # what is not taught, beside what is drawn
SHARPER = 60  # power of the published bumps: so that neighbouring bins differ clearly
GAIN = (0.1, 0.25)  # of batch normalisations; more of it makes much of the rounding of pixels
LIVELY = 0.9  # factors of queries and keys: tokens of 133 keypoints must not be alike
RIDGE = 1e-3  # keeps solutions small, and with them what they make of rounding


@dataclass(frozen=True, eq=False)
class Lesson:
    """What two networks shall see.

    Attributes:
        detector: Size of the YOLOX, of the published ones.
        pose: Size of the RTMPose.
        crop: Height and width of its crops.
        picture: RGB.
        people: Boxes ``x1, y1, x2, y2`` in pixels of it.
    """

    detector: str
    pose: str
    crop: tuple[int, int]
    picture: RgbImage
    people: tuple[tuple[float, float, float, float], ...]

    def keypoints(self) -> Floats:
        """``(P, 133, 2)`` in pixels of the picture: everybody stands."""
        boxes = np.array(self.people)[:, None]
        points = boxes[..., :2] + standing_person() * (boxes[..., 2:] - boxes[..., :2])
        return np.asarray(points, np.float32)


@dataclass(frozen=True)
class Files:
    """Both networks, with the same weights for ONNX's engines and for torch."""

    folder: Path

    def of(self, backend: str) -> tuple[Path, Path]:
        """The pose network and the detector."""
        suffix = "safetensors" if backend == "torch" else "onnx"
        return self.folder / f"pose.{suffix}", self.folder / f"detector.{suffix}"


def teach(lesson: Lesson, folder: Path) -> Files:
    """Make both networks and write them."""
    save(taught_yolox(lesson), yolox(lesson.detector), folder / "detector", epsilon=1e-3)
    plan = simcc(lesson.pose, lesson.crop, planted=False)
    save(taught_rtmpose(lesson), plan, folder / "pose", epsilon=1e-5)
    return Files(folder)


def save(network: Any, plan: Network, stem: Path, *, epsilon: float) -> None:
    """Write ``.safetensors`` and ``.onnx``."""
    state = network.state_dict()
    save_file(state, stem.with_suffix(".safetensors"))
    learned = exported({key: value.numpy() for key, value in state.items()}, epsilon)
    plan.save(stem.with_suffix(".onnx"), learned)


def sample() -> RgbImage:
    """A photo of odd sides."""
    return np.ascontiguousarray(read_picture(SAMPLE)[40:1171, 90:1110])


# ---------------------------------------------------------------- teaching


def taught_yolox(lesson: Lesson) -> Yolox:
    """A YOLOX that finds the people."""
    network = Yolox(YOLO_SCALES[lesson.detector])
    session = PlantedSession(
        (1, 3, *network.input_size), [np.zeros((1, *network.outputs["output"]), np.float32)]
    )
    YoloxDetector(session)(lesson.picture)
    shown = grainy(session.shown[0])
    settle_(network, shown[:1])
    head = network.bbox_head
    scale = network.input_size.height / max(lesson.picture.shape[:2]) / STRIDES[LEVEL]
    places = torch.tensor(lesson.people, dtype=torch.float64) * scale
    middles, extents = (places[:, :2] + places[:, 2:]) / 2, places[:, 2:] - places[:, :2]
    corners = middles.floor()
    cells = (corners[:, 1] * (network.input_size.width // STRIDES[LEVEL]) + corners[:, 0]).long()
    maps = inputs_of(head.multi_level_conv_obj[LEVEL], network, shown).flatten(2)
    cells = torch.cat([cells + copy * maps.shape[2] for copy in range(len(maps))])
    seen = maps.transpose(1, 2).flatten(0, 1)
    seen = torch.cat([seen, torch.ones(len(seen), 1, dtype=seen.dtype)], dim=1)
    sure = torch.full((len(seen), 1), UNSURE, dtype=torch.float64)
    sure[cells] = SURE
    weight = torch.ones(len(seen), 1, dtype=torch.float64)
    weight[cells] = WEIGHT
    boxes = torch.cat([middles - corners, extents.log()], dim=1)
    hush_(head)
    fill_(head.multi_level_conv_obj[LEVEL], solved(seen * weight, sure * weight))
    fill_(head.multi_level_conv_reg[LEVEL], solved(seen[cells], boxes.repeat(len(maps), 1)))
    return network


def taught_rtmpose(lesson: Lesson) -> RtmPose:
    """An RTMPose that finds the keypoints."""
    size = ImageSize(*lesson.crop)
    network = RtmPose(SCALES[lesson.pose], input_size=size)
    people = Boxes.from_arrays(lesson.people)
    outputs = [np.zeros((len(people), *shape), np.float32) for shape in network.outputs.values()]
    session = PlantedSession(
        (None, 3, *size), outputs, declared=[(None, *shape) for shape in network.outputs.values()]
    )
    SimccEstimator(session, model="", mean=IMAGENET_RGB.mean, std=IMAGENET_RGB.std)(
        lesson.picture, people
    )
    shown = grainy(session.shown[0], grey_level=1 / 57)
    settle_(network, shown[: len(people)])
    crops = [PersonCrop.around(box, size) for box in people.xyxy]
    points = zip(crops, lesson.keypoints(), strict=True)
    bumps = encode(np.stack([crop.points_in_crop(at_home) for crop, at_home in points]), size)
    tokens = inputs_of(network.head.cls_x, network, shown).flatten(0, 1)
    for layer, bins in zip((network.head.cls_x, network.head.cls_y), bumps, strict=True):
        targets = torch.from_numpy(bins**SHARPER).double().flatten(0, 1).repeat(COPIES, 1)
        with torch.no_grad():
            layer.weight.copy_(solved(tokens, targets).T)
    return network


def grainy(pictures: Floats, *, grey_level: float = 1.0) -> Tensor:
    """Pictures, and copies with grain: what is learned must not hang on the rounding of pixels."""
    copies = np.tile(pictures, (COPIES, 1, 1, 1))
    grain = np.random.default_rng(0).uniform(-GRAIN, GRAIN, copies.shape) * grey_level
    grain[: len(pictures)] = 0
    return torch.from_numpy(copies + grain.astype(np.float32))


def settle_(network: Any, pictures: Tensor) -> None:
    """Draw all weights; batch normalisations take the statistics of what the pictures give."""
    generator = torch.Generator().manual_seed(0)
    for key, parameter in network.named_parameters():
        fan = math.prod(parameter.shape[1:])
        if parameter.ndim > 1 and not key.endswith(("gamma", "beta")):
            parameter.data.normal_(std=fan**-0.5, generator=generator)
        elif ".bn." in key and key.endswith("weight"):
            parameter.data.uniform_(*GAIN, generator=generator)
        else:
            mean = 1.0 if key.endswith((".g", ".scale")) else 0.0
            spread = LIVELY if key.endswith("gamma") else 0.3
            parameter.data.normal_(mean, spread, generator=generator)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(take_statistics_) for norm in norms]
    network.eval()
    with torch.no_grad():
        network(pictures)
    for hook in hooks:
        hook.remove()


def take_statistics_(norm: Any, maps: tuple[Tensor]) -> None:
    """Channels that vary less than most are not blown up, for their rounding would be too."""
    variance, norm.running_mean = torch.var_mean(maps[0], (0, 2, 3))
    norm.running_var = variance.clamp(min=float(variance.mean()))


def inputs_of(module: nn.Module, network: Any, pictures: Tensor) -> Tensor:
    """What a layer is given when the network looks."""
    given: list[Tensor] = []
    hook = module.register_forward_pre_hook(lambda _, arguments: given.append(arguments[0]))
    with torch.no_grad():
        network(pictures)
    hook.remove()
    return given[0].double()


def solved(features: Tensor, targets: Tensor) -> Tensor:
    """Weights ``(F, T)`` that take features ``(N, F)`` nearest to targets ``(N, T)``."""
    square = features.T @ features
    ridge = RIDGE * square.diagonal().mean() * torch.eye(len(square), dtype=torch.float64)
    return torch.linalg.solve(square + ridge, features.T @ targets)


def fill_(layer: nn.Conv2d, weights: Tensor) -> None:
    """Put ``(F + 1, T)`` into a convolution of one cell; the last row is the bias."""
    with torch.no_grad():
        layer.weight.copy_(weights[:-1].T[..., None, None])
        layer.bias.copy_(weights[-1])


def hush_(head: Any) -> None:
    """Let the levels that are not taught see nobody, and every cell of the taught one people."""
    with torch.no_grad():
        for predictors in (head.multi_level_conv_cls, head.multi_level_conv_reg):
            for layer in predictors:
                layer.weight *= QUIET
        for layer in head.multi_level_conv_obj:
            layer.weight *= QUIET
            layer.bias += UNSURE
        for layer in head.multi_level_conv_cls:
            layer.bias[0] += SURE
