"""From pictures to figures and keypoints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ...annotation import Annotation, Look
from ...assembly import AUTO, NO_DETECTOR
from ...people import Order, PeopleChoice
from ...pipeline import DwOpenpose
from ...poses import ImageSize, RgbImage, WholeBodyPoses
from ...render import Parts, Style
from ...thresholds import DEFAULT_THRESHOLD
from ...zoo.catalogue import ALL_CARDS
from ..loading import Wish
from . import host, images
from .networks import NETWORKS
from .node import IMAGE, MASK, POSE_KEYPOINT, Answer, Node, Output, choice, socket, widget
from .silhouettes import silhouettes

MODELS: Final = (AUTO, *(card.name for card in ALL_CARDS if card.kind == "model"))
DETECTORS: Final = (
    AUTO,
    *(card.name for card in ALL_CARDS if card.kind == "detector"),
    NO_DETECTOR,
)
STYLES: Final = tuple(style.value for style in Style)
ORDERS: Final = tuple(order.value for order in Order)
DEVICES: Final = (AUTO, "cpu", "cuda")
LARGEST: Final = 16384  # pixels of a side, as everywhere in the host
MOST_PEOPLE: Final = 100
GROUP: Final = 8  # frames whose people share the networks' batches

STYLE_TIP: Final = (
    "Whose drawing to match: controlnet for SD 1.5 and most others, xinsir (thick) for xinsir's "
    "SDXL ControlNets, dwpose, musepose and mimicmotion for their animation models, overlay to "
    "look at."
)


@dataclass(frozen=True, eq=False)
class Estimator(Node):
    """Whole-body poses (body, hands, face, feet) of all people in pictures or a video's frames.

    Frames are taken in groups, so that persons of several of them share the networks' batches.
    """

    id = "DWOpenposeEstimator"
    title = "DW OpenPose Estimator"
    outputs = (
        Output(IMAGE, "figures", "The figures, one picture for each that came in."),
        Output(
            POSE_KEYPOINT, "pose_keypoint", "OpenPose objects, one a frame, with all parts always."
        ),
        Output(
            MASK,
            "people",
            "White where people are: the figures with flesh on the bones. A rough silhouette to "
            "grow, feather and inpaint with, not a segmentation.",
        ),
    )

    image: images.Tensor = field(metadata=socket(IMAGE, "Pictures, or the frames of a video."))
    model: str = field(
        default=AUTO,
        metadata=choice(
            MODELS,
            "Reads the poses. auto: dwpose-l-384 if its files are here or can be fetched, else "
            "lite, which comes with this pack; the node tells which ran.",
        ),
    )
    detector: str = field(
        default=AUTO,
        metadata=choice(
            DETECTORS,
            "Finds the people. auto: the model's own; none: the whole picture is one person.",
        ),
    )
    resolution: int = field(
        default=0,
        metadata=widget(
            "INT",
            "Shorter side of the figures' picture, in pixels; 0: as the picture. Poses are read at "
            "full size either way.",
            min=0,
            max=LARGEST,
            step=64,
        ),
    )
    style: str = field(default=Style.CONTROLNET.value, metadata=choice(STYLES, STYLE_TIP))
    body: bool = field(default=True, metadata=widget("BOOLEAN", "Draw bodies."))
    hands: bool = field(default=True, metadata=widget("BOOLEAN", "Draw hands."))
    face: bool = field(default=True, metadata=widget("BOOLEAN", "Draw faces."))
    feet: bool = field(
        default=False,
        metadata=widget("BOOLEAN", "Draw feet, which no published ControlNet has seen."),
    )
    threshold: float = field(
        default=DEFAULT_THRESHOLD,
        metadata=widget(
            "FLOAT", "Lowest score of a point that shows.", min=0.0, max=1.0, step=0.01
        ),
    )
    max_people: int = field(
        default=0,
        metadata=widget(
            "INT", "Take the first so many, in the order below; 0: all.", min=0, max=MOST_PEOPLE
        ),
    )
    order: str = field(
        default=Order.SCORE.value,
        metadata=choice(ORDERS, "Which people come first: the surest, largest or leftmost."),
    )
    device: str = field(
        default=AUTO,
        metadata=choice(DEVICES, "Where networks run; auto: where the host's do.", advanced=True),
    )
    keep_loaded: bool = field(
        default=True,
        metadata=widget(
            "BOOLEAN",
            "Keep the networks in memory for the next run. The host can not unload them by itself.",
            advanced=True,
        ),
    )

    def run(self) -> Answer:
        """Annotate all frames."""
        parts = parts_of(body=self.body, hands=self.hands, face=self.face, feet=self.feet)
        look = Look(self.resolution or None, self.style, parts, self.threshold)
        people = PeopleChoice(self.max_people or None, self.order)
        images.count_frames(self.image)
        look.canvas_size(ImageSize(*self.image.shape[1:3]))  # refused before the work
        wish = Wish(self.model, self.detector, self.device)
        networks = NETWORKS.get(wish, keep=self.keep_loaded)
        canvases, masks, documents = [], [], []
        for picture, poses in read_in_groups(networks, self.image, people):
            annotation = Annotation.of(picture, poses, look)
            canvases.append(annotation.canvas)
            masks.append(silhouettes(annotation.figures))
            documents.append(annotation.to_json())
        return Answer(
            (images.to_image(canvases), documents, images.to_mask(masks)),
            {"openpose_json": [json.dumps(documents)], "text": [f"model {networks.description}"]},
        )


def read_in_groups(
    networks: DwOpenpose,
    image: images.Tensor,
    people: PeopleChoice,
    **how: Any,  # noqa: ANN401  of images.picture
) -> Iterator[tuple[RgbImage, WholeBodyPoses]]:
    """The pictures of an IMAGE, and the poses in them.

    Each frame is two steps of the bar, people found and figures drawn; after any the user may stop.

    Raises:
        PictureError: If the IMAGE is none.
        InterruptProcessingException: If the user has asked for the run's end.
    """
    count = images.count_frames(image)
    progress = host.Progress(2 * count)
    for first in range(0, count, GROUP):
        pictures, boxes = [], []
        for frame in range(first, min(first + GROUP, count)):
            pictures.append(images.picture(image, frame, **how))
            boxes.append(networks.find_people(pictures[-1], people=people))
            progress.step()
        for found in zip(pictures, networks.read_poses(pictures, boxes), strict=True):
            yield found
            progress.step()


def parts_of(*, body: bool, hands: bool, face: bool, feet: bool) -> Parts:
    """Parts by switches."""
    parts = Parts.NONE
    for part, drawn in (
        (Parts.BODY, body),
        (Parts.HANDS, hands),
        (Parts.FACE, face),
        (Parts.FEET, feet),
    ):
        if drawn:
            parts |= part
    return parts
