"""The node pack in a ComfyUI of our own, in both forms; the real one is tried by hand."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dw_openpose_full as dw
from comfyui_double import ROOT, Comfy, InterruptProcessingException, comfy

PHOTO = ROOT / "docs" / "sample.jpg"
IDS = {
    "DWOpenposeEstimator",
    "DWOpenposeLoadJSON",
    "DWOpenposeSelectPeople",
    "DWOpenposeSmooth",
    "DWOpenposeRender",
    "DWOpenposeSaveJSON",
}
SIZE = dw.ImageSize(120, 160)


@pytest.fixture(params=[True, False], ids=["V3", "V1"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Comfy]:
    """A host with the pack, of today and of yesterday."""
    with comfy(tmp_path, has_v3=request.param) as loaded:
        yield loaded


@pytest.fixture
def torch() -> Any:
    """torch, which hosts have and the core does without."""
    return pytest.importorskip("torch", reason="pictures of ComfyUI are torch's")


def keypoints(*xs: float, height: float = 60) -> dict[str, Any]:
    """An object of people, 20 wide, at these places: of a body two shoulders and two hips."""
    people = []
    for x in xs:
        body = np.zeros((18, 3))
        body[[2, 5, 8, 11]] = [[x, 20, 1], [x + 20, 20, 1], [x, 20 + height, 1], [x + 20, 50, 1]]
        people.append({"pose_keypoints_2d": body.reshape(-1).tolist(), "face_keypoints_2d": None})
    return {"people": people, "canvas_width": SIZE.width, "canvas_height": SIZE.height}


def lefts(objects: Sequence[dict[str, Any]]) -> list[list[float]]:
    """Where the right shoulder of each person of each frame is."""
    return [[person["pose_keypoints_2d"][6] for person in frame["people"]] for frame in objects]


# ------------------------------------------------------------------------------ the pack


def test_nodes_have_their_promised_names_in_one_form_alone(host: Comfy) -> None:
    assert set(host.nodes) == set(host.titles) == IDS
    forms = [host.module.NODE_CLASS_MAPPINGS, host.module.comfy_entrypoint]
    assert sum(form is not None for form in forms) == 1


def test_both_forms_say_the_same_and_every_word_is_explained(tmp_path: Path) -> None:
    said = []
    for has_v3 in (True, False):
        with comfy(tmp_path, has_v3=has_v3) as host:
            said.append({name: host.info(name) for name in host.nodes})
    assert said[0] == said[1]
    for info in said[0].values():
        assert info["category"] == "DW OpenPose"
        assert info["description"]
        assert all(info["output_tooltips"])
        for inputs in info["input"].values():
            assert all(options["tooltip"] for _, options in inputs.values())


def test_the_estimator_offers_the_zoo(host: Comfy) -> None:
    inputs = host.info("DWOpenposeEstimator")["input"]
    assert list(inputs["required"]) == ["image"]
    assert {"auto", "lite", "dwpose-l-384", "rtmw-l-384"} <= set(inputs["optional"]["model"][0])
    assert {"auto", "yolox-l", "none"} <= set(inputs["optional"]["detector"][0])
    assert inputs["optional"]["device"][1]["advanced"] is True


def test_the_host_gets_a_folder_of_weights_and_we_look_there(host: Comfy) -> None:
    folder = str(host.home / "models" / "dwpose")
    assert host.model_folders == {"dwpose": [folder]}
    host.part("host").look_in_folders()
    package = host.part("host").__name__.removesuffix(".hosts.comfyui.host")
    assert Path(folder) in sys.modules[f"{package}.zoo.folders"].neighbour_folders()


def test_the_drop_in_is_listed_only_when_asked_for_and_with_its_inputs_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DW_OPENPOSE_DROP_IN", "1")
    with comfy(tmp_path, has_v3=False) as host:
        info = host.info("DWPreprocessor")
        title = host.titles["DWPreprocessor"]
    assert title == "DWPose Estimator"
    assert info["category"] == "ControlNet Preprocessors/Faces and Poses Estimators"
    assert info["output"] == info["output_name"] == ["IMAGE", "POSE_KEYPOINT"]
    assert list(info["input"]["required"]) == ["image"]
    widgets = {
        name: (kind, options["default"])
        for name, (kind, options) in info["input"]["optional"].items()
    }
    on_off = ["enable", "disable"]
    assert list(widgets.items()) == [
        ("detect_hand", (on_off, "enable")),
        ("detect_body", (on_off, "enable")),
        ("detect_face", (on_off, "enable")),
        ("resolution", ("INT", 512)),
        (
            "bbox_detector",
            (
                [
                    "None",
                    "yolox_l.torchscript.pt",
                    "yolox_l.onnx",
                    "yolo_nas_l_fp16.onnx",
                    "yolo_nas_m_fp16.onnx",
                    "yolo_nas_s_fp16.onnx",
                ],
                "yolox_l.onnx",
            ),
        ),
        (
            "pose_estimator",
            (
                [
                    "dw-ll_ucoco_384_bs5.torchscript.pt",
                    "dw-ll_ucoco_384.onnx",
                    "dw-ll_ucoco.onnx",
                ],
                "dw-ll_ucoco_384_bs5.torchscript.pt",
            ),
        ),
        ("scale_stick_for_xinsr_cn", (["disable", "enable"], "disable")),
    ]


def test_loading_the_pack_is_light_and_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    program = f"""
import os, sys
sys.path.insert(0, {str(ROOT / "tests")!r})
from pathlib import Path
import cv2, numpy, comfyui_double
before, env, path = set(sys.modules), dict(os.environ), list(sys.path)
for has_v3 in (True, False):
    with comfyui_double.comfy(Path({str(tmp_path)!r}), has_v3=has_v3) as host:
        assert len(host.nodes) == 6
        assert env == dict(os.environ) and path == sys.path
        loaded = {{name.split(".")[0] for name in set(sys.modules) - before}}
        heavy = {{"torch", "onnxruntime", "PIL", "click", "rich", "ssl", "dw_openpose_full"}}
        assert not loaded & heavy, loaded & heavy
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_door_is_inert_without_a_package() -> None:
    members = runpy.run_path(str(ROOT / "__init__.py"))
    assert not {"NODE_CLASS_MAPPINGS", "comfy_entrypoint"} & set(members)


# ------------------------------------------------------------------------------ JSON


def test_a_file_of_the_input_folder_becomes_keypoints_of_full_length(host: Comfy) -> None:
    folder = host.home / "input" / "walks"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps({"frames": [keypoints(10), keypoints(30, 90)]}))
    kind, options = host.info("DWOpenposeLoadJSON")["input"]["optional"]["file"]
    assert kind == ["none", "walks/one.json"]
    assert options["default"] == "none"
    assert host.check("DWOpenposeLoadJSON", file="walks/one.json", text="") is True
    (frames,), _ = host.run("DWOpenposeLoadJSON", file="walks/one.json")
    assert lefts(frames) == [[10], [30, 90]]
    assert len(frames[0]["people"][0]["face_keypoints_2d"]) == 210


def test_a_changed_file_is_read_again(host: Comfy) -> None:
    path = host.home / "input" / "one.json"
    path.write_text(json.dumps(keypoints(10)))
    before = host.fingerprint("DWOpenposeLoadJSON", file="one.json")
    assert host.fingerprint("DWOpenposeLoadJSON", file="one.json") == before
    path.write_text(json.dumps(keypoints(10, 50)))
    assert host.fingerprint("DWOpenposeLoadJSON", file="one.json") != before
    assert host.fingerprint("DWOpenposeLoadJSON", file="none") == ""


def test_text_becomes_keypoints(host: Comfy) -> None:
    text = json.dumps(keypoints(10))
    assert host.check("DWOpenposeLoadJSON", file="none", text=text) is True
    (frames,), _ = host.run("DWOpenposeLoadJSON", text=text)
    assert lefts(frames) == [[10]]


def test_a_canvas_is_said_for_json_without_one(host: Comfy) -> None:
    document = keypoints(10)
    del document["canvas_width"], document["canvas_height"]
    text = json.dumps(document)
    (frames,), _ = host.run("DWOpenposeLoadJSON", text=text, width=300, height=200)
    assert (frames[0]["canvas_width"], frames[0]["canvas_height"]) == (300, 200)


@pytest.mark.parametrize("values", [{"file": "../secret.json"}, {"text": "SECRET"}])
def test_no_path_that_is_typed_reaches_the_file_system(host: Comfy, values: dict[str, str]) -> None:
    secret = host.home / "secret.json"
    secret.write_text(json.dumps(keypoints(10)))
    values = {key: value.replace("SECRET", str(secret)) for key, value in values.items()}
    values = {"file": "none", "text": "", **values}
    verdict = host.check("DWOpenposeLoadJSON", **values)
    assert isinstance(verdict, str)
    assert "no JSON file of the input folder" in verdict or "not valid JSON" in verdict
    with pytest.raises(ValueError, match=re.escape(verdict)):
        host.run("DWOpenposeLoadJSON", **values)


def test_a_text_in_place_of_keypoints_is_refused(host: Comfy) -> None:
    path = host.home / "one.json"
    path.write_text(json.dumps(keypoints(10)))
    for given in (str(path), path, str(path).encode(), None, 3):
        with pytest.raises(ValueError, match="POSE_KEYPOINT: expected a list of OpenPose objects"):
            host.run("DWOpenposeSmooth", pose_keypoint=given)


def test_keypoints_are_saved_as_they_are_under_the_next_number(host: Comfy) -> None:
    frames = [keypoints(10), {**keypoints(), "more": "of another node"}]
    assert host.check("DWOpenposeSaveJSON", filename_prefix="walk/%width%_pose") is True
    for number in (1, 2):
        _, ui = host.run(
            "DWOpenposeSaveJSON", pose_keypoint=frames, filename_prefix="walk/%width%_pose"
        )
        name = f"160_pose_{number:05}.json"
        assert ui["files"] == [{"filename": name, "subfolder": "walk", "type": "output"}]
    folder = host.home / "output" / "walk"
    assert json.loads((folder / "160_pose_00002.json").read_text("utf-8")) == frames
    assert len(list(folder.iterdir())) == 2


def test_what_json_can_not_hold_is_mended(host: Comfy) -> None:
    broken = keypoints(10, 50)
    broken["people"][0]["pose_keypoints_2d"][6] = float("nan")
    broken["people"][1]["pose_keypoints_2d"][6] = np.float32(50)
    host.run("DWOpenposeSaveJSON", pose_keypoint=[broken], filename_prefix="pose")

    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = (host.home / "output" / "pose_00001.json").read_text("utf-8")
    assert lefts(json.loads(text, parse_constant=refuse)) == [[0, 50]]


@pytest.mark.parametrize("prefix", ["../pose", "/pose", "a/../../pose", "C:\\pose", "..\\pose"])
def test_no_file_is_saved_outside_of_the_output_folder(host: Comfy, prefix: str) -> None:
    verdict = host.check("DWOpenposeSaveJSON", filename_prefix=prefix)
    assert isinstance(verdict, str)
    assert "expected a name within the output folder" in verdict
    with pytest.raises(ValueError, match="expected a name within the output folder"):
        host.run("DWOpenposeSaveJSON", pose_keypoint=[keypoints(10)], filename_prefix=prefix)
    assert not list((host.home / "output").iterdir())


# ------------------------------------------------------------------------------ people, smoothing


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ({}, [90, 10, 50]),
        ({"order": "left-to-right"}, [10, 50, 90]),
        ({"order": "left-to-right", "indices": "2, 0"}, [90, 10]),
        ({"indices": "1-7"}, [10, 50]),
        ({"indices": "5"}, []),
        ({"max_people": 2}, [90, 10]),
        ({"order": "left-to-right", "indices": "1-2", "max_people": 1}, [50]),
        ({"min_size": 0.6}, []),
    ],
)
def test_people_are_chosen(host: Comfy, values: dict[str, Any], chosen: list[float]) -> None:
    (frames,), _ = host.run(
        "DWOpenposeSelectPeople", pose_keypoint=[keypoints(90, 10, 50), keypoints()], **values
    )
    assert lefts(frames) == [chosen, []]


def test_the_largest_come_first_and_the_small_ones_go(host: Comfy) -> None:
    small, large = keypoints(10, height=40), keypoints(90, height=90)
    frame = {**small, "people": small["people"] + large["people"] + small["people"]}
    (frames,), _ = host.run("DWOpenposeSelectPeople", pose_keypoint=[frame], order="size")
    assert lefts(frames) == [[90, 10, 10]]
    (frames,), _ = host.run("DWOpenposeSelectPeople", pose_keypoint=frame, min_size=0.5)
    assert lefts(frames) == [[90]]


def test_indices_that_are_none_are_refused_before_anything_runs(host: Comfy) -> None:
    assert host.check("DWOpenposeSelectPeople", indices="0, 2-4") is True
    verdict = host.check("DWOpenposeSelectPeople", indices="first")
    assert verdict == "indices: expected numbers like 0, 2-4, got 'first'"


def test_people_of_a_video_keep_their_ids(host: Comfy) -> None:
    frames = [keypoints(10, 90), keypoints(92, 12), keypoints(14, 94)]
    (steady,), _ = host.run("DWOpenposeSmooth", pose_keypoint=frames, window=3, max_gap=0)
    assert [[person["id"] for person in frame["people"]] for frame in steady] == [[0, 1]] * 3
    np.testing.assert_allclose(lefts(steady), [[10, 90], [12, 92], [14, 94]], atol=1e-3)


# ------------------------------------------------------------------------------ networks


def test_the_last_two_networks_stay(host: Comfy, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = host.part("networks")
    loads: list[str] = []
    monkeypatch.setattr(networks, "_load", lambda wish: loads.append(wish.model) or _Nobody())
    get: Callable[..., object] = networks.Networks().get
    for model in ("a", "b", "a", "c", "a", "b"):
        get(networks.Wish(model))
    assert loads == ["a", "b", "c", "b"]


def test_networks_that_are_not_to_stay_go(host: Comfy, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = host.part("networks")
    loads: list[str] = []
    monkeypatch.setattr(networks, "_load", lambda wish: loads.append(wish.model) or _Nobody())
    get: Callable[..., object] = networks.Networks().get
    get(networks.Wish("a"))
    get(networks.Wish("a"), keep=False)
    get(networks.Wish("a"))
    assert loads == ["a", "a"]


def test_the_node_says_when_lite_stands_in(host: Comfy, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("onnxruntime", reason="the lite model needs onnxruntime")
    networks = host.part("networks")
    networks.Networks().get(networks.Wish())
    ((node, text),) = host.texts
    assert node == "7"
    assert text.startswith("model lite (")
    assert "nothing is fetched offline" in text
    assert [record.levelname for record in caplog.records] == ["WARNING"]


class _Nobody:
    """Networks that find nobody."""

    model = description = "nobody"

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.pictures: list[Any] = []
        self.wanted: list[Any] = []

    def find_people(self, image: Any, *, people: Any) -> Any:
        self.pictures.append(image)
        self.wanted.append(people)
        return dw.Boxes.from_arrays([])

    def read_poses(self, images: Any, boxes: Any) -> Any:
        self.groups.append(len(images))
        return [dw.WholeBodyPoses.nobody(dw.ImageSize.of(image)) for image in images]


@pytest.fixture
def nobody(host: Comfy, monkeypatch: pytest.MonkeyPatch) -> _Nobody:
    """Takes the place of all networks."""
    networks = _Nobody()
    monkeypatch.setattr(host.part("networks"), "_load", lambda wish: networks)
    kept = host.part("networks").NETWORKS._kept
    kept.clear()
    return networks


# ------------------------------------------------------------------------------ pictures


def levels(image: Any) -> Any:
    """An IMAGE as the host saves it."""
    return np.rint(np.asarray(image) * 255).astype(np.uint8)


def test_the_estimator_gives_what_the_library_gives(host: Comfy, torch: Any) -> None:
    pytest.importorskip("onnxruntime", reason="the lite model needs onnxruntime")
    picture = dw.read_picture(PHOTO)[::4, ::4]
    image = torch.from_numpy(picture.astype(np.float32) / 255)[None]
    how: dict[str, Any] = {"resolution": 256, "style": "xinsir"}
    (figures, objects, people), ui = host.run(
        "DWOpenposeEstimator", image=image, model="lite", hands=False, feet=True, **how
    )
    parts = dw.Parts.BODY | dw.Parts.FACE | dw.Parts.FEET
    expected = dw.DwOpenpose.load("lite", device="cpu")(picture, parts=parts, **how)
    assert len(expected.figures) == 1
    assert figures.dtype == people.dtype == torch.float32
    np.testing.assert_array_equal(levels(figures), expected.canvas[None])
    assert objects == [expected.to_json()] == json.loads(ui["openpose_json"][0])
    assert ui["text"][0].startswith("model lite")
    assert people.shape == figures.shape[:3]
    body = expected.figures.points[0, [1, 8, 11]].round().astype(int)
    assert (np.asarray(people)[0, body[:, 1], body[:, 0]] == 1).all()
    assert 0.05 < float(people.mean()) < 0.4


def test_a_point_shows_from_the_threshold_on(
    host: Comfy, torch: Any, nobody: _Nobody, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = dw.WholeBodyPoses.from_arrays(
        np.random.default_rng(3).uniform(5, 35, (1, 133, 2)),
        np.full((1, 133), 0.5),
        image_size=(40, 60),
    )
    monkeypatch.setattr(nobody, "read_poses", lambda images, boxes: [somebody])
    for threshold, shows in ((0.5, True), (0.6, False)):
        (figures, _, people), _ = host.run(
            "DWOpenposeEstimator", image=torch.zeros((1, 40, 60, 3)), threshold=threshold
        )
        assert bool(figures.any()) == bool(people.any()) == shows


def test_a_silhouette_covers_the_trunk_the_head_and_the_limbs_and_no_more(host: Comfy) -> None:
    body = {
        0: (80, 15),
        1: (80, 30),
        2: (65, 30),
        3: (45, 40),
        5: (95, 30),
        8: (70, 75),
        11: (90, 75),
    }
    triplets = np.zeros((18, 3))
    for joint, place in (body | {14: (77, 12), 15: (83, 12)}).items():
        triplets[joint] = *place, 1
    frame = {**keypoints(), "people": [{"pose_keypoints_2d": triplets.reshape(-1).tolist()}]}
    mask = host.part("silhouettes").silhouettes(dw.from_openpose_json(frame))
    assert mask.shape == SIZE
    assert all(mask[y, x] == 255 for x, y in [(80, 50), (67, 55), (80, 14), (80, 24), (55, 35)])
    assert all(mask[y, x] == 0 for x, y in [(55, 60), (110, 50), (80, 6), (80, 95), (30, 40)])
    assert set(np.unique(mask)) == {0, 255}


def test_persons_of_several_frames_share_batches_and_the_bar_gets_to_its_end(
    host: Comfy, torch: Any, nobody: _Nobody
) -> None:
    (figures, objects, people), _ = host.run(
        "DWOpenposeEstimator", image=torch.rand((19, 40, 60, 3)), resolution=80
    )
    assert nobody.groups == [8, 8, 3]
    assert host.bars == [[38, 38]]
    assert tuple(figures.shape) == (19, 80, 120, 3)
    assert tuple(people.shape) == (19, 80, 120)
    assert not figures.any()
    assert not people.any()
    assert [frame["people"] for frame in objects] == [[]] * 19
    assert {(frame["canvas_width"], frame["canvas_height"]) for frame in objects} == {(120, 80)}


def test_every_level_of_a_picture_arrives_as_it_left(
    host: Comfy, torch: Any, nobody: _Nobody
) -> None:
    levels_in = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    image = torch.from_numpy(levels_in.astype(np.float32) / 255)
    host.run("DWOpenposeEstimator", image=image, max_people=3, order="size")
    np.testing.assert_array_equal(nobody.pictures[0], levels_in[0])
    assert (nobody.wanted[0].max_people, nobody.wanted[0].order.value) == (3, "size")
    host.run("DWOpenposeEstimator", image=2 * image - 0.5)
    assert (nobody.pictures[1].min(), nobody.pictures[1].max()) == (0, 255)


def test_a_run_ends_when_the_user_wants_it(host: Comfy, torch: Any, nobody: _Nobody) -> None:
    host.interrupt_at = 12
    with pytest.raises(InterruptProcessingException):
        host.run("DWOpenposeEstimator", image=torch.rand((19, 40, 60, 3)))
    assert nobody.groups == [8]
    assert host.bars[0][1] < 16


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_pictures_are_taken(
    host: Comfy, torch: Any, nobody: _Nobody, channels: int
) -> None:
    (figures, *_), _ = host.run("DWOpenposeEstimator", image=torch.rand((1, 40, 60, channels)))
    assert tuple(figures.shape) == (1, 40, 60, 3)


def test_a_picture_with_nan_is_refused_in_one_sentence(
    host: Comfy, torch: Any, nobody: _Nobody
) -> None:
    image = torch.zeros((2, 40, 60, 3))
    image[1, 3, 3, 0] = float("nan")
    with pytest.raises(ValueError, match=r"NaN or infinity in frame 1 \(from 0\)"):
        host.run("DWOpenposeEstimator", image=image)


@pytest.mark.parametrize("shape", [(40, 60, 3), (0, 40, 60, 3), (1, 3, 40, 60), None])
def test_what_is_no_image_is_refused_in_one_sentence(
    host: Comfy, torch: Any, nobody: _Nobody, shape: tuple[int, ...] | None
) -> None:
    image = "a path" if shape is None else torch.zeros(shape)
    with pytest.raises(ValueError, match="image: expected a batch of pictures"):
        host.run("DWOpenposeEstimator", image=image)


def test_a_canvas_above_the_limit_is_refused_before_the_work(
    host: Comfy, torch: Any, nobody: _Nobody
) -> None:
    with pytest.raises(ValueError, match="a canvas may have up to"):
        host.run("DWOpenposeEstimator", image=torch.zeros((1, 40, 60, 3)), resolution=16384)
    assert host.questions == 0


def test_keypoints_are_drawn_as_the_library_draws_them(host: Comfy, torch: Any) -> None:
    frames = [keypoints(10, 90), keypoints()]
    (figures,), _ = host.run("DWOpenposeRender", pose_keypoint=frames, style="xinsir", width=320)
    expected = dw.render(dw.from_openpose_json(frames[0]), "xinsir", size=(240, 320))
    np.testing.assert_array_equal(levels(figures[0]), expected)
    assert not figures[1].any()
    (figures,), _ = host.run("DWOpenposeRender", pose_keypoint=frames, body=False)
    assert not figures.any()
    assert tuple(figures.shape) == (2, *SIZE, 3)


def test_canvases_of_two_sizes_need_one(host: Comfy, torch: Any) -> None:
    frames = [keypoints(10), {**keypoints(10), "canvas_width": 200}]
    with pytest.raises(ValueError, match="160 x 120, 200 x 120"):
        host.run("DWOpenposeRender", pose_keypoint=frames, height=50)
    (figures,), _ = host.run("DWOpenposeRender", pose_keypoint=frames, height=50, width=70)
    assert tuple(figures.shape) == (2, 50, 70, 3)


# ------------------------------------------------------------------------------ the drop-in


@pytest.fixture
def drop_in(
    host: Comfy, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Any, list[dict[str, Any]]]]:
    """Runs ``DWPreprocessor`` on the photo; no weights are here but lite's."""

    def run(**values: object) -> tuple[Any, list[dict[str, Any]]]:
        pytest.importorskip("onnxruntime", reason="the lite model needs onnxruntime")
        torch = pytest.importorskip("torch", reason="pictures of ComfyUI are torch's")
        picture = dw.read_picture(PHOTO)[::4, ::4]
        image = torch.from_numpy(picture.astype(np.float32) / 255)[None]
        answer = host.part("drop_in").DwPreprocessor(image=image, **values).run()
        (text,) = answer.ui["openpose_json"]
        assert json.loads(text) == answer.outputs[1]
        return answer.outputs

    return run


def test_the_drop_in_runs_lite_where_nothing_else_can_be_had_and_says_so(
    host: Comfy, drop_in: Callable[..., tuple[Any, list[dict[str, Any]]]]
) -> None:
    figures, (frame,) = drop_in(pose_estimator="dw-ll_ucoco.onnx", detect_hand="disable")
    assert min(figures.shape[1:3]) == 512
    assert frame["model"] == "lite"
    assert (frame["canvas_height"], frame["canvas_width"]) == tuple(figures.shape[1:3])
    (person,) = frame["people"]
    assert not any(person["hand_left_keypoints_2d"])
    assert any(person["face_keypoints_2d"])
    assert "dwpose-l.onnx is not here" in host.texts[0][1]
    assert host.texts[1][1].startswith("model lite")


def test_with_parity_the_drop_in_cuts_fractions_off(
    host: Comfy, torch: Any, nobody: _Nobody, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = host.part("drop_in").DwPreprocessor(image=torch.full((1, 16, 16, 3), 0.5))
    for parity in ("", "1"):
        monkeypatch.setenv("DW_OPENPOSE_PARITY", parity)
        node.run()
    assert [picture.max() for picture in nobody.pictures] == [128, 127]


def test_with_parity_the_drop_in_says_and_scales_as_comfyui_controlnet_aux(
    drop_in: Callable[..., tuple[Any, list[dict[str, Any]]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DW_OPENPOSE_PARITY", "1")
    figures, (frame,) = drop_in(resolution=10, detect_face="disable")
    assert min(figures.shape[1:3]) == 512  # what the host's own slider does not have
    height, width = dw.read_picture(PHOTO)[::4, ::4].shape[:2]
    assert list(frame) == ["people", "canvas_height", "canvas_width"]
    assert (frame["canvas_height"], frame["canvas_width"]) == (height, width)
    (person,) = frame["people"]
    assert person["face_keypoints_2d"] is None
    assert any(person["pose_keypoints_2d"])


# ------------------------------------------------------------------------------ example workflows


@pytest.mark.parametrize(
    "path", sorted((ROOT / "example_workflows").glob("*.json")), ids=lambda path: path.stem
)
def test_an_example_workflow_fits_the_nodes(host: Comfy, path: Path) -> None:
    """Workflows keep widgets' values by order: as many as there are, of their kinds and lists."""
    nodes = [one for one in json.loads(path.read_text("utf-8"))["nodes"] if one["type"] in IDS]
    assert nodes
    assert path.with_suffix(".jpg").is_file()
    for node in nodes:
        info = host.info(node["type"])
        assert [one["name"] for one in node["inputs"]] == list(info["input"]["required"])
        assert [one["type"] for one in node["outputs"]] == info["output"]
        widgets = info["input"]["optional"].values()
        for value, (kind, options) in zip(node["widgets_values"], widgets, strict=True):
            assert (
                value in kind
                if isinstance(kind, list)
                else isinstance(value, type(options["default"]))
            )
