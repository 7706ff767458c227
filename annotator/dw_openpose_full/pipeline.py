"""The whole: a picture in, poses, figures and a canvas out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .assembly import (
    AUTO,
    Engine,
    PersonDetector,
    PoseEstimator,
    Supply,
    load_detector,
    load_estimator,
)
from .errors import OptionError
from .figures import DEFAULT_THRESHOLD, OpenPoseFigures
from .geometry import resized
from .pictures import PictureLike, as_picture
from .pose_json import to_openpose_json
from .poses import Boxes, ImageSize, RgbImage, WholeBodyPoses
from .render import Parts, Style, checked_canvas_size, render

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Annotation:
    """All that one picture gave.

    Attributes:
        canvas: ``(H, W, 3)`` uint8 RGB, the drawn figures.
        figures: What was drawn, in pixels of the canvas.
        poses: What was read, in pixels of the source picture.
    """

    canvas: RgbImage
    figures: OpenPoseFigures
    poses: WholeBodyPoses

    def to_json(self) -> dict[str, Any]:
        """The figures as one OpenPose JSON object; see :func:`to_openpose_json`."""
        return to_openpose_json(self.figures, poses=self.poses)


class DwOpenpose:
    """Pictures in, whole-body poses out; loaded once, used often, from any number of threads."""

    def __init__(
        self, detector: PersonDetector, estimator: PoseEstimator, *, model: str, description: str
    ) -> None:
        """Put loaded parts together; :meth:`load` is the usual way.

        Args:
            detector: Finds the people.
            estimator: Reads their poses.
            model: The name that poses and JSON carry.
            description: What runs on what, for people.
        """
        self._detector = detector
        self._estimator = estimator
        self.model = model
        self.description = description

    @classmethod
    def load(  # noqa: PLR0913  one argument for each choice of the contract
        cls,
        model: str = AUTO,
        detector: str = AUTO,
        backend: str = AUTO,
        device: str = AUTO,
        *,
        parity: bool = False,
        supply: Supply = Supply(),  # noqa: B008  a frozen value
    ) -> DwOpenpose:
        """Load networks; the heavy work is done here, once.

        Args:
            model: A model of the zoo, or a whole-body SimCC network's file; ``"auto"`` takes the
                best whose weights are here or come quickly, else ``lite``.
            detector: A detector of the zoo, or a YOLOX file; ``"auto"`` takes the model's own;
                ``"none"`` takes the whole picture for one person.
            backend: ``"auto"``, ``"onnxruntime"``, ``"opencv"`` or ``"torch"``.
            device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
            parity: Repeat sd-webui-controlnet's mistake, for yesterday's pictures: YOLOX is shown
                RGB where it was trained on BGR, and misses people.
            supply: Whether weights may be fetched, and who watches; they may, and nobody does.

        Raises:
            OptionError: If one of the names is none of the choices.
            ModelError: If weights are missing or damaged.
            DependencyError: If the engine is not installed.
        """
        engine = Engine(backend, device, supply)
        estimate = load_estimator(engine, model, detector)
        finder = estimate.detector if detector == AUTO else detector
        find_people = load_detector(engine, finder, parity=parity)
        if device.startswith("cuda") and "CUDA" not in engine.place:
            _log.warning(
                'CUDA was asked for, but the networks run on %s; "dw-openpose doctor" says why',
                engine.place,
            )
        why = f" ({estimate.why})" if estimate.why else ""
        return cls(
            find_people.part,
            estimate.part,
            model=estimate.name,
            description=f"{estimate.name}{why}, people found by {find_people.name}, "
            f"on {engine.place}",
        )

    def detect(
        self,
        image: PictureLike,
        *,
        boxes: Boxes | ArrayLike | None = None,
        max_people: int | None = None,
    ) -> WholeBodyPoses:
        """Read the poses of the people in a picture.

        Args:
            image: RGB uint8 ``(H, W, 3)``, a PIL image, or a path; see :func:`as_picture`.
            boxes: Where people are, if the caller knows, ``(P, 4)`` as ``x1, y1, x2, y2``; by
                default the detector says. Boxes outside the picture or empty are dropped.
            max_people: Keep the surest boxes only.

        Returns:
            Poses in pixels of the picture; none (``len(poses) == 0``) where nobody is.

        Raises:
            PictureError: If the picture can not be read.
            PoseError: If ``boxes`` are not ``(P, 4)`` numbers.
            OptionError: If ``max_people`` is not positive.
        """
        if max_people is not None and max_people < 1:
            raise OptionError(f"max_people must be a positive number, got {max_people!r}")
        picture = as_picture(image)
        if boxes is None:
            found = self._detector(picture)
        else:
            found = boxes if isinstance(boxes, Boxes) else Boxes.from_arrays(boxes)
            found = found.within(ImageSize.of(picture))
        if max_people is not None:
            surest = np.sort(np.argsort(-found.scores, kind="stable")[:max_people])
            found = Boxes(found.xyxy[surest], found.scores[surest])
        return self._estimator(picture, found)

    def __call__(  # noqa: PLR0913  one argument for each choice of the contract
        self,
        image: PictureLike,
        *,
        resolution: int | None = None,
        style: Style | str = Style.CONTROLNET,
        parts: Parts = Parts.ALL,
        threshold: float = DEFAULT_THRESHOLD,
        max_people: int | None = None,
    ) -> Annotation:
        """Read the people of a picture and draw their figures.

        Args:
            image: RGB uint8 ``(H, W, 3)``, a PIL image, or a path.
            resolution: Shorter side of the canvas, in pixels; the picture's own by default. The
                picture's proportions are kept, and the poses are read at full size either way.
            style: Whose drawing to match.
            parts: What to draw.
            threshold: Lowest score of a visible point, 0..1.
            max_people: Draw the surest people only.

        Raises:
            PictureError: If the picture can not be read.
            OptionError: If an option is none of the choices.
        """
        look, picture = Style.named(style), as_picture(image)
        size = canvas_size(ImageSize.of(picture), resolution)
        poses = self.detect(picture, max_people=max_people)
        figures = OpenPoseFigures.from_poses(poses, threshold).scaled_to(size)
        background = resized(picture, size) if look is Style.OVERLAY else None
        canvas = render(figures, look, parts, background=background)
        return Annotation(canvas, figures, poses)


def canvas_size(image_size: ImageSize, resolution: int | None) -> ImageSize:
    """Size of a canvas whose shorter side is ``resolution``, with the picture's proportions.

    Raises:
        OptionError: If the resolution is not positive, or gives a canvas above the limit.
    """
    if resolution is None:
        return image_size
    if not isinstance(resolution, Integral) or resolution < 1:
        raise OptionError(f"resolution must be a positive number of pixels, got {resolution!r}")
    scale = resolution / min(image_size)
    return checked_canvas_size([round(side * scale) for side in image_size])
