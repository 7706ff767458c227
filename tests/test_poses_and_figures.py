"""The values that travel, and the one place where a pose becomes a figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dw_openpose_full import skeleton
from dw_openpose_full.errors import DwPoseError, OptionError, PoseError
from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.poses import Boxes, ImageSize, WholeBodyPoses
from dw_openpose_full.thresholds import Thresholds


def one_person(score: float = 0.9) -> WholeBodyPoses:
    """Keypoint k at (k, 1000 + k)."""
    index = np.arange(133, dtype=np.float32)
    keypoints = np.stack([index, 1000 + index], axis=1)[None]
    return WholeBodyPoses.from_arrays(keypoints, np.full((1, 133), score), image_size=(2000, 300))


# ---------------------------------------------------------------- poses


def test_poses_are_sealed_and_their_sources_are_not() -> None:
    keypoints, scores = np.zeros((1, 133, 2)), np.ones((1, 133))
    poses = WholeBodyPoses.from_arrays(keypoints, scores, image_size=(4, 5))
    keypoints[:] = 7
    assert not poses.keypoints.any()
    with pytest.raises(ValueError, match="read-only"):
        poses.keypoints[0, 0, 0] = 1
    assert poses.keypoints.dtype == poses.scores.dtype == np.float32
    assert poses.image_size == ImageSize(4, 5)
    assert len(poses) == 1


def test_nobody_is_an_ordinary_array() -> None:
    for poses in (
        WholeBodyPoses.nobody((4, 5)),
        WholeBodyPoses.from_arrays(np.zeros((0, 133, 2)), np.zeros((0, 133)), image_size=(4, 5)),
    ):
        assert poses.keypoints.shape == (0, 133, 2)
        assert poses.scores.shape == (0, 133)
        assert poses.boxes.xyxy.shape == (0, 4)
        assert OpenPoseFigures.from_poses(poses).points.shape == (0, 136, 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_no_number_was_not_found(bad: float) -> None:
    keypoints, scores = np.ones((1, 133, 2)), np.ones((1, 133))
    keypoints[0, 3, 0] = bad
    scores[0, 4] = bad
    poses = WholeBodyPoses.from_arrays(keypoints, scores, image_size=(4, 5))
    assert poses.scores[0, 3] == poses.scores[0, 4] == 0
    assert not poses.keypoints[0, 3:5].any()
    assert poses.scores[0, 5] == 1


@pytest.mark.parametrize(
    ("keypoints", "scores", "size"),
    [
        (np.zeros((1, 17, 2)), np.zeros((1, 17)), (4, 5)),
        (np.zeros((1, 134, 2)), np.zeros((1, 134)), (4, 5)),
        (np.zeros((133, 2)), np.zeros(133), (4, 5)),
        (np.zeros((1, 133, 3)), np.zeros((1, 133)), (4, 5)),
        (np.zeros((2, 133, 2)), np.zeros((1, 133)), (4, 5)),
        (np.zeros((1, 133, 2)), np.zeros((1, 133, 1)), (4, 5)),
        ("points", np.zeros((1, 133)), (4, 5)),
        (None, None, (4, 5)),
        ([[1, 2], [3]], np.zeros((1, 133)), (4, 5)),
        (np.zeros((1, 133, 2)), np.zeros((1, 133)), (0, 5)),
        (np.zeros((1, 133, 2)), np.zeros((1, 133)), (4, -5)),
        (np.zeros((1, 133, 2)), np.zeros((1, 133)), (4.5, 5)),
        (np.zeros((1, 133, 2)), np.zeros((1, 133)), (4, 5, 3)),
        (np.zeros((1, 133, 2)), np.zeros((1, 133)), 4),
        (np.zeros((1, 133, 2)), np.zeros((1, 133)), None),
        (np.zeros((1, 133, 2)), np.zeros((1, 133)), "45"),
    ],
)
def test_arrays_that_are_no_poses_are_refused_in_one_sentence(
    keypoints: Any, scores: Any, size: Any
) -> None:
    with pytest.raises(PoseError, match=r"must be") as caught:
        WholeBodyPoses.from_arrays(keypoints, scores, image_size=size)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, DwPoseError)
    assert "\n" not in str(caught.value)


def test_boxes_lie_round_what_was_found() -> None:
    keypoints, scores = np.zeros((2, 133, 2)), np.zeros((2, 133))
    keypoints[0, :3], scores[0, :3] = [(3, 9), (1, 20), (7, 2)], 0.5
    poses = WholeBodyPoses.from_arrays(keypoints, scores, image_size=(40, 50))
    assert poses.boxes.xyxy.tolist() == [[1, 2, 7, 20], [0, 0, 0, 0]]
    assert poses.boxes.scores.tolist() == [1, 0]


def test_there_is_one_box_for_each_pose() -> None:
    boxes = Boxes.from_arrays(np.zeros((2, 4)))
    with pytest.raises(PoseError, match="one box for each of 1 poses, got 2"):
        WholeBodyPoses.from_arrays(
            np.zeros((1, 133, 2)), np.zeros((1, 133)), image_size=(4, 5), boxes=boxes
        )


# ---------------------------------------------------------------- figures


def test_every_point_comes_from_where_the_tables_say() -> None:
    figures = OpenPoseFigures.from_poses(one_person())
    x = figures.points[0, :, 0]
    assert x[skeleton.FIGURE_BODY].tolist() == [
        0, 5.5, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3,
    ]  # fmt: skip
    assert x[skeleton.FIGURE_FACE].tolist() == [*range(23, 91), 2, 1]
    assert x[skeleton.FIGURE_LEFT_HAND].tolist() == list(range(91, 112))
    assert x[skeleton.FIGURE_RIGHT_HAND].tolist() == list(range(112, 133))
    assert x[skeleton.FIGURE_FEET].tolist() == list(range(17, 23))
    assert figures.visible.all()


def scored(index: int, score: float) -> OpenPoseFigures:
    poses = one_person()
    scores = poses.scores.copy()
    scores[0, index] = score
    changed = WholeBodyPoses.from_arrays(poses.keypoints, scores, image_size=poses.image_size)
    return OpenPoseFigures.from_poses(changed)


def test_a_score_at_the_threshold_is_visible() -> None:
    assert scored(9, 0.3).visible[0, 7]
    assert not scored(9, 0.2999).visible[0, 7]


def test_the_neck_needs_both_shoulders() -> None:
    assert not scored(5, 0.2).visible[0, skeleton.NECK]
    assert not scored(6, 0.2).visible[0, skeleton.NECK]
    assert scored(6, 0.31).visible[0, skeleton.NECK]
    assert scored(6, 0.31).scores[0, skeleton.NECK] == np.float32(0.31)


def test_what_was_not_found_is_visible_at_no_threshold() -> None:
    figures = OpenPoseFigures.from_poses(one_person(0.0), threshold=0)
    assert not figures.visible.any()


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_its_range_is_refused(threshold: float) -> None:
    with pytest.raises(OptionError, match=r"0\.\.1"):
        OpenPoseFigures.from_poses(one_person(), threshold)


def test_some_of_the_people_come_in_the_order_asked_for() -> None:
    keypoints = np.arange(3.0)[:, None, None] + np.zeros((3, 133, 2))
    boxes = Boxes.from_arrays([[n, n, n + 5, n + 5] for n in range(3)], [0.9, 0.8, 0.7])
    poses = WholeBodyPoses.from_arrays(
        keypoints, np.ones((3, 133)), image_size=(20, 30), boxes=boxes
    )
    some = OpenPoseFigures.from_poses(poses).only([2, 0])
    assert some.ids.tolist() == [2, 0]
    assert some.points[:, 0, 0].tolist() == some.boxes.xyxy[:, 0].tolist() == [2, 0]
    assert some.boxes.scores.tolist() == pytest.approx([0.7, 0.9])
    assert len(some.only([])) == 0
    assert some.image_size == ImageSize(20, 30)


def test_figures_scale_with_their_canvas() -> None:
    figures = OpenPoseFigures.from_poses(one_person()).scaled_to(ImageSize(1000, 600))
    assert figures.image_size == (1000, 600)
    assert figures.points[0, 4].tolist() == [20, 505]


@given(st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_mirroring_commutes_with_swapping_left_and_right(threshold: float, seed: int) -> None:
    """The figure of a mirrored pose is the mirrored figure, with sides exchanged."""
    generator = np.random.default_rng(seed)
    keypoints = generator.integers(0, 256, (2, 133, 2)).astype(np.float32)
    scores = generator.random((2, 133)).astype(np.float32)
    size, width = (300, 256), 256
    swap = np.r_[
        [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15],
        [20, 21, 22, 17, 18, 19],
        np.arange(23, 91),
        np.arange(112, 133),
        np.arange(91, 112),
    ]
    mirrored = keypoints[:, swap] * (-1, 1) + (width, 0)
    plain = OpenPoseFigures.from_poses(
        WholeBodyPoses.from_arrays(keypoints, scores, image_size=size), threshold
    )
    turned = OpenPoseFigures.from_poses(
        WholeBodyPoses.from_arrays(mirrored, scores[:, swap], image_size=size), threshold
    )
    back = np.r_[
        [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16],
        np.arange(18, 86),
        [87, 86],
        np.arange(109, 130),
        np.arange(88, 109),
        [133, 134, 135, 130, 131, 132],
    ]
    assert (turned.visible[:, back] == plain.visible).all()
    seen = plain.visible
    assert (turned.points[:, back][seen] == (plain.points * (-1, 1) + (width, 0))[seen]).all()


# ---------------------------------------------------------------- thresholds


def test_each_part_has_its_threshold() -> None:
    poses = one_person(0.5)
    parts = {
        "body": skeleton.FIGURE_BODY,
        "face": skeleton.FIGURE_FACE,
        "hands": slice(88, 130),
        "feet": skeleton.FIGURE_FEET,
    }
    for part, rows in parts.items():
        visible = OpenPoseFigures.from_poses(poses, Thresholds(**{part: 0.6})).visible[0]
        assert not visible[rows].any(), part
        assert visible.sum() == 136 - (rows.stop - rows.start), part


@pytest.mark.parametrize(
    ("text", "thresholds"),
    [
        ("0.4", Thresholds(0.4, 0.4, 0.4, 0.4)),
        ("hands=0.5", Thresholds(hands=0.5)),
        (".2, face=.4 ,feet=0", Thresholds(0.2, 0.2, 0.4, 0)),
        ("1,body=0.1", Thresholds(0.1, 1, 1, 1)),
    ],
)
def test_thresholds_are_read(text: str, thresholds: Thresholds) -> None:
    assert Thresholds.parse(text) == thresholds


@pytest.mark.parametrize("text", ["", "a", "0.3,0.4", "0.3,tail=1", "hands", "hands=", "=0.3", "2"])
def test_other_thresholds_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="threshold must"):
        Thresholds.parse(text)
