"""``dw-openpose annotate`` on files, folders and globs: the class *folder CLI*."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

if sys.platform != "win32":
    import pty

from dw_openpose_full import cli, files
from dw_openpose_full.cli.inputs import plan_jobs
from dw_openpose_full.pictures.finding import find_pictures

SAMPLE = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"
SOURCE_ROOT = Path(__file__).resolve().parents[1] / "annotator"


def picture(path: Path, size: tuple[int, int] = (48, 64)) -> Path:
    """Write a small picture without people."""
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix if path.suffix.lower() in {".png", ".jpg", ".webp", ".bmp"} else ".png"
    rows = np.linspace(60, 120, size[0], dtype=np.uint8)[:, None, None]
    content = cv2.imencode(suffix, np.broadcast_to(rows, (*size, 3)).copy())[1]
    path.write_bytes(content.tobytes())
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def annotate(*words: str | Path) -> int:
    return cli.run(["annotate", *map(str, words)])


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ---------------------------------------------------------------- one picture


def test_one_picture_and_a_file_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert annotate(SAMPLE, "-o", "x/pose.png", "--json") == 0
    assert written(folder) == ["x/pose.json", "x/pose.png"]
    document = json.loads(Path("x/pose.json").read_text("utf-8"))
    assert len(document["people"]) == 1
    assert document["model"] == "lite"
    assert (document["canvas_height"], document["canvas_width"]) == (1200, 1200)
    assert cv2.imdecode(np.fromfile("x/pose.png", np.uint8), 1).shape == (1200, 1200, 3)
    said = capsys.readouterr()
    assert "model lite" in said.err
    assert said.out == ""


def test_without_o_results_go_to_out(folder: Path) -> None:
    assert annotate(picture(folder / "a.png")) == 0
    assert written(folder) == ["a.png", "out/a.png"]


def test_nobody_gives_a_black_canvas_and_no_people(folder: Path) -> None:
    assert annotate(picture(folder / "a.png"), "-o", "pose.png", "--json") == 0
    assert not cv2.imread("pose.png").any()
    assert json.loads(Path("pose.json").read_text("utf-8"))["people"] == []


def test_the_json_may_have_its_own_place(folder: Path) -> None:
    assert annotate(picture(folder / "a.png"), "-o", "p.png", "--json", "deep/q.json") == 0
    assert {"p.png", "deep/q.json"} <= set(written(folder))


def test_resolution_is_the_shorter_side_and_the_json_agrees(folder: Path) -> None:
    assert annotate(picture(folder / "a.png"), "-o", "p.png", "--json", "--resolution", 96) == 0
    assert cv2.imread("p.png").shape == (96, 128, 3)
    document = json.loads(Path("p.json").read_text("utf-8"))
    assert (document["canvas_height"], document["canvas_width"]) == (96, 128)


def test_stdout_carries_the_canvas_alone(folder: Path) -> None:
    result = command("annotate", picture(folder / "a.png"), "-o", "-")
    assert result.returncode == 0
    assert cv2.imdecode(np.frombuffer(result.stdout, np.uint8), 1).shape == (48, 64, 3)


def test_stdout_carries_one_json_object_a_line(folder: Path) -> None:
    picture(folder / "in/a.png")
    picture(folder / "in/b.png")
    result = command("annotate", "in", "--json", "-")
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [document["people"] for document in documents] == [[], []]


@pytest.mark.parametrize("words", [["-o", "-", "--json", "p.json"], ["--json", "-"]], ids=" ".join)
def test_what_goes_to_stdout_is_made_each_time(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes], words: list[str]
) -> None:
    source = picture(folder / "a.png")
    for _ in range(2):
        assert annotate(source, *words) == 0
        assert capfdbinary.readouterr().out


def test_words_on_a_pipe_have_no_colour_and_no_bar(folder: Path) -> None:
    for name in "abc":
        picture(folder / f"in/{name}.png")
    Path("in/d.png").write_bytes(b"no picture")
    result = command("annotate", "in")
    assert result.returncode == 1
    assert b"\x1b" not in result.stderr
    assert b"annotating" not in result.stderr


def test_quiet_says_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert annotate(picture(folder / "a.png"), "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_a_named_file_is_written_anew(folder: Path) -> None:
    source = picture(folder / "a.png")
    Path("pose.png").write_bytes(b"old")
    assert annotate(source, "-o", "pose.png") == 0
    assert Path("pose.png").stat().st_size > 3


def test_a_named_file_is_kept_when_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pose.png").write_bytes(b"old")
    assert annotate(picture(folder / "a.png"), "-o", "pose.png", "--skip-existing") == 0
    assert Path("pose.png").read_bytes() == b"old"
    assert "already done" in capsys.readouterr().err


# ---------------------------------------------------------------- many pictures


def test_a_folder_gives_a_result_for_each_picture_in_it(folder: Path) -> None:
    for name in ("a.png", "B.JPG", "c.webp", ".hidden.png", "sub/d.png"):
        picture(folder / "in" / name)
    Path("in/notes.txt").write_text("no picture")
    assert annotate("in", "-o", "o", "--json") == 0
    assert written(folder / "o") == ["B.json", "B.png", "a.json", "a.png", "c.json", "c.png"]


def test_a_glob_goes_into_folders(folder: Path) -> None:
    for name in ("a.png", "x/b.png", "x/y/c.png"):
        picture(folder / "in" / name)
    assert annotate("in/**/*.png") == 0
    assert written(folder / "out") == ["a.png", "b.png", "c.png"]


def test_a_file_whose_name_looks_like_a_glob(folder: Path) -> None:
    picture(folder / "a[1].png")
    assert annotate("a[1].png") == 0
    assert written(folder / "out") == ["a[1].png"]


def test_one_bad_picture_is_named_and_the_others_are_done(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(folder / "in/a.png")
    Path("in/b.png").write_bytes(b"<html>not found</html>")
    truncated = picture(folder / "in/c.jpg").read_bytes()
    Path("in/c.jpg").write_bytes(truncated[: len(truncated) // 2])
    picture(folder / "in/d.png")
    assert annotate("in") == 1
    said = capsys.readouterr().err
    assert written(folder / "out") == ["a.png", "d.png"]
    assert sum("in/b.png" in line for line in said.splitlines()) == 1
    assert sum("in/c.jpg" in line for line in said.splitlines()) == 1
    assert "2 of 4 pictures done" in said
    assert "Traceback" not in said


def test_missing_inputs_are_named_and_the_others_are_done(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(folder / "a.png")
    Path("empty").mkdir()
    assert annotate("a.png", "no.png", "empty", "*.gif") == 1
    said = capsys.readouterr().err
    assert "no.png: no such file" in said
    assert "empty: the folder holds no pictures" in said
    assert "*.gif: nothing matches" in said
    assert written(folder / "out") == ["a.png"]


def test_one_missing_picture_is_no_wrong_use(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["no.png", "-o", "pose.png"], ["no.png", "-o", "-"], [""]):
        assert annotate(*words) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_folder_that_can_not_be_listed_is_named_and_the_others_are_done(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return plain(path)

    picture(folder / "a.png")
    Path("closed").mkdir()
    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert annotate("closed", "a.png") == 1
    assert "closed: can not be listed: Permission denied" in capsys.readouterr().err
    assert written(folder) == ["a.png", "out/a.png"]


def test_names_beyond_any_system_are_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, long = picture(folder / "a.png"), "x" * 5000
    for words in ([long], [f"{long}*"], [source, "-o", long], [source, "-o", f"{long}.png"]):
        assert annotate(*words, "-q") == 1
        assert "x" * 50 in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
def test_a_glob_does_not_walk_in_circles(folder: Path) -> None:
    picture(folder / "in/a.png")
    Path("in/one").symlink_to(".")
    Path("in/two").symlink_to(".")
    assert annotate("in/**/*.png") == 0
    assert annotate("in/**", "-o", "again") == 0
    assert written(folder / "out") == written(folder / "again") == ["a.png"]


def test_a_glob_finds_nothing_hidden(folder: Path) -> None:
    for name in ("a.png", ".b.png", ".c/d.png", "e/.f.png"):
        picture(folder / "in" / name)
    assert find_pictures(["in/**/*.png", "in/*"]) == ([Path("in/a.png")], [])


def test_two_inputs_of_one_stem_give_two_outputs(folder: Path) -> None:
    for name in ("in/a.png", "in/a.jpg", "in/b.png", "more/a.png", "more/A.webp"):
        picture(folder / name)
    assert annotate("in", "more", "--json") == 0
    pictures = [name for name in written(folder / "out") if name.endswith(".png")]
    assert len(pictures) == len({name.casefold() for name in pictures}) == 5
    assert len(written(folder / "out")) == 10


def test_names_stay_apart_when_one_name_is_the_others_stem(folder: Path) -> None:
    sources = [Path("x/a.jpg.png"), Path("x/a.jpg"), Path("x/a.webp"), Path("y/a.jpg")]
    jobs = plan_jobs(sources, None, "", one_file=False)
    results = [str(path).casefold() for job in jobs for path in job.results]
    assert len(results) == len(set(results)) == 8


def test_names_stay_apart_for_thousands_of_one_name() -> None:
    sources = [Path(f"{number}/x/a.png") for number in range(5000)]
    started = time.process_time()
    assert len({job.picture for job in plan_jobs(sources, None, None, one_file=False)}) == 5000
    assert time.process_time() - started < 2  # each one compared with all before it takes 10


def test_a_picture_named_twice_is_done_once(folder: Path) -> None:
    source = picture(folder / "a.png")
    pictures, complaints = find_pictures(["a.png", str(source), "*.png"])
    assert (pictures, complaints) == ([Path("a.png")], [])


def test_a_second_run_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture(folder / "in/a.png")
    picture(folder / "in/b.png")
    assert annotate("in/a.png", "-o", "out") == 0
    first = Path("out/a.png").stat().st_mtime_ns
    assert annotate("in") == 0
    assert "1 already done" in capsys.readouterr().err
    assert Path("out/a.png").stat().st_mtime_ns == first
    assert Path("out/b.png").exists()
    assert annotate("in", "--overwrite") == 0
    assert Path("out/a.png").stat().st_mtime_ns > first


def test_a_second_run_adds_json_that_is_missing(folder: Path) -> None:
    picture(folder / "in/a.png")
    assert annotate("in") == 0
    assert annotate("in", "--json") == 0
    assert written(folder / "out") == ["a.json", "a.png"]


def test_inputs_are_never_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = picture(folder / "in/a.png").read_bytes()
    picture(folder / "in/b.jpg")
    for more in ([], ["--overwrite"]):
        assert annotate("in/a.png", "in/b.jpg", "-o", "in", *more) == 1
        assert Path("in/a.png").read_bytes() == before
        assert "in/a.png is one of the inputs" in capsys.readouterr().err
        assert written(folder) == ["in/a.png", "in/b.jpg", "in/b.png"]


def test_what_lies_in_the_folder_of_the_results_is_taken_for_a_result(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(folder / "a.png")
    picture(folder / "x/b.png")
    for _ in range(2):
        assert annotate("**/*.png") == 0
        assert written(folder) == ["a.png", "out/a.png", "out/b.png", "x/b.png"]
    capsys.readouterr()
    assert annotate("x", "-o", "x") == 1
    assert "x: results go to this folder" in capsys.readouterr().err
    assert written(folder) == ["a.png", "out/a.png", "out/b.png", "x/b.png"]


def test_an_input_reached_through_a_link_is_not_overwritten(folder: Path) -> None:
    before = picture(folder / "a.png").read_bytes()
    Path("link.png").symlink_to("a.png")
    assert annotate("a.png", "-o", "link.png") == 1
    assert Path("a.png").read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX names")
@pytest.mark.parametrize(
    "name",
    ["-dash.png", "a b.png", "новый.png", "🙂.png", "new\nline.png", os.fsdecode(b"\xff\xfe.png")],
    ids=["dash", "space", "cyrillic", "emoji", "newline", "not UTF-8"],
)
def test_unusual_names(folder: Path, name: str) -> None:
    picture(folder / "in" / name)
    assert annotate("in", "--json") == 0
    assert written(folder / "out") == [str(Path(name).with_suffix(".json")), name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_pipe_and_a_broken_link_in_a_folder_do_not_stop_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(folder / "in/a.png")
    os.mkfifo("in/b.png")
    Path("in/c.png").symlink_to("nowhere")
    Path("in/d.png").symlink_to("d.png")
    assert annotate("in") == 1
    said = capsys.readouterr().err
    for name in ("in/b.png", "in/c.png", "in/d.png"):
        assert name in said
    assert written(folder / "out") == ["a.png"]


def test_two_hundred_pictures_cost_no_more_memory_than_ten(folder: Path) -> None:
    program = (
        "import resource, sys; from dw_openpose_full import cli\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "cli.run(['annotate', 'few', '-q']); early = peak()\n"
        "cli.run(['annotate', 'many', '-o', 'o', '-q']); print(peak() - early)\n"
    )
    for number in range(200):
        path = picture(folder / f"many/{number}.png")
        if number < 10:
            shutil.copy(path, picture(folder / f"few/{number}.png"))
    result = run_python("-c", program)
    assert len(written(folder / "o")) == 200
    assert int(result.stdout) <= 20  # megabytes


# ---------------------------------------------------------------- places that can not be written


def test_an_output_folder_that_is_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture(folder / "in/a.png")
    picture(folder / "in/b.png")
    Path("out").write_text("a file")
    assert annotate("in") == 1
    assert Path("out").read_text() == "a file"
    assert "out" in capsys.readouterr().err


def test_a_full_disk(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    picture(folder / "in/a.png")
    monkeypatch.setattr(files.Path, "replace", full)
    assert annotate("in") == 1
    assert "space" in capsys.readouterr().err.lower()
    assert written(folder) == ["in/a.png"]


@pytest.mark.parametrize("words", [["annotate", "in", "--json", "-"], ["models", "list"]])
@pytest.mark.parametrize("broken", ["full", "closed", "left"])
def test_a_stdout_that_takes_nothing_is_one_sentence(
    folder: Path, words: list[str], broken: str
) -> None:
    if broken == "full" and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    for name in "abc":
        picture(folder / f"in/{name}.png")
    redirection = {"full": ">/dev/full", "closed": ">&-", "left": "| true"}[broken]
    line = shlex.join([sys.executable, "-m", "dw_openpose_full", *words])
    program = f"{line} {redirection}; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(
        ["bash", "-c", program], capture_output=True, check=False, env=environment()
    )
    said = result.stderr.decode().splitlines()
    assert result.returncode == 1
    assert [line for line in said if "model lite" not in line] == said[-1:]
    assert "stdout" in said[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_closed_stderr_stops_nothing(folder: Path, closed: str) -> None:
    picture(folder / "in/a.png")
    Path("in/b.png").write_text("no picture")
    line = shlex.join([sys.executable, "-m", "dw_openpose_full", "annotate", "in", "--json"])
    assert (
        subprocess.run(["sh", "-c", f"{line} {closed}"], check=False, env=environment()).returncode
        == 1
    )
    assert written(folder / "out") == ["a.json", "a.png"]
    assert all_are_whole(folder / "out")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps it")
def test_a_working_folder_that_is_gone_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = picture(folder / "a.png")
    Path("gone").mkdir()
    monkeypatch.chdir("gone")
    (folder / "gone").rmdir()
    assert annotate(source) == 1
    assert "folder that the command runs in is gone" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX terminal")
def test_a_terminal_shows_a_bar_and_whole_lines_and_results_go_by_it(folder: Path) -> None:
    for name in "abcd":
        picture(folder / f"in/{name}.png")
    Path("in/b.png").write_text("no picture")
    ours, theirs = pty.openpty()
    with Path("lines.json").open("wb") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "dw_openpose_full", "annotate", "in", "--json", "-"],
            env={**environment(), "TERM": "xterm", "COLUMNS": "80"},
            stdout=lines,
            stderr=theirs,
        )
        os.close(theirs)
        shown = read_to_the_end(ours)
        assert process.wait(timeout=60) == 1
    assert len(Path("lines.json").read_text().splitlines()) == 3
    assert "annotating" in shown
    before = re.sub("\x1b\\[[0-9;]*m", "", shown[: shown.index("in/b.png: expected")])
    assert re.search("(\n|\x1b\\[2K)dw-openpose: $", before)  # the bar was wiped off first


def read_to_the_end(terminal: int) -> str:
    """What a program wrote to its terminal until it closed it."""
    shown = b""
    with os.fdopen(terminal, "rb", buffering=0) as stream, suppress(OSError):
        while part := stream.read(4096):
            shown += part
    return shown.decode()


# ---------------------------------------------------------------- interrupted


def test_ctrl_c_ends_without_a_traceback_and_without_half_files(folder: Path) -> None:
    process = started_on_many(folder)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert b"interrupted" in said
    assert all_are_whole(folder / "out")


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_killed_run_leaves_no_half_file_and_the_next_completes_it(
    folder: Path, name: str
) -> None:
    if not hasattr(signal, name):
        pytest.skip(f"no {name} here")
    process = started_on_many(folder)
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=60)
    assert all_are_whole(folder / "out")
    assert annotate("in", "--json", "-q") == 0
    assert len(written(folder / "out")) == 120
    assert all_are_whole(folder / "out")


def started_on_many(folder: Path) -> subprocess.Popen[bytes]:
    """A run over 60 pictures, in its middle."""
    for number in range(60):
        picture(folder / f"in/{number}.png", (300, 400))
    process = subprocess.Popen(
        [sys.executable, "-m", "dw_openpose_full", "annotate", "in", "--json"],
        env=environment(),
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while len(list((folder / "out").glob("*.png"))) < 3:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    return process


def all_are_whole(folder: Path) -> bool:
    for path in folder.iterdir():
        if path.suffix == ".png":
            assert cv2.imdecode(np.fromfile(path, np.uint8), 1) is not None, path
        elif path.suffix == ".json":
            assert json.loads(path.read_text("utf-8"))["people"] == [], path
    return True


# ---------------------------------------------------------------- wrong use


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a.png", "b.png", "-o", "x.png"],
        ["in", "-o", "x.png"],
        ["a.png", "-o", "x.jpg"],
        ["a.png", "b.png", "-o", "-"],
        ["a.png", "b.png", "--json", "x.json"],
        ["a.png", "-o", "-", "--json", "-"],
        ["a.png", "-o", ""],
        ["a.png", "--json", "b.png"],
        ["a.png", "--style", "nobody"],
        ["a.png", "--parts", "body,tail"],
        ["a.png", "--threshold", "2"],
        ["a.png", "--threshold", "nan"],
        ["a.png", "--resolution", "0"],
        ["a.png", "--max-people", "0"],
        ["a.png", "--no-such-option"],
        ["a.png", "--model", "no-such-model"],
        ["a.png", "--detector", "no-such-detector"],
        ["a.png", "--backend", "no-such-backend"],
        ["a.png", "--device", "no-such-device"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_exit_code_2_and_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    picture(folder / "in/c.png")
    before = {name: picture(folder / name).read_bytes() for name in ("a.png", "b.png")}
    assert annotate(*words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert len(said.err.strip().splitlines()) <= 4  # click's usage, and the sentence
    assert {name: Path(name).read_bytes() for name in before} == before
    assert written(folder) == ["a.png", "b.png", "in/c.png"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE_ROOT)}


def run_python(*words: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, check=True, env=environment()
    )


def command(*words: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "dw_openpose_full", *map(str, words)],
        capture_output=True,
        check=False,
        env=environment(),
        timeout=120,
    )
