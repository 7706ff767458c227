"""Figures of a video: the same people followed, short gaps closed, jitter smoothed.

A frame's people are those of the frame before whose boxes overlap most, so that every person keeps
an id. Each point then runs through a Savitzky-Golay filter: a parabola is fitted to it over the
frames round each frame, and read at that frame. Half of those frames lie ahead, so nothing lags
behind, and a steady or evenly accelerated movement stays exactly as it is.

Savitzky and Golay, Analytical Chemistry 36 (1964): "Smoothing and differentiation of data by
simplified least squares procedures".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import skeleton
from .errors import OptionError, PoseError
from .figures import OpenPoseFigures
from .poses import BoolArray, Boxes, FloatArray

DEFAULT_WINDOW: Final = 7  # frames; a quarter of a second
DEFAULT_GAP: Final = 3  # frames
LEAST_OVERLAP: Final = 0.3  # intersection over union of one person's boxes in following frames

_CORNERS: Final = 2  # a person's box goes the same way as the points, as two more of them
_STIFFNESS: Final = 1e-6  # of slope and bend, where the window has too few points to tell them

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """One person's way through the frames.

    Attributes:
        frames: Where the person was found, ascending.
        rows: The person's row in each of these.
    """

    frames: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Person:
    """A person of one frame: a row of each array of figures."""

    points: FloatArray
    visible: BoolArray
    scores: FloatArray
    box: FloatArray
    box_score: float
    name: int


def smoothed(
    frames: Sequence[OpenPoseFigures],
    *,
    window: int = DEFAULT_WINDOW,
    longest_gap: int = DEFAULT_GAP,
) -> list[OpenPoseFigures]:
    """Follow people through frames, close their gaps and smooth their movement.

    Args:
        frames: The figures of each frame, in order, on canvases of one size.
        window: Frames that each point is smoothed over, itself in the middle; 1 smooths nothing.
        longest_gap: A point, or a person, that is missing for up to so many frames is put between
            where it was seen before and after.

    Returns:
        As many frames. A person has the same id in all of them; persons come in the order in which
        they first appeared. Where a point is not visible its place stays as it was.

    Raises:
        OptionError: If ``window`` is not positive, or ``longest_gap`` is negative.
        PoseError: If canvases differ in size.
    """
    if window < 1 or longest_gap < 0:
        raise OptionError(
            f"window must be positive and longest_gap not negative, got {window} and {longest_gap}"
        )
    sizes = {figures.image_size for figures in frames}
    if len(sizes) > 1:
        shown = ", ".join(f"{size.width} x {size.height}" for size in sorted(sizes))
        raise PoseError(f"frames must have one canvas size to be smoothed, got {shown}")
    people: list[list[_Person]] = [[] for _ in frames]
    for name, track in enumerate(follow(frames, longest_gap=longest_gap)):
        for frame, person in _smoothed_track(frames, track, name, window // 2, longest_gap):
            people[frame].append(person)
    return [_figures(of_frame, like) for of_frame, like in zip(people, frames, strict=True)]


def follow(frames: Sequence[OpenPoseFigures], *, longest_gap: int = DEFAULT_GAP) -> list[Track]:
    """Find the ways of people through frames, by the overlap of their boxes, largest first.

    Args:
        frames: The figures of each frame, in order.
        longest_gap: Frames that a person may be missing from.
    """
    tracks: list[Track] = []
    for frame, figures in enumerate(frames):
        live = [track for track in tracks if frame - track.frames[-1] <= longest_gap + 1]
        last = [frames[track.frames[-1]].boxes.xyxy[track.rows[-1]] for track in live]
        overlaps = _overlaps(np.array(last, np.float64).reshape(-1, 4), figures.boxes.xyxy)
        free = set(range(len(figures)))
        while overlaps.size and overlaps.max() >= LEAST_OVERLAP:
            track, row = (
                int(index) for index in np.unravel_index(overlaps.argmax(), overlaps.shape)
            )
            overlaps[track], overlaps[:, row] = 0, 0
            live[track].frames.append(frame)
            live[track].rows.append(row)
            free.remove(row)
        tracks += [Track([frame], [row]) for row in sorted(free)]
    return tracks


def _overlaps(first: Values, second: FloatArray) -> Values:
    """Intersection over union ``(N, M)`` of boxes ``(N, 4)`` and ``(M, 4)``."""
    a, b = first[:, None], second[None].astype(np.float64)
    shared = np.clip(
        np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None
    )
    areas = [np.prod(np.clip(box[..., 2:] - box[..., :2], 0, None), axis=-1) for box in (a, b)]
    inside: Values = np.prod(np.clip(shared, 0, None), axis=-1)
    overlap: Values = inside / np.maximum(areas[0] + areas[1] - inside, np.finfo(np.float64).tiny)
    return overlap


def _smoothed_track(
    frames: Sequence[OpenPoseFigures], track: Track, name: int, half: int, longest_gap: int
) -> list[tuple[int, _Person]]:
    """One person in every frame from first to last, with its number."""
    first, length = track.frames[0], track.frames[-1] - track.frames[0] + 1
    points = np.zeros((length, skeleton.FIGURE_COUNT + _CORNERS, 2))
    known = np.zeros(points.shape[:2], np.bool_)
    scores = np.zeros((length, skeleton.FIGURE_COUNT + _CORNERS))
    for frame, row in zip(track.frames, track.rows, strict=True):
        figures = frames[frame]
        box, box_score = figures.boxes.xyxy[row], figures.boxes.scores[row]
        points[frame - first] = np.concatenate([figures.points[row], box.reshape(_CORNERS, 2)])
        known[frame - first] = np.append(figures.visible[row], [True] * _CORNERS)
        scores[frame - first] = np.append(figures.scores[row], [box_score] * _CORNERS)
    points, scores, known = _without_gaps(points, scores, known, longest_gap)
    points = np.where(known[..., None], _filtered(points, known, half), points)
    return [
        (
            first + index,
            _Person(
                points[index, :-_CORNERS].astype(np.float32),
                known[index, :-_CORNERS],
                scores[index, :-_CORNERS].astype(np.float32),
                points[index, -_CORNERS:].reshape(4).astype(np.float32),
                float(scores[index, -1]),
                name,
            ),
        )
        for index in range(length)
    ]


def _without_gaps(
    points: Values, scores: Values, known: BoolArray, longest_gap: int
) -> tuple[Values, Values, BoolArray]:
    """Points ``(T, K, 2)`` and scores ``(T, K)`` with short gaps closed by straight lines."""
    frames = np.arange(len(known))[:, None]
    before = np.maximum.accumulate(np.where(known, frames, -1))
    after = np.minimum.accumulate(np.where(known, frames, len(known))[::-1])[::-1]
    inside = ~known & (before >= 0) & (after < len(known)) & (after - before - 1 <= longest_gap)
    before, after = np.where(inside, before, 0), np.where(inside, after, 0)
    way = (frames - before) / np.maximum(after - before, 1)
    columns = np.arange(known.shape[1])
    for values in (points, scores):
        share = way.reshape(way.shape + (1,) * (values.ndim - 2))
        start, end = values[before, columns], values[after, columns]
        values[inside] = (start + share * (end - start))[inside]
    return points, scores, known | inside


def _filtered(points: Values, known: BoolArray, half: int) -> Values:
    """Points ``(T, K, 2)``, each read from the parabola through the known ones round it."""
    if half == 0:
        return points
    matrix = np.zeros((*known.shape, 3, 3)) + np.diag([0, _STIFFNESS, _STIFFNESS])
    right = np.zeros((*known.shape, 3, 2))
    for step in range(-half, half + 1):
        powers = (step / half) ** np.arange(3)
        here = slice(max(0, -step), max(0, len(known) - max(0, step)))
        there = slice(max(0, step), max(0, len(known) + min(0, step)))
        weight = known[there].astype(np.float64)
        matrix[here] += weight[..., None, None] * np.outer(powers, powers)
        right[here] += (weight[..., None] * points[there])[..., None, :] * powers[:, None]
    matrix[~known] = np.eye(3)  # nothing to read there
    solved: Values = np.linalg.solve(matrix, right)[..., 0, :]
    return solved


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
