"""Figures in, frame by frame; the same figures out, a little later, with names and smooth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .. import skeleton
from ..errors import OptionError, PoseError
from ..figures import OpenPoseFigures
from ..poses import BoolArray, Boxes, FloatArray, ImageSize, IntArray
from .filtering import Values, filtered, without_gaps
from .following import Follower

DEFAULT_WINDOW: Final = 7  # frames; a quarter of a second
DEFAULT_GAP: Final = 3  # frames
PART: Final = 128  # frames that are smoothed together; changes no figure

_CORNERS: Final = 2  # a person's box goes the same way as the points, as two more of them


@dataclass(frozen=True, eq=False)
class _Named:
    """A frame's figures, and who is who."""

    figures: OpenPoseFigures
    names: IntArray


@dataclass(frozen=True, eq=False)
class _Person:
    """A person of one frame: a row of each array of figures."""

    points: FloatArray
    visible: BoolArray
    scores: FloatArray
    box: FloatArray
    box_score: float
    name: int


class Smoother:
    """Follows people through frames, closes their gaps and smooths their movement.

    Frames go in one by one; they come out in order, some later than they went in, since what a
    frame shows depends on those after it. However long a video is, about two hundred frames'
    figures are in memory.
    """

    def __init__(
        self,
        *,
        window: int = DEFAULT_WINDOW,
        longest_gap: int = DEFAULT_GAP,
        patience: int | None = None,
    ) -> None:
        """Begin a video.

        Args:
            window: Frames that each point is smoothed over, itself in the middle; 1 smooths
                nothing.
            longest_gap: A point, or a person, that is missing for up to so many frames is put
                between where it was seen before and after.
            patience: Frames that a person may be missing and keep the id; ``longest_gap`` where
                ``None`` or less.

        Raises:
            OptionError: If ``window`` is not positive, or another is negative.
        """
        if window < 1 or longest_gap < 0:
            raise OptionError(
                "window must be positive and longest_gap not negative, got "
                f"{window} and {longest_gap}"
            )
        self._half, self._gap = window // 2, longest_gap
        self._margin = self._half + longest_gap + 1
        self._follower = Follower(max(longest_gap, patience or 0))
        self._frames: list[_Named] = []
        self._given = 0  # of these frames, the first ones that are out already
        self._size: ImageSize | None = None

    def add(self, figures: OpenPoseFigures) -> list[OpenPoseFigures]:
        """Take the next frame.

        Returns:
            The frames that are ready; none most times.

        Raises:
            PoseError: If its canvas has another size than those before.
        """
        if self._size not in {None, figures.image_size}:
            shown = " and ".join(
                f"{size.width} x {size.height}" for size in (self._size, figures.image_size) if size
            )
            raise PoseError(f"frames must have one canvas size to be smoothed, got {shown}")
        self._size = figures.image_size
        self._frames.append(_Named(figures, self._follower.names(figures.boxes)))
        if len(self._frames) < self._given + PART + self._margin:
            return []
        return self._smoothed_until(len(self._frames) - self._margin)

    def rest(self) -> list[OpenPoseFigures]:
        """The frames that are not out yet, after the last one is in."""
        return self._smoothed_until(len(self._frames))

    def _smoothed_until(self, stop: int) -> list[OpenPoseFigures]:
        """Frames from the first that is not out yet."""
        people: list[list[_Person]] = [[] for _ in self._frames]
        for name in sorted({name for frame in self._frames for name in frame.names.tolist()}):
            for frame, person in self._way(name):
                people[frame].append(person)
        ready = [
            _figures(people[frame], self._frames[frame].figures)
            for frame in range(self._given, stop)
        ]
        passed = max(0, stop - self._margin)
        del self._frames[:passed]
        self._given = stop - passed
        return ready

    def _way(self, name: int) -> Iterator[tuple[int, _Person]]:
        """One person in every frame that shows them."""
        seen = [
            (frame, int(np.flatnonzero(named.names == name)[0]))
            for frame, named in enumerate(self._frames)
            if name in named.names
        ]
        first, length = seen[0][0], seen[-1][0] - seen[0][0] + 1
        points = np.zeros((length, skeleton.FIGURE_COUNT + _CORNERS, 2))
        known = np.zeros(points.shape[:2], np.bool_)
        scores = np.zeros(points.shape[:2])
        for frame, row in seen:
            figures = self._frames[frame].figures
            box, box_score = figures.boxes.xyxy[row], figures.boxes.scores[row]
            points[frame - first] = np.concatenate([figures.points[row], box.reshape(_CORNERS, 2)])
            known[frame - first] = np.append(figures.visible[row], [True] * _CORNERS)
            scores[frame - first] = np.append(figures.scores[row], [box_score] * _CORNERS)
        points, scores, known = without_gaps(points, scores, known, self._gap)
        points = filtered(points, known, self._half)
        for index in np.flatnonzero(known[:, -1]).tolist():
            yield first + index, _person(points[index], scores[index], known[index], name)


def smoothed(
    frames: Iterable[OpenPoseFigures],
    *,
    window: int = DEFAULT_WINDOW,
    longest_gap: int = DEFAULT_GAP,
) -> list[OpenPoseFigures]:
    """Smooth the figures of a whole video at once; see :class:`Smoother`.

    Args:
        frames: The figures of each frame, in order, on canvases of one size.
        window: As there.
        longest_gap: As there.

    Returns:
        As many frames. A person has the same id in all of them; persons come in the order in which
        they first appeared. Where a point is not visible its place stays as it was.

    Raises:
        OptionError: If ``window`` is not positive, or ``longest_gap`` is negative.
        PoseError: If canvases differ in size.
    """
    smoother = Smoother(window=window, longest_gap=longest_gap)
    ready = [figures for frame in frames for figures in smoother.add(frame)]
    return ready + smoother.rest()


def _person(points: Values, scores: Values, known: BoolArray, name: int) -> _Person:
    """A person of a frame, of values ``(138, ...)`` whose last two are the box's corners."""
    return _Person(
        points[:-_CORNERS].astype(np.float32),
        known[:-_CORNERS],
        scores[:-_CORNERS].astype(np.float32),
        points[-_CORNERS:].reshape(4).astype(np.float32),
        float(scores[-1]),
        name,
    )


def _figures(people: Sequence[_Person], like: OpenPoseFigures) -> OpenPoseFigures:
    """Figures of a frame's people."""
    count = skeleton.FIGURE_COUNT
    boxes = Boxes(
        np.array([person.box for person in people], np.float32).reshape(-1, 4),
        np.array([person.box_score for person in people], np.float32),
    )
    return OpenPoseFigures(
        np.array([person.points for person in people], np.float32).reshape(-1, count, 2),
        np.array([person.visible for person in people], np.bool_).reshape(-1, count),
        np.array([person.scores for person in people], np.float32).reshape(-1, count),
        boxes,
        np.array([person.name for person in people], np.int64),
        like.image_size,
    )
