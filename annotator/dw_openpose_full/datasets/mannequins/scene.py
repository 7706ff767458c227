"""Pictures of mannequins: a room, people in it, things before them, light and grain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...evaluation.annotations import BOX_SHARE
from ...geometry import PERSON_PADDING
from ...poses import ImageSize, RgbImage
from ...skeleton import WHOLE_BODY_COUNT, Rgb
from .anatomy import stand
from .clothes import random_outfit
from .flesh import PART_COUNT, Figure, figure_of, seen_keypoints
from .painting import Canvas, Layer, Numbers
from .postures import random_build, random_posture

OCCLUDED: Final = 0.15
"""Of all people, those that a thing stands before."""
GRAIN: Final = 4.0
"""Standard deviation of the noise on each channel."""
SMALLEST, LARGEST = 0.3, 0.85  # heights of people among others, of the picture's
WITHIN: Final = 0.35
"""How near the middle of somebody among others may come to the picture's edge, of their sides."""

_GREYNESS: Final = 18  # by how much a channel of the background differs from the others


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody in a picture, as exactly as they were painted.

    Attributes:
        keypoints: ``(133, 3)``, ``(x, y, v)``: v is 2 where seen, 1 where something lies before,
            0 outside the picture.
        box: ``(4,)``, ``x1, y1, x2, y2`` round all of them that is in the picture.
    """

    keypoints: Numbers
    box: Numbers

    @property
    def area(self) -> float:
        """Pixels that somebody of flesh would cover, as UBody's people are measured."""
        return float((self.box[2:] - self.box[:2]).prod() * BOX_SHARE)


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and who is on it."""

    picture: RgbImage
    people: tuple[Person, ...]


def random_scene(rng: np.random.Generator, size: ImageSize, most: int = 1) -> Scene:
    """A picture of one to ``most`` people.

    One alone fills the picture as they would fill a crop; several are of all sizes, the small ones
    behind the large ones, and may be cut off by the picture's edge.
    """
    canvas = _random_room(rng, size)
    if most == 1:
        figures = [_alone(rng, size)]
    else:
        count = int(rng.integers(1, most + 1))
        heights = np.sort(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST), count)))
        figures = [_among_others(rng, size, height) for height in heights]
    painted = []
    number = 1
    for figure in figures:
        painted.append((figure, figure.paint_(canvas, number)))
        number += PART_COUNT
        if rng.random() < OCCLUDED:
            canvas.paint_(_random_thing(rng, figure), number)
            number += 1
    people = tuple(_person(canvas, figure, numbers) for figure, numbers in painted)
    noisy = canvas.colours + GRAIN * rng.standard_normal(canvas.colours.shape, np.float32)
    return Scene(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), people)


def _person(canvas: Canvas, figure: Figure, numbers: NDArray[np.int64]) -> Person:
    """What can be told of somebody when all is painted."""
    last = np.array(canvas.size[::-1]) - 1
    inside = ((figure.keypoints >= 0) & (figure.keypoints <= last)).all(axis=1)
    seen = seen_keypoints(canvas, np.clip(figure.keypoints, 0, last), numbers)
    keypoints = np.zeros((WHOLE_BODY_COUNT, 3))
    keypoints[inside, :2] = figure.keypoints[inside]
    keypoints[:, 2] = np.where(inside, 1 + seen, 0)
    low, high = figure.extent()
    box = np.concatenate([np.clip(low, 0, last + 1), np.clip(high, 0, last + 1)])
    return Person(keypoints, box)


def _alone(rng: np.random.Generator, size: ImageSize) -> Figure:
    """Somebody who fills the picture as a crop is filled, but for a little chance."""
    sides = np.array(size[::-1], np.float64)
    body, outfit = stand(random_build(rng), random_posture(rng)), random_outfit(rng)
    low, high = figure_of(body, outfit, 1, np.zeros(2)).extent()
    scale = (sides / (high - low)).min() / PERSON_PADDING * rng.uniform(0.88, 1.08)
    centre = sides * (0.5 + 0.02 * rng.standard_normal(2))
    return figure_of(body, outfit, scale, centre - (low + high) / 2 * scale)


def _among_others(rng: np.random.Generator, size: ImageSize, height: float) -> Figure:
    """Somebody of a height, a share of the picture's, most of them in it."""
    sides = np.array(size[::-1], np.float64)
    body, outfit = stand(random_build(rng), random_posture(rng)), random_outfit(rng)
    low, high = figure_of(body, outfit, 1, np.zeros(2)).extent()
    scale = height * size.height / (high - low)[1]
    margin = np.minimum((high - low) * scale * WITHIN, sides / 2)
    centre = rng.uniform(margin, sides - margin)
    return figure_of(body, outfit, scale, centre - (low + high) / 2 * scale)


def _random_room(rng: np.random.Generator, size: ImageSize) -> Canvas:
    """Wall, floor, clutter and light; greyish, so that clothes stand out."""
    rows = np.linspace(-0.5, 0.5, size.height, dtype=np.float32)[:, None, None]
    columns = np.linspace(-0.5, 0.5, size.width, dtype=np.float32)[None, :, None]
    wall = np.array(_random_grey(rng), np.float32)
    colours = wall + rng.uniform(-40, 40) * rows + rng.uniform(-40, 40) * columns
    colours = np.broadcast_to(colours, (*size, 3)).astype(np.float32)
    floor = int(rng.uniform(0.6, 0.95) * size.height)
    colours[floor:] = np.array(_random_grey(rng), np.float32) + 30 * rows[floor:]
    light = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.1), -1.0])
    canvas = Canvas.of(colours, light / np.linalg.norm(light))
    for _ in range(rng.integers(0, 4)):
        canvas.paint_(_random_stroke(rng, size), 0)
    return canvas


def _random_stroke(rng: np.random.Generator, size: ImageSize) -> Layer:
    """A piece of clutter: a bar, a ball or a bundle of bars."""
    sides = np.array(size[::-1])
    count = int(rng.integers(1, 4))
    starts = rng.uniform(0, 1, 2) * sides + rng.normal(0, 0.15, (count, 2)) * sides
    ends = starts + rng.normal(0, 0.25, (count, 2)) * sides * (rng.random() < 0.8)
    radii = np.repeat(rng.uniform(0.01, 0.12, (count, 1)) * sides.min(), 2, axis=1)
    return Layer(starts, ends, radii, _random_grey(rng))


def _random_thing(rng: np.random.Generator, figure: Figure) -> Layer:
    """A bar or a ball before somebody."""
    low, high = figure.extent()
    centre = rng.uniform(low, high)
    way = rng.normal(0, 0.15, 2) * (high - low)
    radius = rng.uniform(0.04, 0.11) * (high - low)[1]
    return Layer(
        (centre - way)[None], (centre + way)[None], np.full((1, 2), radius), _random_grey(rng)
    )


def _random_grey(rng: np.random.Generator) -> Rgb:
    level = rng.integers(30, 225)
    red, green, blue = np.clip(level + rng.integers(-_GREYNESS, _GREYNESS + 1, 3), 0, 255).tolist()
    return red, green, blue
