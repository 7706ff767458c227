"""COCO-WholeBody's average precision and recall: six runs of COCO's evaluation, one for each part.

What makes them the data set's numbers: each part is matched by itself, on the whole person's area;
who has no labelled keypoint of a part is neither to be found nor missed; who is found without any
score above 0 in a part was not found there; each run has its own spreads and may be ranked by its
own score. At most 20 people of a picture count.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .annotations import Annotations
from .documents import PERSON
from .libraries import Library, Record
from .parts import PARTS, STATISTICS, MeasuredPart
from .predictions import Predictions

Results = Mapping[str, Mapping[str, float]]
"""For each part's name, each statistic."""


def measure(truth: Annotations, found: Predictions, library: Library) -> Results:
    """Measure predictions against annotations.

    Args:
        truth: Who should be found; its pictures are those that count.
        found: Who was found, on those pictures.
        library: Who matches and counts.

    Returns:
        The statistics of every part, 0..1; -1 where nobody has such a part.
    """
    images = sorted(truth.pictures)
    results: dict[str, dict[str, float]] = {}
    for place, part in enumerate(PARTS):
        numbers = library.statistics(
            images, _people(truth, part), _found(found, part, place), part.sigmas
        )
        results[part.name] = dict(zip(STATISTICS, numbers.tolist(), strict=True))
    return results


def _people(truth: Annotations, part: MeasuredPart) -> list[Record]:
    """Who should be found, as the libraries take it."""
    points = truth.keypoints[:, part.keypoints]
    labelled = (points[..., 2] > 0).sum(axis=1)
    return [
        {
            "id": row + 1,  # 0 is how the libraries mark who was not matched
            "image_id": int(truth.image_ids[row]),
            "category_id": PERSON,
            "keypoints": points[row].ravel(),
            "num_keypoints": int(labelled[row]),
            "bbox": truth.boxes[row].tolist(),
            "area": float(truth.areas[row]),
            "iscrowd": int(truth.crowd[row]),
        }
        for row in range(len(truth))
    ]


def _found(found: Predictions, part: MeasuredPart, place: int) -> list[Record]:
    """Who was found, as the libraries take it."""
    points = found.keypoints[:, part.keypoints]
    seen = (points[..., 2] > 0).any(axis=1)
    return [
        {
            "id": int(row) + 1,
            "image_id": int(found.image_ids[row]),
            "category_id": PERSON,
            "keypoints": points[row].ravel(),
            "score": float(found.scores[row, place]),
            "area": float(found.areas[row]),
            "iscrowd": 0,
        }
        for row in np.flatnonzero(seen)
    ]
