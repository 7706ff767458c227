"""The demo's rooms one by one: files, fields, editing, making, the gate; no server, no browser."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import dw_openpose_full as dw
from demo_program import estimator
from dw_openpose_full.demo import editing, making, rooms
from dw_openpose_full.demo.annotating import Reader
from dw_openpose_full.demo.config import DemoSettings
from dw_openpose_full.demo.desk import Desk, Upload
from dw_openpose_full.demo.editing import Sheet
from dw_openpose_full.demo.fields import (
    DRAWING,
    FIELDS,
    FIRST,
    READING,
    is_shown,
    is_taken,
    limits_of,
    page_values,
    settings_of,
)
from dw_openpose_full.demo.gate import Gate
from dw_openpose_full.demo.making import Studio
from dw_openpose_full.demo.onlooker import Onlooker, Stops, tell_nobody
from dw_openpose_full.demo.rooms import PREFIX, Room
from dw_openpose_full.demo.serving import free_port, names_of
from dw_openpose_full.generation import FAMILIES, Models, Step, StoppedError
from dw_openpose_full.pictures import encode_png

SOURCES = Path(__file__).parents[1] / "annotator"
HAS_GRADIO = find_spec("gradio") is not None
MAKES_PICTURES = all(find_spec(name) for name in making.LIBRARIES)
COLOURS = np.random.default_rng(1).integers(0, 255, (6, 8, 3), np.uint8)
PICTURE = np.repeat(np.repeat(COLOURS, 40, axis=0), 40, axis=1)


@pytest.fixture
def room(tmp_path: Path) -> Any:
    one = Room(tmp_path)
    yield one
    one.close()


@pytest.fixture
def desk(room: Room) -> Desk:
    return Desk(room, Reader(load=estimator), Studio())


@pytest.fixture
def photo(room: Room) -> Upload:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    return Upload(room.hand_out("photo.png", encode_png(PICTURE)), "photo.png")


def nobody_waits() -> Onlooker:
    return Onlooker(tell_nobody, threading.Event())


# ---------------------------------------------------------------- the fifteen inputs


def test_the_inputs_of_the_original_demo_have_its_names_and_defaults() -> None:
    labels = {field.name: field.label for field in FIELDS}
    values = page_values(DemoSettings())
    assert [(labels[name], values[name]) for name in ORIGINAL] == list(ORIGINAL.values())


ORIGINAL = {
    "preprocessor": ("Preprocessor", "Openpose_Full"),
    "processor": ("processor", "DWpose"),
    "prompt": ("Prompt", ""),
    "added_prompt": ("Added Prompt", "best quality"),
    "negative_prompt": (
        "Negative Prompt",
        "lowres, bad anatomy, bad hands, cropped, worst quality",
    ),
    "images": ("Images", 1),
    "resolution": ("Image Resolution", 512),
    "preprocessor_resolution": ("Preprocessor Resolution", 512),
    "steps": ("Steps", 20),
    "guess_mode": ("Guess Mode", False),
    "strength": ("Control Strength", 1.0),
    "guidance": ("Guidance Scale", 9.0),
    "seed": ("Seed", 12345),
    "eta": ("DDIM ETA", 1.0),
}
"""Label and default; the fifteenth, the image, is no setting."""


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("images", (1, 12, 1)),
        ("resolution", (256, 768, 64)),
        ("preprocessor_resolution", (128, 1024, 1)),
        ("steps", (1, 100, 1)),
        ("strength", (0, 2, 0.01)),
        ("guidance", (0.1, 30, 0.1)),
        ("seed", (-1, 2147483647, 1)),
        ("eta", (0, 1, 0.01)),
    ],
)
def test_sliders_reach_as_far_as_the_originals(name: str, limits: tuple[float, ...]) -> None:
    field = next(field for field in FIELDS if field.name == name)
    assert limits_of(field, FAMILIES["sd15"]) == limits


def test_radios_offer_what_the_originals_do() -> None:
    choices = {field.name: [value for _, value in field.choices] for field in FIRST}
    assert choices["preprocessor"] == ["Openpose_Full", "Openpose", "None"]
    assert choices["processor"] == ["Openpose", "DWpose"]


def test_a_page_that_nobody_touched_means_the_defaults() -> None:
    family, settings = FAMILIES["sd15"], settings_of(page_values(DemoSettings()))
    own = {"steps": family.steps, "guidance": 9.0, "strength": 1.0, "control_end": 1.0}
    assert settings == DemoSettings(resolution=512, **own)


@pytest.mark.parametrize(
    "settings",
    [
        DemoSettings(prompt="x", parts=dw.Parts.NONE, style="xinsir", scheduler="", steps=3),
        DemoSettings(
            thresholds=dw.Thresholds(0.1, 0.2, 0.4, 0.5), phantoms=True, family="sdxl-union"
        ),
        DemoSettings(people=dw.PeopleChoice(4, "size", 0.25, 0.5), parts=dw.Parts.BODY),
    ],
)
def test_settings_survive_the_page(settings: DemoSettings) -> None:
    values = page_values(settings)
    assert page_values(settings_of(json.loads(json.dumps(values)))) == values


def test_browsers_know_one_kind_of_number() -> None:
    settings = settings_of({"steps": 20.0, "strength": 1, "max_people": 0.0, "min_score": 0.0})
    assert type(settings.steps) is int
    assert type(settings.strength) is float
    assert settings.people == dw.PeopleChoice()


def test_ddims_input_is_shown_only_where_ddim_is_used() -> None:
    eta = next(field for field in FIELDS if field.name == "eta")
    assert is_taken(eta, FAMILIES["sd15"])
    assert is_taken(eta, FAMILIES["sdxl-xinsir"], "ddim")
    assert not is_taken(eta, FAMILIES["sdxl-xinsir"])
    assert not is_taken(eta, FAMILIES["sd15"], "euler")
    assert not is_taken(eta, FAMILIES["z-image"], "ddim")


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_every_familys_own_values_lie_on_its_sliders(family: Any) -> None:
    values = page_values(DemoSettings(family=family.name))
    for field in FIELDS:
        if field.kind.value == "slider" and is_taken(field, family) and field.name != "guidance":
            least, most, _ = limits_of(field, family)
            assert least <= values[field.name] <= most
    settings_of(values).making().check_for(family)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_where_no_pictures_are_made_nothing_is_asked_about_them(family: Any) -> None:
    shown = {row.name for row in FIELDS if is_shown(row, family, "ddim", makes=False)}
    assert shown == {row.name for row in (*FIRST[3:], *DRAWING, *READING)}
    assert all(
        is_shown(row, family, "ddim", makes=True) == is_taken(row, family, "ddim") for row in FIELDS
    )


@pytest.mark.skipif(not HAS_GRADIO, reason="gradio is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("missing", [(), ("diffusers",)])
def test_settings_of_a_file_bring_no_input_back_that_has_no_use_here(
    missing: tuple[str, ...], desk: Desk, room: Room
) -> None:
    from dw_openpose_full.demo.handlers import Handlers

    desk.studio.missing = missing
    path = room.hand_out("s.json", b'{"prompt": "x"}')
    changes = Handlers(desk, Stops()).load(None, {"file": str(path)})  # type: ignore[arg-type]
    visible = {field.name: row["visible"] for field, row in zip(FIELDS, changes, strict=True)}
    for name in ("prompt", "images", "seed", "family"):
        assert visible[name] == (not missing)
    assert visible["preprocessor"]


# ---------------------------------------------------------------- a pose that is edited


def sheet(text: str | None = None) -> Sheet:
    return Sheet.read(text or json.dumps(estimator()(PICTURE).to_json()))


def test_people_are_told_by_number_place_and_score() -> None:
    assert sheet().people == [("1: left, score 0.90", 0), ("2: right, score 0.80", 1)]


def test_who_is_left_out_is_neither_drawn_nor_written() -> None:
    both = sheet()
    left = both.only(both.rows([1]))
    assert left.ids.tolist() == [0]
    canvas, overlay = editing.draw(left, "controlnet", dw.Parts.ALL, PICTURE)
    assert overlay is not None
    assert not canvas[:, 170:].any()
    assert canvas[:, :150].any()
    assert (overlay[:, 170:] == PICTURE[:, 170:]).all()
    document = json.loads(both.text(both.rows([1])))
    assert [person["id"] for person in document["people"]] == [0]
    assert document["model"] == "double"


def test_an_id_that_nobody_has_leaves_out_nobody() -> None:
    assert sheet().rows([7]) == (0, 1)


def test_a_click_finds_the_nearest_person_or_nobody() -> None:
    both = sheet()
    assert both.person_at(20, 100) == 0
    assert both.person_at(300, 100) == 1
    lonely = Sheet(both.only([0]), None)
    assert lonely.person_at(310, 100) is None


def test_json_text_is_laid_out_for_people_and_says_the_same() -> None:
    document = estimator()(PICTURE).to_json()
    text = editing.laid_out(document)
    assert json.loads(text) == json.loads(json.dumps(document))
    assert 20 < len(text.splitlines()) < 60
    assert json.loads(editing.laid_out(document | {"people": []}))["people"] == []


@pytest.mark.parametrize("text", ["/etc/passwd", "pose.json", "~"])
def test_a_text_is_never_taken_for_a_path(text: str, tmp_path: Path) -> None:
    (tmp_path / "pose.json").write_text('{"people": []}')
    with pytest.raises(dw.PoseJsonError, match="not valid JSON"):
        Sheet.read(text)


def test_a_crowd_is_refused() -> None:
    crowd = {"people": [{}] * 201, "canvas_width": 64, "canvas_height": 64}
    with pytest.raises(dw.PoseJsonError, match="at most 200 people, got 201"):
        Sheet.read(json.dumps(crowd))


# ---------------------------------------------------------------- the desk


def test_a_photo_is_read_and_drawn_into_own_files(desk: Desk, photo: Upload) -> None:
    drawn = desk.annotate(photo, DemoSettings(), nobody_waits())
    again = desk.annotate(photo, DemoSettings(), nobody_waits())
    wanted = estimator()(PICTURE, resolution=512)
    assert (dw.read_picture(drawn.figure) == wanted.canvas).all()
    assert json.loads(drawn.text) == json.loads(json.dumps(wanted.to_json()))
    assert drawn.note == "2 people found. double, on nothing"
    assert drawn.figure != again.figure
    assert drawn.figure.read_bytes() == again.figure.read_bytes()


def test_openpose_draws_the_body_alone(desk: Desk, photo: Upload) -> None:
    drawn = desk.annotate(photo, DemoSettings(preprocessor="Openpose"), nobody_waits())
    wanted = estimator()(PICTURE, resolution=512, parts=dw.Parts.BODY)
    assert (dw.read_picture(drawn.figure) == wanted.canvas).all()


def test_a_picture_that_is_a_figure_is_taken_as_it_is(desk: Desk, photo: Upload) -> None:
    settings = DemoSettings(preprocessor="None", preprocessor_resolution=240)
    drawn = desk.annotate(photo, settings, nobody_waits())
    assert (dw.read_picture(drawn.figure) == PICTURE).all()
    assert (drawn.text, drawn.people, drawn.overlay) == ("", [], None)


def test_a_toggle_is_undone_by_the_next(desk: Desk) -> None:
    text = json.dumps(estimator()(PICTURE).to_json())
    once = desk.toggle(text, [], (20, 100))
    assert once == [0]
    assert desk.toggle(text, once, (20, 100)) == []


def test_a_file_that_went_is_told_by_its_name(desk: Desk, photo: Upload) -> None:
    photo.path.unlink()
    with pytest.raises(dw.PictureError, match=r"^photo.png: it is no longer here; choose"):
        desk.annotate(photo, DemoSettings(), nobody_waits())


@pytest.mark.parametrize("said", ["/etc/passwd", {"path": "/etc/passwd"}, {"path": 1}, 7, {}, []])
def test_only_files_of_the_room_are_uploads(desk: Desk, said: object) -> None:
    with pytest.raises(dw.OptionError, match="expected an uploaded file"):
        desk.upload(said)


def test_one_estimator_is_loaded_at_a_time_and_only_when_needed() -> None:
    asked: list[tuple[str, ...]] = []

    def load(*wanted: str, **_: Any) -> Any:
        asked.append(wanted)
        return estimator()

    reader = Reader(load=load)
    assert not asked
    for settings in (DemoSettings(), DemoSettings(prompt="x"), DemoSettings(processor="Openpose")):
        reader.read(PICTURE, settings, nobody_waits())
    assert asked == [("auto", "auto", "auto", "auto"), ("lite", "auto", "auto", "auto")]


# ---------------------------------------------------------------- stops and progress


def test_a_stop_is_for_ones_own_work() -> None:
    stops = Stops()
    now = time.monotonic()
    with stops.of("me", now) as mine, stops.of("you", now) as yours:
        assert stops.stop("me") == 1
        assert mine.is_set()
        assert not yours.is_set()
    assert stops.stop("me") == 0


def test_a_stop_is_for_what_waits_too_but_not_for_what_is_asked_for_later() -> None:
    stops, before = Stops(), time.monotonic()
    assert stops.stop("me") == 0
    with stops.of("me", before) as waited, stops.of("you", before) as yours:
        assert waited.is_set()
        assert not yours.is_set()
    with stops.of("me", time.monotonic() + 1) as later:
        assert not later.is_set()


@pytest.mark.skipif(not HAS_GRADIO, reason="gradio is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_was_stopped_while_it_waited_is_not_begun(desk: Desk) -> None:
    from dw_openpose_full.demo.handlers import Handlers

    handlers = Handlers(desk, Stops())
    asked = SimpleNamespace(asked=time.monotonic())
    request: Any = SimpleNamespace(session_hash="me", state=asked)
    assert "what waits for its turn ends when that comes" in handlers.cancel(request, {})
    for work in (handlers.annotate, handlers.generate):
        with pytest.raises(StoppedError, match=r"^stopped, as asked$"):
            work(request, {"image": "no file at all"})


def test_of_endless_users_only_the_latest_stops_are_remembered() -> None:
    stops, before = Stops(), time.monotonic()
    for user in range(5000):
        stops.stop(str(user))
    with stops.of("0", before) as first, stops.of("4999", before) as last:
        assert not first.is_set()
        assert last.is_set()


def test_the_end_stops_everybody_and_waits_for_them() -> None:
    stops, started, ended = Stops(), threading.Event(), threading.Event()

    def work() -> None:
        with stops.of("me", time.monotonic()) as stop:
            started.set()
            assert stop.wait(20)
            time.sleep(0.2)  # a step takes as long as it takes
            ended.set()

    threading.Thread(target=work).start()
    assert started.wait(20)
    assert stops.end(20)
    assert ended.is_set()
    with stops.of("you", time.monotonic()) as late:
        assert late.is_set()
        assert not stops.end(0.01)


def test_who_has_stopped_hears_no_more() -> None:
    heard: list[tuple[float, str]] = []
    onlooker = Onlooker(lambda share, words: heard.append((share, words)), threading.Event())
    onlooker.denoising(Step(2, 4, 5, 10))
    onlooker.fetching(2**20, 2**22)
    assert heard == [
        (0.375, "picture 2 of 4, step 5 of 10"),
        (0.25, "fetching weights, this once: 1 MiB"),
    ]
    onlooker.stop.set()
    with pytest.raises(StoppedError):
        onlooker.fetching(1, None)


@pytest.mark.skipif(not MAKES_PICTURES, reason="diffusers is not installed")
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_stop_frees_the_device(tmp_path: Path) -> None:
    from tiny_pipelines import save_tiny

    tiny = save_tiny("sd15", tmp_path)
    studio = Studio(Models.of("sd15", tiny.base, tiny.controlnet), offline=True)
    stop = threading.Event()
    loaded = []

    def stop_soon(_share: float, words: str) -> None:
        if "step 2" in words:
            loaded.append(studio.loaded)
            stop.set()

    settings = DemoSettings(steps=5, resolution=128, device="cpu")
    with pytest.raises(StoppedError):
        studio.make(estimator()(PICTURE).figures, settings, Onlooker(stop_soon, stop))
    assert loaded[0] is not None
    assert studio.loaded is None


def test_without_the_libraries_it_is_said_which_and_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(making, "LIBRARIES", ("json", "no_such_library"))
    studio = Studio()
    assert studio.missing == ("no_such_library",)
    with pytest.raises(dw.DependencyError, match=r"no_such_library is not installed.*pip install"):
        studio.make(PICTURE, DemoSettings(), nobody_waits())


def test_models_that_were_given_are_the_only_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "LIBRARIES", ())
    studio = Studio(Models.of("sdxl-union", "mine"))
    assert list(studio.families) == ["sdxl-union"]
    with pytest.raises(dw.OptionError, match="family must be sdxl-union here, got 'sd15'"):
        studio.make(PICTURE, DemoSettings(), nobody_waits())


# ---------------------------------------------------------------- the room


def test_a_room_is_private_and_leaves_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    path = room.hand_out("a.png", b"x")
    assert room.holds(str(path))
    if os.name == "posix":
        assert room.folder.stat().st_mode & 0o077 == 0
    room.close()
    assert not list(tmp_path.iterdir())


def test_a_room_holds_no_way_out(room: Room, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("x")
    (room.folder / "link").symlink_to(outside)
    for path in ("link", "../secret", f"../{room.folder.name}.lock"):
        assert not room.holds(str(room.folder / path))
    assert not room.holds("relative.png")
    assert not room.holds(None)


def test_what_a_killed_demo_left_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from dw_openpose_full.demo.rooms import Room;"
        "room = Room(Path(sys.argv[1])); room.hand_out('a', b'x'); print(room.folder, flush=True);"
        "time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(SOURCES)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert rooms.sweep(tmp_path) == 0
        assert folder.is_dir()
    finally:
        process.kill()
        process.communicate()
    assert rooms.sweep(tmp_path) == 1
    assert not list(tmp_path.iterdir())


def test_other_peoples_files_are_not_swept(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}x").mkdir()
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / f"{PREFIX}y").symlink_to(target)
    (tmp_path / f"{PREFIX}y.lock").touch()
    assert rooms.sweep(tmp_path) == 0
    assert target.is_dir()
    assert (tmp_path / f"{PREFIX}x").is_dir()


def test_old_files_go_and_the_oldest_where_there_is_too_much(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    old, middle, new = (room.hand_out(name, bytes(100)) for name in "abc")
    for path, age in ((old, 4000), (middle, 100), (new, 10)):
        os.utime(path, (now - age, now - age))
    room.tidy(now=now)
    assert [path.exists() for path in (old, middle, new)] == [False, True, True]
    monkeypatch.setattr(rooms, "MOST_BYTES", 150)
    room.tidy(now=now)
    assert [path.exists() for path in (middle, new)] == [False, True]


# ---------------------------------------------------------------- the gate


def through(
    gate: Gate, path: str = "/", body: bytes | list[bytes] = b"", **headers: str
) -> tuple[int, str]:
    """Status and body of the answer to a request, whose body may come in pieces."""
    sent: list[Any] = []
    pieces = body if isinstance(body, list) else [body]
    waiting = [
        {"type": "http.request", "body": piece, "more_body": left > 0}
        for left, piece in enumerate(reversed(pieces))
    ]
    named = {"host": "127.0.0.1:7860"} | headers
    if isinstance(body, bytes):
        named = {"content-length": str(len(body))} | named
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]
    scope = {"type": "http", "path": path, "headers": lines}

    async def receive() -> Any:
        return waiting.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(gate(scope, receive, send))
    assert b"content-security-policy" in dict(sent[0]["headers"]) or sent[0]["status"] != 200
    return sent[0]["status"], sent[1]["body"].decode()


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def gate(room: Room) -> Gate:
    return Gate(echo, room, upload_bytes=1000, hosts=frozenset({"127.0.0.1", "[::1]"}))


def test_an_ordinary_request_passes_unchanged(gate: Gate, room: Room) -> None:
    said = {"data": [{"path": str(room.hand_out("a", b""))}, {"path": None}, [1, "path"]]}
    body = json.dumps(said).encode()
    assert through(gate, "/call", body, content_type="application/json") == (200, body.decode())
    assert through(gate, "/upload", bytes(900), content_type="multipart/form-data")[0] == 200
    assert through(gate, "/login", b"user=me", content_type="x-www-form-urlencoded")[0] == 200
    assert through(gate, host="[::1]:7860")[0] == through(gate, host="[::1]")[0] == 200


def test_a_body_whose_length_nobody_told_is_counted_as_it_comes(gate: Gate) -> None:
    upload = {"path": "/upload", "content_type": "multipart/form-data"}
    assert through(gate, body=[b"abc", b"", b"de"], **upload) == (200, "abcde")
    assert through(gate, body=[b"[", b"1]"], content_type="application/json") == (200, "[1]")
    too_much = [bytes(700_000)] * 3
    assert through(gate, body=too_much, **upload)[0] == 413
    assert through(gate, body=too_much * 5, content_type="application/json")[0] == 413


def test_a_request_knows_when_it_came(room: Room) -> None:
    async def tell(scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        asked = repr(scope["state"]["asked"]).encode()
        await send({"type": "http.response.body", "body": asked})

    before = time.monotonic()
    _, asked = through(Gate(tell, room, upload_bytes=1000, hosts=frozenset()))
    assert before <= float(asked) <= time.monotonic()


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"path": "/gradio_api/file=https://example.com/a"}, 403),
        ({"path": "/gradio_api/proxy=https://example.com"}, 403),
        ({"host": "[::1].evil.example"}, 421),
        ({"path": "/upload", "content_length": "2000000", "content_type": "multipart/x"}, 413),
        ({"path": "/call", "content_length": "9000000"}, 413),
        ({"body": b"{", "content_type": "application/json"}, 400),
        ({"body": b"[" * 99999, "content_type": "application/json"}, 400),
        ({"body": b'{"data": [{"path": "/etc/passwd"}]}', "content_type": "application/json"}, 400),
        ({"body": b'[[[{"path": 7}]]]', "content_type": "application/json; charset=utf-8"}, 400),
        ({"body": b'{"path": "http://a/b"}', "content_type": "Application/JSON"}, 400),
        ({"body": b'{"path": "http://a/b"}', "content_type": "application/x+json"}, 400),
        ({"body": b'{"path": "http://a/b"}', "content_type": "text/plain"}, 400),
        ({"body": b'{"path": "http://a/b"}'}, 400),
        ({"body": b'{"path": "http://a/b"}', "path": "/call/upload"}, 400),
    ],
)
def test_a_request_that_has_no_business_here_is_refused(
    gate: Gate, request_of: dict[str, Any], status: int
) -> None:
    answer, body = through(gate, **request_of)
    assert answer == status
    assert json.loads(body)["detail"]


# ---------------------------------------------------------------- doors


def test_who_listens_for_this_machine_alone_knows_all_its_names() -> None:
    own = {"127.0.0.1", "localhost", "[::1]"}
    for host in ("127.0.0.1", "localhost", "::1"):
        assert names_of(host) == own
    assert names_of("127.0.0.2") == own | {"127.0.0.2"}
    assert not names_of("0.0.0.0") | names_of("::") | names_of("192.168.1.2") | names_of("pc.lan")


def test_a_place_where_no_server_can_be_is_told_in_our_own_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(dw.OptionError) as taken:
            free_port("127.0.0.1", port)
    assert str(taken.value) == (
        f"somebody listens at port {port} of 127.0.0.1 already; choose another with --port"
    )
    assert free_port("127.0.0.1", port) == port
    with pytest.raises(
        dw.OptionError,
        match=rf"^no server can be at 203.0.113.7, port {port}: [^()]*; choose others with --host",
    ):
        free_port("203.0.113.7", port)  # an address for examples


SERVED_AT = """
import sys, threading, urllib.error, urllib.request
from dw_openpose_full.demo import serving
from dw_openpose_full.demo.annotating import Reader
from dw_openpose_full.demo.config import DemoSettings
from dw_openpose_full.demo.making import Studio

with serving.running(DemoSettings(), Reader(), Studio(), host=sys.argv[1]) as served:
    for name in (None, "evil.example"):
        request = urllib.request.Request(served.address, headers={"host": name} if name else {})
        try:
            print(urllib.request.urlopen(request, timeout=20).status)
        except urllib.error.HTTPError as error:
            print(error.code)
"""


@pytest.mark.skipif(not HAS_GRADIO, reason="gradio is not installed")
@pytest.mark.parametrize("host", ["::1", "127.0.0.2"])
def test_any_address_of_this_machine_alone_will_do(host: str) -> None:
    try:
        free_port(host, None)
    except dw.OptionError:
        pytest.skip(f"this machine is not {host}")
    done = subprocess.run(
        [sys.executable, "-c", SERVED_AT, host],
        capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
    )  # fmt: skip
    assert done.stdout.split() == ["200", "421"], done.stderr


def test_a_missing_gradio_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from dw_openpose_full.demo import serving

    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in ("page", "handlers", "layout"):
        monkeypatch.delitem(sys.modules, f"dw_openpose_full.demo.{name}", raising=False)
    with pytest.raises(dw.DependencyError, match=r"needs gradio, .* not installed: pip install"):
        serving.serve(DemoSettings(), port=None)


def test_importing_the_demo_loads_no_gradio_and_changes_no_environment() -> None:
    script = (
        "import os, sys, cv2; before = dict(os.environ);"  # OpenCV sets variables of its own
        "import dw_openpose_full.demo.serving; assert dict(os.environ) == before;"
        "print([n for n in ('gradio', 'torch', 'diffusers', 'PIL', 'httpx') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(SOURCES)},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not HAS_GRADIO, reason="gradio is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_messages_name_no_folder_and_hold_no_program() -> None:
    from dw_openpose_full.demo.handlers import sentence

    for said, shown in {
        "/home/me/models/base: it has no x.y": "base: it has no x.y",
        r"C:\Users\me\base: no": "base: no",
        "model owner/name at https://host/a/b is gone": (
            "model owner/name at https://host/a/b is gone"
        ),
        "got '<img src=x>'": "got '&lt;img src=x&gt;'",
    }.items():
        assert sentence(dw.ModelError(said)) == shown
