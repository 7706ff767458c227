"""Hands and faces that hang on no body are hidden, all others are kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import dw_openpose_full as dw
from dw_openpose_full import skeleton
from dw_openpose_full.phantoms import FARTHEST_ROOT, SAME_HAND, without_phantoms
from dw_openpose_full.poses import FloatArray

LEFT, RIGHT = skeleton.FIGURE_LEFT_HAND, skeleton.FIGURE_RIGHT_HAND
FACE = skeleton.FIGURE_FACE
LEFT_WRIST, RIGHT_WRIST, NOSE, LEFT_EYE, RIGHT_EYE = 9, 10, 0, 1, 2  # whole body
FOREARM = 100.0


def standing() -> FloatArray:
    """A person ``(133, 2)`` with arms of 100 + 100 pixels, whose hands begin at the wrists."""
    points = np.zeros((133, 2), np.float32)
    points[skeleton.BODY] = [500, 50]
    points[[5, 6]] = [[550, 100], [450, 100]]
    points[[7, 8]] = [[550, 200], [450, 200]]
    points[[9, 10]] = [[550, 300], [450, 300]]
    points[skeleton.FACE] = [500, 50]
    fingers = np.stack([np.linspace(-15, 15, 21), np.linspace(0, 30, 21)], axis=1)
    fingers[0] = 0
    points[skeleton.LEFT_HAND] = points[LEFT_WRIST] + fingers
    points[skeleton.RIGHT_HAND] = points[RIGHT_WRIST] + fingers
    return points


def believed(*people: FloatArray, unseen: tuple[tuple[int, int], ...] = ()) -> dw.OpenPoseFigures:
    """The figures of people without their phantoms; ``unseen`` are (person, keypoint)."""
    scores = np.ones((len(people), 133), np.float32)
    for person, keypoint in unseen:
        scores[person, keypoint] = 0.1
    poses = dw.WholeBodyPoses.from_arrays(people, scores, image_size=(600, 1000))
    return without_phantoms(dw.OpenPoseFigures.from_poses(poses))


def shows(figures: dw.OpenPoseFigures, rows: slice, person: int = 0) -> bool:
    seen = figures.visible[person, rows]
    assert seen.all() or not seen.any()
    return bool(seen.any())


def test_hands_and_faces_of_bodies_stay() -> None:
    figures = believed(standing())
    assert figures.visible.all()


def test_only_what_is_visible_changes() -> None:
    poses = dw.WholeBodyPoses.from_arrays([standing()], np.ones((1, 133)), image_size=(600, 1000))
    plain = dw.OpenPoseFigures.from_poses(poses)
    figures = believed(standing(), unseen=((0, LEFT_WRIST),))
    assert (figures.points == plain.points).all()
    assert figures.scores[0, LEFT].min() == 1
    assert plain.visible[0, LEFT].all()


@pytest.mark.parametrize(
    ("wrist", "hidden", "kept"), [(LEFT_WRIST, LEFT, RIGHT), (RIGHT_WRIST, RIGHT, LEFT)]
)
def test_a_hand_needs_its_own_wrist(wrist: int, hidden: slice, kept: slice) -> None:
    figures = believed(standing(), unseen=((0, wrist),))
    assert not shows(figures, hidden)
    assert shows(figures, kept)


@pytest.mark.parametrize(("gap", "stays"), [(FARTHEST_ROOT - 0.01, True), (0.71, False)])
def test_a_hand_far_from_its_wrist_is_hidden(gap: float, stays: bool) -> None:  # noqa: FBT001
    person = standing()
    person[skeleton.LEFT_HAND] += [gap * FOREARM, 0]
    figures = believed(person)
    assert shows(figures, LEFT) is stays
    assert shows(figures, RIGHT)


def test_a_forearm_towards_the_viewer_does_not_cost_the_hand() -> None:
    person = standing()
    person[7] = person[LEFT_WRIST] + [5, 0]  # the elbow behind the wrist
    person[skeleton.LEFT_HAND] += [30, 0]
    assert shows(believed(person), LEFT)


def test_a_close_hand_is_its_own_measure() -> None:
    """Where nothing of the arm but the wrist is seen, the hand's own size decides."""
    person = standing()
    person[skeleton.LEFT_HAND] += [20, 0]
    assert shows(believed(person, unseen=((0, 7),)), LEFT)
    person[skeleton.LEFT_HAND] += [20, 0]
    assert not shows(believed(person, unseen=((0, 7),)), LEFT)


def test_of_two_hands_in_one_place_the_nearer_stays() -> None:
    person = standing()
    person[LEFT_WRIST] = person[RIGHT_WRIST] + [20, 0]  # crossed arms: both near the right hand
    person[skeleton.LEFT_HAND] = person[skeleton.RIGHT_HAND] + 1
    figures = believed(person)
    assert shows(figures, RIGHT)
    assert not shows(figures, LEFT)


def test_hands_of_two_people_in_one_place_too() -> None:
    first, second = standing(), standing()
    second += [25, 0]
    second[skeleton.LEFT_HAND] = first[skeleton.LEFT_HAND]
    figures = believed(first, second)
    assert shows(figures, LEFT, 0)
    assert not shows(figures, LEFT, 1)
    assert shows(figures, RIGHT, 1)


def test_folded_hands_stay() -> None:
    person = standing()
    person[LEFT_WRIST] = person[RIGHT_WRIST] + [10, 0]
    person[skeleton.LEFT_HAND] = person[skeleton.RIGHT_HAND] + [30 * (SAME_HAND + 0.02), 0]
    figures = believed(person)
    assert shows(figures, LEFT)
    assert shows(figures, RIGHT)


@pytest.mark.parametrize(
    ("unseen", "stays"),
    [
        ((LEFT_EYE,), True),  # in profile
        ((RIGHT_EYE,), True),
        ((NOSE,), True),
        ((NOSE, LEFT_EYE), False),
        ((LEFT_EYE, RIGHT_EYE), False),
        ((NOSE, LEFT_EYE, RIGHT_EYE), False),
    ],
)
def test_a_face_needs_two_of_nose_and_eyes(unseen: tuple[int, ...], stays: bool) -> None:  # noqa: FBT001
    figures = believed(standing(), unseen=tuple((0, keypoint) for keypoint in unseen))
    assert figures.visible[0, skeleton.FIGURE_LANDMARKS].any() == stays
    assert figures.visible[0, FACE].any() == stays


def test_hands_without_a_root_are_measured_from_their_middle() -> None:
    figures = believed(standing(), unseen=((0, skeleton.LEFT_HAND.start),))
    assert figures.visible[0, LEFT].sum() == 20


def test_a_crowd_is_quick() -> None:
    shifts = [np.array([3 * number % 400, number]) for number in range(300)]
    people = [standing() + shift for shift in shifts]
    assert len(believed(*people)) == 300


def test_nobody_has_no_phantoms() -> None:
    nobody = dw.OpenPoseFigures.from_poses(dw.WholeBodyPoses.nobody((10, 10)))
    assert len(without_phantoms(nobody)) == 0


def test_annotated_hands_and_faces_are_kept(shared: Path) -> None:
    """On COCO-WholeBody's own example results; of hands that are not annotated, some go."""
    kept, hidden = hands_of_the_example(shared)
    assert kept == {
        ("hand", True): 25,
        ("hand", False): 14,
        ("face", True): 13,
        ("face", False): 13,
    }
    assert hidden == {("hand", False): 8}


def hands_of_the_example(shared: Path) -> tuple[dict[object, int], dict[object, int]]:
    """How many parts of which a third was visible are kept and hidden, by (kind, annotated)."""
    folder = shared / "annotations"
    truth = json.loads((folder / "coco_wholebody_example_gt.json").read_text("utf-8"))
    found = json.loads((folder / "coco_wholebody_example_pred.json").read_text("utf-8"))
    kept: dict[object, int] = {}
    hidden: dict[object, int] = {}
    for image in truth["images"]:
        people = [one for one in truth["annotations"] if one["image_id"] == image["id"]]
        results = [one for one in found if one["image_id"] == image["id"]]
        values = np.array([keypoints_of(nearest(results, person["bbox"])) for person in people])
        plain = dw.OpenPoseFigures.from_poses(
            dw.WholeBodyPoses.from_arrays(
                values[..., :2], values[..., 2], image_size=(image["height"], image["width"])
            )
        )
        believed = without_phantoms(plain)
        for row, person in enumerate(people):
            for rows, name in ((LEFT, "lefthand"), (RIGHT, "righthand"), (FACE, "face")):
                if plain.visible[row, rows].mean() > 0.3:
                    counts = kept if believed.visible[row, rows].any() else hidden
                    kind = (name[-4:], person[f"{name}_valid"])
                    counts[kind] = counts.get(kind, 0) + 1
    return kept, hidden


def nearest(results: list[dict[str, list[float]]], box: list[float]) -> dict[str, list[float]]:
    """The result that was read from a box ``x, y, w, h``."""
    centre = np.array(box[:2]) + np.array(box[2:]) / 2
    return min(results, key=lambda one: float(np.abs(np.array(one["center"]) - centre).sum()))


def keypoints_of(result: dict[str, list[float]]) -> FloatArray:
    parts = ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
    return np.concatenate([np.array(result[part], np.float32).reshape(-1, 3) for part in parts])
