"""People who walk, in pictures that tell which frame they are; and who sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import numpy as np

from dw_openpose_full import Boxes, DwOpenpose, ImageSize, WholeBodyPoses
from dw_openpose_full.geometry import intersection_over_union
from dw_openpose_full.poses import FloatArray, RgbImage
from dw_openpose_full.video import Frame

SIZE = ImageSize(96, 128)
PERSON = (20.0, 40.0)  # width and height

Walk = Callable[[int], tuple[float, float] | None]
"""From a frame's number to somebody's top left corner; nowhere where they are not to be seen."""


def picture_of(number: int) -> RgbImage:
    """A frame; most of it survives being packed into a video."""
    picture = np.full((*SIZE, 3), 40, np.uint8)
    for bit in range(8):
        picture[:8, 8 * bit : 8 * bit + 8] = 255 if number >> bit & 1 else 0
    return picture


def number_of(picture: RgbImage) -> int:
    """Which frame a picture is."""
    return sum((int(picture[4, 8 * bit + 4, 1]) > 127) << bit for bit in range(8))


def frames(count: int, first: int = 1) -> Iterator[Frame]:
    for number in range(first, count + 1):
        yield Frame(number, Fraction(number - 1, 10), picture_of(number))


class World:
    """Detector and estimator of people on their walks; both count what they are asked."""

    def __init__(self, *walks: Walk, surest: Callable[[int], int] = lambda _: 0) -> None:
        """Set out.

        Args:
            walks: Of each person.
            surest: From a frame's number to the person of whom the detector is surest.
        """
        self.walks, self._surest = walks, surest
        self.looked: list[int] = []
        self.read: list[list[int]] = []

    @property
    def estimator(self) -> DwOpenpose:
        return DwOpenpose(self, self, model="walkers", description="walkers on nothing")

    def boxes(self, number: int) -> Boxes:
        """Where people are."""
        places = [walk(number) for walk in self.walks]
        rows = [(x, y, x + PERSON[0], y + PERSON[1]) for x, y in filter(None, places)]
        sure = [0.9 if n == self._surest(number) else 0.5 for n, at in enumerate(places) if at]
        return Boxes.from_arrays(rows, sure)

    def __call__(self, image: RgbImage, *, score: float | None = None) -> Boxes:
        number = number_of(image)
        self.looked.append(number)
        return self.boxes(number)

    def read_pictures(
        self, images: Sequence[RgbImage], boxes: Sequence[Boxes]
    ) -> list[WholeBodyPoses]:
        self.read.append([number_of(image) for image in images])
        return [
            self._poses(number_of(image), found) for image, found in zip(images, boxes, strict=True)
        ]

    def _poses(self, number: int, asked: Boxes) -> WholeBodyPoses:
        """Each box shows who is mostly in it; nobody is seen in one that misses them."""
        there = self.boxes(number).xyxy
        points = np.zeros((len(asked), 133, 2), np.float32)
        scores = np.zeros((len(asked), 133), np.float32)
        for row, box in enumerate(asked.xyxy):
            shares = intersection_over_union(box, there)
            if len(shares) and shares.max() > 0.2:
                points[row], scores[row] = points_of(there[shares.argmax()]), 0.9
        return WholeBodyPoses(points, scores, asked, SIZE, "walkers")


def points_of(box: FloatArray) -> FloatArray:
    """A person's 133 points, to the edges of their box."""
    share = np.random.default_rng(5).uniform(0, 1, (133, 2))
    share[:2] = [[0, 0], [1, 1]]
    return (box[:2] + share * (box[2:] - box[:2])).astype(np.float32)
