"""COCO-WholeBody's metric once more: slow, obvious, and of its definition alone.

People of a picture are matched greedily, the surest first, to whoever is most similar and still
free; average precision is the mean of the best precision at 101 recalls and ten similarities.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dw_openpose_full.evaluation.parts import FIELDS, PARTS, MeasuredPart

SIMILARITIES = np.arange(50, 100, 5) / 100
RANGES = {"": (0, 1e10), "M": (32**2, 96**2), "L": (96**2, 1e10)}
MOST = 20

Json = dict[str, Any]


def statistics(truth: Json, results: list[Json], *, areas: bool = True) -> dict[str, Json]:
    """The sixty numbers."""
    return {part.name: _statistics(part, truth, results, areas=areas) for part in PARTS}


def _statistics(part: MeasuredPart, truth: Json, results: list[Json], *, areas: bool) -> Json:
    pictures = [
        (
            [_Person(entry, part, areas=areas) for entry in _of(image, truth["annotations"])],
            [_Found(entry, part) for entry in _of(image, results)],
        )
        for image in sorted(image["id"] for image in truth["images"])
    ]
    curves = {
        letter: [_curve(pictures, similarity, limits) for similarity in SIMILARITIES]
        for letter, limits in RANGES.items()
    }
    numbers: Json = {}
    for place, name in enumerate(("AP", "AR")):
        for letter in RANGES:
            numbers[name + letter] = np.mean([pair[place] for pair in curves[letter]])
        numbers[f"{name}50"], numbers[f"{name}75"] = curves[""][0][place], curves[""][5][place]
    return numbers


class _Person:
    def __init__(self, entry: Json, part: MeasuredPart, *, areas: bool) -> None:
        self.points = _points(entry)[part.keypoints]
        self.sigmas = np.array(part.sigmas)
        self.box = entry["bbox"]
        self.area = entry["area"] if areas else self.box[3] * self.box[2] * 0.53
        self.crowd = bool(entry["iscrowd"])
        self.nobody = self.crowd or not (self.points[:, 2] > 0).any()


class _Found:
    def __init__(self, entry: Json, part: MeasuredPart) -> None:
        points = _points(entry)
        self.points = points[part.keypoints]
        self.score = entry.get(part.score_field, entry["score"])
        body = points[:17, :2]
        self.area = (body.max(axis=0) - body.min(axis=0)).prod()


@cache
def _similarity(person: _Person, found: _Found) -> float:
    labelled = person.points[:, 2] > 0
    if labelled.any():
        away = found.points[labelled, :2] - person.points[labelled, :2]
        sigmas = person.sigmas[labelled]
    else:  # how far outside a box of thrice the sides
        x, y, width, height = person.box
        low, high = np.array([x - width, y - height]), np.array([x + 2 * width, y + 2 * height])
        there = found.points[:, :2]
        away = np.maximum(low - there, 0) + np.maximum(there - high, 0)
        sigmas = person.sigmas
    exponent = (away**2).sum(axis=1) / (2 * sigmas) ** 2 / (person.area + np.spacing(1)) / 2
    return float(np.exp(-exponent).mean())


def _points(entry: Json) -> Any:
    return np.concatenate([np.reshape(entry[field], (-1, 3)) for field in FIELDS]).astype(float)


def _of(image: int, entries: list[Json]) -> list[Json]:
    return [entry for entry in entries if entry["image_id"] == image]


def _curve(pictures: Any, similarity: float, limits: tuple[float, float]) -> tuple[float, float]:
    """Average precision, and recall, at one similarity and for one range of sizes."""
    judged: list[tuple[float, bool]] = []
    wanted = 0
    for people, found in pictures:
        out = {person for person in people if person.nobody or not _within(person.area, limits)}
        wanted += len(people) - len(out)
        seen = [one for one in found if (one.points[:, 2] > 0).any()]
        seen = sorted(seen, key=lambda one: -one.score)[:MOST]
        free = list(people)
        for one in seen:
            match = _best(one, [p for p in free if p not in out], similarity) or _best(
                one, [p for p in free if p in out], similarity
            )
            if match is not None and not match.crowd:
                free.remove(match)
            if match in out or (match is None and not _within(one.area, limits)):
                continue  # neither right nor wrong
            judged.append((one.score, match is not None))
    if not wanted:
        return -1.0, -1.0
    judged.sort(key=lambda pair: -pair[0])
    right = np.cumsum([good for _, good in judged])
    recall = right / wanted
    precision = right / np.arange(1, len(judged) + 1)
    at = [precision[recall >= r].max(initial=0) for r in np.linspace(0, 1, 101)]
    return float(np.mean(at)), float(recall[-1]) if len(recall) else 0.0


def _best(one: _Found, people: list[_Person], least: float) -> _Person | None:
    """Who is most similar, if anybody is similar enough; of equals the last."""
    best = None
    for person in people:
        similarity = _similarity(person, one)
        if similarity >= least:
            best, least = person, similarity
    return best


def _within(area: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= area <= limits[1]
