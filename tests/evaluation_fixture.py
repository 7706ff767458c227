"""A small data set with every odd case, made of a seed, and what the reference says of it.

``python tests/evaluation_fixture.py FOLDER`` writes it as files. ``REFERENCE`` is what
xtcocotools 1.14.3 gave for them (numpy 1.26.4, CPython 3.11), and what the data set authors' own
scripts gave once the ids of annotations had been made to start at 1: sixty numbers.
``REFERENCE_WITHOUT_AREAS`` is what xtcocotools gave with areas switched off, as UBody is measured.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

FIELDS = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21,
          "righthand_kpts": 21}  # fmt: skip
NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
PEOPLE = {0: 3, 7: 1, 10: 0, 20: 5, 31: 2, 40: 24, 55: 1, 60: 2}
"""Persons on each picture, by its id: on the third nobody, on the sixth a crowd."""

Json = dict[str, Any]


REFERENCE = {
    "wholebody": (
        0.4728355979830867, 0.553838328312934, 0.5136154033926387, 0.3558328799912958,
        0.5350937841036851, 0.6777777777777778, 0.75, 0.7222222222222222,
        0.6399999999999999, 0.78,
    ),
    "body": (
        0.47767006920371197, 0.5449096488596228, 0.5449096488596228, 0.4725764334675226,
        0.43951760560671455, 0.6583333333333333, 0.7222222222222222, 0.7222222222222222,
        0.74, 0.64,
    ),
    "foot": (
        0.5884400360349972, 0.6581658165816582, 0.5837856154036455, 0.5247524752475248,
        0.5112458745874587, 0.768, 0.8, 0.76,
        0.7, 0.9142857142857144,
    ),
    "face": (
        0.4930415193803734, 0.5998598012203099, 0.5232235222923072, 0.6278052805280527,
        0.4036049758822036, 0.6333333333333333, 0.6944444444444444, 0.6666666666666666,
        0.7700000000000001, 0.58,
    ),
    "lefthand": (
        0.5188462890062713, 0.5508590750893885, 0.5101829801422113, 0.5882838283828381,
        0.500990099009901, 0.808, 0.84, 0.8,
        0.8571428571428571, 0.9,
    ),
    "righthand": (
        0.5334746746564057, 0.5511018843819866, 0.5511018843819866, 0.33925035360678923,
        0.7742574257425745, 0.7111111111111111, 0.7222222222222222, 0.7222222222222222,
        0.69, 0.8699999999999999,
    ),
}  # fmt: skip
REFERENCE_WITHOUT_AREAS = {
    "wholebody": (
        0.47164081077411113, 0.553838328312934, 0.5136154033926387, 0.37326646950409326,
        0.5767370253508867, 0.675, 0.75, 0.7222222222222222,
        0.625, 0.8444444444444444,
    ),
    "body": (
        0.4703195117087361, 0.5449096488596228, 0.5216869318510798, 0.47770101185942776,
        0.461936193619362, 0.6527777777777778, 0.7222222222222222, 0.6944444444444444,
        0.7, 0.6888888888888889,
    ),
    "foot": (
        0.5829547530862839, 0.6581658165816582, 0.5837856154036455, 0.41857614332861853,
        0.5695851013672796, 0.756, 0.8, 0.76,
        0.5666666666666667, 1.0,
    ),
    "face": (
        0.4819850117129615, 0.5998598012203099, 0.5232235222923072, 0.5211221122112211,
        0.4096122112211221, 0.6277777777777778, 0.6944444444444444, 0.6666666666666666,
        0.6416666666666666, 0.6222222222222222,
    ),
    "lefthand": (
        0.5099174984127488, 0.5508590750893885, 0.5101829801422113, 0.5502905015776304,
        0.5415613099771515, 0.796, 0.84, 0.8,
        0.788888888888889, 0.9833333333333334,
    ),
    "righthand": (
        0.5310726647748201, 0.5511018843819866, 0.5511018843819866, 0.363036303630363,
        0.8460396039603962, 0.7055555555555555, 0.7222222222222222, 0.7222222222222222,
        0.6666666666666667, 0.9555555555555557,
    ),
}  # fmt: skip


def data_set(seed: int = 20230729) -> tuple[Json, list[Json]]:
    """Annotations and results; the reference's numbers are those of the seed by default."""
    chance = random.Random(seed)
    people = [_person(chance, image) for image, count in PEOPLE.items() for _ in range(count)]
    for number, person in enumerate(people):
        person["id"] = number  # from 0, as converters for UBody write them
    people[1]["iscrowd"] = 1
    _hide(people[2], *FIELDS)  # nobody can be blamed for missing this one
    people[4]["area"] = 4.0
    for person in people[5::3]:
        _hide(person, "lefthand_kpts", "foot_kpts")
    for person in people[6::4]:
        person["face_kpts"][2::3] = [0.3 * (place % 3) for place in range(68)]  # v may be a share
    results = [_found(chance, person) for person in people if chance.random() < 0.85]
    results = [result for result in results if result["image_id"] != 55]  # nobody found there
    results += [_found(chance, person, far=40.0) for person in people[::4]]
    results += [dict(result) for result in results[3:9]]  # twice, with the same score
    results += [_found(chance, _person(chance, 10)) for _ in range(2)]  # where nobody is
    for result in results[::7]:
        result["righthand_kpts"] = [*result["righthand_kpts"]]
        result["righthand_kpts"][2::3] = [0.0] * 21
    for result in results[5::9]:
        result["keypoints"] = [*result["keypoints"]]
        result["keypoints"][2::3] = [0.0] * 17
    for result in results:
        result["foot_score"] = round(chance.random(), 1)  # ties
        result["face_score"] = chance.random()
    images = [{"id": image, "file_name": f"Show/v{image % 3}_Trim1/{image:06}.png"}
              for image in PEOPLE]  # fmt: skip
    categories = [{"id": 1, "name": "person"}]
    return {"images": images, "annotations": people, "categories": categories}, results


def _person(chance: random.Random, image: int) -> Json:
    side = 4.0 * 90.0 ** chance.random()
    x, y = 300 * chance.random(), 200 * chance.random()
    person: Json = {"image_id": image, "category_id": 1, "iscrowd": 0, "num_keypoints": 17}
    for field, count in FIELDS.items():
        person[field] = []
        for _ in range(count):
            person[field] += [round(x + side * chance.random(), 2),
                              round(y + 2 * side * chance.random(), 2),
                              chance.choice([0, 1, 2, 2])]  # fmt: skip
    person["bbox"] = [x, y, side, 2 * side]
    person["area"] = side * 2 * side * (0.3 + 0.5 * chance.random())
    return person


def _hide(person: Json, *fields: str) -> None:
    for field in fields:
        person[field] = [0] * len(person[field])


def _found(chance: random.Random, person: Json, far: float = 0.0) -> Json:
    """A result near a person: each keypoint off by up to some share of the person's size."""
    off = far + person["area"] ** 0.5 * 0.16 * chance.random() ** 2
    result: Json = {"image_id": person["image_id"], "category_id": 1}
    for field in FIELDS:
        spread = off * {"keypoints": 1.0, "foot_kpts": 1.0}.get(field, 0.25)
        numbers = [number + spread * (chance.random() - 0.5) for number in person[field]]
        numbers[2::3] = [chance.random() for _ in numbers[2::3]]
        result[field] = numbers
    result["score"] = round(chance.random(), 2)
    return result


def write(folder: Path) -> tuple[Path, Path]:
    """Write the data set; the files of annotations and results."""
    places = folder / "gt.json", folder / "pred.json"
    for place, content in zip(places, data_set(), strict=True):
        place.write_text(json.dumps(content))
    return places


if __name__ == "__main__":
    write(Path(sys.argv[1]))
