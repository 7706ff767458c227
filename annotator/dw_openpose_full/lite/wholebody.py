"""All organs together: picture and boxes to whole-body poses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from .. import skeleton
from ..backends import Session
from ..geometry import Pyramid, View, distance, outside
from ..poses import Boxes, FloatArray, ImageSize, RgbImage, WholeBodyPoses
from .blazepose import BlazePose
from .body import Body, read_body
from .face import FaceReader
from .hands import LEFT_ARM, RIGHT_ARM, HandReader
from .movenet import MoveNet
from .neighbours import Occupant, ViewOfOne
from .opinion import Opinion, ask, opinion_of
from .reference import Reference, joined, refer, without_doubles

SIDES: Final = ((skeleton.LEFT_HAND, LEFT_ARM), (skeleton.RIGHT_HAND, RIGHT_ARM))
SAME_HAND: Final = 0.3  # mean distance of two hands' points, of their span, for them to be one
LEAST_WRIST: Final = 0.1  # a wrist's score counts at least this when two arms claim one hand


@dataclass(eq=False)
class _Person:
    """A person while being put together: 133 points and scores, and the body they hang on."""

    points: FloatArray
    scores: FloatArray
    body: Body
    box: FloatArray
    box_score: float


class LiteEstimator:
    """Reads the poses of a picture, person by person."""

    def __init__(self, sessions: Mapping[str, Session], *, model: str = "lite") -> None:
        """Take the loaded networks, by organ; ``model`` is the name the poses carry."""
        self._model = model
        self._movenet = MoveNet(sessions["movenet"])
        self._blazepose = BlazePose(sessions["blazepose"])
        self._hands = HandReader(sessions)
        self._face = FaceReader(sessions)

    def read_pictures(
        self, images: Sequence[RgbImage], boxes: Sequence[Boxes]
    ) -> list[WholeBodyPoses]:
        """Read the people of several pictures, one after the other."""
        return [self(image, found) for image, found in zip(images, boxes, strict=True)]

    def __call__(self, image: RgbImage, boxes: Boxes) -> WholeBodyPoses:
        """Read the people of boxes; a box that holds nobody, or somebody twice, gives no pose."""
        picture = Pyramid(image)
        references = (refer(self._movenet, picture, box) for box in boxes.xyxy)
        found = without_doubles(reference for reference in references if reference is not None)
        opinions = [ask(self._blazepose, picture, reference) for reference in found]
        occupants = [
            Occupant(reference, opinion.landmarks)
            for reference, opinion in zip(found, opinions, strict=True)
        ]
        people = []
        for one, first in zip(occupants, opinions, strict=True):
            reference, opinion = one.reference, first
            neighbours = [other for other in occupants if other is not one and one.overlaps(other)]
            if neighbours:
                alone = ViewOfOne(picture, one, neighbours)
                reference, opinion = self._look_again(alone, reference, first)
            body = read_body(reference, opinion, picture.image_size)
            people.append(self._complete(picture, body, reference))
        settle_hands_(people)
        return _pack(people, picture.image_size, self._model)

    def _look_again(
        self, view: View, reference: Reference, opinion: Opinion
    ) -> tuple[Reference, Opinion]:
        """Both networks' second thoughts about a person, where they are no worse."""
        second = refer(self._movenet, view, reference.box)
        if second is not None:
            reference = joined(reference, second)
        earlier, later = (
            opinion_of(opinion.landmarks, reference),
            ask(self._blazepose, view, reference),
        )
        return reference, later if later.improves_on(earlier) else earlier

    def _complete(self, picture: Pyramid, body: Body, reference: Reference) -> _Person:
        """Add hands and face to a body."""
        points = np.zeros((skeleton.WHOLE_BODY_COUNT, 2), np.float32)
        scores = np.zeros(skeleton.WHOLE_BODY_COUNT, np.float32)
        points[: len(body.points)], scores[: len(body.points)] = body.points, body.scores
        for rows, arm in SIDES:
            hand = self._hands.read(picture, body, arm)
            if hand is not None:
                points[rows], scores[rows] = hand.points, hand.flag
        face = self._face.read(picture, body)
        if face is not None:
            points[skeleton.FACE], scores[skeleton.FACE] = face.points, face.score
        beyond = outside(points[skeleton.FACE.start :], picture.image_size)
        scores[skeleton.FACE.start :][beyond] = 0
        return _Person(points, scores, body, reference.box, reference.score)


def settle_hands_(people: list[_Person]) -> None:
    """Where two arms claim one hand, leave it to the arm whose wrist is nearer and surer."""
    claims = [(person, rows, arm) for person in people for rows, arm in SIDES]
    for first, second in combinations(claims, 2):
        hands = [person.points[rows] for person, rows, _ in (first, second)]
        if not all(person.scores[rows].any() for person, rows, _ in (first, second)):
            continue
        span = float(np.ptp(hands[1], axis=0).max())
        if np.hypot(*(hands[1] - hands[0]).T).mean() >= SAME_HAND * span:
            continue
        strain = [
            distance(person.points[rows.start], person.points[arm.wrist])
            / (person.body.size * max(float(person.scores[arm.wrist]), LEAST_WRIST))
            for person, rows, arm in (first, second)
        ]
        loser, rows, _ = second if strain[1] > strain[0] else first
        loser.scores[rows] = 0


def _pack(people: list[_Person], image_size: ImageSize, model: str) -> WholeBodyPoses:
    if not people:
        return WholeBodyPoses.nobody(image_size, model)
    return WholeBodyPoses.from_arrays(
        np.stack([person.points for person in people]),
        np.stack([person.scores for person in people]),
        image_size=image_size,
        boxes=Boxes.from_arrays(
            np.stack([person.box for person in people]),
            np.array([person.box_score for person in people]),
        ),
        model=model,
    )
