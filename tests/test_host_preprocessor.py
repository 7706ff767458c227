"""The heart of every host: sizes, documents, networks that come and go, answers remembered."""

from __future__ import annotations

import gc
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import dw_openpose_full as dw
from dw_openpose_full.errors import DependencyError, ModelError, OptionError
from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.hosts import preprocessor as heart
from dw_openpose_full.hosts.choices import CHOICES, FULL
from dw_openpose_full.hosts.document import host_document, parity_document
from dw_openpose_full.hosts.framing import Frame, flattened
from dw_openpose_full.hosts.preprocessor import Preprocessor, Request, Settings
from dw_openpose_full.hosts.weights import best_files
from dw_openpose_full.people import PeopleChoice
from dw_openpose_full.pipeline import DwOpenpose
from dw_openpose_full.poses import ImageSize, WholeBodyPoses
from webui_doubles.networks import BODY, ScriptedNetworks

ROOT = Path(__file__).resolve().parents[1]
LITE = ROOT / "ckpts" / "lite"
MODEL, DETECTOR = "dw-ll_ucoco_384.onnx", "yolox_l.onnx"
HERE = Settings(offline=True)
BY_NAME = {choice.name: choice for choice in CHOICES}

Picture = NDArray[np.uint8]


def pixels_of(file: Path) -> Picture:
    return np.ascontiguousarray(cv2.imread(str(file))[..., ::-1])


def photo(height: int = 96, width: int = 64, grey: int = 90) -> Picture:
    return np.full((height, width, 3), grey, np.uint8)


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> ScriptedNetworks:
    script = ScriptedNetworks()
    monkeypatch.setattr(DwOpenpose, "load", script.load)
    return script


@pytest.fixture
def lite() -> None:
    """For tests that run the lite model."""
    pytest.importorskip("onnxruntime", reason="the lite model needs onnxruntime")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host's folder of weights, empty, on a machine that has no others."""
    monkeypatch.setenv("AUX_ANNOTATOR_CKPTS_PATH", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("DW_OPENPOSE_CKPTS", raising=False)
    return tmp_path


# --- sizes ---

# width, height of pictures; resolution; width, height of the drawing; of the JSON's canvas:
# what sd-webui-controlnet 1.1.455 answered in AUTOMATIC1111 1.10.1
SIZES_MEASURED = [
    ((500, 600), 256, (256, 307), (256, 320)),
    ((500, 600), 512, (512, 614), (512, 640)),
    ((500, 600), 768, (768, 922), (768, 960)),
    ((500, 600), 1024, (1024, 1229), (1024, 1280)),
    ((511, 613), 512, (512, 614), (512, 640)),
    ((511, 613), 768, (768, 921), (768, 960)),
    ((511, 613), 1024, (1024, 1228), (1024, 1280)),
    ((1600, 1200), 256, (341, 256), (384, 256)),
    ((1600, 1200), 512, (683, 512), (704, 512)),
    ((640, 480), 768, (1024, 768), (1024, 768)),
    ((400, 520), 256, (256, 333), (256, 384)),
    ((400, 520), 512, (512, 666), (512, 704)),
    ((400, 520), 768, (768, 998), (768, 1024)),
    ((97, 131), 256, (256, 346), (256, 384)),
    ((97, 131), 512, (512, 691), (512, 704)),
    ((97, 131), 768, (768, 1037), (768, 1088)),
    ((97, 131), 1024, (1024, 1383), (1024, 1408)),
    ((301, 900), 256, (256, 765), (256, 768)),
    ((301, 900), 512, (512, 1531), (512, 1536)),
    ((301, 900), 1024, (1024, 3062), (1024, 3072)),
    ((1000, 333), 256, (769, 256), (832, 256)),
    ((1000, 333), 512, (1538, 512), (1600, 512)),
    ((1000, 333), 1024, (3075, 1024), (3136, 1024)),
    ((512, 512), 512, (512, 512), (512, 512)),
]


@pytest.mark.parametrize(("picture", "resolution", "drawing", "canvas"), SIZES_MEASURED)
def test_sizes_are_those_of_sd_webui_controlnet(
    picture: tuple[int, int],
    resolution: int,
    drawing: tuple[int, int],
    canvas: tuple[int, int],
    networks: ScriptedNetworks,
) -> None:
    width, height = picture
    answer = Preprocessor()(photo(height, width), Request(FULL, resolution), HERE)
    assert answer.canvas.shape == (drawing[1], drawing[0], 3)
    assert (answer.document["canvas_width"], answer.document["canvas_height"]) == canvas


@pytest.mark.parametrize("parity", [False, True])
def test_json_is_in_pixels_of_the_drawing(networks: ScriptedNetworks, *, parity: bool) -> None:
    settings = replace(HERE, parity=parity)
    answer = Preprocessor()(photo(600, 500), Request(FULL, 256), settings)  # 256 x 307, then 320
    (person,) = answer.document["people"]
    ankle = person["pose_keypoints_2d"][3 * 13 :][:2]
    drawn_in = (256, 320) if parity else (256, 307)  # parity looks at the bordered picture
    assert ankle == pytest.approx(np.multiply(BODY[15], drawn_in), abs=1)


@pytest.mark.parametrize(("resolution", "size"), [(64, (64, 96)), (2048, (2048, 3072))])
def test_the_slider_s_ends(resolution: int, size: tuple[int, int]) -> None:
    assert Frame.of(ImageSize(96, 64), resolution).inner[::-1] == size


@pytest.mark.parametrize("resolution", [63, 2, 0, -1, -512])
def test_a_resolution_that_no_host_offers_means_the_default(resolution: int) -> None:
    assert Frame.of(ImageSize(96, 64), resolution) == Frame.of(ImageSize(96, 64), 512)


def test_a_bomb_is_refused_in_one_sentence_before_the_work(networks: ScriptedNetworks) -> None:
    with pytest.raises(OptionError, match=r"4 x 4000 2048 x 2048000.*choose a smaller") as refusal:
        Preprocessor()(photo(4000, 4), Request(FULL, 2048), HERE)
    assert "\n" not in str(refusal.value)
    assert not networks.loads


def test_a_picture_is_bordered_with_its_last_pixels() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (70, 66, 3), np.uint8)
    frame = Frame.of(ImageSize(70, 66), 66)
    filled = frame.fill(picture)
    assert filled.shape == (128, 128, 3)
    assert np.array_equal(frame.cut(filled), picture)
    assert frame.cut(filled).flags["C_CONTIGUOUS"]
    assert (filled[70:, :66] == picture[69]).all()
    assert (filled[:70, 66:] == picture[:, 65:]).all()
    assert (filled[70:, 66:] == picture[69, 65]).all()


# colour, opacity, what is left on white; the hosts compute in float32 and cut fractions off
@pytest.mark.parametrize(
    ("colour", "opacity", "left"),
    [(7, 255, 7), (7, 0, 255), (100, 128, 177), (201, 100, 233), (255, 3, 255), (0, 128, 126)],
)
def test_transparent_pixels_lie_on_white(colour: int, opacity: int, left: int) -> None:
    rgba = np.full((2, 3, 4), colour, np.uint8)
    rgba[..., 3] = opacity
    for pixels in (rgba, rgba[..., 2:]):  # colours, grey
        assert flattened(pixels).tolist() == np.full((2, 3, 3), left).tolist()


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 3), (2, 3, 5)])
def test_pixels_without_opacity_stay_as_they_are(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 9, np.uint8)
    assert flattened(pixels) is pixels


# --- documents ---


def figures_of(people: int, score: float = 0.9) -> tuple[OpenPoseFigures, WholeBodyPoses]:
    network = ScriptedNetworks(people, score).load()
    poses = network.detect(photo(480, 320))
    return OpenPoseFigures.from_poses(poses), poses


PARTS = {
    "pose_keypoints_2d": 18,
    "face_keypoints_2d": 70,
    "hand_left_keypoints_2d": 21,
    "hand_right_keypoints_2d": 21,
}


@pytest.mark.parametrize("people", [0, 1, 3])
def test_documents_have_what_the_hosts_editors_read(people: int) -> None:
    figures, poses = figures_of(people)
    for document in (host_document(figures, poses), parity_document(figures)):
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        assert (document["canvas_width"], document["canvas_height"]) == (320, 480)
        assert document["animals"] == []
        assert len(document["people"]) == people
        for person in document["people"]:
            lengths = {part: len(person[part]) // 3 for part in PARTS}
            assert lengths == PARTS
            assert {number for part in PARTS for number in person[part][2::3]} <= {0, 1}


def test_parity_s_document_has_nulls_and_zeros_for_what_is_not_visible() -> None:
    figures, _ = figures_of(1)
    visible = figures.visible.copy()
    visible[:, 18:109] = False  # face and left hand
    visible[:, 0] = False
    hidden = replace(figures, visible=visible)
    (person,) = parity_document(hidden)["people"]
    assert person["face_keypoints_2d"] is None
    assert person["hand_left_keypoints_2d"] is None
    assert len(person["hand_right_keypoints_2d"]) == 63
    assert person["pose_keypoints_2d"][:3] == [0, 0, 0]
    assert person["pose_keypoints_2d"][5] == 1


def test_a_person_without_a_visible_point_still_has_a_body_in_parity() -> None:
    figures, _ = figures_of(1, score=0.1)
    (person,) = parity_document(figures)["people"]
    assert person["pose_keypoints_2d"] == [0.0] * 54


# --- answers ---


def test_every_choice_has_the_hosts_buttons_and_a_name_of_its_own() -> None:
    names = [choice.name for choice in CHOICES]
    assert len(set(names)) == len(names)
    assert all("openpose" in name for name in names)
    assert names[0] == "dw_openpose_full"


def test_nobody_gives_a_blank_canvas_and_no_people(networks: ScriptedNetworks) -> None:
    networks.people = 0
    for choice in CHOICES:
        answer = Preprocessor()(photo(), Request(choice, 128), HERE)
        assert answer.canvas.shape == (192, 128, 3)
        assert answer.canvas.dtype == np.uint8
        assert not answer.canvas.any()
        assert answer.document["people"] == []


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: str(choice.name))
def test_a_choice_draws_what_its_name_says(choice: Any, networks: ScriptedNetworks) -> None:
    preprocessor = Preprocessor()
    answer = preprocessor(photo(480, 320), Request(choice, 320), HERE)
    whole = preprocessor(photo(480, 320), Request(FULL, 320), HERE)
    assert answer.canvas.any()
    same = choice.name in {"dw_openpose_full", "dw_openpose_lite"}
    assert np.array_equal(answer.canvas, whole.canvas) == same
    assert answer.document["people"] == whole.document["people"]  # the editor gets all of it


def test_the_surest_people_come_first_and_only_so_many(networks: ScriptedNetworks) -> None:
    networks.people = 3
    request = Request(FULL, 96, people=PeopleChoice(1))
    answer = Preprocessor()(photo(96, 192), request, HERE)
    (person,) = answer.document["people"]
    assert max(person["pose_keypoints_2d"][::3]) < 192 / 3


def test_a_threshold_hides_points(networks: ScriptedNetworks) -> None:
    networks.score = 0.4
    preprocessor = Preprocessor()
    assert preprocessor(photo(), Request(FULL, 96, threshold=0.3), HERE).canvas.any()
    assert not preprocessor(photo(), Request(FULL, 96, threshold=0.5), HERE).canvas.any()


def test_a_picture_is_not_changed(networks: ScriptedNetworks) -> None:
    picture = photo()
    for settings in (HERE, replace(HERE, parity=True)):
        Preprocessor()(picture, Request(FULL, 128), settings)
        assert (picture == 90).all()


OTHERS: dict[str, Callable[[Picture, Request, Settings], tuple[Picture, Request, Settings]]] = {
    "pixel": lambda p, r, s: (p + np.eye(96, 64, dtype=np.uint8)[..., None], r, s),
    "shape": lambda p, r, s: (p.reshape(64, 96, 3), r, s),
    "resolution": lambda p, r, s: (p, replace(r, resolution=65), s),
    "threshold": lambda p, r, s: (p, replace(r, threshold=0.5), s),
    "people": lambda p, r, s: (p, replace(r, people=PeopleChoice(1)), s),
    "choice": lambda p, r, s: (p, replace(r, choice=BY_NAME["dw_openpose_body"]), s),
    "phantoms": lambda p, r, s: (p, r, replace(s, phantoms=True)),
    "parity": lambda p, r, s: (p, r, replace(s, parity=True)),
    "device": lambda p, r, s: (p, r, replace(s, device="cpu")),
}


def test_a_second_call_runs_no_network(networks: ScriptedNetworks) -> None:
    preprocessor = Preprocessor()
    first = preprocessor(photo(), Request(FULL, 64), HERE)
    second = preprocessor(photo(), Request(FULL, 64), HERE)
    assert networks.runs == 1
    assert np.array_equal(first.canvas, second.canvas)
    assert first.document == second.document


@pytest.mark.parametrize("what", OTHERS)
def test_another_question_is_not_answered_from_memory(
    what: str, networks: ScriptedNetworks
) -> None:
    preprocessor = Preprocessor()
    question = (photo(), Request(FULL, 64), HERE)
    preprocessor(*question)
    preprocessor(*OTHERS[what](*question))
    assert networks.runs == 2


def test_what_a_caller_writes_into_an_answer_is_its_own(networks: ScriptedNetworks) -> None:
    preprocessor = Preprocessor()
    expected = Preprocessor()(photo(), Request(FULL, 64), HERE)
    for _ in range(3):  # the first is new, the others are remembered
        answer = preprocessor(photo(), Request(FULL, 64), HERE)
        assert np.array_equal(answer.canvas, expected.canvas)
        assert answer.document == expected.document
        answer.canvas[:] = 255
        answer.document["people"][0].clear()
        answer.document.clear()


def test_memory_has_an_end_and_keeps_what_was_asked_last(
    networks: ScriptedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heart, "MOST_BYTES", 3 * 96 * 64 * 3)  # three drawings
    preprocessor = Preprocessor()
    for grey in (1, 2, 3, 1, 4):  # the fourth is remembered, the fifth drives the second out
        preprocessor(photo(grey=grey), Request(FULL, 64), HERE)
    assert networks.runs == 4
    preprocessor(photo(grey=1), Request(FULL, 64), HERE)
    assert networks.runs == 4
    preprocessor(photo(grey=2), Request(FULL, 64), HERE)
    assert networks.runs == 5


def test_one_drawing_above_the_limit_is_answered_all_the_same(
    networks: ScriptedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heart, "MOST_BYTES", 10)
    assert Preprocessor()(photo(), Request(FULL, 64), HERE).canvas.any()


# --- networks come and go ---


def test_choices_share_networks(networks: ScriptedNetworks) -> None:
    preprocessor = Preprocessor()
    for choice in CHOICES:
        preprocessor(photo(), Request(choice, 64), HERE)
    assert [loaded["model"] for loaded in networks.loads] == ["auto", "lite"]


def test_only_what_networks_depend_on_loads_them_anew(networks: ScriptedNetworks) -> None:
    preprocessor = Preprocessor()
    settings = [HERE, replace(HERE, phantoms=True), replace(HERE, parity=True)]
    for one in settings:
        preprocessor(photo(), Request(FULL, 64), one)
    assert [loaded["parity"] for loaded in networks.loads] == [False, True]


def test_settings_reach_the_networks(networks: ScriptedNetworks) -> None:
    settings = Settings(device="cpu", parity=True, offline=True)
    Preprocessor()(photo(), Request(FULL, 64), settings)
    (loaded,) = networks.loads
    assert (loaded["device"], loaded["parity"], loaded["supply"].offline) == ("cpu", True, True)


def test_unloading_frees_networks_that_nobody_else_uses(networks: ScriptedNetworks) -> None:
    preprocessor = Preprocessor()
    body = BY_NAME["dw_openpose_body"]
    preprocessor(photo(), Request(FULL, 64), HERE)
    preprocessor(photo(), Request(body, 64), HERE)
    assert not preprocessor.unload(body)  # the full one's networks stay
    assert len(networks.alive) == 1
    assert preprocessor.unload(FULL)
    gc.collect()
    assert not networks.alive
    assert not preprocessor.unload(FULL)


def test_unloading_what_was_never_loaded_frees_nothing() -> None:
    assert Preprocessor().unload(FULL) is False


def test_networks_come_back_after_unloading(networks: ScriptedNetworks) -> None:
    preprocessor = Preprocessor()
    first = preprocessor(photo(), Request(FULL, 64), HERE)
    preprocessor.unload(FULL)
    again = preprocessor(photo(grey=91), Request(FULL, 64), HERE)
    assert len(networks.loads) == 2
    assert np.array_equal(first.canvas, again.canvas)


def test_many_threads_get_what_one_would_and_load_once(networks: ScriptedNetworks) -> None:
    networks.seconds = 0.05
    pictures = [photo(grey=grey) for grey in range(8)]
    sizes = [64 + 8 * (number % 3) for number in range(8)]
    start, preprocessor = Barrier(8), Preprocessor()

    def ask(picture: Picture, resolution: int) -> Picture:
        start.wait()
        return preprocessor(picture, Request(FULL, resolution), HERE).canvas

    with ThreadPoolExecutor(8) as threads:
        drawings = list(threads.map(ask, pictures, sizes))
    assert len(networks.loads) == 1
    for picture, resolution, drawing in zip(pictures, sizes, drawings, strict=True):
        alone = Preprocessor()(picture, Request(FULL, resolution), HERE)
        assert np.array_equal(drawing, alone.canvas)


def test_unloading_while_others_ask_harms_nobody(networks: ScriptedNetworks) -> None:
    preprocessor = Preprocessor()

    def ask(grey: int) -> bool:
        answer = preprocessor(photo(grey=grey), Request(FULL, 64), HERE)
        preprocessor.unload(FULL)
        return bool(answer.canvas.any())

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(ask, range(40)))
    preprocessor.unload(FULL)
    gc.collect()
    assert not networks.alive


def test_nobody_waits_for_a_download_who_needs_none(
    networks: ScriptedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    preprocessor, begun, arrived = Preprocessor(), Event(), Event()
    preprocessor(photo(), Request(FULL, 64), HERE)

    def fetch(*_: Any, **__: Any) -> DwOpenpose:
        begun.set()
        assert arrived.wait(30)
        return networks.load()

    monkeypatch.setattr(DwOpenpose, "load", fetch)
    lite = BY_NAME["dw_openpose_lite"]
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(preprocessor, photo(), Request(lite, 64), HERE)
        assert begun.wait(30)
        preprocessor(photo(), Request(FULL, 64), HERE)  # from memory
        assert preprocessor.unload(FULL)
        assert not slow.done()
        arrived.set()
        assert slow.result().canvas.any()


def test_a_failed_loading_is_tried_again(
    networks: ScriptedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> DwOpenpose:
        raise ModelError("no weights")

    preprocessor = Preprocessor()
    with monkeypatch.context() as patch:
        patch.setattr(DwOpenpose, "load", fail)
        with pytest.raises(ModelError, match="no weights"):
            preprocessor(photo(), Request(FULL, 64), HERE)
    assert preprocessor(photo(), Request(FULL, 64), HERE).canvas.any()


def test_users_are_told_which_networks_run(networks: ScriptedNetworks) -> None:
    told: list[str] = []
    alerts: list[str] = []
    preprocessor = Preprocessor(told.append, alerts.append)
    for _ in range(2):
        preprocessor(photo(), Request(FULL, 64), HERE)
    assert (told, alerts) == (["model scripted on nothing"], [])


@pytest.mark.usefixtures("lite")
def test_the_lite_model_is_an_alert_where_it_was_not_asked_for(folder: Path) -> None:
    told: list[str] = []
    alerts: list[str] = []
    preprocessor = Preprocessor(told.append, alerts.append)
    preprocessor(photo(), Request(BY_NAME["dw_openpose_lite"], 64), HERE)
    assert (len(told), len(alerts)) == (1, 0)
    preprocessor(photo(), Request(FULL, 64), HERE)
    assert (len(told), len(alerts)) == (1, 1)


def test_a_download_is_told_in_tenths(networks: ScriptedNetworks) -> None:
    told: list[str] = []
    Preprocessor(told.append)(photo(), Request(FULL, 64), HERE)
    progress = networks.loads[0]["supply"].progress
    told.clear()
    for done in range(0, 101, 2):
        progress(done, 100)
    assert len(told) == 11
    assert [told[0], told[-1]] == [f"fetching weights, this once: {p} %" for p in (0, 100)]


def test_a_download_of_unknown_length_is_told_once(networks: ScriptedNetworks) -> None:
    told: list[str] = []
    Preprocessor(told.append)(photo(), Request(FULL, 64), HERE)
    progress = networks.loads[0]["supply"].progress
    told.clear()
    for done in range(5):
        progress(done, None)
    assert len(told) == 1


# --- which files ---


def test_without_files_of_the_host_auto_decides(folder: Path) -> None:
    assert best_files(parity=False) == best_files(parity=True) == ("auto", "auto")


@pytest.mark.parametrize("alone", [MODEL, DETECTOR])
def test_one_file_of_the_host_is_not_enough(folder: Path, alone: str) -> None:
    (folder / alone).write_bytes(b"other weights")
    assert best_files(parity=False) == ("auto", "auto")


@pytest.mark.parametrize("parity", [False, True])
def test_other_weights_of_the_host_are_taken_with_one_warning(
    folder: Path, caplog: pytest.LogCaptureFixture, *, parity: bool
) -> None:
    for name in (MODEL, DETECTOR):
        (folder / name).write_bytes(b"other weights")
    with caplog.at_level(logging.WARNING, "dw_openpose_full"):
        files = best_files(parity=parity)
    assert files == (str(folder / MODEL), str(folder / DETECTOR))
    (warning,) = caplog.messages
    assert MODEL in warning
    assert DETECTOR in warning


def test_the_catalogue_s_weights_come_first_but_for_parity(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (MODEL, DETECTOR):
        (folder / name).write_bytes(b"weights")
    monkeypatch.setattr("dw_openpose_full.zoo.store.find_verified", lambda weight: folder)
    assert best_files(parity=False) == ("auto", "auto")
    assert best_files(parity=True) == (str(folder / MODEL), str(folder / DETECTOR))


@pytest.mark.parametrize(("parity", "engine"), [(False, "auto"), (True, "opencv")])
def test_parity_runs_the_host_s_files_on_the_host_s_engine(
    folder: Path, networks: ScriptedNetworks, engine: str, *, parity: bool
) -> None:
    for name in (MODEL, DETECTOR):
        (folder / name).write_bytes(b"other weights")
    Preprocessor()(photo(), Request(FULL, 64), replace(HERE, parity=parity))
    (loaded,) = networks.loads
    assert loaded["backend"] == engine
    assert loaded["model"] == str(folder / MODEL)


def damaged(how: str) -> bytes:
    whole = (LITE / "nanodet.onnx").read_bytes()
    kinds = {"empty": b"", "garbage": b"\x00\xff" * 500, "cut": whole[:9999], "another": whole}
    return kinds[how]


@pytest.mark.usefixtures("lite")
@pytest.mark.parametrize(
    ("how", "parity"), [("empty", False), ("garbage", True), ("cut", False), ("another", True)]
)
def test_a_file_of_the_host_that_is_no_such_network_is_told_and_left(
    folder: Path, how: str, *, parity: bool
) -> None:
    for name in (MODEL, DETECTOR):
        (folder / name).write_bytes(damaged(how))
    alerts: list[str] = []
    settings = replace(HERE, parity=parity)
    answer = Preprocessor(alert=alerts.append)(photo(), Request(FULL, 64), settings)
    assert answer.document["people"] == []
    refusal, words = alerts
    assert MODEL in refusal
    assert "\n" not in refusal
    assert words.startswith("model lite (")


@pytest.mark.usefixtures("lite")
def test_offline_without_weights_the_lite_model_answers_and_says_so(folder: Path) -> None:
    told: list[str] = []
    alerts: list[str] = []
    picture = pixels_of(ROOT / "docs" / "sample.jpg")
    answer = Preprocessor(told.append, alerts.append)(picture, Request(FULL, 256), HERE)
    assert len(answer.document["people"]) == 1
    assert answer.canvas.any()
    assert not told
    (words,) = alerts
    assert words.startswith(f"model lite ({MODEL} and {DETECTOR} not here")


@pytest.fixture
def no_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "dw_openpose_full.backends.ort", raising=False)


@pytest.mark.usefixtures("no_onnxruntime")
def test_without_onnxruntime_one_sentence_says_what_to_install(folder: Path) -> None:
    with pytest.raises(DependencyError, match="onnxruntime can not be imported") as error:
        Preprocessor()(photo(), Request(FULL, 64), HERE)
    assert "\n" not in str(error.value)


def test_without_any_weights_one_sentence_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dw_openpose_full.zoo.store.weight_folders", lambda: (folder,))
    with pytest.raises(ModelError, match="install the package again") as error:
        Preprocessor()(photo(), Request(FULL, 64), HERE)
    assert "\n" not in str(error.value)


# --- parity ---


@pytest.fixture
def standins(shared: Path, folder: Path) -> Path:
    """The reference material's small networks, in the host's folder under the names of DWPose's."""
    for name in (MODEL, DETECTOR):
        (folder / name).write_bytes((shared / "models" / "standin" / name).read_bytes())
    return shared / "golden" / "hosts"


@pytest.mark.shared
def test_parity_repeats_a_host_byte_for_byte(standins: Path) -> None:
    picture = pixels_of(standins / "in.png")
    settings = Settings(device="cpu", parity=True, offline=True)
    answer = Preprocessor()(picture, Request(FULL, 512), settings)
    assert np.array_equal(answer.canvas, pixels_of(standins / "a1111_512.png"))
    assert answer.document == json.loads((standins / "a1111_512.json").read_text("utf-8"))


@pytest.mark.shared
@pytest.mark.usefixtures("no_onnxruntime")
def test_without_onnxruntime_opencv_runs_the_host_s_files(standins: Path) -> None:
    told: list[str] = []
    picture = pixels_of(standins / "in.png")
    answer = Preprocessor(told.append)(picture, Request(FULL, 512), HERE)
    assert len(answer.document["people"]) == 2
    assert "on OpenCV" in told[0]


RESIDENT = """
import sys
from pathlib import Path
import dw_openpose_full as dw
from dw_openpose_full.hosts.choices import CHOICES
from dw_openpose_full.hosts.preprocessor import Preprocessor, Request, Settings

def megabytes():
    (line,) = [line for line in open("/proc/self/status") if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024

heart, lite = Preprocessor(), CHOICES[-1]
picture = dw.read_picture(sys.argv[1])
import onnxruntime
before = megabytes()
heart(picture, Request(lite), Settings(offline=True))
loaded = megabytes()
assert heart.unload(lite)
print(before, loaded, megabytes())
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.libc_ver()[0] != "glibc",
    reason="resident memory is read from Linux, and glibc is told to give it back",
)
def test_memory_returns_after_unload() -> None:
    pytest.importorskip("onnxruntime", reason="lite needs onnxruntime")
    sample = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"
    environment = {**os.environ, "PYTHONPATH": str(Path(dw.__file__).parents[1])}
    run = subprocess.run(
        [sys.executable, "-c", RESIDENT, str(sample)],
        capture_output=True,
        check=True,
        text=True,
        env=environment,
    )
    before, loaded, after = map(float, run.stdout.split())
    assert loaded - before > 100
    assert after - before < 0.5 * (loaded - before)
