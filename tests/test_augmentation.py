"""How people are shown: keypoints go where pixels go, and the same numbers give the same crop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dw_openpose_full.datasets.augmentation import (
    NONE,
    STRENGTHS,
    Course,
    Strength,
    Variation,
    Views,
)
from dw_openpose_full.datasets.crops import (
    Person,
    Placement,
    half_body_box,
    reduced,
    repainted,
    sample_of,
    turned,
)
from dw_openpose_full.datasets.pixels import (
    blurred,
    distorted,
    jittered,
    median_blurred,
    with_hole,
)
from dw_openpose_full.errors import OptionError
from dw_openpose_full.geometry import Crop, PersonCrop
from dw_openpose_full.poses import BoolArray, FloatArray, ImageSize, RgbImage
from dw_openpose_full.skeleton import MIRRORED, WHOLE_BODY_COUNT

SIZE = ImageSize(128, 96)
BOX = np.array([110, 90, 190, 210], np.float32)
MOVES = Strength(jitter=False, blur=0.0, hole=0.0)
WIDE = Strength(scale=(0.5, 1.5), rotation=90.0, jitter=False, blur=0.0, hole=0.0)

seeds = st.integers(0, 2**31)


def a_person(seed: int = 0, labelled: BoolArray | None = None) -> Person:
    draws = np.random.default_rng(seed)
    points = draws.uniform(BOX[:2], BOX[2:], (WHOLE_BODY_COUNT, 2)).astype(np.float32)
    return Person(BOX, points, np.ones(WHOLE_BODY_COUNT, bool) if labelled is None else labelled)


def varied(strength: Strength, seed: int) -> Variation:
    return Variation(SIZE, strength, np.random.default_rng(seed))


def a_picture(seed: int = 0) -> RgbImage:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)


def with_dot(centre: FloatArray) -> RgbImage:
    """A black picture with a soft white dot."""
    y, x = np.mgrid[:300, :300]
    away = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
    dot = 255 * np.exp(-away / (2 * 3.0**2))
    return np.repeat(dot[..., None], 3, axis=2).round().astype(np.uint8)


def dot_in(crop: RgbImage) -> FloatArray:
    """The middle of the light."""
    light = crop[..., 0].astype(np.float64)
    y, x = np.mgrid[: crop.shape[0], : crop.shape[1]]
    return np.array([(light * x).sum(), (light * y).sum()], np.float32) / light.sum()


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_a_keypoint_goes_where_its_pixels_go(seed: int) -> None:
    keypoint = int(np.random.default_rng(seed).integers(WHOLE_BODY_COUNT))
    person = a_person(seed)
    placement = Placement.chosen(person, varied(WIDE, seed))
    named = MIRRORED[keypoint] if placement.mirrored else keypoint
    expected = placement.points(person.keypoints)[named]
    if ((expected < 22) | (expected > np.array(SIZE[::-1]) - 23)).any():
        return  # part of the dot would be cut off
    sample = sample_of(with_dot(person.keypoints[keypoint]), person, placement, varied(WIDE, seed))
    np.testing.assert_allclose(dot_in(sample.crop), expected, atol=0.15)
    np.testing.assert_array_equal(sample.keypoints[named], expected)


@pytest.mark.parametrize("reduction", [2, 4])
def test_a_smaller_picture_gives_the_same_places(reduction: int) -> None:
    middle = np.array([147.3, 161.8], np.float32)
    crop = PersonCrop.around(BOX, SIZE)
    picture = with_dot(middle).astype(np.float64)
    small = picture.reshape(300 // reduction, reduction, 300 // reduction, reduction, 3)
    cut = reduced(crop, reduction).warp(small.mean(axis=(1, 3)).round().astype(np.uint8))
    np.testing.assert_allclose(dot_in(cut), crop.points_in_crop(middle), atol=0.1)


def test_without_strength_a_crop_is_an_annotators_to_the_last_bit() -> None:
    person, picture = a_person(), np.random.default_rng(5).integers(0, 256, (300, 300, 3), np.uint8)
    variation = varied(NONE, 0)
    sample = sample_of(picture, person, Placement.chosen(person, variation), variation)
    annotators = PersonCrop.around(BOX, SIZE)
    np.testing.assert_array_equal(sample.crop, annotators.warp(picture))
    np.testing.assert_array_equal(sample.keypoints, annotators.points_in_crop(person.keypoints))
    np.testing.assert_array_equal(sample.labelled, person.labelled)


def test_a_mirror_image_exchanges_left_and_right() -> None:
    labelled = np.random.default_rng(1).random(WHOLE_BODY_COUNT) < 0.5
    person = a_person(labelled=labelled)
    plain = Placement.chosen(person, varied(NONE, 0))
    mirrored = Placement(plain.crop.mirrored(), mirrored=True)
    others = list(MIRRORED)
    points, seen = plain.points(person.keypoints), mirrored.points(person.keypoints)
    np.testing.assert_allclose(seen[:, 0], SIZE.width - points[others, 0], atol=1e-4)
    np.testing.assert_allclose(seen[:, 1], points[others, 1], atol=1e-4)
    np.testing.assert_array_equal(mirrored.labels(labelled), labelled[others])


@given(seeds)
def test_a_mirror_image_of_a_mirror_image_is_the_same(seed: int) -> None:
    person = a_person(seed)
    once = Placement.chosen(person, varied(MOVES, seed))
    flipped = Placement(once.crop.mirrored(), not once.mirrored)
    twice = Placement(flipped.crop.mirrored(), not flipped.mirrored)
    points = twice.points(person.keypoints)
    np.testing.assert_allclose(points, once.points(person.keypoints), atol=1e-3)
    np.testing.assert_array_equal(twice.labels(person.labelled), once.labels(person.labelled))
    away = flipped.points(person.keypoints) - points
    assert np.abs(away).max() > 1


@given(seeds, st.floats(-180, 180))
def test_turning_keeps_the_middle_and_all_distances(seed: int, degrees: float) -> None:
    person, crop = a_person(seed), PersonCrop.around(BOX, SIZE)
    after = turned(crop, degrees)
    middle = np.array([[SIZE.width / 2, SIZE.height / 2]], np.float32)
    np.testing.assert_allclose(
        after.points_in_image(middle), Crop(crop.to_image, SIZE).points_in_image(middle), atol=1e-3
    )
    points, turned_points = (which.points_in_crop(person.keypoints) for which in (crop, after))
    np.testing.assert_allclose(
        np.linalg.norm(turned_points - middle, axis=1),
        np.linalg.norm(points - middle, axis=1),
        atol=1e-2,
    )


def test_a_crop_is_turned_by_the_degrees_that_are_asked_for() -> None:
    crop = PersonCrop.around(BOX, SIZE)
    right = np.array([[SIZE.width / 2 + 10, SIZE.height / 2]], np.float32)
    seen = turned(crop, 90).points_in_crop(crop.points_in_image(right))
    away = np.abs(seen - [[SIZE.width / 2, SIZE.height / 2]])
    np.testing.assert_allclose(away, [[0, 10]], atol=1e-3)


@given(seeds)
def test_sizes_and_shifts_stay_in_their_ranges(seed: int) -> None:
    strength = Strength(flip=0, half_body=0, rotation_chance=0)
    plain = PersonCrop.around(BOX, SIZE)
    crop = Placement.chosen(a_person(seed), varied(strength, seed)).crop
    assert isinstance(crop, PersonCrop)
    assert 0.6 - 1e-6 <= crop.extent[0] / plain.extent[0] <= 1.4 + 1e-6
    limit = 0.16 * 1.25 * (BOX[2:] - BOX[:2])
    assert (np.abs(crop.centre - plain.centre) <= limit + 1e-3).all()


def share(strength: Strength, happened: str) -> float:
    """How often something happens to a person's placement, of 600 times."""
    plain, count = PersonCrop.around(BOX, SIZE), 0
    for seed in range(600):
        placement = Placement.chosen(a_person(), varied(strength, seed))
        matrix = placement.crop.to_image
        count += {
            "mirrored": placement.mirrored,
            "turned": abs(matrix[0, 1]) > 1e-9,
            "shifted": bool(np.abs(matrix - plain.to_image).max() > 1e-6),
        }[happened]
    return count / 600


@pytest.mark.parametrize(
    ("happened", "strength", "expected"),
    [
        ("mirrored", Strength(), 0.5),
        ("turned", Strength(), 0.6),
        ("shifted", Strength(flip=0, half_body=0, scale=(1, 1), rotation=0), 0.3),
        ("shifted", NONE, 0.0),
        ("shifted", Strength(flip=0, half_body=0.3, shift=0, scale=(1, 1), rotation=0), 0.3),
    ],
)
def test_things_happen_as_often_as_they_should(
    happened: str, strength: Strength, expected: float
) -> None:
    assert share(strength, happened) == pytest.approx(expected, abs=0.07)


def test_keypoints_that_leave_the_crop_stay_numbers() -> None:
    labelled = np.ones(WHOLE_BODY_COUNT, bool)
    person = Person(BOX, np.full((WHOLE_BODY_COUNT, 2), 5000, np.float32), labelled)
    placement = Placement.chosen(person, varied(WIDE, 3))
    points = placement.points(person.keypoints)
    assert np.isfinite(points).all()
    assert (np.abs(points) > 1000).any(axis=1).all()


# ---------------------------------------------------------------- half of the body
def labelled_only(*keypoints: int) -> BoolArray:
    labelled = np.zeros(WHOLE_BODY_COUNT, bool)
    labelled[list(keypoints)] = True
    return labelled


FACE_POINTS = tuple(range(23, 33))


def halves(labelled: BoolArray, times: int = 200) -> set[str]:
    """Which boxes come out: the person's, of the upper or of the lower half."""
    person = a_person(3, labelled)
    found = set()
    for seed in range(times):
        box = half_body_box(person, np.random.default_rng(seed))
        for name, part in (("upper", slice(0, 11)), ("lower", slice(11, 23))):
            points = person.keypoints[part][labelled[part]]
            if len(points) and np.allclose((box[:2] + box[2:]) / 2, points.mean(axis=0), atol=1e-3):
                extent = (points.max(axis=0) - points.min(axis=0)) * 1.5 / 1.25
                np.testing.assert_allclose(box[2:] - box[:2], extent, rtol=1e-4)
                found.add(name)
        if np.array_equal(box, person.box):
            found.add("whole")
    return found


@pytest.mark.parametrize(
    ("labelled", "expected"),
    [
        (labelled_only(0, 1, 11, 12, 13, *FACE_POINTS), {"upper", "lower"}),
        (labelled_only(0, 1, 11, 12, *FACE_POINTS), {"upper"}),
        (labelled_only(0, 11, 12, 13, *FACE_POINTS), {"lower"}),
        (labelled_only(0, 11, 12, *FACE_POINTS), {"whole"}),
        (labelled_only(0, 1, 2, 11, 12, 13, 14, 15), {"whole"}),  # eight are too few
        (labelled_only(0, 1, 2, 3, 11, 12, 13, 14, 15), {"upper", "lower"}),
    ],
)
def test_a_half_is_taken_where_enough_of_it_is_labelled(
    labelled: BoolArray, expected: set[str]
) -> None:
    assert halves(labelled) == expected


def test_the_upper_half_is_preferred() -> None:
    person = a_person(3)
    boxes = [half_body_box(person, np.random.default_rng(seed)) for seed in range(600)]
    upper = person.keypoints[0:11].mean(axis=0)
    count = sum(np.allclose((box[:2] + box[2:]) / 2, upper, atol=1e-3) for box in boxes)
    assert count / 600 == pytest.approx(0.7, abs=0.06)


def test_keypoints_on_a_heap_make_no_half() -> None:
    labelled = labelled_only(*range(12))
    person = Person(BOX, np.full((WHOLE_BODY_COUNT, 2), 50, np.float32), labelled)
    assert half_body_box(person, np.random.default_rng(0)) is person.box


# ---------------------------------------------------------------- pixels
@pytest.mark.parametrize("change", [jittered, distorted, blurred, median_blurred, with_hole])
@pytest.mark.parametrize("seed", range(4))
def test_pixels_change_in_a_picture_of_the_same_kind(change, seed: int) -> None:  # noqa: ANN001
    before = a_picture()
    kept = before.copy()
    after = change(before, np.random.default_rng(seed + 10))
    assert after.shape == before.shape
    assert after.dtype == np.uint8
    assert after.flags.c_contiguous
    np.testing.assert_array_equal(before, kept)


def test_colours_are_shifted_no_farther_than_they_should() -> None:
    colour = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    seen = {tuple(jittered(colour, np.random.default_rng(seed))[0, 0]) for seed in range(200)}
    assert len(seen) > 100
    values = [max(pixel) for pixel in seen]
    assert min(values) >= 170
    assert max(values) <= 230
    assert all(pixel[0] > pixel[1] > pixel[2] for pixel in seen)  # hue: 10 degrees at most


def test_distortion_reaches_brightness_contrast_and_channels() -> None:
    colour = np.full((8, 8, 3), (120, 80, 40), np.uint8)
    seen = [distorted(colour, np.random.default_rng(seed))[0, 0] for seed in range(200)]
    assert min(pixel.max() for pixel in seen) < 80
    assert max(pixel.max() for pixel in seen) > 180
    assert {int(pixel.argmax()) for pixel in seen} == {0, 1, 2}


def test_a_distortion_that_does_nothing_changes_nothing() -> None:
    class Never(np.random.Generator):
        def random(self) -> float:  # type: ignore[override]
            return 0.9

    picture = a_picture()
    after = distorted(picture, Never(np.random.PCG64()))
    assert np.abs(after.astype(int) - picture).max() <= 1


@pytest.mark.parametrize("change", [blurred, median_blurred])
def test_a_blur_takes_detail_away_and_keeps_the_mean(change) -> None:  # noqa: ANN001
    before = a_picture()
    after = change(before, np.random.default_rng(0))
    assert after.std() < before.std() / 1.5
    assert after.mean() == pytest.approx(before.mean(), abs=3)


@given(seeds)
def test_a_hole_is_black_and_of_the_published_size(seed: int) -> None:
    white = np.full((*SIZE, 3), 255, np.uint8)
    hole = (with_hole(white, np.random.default_rng(seed)) == 0).all(axis=2)
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    assert hole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert int(0.2 * SIZE.height) <= len(rows) <= int(0.4 * SIZE.height)
    assert int(0.2 * SIZE.width) <= len(columns) <= int(0.4 * SIZE.width)


def test_holes_reach_every_edge() -> None:
    white = np.full((*SIZE, 3), 255, np.uint8)
    dark = np.zeros(SIZE, bool)
    for seed in range(1500):
        dark |= (with_hole(white, np.random.default_rng(seed)) == 0).all(axis=2)
    for edge in (dark[0], dark[-1], dark[:, 0], dark[:, -1]):
        assert edge.any()


def test_no_strength_leaves_the_pixels_alone() -> None:
    picture = a_picture()
    assert repainted(picture, varied(NONE, 0)) is picture


# ---------------------------------------------------------------- seeds and courses
@given(st.integers(0, 2**31), st.integers(0, 300), st.integers(0, 10**6))
def test_the_same_numbers_are_the_same_variation(seed: int, epoch: int, index: int) -> None:
    course = Course(Strength(), NONE, 240)
    first, second = (Views(SIZE, course, (seed, 0)).of(index, epoch) for _ in range(2))
    assert first.strength is second.strength is course.at(epoch)
    np.testing.assert_array_equal(first.draws.random(5), second.draws.random(5))


@pytest.mark.parametrize(("index", "epoch", "seed"), [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_other_numbers_are_another_variation(index: int, epoch: int, seed: int) -> None:
    course = Course.steady(Strength())
    first = Views(SIZE, course, (0,)).of(0, 0).draws.random(3)
    other = Views(SIZE, course, (seed,)).of(index, epoch).draws.random(3)
    assert (first != other).all()


def test_a_course_switches_at_its_epoch() -> None:
    course = Course.named("strong", "mild", 240)
    assert course.at(239) is STRENGTHS["strong"]
    assert course.at(240) is STRENGTHS["mild"]
    assert course.at(239).shift == 0.16
    assert course.at(240).shift == 0


def test_an_unknown_strength_is_refused_by_name() -> None:
    with pytest.raises(OptionError, match=r"'stronger'.*strong, mild, wide"):
        Course.named("strong", "stronger", 240)
