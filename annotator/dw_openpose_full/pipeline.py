"""The whole: a picture in, poses, figures and a canvas out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from numpy.typing import ArrayLike

from .annotation import Annotation, Look
from .assembly import (
    AUTO,
    Engine,
    PersonDetector,
    PoseEstimator,
    Supply,
    load_detector,
    load_estimator,
)
from .estimator import BATCH
from .people import EVERYBODY, PeopleChoice
from .pictures import PictureLike, as_picture
from .poses import MAX_PIXELS, Boxes, ImageSize, RgbImage, WholeBodyPoses
from .render import Parts, Style
from .thresholds import DEFAULT_THRESHOLD, Thresholds


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
            device: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"``, or what else the backend has;
                see :func:`open_session`.
            parity: Repeat sd-webui-controlnet, for yesterday's pictures: YOLOX is shown RGB where
                it was trained on BGR, and misses people; keypoints are float64.
            supply: Whether weights may be fetched, and who watches; they may, and nobody does.

        Raises:
            OptionError: If one of the names is none of the choices.
            ModelError: If weights are missing or damaged.
            DependencyError: If the engine is not installed.
        """
        engine = Engine(backend, device, supply)
        estimate = load_estimator(engine, model, detector, parity=parity)
        finder = estimate.detector if detector == AUTO else detector
        find_people = load_detector(engine, finder, parity=parity)
        why = f" ({estimate.why})" if estimate.why else ""
        return cls(
            find_people.part,
            estimate.part,
            model=estimate.name,
            description=f"{estimate.name}{why}, people found by {find_people.name}, "
            f"on {engine.place}",
        )

    def __reduce__(self) -> NoReturn:
        """Networks do not travel between processes.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a DwOpenpose can not be pickled; load it in the process that uses it")

    def find_people(
        self,
        image: PictureLike,
        *,
        boxes: Boxes | ArrayLike | None = None,
        people: PeopleChoice = EVERYBODY,
    ) -> Boxes:
        """Find the people of a picture.

        Args:
            image: RGB uint8 ``(H, W, 3)``, a PIL image, or a path; see :func:`as_picture`.
            boxes: Where people are, if the caller knows, ``(P, 4)`` as ``x1, y1, x2, y2``; by
                default the detector says. Boxes outside the picture or empty are dropped.
            people: Who is wanted, in which order.

        Raises:
            PictureError: If the picture can not be read.
            PoseError: If ``boxes`` are not ``(P, 4)`` numbers.
        """
        picture = as_picture(image)
        if boxes is None:
            found = self._detector(picture, score=people.min_score)
        else:
            found = boxes if isinstance(boxes, Boxes) else Boxes.from_arrays(boxes)
            found = found.within(ImageSize.of(picture))
        return people.of(found, ImageSize.of(picture))

    def read_poses(
        self, images: Sequence[RgbImage], boxes: Sequence[Boxes]
    ) -> list[WholeBodyPoses]:
        """Read the poses of several pictures' people; persons of all of them share batches.

        Args:
            images: Pictures, RGB uint8 ``(H, W, 3)``, of any sizes.
            boxes: The people of each, as :meth:`find_people` gives them.
        """
        return self._estimator.read_pictures(images, boxes)

    def detect(
        self,
        image: PictureLike,
        *,
        boxes: Boxes | ArrayLike | None = None,
        people: PeopleChoice = EVERYBODY,
    ) -> WholeBodyPoses:
        """Find the people of a picture and read their poses.

        Args:
            image: As for :meth:`find_people`.
            boxes: As there.
            people: As there.

        Returns:
            Poses in pixels of the picture; none (``len(poses) == 0``) where nobody is.

        Raises:
            PictureError: If the picture can not be read.
            PoseError: If ``boxes`` are not ``(P, 4)`` numbers.
        """
        picture = as_picture(image)
        found = self.find_people(picture, boxes=boxes, people=people)
        return self.read_poses([picture], [found])[0]

    def __call__(  # noqa: PLR0913  one argument for each choice of the contract
        self,
        image: PictureLike,
        *,
        resolution: int | None = None,
        style: Style | str = Style.CONTROLNET,
        parts: Parts = Parts.ALL,
        threshold: Thresholds | float = DEFAULT_THRESHOLD,
        people: PeopleChoice = EVERYBODY,
        phantoms: bool = False,
    ) -> Annotation:
        """Read the people of a picture and draw their figures.

        Args:
            image: RGB uint8 ``(H, W, 3)``, a PIL image, or a path.
            resolution: Shorter side of the canvas, in pixels; the picture's own by default. The
                picture's proportions are kept, and the poses are read at full size either way.
            style: Whose drawing to match.
            parts: What to draw.
            threshold: Lowest score of a visible point, 0..1, or one for each part.
            people: Who is wanted, in which order.
            phantoms: Show hands and faces that hang on no body, as other annotators do; see
                :func:`without_phantoms`.

        Raises:
            PictureError: If the picture can not be read.
            OptionError: If an option is none of the choices.
        """
        look = Look(resolution, style, parts, threshold, phantoms)
        picture = as_picture(image)
        look.canvas_size(ImageSize.of(picture))  # refused before the work, not after it
        return Annotation.of(picture, self.detect(picture, people=people), look)


@dataclass(eq=False)
class Group:
    """Pictures whose people have been found, and whose poses are read together.

    Attributes:
        pictures: RGB uint8 ``(H, W, 3)``, of any sizes.
        boxes: The people of each.
    """

    pictures: list[RgbImage] = field(default_factory=list)
    boxes: list[Boxes] = field(default_factory=list)

    def add_(self, picture: RgbImage, boxes: Boxes) -> None:
        """Add a picture."""
        self.pictures.append(picture)
        self.boxes.append(boxes)

    @property
    def is_full(self) -> bool:
        """Whether it fills a batch, whoever is on it, or as much memory as the largest picture."""
        persons = sum(len(found) for found in self.boxes)
        pixels = sum(picture.shape[0] * picture.shape[1] for picture in self.pictures)
        return len(self.pictures) >= BATCH or persons >= BATCH or pixels >= MAX_PIXELS
