"""From keypoints to figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...errors import OptionError
from ...poses import ImageSize
from ...render import Style, checked_canvas_size, render
from . import host, images
from .estimator import LARGEST, STYLE_TIP, STYLES, parts_of
from .keypoints import Frame, PoseKeypoints, read_frames
from .node import IMAGE, POSE_KEYPOINT, Answer, Node, Output, choice, socket, widget


@dataclass(frozen=True, eq=False)
class Render(Node):
    """Draws OpenPose figures of keypoints, whoever wrote them."""

    id = "DWOpenposeRender"
    title = "DW OpenPose Render"
    outputs = (Output(IMAGE, "figures", "The figures, one picture for each frame."),)

    pose_keypoint: PoseKeypoints = field(
        metadata=socket(
            POSE_KEYPOINT, "Of any node: OpenPose objects, one a frame; parts may be missing."
        )
    )
    style: str = field(default=Style.CONTROLNET.value, metadata=choice(STYLES, STYLE_TIP))
    body: bool = field(default=True, metadata=widget("BOOLEAN", "Draw bodies."))
    hands: bool = field(default=True, metadata=widget("BOOLEAN", "Draw hands."))
    face: bool = field(default=True, metadata=widget("BOOLEAN", "Draw faces."))
    feet: bool = field(
        default=False,
        metadata=widget("BOOLEAN", "Draw feet, which no published ControlNet has seen."),
    )
    width: int = field(
        default=0,
        metadata=widget(
            "INT",
            "Width of the pictures, in pixels; 0: as the keypoints say, or as the height asks.",
            min=0,
            max=LARGEST,
        ),
    )
    height: int = field(
        default=0,
        metadata=widget(
            "INT",
            "Height of the pictures, in pixels; 0: as the keypoints say, or as the width asks.",
            min=0,
            max=LARGEST,
        ),
    )

    thickness: float = field(
        default=1.0,
        metadata=widget(
            "FLOAT",
            "Sticks and dots so much thicker than the style's own.",
            min=0.1,
            max=10.0,
            step=0.1,
        ),
    )

    def run(self) -> Answer:
        """Draw all frames."""
        frames = read_frames(self.pose_keypoint)
        size = _size(frames, self.width, self.height)
        parts = parts_of(body=self.body, hands=self.hands, face=self.face, feet=self.feet)
        progress = host.Progress(len(frames))
        canvases = []
        for frame in frames:
            canvases.append(
                render(frame.figures, self.style, parts, size, thickness=self.thickness)
            )
            progress.step()
        return Answer((images.to_image(canvases),))


def _size(frames: Sequence[Frame], width: int, height: int) -> ImageSize:
    """Size of all pictures; 0 is what the frames say, or follows from the other side.

    Raises:
        OptionError: If frames differ in size and none is said, or it is above the limit.
    """
    sizes = {frame.figures.image_size for frame in frames}
    first = frames[0].figures.image_size
    if len(sizes) > 1 and not (width and height):
        shown = ", ".join(f"{size.width} x {size.height}" for size in sorted(sizes))
        raise OptionError(
            f"the frames' canvases are {shown}, but pictures of one batch have one size; "
            "set width and height"
        )
    if width and not height:
        height = max(1, round(first.height * width / first.width))
    if height and not width:
        width = max(1, round(first.width * height / first.height))
    return checked_canvas_size((height or first.height, width or first.width))
