"""Where a person's crop lies, and what is on it.

Flip, shift, size and turn become one affine map, so that a picture is interpolated once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..geometry import PERSON_PADDING, Crop, Matrix, PersonCrop
from ..poses import BoolArray, FloatArray, RgbImage
from ..skeleton import MIRRORED
from .augmentation import Variation
from .pixels import blurred, distorted, jittered, median_blurred, with_hole
from .samples import Sample

UPPER_BODY: Final = slice(0, 11)
"""Nose to wrists."""
LOWER_BODY: Final = slice(11, 23)
"""Hips to toes."""
HALF_PADDING: Final = 1.5
"""Sides of half a body's crop, of the smallest box round its keypoints."""
ENOUGH_OF_PERSON: Final = 9  # labelled keypoints, of the 133, for a half to be taken
ENOUGH_OF_HALVES: Final = (2, 3)  # of the upper, and of the lower body
UPPER_PREFERRED: Final = 0.7


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody on a picture, as annotated.

    Attributes:
        box: ``(4,)`` float32, ``x1, y1, x2, y2`` in pixels of the picture, not empty.
        keypoints: ``(133, 2)`` float32, in pixels of the picture.
        labelled: ``(133,)``, which of them are known.
    """

    box: FloatArray
    keypoints: FloatArray
    labelled: BoolArray


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a crop lies on the picture.

    Attributes:
        crop: The map between them; at no strength it is an annotator's, to the last bit.
        mirrored: Whether left and right are exchanged.
    """

    crop: Crop
    mirrored: bool

    @classmethod
    def chosen(cls, person: Person, variation: Variation) -> Placement:
        """Place the crop of a person by chance."""
        strength = variation.strength
        mirrored = variation.happens(strength.flip)
        box = person.box
        if variation.happens(strength.half_body):
            box = half_body_box(person, variation.draws)
        crop: Crop = PersonCrop.around(_moved(box, variation), variation.size)
        if variation.happens(strength.rotation_chance):
            angle = strength.rotation * _truncated_normal(variation.draws, 1)[0]
            crop = turned(crop, float(angle))
        return cls(crop.mirrored() if mirrored else crop, mirrored)

    def points(self, keypoints: FloatArray) -> FloatArray:
        """Keypoints ``(133, 2)`` of the picture, in pixels of the crop, under their new names."""
        inside = self.crop.points_in_crop(keypoints)
        return inside[list(MIRRORED)] if self.mirrored else inside

    def labels(self, labelled: BoolArray) -> BoolArray:
        """Which keypoints are known, under their new names."""
        return labelled[list(MIRRORED)] if self.mirrored else labelled


def sample_of(
    picture: RgbImage,
    person: Person,
    placement: Placement,
    variation: Variation,
    reduction: int = 1,
) -> Sample:
    """Cut a person out and vary the pixels.

    Args:
        picture: Where the person is, or that picture ``reduction`` times smaller.
        person: In pixels of the full picture.
        placement: Where the crop lies on the full picture.
        variation: How much is varied.
        reduction: How many pixels of the full picture one of ``picture`` is the mean of, along
            each axis.
    """
    crop = placement.crop if reduction == 1 else reduced(placement.crop, reduction)
    return Sample(
        repainted(crop.warp(picture), variation),
        placement.points(person.keypoints),
        placement.labels(person.labelled),
    )


def repainted(picture: RgbImage, variation: Variation) -> RgbImage:
    """Vary the colours and the detail of a crop."""
    strength, draws = variation.strength, variation.draws
    if strength.jitter:
        picture = jittered(picture, draws)
    if strength.distortion:
        picture = distorted(picture, draws)
    if variation.happens(strength.blur):
        picture = blurred(picture, draws)
    if variation.happens(strength.blur):
        picture = median_blurred(picture, draws)
    if variation.happens(strength.hole):
        picture = with_hole(picture, draws)
    return picture


def half_body_box(person: Person, draws: np.random.Generator) -> FloatArray:
    """A box round the upper or the lower body; the person's own where too little is labelled.

    Its middle is the mean of the labelled keypoints of that half, and its sides, padded as boxes
    are, become ``HALF_PADDING`` times their extent.
    """
    if person.labelled.sum() < ENOUGH_OF_PERSON:
        return person.box
    halves = [
        person.keypoints[part][person.labelled[part]]
        for part, enough in zip((UPPER_BODY, LOWER_BODY), ENOUGH_OF_HALVES, strict=True)
        if person.labelled[part].sum() >= enough
    ]
    if not halves:
        return person.box
    preferred = 0 if draws.random() < UPPER_PREFERRED else -1
    points = halves[preferred].astype(np.float64)
    extent = points.max(axis=0) - points.min(axis=0)
    if extent.max() < 1:  # points on a heap make no box
        return person.box
    return _box(points.mean(axis=0), extent * HALF_PADDING / PERSON_PADDING)


def turned(crop: Crop, degrees: float) -> Crop:
    """The same crop, turned about its middle."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[cosine, -sine], [sine, cosine]])
    middle = np.array([crop.size.width / 2, crop.size.height / 2])
    matrix = crop.to_image.copy()
    matrix[:, 2] += matrix[:, :2] @ (middle - turn @ middle)
    matrix[:, :2] = matrix[:, :2] @ turn
    return Crop(matrix, crop.size)


def reduced(crop: Crop, reduction: int) -> Crop:
    """The same crop of a picture whose pixels are means of ``reduction`` x ``reduction``."""
    matrix = crop.to_image.copy()
    matrix[:, 2] -= (reduction - 1) / 2  # pixel centres stay where they are
    return Crop(matrix / reduction, crop.size)


def _moved(box: FloatArray, variation: Variation) -> FloatArray:
    """A box, shifted and scaled by chance."""
    strength, draws = variation.strength, variation.draws
    shift = _truncated_normal(draws, 2) * strength.shift * variation.happens(strength.shift_chance)
    least, most = strength.scale
    scale = (least + most) / 2 + float(_truncated_normal(draws, 1)[0]) * (most - least) / 2
    if scale == 1 and not shift.any():
        return box
    low, high = box[:2].astype(np.float64), box[2:].astype(np.float64)
    middle = (low + high) / 2 + shift * (high - low) * PERSON_PADDING
    return _box(middle, (high - low) * scale)


def _truncated_normal(draws: np.random.Generator, count: int) -> Matrix:
    """Standard normal numbers of which none lies outside -1..1."""
    numbers = draws.standard_normal(count)
    while (outside := np.abs(numbers) > 1).any():
        numbers[outside] = draws.standard_normal(int(outside.sum()))
    return numbers


def _box(middle: Matrix, extent: Matrix) -> FloatArray:
    return np.concatenate([middle - extent / 2, middle + extent / 2]).astype(np.float32)
