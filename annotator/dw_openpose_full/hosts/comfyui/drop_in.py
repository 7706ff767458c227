"""``DWPreprocessor``, in the place of comfyui_controlnet_aux's: saved workflows load unchanged.

Names, order, choices and defaults of the inputs are that pack's; workflow files keep values of
widgets by order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ...annotation import Annotation, Look
from ...assembly import NO_DETECTOR
from ...errors import ModelError
from ...figures import OpenPoseFigures
from ...people import EVERYBODY
from ...pipeline import DwOpenpose
from ...poses import ImageSize, RgbImage, WholeBodyPoses
from ...render import Parts, Style, render
from ...skeleton import FIGURE_BODY, FIGURE_FACE, FIGURE_LEFT_HAND, FIGURE_RIGHT_HAND
from ...zoo.folders import neighbour_folders
from ..document import ANIMALS, parity_document
from ..framing import Frame
from ..loading import Wish
from . import host, images
from .estimator import LARGEST, parts_of, read_in_groups
from .networks import NETWORKS
from .node import IMAGE, POSE_KEYPOINT, Answer, Node, Output, choice, socket, widget

PARITY_VARIABLE: Final = "DW_OPENPOSE_PARITY"
SMALLEST: Final = 64
DEFAULT_RESOLUTION: Final = 512
ON_OFF: Final = ("enable", "disable")
OFF_ON: Final = ("disable", "enable")

MODELS: Final = {
    "dw-ll_ucoco_384_bs5.torchscript.pt": "dwpose-l-384",
    "dw-ll_ucoco_384.onnx": "dwpose-l-384",
    "dw-ll_ucoco.onnx": "dwpose-l",
}
DETECTORS: Final = {
    "None": NO_DETECTOR,
    "yolox_l.torchscript.pt": "yolox-l",
    "yolox_l.onnx": "yolox-l",
    "yolo_nas_l_fp16.onnx": "yolox-l",
    "yolo_nas_m_fp16.onnx": "yolox-l",
    "yolo_nas_s_fp16.onnx": "yolox-l",
}


@dataclass(frozen=True, eq=False)
class DwPreprocessor(Node):
    """DWPose as comfyui_controlnet_aux offers it, by DW OpenPose full."""

    id = "DWPreprocessor"
    title = "DWPose Estimator"
    category = "ControlNet Preprocessors/Faces and Poses Estimators"
    outputs = (
        Output(IMAGE, IMAGE, "The figures, one picture for each that came in."),
        Output(POSE_KEYPOINT, POSE_KEYPOINT, "OpenPose objects, one a frame."),
    )

    image: images.Tensor = field(metadata=socket(IMAGE, "Pictures, or the frames of a video."))
    detect_hand: str = field(default=ON_OFF[0], metadata=choice(ON_OFF, "Draw hands."))
    detect_body: str = field(default=ON_OFF[0], metadata=choice(ON_OFF, "Draw bodies."))
    detect_face: str = field(default=ON_OFF[0], metadata=choice(ON_OFF, "Draw faces."))
    resolution: int = field(
        default=DEFAULT_RESOLUTION,
        metadata=widget(
            "INT",
            "Shorter side of the figures' picture, in pixels.",
            min=SMALLEST,
            max=LARGEST,
            step=64,
        ),
    )
    bbox_detector: str = field(
        default="yolox_l.onnx",
        metadata=choice(tuple(DETECTORS), "Finds the people. All but None run YOLOX-l."),
    )
    pose_estimator: str = field(
        default=next(iter(MODELS)),
        metadata=choice(tuple(MODELS), "Reads the poses. Where it can not be had, lite runs."),
    )
    scale_stick_for_xinsr_cn: str = field(
        default=OFF_ON[0],
        metadata=choice(OFF_ON, "Thick limbs and joints, for xinsir's SDXL ControlNets."),
    )

    def run(self) -> Answer:
        """Annotate all frames."""
        images.count_frames(self.image)
        parity = os.environ.get(PARITY_VARIABLE, "") not in {"", "0"}
        annotate = self._repeat if parity else self._annotate
        networks = _networks(self.pose_estimator, self.bbox_detector, parity=parity)
        canvases, documents = [], []
        for picture, poses in read_in_groups(networks, self.image, EVERYBODY, truncate=parity):
            canvas, document = annotate(picture, poses)
            canvases.append(canvas)
            documents.append(document)
        return Answer(
            (images.to_image(canvases), documents),
            {"openpose_json": [json.dumps(documents, indent=4)]},
        )

    def _annotate(
        self, picture: RgbImage, poses: WholeBodyPoses
    ) -> tuple[RgbImage, dict[str, Any]]:
        """Draw at the resolution; phantoms are hidden."""
        look = Look(self._resolution, self._style, self._parts)
        annotation = Annotation.of(picture, poses, look)
        shown = replace(annotation, figures=_only(annotation.figures, self._parts))
        return annotation.canvas, shown.to_json()

    def _repeat(self, picture: RgbImage, poses: WholeBodyPoses) -> tuple[RgbImage, dict[str, Any]]:
        """Draw at the picture's size and scale the drawing, as comfyui_controlnet_aux does."""
        figures = OpenPoseFigures.from_poses(poses)
        frame = Frame.of(ImageSize.of(picture), self._resolution)
        canvas = frame.cut(frame.fill(render(figures, self._style, self._parts)))
        document = parity_document(_only(figures, self._parts))
        del document[ANIMALS]
        return canvas, document

    @property
    def _resolution(self) -> int:
        return self.resolution if self.resolution >= SMALLEST else DEFAULT_RESOLUTION

    @property
    def _style(self) -> Style:
        thick = self.scale_stick_for_xinsr_cn == "enable"
        return Style.XINSIR if thick else Style.CONTROLNET

    @property
    def _parts(self) -> Parts:
        return parts_of(
            body=self.detect_body == "enable",
            hands=self.detect_hand == "enable",
            face=self.detect_face == "enable",
            feet=False,
        )


def _only(figures: OpenPoseFigures, parts: Parts) -> OpenPoseFigures:
    """The figures with the parts hidden that are not wanted."""
    visible = figures.visible.copy()
    for part, rows in (
        (Parts.BODY, FIGURE_BODY),
        (Parts.HANDS, FIGURE_LEFT_HAND),
        (Parts.HANDS, FIGURE_RIGHT_HAND),
        (Parts.FACE, FIGURE_FACE),
    ):
        if part not in parts:
            visible[:, rows] = False
    return replace(figures, visible=visible)


def _networks(pose_file: str, box_file: str, *, parity: bool) -> DwOpenpose:
    """The networks of these files, or else the best that can be had."""
    device = host.device()
    for model, detector in _ways(pose_file, box_file):
        try:
            return NETWORKS.get(Wish(model, detector, device, parity))
        except ModelError as error:
            host.alert(str(error))
    return NETWORKS.get(Wish(device=device, parity=parity))


def _ways(pose_file: str, box_file: str) -> Iterator[tuple[str, str]]:
    """Model and detector: the other pack's own files, then the zoo's of that name."""
    files = [_file_of_neighbour(file) for file in (pose_file, box_file)]
    detector = DETECTORS[box_file]
    if files[0] is not None and (files[1] is not None or detector == NO_DETECTOR):
        yield str(files[0]), str(files[1] or detector)
    yield MODELS[pose_file], detector


def _file_of_neighbour(file: str) -> Path | None:
    """An ONNX file in another pack's folder, which keeps them by owner and repository."""
    if not file.endswith(".onnx"):
        return None
    for folder in neighbour_folders():
        for path in [folder / file, *sorted(folder.glob(f"*/*/{file}"))]:
            if path.is_file():
                return path
    return None
