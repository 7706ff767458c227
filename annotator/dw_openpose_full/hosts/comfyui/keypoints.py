"""The host's POSE_KEYPOINT, a list of OpenPose objects, one a frame, to figures and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...errors import PoseJsonError
from ...figures import OpenPoseFigures
from ...pose_json import PoseDocument, layout, to_openpose_json
from ...poses import ImageSize

PoseKeypoints: TypeAlias = "list[dict[str, Any]]"


@dataclass(frozen=True, eq=False)
class Frame:
    """What a POSE_KEYPOINT says of one picture.

    Attributes:
        figures: Its people.
        model: Name of the model that read them, if it is said.
    """

    figures: OpenPoseFigures
    model: str | None


def read_frames(keypoints: object) -> list[Frame]:
    """The frames of a POSE_KEYPOINT of any node's: a list of objects, or one object.

    Raises:
        PoseJsonError: If it is something else, a text (which might name a file) among them.
    """
    if not isinstance(keypoints, (Mapping, list)):
        raise PoseJsonError(
            "POSE_KEYPOINT: expected a list of OpenPose objects, one a frame, got "
            f"{type(keypoints).__name__}; link a node that gives a POSE_KEYPOINT"
        )
    return frames_of(PoseDocument.read(keypoints))


def frames_of(document: PoseDocument, *, image_size: ImageSize | None = None) -> list[Frame]:
    """All frames of a document.

    Args:
        document: Of any writer.
        image_size: Of the canvas, where a frame does not say its own.

    Raises:
        PoseJsonError: If a frame can not be read, or there is none.
    """
    frames = [
        Frame(document.figures(index, image_size=image_size), _model(frame.content))
        for index, frame in enumerate(document.frames)
    ]
    return frames or [Frame(document.figures(), None)]  # which raises


def write_frames(frames: Sequence[Frame]) -> PoseKeypoints:
    """A POSE_KEYPOINT with every part at full length, which every known node takes."""
    return [to_openpose_json(frame.figures, model=frame.model) for frame in frames]


def _model(content: Mapping[str, Any]) -> str | None:
    model = content.get(layout.MODEL)
    return model if isinstance(model, str) else None
