"""Looking at one person with the neighbours painted over.

Where people overlap, networks put one's legs under another's chest. A second look at a view in
which the others are black tells them apart. BlazePose's masks say where there are people, and each
of their pixels belongs to whoever's body is nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from ..geometry import Crop, View
from ..poses import BoolArray, FloatArray, ImageSize, RgbImage
from .blazepose import Landmarks
from .reference import Reference

BLOCK: Final = 4  # pixels of a crop, both ways, that are painted over together
SEEN: Final = 0.3  # keypoints that score less say nothing about whose a pixel is

HEAD: Final = slice(0, 5)
SHOULDERS: Final = (5, 6)
HEAD_RADIUS: Final = 0.12  # of the body's size
TORSO_RADIUS: Final = 0.10
LIMBS: Final = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 6))
TORSO: Final = ((5, 11), (6, 12), (5, 12), (6, 11), (11, 12))


@dataclass(frozen=True, eq=False)
class Occupant:
    """A person in a picture, and BlazePose's landmarks, whose mask shows people there."""

    reference: Reference
    landmarks: Landmarks

    def overlaps(self, other: Occupant) -> bool:
        """Whether the boxes of two people share any pixel."""
        one, two = self.reference.box, other.reference.box
        return bool((np.minimum(one[2:], two[2:]) > np.maximum(one[:2], two[:2])).all())


class ViewOfOne:
    """A view of a picture in which a person's neighbours are black, wherever a crop is cut."""

    def __init__(self, view: View, one: Occupant, neighbours: Sequence[Occupant]) -> None:
        """Take the plain view, the person to leave, and the people to paint over."""
        self._view = view
        self._one = one
        self._neighbours = neighbours

    @property
    def image_size(self) -> ImageSize:
        """Size of the picture."""
        return self._view.image_size

    def cut(self, crop: Crop) -> RgbImage:
        """The pixels of a crop, in blocks black where a neighbour is."""
        pixels = self._view.cut(crop).copy()
        rows, columns = (side // BLOCK for side in crop.size)
        y, x = np.mgrid[:rows, :columns]
        middles = np.stack([x, y], axis=-1).reshape(-1, 2) * BLOCK + (BLOCK - 1) / 2
        places = crop.points_in_image(middles)
        own = distance_to(self._one.reference, places)
        own_mask = _is_masked(self._one.landmarks, places)
        black = np.zeros(len(places), bool)
        for neighbour in self._neighbours:
            people = own_mask | _is_masked(neighbour.landmarks, places)
            black |= people & (distance_to(neighbour.reference, places) < own)
        blocks = black.reshape(rows, columns).repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
        pixels[: rows * BLOCK, : columns * BLOCK][blocks] = 0
        return pixels


def _is_masked(landmarks: Landmarks, places: FloatArray) -> BoolArray:
    """At which places ``(N, 2)`` of the picture a mask shows people."""
    cells = np.rint(landmarks.crop.points_in_crop(places)).astype(int)
    height, width = landmarks.mask.shape
    inside = ((cells >= 0) & (cells < (width, height))).all(axis=1)
    masked = np.zeros(len(places), bool)
    columns, rows = cells[inside].T
    masked[inside] = landmarks.mask[rows, columns] > 0
    return masked


def distance_to(reference: Reference, places: FloatArray) -> FloatArray:
    """How far places ``(N, 2)`` are from a body: ``(N,)`` in the body's sizes, 0 inside it."""
    parts = _parts_of(reference)
    if not parts:
        return np.full(len(places), np.inf, np.float32)
    start_x, start_y = np.stack([part.start for part in parts], axis=1)
    way_x, way_y = np.stack([part.end - part.start for part in parts], axis=1)
    radii = np.array([part.radius for part in parts], np.float32)
    x, y = places[:, :1] - start_x, places[:, 1:] - start_y
    along = (x * way_x + y * way_y) / np.maximum(way_x**2 + way_y**2, np.float32(1e-6))
    along = np.clip(along, 0, 1)
    gaps = np.hypot(x - along * way_x, y - along * way_y) / reference.size - radii
    return np.asarray(np.maximum(gaps.min(axis=1), 0), np.float32)


class _Part(NamedTuple):
    """A part of a body: a way from start to end, and its radius in the body's sizes."""

    start: FloatArray
    end: FloatArray
    radius: float = 0.0


def _parts_of(reference: Reference) -> list[_Part]:
    """Limbs, torso and head as far as they were seen."""
    points, seen = reference.points, reference.scores > SEEN
    parts = [_Part(points[a], points[b]) for a, b in LIMBS if seen[a] and seen[b]]
    parts += [_Part(points[a], points[b], TORSO_RADIUS) for a, b in TORSO if seen[a] and seen[b]]
    if seen[HEAD].any():
        head = points[HEAD][seen[HEAD]].mean(axis=0)
        parts.append(_Part(head, head, HEAD_RADIUS))
        if seen[list(SHOULDERS)].all():
            parts.append(_Part(head, points[list(SHOULDERS)].mean(axis=0)))
    return parts
