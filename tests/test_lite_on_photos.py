"""What the ``lite`` model finds on real photos; prints the figures it asserts.

The measure is the mean best-match object keypoint similarity (OKS) of COCO-WholeBody over its
annotated people, part by part, with the data set's areas and spreads.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import dw_openpose_full as dw
from dw_openpose_full import skeleton
from dw_openpose_full.lite.movenet import MIRRORED

SAMPLE = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"
ANNOTATED = ("000000000785.jpg", "000000197388.jpg")
FEWEST_POINTS = 5  # people with fewer annotated body keypoints are not looked for
MATCH = 0.3  # OKS above which a figure is a person's

LEGS = slice(13, 17)
FEET = skeleton.FEET


@pytest.fixture(scope="module")
def estimator() -> dw.DwOpenpose:
    return dw.DwOpenpose.load(model="lite")


def similarity(
    truth: list[float], points: NDArray[np.float32], area: float, spreads: tuple[float, ...]
) -> float:
    """OKS of one part, over its annotated points; NaN where none is."""
    x, y, annotated = np.array(truth, float).reshape(-1, 3).T
    squares = (points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2
    near = np.exp(-squares / (2 * (2 * np.array(spreads)) ** 2 * area))
    return float(near[annotated > 0].mean()) if (annotated > 0).any() else float("nan")


@dataclass(frozen=True)
class Match:
    """One annotated person and the figure nearest to it."""

    figure: int
    body: float
    foot: float
    face: float


def match(person: dict[str, Any], poses: dw.WholeBodyPoses) -> Match:
    area = person["area"]
    bodies = [
        similarity(person["keypoints"], points[skeleton.BODY], area, skeleton.BODY_SIGMAS)
        for points in poses.keypoints
    ]
    best = int(np.argmax(bodies))
    foot = face = float("nan")
    points, scores = poses.keypoints[best], poses.scores[best]
    if person["foot_valid"]:
        foot = similarity(person["foot_kpts"], points[FEET], area, skeleton.FOOT_SIGMAS)
    if person["face_valid"]:
        face = similarity(person["face_kpts"], points[skeleton.FACE], area, skeleton.FACE_SIGMAS)
        face = face if scores[skeleton.FACE].any() else 0.0
    return Match(best, bodies[best], foot, face)


def test_annotated_people_are_found_and_near(
    estimator: dw.DwOpenpose, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotations = json.loads((shared / "annotations/coco_wholebody_2.json").read_text("utf-8"))
    matches: list[Match] = []
    strangers = 0
    for image in annotations["images"]:
        poses = estimator.detect(shared / "photos" / image["file_name"])
        people = [
            person
            for person in annotations["annotations"]
            if person["image_id"] == image["id"] and person["num_keypoints"] >= FEWEST_POINTS
        ]
        found = [match(person, poses) for person in people]
        matches += found
        strangers += len(poses) - len({one.figure for one in found if one.body > MATCH})
    body, foot, face = (
        float(np.nanmean([getattr(one, part) for one in matches]))
        for part in ("body", "foot", "face")
    )
    missed = sum(one.body <= MATCH for one in matches)
    with capsys.disabled():
        print(  # noqa: T201  the figures are the point
            f"\nlite on {len(annotations['images'])} annotated photos: {len(matches)} people, "
            f"{missed} missed, {strangers} figures match nobody; "
            f"mean best-match OKS body {body:.3f}, foot {foot:.3f}, face {face:.3f}"
        )
    assert len(matches) == 6
    assert missed == 0
    assert strangers <= 1
    assert body >= 0.80
    assert foot >= 0.70  # one of the six has his feet behind another man, and scores 0
    assert face >= 0.78


def visible_parts(figures: dw.OpenPoseFigures, person: int) -> dict[str, int]:
    """How many points of each part are visible."""
    visible = figures.visible[person]
    return {
        "body": int(visible[skeleton.FIGURE_BODY].sum()),
        "face": int(visible[skeleton.FIGURE_FACE].sum()),
        "left_hand": int(visible[skeleton.FIGURE_LEFT_HAND].sum()),
        "right_hand": int(visible[skeleton.FIGURE_RIGHT_HAND].sum()),
    }


def test_the_sample_has_body_both_hands_and_face(estimator: dw.DwOpenpose) -> None:
    annotation = estimator(SAMPLE)
    assert len(annotation.figures) == 1
    assert visible_parts(annotation.figures, 0) == {
        "body": 18, "face": 70, "left_hand": 21, "right_hand": 21,
    }  # fmt: skip


def test_hands_are_on_their_own_arms(estimator: dw.DwOpenpose) -> None:
    poses = estimator.detect(SAMPLE)
    for hand, wrist, elbow in ((skeleton.LEFT_HAND, 9, 7), (skeleton.RIGHT_HAND, 10, 8)):
        points = poses.keypoints[0]
        forearm = np.linalg.norm(points[wrist] - points[elbow])
        assert np.linalg.norm(points[hand.start] - points[wrist]) < 0.3 * forearm


def test_the_three_whole_people_of_the_bus_stop_are_found(
    estimator: dw.DwOpenpose, shared: Path
) -> None:
    figures = estimator(shared / "photos/bus.jpg").figures
    assert 3 <= len(figures) <= 4  # the fourth is cut by the picture's edge
    people = sorted(
        float(points[visible, 0].mean())
        for points, visible in zip(figures.points[:, :18], figures.visible[:, :18], strict=True)
    )
    for x in (130, 285, 740):  # where they stand
        assert min(abs(x - centre) for centre in people) < 60


@pytest.mark.parametrize("name", ["astronaut.png", "grace_hopper.jpg"])
def test_legs_outside_the_picture_are_not_invented(
    estimator: dw.DwOpenpose, shared: Path, name: str
) -> None:
    poses = estimator.detect(shared / "photos" / name)
    assert len(poses) == 1
    assert poses.scores[0, LEGS].max() < 0.3
    assert poses.scores[0, FEET].max() < 0.3
    assert (poses.scores[0, :7] >= 0.3).sum() >= 6  # head and shoulders
    assert (poses.scores[0, skeleton.FACE] >= 0.3).all()


SHOWN = {
    "darker": lambda picture: picture // 2,
    "larger": lambda picture: picture.repeat(2, axis=0).repeat(2, axis=1),
    "smaller": lambda picture: picture[::4, ::4],
    "grey": lambda picture: picture.mean(axis=2).astype(np.uint8),
}


@pytest.mark.parametrize("how", SHOWN)
def test_the_sample_is_read_alike_however_it_is_shown(estimator: dw.DwOpenpose, how: str) -> None:
    picture = dw.read_picture(SAMPLE)
    shown = SHOWN[how](picture)
    poses = estimator.detect(shown)
    assert len(poses) == 1
    scale = picture.shape[0] / shown.shape[0]
    plain = estimator.detect(picture).keypoints[0, skeleton.BODY]
    apart = np.linalg.norm(poses.keypoints[0, skeleton.BODY] * scale - plain, axis=1)
    assert np.median(apart) < 12  # of about 1,100 pixels of height


def test_a_mirrored_picture_gives_mirrored_poses(estimator: dw.DwOpenpose) -> None:
    picture = dw.read_picture(SAMPLE)
    plain = estimator.detect(picture).keypoints[0, skeleton.BODY]
    mirrored = estimator.detect(picture[:, ::-1]).keypoints[0, list(MIRRORED)]
    apart = np.linalg.norm(mirrored * (-1, 1) + (picture.shape[1] - 1, 0) - plain, axis=1)
    assert np.median(apart) < 12


NOBODY = {
    "black": np.zeros((300, 400, 3), np.uint8),
    "white": np.full((300, 400, 3), 255, np.uint8),
    "noise": np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8),
    "stripes": np.tile(np.repeat(np.array([0, 255], np.uint8), 8), 25)[None, :, None]
    * np.ones((300, 1, 3), np.uint8),
    "one pixel": np.full((1, 1, 3), 90, np.uint8),
    "a line": np.full((1, 5000, 3), 90, np.uint8),
    "a tall line": np.full((5000, 2, 3), 90, np.uint8),
}


@pytest.mark.parametrize("name", NOBODY)
def test_nobody_is_found_where_nobody_is(estimator: dw.DwOpenpose, name: str) -> None:
    annotation = estimator(NOBODY[name])
    assert len(annotation.poses) == 0
    assert annotation.canvas.shape == NOBODY[name].shape
    assert not annotation.canvas.any()
    assert annotation.to_json()["people"] == []


def test_the_callers_boxes_replace_the_detector(estimator: dw.DwOpenpose) -> None:
    box = dw.Boxes.from_arrays([[200, 0, 950, 1190]])
    poses = estimator.detect(SAMPLE, boxes=box)
    assert len(poses) == 1
    assert poses.boxes.xyxy.tolist() == [[200, 0, 950, 1190]]
    assert len(estimator.detect(SAMPLE, boxes=dw.Boxes.from_arrays([]))) == 0


def test_boxes_that_hold_nobody_give_no_pose(estimator: dw.DwOpenpose) -> None:
    nowhere = [
        [0, 0, 50, 50], [1e6, 1e6, 2e6, 2e6], [5, 5, 5, 5], [900, 100, 100, 900], [-9, -9, -5, -5],
        [np.nan, 0, 9, 9], [0, 0, np.inf, np.inf], [-1e30, -1e30, -1e20, -1e20],
    ]  # fmt: skip
    assert len(estimator.detect(SAMPLE, boxes=nowhere)) == 0


def test_a_box_beyond_the_picture_is_cut_to_it(estimator: dw.DwOpenpose) -> None:
    poses = estimator.detect(SAMPLE, boxes=[[-1e30, -500, 1e30, 1e30]])
    assert poses.boxes.xyxy.tolist() == [[0, 0, 1200, 1200]]
    assert np.isfinite(poses.keypoints).all()


@pytest.mark.parametrize("boxes", [[[1, 2, 3]], [1, 2, 3, 4], "boxes", [[[1, 2, 3, 4]]]])
def test_boxes_of_another_shape_are_refused(estimator: dw.DwOpenpose, boxes: object) -> None:
    with pytest.raises(dw.PoseError, match="boxes must be"):
        estimator.detect(SAMPLE, boxes=boxes)


def test_one_person_given_twice_is_one_pose(estimator: dw.DwOpenpose) -> None:
    boxes = dw.Boxes.from_arrays([[200, 0, 950, 1190], [210, 0, 940, 1195]])
    assert len(estimator.detect(SAMPLE, boxes=boxes)) == 1


def test_most_people_keeps_the_surest(estimator: dw.DwOpenpose, shared: Path) -> None:
    photo = shared / "photos/000000197388.jpg"
    everybody = estimator.detect(photo)
    assert len(everybody) > 2
    assert (np.diff(everybody.boxes.scores) <= 0).all()
    assert len(estimator.detect(photo, people=dw.PeopleChoice(max_people=2))) <= 2


def test_a_higher_score_leaves_the_surest(estimator: dw.DwOpenpose, shared: Path) -> None:
    photo = shared / "photos/000000197388.jpg"
    scores = estimator.find_people(photo).scores
    half = float(np.median(scores))
    chosen = estimator.find_people(photo, people=dw.PeopleChoice(min_score=half))
    assert 0 < len(chosen) < len(scores)
    assert (chosen.scores >= half).all()
    more = estimator.find_people(photo, people=dw.PeopleChoice(min_score=0.05))
    assert len(more) >= len(scores)


def test_the_same_picture_gives_the_same_poses(estimator: dw.DwOpenpose) -> None:
    first, second = estimator.detect(SAMPLE), estimator.detect(SAMPLE)
    assert (first.keypoints == second.keypoints).all()
    assert (first.scores == second.scores).all()
    assert np.isfinite(first.keypoints).all()
    assert first.model == "lite"


def test_threads_share_an_estimator(estimator: dw.DwOpenpose) -> None:
    picture = dw.read_picture(SAMPLE)
    pictures = [picture, picture[:, ::-1], picture // 2, picture[::2, ::2]] * 2
    alone = [estimator.detect(one).keypoints for one in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: estimator.detect(one).keypoints, pictures))
    for one, other in zip(alone, together, strict=True):
        assert (one == other).all()
