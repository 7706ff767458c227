"""Whole-body poses by SimCC networks: DWPose, RTMPose and RTMW with 133 keypoints.

Each person's crop is cut, normalised and read; persons of one picture, or of several, fill batches
together. Memory is that of one batch, however many persons there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np

from . import simcc
from .backends import Session, Tensor
from .errors import ModelError, OptionError, PoseError
from .geometry import PersonCrop, usable_boxes
from .poses import Boxes, FloatArray, ImageSize, RgbImage, WholeBodyPoses
from .skeleton import WHOLE_BODY_COUNT

BATCH: Final = 8  # 11 MB of input at 288 x 384; larger ones gain nothing on a CPU
FLOATS: Final = frozenset({"float16", "float32", "float64"})
OUTPUTS: Final = ("simcc_x", "simcc_y")  # of every published SimCC file, in this order


@dataclass(frozen=True)
class _Person:
    """One person of one picture, as a row of a batch."""

    picture: int
    row: int
    crop: PersonCrop


class SimccEstimator:
    """Reads the poses of people in boxes."""

    def __init__(  # noqa: PLR0913  facts of the weights, a card's row
        self,
        session: Session,
        *,
        model: str,
        mean: Sequence[float],
        std: Sequence[float],
        channel_order: Literal["RGB", "BGR"] = "RGB",
        batch: int = BATCH,
        exact: bool = False,
    ) -> None:
        """Take a loaded network, and refuse it if it gives no whole-body SimCC bins.

        A graph that leaves sides of its outputs open is run once, on nothing.

        Args:
            session: The network; the size of its crops is the graph's.
            model: The name that poses carry.
            mean: What is taken off each channel, 0..255, in the network's order.
            std: What it is then divided by.
            channel_order: Order of the channels it was trained on.
            batch: Persons in one run, where the graph leaves the number open.
            exact: Give keypoints in float64, and those of boxes beside the picture too, as the
                published annotators compute them.

        Raises:
            ModelError: If the input is no picture, or the outputs are not two with 133 rows of bins
                for its width and its height.
            OptionError: If mean, std, channel order or batch are none.
        """
        if channel_order not in {"BGR", "RGB"}:
            raise OptionError(f"channel_order must be RGB or BGR, got {channel_order!r}")
        if batch < 1:
            raise OptionError(f"batch must be a positive number of persons, got {batch!r}")
        self._session = session
        self.model = model
        self._planes = (0, 1, 2) if channel_order == "RGB" else (2, 1, 0)
        self._exact = exact
        self._tables = _normalising(mean, std)
        self.crop_size = _crop_size(session)
        self._fixed = session.input.shape[0]
        self._batch = self._fixed or batch
        self._places = _places(session)
        if any(None in session.outputs[place].shape[1:] for place in self._places):
            self._run(self._blank(self._fixed or 1))
        else:
            self._check(
                [(1, *session.outputs[place].shape[1:]) for place in self._places], persons=1
            )

    def __call__(self, image: RgbImage, boxes: Boxes) -> WholeBodyPoses:
        """Read the pose of the person in each box; see :meth:`read_pictures`."""
        return self.read_pictures([image], [boxes])[0]

    def read_pictures(
        self, images: Sequence[RgbImage], boxes: Sequence[Boxes]
    ) -> list[WholeBodyPoses]:
        """Read the poses of several pictures' people, in batches that reach across pictures.

        Args:
            images: Pictures, of any sizes.
            boxes: Person boxes of each. They may reach out of the picture, and are not cut to it:
                the crops are the published annotators'. Boxes that can hold nobody are left out.

        Returns:
            Poses of each picture, one for each box left, in their order. A keypoint without a
            positive finite score is ``(0, 0)`` with score 0.

        Raises:
            PoseError: If there are not as many boxes as pictures.
            ModelError: If an output has another shape than the graph says.
        """
        if len(images) != len(boxes):
            raise PoseError(f"{len(images)} pictures need as many Boxes, got {len(boxes)}")
        images = [np.ascontiguousarray(image) for image in images]
        sizes = [ImageSize.of(image) for image in images]
        kept = [self._usable(found, size) for found, size in zip(boxes, sizes, strict=True)]
        shape = (WHOLE_BODY_COUNT, 2)
        precision = np.float64 if self._exact else np.float32
        points = [np.zeros((len(found), *shape), precision) for found in kept]
        scores = [np.zeros((len(found), WHOLE_BODY_COUNT), np.float32) for found in kept]
        for persons in self._batches(kept):
            crops = self._blank(self._fixed or len(persons))
            for plane, person in zip(crops, persons, strict=False):
                self._cut_into_(plane, images[person.picture], person.crop)
            found, sure = simcc.decode(*self._run(crops))
            for person, in_crop, score in zip(persons, found, sure, strict=False):
                seen = score > 0
                at_home = person.crop.exact_points_in_image(in_crop)
                points[person.picture][person.row, seen] = at_home[seen]
                scores[person.picture][person.row, seen] = score[seen]
        return [
            WholeBodyPoses(*arrays, self.model)
            for arrays in zip(points, scores, kept, sizes, strict=True)
        ]

    def _usable(self, boxes: Boxes, image_size: ImageSize) -> Boxes:
        """Boxes that can hold somebody."""
        usable = usable_boxes(boxes.xyxy, image_size, beside=self._exact)
        return boxes if usable.all() else Boxes(boxes.xyxy[usable], boxes.scores[usable])

    def _batches(self, boxes: Sequence[Boxes]) -> Iterator[list[_Person]]:
        """All persons of all pictures, in order, as many at a time as the network takes."""
        persons: list[_Person] = []
        for picture, found in enumerate(boxes):
            for row, box in enumerate(found.xyxy):
                persons.append(_Person(picture, row, PersonCrop.around(box, self.crop_size)))
                if len(persons) == self._batch:
                    yield persons
                    persons = []
        if persons:
            yield persons

    def _blank(self, persons: int) -> FloatArray:
        """Room for the crops of so many persons."""
        return np.zeros((persons, 3, *self.crop_size), np.float32)

    def _cut_into_(self, planes: FloatArray, image: RgbImage, crop: PersonCrop) -> None:
        """Write one normalised crop to ``(3, H, W)``."""
        channels = cv2.split(crop.warp(image))
        for plane, channel, table in zip(planes, self._planes, self._tables, strict=True):
            cv2.LUT(channels[channel], table, dst=plane)

    def _run(self, crops: FloatArray) -> tuple[Tensor, Tensor]:
        """Bins for x and y of normalised crops, proven to be what they should be."""
        outputs = self._session.run(crops.astype(self._session.input.dtype, copy=False))
        bins_x, bins_y = (outputs[place] for place in self._places)
        self._check([bins_x.shape, bins_y.shape], persons=len(crops))
        return bins_x, bins_y

    def _check(self, shapes: list[tuple[int | None, ...]], *, persons: int) -> None:
        """Refuse outputs that are not 133 rows of bins for the crop's width and height."""
        height, width = (int(side * simcc.SPLIT_RATIO) for side in self.crop_size)
        wanted = [(persons, WHOLE_BODY_COUNT, count) for count in (width, height)]
        if shapes != wanted:
            raise ModelError(
                f"{self._session.description}: this is no whole-body SimCC network for crops of "
                f"{self.crop_size.width} x {self.crop_size.height}: expected outputs "
                f"{wanted[0]} and {wanted[1]}, got {' and '.join(map(str, shapes))}; choose "
                "another model, or download the file again"
            )


def _normalising(mean: Sequence[float], std: Sequence[float]) -> FloatArray:
    """``(value - mean) / std`` of every byte, ``(3, 256)``, in float64 and then rounded."""
    if len(mean) != 3 or len(std) != 3 or not np.isfinite([*mean, *std]).all() or 0 in std:
        raise OptionError(f"mean and std must be three numbers each, got {mean!r} and {std!r}")
    values = np.arange(256, dtype=np.float64)
    table = (values - np.array(mean)[:, None]) / np.array(std)[:, None]
    return np.asarray(table, dtype=np.float32)


def _crop_size(session: Session) -> ImageSize:
    """Size of the network's crops, out of its graph."""
    shape = session.input.shape
    sides = [side or 0 for side in shape[2:]]
    if (
        len(shape) != 4
        or shape[1] != 3
        or min(sides) < 1
        or session.input.dtype not in {"float32", "float16"}
    ):
        raise ModelError(
            f"{session.description}: this is no pose network: expected an input (N, 3, H, W) of "
            f"floats, got {session.input.dtype} {shape}; choose another model"
        )
    return ImageSize(*sides)


def _places(session: Session) -> tuple[int, int]:
    """Where the outputs for x and y stand: by their names, or else in that order."""
    names = [output.name for output in session.outputs]
    if len(names) != 2:
        raise ModelError(
            f"{session.description}: this is no SimCC network: expected two outputs, "
            f"{OUTPUTS[0]} and {OUTPUTS[1]}, got {', '.join(names) or 'none'}; choose another model"
        )
    kinds = {output.dtype for output in session.outputs}
    if not kinds <= FLOATS:
        raise ModelError(
            f"{session.description}: this is no SimCC network: expected bins of floats, got "
            f"{' and '.join(sorted(kinds))}; choose another model"
        )
    return (1, 0) if names == [*reversed(OUTPUTS)] else (0, 1)
