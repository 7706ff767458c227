"""Crops there and back, boxes against boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dw_openpose_full.geometry import (
    Crop,
    intersection_over_union,
    non_maximum_suppression,
    resized,
)
from dw_openpose_full.poses import ImageSize

coordinates = st.floats(-5000, 5000)


@given(
    st.tuples(coordinates, coordinates),
    st.floats(1, 4000),
    st.integers(1, 512),
    st.floats(-math.pi, math.pi),
    st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=5),
)
def test_a_crop_and_back_is_where_it_began(
    centre: tuple[float, float],
    side: float,
    pixels: int,
    rotation: float,
    points: list[tuple[float, float]],
) -> None:
    crop = Crop.square(centre, side, pixels, rotation)
    in_image = np.array(points, np.float32)
    there = crop.points_in_crop(in_image)
    reach = 1 + np.abs(there).max() * side / pixels
    assert np.allclose(crop.points_in_image(there), in_image, atol=1e-6 * (reach + 10_000))


def test_a_square_crop_takes_its_middle_and_its_corners_home() -> None:
    crop = Crop.square((100, 50), 40, 20, 0.0)
    corners = np.array([[10, 10], [0, 0], [20, 20]], np.float32)
    assert crop.points_in_image(corners).tolist() == [[100, 50], [80, 30], [120, 70]]


def test_a_turned_crop_points_where_the_rotation_says() -> None:
    crop = Crop.square((0, 0), 2, 2, math.pi / 2)
    ahead = crop.points_in_image(np.array([[2, 1]], np.float32))  # one to the right of its middle
    assert np.allclose(ahead, [[0, 1]], atol=1e-6)  # is one down in the image


def test_a_crop_beyond_the_border_is_black_there() -> None:
    white = np.full((10, 10, 3), 255, np.uint8)
    cut = Crop.square((0, 0), 8, 8).warp(white)
    assert not cut[:3].any()
    assert not cut[:, :3].any()
    assert (cut[5:, 5:] == 255).all()


def test_a_letterbox_holds_the_whole_picture_in_its_corner() -> None:
    box = Crop.letterbox(ImageSize(100, 400), ImageSize(64, 64))
    assert np.allclose(box.points_in_crop(np.array([[400, 100]], np.float32)), [[64, 16]])


def test_overlap_of_boxes() -> None:
    box = np.array([0, 0, 10, 10], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [3, 3, 3, 3]], np.float32)
    assert intersection_over_union(box, others).tolist() == pytest.approx([1, 1 / 3, 0, 0])


def test_empty_boxes_overlap_nothing() -> None:
    nothing = np.zeros((2, 4), np.float32)
    assert intersection_over_union(nothing[0], nothing).tolist() == [0, 0]


def test_suppression_keeps_the_best_of_each_heap() -> None:
    # the reference detectors' example, whose boxes are 1 pixel wider; same order of kept boxes
    xyxy = np.array(
        [[0, 0, 100, 200], [10, 0, 110, 200], [60, 0, 160, 200], [300, 300, 310, 310]], np.float32
    )
    scores = np.array([0.9, 0.8, 0.7, 0.95], np.float32)
    assert non_maximum_suppression(xyxy, scores, 0.45) == [3, 0, 2]
    assert non_maximum_suppression(xyxy[:0], scores[:0], 0.45) == []


def test_resizing_to_the_same_size_copies_nothing() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    assert resized(image, ImageSize(4, 6)) is image
    assert resized(image, ImageSize(8, 3)).shape == (8, 3, 3)
