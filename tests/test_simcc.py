"""SimCC bins become keypoints, and keypoints bins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dw_openpose_full.errors import PoseError
from dw_openpose_full.poses import ImageSize
from dw_openpose_full.simcc import decode, encode

PUBLISHED = ImageSize(384, 288)


def peaks(place: tuple[int, int], height: tuple[float, float]) -> tuple[Any, Any]:
    """Bins of one keypoint, all zero but for one on each axis."""
    bins = np.zeros((1, 1, 576), np.float32), np.zeros((1, 1, 768), np.float32)
    for one, at, value in zip(bins, place, height, strict=True):
        one[0, 0, at] = value
    return bins


@pytest.mark.parametrize(
    ("place", "height", "point", "score"),
    [((300, 500), (0.9, 0.6), (150, 250), 0.6), ((575, 0), (0.31, 0.8), (287.5, 0), 0.31)],
)
def test_the_highest_bins_are_the_point_and_the_lower_of_them_the_score(
    place: Any, height: Any, point: Any, score: float
) -> None:
    points, scores = decode(*peaks(place, height))
    assert points.tolist() == [[[*point]]]
    assert scores.tolist() == [[np.float32(score)]]
    assert points.dtype == scores.dtype == np.float32


@pytest.mark.parametrize("height", [(0.0, 0.0), (0.0, 0.9), (-0.2, -0.1)])
def test_a_score_that_is_not_positive_is_unseen(height: tuple[float, float]) -> None:
    bins = peaks((10, 10), height)
    for one, value in zip(bins, height, strict=True):
        one[:] = np.minimum(one, value)
    points, scores = decode(*bins)
    assert points.tolist() == [[[-0.5, -0.5]]]
    assert scores[0, 0] == np.float32(min(height))


@pytest.mark.parametrize("poison", [np.nan, np.inf])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_bin_that_is_no_number_makes_its_keypoint_unseen_and_no_other(
    poison: float, axis: int
) -> None:
    bins = [np.zeros((2, 133, 20), np.float32) for _ in "xy"]
    for one in bins:
        one[..., 7] = 0.5
    bins[axis][0, 3, 15] = poison
    points, scores = decode(*bins)
    assert (points[0, 3] == -0.5).all()
    assert scores[0, 3] == 0
    scores[0, 3] = 0.5
    assert (scores == 0.5).all()


def test_the_first_of_equal_bins_is_taken() -> None:
    points, _ = decode(np.ones((1, 1, 8), np.float32), np.ones((1, 1, 8), np.float32))
    assert points.tolist() == [[[0, 0]]]


def test_halved_precision_is_read_alike() -> None:
    x, y = encode(np.array([[[20.0, 30.5], [7.5, 1.0]]]), ImageSize(64, 48))
    plain, halved = decode(x, y), decode(x.astype(np.float16), y.astype(np.float16))
    assert (plain[0] == halved[0]).all()
    assert halved[1].dtype == np.float32


@pytest.mark.parametrize(
    "shapes",
    [((1, 133, 8), (1, 17, 8)), ((2, 3, 8), (1, 3, 8)), ((3, 8), (3, 8)), ((1, 3, 0), (1, 3, 8)),
     ((1, 3, 8), (1, 3))],
)  # fmt: skip
def test_bins_that_do_not_fit_are_refused(shapes: Any) -> None:
    with pytest.raises(PoseError, match="SimCC"):
        decode(*(np.zeros(shape, np.float32) for shape in shapes))


def test_nobody_is_decoded_to_nobody() -> None:
    points, scores = decode(np.zeros((0, 133, 8)), np.zeros((0, 133, 8)))
    assert points.shape == (0, 133, 2)
    assert scores.shape == (0, 133)


@given(
    st.sampled_from([PUBLISHED, ImageSize(256, 192), ImageSize(64, 48)]),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=9),
)
@settings(max_examples=40, deadline=None)
def test_a_point_comes_back_within_half_a_bin(size: ImageSize, shares: Any) -> None:
    points = np.array([shares]) * (size.width - 0.5, size.height - 0.5)
    found, scores = decode(*encode(points, size))
    assert np.abs(found - points).max() <= 0.25 + 1e-6
    assert (scores == 1).all()


@given(st.integers(0, 40), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_decoding_is_what_plain_loops_say(seed: int, people: int) -> None:
    rng = np.random.default_rng(seed)
    bins_x = rng.normal(-0.4, 0.5, (people, 5, 6)).astype(np.float32)
    bins_y = rng.normal(-0.4, 0.5, (people, 5, 8)).astype(np.float32)
    points, scores = decode(bins_x, bins_y)
    for person in range(people):
        for joint in range(5):
            row_x, row_y = bins_x[person, joint].tolist(), bins_y[person, joint].tolist()
            score = min(max(row_x), max(row_y))
            place = [row_x.index(max(row_x)), row_y.index(max(row_y))]
            place = place if score > 0 else [-1, -1]
            assert points[person, joint].tolist() == [place[0] / 2, place[1] / 2]
            assert scores[person, joint] == score


@pytest.mark.parametrize(
    ("size", "spreads"), [(PUBLISHED, (6.0, 6.93)), (ImageSize(256, 192), (4.9, 5.66)),
                          (ImageSize(128, 72), (3.0, 4.0))]
)  # fmt: skip
def test_a_target_is_the_published_bump(size: ImageSize, spreads: tuple[float, float]) -> None:
    x, y = encode(np.array([[[20.25, 30.75]]]), size)  # ties go to the even bin: 40 and 62
    for bins, middle, spread, side in ((x, 40, spreads[0], size.width), (y, 62, spreads[1], size.height)):  # noqa: E501  # fmt: skip
        assert bins.shape == (1, 1, 2 * side)
        for place in range(2 * side):
            wanted = math.exp(-((place - middle) ** 2) / (2 * spread**2))
            assert bins[0, 0, place] == pytest.approx(wanted, abs=1e-6)


def test_keypoints_unknown_or_far_outside_have_no_target() -> None:
    points = np.array([[[5, 5], [np.nan, 5], [-9.5, 5], [-8, 5], [5, 500], [5, 5]]])
    labelled = np.array([[True] * 5 + [False]])
    x, y = encode(points, PUBLISHED, labelled)
    for bins in (x, y):
        assert bins.any(axis=-1).tolist() == [[True, False, False, True, False, False]]


@pytest.mark.parametrize("shape", [(3, 2), (1, 3, 3)])
def test_points_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PoseError, match=r"must be \(N, K, 2\)"):
        encode(np.zeros(shape), PUBLISHED)


def test_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(PoseError, match="labelled must be"):
        encode(np.zeros((1, 3, 2)), PUBLISHED, np.ones((1, 4), np.bool_))
