"""Organ 2: what MoveNet sees of one person, from three looks at the person's own crop.

These 17 keypoints are the reference that the later organs are held against, because MoveNet stays
with the person it is asked for where BlazePose may slip to a neighbour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from ..geometry import View, intersection_over_union
from ..poses import BoolArray, FloatArray
from ..skeleton import BODY_SIGMAS
from .movenet import POINT_SEEN, MoveNet
from .persons import crop_round

CROP_PAD: Final = 1.25  # a crop's sides, of its box's; as in MediaPipe and mmpose


class Look(NamedTuple):
    """One way to look at a crop: its longer side in pixels, and whether mirrored."""

    side: int
    mirrored: bool


FIRST_LOOK: Final = Look(256, mirrored=True)
WHOLE_LOOKS: Final = (Look(256, mirrored=False), Look(192, mirrored=False))
# people cut at the waist fill the crop; shown smaller, they are as large as whole people are
CUT_LOOKS: Final = (Look(160, mirrored=False), Look(112, mirrored=False))

KNEES_AND_ANKLES: Final = slice(13, 17)
FIT_POWER: Final = 0.25  # a row fits a box by overlap * score ** this
FIT_OVERLAP: Final = 0.3  # a row that overlaps its box less is somebody else
FIT_SCORE: Final = 0.12
SAME_LOOK: Final = 0.5  # similarity above which two looks show one person
SAME_PERSON: Final = 0.6  # similarity above which two references are one person
SAME_SHARE: Final = 0.5  # ... over at least this share of the seen keypoints
FEWEST_SEEN: Final = 3
BORROWED_NEAR: Final = 0.12  # of the size: a keypoint this near to a better person's is borrowed
BORROWED_SHARE: Final = 0.6  # a figure of so many borrowed keypoints is put together of neighbours

AGREE: Final = 0.10  # keypoints of two looks nearer than this, of the body's size, are averaged
DISSENT: Final = 0.5  # a keypoint that only part of the looks agree on scores share ** this
LOOSE: Final = 2.0  # the data set's spreads are widened by this between two guesses
SIZE_SHARE: Final = 0.7  # a body's size is this share of its box's mean side

_SPREADS: Final = 2 * LOOSE * np.array(BODY_SIGMAS, np.float32)


@dataclass(frozen=True, eq=False)
class Reference:
    """MoveNet's view of one person.

    Attributes:
        box: ``(4,)``, the box it was read from.
        score: How well the person fits the box.
        points: ``(17, 2)`` in pixels of the picture.
        scores: ``(17,)`` MoveNet's own; 0.2 is already seen.
        size: The body's size in pixels, the unit of all distances.
    """

    box: FloatArray
    score: float
    points: FloatArray
    scores: FloatArray
    size: float

    @property
    def seen(self) -> BoolArray:
        """Which keypoints ``(17,)`` were seen."""
        seen: BoolArray = self.scores > POINT_SEEN
        return seen

    @property
    def legs_cut(self) -> bool:
        """Whether no knee and no ankle was seen."""
        return not self.seen[KNEES_AND_ANKLES].any()


def refer(movenet: MoveNet, view: View, box: FloatArray) -> Reference | None:
    """Look at the person of a box three times; ``None`` where nobody fits it."""
    looks = [_look(movenet, view, box, FIRST_LOOK)]
    cut = looks[0].scores[KNEES_AND_ANKLES].max() < POINT_SEEN
    looks += [_look(movenet, view, box, look) for look in (CUT_LOOKS if cut else WHOLE_LOOKS)]
    best = max(looks, key=lambda look: look.fit)
    if best.overlap < FIT_OVERLAP or best.row_score < FIT_SCORE:
        return None
    size = math.sqrt(max(float((box[2:] - box[:2]).prod()), 1.0)) * SIZE_SHARE
    agreeing = [
        look
        for look in looks
        if look is best or similarity(best.points, look.points, best.scores, size) > SAME_LOOK
    ]
    points = np.stack([look.points for look in agreeing])
    points, scores = fuse(points, np.stack([look.scores for look in agreeing]), size)
    return Reference(box, best.fit, points, scores, size)


class _Seen(NamedTuple):
    """The row of one look that fits the box best."""

    fit: float
    row_score: float
    overlap: float
    points: FloatArray
    scores: FloatArray


def _look(movenet: MoveNet, view: View, box: FloatArray, look: Look) -> _Seen:
    crop = crop_round(box, look.side, pad=CROP_PAD)
    rows = movenet.read(view, crop, mirrored=look.mirrored)
    overlaps = intersection_over_union(box, rows.xyxy)
    fits = overlaps * np.maximum(rows.scores, 0) ** FIT_POWER
    row = int(fits.argmax())
    return _Seen(
        float(fits[row]),
        float(rows.scores[row]),
        float(overlaps[row]),
        rows.points[row],
        rows.point_scores[row],
    )


def fuse(points: FloatArray, scores: FloatArray, size: float) -> tuple[FloatArray, FloatArray]:
    """Join looks, keypoint by keypoint: the mean of those that agree with the surest one.

    Args:
        points: ``(L, 17, 2)`` of L looks.
        scores: ``(L, 17)``.
        size: The body's size in pixels.

    Returns:
        ``(17, 2)`` and ``(17,)``.
    """
    surest = points[scores.argmax(axis=0), np.arange(points.shape[1])]
    near = np.hypot(*np.moveaxis(points - surest, -1, 0)) < AGREE * size
    weights = (scores + 1e-6) * near
    mean = (points * weights[..., None]).sum(axis=0) / weights.sum(axis=0)[:, None]
    count = near.sum(axis=0)
    joined = (scores * near).sum(axis=0) / count * (count / len(points)) ** DISSENT
    return mean.astype(np.float32), joined.astype(np.float32)


def joined(one: Reference, other: Reference) -> Reference:
    """Two references to a person in one; the first alone where the other means somebody else."""
    both = np.minimum(one.scores, other.scores)
    if similarity(one.points, other.points, both, one.size) <= SAME_LOOK:
        return one
    points = np.stack([one.points, other.points])
    points, scores = fuse(points, np.stack([one.scores, other.scores]), one.size)
    return replace(one, points=points, scores=scores)


def similarity(a: FloatArray, b: FloatArray, weights: FloatArray, size: float) -> float:
    """Object keypoint similarity of two guesses ``(17, 2)``, with widened spreads; 0..1."""
    squares = ((a - b) ** 2).sum(axis=-1)
    near = np.exp(-squares / (2 * (_SPREADS * size) ** 2))
    return float((near * weights).sum() / max(float(weights.sum()), 1e-6))


def without_doubles(references: Iterable[Reference]) -> list[Reference]:
    """Drop who has a better reference, is put together of neighbours, or has hardly a keypoint."""
    kept: list[Reference] = []
    for reference in sorted(references, key=lambda reference: -reference.score):
        if reference.seen.sum() < FEWEST_SEEN or _is_borrowed(reference, kept):
            continue
        if not any(_is_same(reference, better) for better in kept):
            kept.append(reference)
    return kept


def _is_borrowed(one: Reference, others: Iterable[Reference]) -> bool:
    taken = np.zeros(len(one.points), bool)
    for other in others:
        apart = np.hypot(*(one.points - other.points).T)
        taken |= (apart < BORROWED_NEAR * min(one.size, other.size)) & other.seen
    return bool((taken & one.seen).sum() >= BORROWED_SHARE * one.seen.sum())


def _is_same(one: Reference, other: Reference) -> bool:
    both = np.where(one.seen & other.seen, np.minimum(one.scores, other.scores), 0)
    enough = (both > 0).sum() >= SAME_SHARE * one.seen.sum()
    size = min(one.size, other.size)
    return bool(enough) and similarity(one.points, other.points, both, size) > SAME_PERSON
