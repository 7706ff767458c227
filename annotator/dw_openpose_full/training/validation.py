"""How good a network is while it learns: COCO-WholeBody's numbers, in the annotated boxes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ..backends import Tensor, TensorSpec
from ..datasets.people import Measured
from ..errors import DataSetError, PictureError
from ..estimator import SimccEstimator
from ..evaluation.boxes import annotated_boxes
from ..evaluation.documents import Entry
from ..evaluation.libraries import Library
from ..evaluation.metrics import measure
from ..evaluation.predicting import Result, Task, as_results
from ..evaluation.predictions import Predictions
from ..networks import Network
from ..poses import RgbImage
from ..zoo.cards import IMAGENET_RGB
from .processes import Crew

_PICTURES: Final = 16  # read together, so that their people share batches

Scores = dict[str, float]
"""Average precision, 0..1, by the name of the part; -1 where nobody has it."""


@dataclass(frozen=True)
class Validation:
    """People that the network does not learn from.

    Attributes:
        people: Who should be found.
        library: Who matches and counts.
    """

    people: Measured
    library: Library

    def check(self) -> None:
        """Refuse a folder that lacks pictures, before anything is learned.

        Raises:
            DataSetError: If it does; it counts them.
        """
        truth, pictures = self.people.truth, self.people.pictures
        if isinstance(pictures, Path):  # shards know what they lack when they are opened
            Task(truth, pictures, annotated_boxes(truth)).to_read(done=())

    def measure(self, network: Network, crew: Crew) -> tuple[Scores, list[str]]:
        """Let each process read a share of the pictures, and measure them together.

        Returns:
            The scores, and what is wrong with pictures that can not be read; on those nobody was
            found.
        """
        session = _Looking(network.to(crew.device), crew.device)
        estimator = SimccEstimator(
            session, model="training", mean=IMAGENET_RGB.mean, std=IMAGENET_RGB.std, batch=32
        )
        truth = self.people.truth
        boxes = annotated_boxes(truth)
        own: list[Result] = []
        wrong: list[str] = []
        images = sorted(boxes)[crew.rank :: crew.count]
        for start in range(0, len(images), _PICTURES):
            pictures: dict[int, RgbImage] = {}
            for image in images[start : start + _PICTURES]:
                try:
                    pictures[image] = self.people.picture(image)
                except (DataSetError, PictureError) as error:
                    wrong.append(str(error))
            poses = estimator.read_pictures([*pictures.values()], [boxes[one] for one in pictures])
            for image, people in zip(pictures, poses, strict=True):
                own += as_results(image, people)
        entries: list[Entry] = [
            {key: np.asarray(one) if isinstance(one, list) else one for key, one in result.items()}
            for result in crew.gathered(own)
        ]
        found = Predictions.of(entries, truth.pictures, "validation")
        numbers = measure(truth, found, self.library)
        scores = {part: statistics["AP"] for part, statistics in numbers.items()}
        return scores, crew.gathered(wrong)


class _Looking:
    """A ``Session`` of a network in memory."""

    def __init__(self, network: Network, device: torch.device) -> None:
        self._network, self._device = network.eval(), device
        self.description = f"the network that learns, on {str(device).upper()}"
        self.input = TensorSpec(network.input_name, (None, 3, *network.input_size), "float32")
        self.outputs = tuple(
            TensorSpec(name, (None, *shape), "float32") for name, shape in network.outputs.items()
        )

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Run the network."""
        pictures = torch.from_numpy(batch).to(self._device)
        with torch.inference_mode():
            return tuple(answer.float().cpu().numpy() for answer in self._network(pictures))
