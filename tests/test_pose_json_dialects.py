"""OpenPose JSON as the other programs write it; each dialect as a small literal."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dw_openpose_full import skeleton
from dw_openpose_full.errors import PoseJsonError
from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.pose_json import from_openpose_json
from dw_openpose_full.poses import ImageSize, WholeBodyPoses

GOLDENS = (
    "coco_197388",
    "coco_785",
    "edges_600x400",
    "one_512",
    "outside_512x640",
    "three_768x512",
    "tiny_64",
)
CANVAS: dict[str, Any] = {"canvas_width": 640, "canvas_height": 480}
SHARED_POINTS = slice(0, 130)  # without feet, which the hosts do not write


def triplets(count: int, confidence: float = 1.0, start: float = 100.0) -> list[float]:
    """Points ``start + i, start + 2 i`` of one confidence."""
    return [number for i in range(count) for number in (start + i, start + 2.0 * i, confidence)]


def expected(count: int, start: float = 100.0) -> list[list[float]]:
    """What ``triplets`` should be read as."""
    return [[start + i, start + 2.0 * i] for i in range(count)]


def person_of(**parts: Any) -> OpenPoseFigures:
    """Read a document with one person."""
    return from_openpose_json({"people": [parts], **CANVAS})


# ---------------------------------------------------------------- sd-webui-controlnet, Forge


def test_controlnet_with_null_parts_and_animals() -> None:
    document = {
        "people": [
            {
                "pose_keypoints_2d": triplets(18),
                "face_keypoints_2d": None,
                "hand_left_keypoints_2d": None,
                "hand_right_keypoints_2d": triplets(21, start=300),
            }
        ],
        "animals": [[1.0] * 51],
        "canvas_height": 480,
        "canvas_width": 640,
    }
    read = from_openpose_json(document)
    assert read.points[0, skeleton.FIGURE_BODY].tolist() == expected(18)
    assert read.points[0, skeleton.FIGURE_RIGHT_HAND].tolist() == expected(21, 300)
    assert int(read.visible.sum()) == 18 + 21
    assert read.image_size == ImageSize(480, 640)


def test_controlnets_openpose_networks_write_normalised_points() -> None:
    read = person_of(pose_keypoints_2d=[0.5, 0.25, 1, 0, 0, 0, 1, 1, 1])
    assert read.points[0, :3].tolist() == [[320, 120], [0, 0], [640, 480]]
    assert read.visible[0, :3].tolist() == [True, False, True]


def test_the_render_endpoints_list_of_bodies() -> None:
    read = from_openpose_json([{"people": [{"pose_keypoints_2d": triplets(18)}], **CANVAS}])
    assert int(read.visible.sum()) == 18


def test_a_hand_in_the_corner_pixel_stays_there_while_the_body_is_in_pixels() -> None:
    hand = triplets(1, start=0.5)
    read = person_of(pose_keypoints_2d=triplets(18), hand_left_keypoints_2d=hand)
    assert read.points[0, skeleton.FIGURE_LEFT_HAND.start].tolist() == [0.5, 0.5]


def test_one_person_in_pixels_makes_the_whole_frame_pixels() -> None:
    corner, far = {"pose_keypoints_2d": [1, 1, 1]}, {"pose_keypoints_2d": [300, 1, 1]}
    read = from_openpose_json({"people": [corner, far], **CANVAS})
    assert read.points[0, 0].tolist() == [1, 1]


def test_unseen_points_do_not_decide_whether_a_frame_is_normalised() -> None:
    read = person_of(pose_keypoints_2d=[0.5, 0.5, 1, 300, 300, 0])
    assert read.points[0, 0].tolist() == [320, 240]


# ---------------------------------------------------------------- comfyui_controlnet_aux


def test_comfy_aux_writes_a_list_of_frames() -> None:
    frames = [{"people": [], **CANVAS}, {"people": [{"pose_keypoints_2d": triplets(18)}], **CANVAS}]
    assert len(from_openpose_json(frames)) == 0
    assert len(from_openpose_json(frames, frame=1)) == 1


def test_a_list_of_lists_of_frames_is_one_row_of_frames() -> None:
    one = {"people": [{"pose_keypoints_2d": triplets(18)}], **CANVAS}
    assert len(from_openpose_json([[one], [{"people": [], **CANVAS}]], frame=0)) == 1
    assert len(from_openpose_json([[one], [{"people": [], **CANVAS}]], frame=1)) == 0


def test_the_editors_single_person_without_a_list() -> None:
    assert len(from_openpose_json({"people": {"pose_keypoints_2d": triplets(18)}, **CANVAS})) == 1


def test_the_animal_nodes_document_is_refused_with_a_word_about_animals() -> None:
    animals = {"version": "ap10k", "animals": [[[1, 2, 1]] * 17], **CANVAS}
    with pytest.raises(PoseJsonError, match=r"'people' \(it holds animals"):
        from_openpose_json([animals])


# ---------------------------------------------------------------- ComfyUI's own pose nodes


def test_comfyui_core_writes_real_scores_and_feet() -> None:
    read = person_of(
        pose_keypoints_2d=triplets(18, 0.4),
        face_keypoints_2d=triplets(70, 0.0),
        hand_left_keypoints_2d=triplets(21, 0.01),
        hand_right_keypoints_2d=triplets(21, 0.0),
        foot_keypoints_2d=triplets(6, 0.75, start=400),
    )
    assert int(read.visible.sum()) == 18 + 21 + 6
    assert read.points[0, skeleton.FIGURE_FEET].tolist() == expected(6, 400)
    assert set(read.scores[0, skeleton.FIGURE_BODY].tolist()) == {float(np.float32(0.4))}
    assert set(read.scores[0, skeleton.FIGURE_LEFT_HAND].tolist()) == {float(np.float32(0.01))}


# ---------------------------------------------------------------- OpenPose 1.3 (CMU)


def cmu(**parts: Any) -> dict[str, Any]:
    """A document as OpenPose 1.3 writes it, without a canvas size."""
    person = {
        "person_id": [-1],
        "pose_keypoints_2d": triplets(25, 0.9),
        "face_keypoints_2d": [],
        "hand_left_keypoints_2d": [],
        "hand_right_keypoints_2d": [],
        "pose_keypoints_3d": [],
        "face_keypoints_3d": [],
        "hand_left_keypoints_3d": [],
        "hand_right_keypoints_3d": [],
    }
    return {"version": 1.3, "people": [person | parts], "part_candidates": [{}]}


def test_body_25_becomes_18_joints_and_6_foot_points() -> None:
    read = from_openpose_json(cmu(), image_size=(480, 640))
    all_25 = expected(25)
    assert read.points[0, skeleton.FIGURE_BODY].tolist() == all_25[:8] + all_25[9:19]
    assert read.points[0, skeleton.FIGURE_FEET].tolist() == all_25[19:]
    assert int(read.visible.sum()) == 24
    assert read.ids.tolist() == [0]


def test_a_foot_part_goes_before_the_feet_of_body_25() -> None:
    feet = triplets(6, start=400)
    read = from_openpose_json(cmu(foot_keypoints_2d=feet), image_size=(480, 640))
    assert read.points[0, skeleton.FIGURE_FEET].tolist() == expected(6, 400)


def test_scores_of_a_body_25_are_moved_with_its_points() -> None:
    scores = [i / 32 for i in range(25)]
    read = from_openpose_json(cmu(pose_scores=scores), image_size=(480, 640))
    assert read.scores[0, skeleton.FIGURE_BODY].tolist() == scores[:8] + scores[9:19]
    assert read.scores[0, skeleton.FIGURE_FEET].tolist() == scores[19:]


def test_without_a_canvas_size_the_canvas_holds_the_points_and_a_warning_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        read = from_openpose_json(cmu(pose_keypoints_2d=[99.4, 10, 1, 3, 49, 1, 900, 900, 0]))
    assert read.image_size == ImageSize(50, 101)
    assert "no canvas size; 101 x 50 pixels" in caplog.text


def test_points_left_of_and_above_the_picture_still_give_a_canvas() -> None:
    assert from_openpose_json(cmu(pose_keypoints_2d=[-9, -9, 1])).image_size == ImageSize(1, 1)


def test_normalised_points_without_a_canvas_size_need_one() -> None:
    document = cmu(pose_keypoints_2d=[0.5, 0.5, 1])
    with pytest.raises(PoseJsonError, match=r"within 0\.\.1.*pass image_size=\(height, width\)"):
        from_openpose_json(document)
    read = from_openpose_json(document, image_size=(480, 640))
    assert read.points[0, 0].tolist() == [320, 240]


def test_openposes_person_ids_are_kept_when_everybody_has_one() -> None:
    people = [{"person_id": [7]}, {"person_id": [3]}]
    assert from_openpose_json({"people": people, **CANVAS}).ids.tolist() == [7, 3]
    people.append({"person_id": [-1]})
    assert from_openpose_json({"people": people, **CANVAS}).ids.tolist() == [0, 1, 2]


# ---------------------------------------------------------------- faces


def test_a_face_of_68_gets_the_eyes_of_the_body_as_pupils() -> None:
    read = person_of(pose_keypoints_2d=triplets(18, 0.5), face_keypoints_2d=triplets(68, start=200))
    face = read.points[0, skeleton.FIGURE_FACE].tolist()
    assert face == expected(68, 200) + expected(18)[14:16]
    assert read.scores[0, skeleton.FIGURE_FACE].tolist()[-2:] == [0.5, 0.5]


def test_an_unseen_eye_gives_no_pupil() -> None:
    body = triplets(18)
    body[14 * 3 + 2] = 0
    read = person_of(pose_keypoints_2d=body, face_keypoints_2d=triplets(68))
    assert read.visible[0, skeleton.FIGURE_FACE].tolist()[-2:] == [False, True]


def test_a_face_without_any_seen_point_gets_no_pupils() -> None:
    read = person_of(pose_keypoints_2d=triplets(18), face_keypoints_2d=[0] * 204)
    assert not read.visible[0, skeleton.FIGURE_FACE].any()


def test_the_pupils_of_a_face_of_70_are_its_own() -> None:
    read = person_of(pose_keypoints_2d=triplets(18), face_keypoints_2d=triplets(70, start=200))
    assert read.points[0, skeleton.FIGURE_FACE].tolist() == expected(70, 200)


# ---------------------------------------------------------------- boxes


def test_a_box_may_carry_its_score_as_fifth_number() -> None:
    read = person_of(pose_keypoints_2d=triplets(18), box=[1, 2, 30, 40, 0.5])
    assert read.boxes.xyxy.tolist() == [[1, 2, 30, 40]]
    assert read.boxes.scores.tolist() == [0.5]


def test_a_person_without_a_box_gets_the_one_round_the_visible_points() -> None:
    read = from_openpose_json({"people": [{"pose_keypoints_2d": triplets(3)}, {}], **CANVAS})
    assert read.boxes.xyxy.tolist() == [[100, 100, 102, 104], [0, 0, 0, 0]]
    assert read.boxes.scores.tolist() == [1, 0]


def test_the_box_of_a_normalised_person_is_scaled_too() -> None:
    read = person_of(pose_keypoints_2d=[0.5, 0.5, 1], box=[0.25, 0.25, 1, 1])
    assert read.boxes.xyxy.tolist() == [[160, 120, 640, 480]]


# ---------------------------------------------------------------- what the hosts wrote


@pytest.mark.parametrize("name", GOLDENS)
@pytest.mark.parametrize("writer", ["controlnet", "comfy"])
def test_what_the_hosts_wrote_of_our_poses_is_our_figures(
    shared: Path, name: str, writer: str
) -> None:
    arrays = np.load(shared / "golden" / f"{name}.npz")
    height, width = (int(side) for side in arrays["canvas"])
    poses = WholeBodyPoses.from_arrays(
        arrays["keypoints"], arrays["scores"], image_size=(height, width)
    )
    made = OpenPoseFigures.from_poses(poses)
    document = json.loads((shared / "golden" / f"{name}.json").read_text(encoding="utf-8"))[writer]
    read = from_openpose_json(document)
    visible = made.visible[:, SHARED_POINTS]
    np.testing.assert_array_equal(read.visible[:, SHARED_POINTS], visible)
    np.testing.assert_array_equal(
        read.points[:, SHARED_POINTS][visible], made.points[:, SHARED_POINTS][visible]
    )
    assert read.image_size == made.image_size


def test_what_a1111_wrote_is_read_from_its_file(shared: Path) -> None:
    read = from_openpose_json(shared / "golden" / "hosts" / "a1111_512.json")
    assert (len(read), read.image_size) == (2, ImageSize(640, 512))
    assert read.points[0, 0].tolist() == [
        float(np.float32(200.00000381469727)),
        100.390594482421875,
    ]
