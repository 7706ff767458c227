"""People found by YOLOX: the published arithmetic, and whatever a network may answer."""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from dw_openpose_full.backends import open_session
from dw_openpose_full.detector import MOST_PEOPLE, YoloxDetector, suppress
from dw_openpose_full.errors import ModelError, OptionError
from dw_openpose_full.pictures import read_picture
from dw_openpose_full.poses import ImageSize
from faithful_networks import PlantedSession, people_on_a_grid, plant_boxes, yolox

CELLS = 8400
STRIDE = 8  # of the first cells
SQUARE = np.full((640, 640, 3), 90, np.uint8)  # a picture that the letterbox leaves alone
WIDE = np.full((320, 640, 3), 90, np.uint8)  # its letterbox has a border below


def head(*rows: tuple[int, list[float]], cells: int = CELLS) -> NDArray[np.float32]:
    """An undecoded output, zero but for rows ``(cell, [x, y, w, h, objectness, person])``."""
    output = np.zeros((1, cells, 85), np.float32)
    for cell, values in rows:
        output[0, cell, : len(values)] = values
    return output


def planted(output: NDArray[Any], side: int = 640) -> PlantedSession:
    return PlantedSession((1, 3, side, side), [output])


def at(x1: float, y1: float, x2: float, y2: float, score: float) -> Any:
    """A row that says this box, ``(cell, values)``; of the first cell."""
    stride = STRIDE
    centre = [(x1 + x2) / 2 / stride, (y1 + y2) / 2 / stride]
    extent = [math.log((x2 - x1) / stride), math.log((y2 - y1) / stride)]
    return 0, [*centre, *extent, 1.0, score]


def several(*boxes: Any) -> NDArray[np.float32]:
    """One row for each box ``(x1, y1, x2, y2, score)``, in the cells of the first row."""
    output = head()
    for cell, box in enumerate(boxes):
        values = at(*box)[1]
        values[0] -= cell
        output[0, cell, :6] = values
    return output


# ---------------------------------------------------------------- goldens


@pytest.mark.parametrize(
    ("picture", "inside"),
    [((512, 768), (426, 640)), ((1000, 333), (640, 213)), ((641, 639), (640, 638)),
     ((1920, 1080), (640, 360)), ((3, 640), (3, 640)), ((5000, 7), (640, 1)),
     ((40000, 600), (640, 9)), ((1, 1), (640, 640))],
)  # fmt: skip
def test_the_letterbox_is_the_published_one(
    picture: tuple[int, int], inside: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (picture[1], picture[0], 3), dtype=np.uint8)
    session = planted(head())
    YoloxDetector(session)(image)
    (batch,) = session.shown
    assert batch.shape == (1, 3, 640, 640)
    assert batch.dtype == np.float32
    wanted = np.full((640, 640, 3), 114, np.uint8)
    bgr = np.ascontiguousarray(image[..., ::-1])
    wanted[: inside[1], : inside[0]] = cv2.resize(bgr, inside, interpolation=cv2.INTER_LINEAR)
    assert (batch[0] == wanted.transpose(2, 0, 1)).all()


@pytest.mark.parametrize(
    ("cell", "box"),
    [(0, (0, 0, 8, 8)), (79, (632, 0, 8, 8)), (80, (0, 8, 8, 8)), (6399, (632, 632, 8, 8)),
     (6400, (0, 0, 16, 16)), (7999, (624, 624, 16, 16)), (8000, (0, 0, 32, 32)),
     (8399, (608, 608, 32, 32))],
)  # fmt: skip
def test_raw_zeros_decode_to_the_published_boxes(cell: int, box: tuple[int, ...]) -> None:
    found = YoloxDetector(planted(head((cell, [0, 0, 0, 0, 1, 1]))))(SQUARE)
    x, y, width, height = box
    corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    assert found.xyxy.tolist() == [corners]


def test_suppression_keeps_the_published_boxes_in_the_published_order() -> None:
    boxes = np.array(
        [[0, 0, 100, 200], [10, 0, 110, 200], [60, 0, 160, 200], [300, 300, 310, 310]], np.float32
    )
    scores = np.array([0.9, 0.8, 0.7, 0.95], np.float32)
    assert suppress(boxes, scores, 0.45, most=9) == [3, 0, 2]
    for overlap, kept in ((0.8197, [3, 0, 2]), (0.8199, [3, 0, 1, 2]), (0.2546, [3, 0])):
        assert suppress(boxes, scores, overlap, most=9) == kept
    assert suppress(boxes, scores, 0.45, most=2) == [3, 0]


def published_way(output: NDArray[Any], image_size: ImageSize) -> list[list[float]]:
    """All classes above .1 suppressed one by one, then people above .3: in plain loops, float64."""
    ratio = min(640 / image_size.height, 640 / image_size.width)
    cells = [
        (x, y, stride)
        for stride in (8, 16, 32)
        for y in range(640 // stride)
        for x in range(640 // stride)
    ]
    people = []
    for (x, y, stride), row in zip(cells, output[0].tolist(), strict=True):
        score = row[4] * row[5]
        if score <= 0.1:
            continue
        middle = [(row[0] + x) * stride, (row[1] + y) * stride]
        half = [math.exp(row[2]) * stride / 2, math.exp(row[3]) * stride / 2]
        low, high = ([m + sign * h for m, h in zip(middle, half, strict=True)] for sign in (-1, 1))
        people.append([*(value / ratio for value in (*low, *high)), score])
    people.sort(key=lambda person: -person[4])
    kept: list[list[float]] = []
    for person in people:
        if all(overlap_of(person, other) <= 0.45 for other in kept):
            kept.append(person)
    return [person for person in kept if person[4] > 0.3]


def overlap_of(a: list[float], b: list[float]) -> float:
    across = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    down = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return across * down / (sum(areas) - across * down)


@pytest.mark.parametrize("count", [1, 4, 10, 40])
def test_people_only_and_one_threshold_give_the_boxes_of_the_longer_way(count: int) -> None:
    image = np.zeros((768, 512, 3), np.uint8)
    output = plant_boxes(people_on_a_grid(count, 426, 640), seed=count)
    output[0, :, 5] = np.maximum(output[0, :, 5], output[0, :, 6:].max(axis=1) * 0.6)  # rivals
    rng = np.random.default_rng(0)
    output[0, :, 4] *= rng.uniform(0.999, 1, CELLS)  # no two scores are the same
    found = YoloxDetector(planted(output))(image)
    people = published_way(output, ImageSize.of(image))
    wanted = np.array([person for person in people if person[0] < 512 and person[1] < 768])
    assert len(found) == len(wanted) >= count
    np.testing.assert_allclose(found.xyxy, wanted[:, :4], rtol=1e-5, atol=2e-3)
    np.testing.assert_allclose(found.scores, wanted[:, 4], rtol=1e-6)


# ---------------------------------------------------------------- channel order


@pytest.mark.parametrize(
    ("choice", "order"),
    [({}, "BGR"), ({"channel_order": "RGB"}, "RGB"), ({"parity": True}, "RGB"),
     ({"parity": True, "channel_order": "BGR"}, "RGB")],
)  # fmt: skip
def test_the_network_sees_bgr_unless_parity_with_the_webui_is_asked_for(
    choice: Any, order: str
) -> None:
    session = planted(head())
    YoloxDetector(session, **choice)(np.full((640, 640, 3), (10, 20, 30), np.uint8))
    seen = session.shown[0][0, :, 0, 0].tolist()
    assert seen == ([30, 20, 10] if order == "BGR" else [10, 20, 30])


# ---------------------------------------------------------------- whatever it answers

ONE = at(100, 100, 300, 500, 0.9)
OTHER_CLASS = head((0, [20, 20, 3, 3, 1, 0, 0.9]))
EVERYWHERE = np.tile(np.array([0, 0, 0, 0, 1, 0.9] + [0] * 79, np.float32), (1, CELLS, 1))
FAULTS: dict[str, tuple[NDArray[Any], NDArray[Any], int]] = {  # picture, output, people
    "nothing at all": (SQUARE, head(), 0),
    "only a cat": (SQUARE, OTHER_CLASS, 0),
    "people at .1 to .3": (SQUARE, several((9, 9, 99, 99, 0.12), (200, 9, 300, 99, 0.3)), 0),
    "all NaN": (SQUARE, np.full((1, CELLS, 85), np.nan, np.float32), 0),
    "all infinite": (SQUARE, np.full((1, CELLS, 85), np.inf, np.float32), 0),
    "all 1e30": (SQUARE, np.full((1, CELLS, 85), 1e30, np.float32), 0),
    "all -1e30": (SQUARE, np.full((1, CELLS, 85), -1e30, np.float32), 0),
    "a NaN box beside a person": (
        SQUARE, head(ONE, (7, [np.nan, 0, 0, 0, 1, 0.95])), 1),
    "a NaN score beside a person": (SQUARE, head(ONE, (7, [0, 0, 3, 3, 1, np.nan])), 1),
    "an infinite score beside a person": (SQUARE, head(ONE, (7, [40, 40, 3, 3, 1, np.inf])), 1),
    "a box at 1e30": (SQUARE, head(ONE, (7, [1e30, 1e30, 0, 0, 1, 0.95])), 1),
    "a box of infinite width": (SQUARE, head(ONE, (7, [np.inf, 5, 1e30, 0, 1, 0.95])), 1),
    "a box of width 1e30": (SQUARE, head(ONE, (7, [5, 5, 69, 3, 1, 0.95])), 1),
    "zero area": (SQUARE, head(ONE, (7, [40, 40, -200, -200, 1, 0.95])), 1),
    "outside the picture": (SQUARE, several((-90, -90, -5, -5, 0.9), (700, 9, 900, 99, 0.9)), 0),
    "in the letterbox's border": (WIDE, several((100, 400, 200, 600, 0.9)), 0),
    "over the picture's edge": (SQUARE, several((-50, -50, 200, 700, 0.9)), 1),
    "one person twice": (SQUARE, several((9, 9, 300, 600, 0.9), (12, 9, 305, 598, 0.8)), 1),
    "a hundred people": (SQUARE, plant_boxes(people_on_a_grid(100, 640, 640), others=0), 100),
    "four hundred people": (SQUARE, plant_boxes(people_on_a_grid(400, 640, 640), others=0), 400),
    "8400 boxes": (SQUARE, EVERYWHERE, MOST_PEOPLE),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_any_answer_gives_the_people_that_are_there(fault: str) -> None:
    picture, output, people = FAULTS[fault]
    before = picture.copy()
    found = YoloxDetector(planted(output))(picture)
    assert len(found) == people
    assert np.isfinite(found.xyxy).all()
    assert ((found.scores > 0.3) & (found.scores <= 1)).all()
    assert (found.xyxy[:, 2:] > found.xyxy[:, :2]).all()
    assert (np.diff(found.scores) <= 0).all()
    assert (picture == before).all()


def test_there_are_as_many_faults_as_the_bar_asks_for() -> None:
    assert len(FAULTS) == 21


def test_more_boxes_than_people_can_be_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        YoloxDetector(planted(EVERYWHERE))(SQUARE)
    assert caplog.messages == ["more than 500 people found; the surest are kept"]


def test_scores_of_halved_precision_are_read() -> None:
    session = PlantedSession((1, 3, 640, 640), [head(ONE).astype(np.float16)], dtype="float16")
    found = YoloxDetector(session)(SQUARE)
    assert session.shown[0].dtype == np.float16
    np.testing.assert_allclose(found.xyxy, [[100, 100, 300, 500]], atol=1.5)


# ---------------------------------------------------------------- networks that suppress inside


def suppressed(dets: Any, labels: Any = None) -> PlantedSession:
    dets = np.array(dets, np.float32).reshape(1, -1, 5)
    outputs = [dets] if labels is None else [dets, np.array([labels], np.int64)]
    declared: list[tuple[int | None, ...]] = [(1, None, 5), (1, None)]
    return PlantedSession((None, 3, 416, 416), outputs, declared=declared[: len(outputs)])


def test_boxes_of_a_network_that_suppresses_inside_come_home() -> None:
    dets = [[10, 20, 100, 200, 0.5], [11, 20, 100, 200, 0.9], [10, 20, 100, 200, 0.3],
            [np.nan, 0, 9, 9, 0.9], [200, 300, 250, 400, 0.9]]  # fmt: skip
    found = YoloxDetector(suppressed(dets))(np.zeros((416, 832, 3), np.uint8))
    assert found.xyxy.tolist() == [[22, 40, 200, 400], [20, 40, 200, 400]]
    assert found.scores.tolist() == [np.float32(0.9), 0.5]


def test_only_people_of_a_network_that_tells_classes() -> None:
    dets = [[10, 20, 100, 200, 0.5], [11, 20, 100, 200, 0.9]]
    assert len(YoloxDetector(suppressed(dets, [0, 15]))(np.zeros((416, 416, 3), np.uint8))) == 1


def test_none_inside_is_nobody() -> None:
    assert len(YoloxDetector(suppressed([]))(np.zeros((9, 9, 3), np.uint8))) == 0


# ---------------------------------------------------------------- what is refused

PLAIN = (1, 3, 640, 640)
REFUSED: dict[str, tuple[Any, list[Any]]] = {
    "a pose network": ((None, 3, 384, 288), [(None, 133, 576), (None, 133, 768)]),
    "a classifier": (PLAIN, [(1, 1000)]),
    "cells of another size": ((1, 3, 416, 416), [(1, CELLS, 85)]),
    "no classes": (PLAIN, [(1, CELLS, 4)]),
    "three outputs": (PLAIN, [(1, None, 5), (1, None), (1,)]),
    "no output": (PLAIN, []),
    "a side that is no multiple of 32": ((1, 3, 630, 640), [(1, CELLS, 85)]),
    "sides left open": ((1, 3, None, None), [(1, CELLS, 85)]),
    "channels last": ((1, 640, 640, 3), [(1, CELLS, 85)]),
    "a batch of four": ((4, 3, 640, 640), [(4, CELLS, 85)]),
    "a flat input": ((1, 640), [(1, CELLS, 85)]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_yolox_is_refused_when_loaded(kind: str) -> None:
    shape, declared = REFUSED[kind]
    with pytest.raises(ModelError, match=r"planted\.onnx .*no YOLOX .*expected .* but its"):
        YoloxDetector(PlantedSession(shape, [], declared=declared))


def test_bytes_in_are_refused() -> None:
    with pytest.raises(ModelError, match="uint8"):
        YoloxDetector(PlantedSession(PLAIN, [head()], dtype="uint8"))


def test_a_graph_that_leaves_its_output_open_is_tried_once() -> None:
    wanted = PlantedSession(PLAIN, [head(ONE)], declared=[(None, None, None)])
    assert len(YoloxDetector(wanted)(SQUARE)) == 1
    other = PlantedSession(PLAIN, [np.zeros((1, 9, 9))], declared=[(1, None, None)])
    with pytest.raises(ModelError, match="no YOLOX"):
        YoloxDetector(other)


@pytest.mark.parametrize("answer", [np.zeros((1, 9, 85)), np.zeros((1, CELLS))])
def test_an_answer_that_is_not_what_the_graph_says_is_an_error(answer: NDArray[Any]) -> None:
    detector = YoloxDetector(PlantedSession(PLAIN, [answer], declared=[(1, CELLS, 85)]))
    with pytest.raises(ModelError, match="came as"):
        detector(SQUARE)


def test_another_answer_of_a_network_that_suppresses_is_an_error() -> None:
    flat = PlantedSession(PLAIN, [np.zeros((3, 5))], declared=[(1, None, 5)])
    with pytest.raises(ModelError, match="came as"):
        YoloxDetector(flat)(SQUARE)
    with pytest.raises(ModelError, match="classes came as"):
        YoloxDetector(suppressed([[1, 2, 3, 4, 0.9]], [0, 0]))(SQUARE)


@pytest.mark.parametrize("wrong", [{"channel_order": "GBR"}, {"score": 2}, {"overlap": -0.1},
                                   {"score": math.nan}])  # fmt: skip
def test_options_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(OptionError, match=next(iter(wrong))):
        YoloxDetector(planted(head()), **wrong)


# ---------------------------------------------------------------- networks that run


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> YoloxDetector:
    """A small YOLOX that sees two people in every picture."""
    people = [[10, 20, 50, 120], [70, 30, 110, 125]]
    path = tmp_path_factory.mktemp("yolox") / "small.onnx"
    yolox("test", planted=plant_boxes(people, side=128)).save(path)
    return YoloxDetector(open_session(path))


def test_a_real_graph_is_read(small: YoloxDetector) -> None:
    assert small.input_size == (128, 128)
    found = small(np.full((256, 256, 3), 90, np.uint8))
    np.testing.assert_allclose(found.xyxy, [[20, 40, 100, 240], [140, 60, 220, 250]], atol=0.2)
    np.testing.assert_allclose(found.scores, [0.93, 0.92], atol=0.01)


def test_threads_share_a_detector(small: YoloxDetector) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (n, 300, 3), dtype=np.uint8) for n in (99, 300, 640, 31) * 2]
    alone = [small(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(small, pictures))
    for one, other in zip(alone, together, strict=True):
        assert (one.xyxy == other.xyxy).all()


def test_pictures_seen_through_strides_are_read(small: YoloxDetector) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (99, 70, 3), dtype=np.uint8)
    picture.setflags(write=False)
    turned = picture[::-1, ::-1]
    assert (small(turned).xyxy == small(turned.copy()).xyxy).all()


@pytest.fixture(scope="module")
def nano(shared: Path) -> Path:
    path = shared / "models/yolox_nano.onnx"
    if not path.is_file():
        pytest.skip("no yolox_nano.onnx among the reference material")
    return path


def boxes_overlap(truth: list[float], found: NDArray[np.float32]) -> float:
    """Best overlap of an annotated ``x, y, width, height`` with found boxes."""
    x, y, width, height = truth
    annotated = [x, y, x + width, y + height]
    return max((overlap_of(annotated, box.tolist()) for box in found), default=0.0)


@pytest.mark.parametrize(("score", "missed"), [(0.3, 1), (0.2, 0)])
def test_a_real_yolox_finds_the_annotated_people(
    nano: Path, shared: Path, score: float, missed: int
) -> None:
    detector = YoloxDetector(open_session(nano), score=score)
    assert detector.input_size == (416, 416)
    annotations = json.loads((shared / "annotations/coco_wholebody_2.json").read_text("utf-8"))
    overlaps, strangers = [], 0
    for image in annotations["images"]:
        found = detector(read_picture(shared / "photos" / image["file_name"]))
        people = [
            person["bbox"]
            for person in annotations["annotations"]
            if person["image_id"] == image["id"]
        ]
        overlaps += [boxes_overlap(person, found.xyxy) for person in people]
        strangers += len(found) - sum(one > 0.5 for one in overlaps[-len(people) :])
    assert len(overlaps) == 6
    # one, half hidden behind another, has a score of .2 to .3 from the smallest YOLOX
    assert sum(one < 0.7 for one in overlaps) == missed
    assert strangers == 0


def test_a_real_yolox_finds_the_people_at_the_bus_stop(nano: Path, shared: Path) -> None:
    found = YoloxDetector(open_session(nano))(read_picture(shared / "photos/bus.jpg"))
    assert len(found) == 3
    for x in (130, 285, 740):  # where they stand
        assert np.abs(found.xyxy[:, ::2].mean(axis=1) - x).min() < 30
    assert found.scores.min() > 0.6


def test_the_stand_ins_are_built_as_the_real_file(nano: Path, tmp_path: Path) -> None:
    ours = onnx.load(str(yolox("nano").save(tmp_path / "nano.onnx")))
    real = onnx.load(str(nano))

    def operators(model: onnx.ModelProto) -> Counter[str]:
        return Counter(node.op_type for node in model.graph.node)

    def kernels(model: onnx.ModelProto) -> Counter[tuple[int, ...]]:
        sides = (tuple(weight.dims) for weight in model.graph.initializer)
        return Counter(dims for dims in sides if len(dims) == 4)

    assert operators(ours) - operators(real) == {"Add": 1}  # of the planted answer
    assert not operators(real) - operators(ours)
    assert kernels(ours) == kernels(real)
    for side in ("input", "output"):
        (one,), (other,) = getattr(ours.graph, side), getattr(real.graph, side)
        assert one == other


@pytest.mark.parametrize(
    ("size", "millions"),
    [("nano", 0.91), ("tiny", 5.06), ("s", 9.0), ("m", 25.3), ("l", 54.2), ("x", 99.1)],
)
def test_the_stand_ins_are_as_large_as_the_published_ones(size: str, millions: float) -> None:
    assert yolox(size).parameters / 1e6 == pytest.approx(millions, abs=0.05)


def test_the_large_stand_in_computes_as_much_as_the_published_one() -> None:
    network = yolox("l")
    assert network.multiply_adds / 1e9 == pytest.approx(77.65, abs=0.005)
    bytes_of_weights = 4 * network.parameters
    assert 216e6 < bytes_of_weights < 220e6  # and the planted answer: 2.9 MB
