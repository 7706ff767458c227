"""The same weights on onnxruntime, OpenCV and torch: the same answers, and the slow twin's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

import dw_openpose_full as dw
import slow_twin
from dw_openpose_full import cli
from dw_openpose_full.backends import Session, open_session
from dw_openpose_full.pictures import encode_png
from taught_networks import Files, Lesson, sample, teach

BACKENDS = ("onnxruntime", "opencv", "torch")
LESSON = Lesson(
    detector="tiny",
    pose="t",
    crop=(256, 192),
    picture=sample(),
    people=((90, 80, 420, 1060), (480, 200, 930, 1010)),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return teach(LESSON, tmp_path_factory.mktemp("taught"))


def load(files: Files, backend: str) -> dw.DwOpenpose:
    model, detector = map(str, files.of(backend))
    return dw.DwOpenpose.load(model, detector, backend)


def sessions(files: Files, backend: str) -> tuple[Session, ...]:
    """The pose network and the detector."""
    return tuple(open_session(path, backend=backend) for path in files.of(backend))


def assert_same(answers: Any, wanted: Any) -> None:
    for answer, other in zip(answers, wanted, strict=True):
        assert (answer.dtype, answer.shape) == (np.float32, other.shape)
        np.testing.assert_allclose(answer, other, rtol=0, atol=1e-4)


@pytest.mark.parametrize("backend", ["opencv", "torch"])
def test_crops_give_the_same_bins(files: Files, backend: str) -> None:
    (pose, _), (other, _) = sessions(files, "onnxruntime"), sessions(files, backend)
    parts = [LESSON.picture[y : y + 1024 : 4, 60:828:4] for y in (0, 50, 100)]
    crops = np.stack(parts).transpose(0, 3, 1, 2).astype(np.float32) / 57 - 2
    wanted = pose.run(crops)
    assert min(answer.std(axis=0).max() for answer in wanted) > 0.05  # they tell crops apart
    assert_same(other.run(crops), wanted)


@pytest.mark.parametrize("backend", ["opencv", "torch"])
@pytest.mark.parametrize("way", [1, -1])
def test_pictures_give_the_same_cells(files: Files, backend: str, way: int) -> None:
    (_, detector), (_, other) = sessions(files, "onnxruntime"), sessions(files, backend)
    part = LESSON.picture[: 2 * 416 : 2, : 2 * 416 : 2][:, ::way]
    pictures = np.ascontiguousarray(part.transpose(2, 0, 1)[None], np.float32)
    (wanted,) = detector.run(pictures)
    assert wanted[0].std(axis=0)[:4].min() > 0.02  # it tells cells apart
    assert_same(other.run(pictures), [wanted])


@pytest.mark.parametrize("backend", BACKENDS)
def test_people_are_found_where_they_were_taught(files: Files, backend: str) -> None:
    poses = load(files, backend).detect(LESSON.picture)
    order = np.argsort(poses.boxes.xyxy[:, 0])
    assert len(poses) == len(LESSON.people)
    np.testing.assert_allclose(poses.boxes.xyxy[order], LESSON.people, atol=1)
    away = np.abs(poses.keypoints[order] - LESSON.keypoints()).max(axis=-1)
    assert np.mean(away < 3) > 0.9


@pytest.mark.parametrize("backend", ["opencv", "torch"])
def test_a_picture_gives_the_same_keypoints(files: Files, backend: str) -> None:
    plain, other = (load(files, each).detect(LESSON.picture) for each in ("onnxruntime", backend))
    np.testing.assert_allclose(other.boxes.xyxy, plain.boxes.xyxy, atol=0.02)
    np.testing.assert_allclose(other.keypoints, plain.keypoints, atol=0.02)
    np.testing.assert_allclose(other.scores, plain.scores, atol=5e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_slow_twin_sees_the_same(files: Files, backend: str) -> None:
    pose, detector = sessions(files, "onnxruntime")
    twins = slow_twin.see(LESSON.picture, detector.run, pose.run, side=416, crop=(256, 192))
    poses = load(files, backend).detect(LESSON.picture)
    assert len(poses) == len(twins) == 2
    for row, twin in enumerate(twins):
        np.testing.assert_allclose(poses.boxes.xyxy[row], twin.box, atol=1)
        away = np.abs(poses.keypoints[row] - twin.keypoints).max(axis=1)
        assert np.mean(away < 1) > 0.95  # but for what hangs on the rounding of grey levels
        assert np.abs(poses.scores[row] - twin.scores).mean() < 0.05


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_command_writes_the_same_figures(files: Files, backend: str, tmp_path: Path) -> None:
    source, drawn = tmp_path / "in.png", tmp_path / "out.png"
    source.write_bytes(encode_png(LESSON.picture))
    model, detector = map(str, files.of(backend))
    words = ["annotate", str(source), "-o", str(drawn), "--json", "--backend", backend]
    assert cli.run([*words, "--model", model, "--detector", detector]) == 0
    document = json.loads(drawn.with_suffix(".json").read_text("utf-8"))
    wanted = load(files, "onnxruntime")(LESSON.picture).to_json()
    assert len(document["people"]) == 2
    for person, other in zip(document["people"], wanted["people"], strict=True):
        np.testing.assert_allclose(
            person["pose_keypoints_2d"], other["pose_keypoints_2d"], atol=0.02
        )
