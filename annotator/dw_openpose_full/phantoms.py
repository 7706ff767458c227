"""Hands and faces that a network drew though there are none.

Networks give 21 points for each hand and 68 for the face of everybody, often with good scores where
the hand is hidden or the face looks away. What is believed hangs on the body:

- A hand needs the wrist of its own arm visible, and its root no farther from it than
  ``FARTHEST_ROOT`` of the longest of forearm, upper arm and the hand itself.
- Of two hands that lie on one another (mean distance of their points below ``SAME_HAND`` of their
  span) the one is hidden whose root is farther from its own wrist.
- A face needs two of nose and eyes visible. Seen from behind none is; in profile two are.

Measured on the 26 people of COCO-WholeBody's own example results: all 25 annotated hands and all 13
faces are kept (roots at most .65 away); of 22 hands that are not annotated, 8 go.

Only what is visible changes: points and scores stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from . import skeleton
from .figures import OpenPoseFigures
from .geometry import distance
from .poses import BoolArray, PointArray

FARTHEST_ROOT: Final = 0.7
SAME_HAND: Final = 0.15

_NOSE_AND_EYES: Final = (0, 14, 15)
_SIDES: Final = (  # hand, shoulder, elbow, wrist
    (skeleton.FIGURE_RIGHT_HAND, 2, 3, 4),
    (skeleton.FIGURE_LEFT_HAND, 5, 6, 7),
)


@dataclass(frozen=True)
class _Hand:
    """A hand that is visible and hangs on an arm.

    Attributes:
        person: Row of its person.
        rows: Its points, of a figure's.
        centre: ``(2,)``, of its visible points.
        span: The longer side of their extent, in pixels.
        gap: From its wrist to its root, of the arm's reach.
    """

    person: int
    rows: slice
    centre: PointArray
    span: float
    gap: float


def without_phantoms(figures: OpenPoseFigures) -> OpenPoseFigures:
    """The same figures with the hands and faces hidden that hang on no body."""
    visible = figures.visible.copy()
    hands = []
    for person, points in enumerate(figures.points):
        if visible[person, _NOSE_AND_EYES].sum() < 2:
            visible[person, skeleton.FIGURE_FACE] = False
        for rows, *arm in _SIDES:
            hand = _hand_on_arm(person, rows, arm, points, visible[person])
            if hand is None:
                visible[person, rows] = False
            else:
                hands.append(hand)
    for first, second in _neighbours(hands):
        if _is_same(first, second, figures.points, visible):
            phantom = max(first, second, key=lambda hand: hand.gap)
            visible[phantom.person, phantom.rows] = False
    return OpenPoseFigures(
        figures.points, visible, figures.scores, figures.boxes, figures.ids, figures.image_size
    )


def _hand_on_arm(
    person: int, rows: slice, arm: list[int], points: PointArray, visible: BoolArray
) -> _Hand | None:
    """A hand, if any of it is visible and it hangs on its own arm."""
    shoulder, elbow, wrist = arm
    seen = points[rows][visible[rows]]
    if not len(seen) or not visible[wrist]:
        return None
    span = float(np.ptp(seen, axis=0).max())
    bones = [(wrist, elbow), (elbow, shoulder)]
    reach = max(
        [span, 1.0]
        + [distance(points[a], points[b]) for a, b in bones if visible[a] and visible[b]]
    )
    centre: PointArray = seen.mean(axis=0)
    gap = distance(points[rows.start] if visible[rows.start] else centre, points[wrist]) / reach
    return _Hand(person, rows, centre, span, gap) if gap <= FARTHEST_ROOT else None


def _neighbours(hands: Sequence[_Hand]) -> Iterator[tuple[_Hand, _Hand]]:
    """Pairs of hands whose centres are no farther apart than the larger is wide."""
    centres = np.array([hand.centre for hand in hands], np.float32).reshape(-1, 2)
    spans = np.array([hand.span for hand in hands], np.float32)
    for row, hand in enumerate(hands):
        apart = np.hypot(*(centres[row + 1 :] - hand.centre).T)
        for other in np.flatnonzero(apart <= np.maximum(spans[row + 1 :], hand.span)):
            yield hand, hands[row + 1 + int(other)]


def _is_same(first: _Hand, second: _Hand, points: PointArray, visible: BoolArray) -> bool:
    """Whether two hands lie on one another, by the points that both show."""
    a, b = (first.person, first.rows), (second.person, second.rows)
    both = visible[a] & visible[b]
    if not both.any():
        return False
    apart = np.hypot(*(points[a] - points[b])[both].T).mean()
    return float(apart) < SAME_HAND * max(first.span, second.span)
