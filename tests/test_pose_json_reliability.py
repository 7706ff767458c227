"""Every document is a right result or one clear sentence: the class JSON of the reliability bar."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dw_openpose_full.errors import PoseJsonError
from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.pose_json import from_openpose_json, source, to_openpose_json
from dw_openpose_full.poses import Boxes, ImageSize

BODY = [100.0, 50.0, 1.0] * 18
NAN, INF, HUGE = float("nan"), float("inf"), 10**400

Check = Callable[[OpenPoseFigures], object]


def doc(people: Any, width: Any = 640, height: Any = 480, **more: Any) -> dict[str, Any]:
    """A document."""
    return {"people": people, "canvas_width": width, "canvas_height": height, **more}


def one(**parts: Any) -> dict[str, Any]:
    """A document with one person."""
    return doc([parts])


def body(*numbers: Any) -> dict[str, Any]:
    """A document whose one person has this body."""
    return one(pose_keypoints_2d=list(numbers))


def body_text(numbers: str) -> str:
    """JSON text whose one person has these numbers as body."""
    return json.dumps(body("numbers")).replace('"numbers"', numbers)


def shows(count: int) -> Check:
    """So many points are visible."""
    return lambda figures: int(figures.visible.sum()) == count


def people(count: int) -> Check:
    """There are so many people."""
    return lambda figures: len(figures) == count


def nested(depth: int) -> str:
    """A list in a list in a list."""
    return "[" * depth + "]" * depth


def assert_clear(message: str, words: str) -> None:
    """One sentence on one line, short, that names what it should and what to do."""
    assert words in message
    assert "\n" not in message
    assert len(message) < 400
    assert ": " in message
    assert "; " in message  # what to do


# ---------------------------------------------------------------- right results

RIGHT: dict[str, tuple[Any, Check]] = {
    # people
    "nobody": (doc([]), people(0)),
    "people null": (doc(None), people(0)),
    "people one object": (doc({"pose_keypoints_2d": BODY}), people(1)),
    "person empty": (one(), shows(0)),
    "person unknown keys": (one(pose_keypoints_2d=BODY, mood="good", x=[1]), shows(18)),
    "400 people": (doc([{"pose_keypoints_2d": BODY}] * 400), people(400)),
    "document unknown keys": (doc([], author={"name": "x"}, depth=[[[]]]), people(0)),
    "animals ignored": (doc([], animals=[[1] * 51]), people(0)),
    "animals nonsense": (doc([], animals="cat"), people(0)),
    # parts
    "parts null": (one(pose_keypoints_2d=None, face_keypoints_2d=None), shows(0)),
    "parts empty": (one(pose_keypoints_2d=[], hand_left_keypoints_2d=[]), shows(0)),
    "parts all zero": (one(pose_keypoints_2d=[0] * 54, face_keypoints_2d=[0] * 210), shows(0)),
    "body short": (body(*BODY[:30]), shows(10)),
    "body 25": (body(*[9.0, 9.0, 1.0] * 25), shows(24)),
    "hand alone": (one(hand_right_keypoints_2d=[9, 9, 1] * 21), shows(21)),
    "hand short": (one(hand_left_keypoints_2d=[9, 9, 1] * 5), shows(5)),
    "face 68 without body": (one(face_keypoints_2d=[9, 9, 1] * 68), shows(68)),
    "face 70": (one(face_keypoints_2d=[9, 9, 1] * 70), shows(70)),
    "face 69": (one(face_keypoints_2d=[9, 9, 1] * 69), shows(69)),
    "feet alone": (one(foot_keypoints_2d=[9, 9, 1] * 6), shows(6)),
    "part a tuple": (one(pose_keypoints_2d=tuple(BODY)), shows(18)),
    "part a numpy array": (one(pose_keypoints_2d=np.array(BODY, np.float32)), shows(18)),
    "part of numpy numbers": (body(*np.array(BODY, np.float32)), shows(18)),
    # numbers
    "integers": (body(*[100, 50, 1] * 18), shows(18)),
    "confidence tiny": (body(100, 50, 1e-9), shows(1)),
    "confidence 0.29": (body(100, 50, 0.29), lambda f: f.scores[0, 0] == np.float32(0.29)),
    "confidence 2 as in COCO": (body(100, 50, 2), lambda f: f.scores[0, 0] == 2),
    "confidence negative": (body(100, 50, -1), shows(0)),
    "confidence NaN": (body(100, 50, NAN), shows(0)),
    "confidence infinite": (body(100, 50, INF), shows(0)),
    "x NaN": (body(NAN, 50, 1), shows(0)),
    "y infinite": (body(100, -INF, 1), shows(0)),
    "x beyond float32": (body(1e300, 50, 1), shows(0)),
    "x of 400 digits": (body(HUGE, 50, 1), shows(0)),
    "x of minus 400 digits": (body(-HUGE, 50, 1), shows(0)),
    "outside the canvas": (body(-50, 9999, 1), lambda f: f.points[0, 0].tolist() == [-50, 9999]),
    "far outside the canvas": (body(1e30, 50, 1), shows(1)),
    "at the origin": (body(0, 0, 1), shows(1)),
    "normalised": (body(0.5, 0.5, 1), lambda f: f.points[0, 0].tolist() == [320, 240]),
    "normalised to the rim": (body(0, 1, 1), lambda f: f.points[0, 0].tolist() == [0, 480]),
    "a little below 0": (body(-0.1, 1, 1), lambda f: f.points[0, 0, 1] == 1),
    # canvas
    "canvas 1 x 1": (doc([], 1, 1), lambda f: f.image_size == (1, 1)),
    "canvas 512.0": (doc([], 512.0, 64.0), lambda f: f.image_size == (64, 512)),
    "canvas at the limit": (doc([], 8000, 8000), lambda f: f.image_size == (8000, 8000)),
    # our own keys
    "scores null": (one(pose_keypoints_2d=BODY, pose_scores=None), lambda f: f.scores[0, 0] == 1),
    "scores NaN": (one(foot_keypoints_2d=[9] * 3, foot_scores=[NAN]), lambda f: not f.scores.any()),
    "box null": (one(pose_keypoints_2d=BODY, box=None), lambda f: f.boxes.xyxy[0, 0] == 100),
    "box NaN": (one(pose_keypoints_2d=BODY, box=[NAN] * 4), lambda f: f.boxes.xyxy[0, 0] == 100),
    "id null": (one(id=None), lambda f: f.ids.tolist() == [0]),
    "id of some only": (doc([{"id": 1}, {}]), lambda f: f.ids.tolist() == [0, 1]),
    "person_id a number": (one(person_id=4), lambda f: f.ids.tolist() == [4]),
    "person_id of a fraction": (one(person_id=[0.5]), lambda f: f.ids.tolist() == [0]),
    "box_score": (one(box=[1, 2, 3, 4], box_score=0.5), lambda f: f.boxes.scores.tolist() == [0.5]),
    # texts
    "text with blanks round it": (f" \n\t{json.dumps(body(*BODY))}\r\n ", shows(18)),
    "text with NaN": (body_text("NaN, 1, 1, 5, 5, 1"), shows(1)),
    "text with infinity": (body_text("1, -Infinity, 1, 5, 5, 1"), shows(1)),
    "text with 5000 digits": (body_text("9" * 5000 + ", 1, 1, 5, 5, 1"), shows(1)),
    "text with an exponent of 999": (body_text("1e999, 1, 1, 5, 5, 1"), shows(1)),
    "text with escapes": ('{"people": [], "canvas_width": 9, "canvas_height": 9, "\\ud800": 1}',
                          people(0)),
    "bytes with a byte order mark": (b"\xef\xbb\xbf" + json.dumps(doc([])).encode(), people(0)),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_document_is_read_rightly_and_left_alone(name: str) -> None:
    document, is_right = RIGHT[name]
    before = copy.deepcopy(document)
    figures = from_openpose_json(document)
    assert is_right(figures)
    assert np.isfinite(figures.points).all()
    assert np.isfinite(figures.scores).all()
    assert np.isfinite(figures.boxes.xyxy).all()
    assert repr(document) == repr(before)


# ---------------------------------------------------------------- one clear sentence

PERSON = "OpenPose JSON: people[0]"
WRONG: dict[str, tuple[Any, str]] = {
    # documents
    "null": (None, "OpenPose JSON: expected an object, a list, JSON text or a path, got null"),
    "number": (3, "got 3; pass one"),
    "true": (True, "got true"),
    "NaN": (NAN, "got a huge or undefined number"),
    "set": ({1}, "got a Python set"),
    "empty list": ([], "holds no frame"),
    "empty object": ({}, "expected an object with the key 'people'"),
    "no people": ({"canvas_width": 9, "canvas_height": 9}, "the key 'people'"),
    "only animals": ({"animals": []}, "it holds animals, which are not read"),
    "another editors form": ({"width": 9, "height": 9, "keypoints": [[1, 2]]}, "the key 'people'"),
    "list of numbers": ([1, 2], "OpenPose JSON: [0]: expected a frame"),
    "list of null": ([None], "[0]: expected a frame, an object with 'people', got null"),
    "list of empty objects": ([{}], "OpenPose JSON: [0]: expected an object with the key 'people'"),
    "too many frames": ([{}] * 100_001, "it holds more than 100000 frames; split it"),
    "list in list in list": ([[[{}]]], "[0][0]: expected a frame"),
    "frames no list": ({"frames": 3}, "frames: expected an object with 'people' or a list"),
    "frames of numbers": ({"frames": [3]}, "frames[0]: expected a frame"),
    "error in a listed frame": ([body(1)], "OpenPose JSON: [0].people[0].pose_keypoints_2d: "),
    "error in a video": ({"frames": [body(1)]}, "frames[0].people[0].pose_keypoints_2d: "),
    # people
    "people a number": (doc(5), "OpenPose JSON: people: expected a list of people, got 5"),
    "people a text": (doc("me"), "people: expected a list of people, got the text 'me'"),
    "person null": (doc([None]), f"{PERSON}: expected a person as an object, got null"),
    "person a list": (doc([{}, []]), "people[1]: expected a person as an object, got an empty"),
    "too many people": (doc([{}] * 5000), "people: expected at most 4096 people, got 5000"),
    # parts
    "part a number": (one(pose_keypoints_2d=5), f"{PERSON}.pose_keypoints_2d: expected a list"),
    "part a text": (one(pose_keypoints_2d="1 2 3"), "expected a list of numbers, got the text"),
    "part an object": (one(face_keypoints_2d={"x": 1}), "face_keypoints_2d: expected a list of"),
    "part false": (one(face_keypoints_2d=False), "expected a list of numbers, got false"),
    "part nested": (body([1, 2, 1]), "pose_keypoints_2d[0]: expected a number, got a list of 3"),
    "part a numpy picture": (one(pose_keypoints_2d=np.ones((2, 3))), "2d[0]: expected a number"),
    "number a text": (body(1, "2", 1), "pose_keypoints_2d[1]: expected a number, got the text '2'"),
    "number null": (body(1, 2, None), "pose_keypoints_2d[2]: expected a number, got null"),
    "number true": (body(*[1, 2, True]), "pose_keypoints_2d[2]: expected a number, got true"),
    "number an object": (body({}, 2, 1), "pose_keypoints_2d[0]: expected a number, got an empty"),
    "number a numpy truth": (body(1, 2, np.True_), "2d[2]: expected a number, got a Python"),
    "body of 53 numbers": (body(*BODY[:53]), "expected a multiple of 3 numbers"),
    "body of COCOs 17": (body(*BODY[:51]), "expected 18 points (COCO with neck) or 25"),
    "body of 19": (body(*BODY, 1, 1, 1), "expected 18 points (COCO with neck) or 25 (BODY_25)"),
    "body of 26": (body(*[1, 1, 1] * 26), "expected 18 points (COCO with neck) or 25 (BODY_25)"),
    "face of 209": (doc([{}, {}, {"face_keypoints_2d": [1] * 209}]),
                    "people[2].face_keypoints_2d: expected a multiple of 3 numbers"),
    "face of 209, count": (one(face_keypoints_2d=[1] * 209), "got 209; complete the part or leave"),
    "face of 71": (one(face_keypoints_2d=[1] * 213), "expected at most 70 points, got 71"),
    "left hand of 22": (one(hand_left_keypoints_2d=[1] * 66), "hand_left_keypoints_2d: expected"),
    "right hand of 2": (one(hand_right_keypoints_2d=[1] * 2), "hand_right_keypoints_2d: expected"),
    "feet of 7": (one(foot_keypoints_2d=[1] * 21), "foot_keypoints_2d: expected at most 6 points"),
    # canvas
    "canvas width absent": ({"people": [], "canvas_height": 9}, "canvas_width: expected a whole"),
    "canvas height null": (doc([], 9, None), "canvas_height: expected a whole number, got null"),
    "canvas a text": (doc([], "640"), "canvas_width: expected a whole number, got the text '640'"),
    "canvas true": (doc([], width=True), "canvas_width: expected a whole number, got true"),
    "canvas a list": (doc([], [640]), "canvas_width: expected a whole number, got a list of 1"),
    "canvas 0": (doc([], 0), "canvas_width: expected a positive number of pixels, got 0"),
    "canvas negative": (doc([], 640, -480), "canvas_height: expected a positive number of pixels"),
    "canvas a fraction": (doc([], 640.5), "canvas_width: expected a whole number, got 640.5"),
    "canvas NaN": (doc([], NAN), "canvas_width: expected a whole number, got a huge or undefined"),
    "canvas infinite": (doc([], INF), "canvas_width: expected a whole number"),
    "canvas too large": (doc([], 10**5, 10**5), "expected a canvas of at most 64 megapixels, got"),
    "canvas of 400 digits": (doc([], HUGE), "canvas_width a huge or undefined number"),
    "canvas 1e300": (doc([], 1e300), "expected a canvas of at most 64 megapixels"),
    "no canvas and nobody": ({"people": []}, "no canvas_width and canvas_height, and no point"),
    "no canvas and normalised": ({"people": [{"pose_keypoints_2d": [0.5, 0.5, 1]}]},
                                 "within 0..1, so they need canvas_width and canvas_height"),
    "no canvas and far points": ({"people": [{"pose_keypoints_2d": [1e9, 1e9, 1]}]},
                                 "expected a canvas of at most 64 megapixels"),
    # our own keys
    "scores too few": (one(pose_keypoints_2d=BODY, pose_scores=[1]),
                       f"{PERSON}.pose_scores: expected 18 numbers, one for each point of pose"),
    "scores without points": (one(face_scores=[1]), f"{PERSON}.face_scores: expected 0 numbers"),
    "scores a text": (one(pose_scores="high"), "pose_scores: expected a list of numbers"),
    "scores of truths": (one(pose_keypoints_2d=BODY, pose_scores=[True] * 18), "pose_scores[0]: "),
    "box an object": (one(box={"x": 1}), f"{PERSON}.box: expected a list of numbers"),
    "box of 3": (one(box=[1, 2, 3]), f"{PERSON}.box: expected 4 numbers (x1, y1, x2, y2), got 3"),
    "box_score a text": (one(box=[1, 2, 3, 4], box_score="1"), f"{PERSON}.box_score: expected"),
    "id a text": (one(id="anna"), f"{PERSON}.id: expected a whole number, got the text 'anna'"),
    "id true": (one(id=True), f"{PERSON}.id: expected a whole number, got true"),
    "id too large": (one(id=2**63), f"{PERSON}.id: expected a whole number of 64 bits"),
    "person_id a text": (one(person_id="1"), f"{PERSON}.person_id: expected a list of numbers"),
    # texts
    "text empty": ("", "JSON text: it is empty"),
    "text blank": (" \n\t", "JSON text: it is empty"),
    "bytes empty": (b"", "JSON text: it is empty"),
    "bytes only a mark": (b"\xef\xbb\xbf", "JSON text: it is empty"),
    "text cut off": (json.dumps(body(*BODY))[:-9], "JSON text: it is not valid JSON: "),
    "text followed by more": ('{"people": []} x', "not valid JSON: Extra data: line 1"),
    "two documents": ("{}\n{}", "it is not valid JSON: Extra data: line 2 column 1"),
    "single quotes": ("{'people': []}", "it is not valid JSON"),
    "comma at the end": ('{"people": [],}', "it is not valid JSON"),
    "comment": ('{"people": [] /* none */}', "it is not valid JSON"),
    "people twice": ('{"people": [], "people": []}', "the key 'people' appears twice"),
    "nested deeply": (nested(200_000), "JSON text: it is nested too deeply"),
    "nested deeply in a key": ('{"people":' * 100_000, "JSON text: it is nested too deeply"),
    "nested a little": (nested(5), "[0][0]: expected a frame"),
    "bytes a number": (b"12", "JSON text: expected an object with 'people' or a list of such"),
    "bytes null": (b"null", "JSON text: expected an object with 'people' or a list of such"),
    "bytes UTF-16": ("{}".encode("utf-16"), "JSON text: it is not UTF-8 text (byte 0xff at 0)"),
    "bytes Latin-1": ('{"name": "Jörg"}'.encode("latin-1"), "it is not UTF-8 text (byte 0xf6 at"),
    "text a web page": ("<!DOCTYPE html><html></html>", "no such file; check the path"),
    "text a null character": ("poses\0.json", "poses\\x00.json: it is no path"),
    "text a lone surrogate": ("poses\ud800", "poses\\ud800: it is no path"),
    "text of quotes": ('"people"', '"people": no such file; check the path'),
    "text very long": ("x" * 100_000, "xxx...xxx"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_document_gives_one_clear_sentence(name: str) -> None:
    document, words = WRONG[name]
    with pytest.raises(PoseJsonError) as caught:
        from_openpose_json(document)
    assert_clear(str(caught.value), words)


def test_the_cases_are_as_many_as_the_bar_asks() -> None:
    assert len(RIGHT) + len(WRONG) >= 89


# ---------------------------------------------------------------- files


def write(path: Path, data: bytes) -> Path:
    """A file with these bytes."""
    path.write_bytes(data)
    return path


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda path: path, "no such file; check the path"),
    "in a missing folder": (lambda path: path / "poses.json", "no such file; check the path"),
    "in a file": (lambda path: write(path, b"x") / "poses.json", "it can not be read: "),
    "folder": (lambda path: path.parent, "it is a folder, expected a JSON file"),
    "empty": (lambda path: write(path, b""), "it is empty"),
    "blank": (lambda path: write(path, b" \n"), "it is empty"),
    "picture": (lambda path: write(path, b"\x89PNG\r\n\x1a\n"), "it is not UTF-8 text (byte 0x89"),
    "cut off": (lambda path: write(path, b'{"people": ['), "it is not valid JSON: "),
    "text": (lambda path: write(path, b"hello"), "it is not valid JSON: Expecting value: line 1"),
    "wrong field": (lambda path: write(path, b'{"people": [{"id": "a"}]}'), "people[0].id: expec"),
    "nested deeply": (lambda path: write(path, nested(200_000).encode()), "it is nested too"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_gives_one_clear_sentence_with_its_name(tmp_path: Path, name: str) -> None:
    make, words = FILES[name]
    path = make(tmp_path / "poses.json")
    for given_path in (path, str(path)):
        with pytest.raises(PoseJsonError) as caught:
            from_openpose_json(given_path)
        assert_clear(str(caught.value).replace(str(tmp_path), ""), words)
        assert str(caught.value).startswith(f"{path}: {words}")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_before_it_can_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "poses.json")
    with pytest.raises(PoseJsonError, match=r"poses\.json: it is no regular file"):
        from_openpose_json(tmp_path / "poses.json")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_device_is_refused_before_it_can_flood_the_memory() -> None:
    with pytest.raises(PoseJsonError, match="/dev/zero: it is no regular file"):
        from_openpose_json("/dev/zero")


def test_a_file_that_may_not_be_read_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "poses.json", b"{}")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PoseJsonError, match=r"poses\.json: it can not be read: Permission denied"):
        from_openpose_json(path)


def test_a_file_or_text_beyond_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 2**20)
    large = b"[" + b" " * 2**20 + b"]"
    path = write(tmp_path / "poses.json", large)
    for document in (path, large, large.decode().replace(" ", "0")):
        with pytest.raises(PoseJsonError, match="it is larger than 1 MiB; split it"):
            from_openpose_json(document)


def test_a_sparse_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    with path.open("wb") as file:
        file.truncate(2**36)
    with pytest.raises(PoseJsonError, match="it is larger than 64 MiB"):
        from_openpose_json(path)


def test_more_lists_than_a_document_of_poses_has_are_refused_before_they_fill_the_memory() -> None:
    text = '{"people": [' + "[]," * source.MAX_CONTAINERS + "[]]}"
    with pytest.raises(PoseJsonError, match="holds more than 1000000 lists and objects; split it"):
        from_openpose_json(text)


def test_a_name_with_a_line_break_stays_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(PoseJsonError) as caught:
        from_openpose_json(tmp_path / "two\nlines.json")
    assert "two\\nlines.json: no such file" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_frame_with_an_error_does_not_spoil_the_others() -> None:
    assert len(from_openpose_json([doc([]), body(1, 2)])) == 0


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(PoseJsonError, match=r"\[0\]\[0\]: expected a frame"):
        from_openpose_json(endless)


# ---------------------------------------------------------------- properties

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def any_figures(draw: st.DrawFn) -> OpenPoseFigures:
    """Figures with anything in them that figures may hold; unseen points at 0, 0."""
    count = draw(st.integers(0, 3))
    seed = draw(st.integers(0, 2**32 - 1))
    visible = np.random.default_rng(seed).random((count, 136)) < draw(st.floats(0, 1))
    points = draw(arrays.arrays(np.float32, (count, 136, 2), elements=FINITE))
    return OpenPoseFigures(
        points=np.where(visible[..., None], points, np.float32(0)),
        visible=visible,
        scores=draw(arrays.arrays(np.float32, (count, 136), elements=FINITE)),
        boxes=Boxes(
            draw(arrays.arrays(np.float32, (count, 4), elements=FINITE)),
            draw(arrays.arrays(np.float32, (count,), elements=FINITE)),
        ),
        ids=draw(arrays.arrays(np.int64, (count,))),
        image_size=ImageSize(draw(st.integers(1, 8000)), draw(st.integers(1, 8000))),
    )


@settings(deadline=None)
@given(any_figures())
def test_any_figures_come_back_exactly(figures: OpenPoseFigures) -> None:
    text = json.dumps(to_openpose_json(figures), allow_nan=False)
    read = from_openpose_json(text)
    for name in ("points", "visible", "scores", "ids"):
        np.testing.assert_array_equal(getattr(read, name), getattr(figures, name))
    np.testing.assert_array_equal(read.boxes.xyxy, figures.boxes.xyxy)
    np.testing.assert_array_equal(read.boxes.scores, figures.boxes.scores)
    assert read.image_size == figures.image_size


ANY_NUMBER = st.integers() | st.floats()
KEYS = st.sampled_from(
    [
        "people", "frames", "canvas_width", "canvas_height", "model", "version", "animals",
        "pose_keypoints_2d", "face_keypoints_2d", "hand_left_keypoints_2d", "foot_keypoints_2d",
        "pose_scores", "foot_scores", "box", "box_score", "id", "person_id",
    ]
) | st.text(max_size=3)  # fmt: skip
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | ANY_NUMBER | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.lists(ANY_NUMBER, max_size=75).map(lambda numbers: numbers[: len(numbers) // 3 * 3])
        | st.dictionaries(KEYS, inner, max_size=6)
    ),
    max_leaves=30,
)
PEOPLE = st.dictionaries(KEYS, JSON_VALUES, max_size=5)
DOCUMENTS = JSON_VALUES | st.fixed_dictionaries(
    {"people": st.lists(PEOPLE, max_size=3) | JSON_VALUES},
    optional={"canvas_width": st.integers(-1, 99), "canvas_height": st.integers(-1, 99)},
)


def read_or_refuse(document: Any) -> None:
    """Read a document: right figures, or our error with one line."""
    try:
        figures = from_openpose_json(document)
    except PoseJsonError as error:
        assert str(error).isprintable()  # noqa: PT017 - both ends are right
    else:
        assert np.isfinite(figures.points).all()
        json.dumps(to_openpose_json(figures), allow_nan=False)


@settings(deadline=None, max_examples=300)
@given(DOCUMENTS)
def test_any_values_are_read_or_refused_and_left_alone(document: Any) -> None:
    before = repr(document)
    read_or_refuse(document)
    assert repr(document) == before


@settings(deadline=None, max_examples=300)
@given(DOCUMENTS)
def test_any_json_text_is_read_or_refused(document: Any) -> None:
    read_or_refuse(json.dumps(document).encode())


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_or_refuse(data)
    read_or_refuse(b"{" + data)


@settings(deadline=None)
@given(st.integers(0, 600), st.binary(max_size=4))
def test_any_damage_to_our_own_text_is_read_or_refused(place: int, damage: bytes) -> None:
    text = json.dumps(body(*BODY)).encode()
    read_or_refuse(text[:place] + damage + text[place + len(damage) :])
