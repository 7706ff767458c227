"""Small data sets in the published layouts, written by tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dw_openpose_full.pictures import encode_png
from dw_openpose_full.poses import RgbImage

FIELDS = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21,
          "righthand_kpts": 21}  # fmt: skip
SIZE = (90, 120)
"""Height and width of every picture."""

Json = dict[str, Any]


def person(number: int, image: int, **changes: object) -> Json:
    """An annotation: keypoints that only this person has, all labelled but the left hand."""
    chance = np.random.default_rng(number)
    entry: Json = {"id": number, "image_id": image, "category_id": 1, "iscrowd": 0,
                   "num_keypoints": 17, "area": 1000.0 + number,
                   "bbox": [20.0, 10.0, 60.0, 70.0]}  # fmt: skip
    for field, count in FIELDS.items():
        points = np.column_stack(
            [chance.uniform(20, 80, count), chance.uniform(10, 80, count), np.full(count, 2.0)]
        )
        entry[field] = points.round(2).ravel().tolist()
    entry["lefthand_kpts"] = [0] * 63
    return entry | changes


def image(number: int, file: str, **changes: object) -> Json:
    """An entry of a picture."""
    return {"id": number, "file_name": file, "height": SIZE[0], "width": SIZE[1]} | changes


def document(people: Sequence[object], images: Sequence[object]) -> Json:
    """Annotations as a file has them."""
    return {"info": {}, "images": images, "annotations": people, "categories": []}


def picture(number: int) -> RgbImage:
    """A picture that differs from all others: coloured squares of ten pixels."""
    colours = np.random.default_rng(number).integers(0, 256, (9, 12, 3), np.uint8)
    return colours.repeat(10, axis=0).repeat(10, axis=1)


def write_json(path: Path, content: object) -> Path:
    """Write a JSON file; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_picture(path: Path, number: int) -> None:
    """Write :func:`picture` as PNG, whatever the file is called."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(picture(number)))


def coco(folder: Path, people: Mapping[str, int] | None = None) -> Path:
    """COCO-WholeBody: so many people of each split, one on a picture."""
    for split, count in (people or {"train": 3, "val": 2}).items():
        numbers = range(1, count + 1)
        images = [image(number, f"{number:012}.jpg") for number in numbers]
        entries = [person(number, number) for number in numbers]
        name = f"coco_wholebody_{split}_v1.0.json"
        write_json(folder / "annotations" / name, document(entries, images))
        for number in numbers:
            write_picture(folder / f"{split}2017" / f"{number:012}.jpg", number)
    return folder


def ubody(
    folder: Path,
    scenes: Mapping[str, Sequence[str]],
    tests: Sequence[str],
    *,
    write: Callable[[Path, int], None] = write_picture,
) -> Path:
    """UBody: scenes with videos of 20 frames each, of which every tenth counts."""
    for scene, videos in scenes.items():
        images, entries = [], []
        for place, video in enumerate(videos):
            for frame in range(20):
                number = 20 * place + frame
                file = f"{video}/{frame + 1:06}.png"
                images.append(image(number, f"/{file}" if place else file))
                entries.append(person(number, number))
                if number % 10 == 0:
                    write(folder / "images" / scene / file, number)
        path = folder / "annotations" / scene / "keypoint_annotation.json"
        content = document(entries, images)
        del content["categories"]
        write_json(path, content)
    (folder / "splits").mkdir()
    np.save(folder / "splits" / "intra_scene_test_list.npy", np.array(tests))
    return folder
