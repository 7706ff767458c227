"""Poses by SimCC networks: published crops and arithmetic, and whatever a network may answer."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dw_openpose_full.backends import Tensor, open_session
from dw_openpose_full.errors import ModelError, OptionError, PoseError
from dw_openpose_full.estimator import SimccEstimator
from dw_openpose_full.geometry import PersonCrop
from dw_openpose_full.pipeline import DwOpenpose, PersonDetector, PoseEstimator
from dw_openpose_full.poses import Boxes, ImageSize, RgbImage
from faithful_networks import (
    PlantedSession,
    plant_pose,
    simcc,
    standing_person,
)

CROP = ImageSize(384, 288)
CARD: dict[str, Any] = {
    "model": "dwpose-l-384",
    "mean": (123.675, 116.28, 103.53),
    "std": (58.395, 57.12, 57.375),
}
INPUT = (None, 3, 384, 288)
DECLARED = [(None, 133, 576), (None, 133, 768)]
NAMES = ("simcc_x", "simcc_y")
BOX = Boxes.from_arrays([[100, 50, 300, 450]])
PICTURE = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)


def bins(
    place: tuple[int, int] = (300, 500), height: tuple[float, float] = (0.9, 0.6)
) -> list[NDArray[np.float32]]:
    """Outputs for one person whose 133 keypoints are all at one place."""
    outputs = [np.zeros((1, 133, count), np.float32) for count in (576, 768)]
    for output, at, value in zip(outputs, place, height, strict=True):
        output[:, :, at] = value
    return outputs


def planted(answer: Any = None, **how: Any) -> PlantedSession:
    """A session whose answer is one person's, for every person of the batch."""
    one = bins() if answer is None else answer

    def repeat(batch: Tensor) -> Sequence[Tensor]:
        return [np.repeat(output, len(batch), axis=0) for output in one]

    how = {"shape": INPUT, "declared": DECLARED, "names": NAMES, **how}
    return PlantedSession(how.pop("shape"), answer if callable(answer) else repeat, **how)


def telling(batch: Tensor) -> Sequence[Tensor]:
    """An answer that depends on each crop alone: bins that move with what it shows."""
    outputs = []
    for count in (576, 768):
        output = np.zeros((len(batch), 133, count), np.float32)
        for row, crop in enumerate(batch):
            start = int(abs(float(crop.astype(np.float64).sum()))) + np.arange(133) * 7
            output[row, np.arange(133), start % count] = 0.3 + start % 5 / 10
        outputs.append(output)
    return outputs


# ---------------------------------------------------------------- goldens


@pytest.mark.parametrize(
    ("box", "centre", "extent", "matrix"),
    [
        ((100, 50, 300, 450), (200, 250), (375, 500), [[0.768, 0, -9.6], [0, 0.768, 0]]),
        ((0, 0, 640, 480), (320, 240), (800, 1066.667), [[0.36, 0, 28.8], [0, 0.36, 105.6]]),
        ((0, 0, 512, 768), (256, 384), (720, 960), [[0.4, 0, 41.6], [0, 0.4, 38.4]]),
        ((10, 20, 30, 25), (20, 22.5), (25, 33.333), [[11.52, 0, -86.4], [0, 11.52, -67.2]]),
    ],
)
def test_a_crop_is_the_published_one(box: Any, centre: Any, extent: Any, matrix: Any) -> None:
    crop = PersonCrop.around(np.array(box, np.float32), CROP)
    assert crop.centre.tolist() == [*centre]
    np.testing.assert_allclose(crop.extent, extent, atol=5e-4)
    there = cv2.invertAffineTransform(crop.to_image)
    np.testing.assert_allclose(there, matrix, rtol=1e-6, atol=2e-5)


@pytest.mark.parametrize(
    ("place", "height", "point", "score"),
    [
        ((300, 500), (0.9, 0.6), (207.8125, 325.520833), 0.6),
        ((575, 0), (0.31, 0.8), (386.848958, 0), 0.31),
    ],
)
def test_bins_come_home_to_the_published_point(
    place: Any, height: Any, point: Any, score: float
) -> None:
    poses = SimccEstimator(planted(bins(place, height)), **CARD)(PICTURE, BOX)
    assert poses.keypoints.shape == (1, 133, 2)
    assert (poses.keypoints[0] == np.array(point, np.float32)).all()
    assert (poses.scores == np.float32(score)).all()
    assert poses.boxes.xyxy.tolist() == BOX.xyxy.tolist()
    assert poses.model == "dwpose-l-384"
    assert poses.image_size == (480, 640)


BOXES = st.tuples(
    st.floats(-300, 700, width=32), st.floats(-300, 500, width=32),
    st.floats(1, 900, width=32), st.floats(1, 900, width=32),
)  # fmt: skip


def published_crop(box: Sequence[float]) -> tuple[list[float], list[float]]:
    """Centre and extent, in Python's own numbers."""
    x1, y1, x2, y2 = box
    width, height = (x2 - x1) * 1.25, (y2 - y1) * 1.25
    if width > height * 0.75:
        height = width / 0.75
    else:
        width = height * 0.75
    return [(x1 + x2) / 2, (y1 + y2) / 2], [width, height]


@given(BOXES)
@settings(max_examples=60, deadline=None)
def test_pixels_are_cut_as_the_published_annotators_cut_them(box: Any) -> None:
    x, y, width, height = box
    corners = np.array([x, y, x + width, y + height], np.float32)
    crop = PersonCrop.around(corners, CROP)
    centre, extent = published_crop(corners.tolist())
    np.testing.assert_allclose(crop.centre, centre, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(crop.extent, extent, rtol=1e-6, atol=1e-4)
    middle, up = crop.centre, crop.centre - (0, crop.extent[0] / 2)
    there = np.array([middle, up, up], np.float32)
    there[2, 0] -= there[0, 1] - there[1, 1]
    here = np.array([[144, 192], [144, 48], [0, 48]], np.float32)
    matrix = cv2.getAffineTransform(there, here)
    wanted = cv2.warpAffine(PICTURE, matrix, (288, 384), flags=cv2.INTER_LINEAR)
    assert (crop.warp(PICTURE) == wanted).all()


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("box", [(39000, 5, 39100, 60), (-50, -20, 40100, 90)])
def test_a_picture_longer_than_opencv_takes_is_cut(*, turned: bool, box: Any) -> None:
    x = np.mgrid[:40000]
    row = np.stack([x // 200, x % 2000 // 10, x * 0 + 90], axis=-1).astype(np.uint8)
    image = np.repeat(row[None], 70, axis=0)
    corners = np.array(box, np.float32)
    if turned:
        image, corners = np.ascontiguousarray(image.transpose(1, 0, 2)), corners[[1, 0, 3, 2]]
    crop = PersonCrop.around(corners, CROP)
    cut = crop.warp(image)
    for point in ((144, 192), (144, 200), (144, 180)) if turned else ((140, 192), (150, 192)):
        place = np.array(point) @ crop.to_image[:, :2].T + crop.to_image[:, 2]
        along = int(place[1 if turned else 0])
        assert abs(int(cut[point[1], point[0], 0]) - int(row[along, 0])) <= 1


def test_a_crop_shows_what_plain_loops_interpolate() -> None:
    y, x = np.mgrid[:480, :640]
    smooth = np.stack([x * 0.39, y * 0.5, 120 + 60 * np.sin(x / 60) * np.cos(y / 50)], axis=-1)
    image = smooth.round().astype(np.uint8)
    cut = PersonCrop.around(np.array([100, 50, 300, 450], np.float32), CROP).warp(image)
    for row in range(0, 384, 29):
        for column in range(0, 288, 23):
            u, v = (column + 9.6) / 0.768, row / 0.768
            left, top = int(u), int(v)
            value = np.zeros(3)
            for dx, across in ((0, 1 - (u - left)), (1, u - left)):
                for dy, down in ((0, 1 - (v - top)), (1, v - top)):
                    if 0 <= left + dx < 640 and 0 <= top + dy < 480:  # black outside
                        value += across * down * image[top + dy, left + dx].astype(float)
            if 1 < left < 638 and 1 < top < 478:
                assert np.abs(cut[row, column] - value).max() <= 1


@given(BOXES, st.integers(0, 575), st.integers(0, 767))
@settings(max_examples=60, deadline=None)
def test_points_come_home_as_plain_numbers_say(box: Any, place_x: int, place_y: int) -> None:
    x, y, width, height = box
    corners = np.array([[x, y, x + width, y + height]], np.float32)
    boxes = Boxes.from_arrays(corners)
    poses = SimccEstimator(planted(bins((place_x, place_y))), **CARD)(PICTURE, boxes)
    if not len(poses):
        assert x + width <= 0 or y + height <= 0 or x >= 640 or y >= 480
        return
    centre, extent = published_crop(corners[0].tolist())
    for axis, (place, side) in enumerate(((place_x, 288), (place_y, 384))):
        wanted = place / 2 / side * extent[axis] + centre[axis] - extent[axis] / 2
        assert poses.keypoints[0, 0, axis] == pytest.approx(wanted, rel=1e-5, abs=1e-3)


# ---------------------------------------------------------------- what the network sees


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_pixels_are_normalised_to_the_last_bit(order: Any) -> None:
    session = planted()
    SimccEstimator(session, channel_order=order, **CARD)(PICTURE, BOX)
    (batch,) = session.shown
    cut = PersonCrop.around(BOX.xyxy[0], CROP).warp(PICTURE)
    cut = cut if order == "RGB" else cut[..., ::-1]
    wanted = (cut.astype(np.float64) - np.array(CARD["mean"])) / np.array(CARD["std"])
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    assert (batch[0] == wanted.transpose(2, 0, 1).astype(np.float32)).all()


def test_halved_precision_goes_in_where_the_graph_wants_it() -> None:
    session = planted(dtype="float16")
    SimccEstimator(session, **CARD)(PICTURE, BOX)
    assert session.shown[0].dtype == np.float16


# ---------------------------------------------------------------- batches


def many(count: int) -> Boxes:
    rng = np.random.default_rng(count)
    corner, extent = rng.uniform(0, 300, (count, 2)), rng.uniform(30, 200, (count, 2))
    return Boxes.from_arrays(np.concatenate([corner, corner + extent], axis=1))


@pytest.mark.parametrize(
    ("people", "runs"), [(0, []), (1, [1]), (3, [3]), (4, [4]), (9, [4, 4, 1])]
)
def test_people_are_read_in_batches(people: int, runs: list[int]) -> None:
    session = planted(telling)
    boxes = many(people)
    poses = SimccEstimator(session, batch=4, **CARD)(PICTURE, boxes)
    assert [len(batch) for batch in session.shown] == runs
    alone = SimccEstimator(planted(telling), batch=1, **CARD)(PICTURE, boxes)
    assert (poses.keypoints == alone.keypoints).all()
    assert (poses.scores == alone.scores).all()
    assert len(poses) == people


@pytest.mark.parametrize(("people", "runs"), [(1, 1), (4, 1), (5, 1), (6, 2), (10, 2)])
def test_a_fixed_batch_is_padded_without_a_wasted_run(people: int, runs: int) -> None:
    session = planted(telling, shape=(5, 3, 384, 288), declared=[(5, 133, 576), (5, 133, 768)])
    poses = SimccEstimator(session, **CARD)(PICTURE, many(people))
    assert [len(batch) for batch in session.shown] == [5] * runs
    assert not session.shown[-1][people - 5 * (runs - 1) :].any()
    alone = SimccEstimator(planted(telling), batch=1, **CARD)(PICTURE, many(people))
    assert (poses.keypoints == alone.keypoints).all()


def test_batches_reach_across_pictures() -> None:
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (h, 400, 3), dtype=np.uint8) for h in (300, 500, 200, 640)]
    boxes = [many(3), many(0), many(6), many(2)]
    session = planted(telling)
    estimator = SimccEstimator(session, batch=4, **CARD)
    together = estimator.read_pictures(pictures, boxes)
    assert [len(batch) for batch in session.shown] == [4, 4, 2]
    for poses, picture, found in zip(together, pictures, boxes, strict=True):
        alone = estimator(picture, found)
        assert (poses.keypoints == alone.keypoints).all()
        assert (poses.scores == alone.scores).all()
        assert poses.image_size == ImageSize.of(picture)
    assert [len(poses) for poses in together] == [3, 0, 5, 2]  # one box lies below its picture


def test_four_hundred_people_take_the_memory_of_one_batch() -> None:
    def forget(_: Tensor) -> Sequence[Tensor]:
        session.shown.clear()
        return [np.repeat(output, 8, axis=0) for output in bins()]

    session = planted(forget)
    estimator = SimccEstimator(session, **CARD)
    tracemalloc.start()
    poses = estimator(PICTURE, many(400))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(poses) == 400
    assert peak < 60e6


def test_no_pictures_are_no_poses() -> None:
    assert SimccEstimator(planted(), **CARD).read_pictures([], []) == []


def test_a_picture_without_its_boxes_is_an_error() -> None:
    with pytest.raises(PoseError, match="1 pictures need as many Boxes, got 0"):
        SimccEstimator(planted(), **CARD).read_pictures([PICTURE], [])


def test_boxes_that_hold_nobody_are_left_out() -> None:
    corners: list[list[float]] = (
        [[np.nan, 0, 9, 9], [0, 0, np.inf, 9], [5, 5, 5, 9], [-90, -9, -5, 20], [640, 9, 700, 99],
         [-1e30, 0, 1e30, 99], [900, 100, 100, 900], [100, 50, 300, 450], [-50, -50, 900, 900]]
    )  # fmt: skip
    poses = SimccEstimator(planted(), **CARD)(PICTURE, Boxes.from_arrays(corners))
    assert poses.boxes.xyxy.tolist() == [[100, 50, 300, 450], [-50, -50, 900, 900]]


def test_a_callers_picture_is_left_as_it_was() -> None:
    picture = PICTURE.copy()
    picture.setflags(write=False)
    estimator = SimccEstimator(planted(telling), **CARD)
    turned = picture[::-1, ::-1]
    assert (estimator(turned, BOX).scores == estimator(turned.copy(), BOX).scores).all()
    assert (picture == PICTURE).all()


# ---------------------------------------------------------------- whatever it answers


def spoilt(value: float, *, axis: int | None = None, joint: int | None = None) -> Any:
    outputs = bins()
    for one in [0, 1] if axis is None else [axis]:
        outputs[one][:, slice(None) if joint is None else joint] = value
    return outputs


SEEN = {"all": 133, "one": 132, "none": 0}
FAULTS: dict[str, tuple[Any, str]] = {  # one person's outputs, which keypoints are seen
    "all NaN": (spoilt(np.nan), "none"),
    "all infinite": (spoilt(np.inf), "none"),
    "all minus infinite": (spoilt(-np.inf), "none"),
    "one keypoint NaN": (spoilt(np.nan, joint=7), "one"),
    "one axis NaN": (spoilt(np.nan, axis=1), "none"),
    "all zero": (spoilt(0), "none"),
    "all negative": (spoilt(-3), "none"),
    "one axis zero": (spoilt(0, axis=0), "none"),
    "scores above 1": (bins(height=(7.5, 30)), "all"),
    "all 1e30": (spoilt(1e30), "all"),
    "peaks in the last bins": (bins((575, 767)), "all"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_any_answer_gives_the_keypoints_that_are_there(fault: str) -> None:
    answer, seen = FAULTS[fault]
    poses = SimccEstimator(planted(answer), **CARD)(PICTURE, BOX)
    assert np.isfinite(poses.keypoints).all()
    assert np.isfinite(poses.scores).all()
    assert (poses.scores > 0).sum() == SEEN[seen]
    assert not poses.keypoints[poses.scores == 0].any()
    assert (poses.scores >= 0).all()


REFUSED: dict[str, tuple[Any, Any]] = {
    "17 keypoints": (INPUT, [(None, 17, 576), (None, 17, 768)]),
    "134 keypoints": (INPUT, [(None, 134, 576), (None, 134, 768)]),
    "swapped bins": (INPUT, [(None, 133, 768), (None, 133, 576)]),
    "bins of another size": ((None, 3, 256, 192), DECLARED),
    "one output": (INPUT, DECLARED[:1]),
    "no output": (INPUT, []),
    "heatmaps": (INPUT, [(None, 133, 96, 72), (None, 133, 96, 72)]),
    "a detector": ((1, 3, 640, 640), [(1, 8400, 85)]),
    "sides left open": ((None, 3, None, None), DECLARED),
    "channels last": ((None, 384, 288, 3), DECLARED),
    "a flat input": ((None, 99), DECLARED),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_gives_no_whole_body_bins_is_refused_when_loaded(kind: str) -> None:
    shape, declared = REFUSED[kind]
    with pytest.raises(ModelError, match=r"planted\.onnx .*this is no .*expected .*got "):
        SimccEstimator(planted(shape=shape, declared=declared), **CARD)


def test_the_bar_asks_for_twelve_faults() -> None:
    assert len(FAULTS) + 1 == 12  # the twelfth: a network that is refused


def test_bytes_in_are_refused() -> None:
    with pytest.raises(ModelError, match="uint8"):
        SimccEstimator(planted(dtype="uint8"), **CARD)


def test_a_graph_that_leaves_its_outputs_open_is_tried_once() -> None:
    opened: list[tuple[int | None, ...]] = [(None, None, 576), (None, None, 768)]
    session = planted(declared=opened)
    SimccEstimator(session, **CARD)
    assert [batch.shape for batch in session.shown] == [(1, 3, 384, 288)]
    wrong = [output[:, :17] for output in bins()]
    with pytest.raises(ModelError, match=r"got \(1, 17, 576\) and \(1, 17, 768\)"):
        SimccEstimator(planted(wrong, declared=opened), **CARD)


def test_an_answer_that_is_not_what_the_graph_says_is_an_error() -> None:
    estimator = SimccEstimator(planted([output[:, :17] for output in bins()]), **CARD)
    with pytest.raises(ModelError, match=r"expected outputs \(1, 133, 576\)"):
        estimator(PICTURE, BOX)


def test_outputs_are_known_by_their_names() -> None:
    turned = planted(bins()[::-1], names=NAMES[::-1], declared=DECLARED[::-1])
    poses = SimccEstimator(turned, **CARD)(PICTURE, BOX)
    plain = SimccEstimator(planted(), **CARD)(PICTURE, BOX)
    assert (poses.keypoints == plain.keypoints).all()


@pytest.mark.parametrize(
    "wrong", [{"channel_order": "GBR"}, {"batch": 0}, {"mean": (1, 2)}, {"std": (1, 0, 1)},
              {"mean": (1, 2, float("nan"))}]
)  # fmt: skip
def test_options_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(wrong))):
        SimccEstimator(planted(), **{**CARD, **wrong})


# ---------------------------------------------------------------- networks that run


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simcc("test", (64, 48)).save(tmp_path_factory.mktemp("simcc") / "small.onnx")


def test_a_real_graph_is_read(small: Path) -> None:
    estimator = SimccEstimator(open_session(small), **CARD)
    assert estimator.crop_size == (64, 48)
    tall = Boxes.from_arrays([[100, 20, 200, 260], [300, 100, 500, 460]])
    poses = estimator(PICTURE, tall)
    tops = [plant_pose((64, 48), axis)[0].max(axis=-1) for axis in "xy"]
    np.testing.assert_allclose(poses.scores[0], np.minimum(*tops), atol=0.1)
    box = tall.xyxy[0]
    wanted = box[:2] + standing_person() * (box[2:] - box[:2])
    bin_side = 240 * 1.25 / 64 / 2
    assert np.median(np.abs(poses.keypoints[0] - wanted)) <= bin_side


def test_batches_of_a_real_graph_are_what_it_says_one_by_one(small: Path) -> None:
    session = open_session(small)
    boxes = many(11)
    one = SimccEstimator(session, batch=1, **CARD)(PICTURE, boxes)
    for batch in (3, 8):
        poses = SimccEstimator(session, batch=batch, **CARD)(PICTURE, boxes)
        assert (poses.keypoints == one.keypoints).all()
        np.testing.assert_allclose(poses.scores, one.scores, rtol=1e-5)


def test_threads_share_an_estimator(small: Path) -> None:
    estimator = SimccEstimator(open_session(small), **CARD)
    crowds = [many(count) for count in (1, 5, 9, 2)] * 2
    alone = [estimator(PICTURE, boxes) for boxes in crowds]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda boxes: estimator(PICTURE, boxes), crowds))
    for one, other in zip(alone, together, strict=True):
        assert (one.keypoints == other.keypoints).all()
        assert (one.scores == other.scores).all()


def test_the_whole_takes_it_for_an_estimator(small: Path) -> None:
    estimator: PoseEstimator = SimccEstimator(open_session(small), **CARD)

    def find(image: RgbImage, *, score: float | None = None) -> Boxes:
        return BOX

    detector: PersonDetector = find
    poses = DwOpenpose(detector, estimator, model="tiny", description="").detect(PICTURE)
    assert len(poses) == 1


@pytest.mark.parametrize(
    ("size", "millions", "billions", "billions_384"),
    [("t", 5.520, 0.548, 1.125), ("s", 8.384, 0.905, 1.927), ("m", 17.953, 2.216, 4.877),
     ("l", 33.481, 4.510, 10.039), ("x", 56.580, 8.071, 18.050)],
)  # fmt: skip
def test_the_stand_ins_are_as_large_as_the_published_ones(
    size: str, millions: float, billions: float, billions_384: float
) -> None:
    plain, large = simcc(size, (256, 192)), simcc(size, (384, 288))
    assert plain.parameters / 1e6 == pytest.approx(millions, abs=0.001)
    assert large.parameters / 1e6 == pytest.approx(millions + 0.130, abs=0.001)
    assert plain.multiply_adds / 1e9 == pytest.approx(billions, abs=0.001)
    assert large.multiply_adds / 1e9 == pytest.approx(billions_384, abs=0.001)
