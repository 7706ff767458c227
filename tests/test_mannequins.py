"""Mannequins know where each of their keypoints is, and are the same from the same seed."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dw_openpose_full.cli import run
from dw_openpose_full.datasets.mannequins import Plan, Scene, random_scene, write_mannequins
from dw_openpose_full.datasets.mannequins.anatomy import Arm, Build, Posture, stand
from dw_openpose_full.datasets.mannequins.clothes import random_outfit
from dw_openpose_full.datasets.mannequins.faces import face_points
from dw_openpose_full.datasets.mannequins.flesh import Figure, figure_of, seen_keypoints
from dw_openpose_full.datasets.mannequins.labels import PARTS_KEPT, careless
from dw_openpose_full.datasets.mannequins.painting import Canvas, Layer
from dw_openpose_full.datasets.mannequins.postures import random_build, random_posture
from dw_openpose_full.errors import OptionError, OutputError
from dw_openpose_full.evaluation.annotations import Annotations
from dw_openpose_full.evaluation.parts import FIELDS
from dw_openpose_full.pictures import read_picture
from dw_openpose_full.poses import ImageSize
from dw_openpose_full.skeleton import BODY, FACE, LEFT_HAND, MIRRORED, RIGHT_HAND

SIZE = ImageSize(136, 104)
LEFT, RIGHT = 0, 1
SHOULDERS, ELBOWS, WRISTS, HIPS, KNEES, ANKLES = ([5 + 2 * n, 6 + 2 * n] for n in range(6))


def scene(number: int, size: ImageSize = SIZE, most: int = 1) -> Scene:
    return random_scene(np.random.default_rng([7, number]), size, most)


def figure(posture: Posture = Posture(), seed: int = 0) -> Figure:  # noqa: B008  frozen
    """Somebody 200 pixels tall, the middle of their hips in the middle of 240 x 240."""
    outfit = random_outfit(np.random.default_rng(seed))
    return figure_of(stand(Build(), posture), outfit, 110, np.array([120.0, 120.0]))


def blank() -> Canvas:
    return Canvas.of(np.full((240, 240, 3), 128, np.float32), np.array([0.0, 0.0, -1.0]))


def written(folder: Path, plan: Plan) -> list[Path]:
    return list(write_mannequins(folder, plan))


def annotations(folder: Path, split: str) -> Annotations:
    return Annotations.read(folder / "annotations" / f"coco_wholebody_{split}_v1.0.json")


# ---------------------------------------------------------------- bones


def test_left_and_right_are_the_persons_own() -> None:
    points = stand(Build(), Posture()).keypoints
    for left, right in (SHOULDERS, ELBOWS, WRISTS, HIPS, KNEES, ANKLES, (1, 2), (3, 4), (17, 20)):
        assert points[left, 0] > 0 > points[right, 0]
    assert points[LEFT_HAND, 0].min() > 0 > points[RIGHT_HAND, 0].max()
    assert points[FACE][36, 0] < points[FACE][45, 0]  # eyes: the right one's corner comes first


def test_a_person_of_no_angles_stands_and_looks_ahead() -> None:
    points = stand(Build(), Posture()).keypoints
    down = [0, 5, 7, 9, 12]  # nose, shoulder, elbow, wrist: from top to bottom
    assert (np.diff(points[down[:4], 1]) > 0).all()
    assert (np.diff(points[[11, 13, 15], 1]) > 0).all()
    assert points[0, 2] < points[3:5, 2].min()  # the nose is nearer than the ears
    assert points[17, 2] < points[15, 2] < points[19, 2]  # toes ahead, heel behind
    assert points[LEFT_HAND][4, 0] < points[LEFT_HAND][20, 0]  # the thumb is towards the body


def test_the_mirror_of_a_posture_is_the_mirror_of_its_keypoints() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        build, posture = random_build(rng), random_posture(rng)
        trunk, head = posture.trunk, posture.head
        mirrored = replace(
            posture,
            trunk=(-trunk[0], trunk[1], -trunk[2]),
            head=(-head[0], head[1], -head[2]),
            arms=posture.arms[::-1],
            legs=posture.legs[::-1],
        )
        plain = stand(build, posture).keypoints
        turned = stand(build, mirrored).keypoints[list(MIRRORED)] * [-1, 1, 1]
        np.testing.assert_allclose(plain, turned, atol=1e-12)


def test_bones_keep_their_length_in_every_posture() -> None:
    rng, build = np.random.default_rng(4), Build()
    for _ in range(20):
        points = stand(build, random_posture(rng)).keypoints
        for bone, length in (
            ((5, 7), build.upper_arm), ((8, 10), build.forearm),
            ((11, 13), build.thigh), ((14, 16), build.shin),
            ((5, 6), 2 * build.shoulders), ((11, 12), 2 * build.hips),
        ):  # fmt: skip
            first, last = points[list(bone)]
            assert np.linalg.norm(first - last) == pytest.approx(length)


def test_faces_open_and_close() -> None:
    shut, wide = (face_points(replace(Posture().expression, mouth=m, eyes=m)) for m in (0.2, 2))
    for above, below in ((62, 66), (37, 41), (43, 47)):
        assert shut[below, 1] - shut[above, 1] < wide[below, 1] - wide[above, 1]


def test_curled_fingers_are_nearer_to_the_wrist() -> None:
    spans = []
    for curl in (0.0, 0.4, 0.8):
        hand = stand(Build(), Posture(arms=(Arm(curl=curl), Arm()))).keypoints[LEFT_HAND]
        spans.append(np.linalg.norm(hand[[8, 12, 16, 20]] - hand[0], axis=1).mean())
    assert spans[0] > spans[1] > spans[2]


# ---------------------------------------------------------------- pictures


def test_the_same_seed_gives_the_same_scene() -> None:
    first, second, other = scene(0), scene(0), scene(1)
    np.testing.assert_array_equal(first.picture, second.picture)
    np.testing.assert_array_equal(first.people[0].keypoints, second.people[0].keypoints)
    assert not np.array_equal(first.picture, other.picture)


def test_the_seed_gives_what_it_gave_on_other_machines() -> None:
    """Numbers of one machine; another's last bits may differ, a changed generator must not."""
    kept = scene(0)
    points = kept.people[0].keypoints[[0, 9, 16, 50, 100, 130], :2]
    np.testing.assert_allclose(points.round(1), POINTS, atol=0.11)
    assert kept.picture.mean(axis=(0, 1)) == pytest.approx(MEANS, abs=0.5)


def test_keypoints_lie_in_the_picture_or_are_marked() -> None:
    size = ImageSize(120, 160)
    values = set()
    for number in range(12):
        for person in scene(number, size, most=4).people:
            x, y, v = person.keypoints.T
            values |= set(v.tolist())
            inside = v > 0
            assert (x[inside] >= 0).all()
            assert (x[inside] <= size.width - 1).all()
            assert (y[inside] >= 0).all()
            assert (y[inside] <= size.height - 1).all()
            assert (person.keypoints[~inside] == 0).all()
            box = person.box
            assert (box[:2] >= 0).all()
            assert (box[2:] <= [size.width, size.height]).all()
            assert (person.keypoints[inside, :2] >= box[:2] - 1).all()
            assert (person.keypoints[inside, :2] <= box[2:] + 1).all()
    assert values == {0.0, 1.0, 2.0}


def test_one_person_fills_the_picture_as_a_crop_is_filled() -> None:
    for number in range(20):
        (person,) = scene(number).people
        assert (person.keypoints[:, 2] > 0).all()
        fill = (person.box[2:] - person.box[:2]) / np.array(SIZE[::-1])
        assert 0.65 < fill.max() < 0.9


def test_several_people_are_of_several_sizes() -> None:
    counts, heights = set(), []
    for number in range(15):
        people = scene(number, ImageSize(240, 320), most=3).people
        counts.add(len(people))
        heights += [float(person.box[3] - person.box[1]) for person in people]
    assert counts == {1, 2, 3}
    assert max(heights) > 2 * min(heights)


def test_sides_can_be_told_by_the_colours_under_their_joints() -> None:
    right_hue = []
    for number, joints in itertools.product(range(20), (ELBOWS, KNEES)):
        one = scene(number)
        for joint, is_left in zip(joints, (True, False), strict=True):
            x, y, v = one.people[0].keypoints[joint]
            if v == 2:
                pixel = one.picture[round(y), round(x)].astype(int)
                right_hue.append((pixel[0] > 0.62 * pixel.max()) == is_left)
    assert len(right_hue) > 60
    assert np.mean(right_hue) > 0.97


def test_painted_joints_have_the_colours_of_their_clothes() -> None:
    canvas, outfit = blank(), random_outfit(np.random.default_rng(0))
    person = figure()
    person.paint_(canvas, 1)
    for joints, colours in ((ELBOWS, outfit.sleeves), (KNEES, outfit.legs)):
        for joint, colour in zip(joints, colours, strict=True):
            column, row = np.rint(person.keypoints[joint]).astype(int)
            np.testing.assert_allclose(canvas.colours[row, column], colour, rtol=0.06)


def test_what_lies_before_somebody_hides_keypoints() -> None:
    canvas, person = blank(), figure(Posture(arms=(Arm(lift=0.8), Arm(lift=0.8))))
    numbers = person.paint_(canvas, 1)
    assert seen_keypoints(canvas, person.keypoints, numbers)[LEFT_HAND].all()
    hand = person.keypoints[LEFT_HAND].mean(axis=0)[None]
    canvas.paint_(Layer(hand, hand, np.full((1, 2), 18.0), (0, 0, 0)), 99)
    seen = seen_keypoints(canvas, person.keypoints, numbers)
    assert not seen[LEFT_HAND].any()
    assert seen[FACE].all()
    assert seen[RIGHT_HAND].all()


def test_whoever_is_alone_and_free_shows_their_face() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        posture = replace(random_posture(rng), arms=(Arm(lift=0.5), Arm(lift=0.5)))
        canvas, person = blank(), figure(posture)
        assert seen_keypoints(canvas, person.keypoints, person.paint_(canvas, 1))[FACE].all()


def test_a_hand_behind_the_back_is_hidden_and_one_before_the_belly_is_not() -> None:
    behind = Arm(swing=-0.3, bend=1.2, twist=-2.4)
    before = Arm(swing=0.1, bend=1.4, twist=-0.8)
    canvas, person = blank(), figure(Posture(arms=(before, behind)))
    numbers = person.paint_(canvas, 1)
    seen = seen_keypoints(canvas, person.keypoints, numbers)
    shirt = person.keypoints[[5, 6, 12, 11]]
    for hand, shown in ((LEFT_HAND, True), (RIGHT_HAND, False)):
        x, y = person.keypoints[hand].T
        over = (x > shirt[:, 0].min()) & (x < shirt[:, 0].max()) & (y < shirt[:, 1].max())
        assert over.sum() > 5
        assert (seen[hand][over] == shown).mean() > 0.8


# ---------------------------------------------------------------- files


def test_the_folder_is_laid_out_as_coco_wholebody(tmp_path: Path) -> None:
    paths = written(tmp_path / "set", Plan(train=3, val=2, people=2, size=ImageSize(96, 128)))
    assert len(paths) == 5
    for split, count in (("train", 3), ("val", 2)):
        truth = annotations(tmp_path / "set", split)
        assert len(truth.pictures) == count
        assert truth.named.all()
        for name in truth.pictures.values():
            picture = read_picture(tmp_path / "set" / f"{split}2017" / name)
            assert picture.shape == (96, 128, 3)
        assert (truth.boxes[:, :2] + truth.boxes[:, 2:] <= [128, 96]).all()
        assert (truth.areas > 0).all()


def test_annotations_are_of_the_published_form(tmp_path: Path) -> None:
    written(tmp_path / "set", Plan(train=4, val=1))
    path = tmp_path / "set" / "annotations" / "coco_wholebody_train_v1.0.json"
    for entry in json.loads(path.read_text())["annotations"]:
        for field, rows in FIELDS.items():
            assert len(entry[field]) == 3 * (rows.stop - rows.start)
        for part in ("face", "lefthand", "righthand", "foot"):
            labelled = any(entry[f"{part}_kpts"][2::3])
            assert entry[f"{part}_valid"] is labelled
            if part != "foot":
                assert any(entry[f"{part}_box"]) is labelled
        assert entry["num_keypoints"] == sum(v > 0 for v in entry["keypoints"][2::3])


def test_pictures_to_learn_from_are_labelled_carelessly_the_others_perfectly(
    tmp_path: Path,
) -> None:
    written(tmp_path / "set", Plan(train=60, val=5))
    assert (annotations(tmp_path / "set", "val").keypoints[..., 2] > 0).all()
    labelled = annotations(tmp_path / "set", "train").keypoints[..., 2] > 0
    assert 0.9 < labelled[:, BODY].mean() < 1
    for field, share in PARTS_KEPT.items():
        part = labelled[:, FIELDS[field]]
        assert (part.all(axis=1) | ~part.any(axis=1)).all()
        assert abs(part.mean() - share) < 0.2


def test_careless_positions_are_a_little_off() -> None:
    (person,) = scene(0).people
    points = careless(np.random.default_rng(0), person)
    kept = points[:, 2] > 0
    off = points[kept, :2] - person.keypoints[kept, :2]
    assert 0.3 < np.sqrt((off**2).mean()) < 1


def test_more_pictures_go_on_where_fewer_stopped(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    written(few, Plan(train=2, val=1))
    written(many, Plan(train=3, val=1))
    for path in sorted(few.glob("*2017/*")):
        assert (many / path.relative_to(few)).read_bytes() == path.read_bytes()
    first, second = (annotations(folder, "train").keypoints for folder in (few, many))
    np.testing.assert_array_equal(first, second[:2])


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something already; name a new folder"):
        written(tmp_path, Plan(train=1, val=1))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("wrong", [{"train": 0}, {"people": 0}, {"size": ImageSize(31, 104)}])
def test_impossible_plans_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(OptionError, match=r"mannequins|got 104 x 31"):
        Plan(**wrong)


# ---------------------------------------------------------------- command


def test_the_command_makes_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "toys"
    words = ["data", "mannequins", str(out), "--train", "2", "--val", "1", "--size", "64x96"]
    assert run(words) == 0
    assert "2 pictures to learn from and 1 to measure with" in capsys.readouterr().err
    assert read_picture(out / "val2017" / "000000000001.png").shape == (96, 64, 3)


@pytest.mark.parametrize("size", ["64", "64x", "axb", "8x8", "99999x99999"])
def test_the_command_explains_wrong_sizes(
    tmp_path: Path, size: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "mannequins", str(tmp_path / "toys"), "--size", size]) == 2
    assert size.split("x")[0] in capsys.readouterr().err
    assert not (tmp_path / "toys").exists()


POINTS = [[35.9, 21.7], [79.8, 37.5], [33.9, 109.3], [36.9, 18.5], [84.1, 33.4], [16.8, 71.0]]
MEANS = [164.0, 166.0, 163.4]
