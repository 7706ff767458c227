"""Measuring: COCO-WholeBody's numbers, bad files, and predictions that survive a kill."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from dw_openpose_full.assembly import NO_DETECTOR, Supply
from dw_openpose_full.backends import Tensor, open_session
from dw_openpose_full.cli.evaluate import evaluate
from dw_openpose_full.errors import (
    DataSetError,
    DependencyError,
    DwPoseError,
    OptionError,
    OutputError,
)
from dw_openpose_full.estimator import SimccEstimator
from dw_openpose_full.evaluation import libraries
from dw_openpose_full.evaluation.annotations import Annotations
from dw_openpose_full.evaluation.boxes import annotated_boxes, detected_boxes
from dw_openpose_full.evaluation.flip import FlippedSession
from dw_openpose_full.evaluation.journal import Journal
from dw_openpose_full.evaluation.libraries import LIBRARIES, Library
from dw_openpose_full.evaluation.metrics import measure
from dw_openpose_full.evaluation.parts import FIELDS, PARTS, STATISTICS
from dw_openpose_full.evaluation.predicting import Choice, Task
from dw_openpose_full.evaluation.predictions import Predictions
from dw_openpose_full.evaluation.published import PUBLISHED, SHOWN
from dw_openpose_full.evaluation.repeats import person_scores, without_repeats
from dw_openpose_full.evaluation.report import table
from dw_openpose_full.evaluation.ubody import of_videos, read_videos
from dw_openpose_full.pictures import read_picture
from dw_openpose_full.pipeline import DwOpenpose
from dw_openpose_full.poses import Boxes, WholeBodyPoses
from dw_openpose_full.skeleton import MIRRORED
from dw_openpose_full.zoo.cards import IMAGENET_RGB
from dw_openpose_full.zoo.folders import FOLDER_VARIABLE
from evaluation_fixture import REFERENCE, REFERENCE_WITHOUT_AREAS, data_set, write
from evaluation_twin import statistics
from faithful_networks import PlantedSession, simcc, standing_person

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "docs/sample.jpg"
Json = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the synthetic data set in it as ``gt.json`` and ``pred.json``."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Library:
    """Each of the libraries that is installed."""
    try:
        return Library.open(request.param)
    except DependencyError:
        pytest.skip(f"{request.param} is not installed")


@pytest.fixture
def any_library() -> Library:
    """The library that the command takes."""
    try:
        return Library.open()
    except DependencyError as error:
        pytest.skip(str(error))


def run(*words: str | Path) -> int:
    """The command; its errors are raised."""
    try:
        Library.open()
    except DependencyError as error:
        pytest.skip(str(error))
    return int(evaluate.main(list(map(str, words)), standalone_mode=False))


def measured(truth: Json, results: list[Json], library: Library, **how: Any) -> dict[str, Json]:
    Path("gt.json").write_text(json.dumps(truth))
    Path("pred.json").write_text(json.dumps(results))
    annotations = Annotations.read(Path("gt.json"), **how)
    found = Predictions.read(Path("pred.json"), annotations.pictures)
    return measure(annotations, found, library)


def farthest(results: Any, reference: dict[str, Any]) -> float:
    """Largest difference of any of the sixty numbers."""
    assert list(results) == list(reference) == [part.name for part in PARTS]
    return max(
        abs(results[part][name] - number)
        for part, numbers in reference.items()
        for name, number in (
            numbers.items() if isinstance(numbers, dict) else zip(STATISTICS, numbers, strict=True)
        )
    )


# ---------------------------------------------------------------- the numbers


def test_the_sixty_numbers_are_the_reference_s(folder: Path, library: Library) -> None:
    assert farthest(measured(*data_set(), library), REFERENCE) <= 1e-12


def test_with_areas_off_they_are_the_reference_s_too(folder: Path, library: Library) -> None:
    results = measured(*data_set(), library, area_from_box=True)
    assert farthest(results, REFERENCE_WITHOUT_AREAS) <= 1e-12


def test_the_slow_twin_gives_the_reference_s_numbers() -> None:
    assert farthest(statistics(*data_set()), REFERENCE) <= 1e-12
    assert farthest(statistics(*data_set(), areas=False), REFERENCE_WITHOUT_AREAS) <= 1e-12


def test_other_data_sets_are_measured_as_the_slow_twin_does(folder: Path, library: Library) -> None:
    truth, results = data_set(seed=5)
    assert farthest(measured(truth, results, library), statistics(truth, results)) <= 1e-12


def test_perfect_predictions_score_one_and_an_empty_part_minus_one(
    folder: Path, library: Library
) -> None:
    truth = data_set()[0]
    for person in truth["annotations"]:
        person["iscrowd"], person["area"] = 0, 5000.0
        person["keypoints"][2::3] = [1] * 17
        person["lefthand_kpts"] = [0] * 63
    crowded = [person for person in truth["annotations"] if person["image_id"] != 40]
    truth["annotations"] = crowded
    results = measured(truth, [dict(person, score=1.0) for person in crowded], library)
    assert results["body"]["AP"] == pytest.approx(1.0, abs=1e-12)
    assert results["body"]["ARM"] == 1.0
    assert results["body"]["APL"] == -1.0
    assert set(results["lefthand"].values()) == {-1.0}


def test_a_similarity_of_one_half_is_where_its_formula_says(folder: Path, library: Library) -> None:
    truth, _ = one_person(area=400.0)
    radius = np.sqrt(2 * 400.0 * np.log(2)) * 2 * np.array(PARTS[0].sigmas)
    for share, expected in ((0.999, 1.0), (1.001, 0.0)):
        _, results = one_person(area=400.0, off=share * radius)
        numbers = measured(truth, results, library)
        assert {part: round(values["AP50"], 9) for part, values in numbers.items()} == {
            part.name: expected for part in PARTS
        }


def one_person(area: float, off: Any = 0.0) -> tuple[Json, list[Json]]:
    """Annotations and a result of one person, each keypoint ``off`` by so many pixels in x."""
    points = np.column_stack([standing_person() * 100, np.ones(133)])
    moved = points + np.column_stack([np.broadcast_to(off, 133), np.zeros((133, 2))])
    person = {"image_id": 3, "id": 0, "iscrowd": 0, "area": area, "bbox": [0, 0, 100, 100]}
    truth = {
        "images": [{"id": 3, "file_name": "a.png"}],
        "annotations": [{**person, **fields(points)}],
    }
    return truth, [{"image_id": 3, "score": 0.5, **fields(moved)}]


def fields(points: Any) -> Json:
    return {field: points[place].ravel().tolist() for field, place in FIELDS.items()}


def test_a_box_in_a_result_says_its_size_as_the_reference_has_it(
    folder: Path, library: Library
) -> None:
    truth, results = data_set()
    tiny = [dict(result, bbox=[0, 0, 5, 5]) for result in results]
    plain, boxed = (measured(truth, found, library)["body"] for found in (results, tiny))
    assert boxed["AP"] == plain["AP"]
    assert boxed["APM"] > plain["APM"]


def test_the_authors_example_gives_the_numbers_of_the_twin(
    folder: Path, shared: Path, library: Library
) -> None:
    example = shared / "annotations"
    truth = json.loads((example / "coco_wholebody_example_gt.json").read_text())
    results = json.loads((example / "coco_wholebody_example_pred.json").read_text())
    assert farthest(measured(truth, results, library), statistics(truth, results)) <= 1e-12


def test_without_a_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(libraries.importlib, "import_module", nothing)
    with pytest.raises(DependencyError, match=r'faster-coco-eval or pycocotools .*full\[eval\]"'):
        Library.open()
    with pytest.raises(OptionError, match="hotcoco"):
        Library.open("hotcoco")


# ---------------------------------------------------------------- bad files


def _nan(entry: Json) -> None:
    entry["score"] = float("nan")


def _inside_nan(entry: Json) -> None:
    entry["face_kpts"] = [float("nan"), *entry["face_kpts"][1:]]


BAD_RESULTS: dict[str, tuple[Callable[[Json], object], str]] = {
    "a field is missing": (lambda e: e.pop("foot_kpts"), "has no foot_kpts; expected COCO-Whole"),
    "too short": (lambda e: e.update(keypoints=[1, 2]), "keypoints: expected 51 numbers, got 2 "),
    "no numbers": (lambda e: e.update(face_kpts=["a"] * 204), "face_kpts: .*got a list of 204"),
    "numbers as text": (lambda e: e.update(face_kpts=["1"] * 204), "face_kpts: .*a list of 204"),
    "a score that is none": (_nan, "score: expected finite numbers"),
    "a keypoint that is none": (_inside_nan, "face_kpts: holds a number that is not finite"),
    "no score": (lambda e: e.pop("score"), "score: expected a number, got nothing"),
    "a picture nobody knows": (lambda e: e.update(image_id=99), "image_id: 99 is none of the 8"),
    "a picture's name": (lambda e: e.update(image_id="7"), "image_id: .*whole number, got '7'"),
    "another category": (lambda e: e.update(category_id=2), "category_id: expected 1, a person"),
}


@pytest.mark.parametrize("case", BAD_RESULTS)
def test_bad_results_are_counted_and_the_first_is_named(folder: Path, case: str) -> None:
    spoil, words = BAD_RESULTS[case]
    _, results = data_set()
    for number in (4, 9):
        results[number] = copy.deepcopy(results[number])
        spoil(results[number])
    Path("pred.json").write_text(json.dumps(results))
    pattern = rf"^pred.json: 2 of {len(results)} predictions can not .*is prediction 4: .*{words}"
    with pytest.raises(DataSetError, match=pattern):
        run("--annotations", "gt.json", "--predictions", "pred.json")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "expected results, the list is empty"),
        ('{"a": 1}', "expected a list of results, got an object of 1"),
        ("[1, 2]", "2 of 2 predictions .*expected an object, got 1"),
        ("[{", "this is no JSON"),
        ("", "this is no JSON"),
        ("[" * 200_000, "this is no JSON"),
        (b"\xff\xfe\x00", "expected JSON text in UTF-8"),
        (None, "can not be read: no such file"),
    ],
)
def test_files_that_are_no_results_are_refused(
    folder: Path, content: str | bytes | None, words: str
) -> None:
    place = Path("pred.json")
    place.unlink()
    if content is not None:
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataSetError, match=f"^pred.json: {words}"):
        run("--annotations", "gt.json", "--predictions", "pred.json")


BAD_TRUTH: dict[str, tuple[Callable[[Json], object], str]] = {
    "plain COCO": (
        lambda t: [person.pop("face_kpts") for person in t["annotations"]],
        "38 of 38 annotations .*annotation 0: it has no face_kpts; expected COCO-WholeBody's",
    ),
    "no annotations": (lambda t: t.pop("annotations"), "expected COCO-WholeBody annotations"),
    "no area": (lambda t: t["annotations"][2].pop("area"), "annotation 2: area: expected a number"),
    "a box of two": (lambda t: t["annotations"][1].update(bbox=[1, 2]), "annotation 1: bbox: exp"),
    "a box inside out": (lambda t: t["annotations"][1].update(bbox=[9, 9, -1, 2]), "bbox: expect"),
    "a lost picture": (lambda t: t["images"].pop(0), "3 of 38 annotations .*image_id: 0 is none"),
    "a picture twice": (lambda t: t["images"].append(t["images"][0]), "1 ids of images are taken"),
    "nobody": (lambda t: t["annotations"].clear(), "expected annotations, the list is empty"),
}


@pytest.mark.parametrize("case", BAD_TRUTH)
def test_bad_annotations_are_counted_and_the_first_is_named(folder: Path, case: str) -> None:
    spoil, words = BAD_TRUTH[case]
    truth, _ = data_set()
    spoil(truth)
    Path("gt.json").write_text(json.dumps(truth))
    with pytest.raises(DataSetError, match=f"^gt.json: .*{words}"):
        run("--annotations", "gt.json", "--predictions", "pred.json")


# ---------------------------------------------------------------- UBody


def test_ubody_counts_every_tenth_picture_with_areas_of_boxes(
    folder: Path, library: Library, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(Library, "open", lambda: library)
    truth, results = data_set()
    for person in truth["annotations"]:
        person["area"] = -7.0  # not looked at
    Path("gt.json").write_text(json.dumps(truth))
    run("--annotations", "gt.json", "--predictions", "pred.json", "--ubody", "--json", "o.json")
    tenth = {0, 10, 20, 40, 60}
    part: Json = {"images": [image for image in truth["images"] if image["id"] in tenth]}
    part["annotations"] = [p for p in truth["annotations"] if p["image_id"] in tenth]
    found = [result for result in results if result["image_id"] in tenth]
    twin = statistics(part, found, areas=False)
    assert farthest(json.loads(Path("o.json").read_text()), twin) <= 1e-12
    said = capsys.readouterr()
    assert f"{len(found)} of {len(results)} predictions" in said.err
    assert "5 of 8 pictures" in said.err


def test_ubody_s_videos_choose_among_the_tenth_pictures(folder: Path) -> None:
    np.save("videos.npy", np.array(["v1", "v9"]))
    Path("videos.txt").write_text("v1\n\n v9 \n")
    names = read_videos(Path("videos.npy"))
    assert names == read_videos(Path("videos.txt")) == {"v1", "v9"}
    truth = Annotations.read(Path("gt.json")).on(of_videos(names))
    assert set(truth.pictures) == {10, 40}
    assert set(truth.image_ids) == {40}
    np.save("pickled.npy", np.array(["v1", None], dtype=object))
    with pytest.raises(DataSetError, match=r"^pickled.npy: expected an array of names"):
        read_videos(Path("pickled.npy"))
    with pytest.raises(DataSetError, match=r"^gt.json: of its 8 pictures, the 0 that count"):
        Annotations.read(Path("gt.json")).on(of_videos({"v3"}))


# ---------------------------------------------------------------- boxes and repeats


def test_boxes_come_from_annotations_but_for_crowds_and_the_unlabelled(folder: Path) -> None:
    truth = Annotations.read(Path("gt.json"))
    boxes = annotated_boxes(truth)
    assert len(boxes[0]) == 1  # one of its three is a crowd, one has nothing labelled
    x, y, width, height = truth.boxes[0]
    np.testing.assert_allclose(boxes[0].xyxy[0], [x, y, x + width, y + height], rtol=1e-6)
    assert 10 not in boxes
    assert sum(map(len, boxes.values())) == len(truth) - 2


def test_a_detector_s_boxes_are_taken_whatever_their_score(folder: Path) -> None:
    truth = Annotations.read(Path("gt.json"))
    box = {"image_id": 7, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.001}
    others = [dict(box, image_id=1234), dict(box, category_id=3)]
    Path("det.json").write_text(json.dumps([others[0], box, others[1], dict(box, score=0.9)]))
    boxes, left_out = detected_boxes(Path("det.json"), truth)
    assert left_out == 2
    assert boxes[7].xyxy.tolist() == [[1, 2, 31, 42]] * 2
    assert boxes[7].scores.tolist() == pytest.approx([0.001, 0.9])
    Path("det.json").write_text(json.dumps(others))
    with pytest.raises(DataSetError, match=r"^det.json: none of its 2 boxes is a person's on one"):
        detected_boxes(Path("det.json"), truth)


def poses(*lefts: float, scores: Any = 0.5, boxes: tuple[float, ...] = ()) -> WholeBodyPoses:
    points = np.stack([standing_person() * 100 + (left, 0) for left in lefts])
    around = [[left, 0, left + 100, 100] for left in lefts]
    return WholeBodyPoses.from_arrays(
        points,
        np.broadcast_to(scores, points.shape[:2]),
        image_size=(200, 400),
        boxes=Boxes.from_arrays(around, boxes or [1.0] * len(lefts)),
    )


def test_a_person_ranks_by_box_and_the_keypoints_that_are_seen() -> None:
    sure = np.full(133, 0.1)
    sure[:2] = 0.6, 0.8
    ranked = person_scores(poses(0, 0, scores=sure, boxes=(1.0, 0.5)))
    assert ranked.tolist() == pytest.approx([0.7, 0.35])
    assert person_scores(poses(0, scores=0.2)).tolist() == [0.0]
    assert person_scores(poses(0, scores=0.21)).tolist() == pytest.approx([0.21])


def test_of_poses_more_than_nine_tenths_alike_the_best_stays() -> None:
    area = 125 * 125 / 0.75  # of a padded box of 100 x 100, heightened to 3 : 4
    spreads = (2 * np.array(PARTS[0].sigmas)) ** 2
    alike = {off: np.exp(-(off**2) / spreads / area / 2).mean() for off in np.arange(0, 9, 0.01)}
    near = max(off for off, similarity in alike.items() if similarity > 0.9)
    scores = np.array([0.2, 0.8, 0.5], np.float32)
    assert without_repeats(poses(0, near - 0.02, 300), scores) == [1, 2]
    assert without_repeats(poses(0, near + 0.02, 300), scores) == [1, 2, 0]


# ---------------------------------------------------------------- flip test


def test_the_mirror_exchanges_left_and_right_and_keeps_the_middle() -> None:
    assert [MIRRORED[MIRRORED[keypoint]] for keypoint in range(133)] == list(range(133))
    alone = {keypoint for keypoint in range(133) if MIRRORED[keypoint] == keypoint}
    face = {8, 27, 28, 29, 30, 33, 51, 57, 62, 66}  # chin, bridge, tip, middle of the lips
    assert alone == {0, *(23 + point for point in face)}
    assert (MIRRORED[5], MIRRORED[17], MIRRORED[23 + 36], MIRRORED[91]) == (6, 20, 23 + 45, 112)


def test_a_flipped_session_gives_the_mean_of_both_looks() -> None:
    def answer(batch: Tensor) -> list[Tensor]:
        """Keypoint 5 stands at the brightest column, 6 nowhere; y tells the looks apart."""
        x = np.zeros((len(batch), 133, 8), np.float32)
        x[:, 5, 2 * int(batch[0, 0, 0].argmax())] = 1
        return [x, np.arange(6, dtype=np.float32) * (1 + batch[0, 0, 0, 0]) + np.zeros((1, 133, 1))]

    session = PlantedSession(
        (None, 3, 3, 4), answer, declared=[(None, 133, 8), (None, 133, 6)],
        names=("simcc_x", "simcc_y"),
    )  # fmt: skip
    crop = np.zeros((1, 3, 3, 4), np.float32)
    crop[..., 0] = 4
    x, y = FlippedSession(session).run(crop)
    assert np.argwhere(x).tolist() == [[0, 5, 0], [0, 6, 1]]  # column 3 of the mirror: 6, of 8
    assert set(x[x > 0]) == {0.5}
    assert (y == np.arange(6) * 3).all()
    assert session.shown[1][0, 0, 0].tolist() == [0, 0, 0, 4]


def test_a_network_file_is_flip_tested_in_the_estimator_that_draws(folder: Path) -> None:
    file = simcc("test", (64, 48)).save(folder / "small.onnx")
    choice = Choice(str(file), NO_DETECTOR, flip_test=True)
    sample = read_picture(SAMPLE)
    twice = choice.load(Supply(offline=True)).detect(sample)
    once = DwOpenpose.load(str(file), NO_DETECTOR).detect(sample)
    session = FlippedSession(open_session(file))
    mean, std = IMAGENET_RGB.mean, IMAGENET_RGB.std
    by_hand = SimccEstimator(session, model="small", mean=mean, std=std)(sample, twice.boxes)
    np.testing.assert_array_equal(twice.keypoints, by_hand.keypoints)
    assert not np.array_equal(twice.keypoints, once.keypoints)
    assert twice.model == once.model == "small"


def test_lite_is_not_flip_tested(folder: Path) -> None:
    with pytest.raises(OptionError, match=r"flip test is for SimCC networks, and lite is none"):
        run("--annotations", "gt.json", "--images", ".", "--model", "lite", "--gt-boxes",
            "--flip-test")  # fmt: skip


# ---------------------------------------------------------------- journal


def circumstances(**others: Any) -> Json:
    return {"model": "lite", "pictures": 3, **others}


def test_a_journal_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "deep/j.jsonl"
    journal = Journal(path, circumstances())
    journal.add_(7, [{"score": 1}])
    journal.add_(0, [])
    whole = path.read_bytes()
    for torn in (b'{"image_id": 5, "resu', b'{"image_id": 5, "results": []}'):
        path.write_bytes(whole + torn)
        assert Journal(path, circumstances()).done == {7, 0}
        assert path.read_bytes() == whole
    path.write_bytes(whole[:20])
    assert Journal(path, circumstances()).done == set()
    assert path.read_bytes() == whole.splitlines(keepends=True)[0]


def test_a_journal_of_other_circumstances_is_kept_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    Journal(path, circumstances()).add_(7, [])
    whole = path.read_bytes()
    with pytest.raises(OptionError, match="made with model 'lite', not 'dwpose-l'; name another"):
        Journal(path, circumstances(model="dwpose-l"))
    assert path.read_bytes() == whole


def test_a_file_that_is_no_journal_is_never_written_to(folder: Path) -> None:
    before = Path("pred.json").read_bytes()
    with pytest.raises(OptionError, match=r"pred.json: this is no journal of predictions"):
        Journal(Path("pred.json"), circumstances())
    assert Path("pred.json").read_bytes() == before


def test_damaged_and_unwritable_journals_are_named(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    Journal(path, circumstances())
    path.write_bytes(path.read_bytes() + b"\0\0\0\n")
    with pytest.raises(DataSetError, match=r"j.jsonl, line 2: this is no JSON"):
        Journal(path, circumstances())
    with pytest.raises(OutputError, match=r"j.jsonl.x.jsonl: can not be written"):
        Journal(path / "x.jsonl", circumstances())


# ---------------------------------------------------------------- the command


@pytest.fixture
def pictures(folder: Path) -> Iterator[Json]:
    """Two pictures of one person, and nobody's; annotated with what ``lite`` says of them."""
    estimator = DwOpenpose.load("lite", "none")
    sample = read_picture(SAMPLE)
    height, width = sample.shape[:2]
    (folder / "in").mkdir()
    found = estimator.detect(sample, boxes=[[0, 0, width, height]])
    points = np.column_stack([found.keypoints[0], np.ones(133)])
    person = {"iscrowd": 0, "area": 0.4 * width * height, "bbox": [0, 0, width, height]}
    truth: Json = {"images": [], "annotations": []}
    for image in (20, 30, 40):
        truth["images"].append({"id": image, "file_name": f"{image}.jpg"})
        (folder / f"in/{image}.jpg").write_bytes(SAMPLE.read_bytes())
        if image < 40:
            truth["annotations"].append({"image_id": image, **person, **fields(points)})
    Path("gt.json").write_text(json.dumps(truth))
    return truth


LITE = ("--annotations", "gt.json", "--images", "in", "--model", "lite", "--offline")


def test_a_model_is_measured_and_its_predictions_are_kept(
    pictures: Json, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    read = Task.results

    def stumble(task: Task, estimator: DwOpenpose, image: int, path: Path) -> Any:
        if image == 30:
            raise KeyboardInterrupt
        return read(task, estimator, image, path)

    monkeypatch.setattr(Task, "results", stumble)
    with pytest.raises(click.Abort):
        run(*LITE, "--gt-boxes", "--predictions", "kept.jsonl")
    with pytest.raises(DataSetError, match=r"^kept.jsonl: holds 1 of 3 pictures; .*cut short"):
        run("--annotations", "gt.json", "--predictions", "kept.jsonl")
    monkeypatch.setattr(Task, "results", lambda task, estimator, image, path: (
        pytest.fail("done already") if image == 20 else read(task, estimator, image, path)
    ))  # fmt: skip
    run(*LITE, "--gt-boxes", "--predictions", "kept.jsonl", "--json", "o.json")
    results = json.loads(Path("o.json").read_text())
    assert results["body"]["AP"] == pytest.approx(1.0, abs=1e-9)
    said = capsys.readouterr()
    assert "1 pictures done" in said.err
    assert "whole      100.0   100.0" in said.out
    Path("o.json").unlink()
    run("--annotations", "gt.json", "--predictions", "kept.jsonl", "--json", "o.json")
    assert json.loads(Path("o.json").read_text()) == results


def test_a_picture_that_can_not_be_read_is_named_and_tried_again(
    pictures: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in/20.jpg").write_bytes(b"no picture")
    words = (*LITE, "--gt-boxes", "--predictions", "kept.jsonl", "--json", "o.json")
    for _ in range(2):
        assert run(*words) == 1
        said = capsys.readouterr()
        assert "in/20.jpg" in said.err.replace("\\", "/")
        assert "1 of 3 pictures can not be read; nobody counts as found on them" in said.err
        assert "whole       50" in said.out  # one of two was found
        results = json.loads(Path("o.json").read_text())
        assert results["wholebody"]["AR"] == pytest.approx(0.5)
    Path("in/20.jpg").write_bytes(SAMPLE.read_bytes())
    assert run(*words) == 0
    assert json.loads(Path("o.json").read_text())["wholebody"]["AR"] == pytest.approx(1.0)
    assert "can not be read" not in capsys.readouterr().err


@pytest.mark.parametrize("given", ["--gt-boxes", "--boxes"])
def test_boxes_outside_their_picture_are_counted_and_named(
    pictures: Json, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    pictures["annotations"][1]["bbox"] = [-300, 10, 100, 200]
    Path("gt.json").write_text(json.dumps(pictures))
    found = [{"image_id": one["image_id"], "bbox": one["bbox"], "score": 1}
             for one in pictures["annotations"]]  # fmt: skip
    Path("det.json").write_text(json.dumps(found))
    assert run(*LITE, given, *(["det.json"] if given == "--boxes" else [])) == 0
    assert (
        "left out: 1 boxes that are not on their picture: 30.jpg at x1, y1, x2, y2 "
        "[-300.0, 10.0, -200.0, 210.0]"
    ) in capsys.readouterr().err


def test_statistics_go_to_stdout_and_the_table_to_stderr(
    pictures: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*LITE, "--gt-boxes", "--json", "-") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["body"]["AP"] == pytest.approx(1.0, abs=1e-9)
    assert "whole      100.0   100.0" in said.err
    assert not Path("-").exists()


def test_predictions_of_a_file_are_kept_under_the_detector_that_it_had(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (FOLDER_VARIABLE, "HF_HOME"):
        monkeypatch.setenv(variable, str(folder))
    choice, why = Choice("model.onnx").settled(Supply(offline=True))
    assert choice == Choice("model.onnx", "movenet")
    assert why.endswith("not here, and nothing is fetched offline")
    for named in (Choice("model.onnx", "none"), Choice("lite"), Choice()):
        assert named.settled(Supply(offline=True)) == (named, "")


def test_missing_pictures_are_counted_before_any_work(pictures: Json) -> None:
    Path("in/30.jpg").unlink()
    Path("in/40.jpg").unlink()  # not needed: nobody is annotated on it
    with pytest.raises(DataSetError, match=r"^in: 1 of 3 pictures are not there; .* is 30.jpg"):
        run(*LITE, "--gt-boxes")


def test_a_killed_run_goes_on(pictures: Json, any_library: Library) -> None:
    code = "from dw_openpose_full.cli.evaluate import evaluate; evaluate()"
    words = [sys.executable, "-c", code, *LITE, "--gt-boxes", "--predictions", "kept.jsonl"]
    path = os.pathsep.join([str(ROOT / "annotator"), *filter(None, [os.getenv("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    kept = Path("kept.jsonl")
    with subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not (kept.exists() and kept.read_bytes().count(b"\n") >= 2):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert "whole      100.0   100.0" in ended.stdout
    assert kept.read_bytes().count(b"\n") == 4


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "--predictions to measure, or --images to predict on"),
        (("--images", ".", "--boxes", "d.json", "--gt-boxes"), "choose one"),
        (("--predictions", "pred.json", "--gt-boxes"), "--gt-boxes is for --images"),
        (("--predictions", "pred.json", "--flip-test"), "--flip-test is for --images"),
        (("--predictions", "pred.json", "--videos", "v.npy"), "--videos is for --ubody"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_use(
    folder: Path, words: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(click.UsageError, match=complaint):
        run("--annotations", "gt.json", *words)


def test_the_table_shows_published_rows_and_a_dash_for_what_is_not_known() -> None:
    numbers = dict.fromkeys(STATISTICS, 0.25)
    results = {part.name: dict(numbers) for part in PARTS}
    results["lefthand"] = dict.fromkeys(STATISTICS, 0.5)
    results["foot"] = dict.fromkeys(STATISTICS, -1.0)
    lines = table(results, PUBLISHED["dwpose-l-384"]).splitlines()
    assert lines[2].split() == ["whole", "25.0", "25.0", "66.5", "74.3"]
    assert lines[4].split() == ["foot", "-", "-", "70.4", "-"]
    assert lines[6].split() == ["hand", "37.5", "37.5", "62.1", "-"]
    assert "DWPose's README" in lines[-1]
    results["lefthand"] = results["foot"]
    assert table(results).splitlines()[-1].split() == ["hand", "25.0", "25.0"]
    assert len(table(results).splitlines()) == 1 + len(SHOWN)


def test_published_rows_are_complete_and_in_order() -> None:
    for row in PUBLISHED.values():
        assert tuple(row.precision) == SHOWN
        assert tuple(row.recall) in {SHOWN[:1], SHOWN}
        assert row.recall["whole"] > row.precision["whole"]


def test_every_error_of_the_room_is_the_package_s() -> None:
    assert issubclass(DataSetError, DwPoseError)
    assert issubclass(DataSetError, ValueError)
