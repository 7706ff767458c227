"""Our half of AUTOMATIC1111 and the Forge family, in hosts that behave like them at the seam.

Loading is tried in a process of its own for each host; calls are made here.
"""

from __future__ import annotations

import compileall
import gc
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import dw_openpose_full as dw
from dw_openpose_full.hosts.choices import CHOICES, FULL
from dw_openpose_full.pipeline import DwOpenpose
from dw_openpose_full.zoo import folders
from webui_doubles import building
from webui_doubles.building import A1111, BARE, FORGE, KINDS, REFORGE, Host
from webui_doubles.networks import ScriptedNetworks

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "docs" / "sample.jpg"
TOO_LARGE = 10**7
DOOR = "dw_openpose_full.py"
NAMES = {choice.name for choice in CHOICES}
KEEP = {"dw_openpose_full_keep_builtin": True}
EARLY, LATE = "aaa-dw-openpose", "zzz-dw-openpose"  # either side of sd-webui-controlnet
PLACES = (
    (A1111, EARLY),
    (A1111, LATE),
    (A1111, "DW OpenPose (2)"),
    (FORGE, EARLY),
    (FORGE, LATE),
    (FORGE, "поза"),
    (REFORGE, EARLY),
)

Picture = NDArray[np.uint8]


def pixels_of(file: Path) -> Picture:
    return np.ascontiguousarray(cv2.imread(str(file))[..., ::-1])


# --- loading ---


def test_nothing_of_ours_hides_what_others_import() -> None:
    """Forge puts our root on ``sys.path`` for good: a regular package there beats a namespace."""
    visible = [path for path in ROOT.iterdir() if not path.name.startswith(".")]
    assert not [path.name for path in visible if (path / "__init__.py").exists()]
    assert {path.name for path in (ROOT / "scripts").glob("*.py")} == {DOOR}
    hosts = {"modules", "modules_forge", "internal_controlnet", "extensions", "lib", "utils"}
    assert not hosts & {path.stem for path in visible}


@dataclass(frozen=True)
class Report:
    """What happened in a host.

    Attributes:
        printed: On the console.
        names: The preprocessors listed, and whether they are ours.
        answers: What the others make of a picture, by name.
        scripts: What each script did, in the order of loading.
        settings: Names of switches on the settings page.
        package: The file of our package that was loaded.
    """

    printed: str
    names: dict[str, bool]
    answers: dict[str, Any]
    scripts: list[dict[str, Any]]
    settings: list[str]
    package: str | None

    @property
    def doors(self) -> list[dict[str, Any]]:
        """What our script did, each time it was run."""
        return [script for script in self.scripts if script["script"].endswith(f"/{DOOR}")]

    @property
    def ours(self) -> set[str]:
        return {name for name, is_ours in self.names.items() if is_ours}

    @property
    def words(self) -> list[str]:
        """Lines of ours on the console."""
        return [line for line in self.printed.splitlines() if line.startswith("dw_openpose_full:")]


def run(host: Host, *, path: str = "", environment: Any = None, **todo: Any) -> Report:
    """Start a host in a process of its own."""
    own = {"DW_OPENPOSE_CKPTS": str(ROOT / "ckpts"), "HF_HUB_CACHE": str(host.root)}
    done = subprocess.run(
        [sys.executable, str(building.PARTS / "loading.py"), host.kind],
        cwd=host.root,
        env={**os.environ, **own, "PYTHONPATH": path, "PYTHONUTF8": "1", **(environment or {})},
        input=json.dumps(todo),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed, _, report = done.stdout.partition("=== report\n")
    return Report(printed + done.stderr, **json.loads(report))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our extension, compiled, as it is after the first start."""
    extension = building.copy_of_our_extension(tmp_path_factory.mktemp("ours") / "extension")
    compileall.compile_dir(extension, quiet=2)
    return extension


@pytest.fixture(scope="module")
def without_us(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Report]:
    """What a host is like before we come."""
    known: dict[str, Report] = {}

    def report(kind: str) -> Report:
        if kind not in known:
            known[kind] = run(Host.build(kind, tmp_path_factory.mktemp("host")))
        return known[kind]

    return report


def assert_neighbours_live(report: Report, before: Report) -> None:
    """All that was there is there, and answers as before; but for the one name that is now ours."""
    assert set(before.names) <= set(report.names)
    expected = dict(before.answers)
    if report.names["dw_openpose_full"]:
        del expected["dw_openpose_full"]
    assert {name: report.answers[name] for name in expected} == expected
    assert all(isinstance(answer, float) for answer in report.answers.values())
    assert [script["error"] for script in report.scripts] == [None] * len(report.scripts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_without_us_works(kind: str, without_us: Callable[[str], Report]) -> None:
    """The double itself: what the tests below compare with."""
    report = without_us(kind)
    assert len(report.names) >= 4
    assert not report.ours
    assert all(isinstance(answer, float) for answer in report.answers.values())
    assert [script["error"] for script in report.scripts] == [None] * len(report.scripts)


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: " in ".join(place[::-1]))
def arrival(
    request: pytest.FixtureRequest, ours: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Report, str, Path]:
    """A host that has loaded us, its kind, and the folder we are in."""
    kind, folder = request.param
    host = Host.build(kind, tmp_path_factory.mktemp("host"))
    home = host.add_us(ours, folder)
    return run(host), kind, home


def test_we_are_listed_and_everybody_else_still_works(
    arrival: tuple[Report, str, Path], without_us: Callable[[str], Report]
) -> None:
    report, kind, _ = arrival
    assert report.ours == NAMES
    assert_neighbours_live(report, without_us(kind))
    assert len(report.settings) == 4
    (words,) = report.words
    assert "in place of the built-in" in words


def test_the_package_beside_the_door_is_the_one_that_runs(
    arrival: tuple[Report, str, Path],
) -> None:
    report, _, home = arrival
    assert report.package is not None
    assert Path(report.package).is_relative_to(home)


def test_loading_us_changes_nothing_that_is_everybody_s(
    arrival: tuple[Report, str, Path],
) -> None:
    (door,) = arrival[0].doors
    assert door["changed"] == []
    assert door["heavy"] == []
    assert door["seconds"] < 1


@pytest.mark.parametrize("kind", [A1111, FORGE])
def test_reload_ui_ends_where_the_first_loading_did(
    kind: str, ours: Path, without_us: Callable[[str], Report], tmp_path: Path
) -> None:
    host = Host.build(kind, tmp_path)
    host.add_us(ours)
    report = run(host, loads=3)
    assert [door["error"] for door in report.doors] == [None] * 3
    assert report.ours >= NAMES - {"dw_openpose_full"}
    assert_neighbours_live(report, without_us(kind))
    assert len(report.settings) == 4


@pytest.mark.parametrize(("folder", "is_late"), [(EARLY, False), (LATE, True)])
def test_without_metadata_we_come_where_our_name_is_sorted(
    folder: str, ours: Path, without_us: Callable[[str], Report], tmp_path: Path, *, is_late: bool
) -> None:
    host = Host.build(A1111, tmp_path)
    host.add_us(ours, folder, metadata=False)
    report = run(host)
    assert report.ours == (NAMES if is_late else set())
    assert_neighbours_live(report, without_us(A1111))
    assert len(report.words) == 1
    if not is_late:
        assert "sd-webui-controlnet" in report.words[0]
        assert run(host, loads=2).ours == NAMES  # "Reload UI": now ControlNet is there


def test_a_host_without_controlnet_gets_one_line_and_no_traceback(
    ours: Path, tmp_path: Path
) -> None:
    host = Host.build(BARE, tmp_path)
    host.add_us(ours)
    report = run(host)
    assert [door["error"] for door in report.doors] == [None]
    assert not report.names
    assert "Traceback" not in report.printed
    (words,) = report.words
    assert "sd-webui-controlnet" in words


@pytest.mark.parametrize("kind", [A1111, FORGE])
def test_the_built_in_can_be_kept(
    kind: str, ours: Path, without_us: Callable[[str], Report], tmp_path: Path
) -> None:
    host = Host.build(kind, tmp_path)
    host.add_us(ours)
    (tmp_path / "config.json").write_text(json.dumps(KEEP), "utf-8")
    report = run(host, loads=2)
    assert report.ours == NAMES - {FULL.name} | {"dw_openpose_full_extension"}
    assert_neighbours_live(report, without_us(kind))
    assert all("beside the built-in" in words for words in report.words)


@pytest.mark.parametrize("kind", [A1111, FORGE])
def test_neighbours_import_their_scripts_and_answer(kind: str, ours: Path, tmp_path: Path) -> None:
    host = Host.build(kind, tmp_path)
    host.add_us(ours, "mmm-dw-openpose")
    for folder in ("aaa-neighbour", "zzz-neighbour"):
        host.add_neighbour(folder, f"{folder}'s pose")
    report = run(host)
    assert report.ours == NAMES
    assert [script["error"] for script in report.scripts] == [None] * len(report.scripts)
    assert isinstance(report.answers["aaa-neighbour's pose"], float)
    assert isinstance(report.answers["zzz-neighbour's pose"], float)


@pytest.mark.parametrize(
    ("kind", "theirs", "winner_is_us"),
    [
        (A1111, "aaa-neighbour", True),  # we take the name over
        (A1111, "zzz-neighbour", True),  # the list asserts that it is free
        (FORGE, "aaa-neighbour", True),
        (FORGE, "zzz-neighbour", False),  # the later one has it
    ],
)
def test_a_neighbour_of_our_name_harms_nobody_else(
    kind: str, theirs: str, ours: Path, tmp_path: Path, *, winner_is_us: bool
) -> None:
    host = Host.build(kind, tmp_path)
    host.add_us(ours, "mmm-dw-openpose")
    host.add_neighbour(theirs, "dw_openpose_body")
    report = run(host)
    assert report.names["dw_openpose_body"] == winner_is_us
    assert report.ours | {"dw_openpose_body"} == NAMES
    assert [door["error"] for door in report.doors] == [None]
    assert all(isinstance(answer, float) for answer in report.answers.values())


@pytest.mark.parametrize("kind", [A1111, FORGE])
def test_an_older_copy_from_pip_is_passed_over(kind: str, ours: Path, tmp_path: Path) -> None:
    host = Host.build(kind, tmp_path / "host")
    home = host.add_us(ours)
    old = tmp_path / "site-packages" / "dw_openpose_full"
    old.mkdir(parents=True)
    (old / "__init__.py").write_text("raise AssertionError('the older copy was imported')\n")
    report = run(host, path=str(old.parent))
    assert report.ours == NAMES
    assert report.package is not None
    assert Path(report.package).is_relative_to(home)


def test_an_older_copy_that_is_already_in_use_is_named(ours: Path, tmp_path: Path) -> None:
    host = Host.build(FORGE, tmp_path / "host")
    host.add_us(ours)
    old = tmp_path / "site-packages" / "dw_openpose_full"
    old.mkdir(parents=True)
    (old / "__init__.py").write_text("__version__ = '0.0.1'\n")
    report = run(host, path=str(old.parent), first="dw_openpose_full")
    assert not report.ours
    (door,) = report.doors
    assert "dw_openpose_full" in door["error"].splitlines()[-1]
    assert door["changed"] == []


@pytest.mark.parametrize("kind", [A1111, FORGE])
def test_two_copies_of_us_are_listed_once(kind: str, ours: Path, tmp_path: Path) -> None:
    host = Host.build(kind, tmp_path)
    first = host.add_us(ours, "dw-openpose-full")
    host.add_us(ours, "dw-openpose-full-2")
    report = run(host)
    assert [door["error"] for door in report.doors] == [None, None]
    assert report.ours == NAMES
    assert report.package is not None
    assert Path(report.package).is_relative_to(first)


@pytest.fixture
def lite() -> None:
    """For tests that run the lite model."""
    pytest.importorskip("onnxruntime", reason="the lite model needs onnxruntime")


# --- the whole way, as the hosts call ---

WAYS = [(A1111, {"slider_1": 0.5, "slider_2": 0.5, "low_vram": False}), (FORGE, {})]


@pytest.mark.parametrize(("kind", "sliders"), WAYS)
@pytest.mark.usefixtures("lite")
def test_a_host_asks_and_the_lite_model_answers(
    kind: str, sliders: dict[str, Any], ours: Path, tmp_path: Path
) -> None:
    host = Host.build(kind, tmp_path)
    host.add_us(ours)
    picture = pixels_of(SAMPLE)
    dresses = {"rgb": picture, "grey": picture[..., 1], "nobody": np.zeros_like(picture)}
    for name, pixels in dresses.items():
        np.save(tmp_path / f"{name}.npy", pixels)
    question = {"name": "dw_openpose_full", "resolution": 256, **sliders}
    files = [
        {**question, "picture": f"{name}.npy", "out": str(tmp_path / f"{name}-out")}
        for name in dresses
    ]
    report = run(host, questions=files)
    people = {}
    for name in dresses:
        drawing = np.load(tmp_path / f"{name}-out.npy")
        (document,) = json.loads((tmp_path / f"{name}-out.json").read_text("utf-8"))
        assert drawing.shape == (256, 256, 3)
        assert drawing.dtype == np.uint8
        assert drawing.any() == (name != "nobody")
        people[name] = len(document["people"])
    assert people == {"rgb": 1, "grey": 1, "nobody": 0}
    assert len(report.words) == 2  # what is listed, what runs


@pytest.mark.shared
@pytest.mark.parametrize("kind", [A1111, FORGE])
def test_parity_repeats_the_host_s_own_byte_for_byte(
    kind: str, ours: Path, shared: Path, tmp_path: Path
) -> None:
    host = Host.build(kind, tmp_path)
    host.add_us(ours)
    for name in ("dw-ll_ucoco_384.onnx", "yolox_l.onnx"):
        standin = (shared / "models" / "standin" / name).read_bytes()
        (host.models / name).write_bytes(standin)
    golden = shared / "golden" / "hosts"
    np.save(tmp_path / "in.npy", pixels_of(golden / "in.png"))
    question = {"name": "dw_openpose_full", "picture": "in.npy", "out": "out", "resolution": 512}
    run(host, questions=[question], environment={"DW_OPENPOSE_PARITY": "1"})
    (document,) = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert document == json.loads((golden / "a1111_512.json").read_text("utf-8"))
    drawing = np.load(tmp_path / "out.npy")
    assert np.array_equal(drawing, pixels_of(golden / "a1111_512.png"))


@pytest.mark.shared
def test_weights_of_the_host_are_found_where_we_are_a_link(
    ours: Path, shared: Path, tmp_path: Path
) -> None:
    host = Host.build(A1111, tmp_path)
    for name in ("dw-ll_ucoco_384.onnx", "yolox_l.onnx"):
        standin = (shared / "models" / "standin" / name).read_bytes()
        (host.models / name).write_bytes(standin)
    try:
        (tmp_path / "extensions" / "dw-openpose-full").symlink_to(ours, target_is_directory=True)
    except OSError:
        pytest.skip("links can not be made here")
    np.save(tmp_path / "in.npy", pixels_of(shared / "golden" / "hosts" / "in.png"))
    question = {"name": "dw_openpose_full", "picture": "in.npy", "out": "out", "resolution": 256}
    report = run(host, questions=[question])
    assert "model dw-ll_ucoco_384, people found by yolox_l.onnx" in report.words[-1]


# --- calls ---


class OneBool(np.ndarray):  # type: ignore[type-arg]
    """As ControlNet's ``HashableNpArray``: equal or not, as a whole."""

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return np.array_equal(self, other)  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Guest:
    """Our calls, in a process that has the host's ``modules``."""

    calls: ModuleType
    shared: Any
    networks: ScriptedNetworks

    def __call__(self, picture: Any = None, resolution: Any = 64, *args: Any, **more: Any) -> Any:
        return self.listed()(photo() if picture is None else picture, resolution, *args, **more)

    def listed(self, choice: Any = FULL) -> Any:
        preprocessor = self.calls.WebuiPreprocessor()
        preprocessor.choice = choice
        return preprocessor


def photo(height: int = 96, width: int = 64) -> Picture:
    return np.full((height, width, 3), 90, np.uint8)


@pytest.fixture
def guest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guest]:
    networks = ScriptedNetworks()
    monkeypatch.setattr(DwOpenpose, "load", networks.load)
    monkeypatch.syspath_prepend(building.PARTS)
    monkeypatch.delenv("DW_OPENPOSE_PARITY", raising=False)
    monkeypatch.delitem(sys.modules, "gradio", raising=False)
    from modules import shared

    from dw_openpose_full.hosts.webui import calls

    yield Guest(calls, shared, networks)
    for name in list(sys.modules):
        if name.partition(".")[0] in {"modules", "modules_forge"} or ".hosts.webui" in name:
            del sys.modules[name]


DRESSES: dict[str, Callable[[], Any]] = {
    "RGB": photo,
    "one bool": lambda: photo().view(OneBool),
    "grey": lambda: photo()[..., 0],
    "one channel": lambda: photo()[..., :1],
    "RGBA": lambda: np.dstack([photo(), np.full((96, 64), 255, np.uint8)]),
    "grey and opacity": lambda: np.dstack([photo()[..., 0], np.full((96, 64), 255, np.uint8)]),
    "upside down": lambda: photo()[::-1],
    "read only": lambda: np.broadcast_to(np.uint8(90), (96, 64, 3)),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_pictures_come_in_many_dresses(dress: str, guest: Guest) -> None:
    drawing = guest(DRESSES[dress]())
    assert type(drawing) is np.ndarray
    assert (drawing.shape, drawing.dtype) == ((96, 64, 3), np.uint8)
    assert np.array_equal(drawing, guest())
    assert guest.networks.runs == 1  # the same picture


@pytest.mark.parametrize("wrong", [None, str(SAMPLE), np.zeros((0, 5, 3)), np.zeros((5, 5, 7))])
def test_what_is_no_picture_is_refused_in_one_sentence(wrong: Any, guest: Guest) -> None:
    with pytest.raises(dw.DwPoseError) as error:
        guest.listed()(wrong, 64)
    assert "\n" not in str(error.value)


# slider_1, slider_2 as they come; lowest score and most people as they are meant
SLIDERS = [
    ((None, None), 0.3, None),
    ((0.3, 0), 0.3, None),  # our own
    ((0.5, 0.5), 0.5, None),  # AUTOMATIC1111's defaults
    ((64, 64), 0.3, None),  # Forge's
    ((-1, -1), 0.3, None),
    ((0.0, 1), 0.0, 1),
    ((1.0, 20), 1.0, 20),
    ((1, 2.0), 1.0, 2),
    ((1.01, 21), 0.3, None),
    ((float("nan"), float("nan")), 0.3, None),
]


@pytest.mark.parametrize(("sliders", "threshold", "most"), SLIDERS)
def test_sliders_mean_what_they_say_and_stray_values_nothing(
    sliders: tuple[Any, Any],
    threshold: float,
    most: int | None,
    guest: Guest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    heart = guest.calls.HEART

    def note(picture: Any, request: Any, settings: Any) -> Any:
        asked.append(request)
        return heart(picture, request, settings)

    monkeypatch.setattr(guest.calls, "HEART", note)
    guest(photo(), 64, *sliders)
    (request,) = asked
    assert (request.threshold, request.people.max_people) == (threshold, most)


@pytest.mark.parametrize(("resolution", "width"), [(64, 64), (64.0, 64), (99.6, 100), (2048, 2048)])
def test_resolutions_are_the_shorter_side(resolution: float, width: int, guest: Guest) -> None:
    assert guest(resolution=resolution).shape[1] == width


@pytest.mark.parametrize("resolution", [0, -1, 2, float("nan"), float("inf"), None])
def test_a_resolution_that_is_none_means_the_default(resolution: Any, guest: Guest) -> None:
    assert guest(resolution=resolution).shape[1] == 512


@pytest.mark.parametrize("resolution", [TOO_LARGE, 1e30])
def test_a_resolution_beyond_all_bounds_is_refused_in_one_sentence(
    resolution: float, guest: Guest
) -> None:
    with pytest.raises(dw.OptionError, match="choose a smaller one") as error:
        guest(resolution=resolution)
    assert "\n" not in str(error.value)
    assert not guest.networks.loads


@pytest.mark.parametrize("people", [0, 1, 2])
@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: str(choice.name))
def test_the_callback_is_called_once_with_a_dict(choice: Any, people: int, guest: Guest) -> None:
    guest.networks.people = people
    heard: list[Any] = []
    preprocessor = guest.listed(choice)
    for _ in range(2):  # the second time from memory
        drawing = preprocessor(photo(), 64, json_pose_callback=heard.append)
        assert drawing.any() == (people > 0)
    assert [type(document) for document in heard] == [dict, dict]
    assert [len(document["people"]) for document in heard] == [people, people]


def test_what_a_host_writes_into_an_answer_stays_there(guest: Guest) -> None:
    heard: list[Any] = []
    first = guest(json_pose_callback=heard.append)
    kept = first.copy()
    first[:] = 7
    heard[0].clear()
    assert np.array_equal(guest(json_pose_callback=heard.append), kept)
    assert heard[1]["people"]


def test_a_host_may_say_more_than_we_know(guest: Guest) -> None:
    drawing = guest.listed()(
        input_image=photo(),
        resolution=64,
        slider_1=64,
        slider_2=64,
        slider_3=64,
        input_mask=photo(),
        json_pose_callback=None,
        model="control_openpose",
        low_vram=False,
    )
    assert drawing.any()


@pytest.mark.parametrize("fails", [False, True])
def test_low_vram_frees_networks_at_once(guest: Guest, *, fails: bool) -> None:
    guest.networks.score = 0.9
    if fails:
        guest()
        with pytest.raises(dw.DwPoseError):
            guest(resolution=TOO_LARGE, low_vram=True)
    else:
        guest(low_vram=True)
    gc.collect()
    assert len(guest.networks.loads) == 1
    assert not guest.networks.alive


def test_unloading_says_whether_anything_was_freed(guest: Guest) -> None:
    assert guest.listed().unload() is False
    guest()
    assert guest.listed().unload() is True
    assert guest.listed().unload() is False
    gc.collect()
    assert not guest.networks.alive


@pytest.mark.parametrize("loaded", [False, True])
def test_errors_are_gradio_s_where_gradio_is(
    guest: Guest, monkeypatch: pytest.MonkeyPatch, *, loaded: bool
) -> None:
    class Error(Exception):
        pass

    if loaded:
        monkeypatch.setitem(sys.modules, "gradio", SimpleNamespace(Error=Error))
    with pytest.raises(Error if loaded else dw.OptionError, match="choose a smaller one") as error:
        guest(resolution=TOO_LARGE)
    if loaded:
        assert str(error.value).startswith("dw_openpose_full: ")
        assert isinstance(error.value.__cause__, dw.OptionError)


def test_words_go_to_the_console_and_the_progress_line(
    guest: Guest, capsys: pytest.CaptureFixture[str]
) -> None:
    guest()
    assert capsys.readouterr().out == "dw_openpose_full: model scripted on nothing\n"
    assert guest.shared.state.textinfo == "model scripted on nothing"


def test_a_console_that_knows_ascii_alone_is_no_reason_to_fail(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths in our words may hold any letter; Windows' consoles do not."""
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, "ascii", write_through=True))
    guest.calls.tell("поза.onnx is damaged")
    assert shown.getvalue().startswith(rb"dw_openpose_full: \u043f")
    assert guest.shared.state.textinfo == "поза.onnx is damaged"


def test_alerts_are_a_note_on_the_page_too(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    monkeypatch.setitem(sys.modules, "gradio", SimpleNamespace(Warning=notes.append))
    guest.calls.alert("the file is damaged")
    assert notes == ["dw_openpose_full: the file is damaged"]


# option or variable, and what is loaded then
SWITCHES = [
    ({}, {}, {"device": "auto", "parity": False, "offline": False}),
    ({"dw_openpose_full_parity": True}, {}, {"parity": True}),
    ({"dw_openpose_full_offline": True}, {}, {"offline": True}),
    ({}, {"DW_OPENPOSE_PARITY": "1"}, {"parity": True}),
    ({}, {"DW_OPENPOSE_PARITY": "0"}, {"parity": False}),
    ({}, {"DW_OPENPOSE_PARITY": ""}, {"parity": False}),
]


@pytest.mark.parametrize(("options", "variables", "expected"), SWITCHES)
def test_switches_hold_from_the_next_picture_on(
    options: dict[str, bool],
    variables: dict[str, str],
    expected: dict[str, Any],
    guest: Guest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guest.shared.opts.data.update(options)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    guest()
    (loaded,) = guest.networks.loads
    loaded["offline"] = loaded["supply"].offline
    assert {name: loaded[name] for name in expected} == expected


@pytest.mark.parametrize(
    "where", ["control_net_modules_path", "annotator_models_path", "preprocessor_models_dir"]
)
def test_folders_that_the_host_was_told_of_are_looked_in(
    where: str, guest: Guest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dw_openpose_full.hosts.webui import registration

    monkeypatch.setattr(folders, "_told", [])
    if where.startswith("control_net"):
        guest.shared.opts.data[where] = str(tmp_path)
    else:
        setattr(guest.shared.cmd_opts, f"controlnet_{where}", tmp_path)
    registration.register()
    assert {tmp_path, tmp_path / "openpose"} <= set(folders.neighbour_folders())


def test_use_cpu_controlnet_holds_for_us_too(guest: Guest) -> None:
    guest.shared.cmd_opts.use_cpu.append("controlnet")
    guest()
    assert guest.networks.loads[0]["device"] == "cpu"
