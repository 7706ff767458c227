"""Figures to OpenPose JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._version import package_version
from ..figures import OpenPoseFigures
from ..poses import Boxes, FloatArray, WholeBodyPoses
from . import layout


def to_openpose_json(
    figures: OpenPoseFigures, *, poses: WholeBodyPoses | None = None, model: str | None = None
) -> dict[str, Any]:
    """Describe figures as OpenPose, the ControlNet hosts and their editors do.

    Every person has every part at full length, ``x, y, confidence`` of each point in pixels of the
    canvas: ``pose_keypoints_2d`` (18 points), ``face_keypoints_2d`` (70),
    ``hand_left_keypoints_2d`` and ``hand_right_keypoints_2d`` (21), ``foot_keypoints_2d`` (6). The
    confidence is 1 for a visible point, because other readers drop anything less; a point that is
    not visible is ``0, 0, 0``, whatever place the figure guesses for it.

    Our additions, which other readers ignore: the true scores, one number a point (``pose_scores``,
    ``face_scores``, ``hand_left_scores``, ``hand_right_scores``, ``foot_scores``), ``box``
    (``x1, y1, x2, y2``), ``box_score`` and ``id``.

    Args:
        figures: The people of a canvas; nobody gives ``people: []``.
        poses: The poses that the figures were made from; gives the model's name. Scores and boxes
            are taken from the figures, which have them in pixels of the canvas.
        model: Name of the model, where it is not that of the poses.

    Returns:
        Plain dictionaries, lists, numbers and texts, without NaN or infinity; every number is the
        shortest decimal that gives back the same float32.
    """
    if model is None and poses is not None:
        model = poses.model
    return {
        layout.PEOPLE: _people(figures),
        layout.WIDTH: int(figures.image_size.width),
        layout.HEIGHT: int(figures.image_size.height),
        layout.MODEL: model,
        layout.VERSION: package_version(),
    }


def _people(figures: OpenPoseFigures) -> list[dict[str, Any]]:
    """The people as the format has them, in order."""
    points = np.where(figures.visible[..., None], figures.points, np.float32(0))
    confidence = figures.visible[..., None].astype(np.float64)
    triplets = np.concatenate([shortest(points), confidence], axis=-1)
    scores = shortest(figures.scores)
    boxes = _finite_boxes(figures)
    corners, box_scores = shortest(boxes.xyxy), shortest(boxes.scores)
    people = []
    for row, name in enumerate(figures.ids.tolist()):
        person: dict[str, Any] = {}
        for part in layout.PARTS:
            person[part.key] = triplets[row, part.rows].reshape(-1).tolist()
        for part in layout.PARTS:
            person[part.scores_key] = scores[row, part.rows].tolist()
        person[layout.BOX] = corners[row].tolist()
        person[layout.BOX_SCORE] = float(box_scores[row])
        person[layout.ID] = name
        people.append(person)
    return people


def _finite_boxes(figures: OpenPoseFigures) -> Boxes:
    """The boxes; one that JSON can not hold gives way to the box round the visible points."""
    boxes = figures.boxes
    finite = np.isfinite(boxes.xyxy).all(axis=1)
    around = Boxes.around(figures.points, figures.visible)
    corners: FloatArray = np.where(np.reshape(finite, (-1, 1)), boxes.xyxy, around.xyxy)
    return Boxes(corners, boxes.scores)


def shortest(values: FloatArray) -> NDArray[np.float64]:
    """The float64 numbers with the fewest digits that round to these float32; 0 for NaN, infinity.

    ``0.1`` in float32 is 0.100000001490116 in float64; of both, ``0.1`` is what people expect.
    """
    finite = np.where(np.isfinite(values), values, np.float32(0))
    short = finite.astype("U32").astype(np.float64)  # numpy prints float32 with the fewest digits
    with np.errstate(over="ignore"):
        same = short.astype(np.float32) == finite
    return np.where(same, short, finite.astype(np.float64))
