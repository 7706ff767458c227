"""What annotators make of mannequins: careless ones for training, perfect ones for validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ...evaluation.documents import PERSON
from ...evaluation.parts import FIELDS
from ...skeleton import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND
from .painting import Numbers
from .scene import Person

JITTER: Final = 0.0075
"""Standard deviation of a careless position, of the root of the person box's area."""
BODY_KEPT: Final = 0.95
"""Of a body's keypoints, those that careless annotators label."""
PARTS_KEPT: Final[Mapping[str, float]] = {
    "foot_kpts": 0.6,
    "face_kpts": 0.6,
    "lefthand_kpts": 0.4,
    "righthand_kpts": 0.4,
}
"""Of the other parts, those that careless annotators label, each whole or not at all."""

_DECIMALS: Final = 2  # of a pixel; computers differ beyond


def careless(rng: np.random.Generator, person: Person) -> Numbers:
    """The keypoints ``(133, 3)`` as somebody in a hurry sets them: a little off, some not at all.

    At least one keypoint of the body stays labelled, if any can be.
    """
    keypoints = person.keypoints.copy()
    sides = person.box[2:] - person.box[:2]
    keypoints[:, :2] += JITTER * np.sqrt(sides.prod()) * rng.standard_normal((len(keypoints), 2))
    kept = rng.random(len(keypoints)) < BODY_KEPT
    for field, share in PARTS_KEPT.items():
        kept[FIELDS[field]] = rng.random() < share
    labelled = keypoints[:, 2] > 0
    if not (kept & labelled)[BODY].any():
        kept[BODY] = True
    keypoints[~(kept & labelled)] = 0
    return keypoints


def annotation(person: Person, keypoints: Numbers, image: int, number: int) -> dict[str, Any]:
    """An entry of the published form.

    Args:
        person: Whose box and area it has.
        keypoints: ``(133, 3)``; not labelled where ``v`` is 0.
        image: Id of the picture.
        number: Id of the annotation; the libraries that measure want it above 0.
    """
    entry: dict[str, Any] = {
        "id": number,
        "image_id": image,
        "category_id": PERSON,
        "iscrowd": 0,
        "area": person.area,
        "bbox": _box(person.box),
        "num_keypoints": int((keypoints[BODY, 2] > 0).sum()),
    }
    for field, rows in FIELDS.items():
        values = keypoints[rows].round(_DECIMALS)
        entry[field] = [number for x, y, v in values.tolist() for number in (x, y, int(v))]
    for name, rows in (
        ("face", FACE), ("lefthand", LEFT_HAND), ("righthand", RIGHT_HAND), ("foot", FEET),
    ):  # fmt: skip
        points = keypoints[rows][keypoints[rows, 2] > 0, :2]
        entry[f"{name}_valid"] = bool(len(points))
        if name != "foot":
            corners = (points.min(axis=0), points.max(axis=0)) if len(points) else np.zeros((2, 2))
            entry[f"{name}_box"] = _box(np.concatenate(corners))
    return entry


def _box(corners: Numbers) -> list[float]:
    """``x1, y1, x2, y2`` as ``x, y, width, height``."""
    sides = np.concatenate([corners[:2], corners[2:] - corners[:2]])
    values: list[float] = sides.round(_DECIMALS).tolist()
    return values
