"""The demo as a server: many users, hostile requests, stops, and what is left afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gradio", reason="gradio is not installed")

import httpx
from gradio_client import Client, handle_file

import dw_openpose_full as dw
from demo_program import Program, estimator, free_port, serving
from dw_openpose_full.demo.desk import UPLOAD_BYTES
from dw_openpose_full.demo.fields import FIELDS
from dw_openpose_full.demo.rooms import PREFIX
from dw_openpose_full.demo.serving import MOST_WAITING
from dw_openpose_full.pictures import encode_png

pytestmark = [
    pytest.mark.usefixtures("loopback"),
    # between gradio_client and its neighbours, not of our making
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MAKES_PICTURES = all(find_spec(name) for name in ("torch", "diffusers", "transformers"))
SAMPLE = Path(__file__).parents[1] / "docs/sample.jpg"
LEAKS = re.compile(r"Traceback|/tmp/|/home/|/root/|site-packages|\.py\b")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    words = ("--tiny", str(tmp_path_factory.mktemp("models"))) if MAKES_PICTURES else ()
    with serving(tmp_path_factory.mktemp("demo"), *words) as running:
        yield running


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return picture_of(0, tmp_path)


def picture_of(user: int, folder: Path) -> Path:
    """A picture that no other user has."""
    colours = np.random.default_rng(user).integers(0, 255, (12, 16, 3), np.uint8)
    picture = np.repeat(np.repeat(colours, 20, axis=0), 20, axis=1)
    path = folder / f"user_{user}.png"
    path.write_bytes(encode_png(picture))
    return path


@contextmanager
def client(program: Program) -> Iterator[Client]:
    one = Client(program.address, verbose=False)
    try:
        yield one
    finally:
        one.close()


def annotated(one: Client, photo: Path, **settings: Any) -> tuple[Any, ...]:
    answer: tuple[Any, ...] = one.predict(
        image=handle_file(photo), api_name="/annotate", **settings
    )
    return answer


def is_answer_to(photo: Path, answer: tuple[Any, ...]) -> bool:
    """Whether figure, overlay, JSON file and JSON text are those of a picture, and of no other."""
    wanted = estimator()(photo, resolution=512)
    overlay = estimator()(photo, resolution=512, style="overlay").canvas
    document = json.loads(json.dumps(wanted.to_json()))
    return (
        bool((dw.read_picture(answer[0]) == wanted.canvas).all())
        and bool((dw.read_picture(answer[1]) == overlay).all())
        and json.loads(Path(answer[3]).read_text("utf-8")) == document
        and json.loads(answer[5]) == document
    )


# ---------------------------------------------------------------- many users


def test_ten_users_at_once_get_their_own_answers(program: Program, tmp_path: Path) -> None:
    def use(user: int) -> int:
        photo = picture_of(user, tmp_path)
        with client(program) as one:
            return sum(is_answer_to(photo, annotated(one, photo)) for _ in range(2))

    before = program.memory
    with ThreadPoolExecutor(10) as users:
        assert list(users.map(use, range(10))) == [2] * 10
    assert program.memory - before < 100 * 2**20


def test_the_same_picture_of_ten_users_comes_back_whole(program: Program, photo: Path) -> None:
    def use(_: int) -> int:
        with client(program) as one:
            return sum(is_answer_to(photo, annotated(one, photo)) for _ in range(2))

    with ThreadPoolExecutor(10) as users:
        assert list(users.map(use, range(10))) == [2] * 10


def test_who_comes_when_the_queue_is_full_is_told_at_once(tmp_path: Path, photo: Path) -> None:
    with serving(tmp_path, "--slow", "30") as program:
        image = sent(program, photo.read_bytes(), "a.png")
        for _ in range(MOST_WAITING + 1):  # one of them is worked on
            assert call(program, "annotate", image=image).status_code == 200
            time.sleep(0.01 if _ else 0.5)
        start = time.monotonic()
        refused = call(program, "annotate", image=image)
        assert refused.status_code == 503
        assert "full" in refused.json()["detail"]
        assert time.monotonic() - start < 0.5
        assert httpx.get(program.address).status_code == 200


# ---------------------------------------------------------------- hostile requests


def sent(program: Program, data: bytes, name: str) -> dict[str, Any]:
    """Upload a file; gives what names it in a request."""
    answer = httpx.post(f"{program.address}/gradio_api/upload", files={"files": (name, data)})
    answer.raise_for_status()
    return named(answer.json()[0], name)


def named(path: str, name: str = "a.png") -> dict[str, Any]:
    return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def call(
    program: Program, endpoint: str, kind: str = "application/json", **said: Any
) -> httpx.Response:
    """Ask as no client of gradio's does: whatever values, under the names of the API."""
    rows = parameters(program.address)[f"/{endpoint}"]["parameters"]
    values = [said.get(row["parameter_name"], row.get("parameter_default")) for row in rows]
    return httpx.post(
        f"{program.address}/gradio_api/call/{endpoint}",
        content=json.dumps({"data": values}),
        headers={"content-type": kind},
    )


@cache
def parameters(address: str) -> Any:
    return httpx.get(f"{address}/gradio_api/info").json()["named_endpoints"]


def outcome(program: Program, endpoint: str, **said: Any) -> str:
    """What such a request is told: an error's sentence, or the data."""
    asked = call(program, endpoint, **said)
    if asked.status_code != 200:
        return str(asked.json()["detail"])
    address = f"{program.address}/gradio_api/call/{endpoint}/{asked.json()['event_id']}"
    return httpx.get(address, timeout=60).text


def bomb() -> bytes:
    """A PNG of 900 million pixels in some 100 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    side = 30_000
    pixels = zlib.compress(bytes(side // 8 + 1) * side)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def nonsense_files() -> dict[str, tuple[Callable[[], bytes], str]]:
    return {
        "text": (lambda: b"no picture at all, only words", "expected a PNG, JPEG"),
        "nothing": (lambda: b"", "an empty file"),
        "bomb": (bomb, "at most 64 million pixels"),
        "half": (lambda: SAMPLE.read_bytes()[:9000], "sample"),
        "script": (lambda: b"<svg onload=alert(1)>", "an SVG drawing"),
    }


@pytest.mark.parametrize("case", nonsense_files())
def test_a_file_that_is_no_picture_gets_one_sentence(program: Program, case: str) -> None:
    make, words = nonsense_files()[case]
    before = program.memory
    told = outcome(program, "annotate", image=sent(program, make(), "sample.png"))
    assert words in told
    assert told.startswith("event: error")
    assert not LEAKS.search(told)
    assert program.memory - before < 100 * 2**20


@pytest.mark.parametrize("size", [UPLOAD_BYTES + 1, 100 * 10**6])
def test_a_file_that_is_too_large_is_refused(program: Program, size: int) -> None:
    before = program.memory
    answer = httpx.post(
        f"{program.address}/gradio_api/upload",
        files={"files": ("large.png", bytes(size))},
        timeout=30,
    )
    assert answer.status_code == 413
    assert not LEAKS.search(answer.text)
    assert program.memory - before < 60 * 2**20


def test_a_file_may_come_without_a_word_of_its_length(program: Program, photo: Path) -> None:
    def in_pieces(data: bytes) -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        yield from (data[place : place + 100_000] for place in range(0, len(data), 100_000))
        yield b"\r\n--x--\r\n"

    def upload(data: bytes) -> httpx.Response:
        return httpx.post(
            f"{program.address}/gradio_api/upload",
            content=in_pieces(data),
            headers={"content-type": "multipart/form-data; boundary=x"},
            timeout=30,
        )

    taken = upload(photo.read_bytes())
    assert Path(taken.json()[0]).read_bytes() == photo.read_bytes()
    assert upload(bytes(2 * UPLOAD_BYTES)).status_code == 413


def test_too_few_values_get_one_sentence(program: Program) -> None:
    address = f"{program.address}/gradio_api/call/annotate"
    event = httpx.post(address, json={"data": [None, "x"]}).json()["event_id"]
    told = httpx.get(f"{address}/{event}", timeout=60).text
    assert f"expected {len(FIELDS) + 1} values, got 2; send them all" in told


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../../etc/passwd", "", "\0", "x" * 5000, str(SAMPLE)],
    ids=["absolute", "climbing", "empty", "null", "long", "ours"],
)
@pytest.mark.parametrize("endpoint", ["annotate", "render", "generate"])
def test_a_path_in_place_of_a_file_is_refused(program: Program, endpoint: str, path: str) -> None:
    for said in (named(path), {"path": path}, path, [path], {"path": None, "size": path}):
        told = outcome(program, endpoint, image=said, pose_json='{"people": []}')
        assert "expected an uploaded file" in told
        assert not LEAKS.search(told)


def test_an_address_in_place_of_a_file_is_not_fetched(program: Program) -> None:
    port = free_port()
    for address in (f"http://127.0.0.1:{port}/a.png", "https://example.com/a.png"):
        for kind in ("application/json", "Application/JSON", "application/x+json", "text/plain"):
            asked = call(program, "annotate", kind, image=named(address))
            assert asked.status_code == 400
            assert "expected an uploaded file" in asked.json()["detail"]
        assert httpx.get(f"{program.address}/gradio_api/file={address}").status_code == 403
    assert "OUTSIDE" not in program.log.read_text("utf-8")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"model": "/etc/passwd"}, "model must be one of auto, lite"),
        ({"model": ["lite"]}, "model must be a text"),
        ({"detector": "../x.onnx"}, "detector must be one of"),
        ({"device": "cuda; rm"}, "device must be one of"),
        ({"family": "someone/model"}, "family must be one of"),
        ({"backend": {"a": 1}}, "backend must be a text"),
        ({"style": "nonsense"}, "style must be one of"),
        ({"parts": ["tail"]}, "part"),
        ({"parts": {"body": 1}}, "parts must be a text"),
        ({"preprocessor": "All"}, "preprocessor must be one of"),
        ({"prompt": "x" * 5000}, "at most 4000 characters"),
        ({"prompt": "\ud800"}, "half a character"),
        ({"steps": 10**9}, "steps must be a whole number"),
        ({"steps": "20"}, "steps must be null or a whole number"),
        ({"images": True}, "images must be a whole number"),
        ({"guidance": 1e300}, "guidance must be a number"),
        ({"threshold_body": -1}, "threshold must lie within 0..1"),
        ({"preprocessor_resolution": 100_000}, "from 128 to 1024"),
        ({"max_people": -5}, "max_people must be a positive number"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_value_out_of_the_choices_is_refused(
    program: Program, photo: Path, said: dict[str, Any], words: str
) -> None:
    image = sent(program, photo.read_bytes(), "a.png")
    told = outcome(program, "annotate", image=image, **said)
    assert told.startswith("event: error")
    assert words in told
    assert not LEAKS.search(told)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is no pose yet"),
        ("/etc/passwd", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "JSON"),
        ('{"people": [], "canvas_width": 9000, "canvas_height": 7000}', "at most 16 megapixels"),
        ('{"people": [{"pose_keypoints_2d": ["<img src=x onerror=alert(1)>"]}]}', "&lt;img"),
        ({"people": []}, "there is no pose yet"),
        (" " * 5_000_000 + "{}", "at most 4000000 characters"),
    ],
    ids=["empty", "path", "broken", "deep", "canvas", "script", "object", "long"],
)
def test_text_that_is_no_pose_gets_one_sentence(program: Program, text: object, words: str) -> None:
    told = outcome(program, "render", pose_json=text)
    assert words in told
    assert told.startswith("event: error")
    assert "<img" not in told
    assert not LEAKS.search(told)


def test_a_request_of_many_megabytes_is_refused(program: Program) -> None:
    answer = call(program, "render", pose_json="x" * 9_000_000)
    assert answer.status_code == 413
    assert "send less" in answer.json()["detail"]


def test_a_stranger_can_not_talk_to_us_under_a_name_of_theirs(program: Program) -> None:
    answer = httpx.get(program.address, headers={"host": "evil.example"})
    assert answer.status_code == 421


def test_after_all_that_it_still_works(program: Program, photo: Path) -> None:
    with client(program) as one:
        assert is_answer_to(photo, annotated(one, photo))
    written = program.log.read_text("utf-8")
    assert "OUTSIDE" not in written
    assert "a request failed" not in written  # all was refused on purpose
    assert "Traceback" not in written


# ---------------------------------------------------------------- the API


def test_the_api_has_the_names_that_are_promised(program: Program) -> None:
    endpoints = parameters(program.address)
    assert set(endpoints) == {"/annotate", "/render", "/generate", "/cancel", "/settings"}
    names = {
        name: [row["parameter_name"] for row in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }
    settings = [field.name for field in FIELDS]
    assert names["/annotate"] == ["image", *settings]
    assert names["/generate"] == names["/render"] == ["image", "pose_json", "leave_out", *settings]
    assert (names["/settings"], names["/cancel"]) == (settings, [])


def test_the_documented_example_runs(program: Program, tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs/demo.md").read_text("utf-8")
    example = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert example
    text = example[1].replace("http://127.0.0.1:7860", program.address)
    if not MAKES_PICTURES:
        text = text.partition("# pictures")[0]
    exec(
        compile(text.replace("photo.jpg", str(SAMPLE)), "docs/demo.md", "exec"),
        shown := {"print": lambda *_: None},
    )
    assert len(shown["document"]["people"]) == 2
    if MAKES_PICTURES:
        assert [row["caption"] for row in shown["pictures"]] == ["pose", "seed 7", "seed 8"]


def test_people_are_left_out_and_taken_in_again(program: Program, photo: Path) -> None:
    with client(program) as one:
        answer = annotated(one, photo)
        assert len(answer[2]["choices"]) == 2
        without = one.predict(pose_json=answer[5], leave_out=[0], api_name="/render")
        again = one.predict(pose_json=answer[5], api_name="/render")
    everybody = json.loads(answer[5])["people"]
    assert json.loads(Path(without[3]).read_text("utf-8"))["people"] == everybody[1:]
    assert (dw.read_picture(without[0]) != dw.read_picture(answer[0])).any()
    assert (dw.read_picture(again[0]) == dw.read_picture(answer[0])).all()


def test_settings_come_as_a_file_that_a_batch_reads(program: Program) -> None:
    from dw_openpose_full.demo.config import DemoSettings

    with client(program) as one:
        answer = one.predict(prompt="a dancer", steps=7, max_people=3, api_name="/settings")
    settings = DemoSettings.read(answer["value"])
    assert (settings.prompt, settings.steps, settings.people.max_people) == ("a dancer", 7, 3)


# ---------------------------------------------------------------- making and stopping


@pytest.mark.skipif(not MAKES_PICTURES, reason="diffusers is not installed")
def test_a_seed_makes_the_same_picture_again_and_each_has_its_own(
    program: Program, photo: Path
) -> None:
    quick = {"steps": 2, "resolution": 128, "api_name": "/generate"}
    with client(program) as one:
        image = handle_file(photo)
        both, _ = one.predict(image=image, prompt="x", seed=5, images=2, **quick)
        second, note = one.predict(image=image, prompt="x", seed=6, **quick)
    assert [row["caption"] for row in both] == ["pose", "seed 5", "seed 6"]
    assert "Stable Diffusion 1.5" in note
    pictures = [dw.read_picture(row["image"]) for row in (*both, *second[1:])]
    assert (pictures[2] == pictures[3]).all()
    assert (pictures[1] != pictures[2]).any()


@pytest.mark.skipif(not MAKES_PICTURES, reason="diffusers is not installed")
def test_a_stop_ends_ones_own_work_and_nobody_elses(program: Program, photo: Path) -> None:
    long = {"steps": 100, "images": 12, "resolution": 256, "prompt": "x"}
    with client(program) as one, client(program) as other:
        job = one.submit(image=handle_file(photo), api_name="/generate", **long)
        steps = progress_of(job)
        assert re.search(r"picture \d+ of 12, step \d+ of 100", next(steps))
        assert "nothing of yours runs" in other.predict(api_name="/cancel")
        next(steps)
        assert "stopped" in one.predict(api_name="/cancel")
        with pytest.raises(Exception, match="stopped, as asked"):
            job.result(timeout=20)
        answer = annotated(one, photo)
    assert is_answer_to(photo, answer)


@pytest.mark.skipif(not MAKES_PICTURES, reason="diffusers is not installed")
def test_a_stop_ends_what_waits_too(program: Program, photo: Path) -> None:
    long = {"steps": 100, "images": 12, "resolution": 256, "prompt": "x", "api_name": "/generate"}
    with client(program) as one, client(program) as other:
        image = handle_file(photo)
        jobs = [one.submit(image=image, **long)]
        next(progress_of(jobs[0]))
        for _ in range(2):
            jobs.append(one.submit(image=image, **long))
            until_it_waits(jobs[-1])
        theirs = other.submit(image=image, **long | {"steps": 1, "images": 1})
        assert "stopped" in one.predict(api_name="/cancel")
        for job in jobs:
            with pytest.raises(Exception, match="stopped, as asked"):
                job.result(timeout=20)
        assert theirs.result(timeout=20)
        again = one.submit(image=image, **long | {"steps": 1, "images": 1})
        assert again.result(timeout=20)


@pytest.mark.skipif(not MAKES_PICTURES, reason="diffusers is not installed")
def test_who_waits_and_stops_never_gets_a_turn(program: Program, photo: Path) -> None:
    long = {"steps": 100, "images": 12, "resolution": 256, "prompt": "x", "api_name": "/generate"}
    with client(program) as one, client(program) as other:
        image = handle_file(photo)
        first = other.submit(image=image, **long)
        next(progress_of(first))
        waiting = one.submit(image=image, **long)
        until_it_waits(waiting)
        assert "ends when that comes" in one.predict(api_name="/cancel")
        other.predict(api_name="/cancel")
        with pytest.raises(Exception, match="stopped, as asked"):
            waiting.result(timeout=20)


def until_it_waits(job: Any) -> None:
    """The queue has taken it."""
    deadline = time.monotonic() + 60
    while job.status().rank is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def progress_of(job: Any) -> Iterator[str]:
    """What is told while pictures are made, each once."""
    told, deadline = "", time.monotonic() + 60
    while not job.done() and time.monotonic() < deadline:
        for unit in job.status().progress_data or ():
            if unit.desc != told and "step" in unit.desc:
                told = unit.desc
                yield told
        time.sleep(0.02)
    raise AssertionError("it ended before it was stopped")


def test_without_the_libraries_there_are_poses_and_a_word(tmp_path: Path, photo: Path) -> None:
    with serving(tmp_path, "--poses-only") as program, client(program) as one:
        assert is_answer_to(photo, annotated(one, photo))
        with pytest.raises(Exception, match=r"poses only: .*a_library_that_is_not_there"):
            one.predict(image=handle_file(photo), api_name="/generate")
        assert "poses only" in httpx.get(f"{program.address}/config").text


# ---------------------------------------------------------------- what is left


@pytest.mark.skipif(not MAKES_PICTURES, reason="diffusers is not installed")
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_it_ends_in_order_while_pictures_are_made(
    number: int, code: int, tmp_path: Path, photo: Path
) -> None:
    long = {"steps": 100, "images": 12, "resolution": 768, "prompt": "x", "api_name": "/generate"}
    words = ("--tiny", str(tmp_path / "models"))
    with serving(tmp_path, *words) as program, client(program) as one:
        running = one.submit(image=handle_file(photo), **long)
        next(progress_of(running))
        one.submit(image=handle_file(photo), **long)
        program.process.send_signal(number)
        assert program.process.wait(20) == code
    assert not list(program.temporary.glob(f"{PREFIX}*"))


def test_nothing_is_left_when_it_ends_nor_after_a_kill(tmp_path: Path, photo: Path) -> None:
    with serving(tmp_path) as program:
        with client(program) as one:
            annotated(one, photo)
        assert len(list(program.temporary.glob(f"{PREFIX}*"))) == 2  # the room and its lock
        program.process.kill()
        program.process.wait()
        left = set(program.temporary.glob(f"{PREFIX}*"))
        assert len(left) == 2
    with serving(tmp_path) as program:
        assert not left & set(program.temporary.glob(f"{PREFIX}*"))
    assert not list(program.temporary.iterdir())
