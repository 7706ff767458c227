"""``dw-openpose render``: OpenPose JSON of any writer to a canvas, through the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dw_openpose_full import OpenPoseFigures, Parts, cli, from_openpose_json, to_openpose_json
from dw_openpose_full import render as draw

ROOT = Path(__file__).resolve().parents[1]
STYLES = ("controlnet", "dwpose", "xinsir", "musepose", "mimicmotion", "overlay")
HEIGHT, WIDTH = 96, 128


def person(left: float = 30) -> dict[str, Any]:
    """Somebody with a body, a hand, a face and feet, all within the canvas."""

    def ring(count: int, x: float, y: float) -> list[float]:
        turns = np.arange(count) * 2.4
        points = np.stack([x + 9 * np.cos(turns), y + 9 * np.sin(turns), np.ones(count)], axis=1)
        return [float(number) for number in points.reshape(-1)]

    return {
        "pose_keypoints_2d": ring(18, left, 40),
        "hand_left_keypoints_2d": ring(21, left + 25, 40),
        "face_keypoints_2d": ring(70, left, 20),
        "foot_keypoints_2d": ring(6, left, 70),
    }


def frame(*people: dict[str, Any]) -> dict[str, Any]:
    return {"people": list(people), "canvas_width": WIDTH, "canvas_height": HEIGHT}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with ``poses.json`` of one person in it."""
    monkeypatch.chdir(tmp_path)
    write(frame(person()))
    return tmp_path


def write(document: object, name: str = "poses.json") -> None:
    Path(name).write_text(json.dumps(document), "utf-8")


def render(*words: str | Path) -> int:
    return cli.run(["render", *map(str, words)])


def canvas(path: str) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), 1))[..., ::-1]


def figures(document: object = None) -> OpenPoseFigures:
    return from_openpose_json(frame(person()) if document is None else document)  # type: ignore[arg-type]


# ---------------------------------------------------------------- right results


@pytest.mark.parametrize("style", STYLES)
def test_each_style_draws_what_the_library_draws(folder: Path, style: str) -> None:
    assert render("poses.json", "-o", "o.png", "--style", style) == 0
    assert np.array_equal(canvas("o.png"), draw(figures(), style))


def test_the_styles_differ(folder: Path) -> None:
    write({**frame(person(), person(45)), "canvas_width": 640})
    for style in STYLES:
        render("poses.json", "-o", f"{style}.png", "--style", style)
    assert len({canvas(f"{style}.png").tobytes() for style in STYLES}) == len(STYLES)


def test_only_the_parts_asked_for_are_drawn(folder: Path) -> None:
    for parts in ("body", "hands,face", "feet", "all", "none"):
        assert render("poses.json", "-o", "o.png", "--parts", parts) == 0
        assert np.array_equal(canvas("o.png"), draw(figures(), parts=Parts.parse(parts)))
    assert not canvas("o.png").any()


def test_one_frame_of_several_is_drawn_and_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [frame(person(20)), frame(), frame(person(60))]
    for document in (frames, {"frames": frames}):
        write(document)
        for number, one in enumerate(frames):
            assert render("poses.json", "-o", "o.png", "--frame", str(number)) == 0
            assert np.array_equal(canvas("o.png"), draw(figures(one)))
            assert f"3 frames; frame {number} was drawn" in capsys.readouterr().err
    assert render("poses.json", "-o", "o.png", "-q") == 0
    assert capsys.readouterr().err == ""


def test_nobody_is_a_black_canvas(folder: Path) -> None:
    write(frame())
    assert render("poses.json", "-o", "o.png") == 0
    assert canvas("o.png").shape == (HEIGHT, WIDTH, 3)
    assert not canvas("o.png").any()


def normalised() -> dict[str, Any]:
    one = frame(person())
    for part in one["people"][0].values():
        part[0::3] = [x / WIDTH for x in part[0::3]]
        part[1::3] = [y / HEIGHT for y in part[1::3]]
    return one


DIALECTS: dict[str, Any] = {
    "ours": to_openpose_json(figures()),
    "a list of frames": [frame(person())],
    "a list of lists of frames": [[frame(person())]],
    "one person, not in a list": {**frame(), "people": person()},
    "parts that are null": frame({**person(), "hand_right_keypoints_2d": None}),
    "fractions of the canvas": normalised(),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_dialects_give_one_picture(folder: Path, name: str) -> None:
    write(DIALECTS[name])
    assert render("poses.json", "-o", "o.png") == 0
    differing = (canvas("o.png") != draw(figures())).any(axis=-1).mean()
    assert differing <= (0.02 if "fractions" in name else 0)  # a coordinate cut off at a pixel


def test_a_byte_order_mark_is_no_error(folder: Path) -> None:
    Path("poses.json").write_text(json.dumps(frame(person())), "utf-8-sig")
    assert render("poses.json", "-o", "o.png") == 0


def test_what_annotate_wrote_is_drawn_again_to_the_pixel(folder: Path) -> None:
    sample = ROOT / "docs" / "sample.jpg"
    assert cli.run(["annotate", str(sample), "-o", "a.png", "--json", "-q"]) == 0
    assert render("a.json", "-o", "b.png") == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_the_canvas_may_go_to_stdout_alone(folder: Path) -> None:
    write([frame(person()), frame()])
    result = subprocess.run(
        [sys.executable, "-m", "dw_openpose_full", "render", "poses.json", "-o", "-"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "annotator")},
    )
    assert result.returncode == 0
    assert cv2.imdecode(np.frombuffer(result.stdout, np.uint8), 1).shape == (HEIGHT, WIDTH, 3)
    assert b"2 frames" in result.stderr


def test_missing_folders_are_made_and_a_canvas_is_written_anew(folder: Path) -> None:
    for _ in range(2):
        assert render("poses.json", "-o", "x/y/o.png") == 0
    assert [path.name for path in Path("x/y").iterdir()] == ["o.png"]


# ---------------------------------------------------------------- one sentence, and what it says


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[]", "holds no frame"),
        (b'{"persons": []}', "the key 'people'"),
        (b'{"people": [{"pose_keypoints_2d": [1, 2]}]}', "people[0].pose_keypoints_2d"),
        (b'{"people": [], "canvas_width": 9}', "canvas_height"),
        (b'{"people": [], "canvas_width": 99999, "canvas_height": 99999}', "64 megapixels"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_document_is_named_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes, sentence: str
) -> None:
    Path("poses.json").write_bytes(content)
    assert render("poses.json", "-o", "o.png") == 1
    assert_one_sentence(capsys, "poses.json", sentence)
    assert not Path("o.png").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nope.json", "-o", "o.png"], "nope.json: no such file"),
        ([".", "-o", "o.png"], "it is a folder"),
        (["poses.json", "-o", "o.png", "--frame", "1"], "got frame=1"),
        (["poses.json", "-o", "poses.json/o.png"], "is a file, not a folder"),
        (["picture.png", "-o", "picture.png"], "is the input"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    write(frame(person()), "picture.png")
    before = Path("picture.png").read_bytes()
    assert render(*words) == 1
    assert_one_sentence(capsys, sentence)
    assert Path("picture.png").read_bytes() == before
    assert not Path("o.png").exists()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["poses.json"],
        ["-o", "o.png"],
        ["poses.json", "more.json", "-o", "o.png"],
        ["poses.json", "-o", "o.jpg"],
        ["poses.json", "-o", "folder"],
        ["poses.json", "-o", ""],
        ["poses.json", "-o", "o.png", "--style", "nobody"],
        ["poses.json", "-o", "o.png", "--parts", "tail"],
        ["poses.json", "-o", "o.png", "--frame", "-1"],
        ["poses.json", "-o", "o.png", "--frame", "first"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert render(*words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.strip().splitlines()) <= 4  # click's usage, and the sentence
    assert [path.name for path in folder.iterdir()] == ["poses.json"]


def assert_one_sentence(capsys: pytest.CaptureFixture[str], *words: str) -> None:
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert all(word in said.err for word in words), said.err
