"""Pictures of a data set in, COCO-WholeBody results out, as the published tests make them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..assembly import (
    AUTO,
    Engine,
    Supply,
    best_detector,
    is_path,
    load_detector,
    load_estimator,
)
from ..errors import OptionError
from ..estimator import SimccEstimator
from ..geometry import usable_boxes
from ..pictures import read_picture
from ..pipeline import DwOpenpose
from ..poses import FloatArray, PointArray, WholeBodyPoses
from .annotations import Annotations
from .boxes import GivenBoxes, digest
from .documents import PERSON, file_error
from .flip import FlippingEngine
from .parts import FIELDS
from .repeats import person_scores, without_repeats

Result = dict[str, Any]
"""One person, as COCO-WholeBody's results have them."""


@dataclass(frozen=True)
class Choice:
    """Which model is measured, and on what it runs; the words are those of ``DwOpenpose.load``."""

    model: str = AUTO
    detector: str = AUTO
    backend: str = AUTO
    device: str = AUTO
    flip_test: bool = False

    def settled(self, supply: Supply) -> tuple[Choice, str]:
        """The same with the detector's name, where that depends on what is here; and why it is.

        Predictions are kept under that name: another day's run may have another one.
        """
        if self.detector != AUTO or not is_path(self.model):
            return self, ""
        detector, why = best_detector(supply)
        return replace(self, detector=detector), why

    def load(self, supply: Supply) -> DwOpenpose:
        """Load it.

        Raises:
            OptionError: If a name is none of the choices, or the model can not be flip-tested.
            ModelError: If weights are missing or damaged.
        """
        if not self.flip_test:
            return DwOpenpose.load(
                self.model, self.detector, self.backend, self.device, supply=supply
            )
        place = (self.backend, self.device, supply)
        estimate = load_estimator(FlippingEngine(*place), self.model, self.detector)
        if not isinstance(estimate.part, SimccEstimator):
            raise OptionError(
                f"the flip test is for SimCC networks, and {estimate.name} is none; leave out "
                "--flip-test, or choose another --model"
            )
        finder = estimate.detector if self.detector == AUTO else self.detector
        find_people = load_detector(Engine(*place), finder)
        return DwOpenpose(
            find_people.part,
            estimate.part,
            model=estimate.name,
            description=f"{estimate.name} with flip test, people found by {find_people.name}",
        )


@dataclass(frozen=True)
class Task:
    """What is to be predicted.

    Attributes:
        truth: The data set; its pictures are read.
        folder: Where they lie.
        boxes: Where people are; ``None`` where the model's detector shall say.
    """

    truth: Annotations
    folder: Path
    boxes: GivenBoxes | None = None

    def to_read(self, done: Collection[int]) -> list[tuple[int, Path]]:
        """The pictures that are not done yet, proven to be there.

        Raises:
            DataSetError: If some are missing; it counts them.
        """
        todo = [
            (image, self.folder / file.lstrip("/"))  # UBody's may begin with one
            for image, file in self.truth.pictures.items()
            if image not in done
        ]
        lost = [path for image, path in todo if self._is_needed(image) and not path.is_file()]
        if lost:
            raise file_error(
                self.folder,
                f"{len(lost)} of {len(self.truth.pictures)} pictures are not there; the first is "
                f"{lost[0].name}; expected the pictures of {self.truth.name}",
            )
        return todo

    def results(
        self, estimator: DwOpenpose, image: int, path: Path
    ) -> tuple[list[Result], FloatArray]:
        """The people of one picture, and the given boxes in which nobody can be, ``(N, 4)``.

        Raises:
            PictureError: If the picture can not be read.
        """
        if not self._is_needed(image):
            return [], np.empty((0, 4), np.float32)
        picture = read_picture(path)
        found = estimator.find_people(picture) if self.boxes is None else self.boxes[image]
        poses = estimator.read_poses([picture], [found])[0]
        return as_results(image, poses), found.xyxy[~usable_boxes(found.xyxy, poses.image_size)]

    def name(self, choice: Choice, model: str) -> str:
        """A name for the journal: what was predicted, by whom, with whose boxes."""
        boxes = choice.detector if self.boxes is None else digest(self.boxes)
        words = [Path(self.truth.name).stem, model, f"boxes-{Path(boxes).stem}"]
        return "_".join([*words, "flip"] if choice.flip_test else words)

    def circumstances(self, choice: Choice, model: str) -> Mapping[str, Any]:
        """What the predictions depend on, for their journal.

        Args:
            choice: What was asked for.
            model: The name of the model that this gave.
        """
        files = sorted(self.truth.pictures.items())
        weights = Path(choice.model)
        return {
            "model": model,
            "weights": _sha256(weights.read_bytes()) if weights.is_file() else "",
            "people": f"detector {choice.detector}" if self.boxes is None else digest(self.boxes),
            "flip_test": choice.flip_test,
            "pictures": len(files),
            "files": _sha256(repr(files).encode()),
        }

    def _is_needed(self, image: int) -> bool:
        """Whether anybody can be on a picture."""
        return self.boxes is None or image in self.boxes


def as_results(image: int, poses: WholeBodyPoses) -> list[Result]:
    """Poses of one picture as results: ranked, and each person once."""
    scores = person_scores(poses)
    return [
        _result(image, poses.keypoints[row], poses.scores[row], float(scores[row]))
        for row in without_repeats(poses, scores)
    ]


def _result(image: int, points: PointArray, sure: FloatArray, score: float) -> Result:
    """One person; positions to a thousandth of a pixel."""
    positions = points.astype(np.float64).round(3)
    triplets = np.column_stack([positions, sure.astype(np.float64).round(6)])
    numbers = {field: triplets[place].ravel().tolist() for field, place in FIELDS.items()}
    return {"image_id": image, "category_id": PERSON, **numbers, "score": round(score, 8)}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
