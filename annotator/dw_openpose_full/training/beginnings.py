"""How a training begins: new networks, teachers and first weights out of files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import TrainingError
from ..networks import RtmPose, Weights, network_of, read_weights
from ..networks.cspnext import Scale
from ..poses import ImageSize
from ..skeleton import WHOLE_BODY_COUNT
from .preset import Preset
from .stages import FromLabels, FromTeacher, Frozen, HeadAnew, Stage


def make_stage(
    preset: Preset, device: torch.device, *, teacher: Path | None = None, half: bool = False
) -> Stage:
    """Make what learns, with its first weights drawn from the preset's seed.

    Args:
        preset: What is to be learned.
        device: Where.
        teacher: The weights that teach; of stage 2 they are also those that stay.
        half: Whether to compute convolutions in bfloat16.

    Raises:
        TrainingError: If the teacher is missing, not wanted, or of a network that does not fit.
        ModelError: If its file can not be read.
    """
    if preset.stage and teacher is None:
        raise TrainingError(
            f"{preset.name} learns from a teacher: expected --teacher FILE, the result of "
            f"training {preset.teacher or 'a network of this kind'}"
        )
    if not preset.stage and teacher is not None:
        raise TrainingError(f"{preset.name} learns from labels alone; leave out --teacher")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(preset.seed)
        student = new_network(preset)
        stage: Stage
        if teacher is None:
            stage = FromLabels(preset, student, half=half)
        else:
            taught_by = Frozen(_read_teacher(teacher, preset).to(device))
            if preset.stage == 1:
                stage = FromTeacher(preset, student, taught_by, half=half)
            else:
                stage = HeadAnew(preset, student.head, taught_by, half=half)
    stage.to(device)
    return stage


def new_network(preset: Preset) -> RtmPose:
    """The preset's network with random weights."""
    return RtmPose(
        Scale(preset.widen, preset.blocks),
        input_size=preset.input_size,
        width=preset.token,
        key_width=preset.key,
    )


def begin_with_(stage: Stage, path: Path) -> str:
    """Give what learns the weights of a file: the backbone, and the head if it fits.

    Pretrained backbones come with heads of another kind; those are left out.

    Returns:
        What was taken, for people.

    Raises:
        TrainingError: If the backbone does not fit, or there is none to be given weights.
        ModelError: If the file can not be read.
    """
    if not isinstance(stage, (FromLabels, FromTeacher)):
        raise TrainingError(
            "stage 2 keeps its teacher's backbone and has a new head; leave out --init"
        )
    weights, own = read_weights(path), stage.student.state_dict()
    backbone, head = (
        [key for key in own if key.startswith(part)] for part in ("backbone.", "head.")
    )
    unlike = [key for key in backbone if not _fits(key, weights, own)]
    if unlike:
        raise TrainingError(
            f"{weights.source}: expected the backbone of this preset to begin with, but "
            f"{len(unlike)} of its {len(backbone)} tensors are missing or of another shape, the "
            f"first is {unlike[0]}; choose the weights of the same size"
        )
    with_head = all(_fits(key, weights, own) for key in head)
    taken = backbone + (head if with_head else [])
    stage.student.load_state_dict(
        {key: weights.tensors[key] for key in taken if key in weights.tensors}, strict=False
    )
    parts = "backbone and head" if with_head else "backbone alone, its head does not fit,"
    return f"begins with the {parts} of {weights.source}"


def _read_teacher(path: Path, preset: Preset) -> RtmPose:
    """The network that teaches, proven to see and to say what the student does."""
    weights = read_weights(path)
    network = network_of(weights)
    wanted = _words(preset.input_size)
    if not isinstance(network, RtmPose) or network.input_size != preset.input_size:
        came = f"{type(network).__name__} for {_words(network.input_size)}"
        raise TrainingError(
            f"{weights.source}: expected an RTMPose for crops of {wanted} to teach {preset.name}, "
            f"got a {came}; choose the result of {preset.teacher or 'such a preset'}"
        )
    keypoints = network.outputs["simcc_x"][0]
    if keypoints != WHOLE_BODY_COUNT:
        raise TrainingError(
            f"{weights.source}: expected a teacher of {WHOLE_BODY_COUNT} keypoints, got one of "
            f"{keypoints}; choose another"
        )
    if preset.stage == 2 and _shape(network) != (preset.widen, preset.blocks):
        raise TrainingError(
            f"{weights.source}: {preset.name} keeps its teacher's backbone: expected one of width "
            f"{preset.widen:g} with {preset.blocks} blocks, got {_shape(network)}; choose the "
            f"result of {preset.teacher or 'the same size'}"
        )
    return network


def _shape(network: RtmPose) -> tuple[float, tuple[int, int, int, int]]:
    scale = Scale.of(Weights(network.state_dict(), "network"))
    return scale.widen, scale.blocks


def _fits(key: str, weights: Weights, own: Mapping[str, Tensor]) -> bool:
    """Whether a file has what stands in a tensor's place; counters may be missing."""
    tensor = weights.tensors.get(key)
    if tensor is None:
        return key.endswith(".num_batches_tracked")
    return bool(tensor.shape == own[key].shape)


def _words(size: ImageSize) -> str:
    return f"{size.width} x {size.height}"
