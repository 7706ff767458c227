"""The pipeline beside its slow twin: networks see the same pixels, and people are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import dw_openpose_full as dw
import slow_twin
from dw_openpose_full.backends import open_session
from dw_openpose_full.detector import YoloxDetector
from dw_openpose_full.estimator import SimccEstimator
from dw_openpose_full.poses import Boxes, ImageSize, RgbImage
from dw_openpose_full.zoo.cards import IMAGENET_RGB
from faithful_networks import PlantedSession, people_on_a_grid, plant_boxes, simcc, yolox

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

SIDE, CROP = 128, (64, 48)
CROWDS = {  # people in pixels of the detector's input, and the picture's height and width
    "one, in a square": ([[30.0, 20.0, 70.0, 116.0]], (256, 256)),
    "four, in a wide picture of odd sides": (people_on_a_grid(4, 128, 85), (333, 501)),
    "ten, in a tall one": (people_on_a_grid(10, 90, 128), (1023, 719)),
    "over the edges": ([[-9.0, 4, 40, 90], [60, 30, 108, 140], [100, -12, 131, 60]], (127, 129)),
    "in the border": ([[10.0, 10, 60, 50], [20, 70, 60, 120]], (100, 211)),
    "larger than life": ([[-20.0, -30, 150, 160]], (301, 299)),
    "three columns of pixels": ([[-4.0, 10, 12, 90]], (200, 3)),
}


def smooth(size: tuple[int, int]) -> RgbImage:
    """A picture whose neighbouring pixels differ little: rounding places costs a grey level."""
    coarse = np.random.default_rng(sum(size)).uniform(20, 235, (5, 5, 3)).astype(np.float32)
    large = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(large.clip(0, 255).round(), np.uint8)


def sharp(size: tuple[int, int]) -> RgbImage:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(333, 501), (1023, 719), (41, 977), (64, 50), (128, 128), (3, 2)])
@pytest.mark.parametrize("parity", [False, True])
def test_the_detector_sees_the_twins_pixels(size: tuple[int, int], *, parity: bool) -> None:
    cells = sum((SIDE // stride) ** 2 for stride in (8, 16, 32))
    session = PlantedSession((1, 3, SIDE, SIDE), [np.zeros((1, cells, 85), np.float32)])
    picture = sharp(size)
    YoloxDetector(session, parity=parity)(picture)
    wanted = slow_twin.letterboxed(picture if parity else picture[..., ::-1], SIDE)
    assert np.abs(session.shown[0][0].transpose(1, 2, 0) - wanted).max() <= 1


@pytest.mark.parametrize(
    "box",
    [(100, 50, 300, 450), (0, 0, 501, 333), (-40, -30, 60, 200), (450, 200, 600, 400),
     (200.3, 100.7, 231.9, 190.2), (10, 20, 30, 25)],
)  # fmt: skip
def test_the_pose_network_sees_the_twins_pixels(box: Any) -> None:
    declared = [(None, 133, 2 * side) for side in CROP[::-1]]
    answer = [np.zeros((1, *shape[1:]), np.float32) for shape in declared]
    session = PlantedSession((None, 3, *CROP), answer, declared=declared)
    read = SimccEstimator(session, model="", mean=IMAGENET_RGB.mean, std=IMAGENET_RGB.std)
    picture = smooth((333, 501))
    read(picture, Boxes.from_arrays([box]))
    matrix = slow_twin.crop_matrix(np.array(box, float), CROP)
    wanted = slow_twin.normalised(slow_twin.warped(picture, matrix, CROP))
    grey_levels = np.abs(session.shown[0][0].transpose(1, 2, 0) - wanted) * slow_twin.DEVIATION
    inside = slow_twin.warped(np.full_like(picture, 255), matrix, CROP) == 255
    assert grey_levels[inside].max() <= 2  # but for the rim, where black shines through
    assert grey_levels.mean() < 0.6


@pytest.mark.parametrize("crowd", CROWDS)
def test_a_picture_has_the_twins_people(crowd: str, tmp_path: Path) -> None:
    people, size = CROWDS[crowd]
    detector = yolox("test", planted=plant_boxes(people, side=SIDE)).save(tmp_path / "yolox.onnx")
    pose = simcc("test", CROP).save(tmp_path / "pose.onnx")
    picture = smooth(size)
    poses = dw.DwOpenpose.load(str(pose), str(detector)).detect(picture)
    sessions = [open_session(path) for path in (detector, pose)]
    twins = slow_twin.see(picture, *(one.run for one in sessions), side=SIDE, crop=CROP)
    assert len(poses) == len(twins) >= 1
    assert poses.image_size == ImageSize(*size)
    for row, twin in enumerate(twins):
        height = twin.box[3] - twin.box[1]
        np.testing.assert_allclose(poses.boxes.xyxy[row], twin.box, rtol=1e-3, atol=height / 500)
        half_a_bin = 1.25 * max(height, (twin.box[2] - twin.box[0]) / 0.75) / CROP[0] / 4
        away = np.abs(poses.keypoints[row] - twin.keypoints).max(axis=1)
        assert np.mean(away < half_a_bin) > 0.97
        np.testing.assert_allclose(poses.scores[row], twin.scores, atol=0.02)
