"""``dw-openpose annotate`` on videos: a figure video and JSON, whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("av", reason="PyAV is not installed")

from dw_openpose_full import DwOpenpose, cli, from_openpose_json, read_picture, render
from dw_openpose_full.clips.journal import journal_of
from dw_openpose_full.poses import RgbImage
from dw_openpose_full.video import Video, VideoWriter
from moving_people import SIZE, World, picture_of, points_of

SAMPLE = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"
SOURCE_ROOT = Path(__file__).resolve().parents[1] / "annotator"
COUNT = 24


def clip(path: Path, count: int = COUNT) -> Path:
    """A video of numbered frames, of a rate that is no whole number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rate = Fraction(30000, 1001)
    with VideoWriter(path, SIZE, rate) as writer:
        for number in range(1, count + 1):
            writer.write(picture_of(number), (number - 1) / rate)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def see_by(people: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the command see people without networks."""
    monkeypatch.setattr(DwOpenpose, "load", lambda *_, **__: people.estimator)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Two people, seen without networks."""
    people = World(lambda t: (5 + 2.0 * t, 20), lambda t: (100 - 2.0 * t, 50))
    see_by(people, monkeypatch)
    return people


def annotate(*words: str | Path) -> int:
    return cli.run(["annotate", *map(str, words)])


def document(path: str | Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    return content


def there(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def pictures(path: str | Path) -> list[RgbImage]:
    return [frame.picture for frame in Video.of(path).frames()]


def test_a_video_becomes_figures_and_one_document(folder: Path, world: World) -> None:
    clip(folder / "clip.mp4")
    assert annotate("clip.mp4", "-o", "pose.mp4", "--json", "pose.json") == 0
    assert there(folder) == ["clip.mp4", "pose.json", "pose.mp4"]
    said, made, source = document("pose.json"), Video.of("pose.mp4"), Video.of("clip.mp4")
    assert said["fps"] == pytest.approx(30000 / 1001)
    assert said["model"] == "walkers"
    assert len(said["frames"]) == COUNT
    assert [[one["id"] for one in frame["people"]] for frame in said["frames"]] == [[0, 1]] * COUNT
    assert (made.size, made.rate) == (SIZE, source.rate)
    assert [f.time for f in made.frames()] == [f.time for f in source.frames()]
    for number, picture in enumerate(pictures("pose.mp4")):
        wanted = render(from_openpose_json("pose.json", frame=number))
        difference = cv2.blur(picture, (3, 3)).astype(int) - cv2.blur(wanted, (3, 3))
        assert np.abs(difference).mean() < 12  # H.264 halves the colours' resolution
        assert np.abs(difference).mean() < 0.5 * cv2.blur(wanted, (3, 3)).mean()


def test_even_movement_stays_where_it_was(folder: Path, world: World) -> None:
    clip(folder / "clip.mp4")
    assert annotate("clip.mp4", "-o", "pose.mp4", "--json") == 0
    for number in range(COUNT):
        people = from_openpose_json("pose.json", frame=number)
        noses = [points_of(box)[0] for box in world.boxes(number + 1).xyxy]
        np.testing.assert_allclose(people.points[:, 0], noses, atol=0.01)


@pytest.mark.parametrize(("words", "jitter"), [([], 2 * 5 / 21), (["--no-smooth"], 2)])
def test_jitter_is_smoothed_unless_it_is_wanted(
    folder: Path, world: World, words: list[str], jitter: float
) -> None:
    world.walks = (lambda t: (40 + 2 * (-1) ** t, 20), *world.walks[1:])
    clip(folder / "clip.mp4")
    assert annotate("clip.mp4", "-o", "pose.mp4", "--json", *words) == 0
    x = [from_openpose_json("pose.json", frame=t).points[0, 0, 0] for t in range(COUNT)]
    # of seven frames a parabola's middle takes (-2, 3, 6, 7, 6, 3, -2) / 21
    assert np.ptp(x[6:-6]) / 2 == pytest.approx(jitter, rel=1e-3)


@pytest.mark.parametrize("words", [[], ["--no-smooth"]])
def test_who_is_missing_for_short_keeps_the_id(
    folder: Path, world: World, words: list[str]
) -> None:
    world.walks = (lambda t: None if t in {8, 9} else (40, 20), *world.walks[1:])
    clip(folder / "clip.mp4")
    assert annotate("clip.mp4", "-o", "pose.mp4", "--json", *words) == 0
    ids = [[one["id"] for one in frame["people"]] for frame in document("pose.json")["frames"]]
    gap = [1] if words else [0, 1]
    assert ids == [gap if number in {7, 8} else [0, 1] for number in range(COUNT)]


def test_how_often_the_detector_looks_and_who_is_wanted(folder: Path, world: World) -> None:
    clip(folder / "clip.mp4")
    words = ("--detect-every", 6, "--people", 1, "--json")
    assert annotate("clip.mp4", "-o", "pose.mp4", *words) == 0
    assert world.looked == [1, 7, 13, 19]
    assert [len(frame["people"]) for frame in document("pose.json")["frames"]] == [1] * COUNT


def test_pictures_and_videos_of_a_folder(folder: Path, world: World, capsys: Any) -> None:
    clip(folder / "in/a.mp4", 3)
    clip(folder / "in/b.mkv", 2)
    cv2.imwrite("in/a.png", picture_of(1))
    assert annotate("in", "--json") == 0
    assert there(folder / "out") == [
        "a.mp4.json", "a.mp4.mp4", "a.png.json", "a.png.png", "b.json", "b.mp4",
    ]  # fmt: skip
    assert len(document("out/b.json")["frames"]) == 2
    assert "3 of 3 files done" in capsys.readouterr().err
    asked = len(world.read)
    assert annotate("in", "--json") == 0
    assert len(world.read) == asked
    assert "3 already done" in capsys.readouterr().err


def test_resolution_and_style(folder: Path, world: World) -> None:
    clip(folder / "clip.mp4", 3)
    words = ("--resolution", 48, "--style", "overlay")
    assert annotate("clip.mp4", "-o", "pose.mp4", "--json", *words) == 0
    assert document("pose.json")["frames"][0]["canvas_height"] == 48
    shown, sources = pictures("pose.mp4"), pictures("clip.mp4")
    assert shown[0].shape == (48, 64, 3)
    for picture, source in zip(shown, sources, strict=True):
        small = cv2.resize(source, (64, 48), interpolation=cv2.INTER_AREA).astype(int)
        assert np.abs(small[:4] - picture[:4]).mean() < 12  # where the number is, and no figure


def test_the_document_alone_goes_to_stdout(
    folder: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    clip(folder / "clip.mp4", 3)
    assert annotate("clip.mp4", "-o", "pose.mp4", "--json", "-") == 0
    assert len(json.loads(capsys.readouterr().out)["frames"]) == 3


def test_a_damaged_video_fails_alone_and_leaves_nothing(
    folder: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(clip(folder / "in/bad.mp4", 60).read_bytes())
    place = content.index(b"mdat") + 4
    media = int.from_bytes(content[place - 8 : place - 4], "big")
    content[place + media // 2 : place + media - 9] = bytes(media - 9 - media // 2)
    (folder / "in/bad.mp4").write_bytes(content)
    clip(folder / "in/good.mp4", 3)
    assert annotate("in", "--json") == 1
    assert there(folder / "out") == ["good.json", "good.mp4"]
    assert "bad.mp4: the video is damaged after frame" in capsys.readouterr().err


def test_what_is_no_video_is_said(
    folder: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "clip.mp4").write_bytes(b"not at all")
    assert annotate("clip.mp4", "-o", "pose.mp4") == 1
    assert "clip.mp4: expected a video" in capsys.readouterr().err
    assert there(folder) == ["clip.mp4"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-o", "-"], "-o - takes pictures"),
        (["-o", "pose.png"], "-o writes .mp4 files"),
        (["-o", "pose.mov"], "-o writes .mp4 files"),
        (["-o", "pose.mp4", "--json", "pose.mp4"], "--json writes .json files"),
        (["--detect-every", "0"], "--detect-every"),
    ],
    ids=" ".join,
)
def test_wrong_use_gives_2_and_does_nothing(
    folder: Path, world: World, capsys: pytest.CaptureFixture[str], words: Any, says: str
) -> None:
    clip(folder / "clip.mp4", 2)
    assert annotate("clip.mp4", *words) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert there(folder) == ["clip.mp4"]


def test_a_file_that_is_not_there_is_said(folder: Path, world: World, capsys: Any) -> None:
    assert annotate("none.mp4", "-o", "pose.mp4") == 1
    assert "none.mp4: no such file" in capsys.readouterr().err


def test_a_picture_does_not_become_a_video(folder: Path, world: World) -> None:
    cv2.imwrite("a.png", picture_of(1))
    assert annotate("a.png", "-o", "pose.mp4") == 2


def test_a_video_is_not_written_over(folder: Path, world: World) -> None:
    before = clip(folder / "clip.mp4", 2).read_bytes()
    assert annotate("clip.mp4", "-o", "clip.mp4") == 1
    assert (folder / "clip.mp4").read_bytes() == before


# ---------------------------------------------------------------- interrupted


class Interrupted(World):
    """Ctrl-C comes when a frame is looked at."""

    last = 14

    def __call__(self, image: RgbImage, *, score: float | None = None) -> Any:
        found = super().__call__(image, score=score)
        if self.looked[-1] == self.last:
            raise KeyboardInterrupt
        return found


@pytest.mark.parametrize("every", [1, 3])
def test_an_interrupted_run_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, world: World, every: int, capsys: Any
) -> None:
    clip(folder / "clip.mp4")
    words = ("clip.mp4", "--json", "--detect-every", every, "--people", 1, "-o")
    turn = {"surest": lambda t: int(t > 10)}
    world = World(*world.walks, **turn)
    see_by(world, monkeypatch)
    assert annotate(*words, "whole.mp4") == 0
    asked = sum(map(len, world.read))

    stopped = Interrupted(*world.walks, **turn)
    stopped.last = 14 if every == 1 else 13
    see_by(stopped, monkeypatch)
    assert annotate(*words, "pose.mp4") == 130
    assert "clip.mp4: the same command with --resume goes on" in capsys.readouterr().err
    assert there(folder) == [".pose.mp4.journal", "clip.mp4", "whole.json", "whole.mp4"]

    resumed = World(*world.walks, **turn)
    see_by(resumed, monkeypatch)
    assert annotate(*words, "pose.mp4", "--resume") == 0
    assert sum(map(len, resumed.read)) + sum(map(len, stopped.read)) == asked
    assert sum(map(len, resumed.read)) < asked
    assert there(folder) == ["clip.mp4", "pose.json", "pose.mp4", "whole.json", "whole.mp4"]
    assert (folder / "pose.json").read_bytes() == (folder / "whole.json").read_bytes()
    assert (folder / "pose.mp4").read_bytes() == (folder / "whole.mp4").read_bytes()


def test_another_style_goes_on_from_the_same_poses(
    folder: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    clip(folder / "clip.mp4")
    see_by(Interrupted(*world.walks), monkeypatch)
    assert annotate("clip.mp4", "-o", "pose.mp4") == 130
    see_by(world, monkeypatch)
    assert annotate("clip.mp4", "-o", "pose.mp4", "--resume", "--style", "dwpose") == 0
    assert world.looked[0] == 13  # four frames of two people fill a batch


def test_a_video_that_has_changed_is_begun_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    clip(folder / "clip.mp4")
    see_by(Interrupted(*world.walks), monkeypatch)
    assert annotate("clip.mp4", "-o", "pose.mp4") == 130
    clip(folder / "clip.mp4", COUNT + 1)
    see_by(world, monkeypatch)
    assert annotate("clip.mp4", "-o", "pose.mp4", "--resume") == 0
    assert world.looked[0] == 1


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody who moves, and the whole run's results beside."""
    path = tmp_path_factory.mktemp("sample") / "clip.mp4"
    picture = cv2.resize(read_picture(SAMPLE), (240, 240), interpolation=cv2.INTER_AREA)
    with VideoWriter(path, SIZE._make((240, 240)), Fraction(10)) as writer:
        for number in range(12):
            writer.write(np.roll(picture, 2 * number, axis=1), Fraction(number, 10))
    with process(path, "whole.mp4") as run:
        assert run.wait(120) == 0
    return path


def process(clip: Path, name: str, *words: str) -> subprocess.Popen[bytes]:
    where = {"PYTHONPATH": str(SOURCE_ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "dw_openpose_full", "annotate", clip.name, "-o", name, "--json",
         "--model", "lite", "--detect-every", "2", "-q", *words],
        cwd=clip.parent, env=os.environ | where,
    )  # fmt: skip


def lengths(path: Path, run: subprocess.Popen[bytes]) -> Iterator[int]:
    """How long a file is, while a process runs."""
    while run.poll() is None:
        if path.is_file():
            yield path.stat().st_size
        time.sleep(0.002)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not killed so there")
@pytest.mark.parametrize("after", [1, 12_000])
def test_a_killed_run_leaves_nothing_half_and_goes_on(sample: Path, after: int) -> None:
    name = f"pose_{after}.mp4"
    result = sample.with_name(name)
    with process(sample, name) as run:
        next(size for size in lengths(journal_of(result), run) if size >= after)
        run.send_signal(signal.SIGKILL)
    assert not result.exists()
    assert not result.with_suffix(".json").exists()
    with process(sample, name, "--resume") as run:
        assert run.wait(120) == 0
    whole = sample.with_name("whole.mp4")
    assert result.read_bytes() == whole.read_bytes()
    assert result.with_suffix(".json").read_bytes() == whole.with_suffix(".json").read_bytes()
    left = [path.name for path in sample.parent.iterdir() if name in path.name and path != result]
    assert left == []
