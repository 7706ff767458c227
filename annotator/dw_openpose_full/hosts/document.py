"""OpenPose JSON as the A1111 family hands it out and takes it back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..figures import OpenPoseFigures
from ..pose_json import layout, to_openpose_json
from ..poses import WholeBodyPoses

ANIMALS = "animals"


def host_document(figures: OpenPoseFigures, poses: WholeBodyPoses) -> dict[str, Any]:
    """Our JSON object, with the list of animals that the hosts' own has."""
    return {**to_openpose_json(figures, poses=poses), ANIMALS: []}


def parity_document(figures: OpenPoseFigures) -> dict[str, Any]:
    """The hosts' own JSON object, number by number.

    Every number is float64; points that are not visible are ``0, 0, 0``, and a hand or a face
    without a visible point is null.
    """
    visible = figures.visible[..., None]
    points = np.where(visible, figures.points.astype(np.float64), 0)
    triplets = np.concatenate([points, visible.astype(np.float64)], axis=-1)
    return {
        layout.PEOPLE: [_person(person) for person in triplets],
        ANIMALS: [],
        layout.HEIGHT: int(figures.image_size.height),
        layout.WIDTH: int(figures.image_size.width),
    }


def _person(triplets: NDArray[np.float64]) -> dict[str, list[float] | None]:
    """One person's points ``(136, 3)``: ``x, y, visible``."""
    person: dict[str, list[float] | None] = {}
    for part in (layout.BODY, layout.FACE, layout.LEFT_HAND, layout.RIGHT_HAND):
        shows = part is layout.BODY or triplets[part.rows, 2].any()
        person[part.key] = triplets[part.rows].reshape(-1).tolist() if shows else None
    return person
