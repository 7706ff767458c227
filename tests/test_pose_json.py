"""OpenPose JSON as we write it, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from dw_openpose_full import _version
from dw_openpose_full.errors import DwPoseError, PoseError, PoseJsonError
from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.pose_json import (
    PoseDocument,
    count_frames,
    from_openpose_json,
    to_openpose_json,
)
from dw_openpose_full.poses import Boxes, ImageSize, WholeBodyPoses

LENGTHS = {
    "pose_keypoints_2d": 54,
    "face_keypoints_2d": 210,
    "hand_left_keypoints_2d": 63,
    "hand_right_keypoints_2d": 63,
    "foot_keypoints_2d": 18,
    "pose_scores": 18,
    "face_scores": 70,
    "hand_left_scores": 21,
    "hand_right_scores": 21,
    "foot_scores": 6,
    "box": 4,
}


def poses(people: int = 2, *, seed: int = 1, model: str | None = "lite") -> WholeBodyPoses:
    """Random people on a canvas of 480 x 640, some of their points below the threshold."""
    generator = np.random.default_rng(seed)
    points = generator.uniform(-40, 700, (people, 133, 2))
    scores = generator.uniform(0, 1, (people, 133))
    return WholeBodyPoses.from_arrays(points, scores, image_size=(480, 640), model=model)


def figures(people: int = 2, *, seed: int = 1) -> OpenPoseFigures:
    """The figures of such people; points that are not visible lie at 0, 0, as in JSON."""
    made = OpenPoseFigures.from_poses(poses(people, seed=seed))
    return replace(made, points=np.where(made.visible[..., None], made.points, np.float32(0)))


def assert_same(one: OpenPoseFigures, other: OpenPoseFigures) -> None:
    """Two figures agree in every number."""
    np.testing.assert_array_equal(one.points, other.points)
    np.testing.assert_array_equal(one.visible, other.visible)
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_array_equal(one.boxes.xyxy, other.boxes.xyxy)
    np.testing.assert_array_equal(one.boxes.scores, other.boxes.scores)
    np.testing.assert_array_equal(one.ids, other.ids)
    assert one.image_size == other.image_size


# ---------------------------------------------------------------- writing


def test_the_object_has_the_keys_of_the_contract() -> None:
    document = to_openpose_json(figures())
    assert list(document) == ["people", "canvas_width", "canvas_height", "model", "version"]
    assert (document["canvas_width"], document["canvas_height"]) == (640, 480)


def test_every_part_of_a_person_has_its_full_length() -> None:
    for person in to_openpose_json(figures())["people"]:
        assert {key: len(person[key]) for key in LENGTHS} == LENGTHS
        assert set(person) == {*LENGTHS, "box_score", "id"}


def test_a_person_without_visible_points_is_zero_filled() -> None:
    nothing = WholeBodyPoses.from_arrays(
        np.ones((1, 133, 2)), np.zeros((1, 133)), image_size=(8, 9)
    )
    person = to_openpose_json(OpenPoseFigures.from_poses(nothing))["people"][0]
    assert {key: sum(person[key]) for key in LENGTHS} == dict.fromkeys(LENGTHS, 0)
    assert {key: len(person[key]) for key in LENGTHS} == LENGTHS


def test_no_people_gives_an_empty_list() -> None:
    nobody = OpenPoseFigures.from_poses(WholeBodyPoses.nobody((480, 640)))
    assert to_openpose_json(nobody)["people"] == []


def test_confidence_is_one_where_visible_and_zero_elsewhere() -> None:
    made = figures()
    body = np.reshape(
        [p["pose_keypoints_2d"] for p in to_openpose_json(made)["people"]], (2, 18, 3)
    )
    np.testing.assert_array_equal(body[..., 2], made.visible[:, :18].astype(float))


def test_a_point_that_is_not_visible_is_zero_even_if_the_figure_has_a_guess() -> None:
    made = figures(1)
    guessed = replace(
        made, points=np.full_like(made.points, 7), visible=np.zeros_like(made.visible)
    )
    assert set(to_openpose_json(guessed)["people"][0]["pose_keypoints_2d"]) == {0.0}


def test_true_scores_stand_in_the_extra_keys() -> None:
    made = figures(1)
    person = to_openpose_json(made)["people"][0]
    written = [person[key] for key in LENGTHS if key.endswith("_scores")]
    np.testing.assert_array_equal(np.concatenate(written).astype(np.float32), made.scores[0])


def test_numbers_are_the_shortest_decimals_of_their_float32() -> None:
    made = figures(1)
    tenth = replace(made, points=np.full_like(made.points, 0.1), visible=np.ones_like(made.visible))
    assert to_openpose_json(tenth)["people"][0]["pose_keypoints_2d"][:3] == [0.1, 0.1, 1.0]


def test_only_plain_numbers_are_written() -> None:
    person = to_openpose_json(figures(1))["people"][0]
    assert {type(number) for key in LENGTHS for number in person[key]} == {float}
    assert (type(person["id"]), type(person["box_score"])) == (int, float)


def test_the_model_is_that_of_the_poses_unless_given() -> None:
    made = figures()
    assert to_openpose_json(made)["model"] is None
    assert to_openpose_json(made, poses=poses())["model"] == "lite"
    assert to_openpose_json(made, poses=poses(), model="mine")["model"] == "mine"


def test_numbers_that_json_lacks_are_never_written() -> None:
    made = figures(2)
    odd = replace(
        made,
        scores=np.full_like(made.scores, np.nan),
        boxes=Boxes.from_arrays([[np.nan, 0, 1, 1], [0, 0, np.inf, 1]], [np.nan, 0.5]),
    )
    document = json.loads(json.dumps(to_openpose_json(odd), allow_nan=False))
    around = Boxes.around(made.points, made.visible)
    assert document["people"][0]["pose_scores"] == [0.0] * 18
    assert document["people"][0]["box_score"] == 0.0
    written = np.array([p["box"] for p in document["people"]], np.float32)
    np.testing.assert_array_equal(written, around.xyxy)


def test_writing_leaves_the_figures_alone() -> None:
    made, twin = figures(), figures()
    to_openpose_json(made)
    assert_same(made, twin)


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("people", [0, 1, 5])
def test_what_was_written_is_read_back_exactly(people: int) -> None:
    made = figures(people)
    assert_same(from_openpose_json(to_openpose_json(made)), made)
    assert_same(from_openpose_json(json.dumps(to_openpose_json(made))), made)


def test_ids_boxes_and_out_of_range_scores_come_back() -> None:
    made = figures(2)
    made = replace(
        made,
        ids=np.array([2**62, -5], np.int64),
        scores=made.scores * 3 - 1,
        boxes=Boxes.from_arrays([[1, 2, 3, 4], [-5, -6, 0.1, 8]], [0.7, 1.5]),
    )
    assert_same(from_openpose_json(json.dumps(to_openpose_json(made))), made)


def test_our_own_pixels_in_the_corner_are_not_taken_for_normalised() -> None:
    made = figures(1)
    corner = replace(
        made, points=made.visible[..., None] * np.float32(0.75) * np.ones(2, np.float32)
    )
    assert_same(from_openpose_json(to_openpose_json(corner)), corner)


def test_the_comfyui_list_form_is_read() -> None:
    made = figures()
    assert_same(from_openpose_json([to_openpose_json(made)]), made)


def test_writing_what_was_read_gives_the_same_document() -> None:
    document = to_openpose_json(figures(), model="lite")
    assert to_openpose_json(from_openpose_json(document), model="lite") == document


# ---------------------------------------------------------------- where a document may come from


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_text_bytes_and_files_give_the_same_figures(tmp_path: Path, mark: str) -> None:
    made = figures()
    text = mark + json.dumps(to_openpose_json(made))
    file = tmp_path / "poses äöü.json"
    file.write_text(text, encoding="utf-8")
    for document in (text, f" \n{text}", text.encode(), bytearray(text.encode()), file, str(file)):
        assert_same(from_openpose_json(document), made)  # type: ignore[arg-type]


def test_a_frame_is_chosen_by_number() -> None:
    first, second = figures(1, seed=1), figures(3, seed=2)
    document = [to_openpose_json(first), to_openpose_json(second)]
    assert_same(from_openpose_json(document), first)
    assert_same(from_openpose_json(document, frame=1), second)


def test_frames_are_counted() -> None:
    one = to_openpose_json(figures(1))
    assert [count_frames(document) for document in (one, [], [one], [one] * 16)] == [1, 0, 1, 16]
    assert count_frames({"fps": 25, "frames": [one, one]}) == 2
    assert count_frames([[one], [one, one]]) == 3


def test_a_video_document_is_read_frame_by_frame_without_parsing_again() -> None:
    made = [figures(count, seed=count) for count in (1, 0, 2)]
    video = {"fps": 25.0, "frames": [to_openpose_json(each) for each in made], "version": "1"}
    document = PoseDocument.read(json.dumps(video))
    assert len(document) == 3
    for number, each in enumerate(made):
        assert_same(document.figures(number), each)


def test_the_frames_of_our_video_are_in_pixels_by_its_head_alone() -> None:
    frame = {
        "people": [{"pose_keypoints_2d": [1, 1, 1]}],
        "canvas_width": 640,
        "canvas_height": 480,
    }
    read = from_openpose_json({"frames": [frame], "model": None, "version": "1"})
    assert read.points[0, 0].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (2, "2 frames, got frame=2; choose one of 0 to 1"),
        (-1, "2 frames, got frame=-1"),
        (True, "whole number from 0, got true"),
        ("0", "whole number from 0, got the text '0'"),
        (0.0, "whole number from 0, got 0.0"),
    ],
)
def test_a_frame_that_does_not_exist_is_refused(frame: Any, words: str) -> None:
    with pytest.raises(PoseJsonError, match=words):
        from_openpose_json([to_openpose_json(figures(1))] * 2, frame=frame)


def test_a_document_without_frames_is_refused_when_a_frame_is_asked() -> None:
    with pytest.raises(PoseJsonError, match="holds no frame"):
        from_openpose_json([])


def test_an_image_size_counts_only_where_the_document_has_none() -> None:
    document = to_openpose_json(figures(1))
    assert from_openpose_json(document, image_size=(7, 7)).image_size == (480, 640)
    del document["canvas_width"], document["canvas_height"]
    assert from_openpose_json(document, image_size=(7, 8)).image_size == ImageSize(7, 8)


def test_an_image_size_of_the_wrong_kind_is_the_callers_mistake() -> None:
    with pytest.raises(PoseError, match="image_size must be"):
        from_openpose_json(to_openpose_json(figures(1)), image_size=(0, 5))


def test_the_error_is_of_the_family_and_a_value_error() -> None:
    assert issubclass(PoseJsonError, DwPoseError)
    assert issubclass(PoseJsonError, ValueError)


def test_the_result_can_not_be_changed_through_the_document() -> None:
    document = to_openpose_json(figures(1))
    read = from_openpose_json(document)
    document["people"][0]["pose_keypoints_2d"][0] = 12345.0
    assert 12345 not in read.points
    assert not read.points.flags.writeable


# ---------------------------------------------------------------- version


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package as in a checkout that nobody installed."""

    def missing(name: str) -> NoReturn:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)


def fresh_version() -> str:
    """The version, looked up again."""
    return _version.package_version.__wrapped__()


def test_an_installed_package_has_the_version_of_its_distribution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata, "version", {"dw-openpose-full": "9.8.7"}.__getitem__)
    assert fresh_version() == "9.8.7"


@pytest.mark.usefixtures("not_installed")
def test_a_checkout_has_the_version_of_its_project_file() -> None:
    project = Path(__file__).parents[1] / "pyproject.toml"
    assert f'version = "{fresh_version()}"' in project.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        None,
        b"\xff",
        b'[project]\nname = "somebody-else"\nversion = "3.0"\n',
        b'[project]\nname = "dw-openpose-full"\ndynamic = ["version"]\n',
    ],
    ids=["no file", "not text", "another project", "no version in it"],
)
def test_a_version_that_can_not_be_known_is_called_unknown(
    tmp_path: Path, text: bytes | None
) -> None:
    project = tmp_path / "pyproject.toml"
    if text is not None:
        project.write_bytes(text)
    assert _version.checkout_version(project) == _version.UNKNOWN
