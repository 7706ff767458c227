"""The whole way, for real: mannequins, a teacher, both stages, convert, export, annotate.

One seed by default, about six minutes of one core. ``DW_OPENPOSE_SEEDS=3`` runs three; the figures
of each are printed (``pytest -s``).
"""

# ruff: noqa: E402, T201  without torch nothing below can be imported; figures are printed

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")
pytest.importorskip("faster_coco_eval", reason="faster-coco-eval is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from safetensors.torch import load_file

from dw_openpose_full.cli import run
from dw_openpose_full.datasets.mannequins import random_scene
from dw_openpose_full.pictures import encode_png, read_picture
from dw_openpose_full.poses import ImageSize
from dw_openpose_full.training.presets import find
from dw_openpose_full.training.run import FINAL, STATE

SEEDS: Final = range(int(os.environ.get("DW_OPENPOSE_SEEDS", "1")))
ARMS: Final = ("mannequins/alone", "mannequins/s1", "mannequins/s2")
WHOLE_MARGIN: Final = 0.03
BODY_MARGIN: Final = 0.04
RECOVERED: Final = 0.9
NEAR: Final = 6.0  # pixels of a picture of 104 x 136

Score = Mapping[str, float]
"""Recall over the ten thresholds of OKS, by part."""


@dataclass(frozen=True)
class Way:
    """What the whole way left.

    Attributes:
        data: The mannequins.
        runs: The folder of each training, by preset and seed; the teacher's seed is 0.
        scores: Of what came of each.
    """

    data: Path
    runs: Mapping[tuple[str, int], Path]
    scores: Mapping[tuple[str, int], Score]

    def weights(self, preset: str, seed: int = 0) -> Path:
        return self.runs[preset, seed] / FINAL


def command(*words: str | Path) -> None:
    assert run([str(word) for word in words]) == 0


def train(preset: str, data: Path, out: Path, *more: str | Path) -> None:
    command(
        "train", preset, "--data", data, "--out", out, "--workers", "0", "--device", "cpu", "-q",
        *more,
    )  # fmt: skip


def score(data: Path, weights: Path, scratch: Path) -> Score:
    """Measure weights on the mannequins to measure with, as annotated boxes show them."""
    annotations = data / "annotations" / "coco_wholebody_val_v1.0.json"
    result = scratch / f"{weights.parent.name}.json"
    command(
        "evaluate", "--annotations", annotations, "--images", data / "val2017", "--gt-boxes",
        "--model", weights, "--backend", "torch", "--device", "cpu",
        "--predictions", result.with_suffix(".jsonl"), "--json", result, "-q",
    )  # fmt: skip
    numbers = json.loads(result.read_text())
    return {part: numbers[part]["AR"] for part in ("wholebody", "body", "foot", "face")}


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Way:
    """Go it once for all tests."""
    folder = tmp_path_factory.mktemp("way")
    data = folder / "mannequins"
    began = time.process_time()
    command("data", "mannequins", data, "-q")
    runs: dict[tuple[str, int], Path] = {}
    scores: dict[tuple[str, int], Score] = {}

    def go(preset: str, seed: int, *more: str | Path) -> None:
        out = folder / f"{preset.partition('/')[2]}-{seed}"
        before = time.process_time()
        train(preset, data, out, "--seed", str(seed), *more)
        spent = time.process_time() - before
        runs[preset, seed] = out
        scores[preset, seed] = score(data, out / FINAL, folder)
        figures = "  ".join(f"{part} {value:.3f}" for part, value in scores[preset, seed].items())
        print(f"{preset} seed {seed}: {figures}  ({spent:.0f} CPU s)")

    go("mannequins/teacher", 0)
    teacher = runs["mannequins/teacher", 0] / FINAL
    for seed in SEEDS:
        go("mannequins/alone", seed)
        go("mannequins/s1", seed, "--teacher", teacher)
        go("mannequins/s2", seed, "--teacher", runs["mannequins/s1", seed] / FINAL)
    print(f"the whole way: {time.process_time() - began:.0f} CPU s")
    return Way(data, runs, scores)


def each_seed(way: Way, preset: str, part: str) -> list[float]:
    return [way.scores[preset, seed][part] for seed in SEEDS]


def test_both_arms_have_the_same_student_and_as_many_steps() -> None:
    alone, distilled = (find(name) for name in ARMS[:2])
    for field in ("widen", "blocks", "token", "key", "input_size", "epochs", "batch", "rate"):
        assert getattr(alone, field) == getattr(distilled, field)
    assert find("mannequins/teacher").widen > alone.widen


def test_the_distilled_student_beats_the_student_alone(way: Way) -> None:
    for part, margin in (("wholebody", WHOLE_MARGIN), ("body", BODY_MARGIN)):
        alone, distilled = (each_seed(way, preset, part) for preset in ARMS[:2])
        assert (np.array(distilled) >= np.array(alone) + margin).all(), (part, alone, distilled)


def test_the_teacher_beats_the_student_alone(way: Way) -> None:
    teacher = way.scores["mannequins/teacher", 0]
    for part in ("wholebody", "body"):
        assert teacher[part] > max(each_seed(way, "mannequins/alone", part))


def test_stage_two_recovers_stage_ones_score(way: Way) -> None:
    first, second = (each_seed(way, preset, "wholebody") for preset in ARMS[1:])
    assert (np.array(second) >= RECOVERED * np.array(first)).all(), (first, second)


def test_stage_two_leaves_the_backbone_as_it_was(way: Way) -> None:
    first, second = (load_file(way.weights(preset)) for preset in ARMS[1:])
    backbone = [key for key in first if key.startswith("backbone.")]
    assert any(key.endswith("running_var") for key in backbone)
    for key in backbone:
        assert torch.equal(first[key], second[key]), key
    head = [key for key in first if key.startswith("head.") and key.endswith("weight")]
    assert not any(torch.equal(first[key], second[key]) for key in head)


def test_stage_two_reads_no_label(way: Way, tmp_path: Path) -> None:
    results = []
    for name, change in (("as-it-is", _nothing), ("poisoned", _poisoned)):
        data = tmp_path / name
        command("data", "mannequins", data, "--train", "64", "--val", "1", "-q")
        change(data / "annotations" / "coco_wholebody_train_v1.0.json")
        out = tmp_path / f"{name}-s2"
        train(
            "mannequins/s2", data, out, "--teacher", way.weights("mannequins/s1"), "--epochs", "1"
        )
        results.append(load_file(out / FINAL))
    assert results[0].keys() == results[1].keys()
    for key, tensor in results[0].items():
        assert torch.equal(tensor, results[1][key]), key


def _nothing(_path: Path) -> None:
    """Leave the labels as they are."""


def _poisoned(path: Path) -> None:
    """Move every label of the same people somewhere else."""
    document = json.loads(path.read_text())
    rng = np.random.default_rng(0)
    for entry in document["annotations"]:
        for field in ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts"):
            count = len(entry[field]) // 3
            points = np.column_stack([rng.uniform(0, 90, (count, 2)), np.full(count, 2)])
            entry[field] = points.ravel().tolist()
    path.write_text(json.dumps(document))


def test_a_training_state_converts_to_its_result(way: Way, tmp_path: Path) -> None:
    weights = tmp_path / "student.safetensors"
    command("convert", way.runs["mannequins/s1", 0] / STATE, weights, "-q")
    converted, kept = load_file(weights), load_file(way.weights("mannequins/s1"))
    assert converted.keys() == kept.keys()
    assert all(torch.equal(tensor, kept[key]) for key, tensor in converted.items())


def test_the_student_is_converted_exported_and_annotates(way: Way, tmp_path: Path) -> None:
    weights, onnx = tmp_path / "student.safetensors", tmp_path / "student.onnx"
    command("convert", way.weights("mannequins/s2"), weights, "-q")
    command("export", weights, onnx, "-q")

    misses = []
    for number in range(10):
        picture, figure, document = (
            tmp_path / f"{number}{end}" for end in (".png", "-out.png", ".json")
        )
        true = _somebody(number, picture)
        command(
            "annotate", picture, "-o", figure, "--json", document, "--model", onnx,
            "--detector", "none", "--threshold", "0", "-q",
        )  # fmt: skip
        assert read_picture(figure).any()
        (person,) = json.loads(document.read_text())["people"]
        found = np.array(person["pose_keypoints_2d"]).reshape(-1, 3)[_JOINTS, :2]
        misses.append(np.linalg.norm(found - true, axis=1).mean())
    assert np.median(misses) < NEAR


_JOINTS: Final = [2, 5, 8, 11, 10, 13]  # shoulders, hips and ankles of a figure
_SOURCES: Final = [6, 5, 12, 11, 16, 15]  # and of a pose


def _somebody(number: int, path: Path) -> np.ndarray:
    """Write the part of a scene that somebody fills; where their joints are in it."""
    scene = random_scene(np.random.default_rng([99, number]), ImageSize(136, 104))
    (person,) = scene.people
    left, top, right, bottom = np.rint(person.box).astype(int)
    path.write_bytes(encode_png(scene.picture[top:bottom, left:right]))
    return np.asarray(person.keypoints[_SOURCES, :2] - [left, top])
