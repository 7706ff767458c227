"""Settings files, and the demo without a page: photos and videos in, figures and pictures out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dw_openpose_full as dw
from dw_openpose_full import cli
from dw_openpose_full.demo.annotating import Reader
from dw_openpose_full.demo.batch import Batch
from dw_openpose_full.demo.bench import Bench
from dw_openpose_full.demo.config import (
    DETECTORS,
    DEVICES,
    MODELS,
    DemoSettings,
    Preprocessor,
    Processor,
)
from dw_openpose_full.demo.config_file import MAX_BYTES
from dw_openpose_full.demo.plans import plan
from dw_openpose_full.errors import DependencyError, ModelError, OptionError
from dw_openpose_full.generation import FAMILIES, LIMITS, SCHEDULERS, Generated, Models, Settings
from dw_openpose_full.people import Order, PeopleChoice
from dw_openpose_full.poses import Boxes, ImageSize, RgbImage, WholeBodyPoses
from dw_openpose_full.thresholds import Thresholds
from dw_openpose_full.video import Video, VideoWriter

try:
    import av
except ImportError:
    av = None

needs_av = pytest.mark.skipif(av is None, reason="PyAV is not installed")
SAMPLE = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"

# ---------------------------------------------------------------- settings


def within(name: str, *, whole: bool = False) -> st.SearchStrategy[Any]:
    """Numbers that a setting may be."""
    least, most = LIMITS[name]
    return st.integers(int(least), int(most)) if whole else st.floats(least, most)


SHARE = st.floats(0, 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PARTS = st.lists(
    st.sampled_from([dw.Parts.BODY, dw.Parts.HANDS, dw.Parts.FACE, dw.Parts.FEET]), max_size=4
).map(lambda parts: dw.Parts(sum(part.value for part in set(parts))))
ANY_SETTINGS = st.builds(
    DemoSettings,
    prompt=TEXT,
    added_prompt=TEXT,
    negative_prompt=TEXT,
    images=within("images", whole=True),
    seed=within("seed", whole=True),
    steps=st.none() | within("steps", whole=True),
    guidance=st.none() | within("guidance"),
    strength=st.none() | within("strength"),
    control_start=within("control_start"),
    control_end=st.none() | within("control_end"),
    guess_mode=st.booleans(),
    scheduler=st.none() | st.sampled_from(["", *SCHEDULERS]),
    eta=within("eta"),
    resolution=st.none() | within("resolution", whole=True),
    style=st.none() | st.sampled_from(dw.Style),
    parts=PARTS,
    family=st.sampled_from(list(FAMILIES)),
    preprocessor=st.sampled_from(Preprocessor),
    processor=st.sampled_from(Processor),
    model=st.sampled_from(MODELS),
    detector=st.sampled_from(DETECTORS),
    backend=st.sampled_from(["auto", "onnxruntime", "opencv", "torch"]),
    device=st.sampled_from([*DEVICES, "cuda:0", "cuda:12"]),
    preprocessor_resolution=st.integers(128, 1024),
    thresholds=st.builds(Thresholds, SHARE, SHARE, SHARE, SHARE),
    people=st.builds(
        PeopleChoice,
        st.none() | st.integers(1, 99),
        st.sampled_from(Order),
        SHARE,
        st.none() | SHARE,
    ),
    phantoms=st.booleans(),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def refusal(values: object) -> str:
    """Why values make no settings; empty where they do."""
    try:
        DemoSettings.from_dict(values)
    except OptionError as error:
        return str(error)
    return ""


def test_the_defaults_are_those_of_the_seeds_demo() -> None:
    ours = DemoSettings()
    assert (ours.preprocessor.value, ours.processor.value) == ("Openpose_Full", "DWpose")
    assert (ours.prompt, ours.added_prompt) == ("", "best quality")
    assert ours.negative_prompt == "lowres, bad anatomy, bad hands, cropped, worst quality"
    assert (ours.images, ours.seed, ours.preprocessor_resolution) == (1, 12345, 512)
    assert (ours.guess_mode, ours.eta, ours.family) == (False, 1.0, "sd15")
    family = FAMILIES[ours.family]  # what is left open, it fills in
    assert (family.canvas.side, family.steps, family.strength, family.guidance) == (512, 20, 1, 9)
    assert ours.look().parts is dw.Parts.ALL


@given(ANY_SETTINGS)
@quick
def test_plain_values_give_the_settings_back(value: DemoSettings) -> None:
    plain = json.loads(json.dumps(value.to_dict(), allow_nan=False))
    assert DemoSettings.from_dict(plain) == value


@given(st.sampled_from(fields(DemoSettings)), JSON)
@quick
def test_any_value_is_taken_as_it_is_or_refused_by_name(row: Any, value: object) -> None:
    reason = refusal({row.name: value})
    assert len(reason) < 600
    assert not reason or row.name in reason
    if not reason:
        made = DemoSettings.from_dict({row.name: value})
        assert made == DemoSettings.from_dict(made.to_dict())


@given(st.dictionaries(st.text(max_size=9), JSON, max_size=4) | JSON)
@quick
def test_any_json_makes_settings_or_one_error(values: object) -> None:
    assert "\n" not in refusal(values)


def test_a_file_is_read_back(tmp_path: Path) -> None:
    ours = DemoSettings(
        prompt='a "dancer"\nau clair, 踊り子', style="xinsir", people=PeopleChoice(2, "size")
    )
    ours.write(tmp_path / "deep" / "s.json")
    assert DemoSettings.read(tmp_path / "deep" / "s.json") == ours
    text = (tmp_path / "deep" / "s.json").read_text("utf-8")
    assert "踊り子" in text
    assert len(text.splitlines()) > 30


def test_what_a_file_leaves_out_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(b'\xef\xbb\xbf{"steps": 7, "thresholds": {"hands": 0.5}}')
    assert DemoSettings.read(path) == DemoSettings(steps=7, thresholds=Thresholds(hands=0.5))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"stepz": 7}', "'stepz' is no setting; there are prompt"),
        ('{"steps": "7"}', "steps must be null or a whole number, got the text '7'"),
        ('{"steps": true}', "steps must be null or a whole number, got true"),
        ('{"steps": 0}', "steps must be a whole number from 1 to 100, got 0"),
        ('{"seed": 1' + "0" * 5000 + "}", "seed must be a whole number"),
        ('{"guidance": NaN}', "NaN is no number"),
        ('{"guidance": 1e999}', "guidance must be a number from 0 to 30"),
        ('{"guess_mode": 1}', "guess_mode must be true or false"),
        ('{"prompt": null}', "prompt must be a text, got null"),
        ('{"prompt": "\\ud800"}', "prompt holds half a character"),
        ('{"prompt": "' + "a" * 5000 + '"}', "prompt must be of at most 4000 characters"),
        ('{"family": "sd2"}', "family must be one of sd15"),
        ('{"style": "oil"}', "style must be one of"),
        ('{"parts": "legs"}', "parts must be names out of"),
        ('{"preprocessor": "Canny"}', "preprocessor must be one of Openpose_Full"),
        ('{"preprocessor_resolution": 64}', "preprocessor_resolution must be a whole number from"),
        ('{"thresholds": {"hands": 7}}', "thresholds: threshold must lie within"),
        ('{"thresholds": {"legs": 0.3}}', "thresholds: 'legs' is no setting"),
        ('{"people": {"min_size": null}}', "people: min_size must be a number, got null"),
        ('{"people": 3}', "people: expected an object"),
        ('{"device": "cuda:x"}', "device must be one of auto"),
        ('{"steps": 1, "steps": 2}', "a key appears twice"),
        ("[]", "expected an object with settings, got an empty list"),
        ("", "expected settings as JSON"),
        ("prompt = 'toml'", "expected settings as JSON"),
        ("[" * 9000, "settings"),  # too deep for some Pythons, no JSON for others
        ("\0\xff", "expected settings as JSON"),
        (" " * (MAX_BYTES + 1), "got more than 64 KiB"),
    ],
)
def test_a_file_that_can_not_be_is_refused_with_its_name(
    tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(OptionError) as caught:
        DemoSettings.read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert words in text
    assert len(text) < 700
    assert "\n" not in text


@pytest.mark.parametrize("name", ["model", "detector", "family", "backend", "device", "scheduler"])
@pytest.mark.parametrize("value", ["/etc/passwd", "../a.onnx", "C:\\a.onnx", "owner/name", "a.pth"])
def test_a_file_of_settings_names_no_other_file(name: str, value: str) -> None:
    with pytest.raises(OptionError, match=f"{name} must be one of"):
        DemoSettings.from_dict({name: value})


@pytest.mark.parametrize("key", ["base", "controlnet", "network", "output"])
def test_places_are_no_settings(key: str) -> None:
    with pytest.raises(OptionError, match="is no setting"):
        DemoSettings.from_dict({key: "/etc"})


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path, "a folder"),
        (tmp_path / "none", "can not be read"),
        ("a\0", "NUL|null"),
    ):
        with pytest.raises(OptionError, match=words):
            DemoSettings.read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "s.json")
    with pytest.raises(OptionError, match="a folder or a device"):
        DemoSettings.read(tmp_path / "s.json")


def test_choices_reach_their_work() -> None:
    ours = DemoSettings(
        preprocessor="Openpose",
        processor="Openpose",
        model="dwpose-l",
        style="overlay",
        device="directml",
        parts=dw.Parts.ALL | dw.Parts.FEET,
        steps=3,
        prompt="p",
    )
    assert ours.reader == "lite"
    assert DemoSettings(model="dwpose-l").reader == "dwpose-l"
    assert ours.look().style is dw.Style.OVERLAY
    assert ours.look().parts is ours.making().parts is dw.Parts.BODY
    assert ours.making() == Settings("p", steps=3, parts=dw.Parts.BODY)  # overlays are for people
    assert ours.makers_device == "auto"
    assert DemoSettings(device="cuda:1").makers_device == "cuda:1"
    assert DemoSettings(family="sdxl-xinsir").look().style is dw.Style.XINSIR
    assert not DemoSettings(preprocessor="None").reads_poses


def test_the_settings_need_no_gradio_and_no_torch() -> None:
    code = (
        "import sys, dw_openpose_full.demo.batch, dw_openpose_full.cli.demo\n"
        "print({'gradio', 'torch', 'diffusers', 'av'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


# ---------------------------------------------------------------- a batch, with doubles


def estimator(
    people: Callable[[RgbImage], int] = lambda _: 1, shake: Callable[[], int] = lambda: 0
) -> dw.DwOpenpose:
    """Finds people in the middle of pictures, more or less, without a network."""

    class Finder:
        def __call__(self, image: RgbImage, *, score: float | None = None) -> Boxes:
            height, width = image.shape[:2]
            box = [width * 0.2, height * 0.1, width * 0.8, height * 0.9]
            return Boxes.from_arrays([box] * people(image))

    class Poses:
        def read_pictures(self, images: Any, boxes: Any) -> list[WholeBodyPoses]:
            return [self.of(image, found) for image, found in zip(images, boxes, strict=True)]

        def of(self, image: RgbImage, found: Boxes) -> WholeBodyPoses:
            random = np.random.default_rng(5)
            shares = random.uniform(0.25, 0.75, (len(found), 133, 2))
            points = shares * (image.shape[1], image.shape[0]) + (shake(), 0)
            size = ImageSize.of(image)
            return WholeBodyPoses.from_arrays(
                points, np.ones((len(found), 133)), boxes=found, image_size=size, model="pretend"
            )

    return dw.DwOpenpose(Finder(), Poses(), model="pretend", description="pretend on paper")


@dataclass
class Painter:
    """Stands in for the studio."""

    missing: tuple[str, ...] = ()
    error: Exception | None = None
    asked: list[Any] = field(default_factory=list)

    def make(self, pose: Any, wanted: DemoSettings, _onlooker: object) -> Generated:
        self.asked.append(pose)
        if self.error is not None:
            raise self.error
        grey = np.full((64, 64, 3), 7, np.uint8)
        return Generated(grey, (grey,) * wanted.images, tuple(range(wanted.images)))


def photo(path: Path, size: tuple[int, int] = (60, 90)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.full((*size, 3), 90, np.uint8))[1].tobytes())
    return path


def film(path: Path, count: int = 5, rate: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, ImageSize(60, 90), Fraction(rate)) as writer:
        for number in range(count):
            grey = np.full((60, 90, 3), 20 * number % 240, np.uint8)
            writer.write(grey, Fraction(number, rate))
    return path


@dataclass
class Work:
    """A batch in a folder, and what it said."""

    folder: Path
    painter: Painter = field(default_factory=Painter)
    loads: list[Any] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def run(
        self,
        *words: Path,
        overwrite: bool = False,
        people: Callable[[RgbImage], int] = lambda _: 1,
        shake: Callable[[], int] = lambda: 0,
        **own: Any,
    ) -> int:
        """Do the files. Returns how many failed."""

        def load(*names: Any, **_: Any) -> dw.DwOpenpose:
            self.loads.append(names)
            return estimator(people, shake)

        wanted = DemoSettings(**{"preprocessor_resolution": 128} | own)
        studio: Any = self.painter
        bench = Bench(wanted, Reader(load=load), studio, self.said.append, overwrite=overwrite)
        items, complaints = plan(map(str, words), self.folder / "out", wanted.images)
        self.complaints += complaints
        batch = Batch(bench, self.complaints.append)
        todo = [item for item in items if not batch.is_done(item)]
        self.steps, self.todo = batch.steps(todo), len(todo)
        self.taken = sum(1 for _ in batch.run(todo))
        return batch.failed + len(complaints)

    def files(self) -> list[str]:
        out = self.folder / "out"
        return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())

    def document(self, name: str) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.folder / "out" / name).read_text("utf-8"))
        return read


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def test_a_folder_becomes_figures_poses_and_pictures(work: Work) -> None:
    for name in ("a.png", "b.jpg"):
        photo(work.folder / "in" / name)
    assert work.run(work.folder / "in", images=2) == 0
    assert work.files() == [
        f"{name}{end}" for name in "ab" for end in (".json", "_1.png", "_2.png", "_figure.png")
    ]
    figure = cv2.imread(str(work.folder / "out" / "a_figure.png"))
    assert figure.shape == (128, 192, 3)
    assert figure.any()
    document = work.document("a.json")
    assert (document["canvas_width"], document["canvas_height"]) == (192, 128)
    assert (len(document["people"]), document["model"]) == (1, "pretend")
    assert len(work.loads) == 1
    assert work.said == ["model pretend on paper"]
    assert (work.steps, work.taken) == (2, 2)


def test_a_second_run_goes_on_where_the_first_one_stopped(work: Work) -> None:
    a, b = (photo(work.folder / name) for name in ("a.png", "b.png"))
    work.run(a)
    before = {name: (work.folder / "out" / name).stat().st_mtime_ns for name in work.files()}
    work.run(a, b)
    assert (work.todo, len(work.painter.asked)) == (1, 2)
    assert all((work.folder / "out" / name).stat().st_mtime_ns == at for name, at in before.items())
    (work.folder / "out" / "a_1.png").unlink()
    work.run(a, b)
    assert (work.todo, len(work.painter.asked)) == (1, 3)
    work.run(a, b)
    assert (work.todo, len(work.loads)) == (0, 3)
    work.run(a, b, overwrite=True)
    assert (work.todo, len(work.painter.asked)) == (2, 5)
    work.run(a, b, images=2)
    assert work.todo == 2


def test_a_failure_is_named_and_the_others_are_done(work: Work) -> None:
    bad = work.folder / "in" / "bad.png"
    photo(work.folder / "in" / "a.png")
    bad.write_text("no picture")
    photo(work.folder / "in" / "c.png")
    assert work.run(work.folder / "in", work.folder / "none") == 2
    assert {"a_figure.png", "c_figure.png"} < set(work.files())
    assert not any("bad" in name for name in work.files())
    assert [str(work.folder / "none") in work.complaints[0], str(bad) in work.complaints[1]] == [
        True
    ] * 2


def test_what_nobody_foresaw_fails_one_file(work: Work) -> None:
    def trip(image: RgbImage) -> int:
        if image.shape[0] == 61:
            raise ZeroDivisionError("oh")
        return 1

    photo(work.folder / "in" / "a.png", (61, 90))
    photo(work.folder / "in" / "b.png")
    assert work.run(work.folder / "in", people=trip) == 1
    assert "a.png: ZeroDivisionError: oh; please report this file" in work.complaints[0]
    assert "b_1.png" in work.files()


def test_nobody_gives_a_black_figure_and_no_people(work: Work) -> None:
    assert work.run(photo(work.folder / "a.png"), people=lambda _: 0) == 0
    assert work.document("a.json")["people"] == []
    assert not cv2.imread(str(work.folder / "out" / "a_figure.png")).any()


def test_without_the_libraries_there_are_poses_only_and_later_pictures(work: Work) -> None:
    a = photo(work.folder / "a.png")
    work.painter = Painter(missing=("diffusers",))
    assert work.run(a) == 0
    assert work.files() == ["a.json", "a_figure.png"]
    assert "poses only: diffusers is not installed" in work.said[0]
    work.run(a)
    assert work.todo == 0
    work.painter = Painter()
    work.run(a)
    assert work.files() == ["a.json", "a_1.png", "a_figure.png"]
    with pytest.raises(DependencyError, match="diffusers"):
        Work(work.folder, Painter(missing=("diffusers",))).run(a, preprocessor="None")


def test_a_model_that_is_missing_is_told_once_and_asked_for_once(work: Work) -> None:
    for name in "abc":
        photo(work.folder / "in" / f"{name}.png")
    work.painter = Painter(error=ModelError("base: not there"))
    assert work.run(work.folder / "in") == 1
    assert len(work.painter.asked) == 1
    assert len(work.complaints) == 1
    assert "a.png: base: not there" in work.complaints[0]
    assert "no pictures from here on, poses only" in work.said
    assert len(work.files()) == 6
    work.painter = Painter()
    assert work.run(work.folder / "in") == 0
    assert len(work.files()) == 9


def test_a_picture_that_is_a_canvas_is_followed_as_it_is(work: Work) -> None:
    path = photo(work.folder / "a.png")
    assert work.run(path, preprocessor="None") == 0
    assert work.files() == ["a_1.png"]
    assert work.painter.asked[0].shape == (60, 90, 3)
    assert work.loads == []


def test_what_the_family_can_not_do_is_refused_before_all_work(work: Work) -> None:
    with pytest.raises(OptionError, match="takes no guess_mode"):
        work.run(photo(work.folder / "a.png"), family="sd3", guess_mode=True)
    assert not (work.folder / "out").exists()


def test_random_seeds_are_told(work: Work) -> None:
    work.run(photo(work.folder / "a.png"), seed=-1, images=2)
    assert any(line.endswith("a: seeds 0, 1") for line in work.said)


def test_inputs_are_never_overwritten(work: Work) -> None:
    out = work.folder / "out"
    a, clash = photo(out / "a.png"), photo(out / "a_1.png", (80, 80))
    before = clash.read_bytes()
    assert work.run(a, clash) == 1
    assert "a_1.png is one of the inputs" in work.complaints[0]
    assert clash.read_bytes() == before
    assert "a_1_1.png" in work.files()
    assert "a_figure.png" not in work.files()


def test_equal_names_get_own_results(work: Work) -> None:
    photo(work.folder / "x" / "a.png")
    photo(work.folder / "y" / "a.png")
    photo(work.folder / "y" / "A.jpg")
    work.run(work.folder / "x", work.folder / "y")
    assert len(work.files()) == 9
    assert len({name.casefold() for name in work.files()}) == 9


# ---------------------------------------------------------------- videos


@needs_av
def test_a_video_becomes_frames_a_figure_video_and_one_document(work: Work) -> None:
    assert work.run(film(work.folder / "clip.mp4")) == 0
    frames = [
        f"clip/{number:06}{end}"
        for number in range(1, 6)
        for end in (".json", "_1.png", "_figure.png")
    ]
    assert work.files() == ["clip.json", *frames, "clip_figure.mp4"]
    document = work.document("clip.json")
    assert document["fps"] == 10
    assert (document["model"], document["version"]) == ("pretend", dw.__version__)
    assert [[person["id"] for person in frame["people"]] for frame in document["frames"]] == [
        [0]
    ] * 5
    assert dw.from_openpose_json(document, frame=4).image_size == (128, 192)
    drawn = Video.of(work.folder / "out" / "clip_figure.mp4")
    assert (drawn.size, drawn.rate, drawn.count) == ((128, 192), 10, 5)
    last = list(drawn.frames())[4].picture
    figure = cv2.imread(str(work.folder / "out" / "clip" / "000005_figure.png"))[..., ::-1]
    assert figure.any()
    assert np.abs(last.astype(int) - figure).mean() < 6
    assert work.taken == work.steps == 10
    photo(work.folder / "out" / "clip" / "own_figure.png")
    work.run(work.folder / "clip.mp4")
    assert work.todo == 0


@needs_av
def test_a_frame_that_is_done_is_not_read_again(work: Work) -> None:
    seen: list[int] = []

    def once(image: RgbImage) -> int:
        seen.append(int(image[0, 0, 0]))
        return 1

    clip = film(work.folder / "clip.mp4")
    work.run(clip, people=once)
    for name in ("clip.json", "clip/000002.json", "clip/000003_1.png"):
        (work.folder / "out" / name).unlink()
    before = work.files()
    seen.clear()
    work.run(clip, people=once)
    assert len(seen) == 2  # one of them is nobody's, before the first
    assert len(work.painter.asked) == 6
    assert len(work.files()) == len(before) + 3


@needs_av
def test_a_damaged_video_keeps_what_came_before(work: Work) -> None:
    clip = film(work.folder / "clip.mp4", 40)
    data = bytearray(clip.read_bytes())
    begin = data.index(b"mdat") + 4
    middle = begin + (data.index(b"moov") - begin) * 3 // 4
    data[middle : data.index(b"moov") - 4] = b"\xff" * (data.index(b"moov") - 4 - middle)
    clip.write_bytes(data)
    assert work.run(clip, photo(work.folder / "b.png")) == 1
    assert "clip.mp4: the video is damaged after frame" in work.complaints[0]
    assert "clip.json" not in work.files()
    assert "clip_figure.mp4" not in work.files()
    assert "clip/000001.json" in work.files()
    assert "b_1.png" in work.files()


@needs_av
def test_missing_points_of_a_frame_are_closed_by_its_neighbours(work: Work) -> None:
    def absent_once(image: RgbImage) -> int:
        return 0 if 35 < image.mean() < 45 else 1

    work.run(film(work.folder / "clip.mp4"), people=absent_once)
    assert work.document("clip/000003.json")["people"] == []
    assert len(work.document("clip.json")["frames"][2]["people"]) == 1


@needs_av
@pytest.mark.parametrize(("rate", "is_smooth"), [(2, False), (25, True)])
def test_movement_is_smoothed_over_a_quarter_of_a_second(
    work: Work, rate: int, *, is_smooth: bool
) -> None:
    clip = film(work.folder / "clip.mp4", 9, rate)
    shakes = iter([0, *[5 * (-1) ** number for number in range(9)]])
    assert work.run(clip, shake=lambda: next(shakes)) == 0
    frames = work.document("clip.json")["frames"]
    ways = [frame["people"][0]["pose_keypoints_2d"][0] for frame in frames]
    raw = [
        work.document(f"clip/{number:06}.json")["people"][0]["pose_keypoints_2d"][0]
        for number in range(1, 10)
    ]
    assert np.ptp(raw) > 15
    assert (np.ptp(ways[3:6]) < 10) == is_smooth


@needs_av
@pytest.mark.parametrize("own", [{"preprocessor": "None"}, {"style": "overlay"}])
def test_frames_as_canvases_and_as_grounds(work: Work, own: dict[str, Any]) -> None:
    assert work.run(film(work.folder / "clip.mp4"), **own) == 0
    assert "clip/000005_1.png" in work.files()
    assert ("clip.json" in work.files()) == (own == {"style": "overlay"})
    if own == {"style": "overlay"}:
        drawn = cv2.imread(str(work.folder / "out" / "clip" / "000005_figure.png"))
        assert abs(int(drawn[0, 0, 0]) - 80) < 8


@needs_av
def test_results_are_not_taken_for_inputs(work: Work) -> None:
    film(work.folder / "clip.mp4")
    work.run(work.folder / "clip.mp4")
    work.run(work.folder / "**" / "*")
    assert work.todo == 0


# ---------------------------------------------------------------- killed


def results(folder: Path) -> dict[str, bytes]:
    """All files below a folder, proven whole; those that are not finished have other names."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.suffix == ".part":
            continue
        if path.suffix == ".mp4":
            assert sum(1 for _ in Video.of(path).frames()) == 15
        elif path.suffix == ".png":
            assert cv2.imread(str(path)) is not None
        else:
            json.loads(path.read_text("utf-8"))
        found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


@needs_av
@pytest.mark.skipif(sys.platform == "win32", reason="processes are not killed so there")
def test_a_killed_batch_leaves_nothing_half_and_goes_on(tmp_path: Path) -> None:
    for number in range(4):
        photo(tmp_path / "in" / f"{number}.png")
    film(tmp_path / "in" / "clip.mp4", 15)
    code = (
        "import sys, pathlib, test_demo_batch as t; there = pathlib.Path(sys.argv[1])\n"
        "sys.exit(t.Work(there / sys.argv[2]).run(there / 'in'))"
    )
    tests = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([tests, *filter(None, sys.path)])}

    def start(name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code, tmp_path, name], env=environment)

    assert start("whole").wait() == 0
    expected = results(tmp_path / "whole" / "out")
    assert len(expected) == 4 * 3 + 15 * 3 + 2
    lengths = []
    for share in (0.2, 0.6):
        process = start("killed")
        while len(list(tmp_path.glob("killed/out/**/*"))) < share * len(expected):
            if process.poll() is not None:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        there = results(tmp_path / "killed" / "out")
        assert there.items() <= expected.items()
        lengths.append(len(there))
    assert 0 < lengths[0] < len(expected)
    assert start("killed").wait() == 0
    assert results(tmp_path / "killed" / "out") == expected
    assert not list(tmp_path.glob("killed/out/**/*.part"))


# ---------------------------------------------------------------- the command


def demo(*words: object) -> int:
    return cli.run(["demo", *map(str, words)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no libraries that make pictures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dw_openpose_full.demo.making.find_spec", lambda _: None)
    return tmp_path


def test_the_command_annotates_without_the_libraries(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo(SAMPLE, "-o", "x", "--model", "lite", "--config", "s.json", "--prompt", "p") == 0
    assert sorted(path.name for path in Path("x").iterdir()) == ["sample.json", "sample_figure.png"]
    document = json.loads(Path("x/sample.json").read_text("utf-8"))
    assert (len(document["people"]), document["model"], document["canvas_width"]) == (
        1,
        "lite",
        512,
    )
    assert DemoSettings.read("s.json") == DemoSettings(prompt="p", model="lite")
    said = capsys.readouterr()
    assert said.out == ""
    assert "s.json: written, with the settings in force" in said.err
    assert "poses only: torch, diffusers" in said.err
    assert "model lite" in said.err
    assert demo(SAMPLE, "-o", "x", "--config", "s.json") == 0
    assert "1 already done, kept" in capsys.readouterr().err


def test_options_go_before_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr(
        "dw_openpose_full.demo.serving.serve",
        lambda settings, **own: served.append((settings, own)),
    )
    DemoSettings(prompt="p", seed=3, family="sd3").write("s.json")
    before = Path("s.json").read_bytes()
    assert demo("--config", "s.json", "--seed", "-1", "--port", 7871, "--device", "cpu", "-q") == 0
    assert (
        demo("--base", "b", "--family", "sdxl-union", "--open", "--offline", "--host", "::1") == 0
    )
    (first, own), (second, other) = served
    assert first == DemoSettings(prompt="p", seed=-1, family="sd3", device="cpu")
    assert (own["port"], own["host"], own["models"], own["device"]) == (
        7871,
        "127.0.0.1",
        None,
        "cpu",
    )
    assert own["settings_file"] == Path("s.json")
    assert second == DemoSettings(family="sdxl-union")
    assert other["models"] == Models.of("sdxl-union", "b")
    assert (other["open_browser"], other["offline"], other["host"]) == (True, True, "::1")
    assert Path("s.json").read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ("--seed", "x"),
        ("--seed", "-2"),
        ("--family", "sd2"),
        ("--model", "sd15"),
        ("--device", "gpu"),
        ("-o", "x"),
        ("--overwrite",),
        ("--model", "own.onnx"),
        (SAMPLE, "--port", "80"),
        (SAMPLE, "--open"),
        (SAMPLE, "-o", ""),
        (SAMPLE, "-o", "x.png"),
        (SAMPLE, "-o", "bad.json"),
        ("--port", "0"),
        ("--config", "bad.json"),
        (SAMPLE, "--config", "bad.json"),
        (SAMPLE, "--model", "none.onnx"),
    ],
)
def test_wrong_use_gives_2_and_does_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[object, ...]
) -> None:
    Path("bad.json").write_text('{"stepz": 1}')
    assert demo(*words) == 2
    assert [path.name for path in folder.iterdir()] == ["bad.json"]
    assert capsys.readouterr().err


def test_failures_give_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.png").write_text("x")
    assert demo("bad.png", "--model", "lite") == 1
    assert demo("none.png", "--model", "lite", "-q") == 1
    assert "bad.png" in capsys.readouterr().err


def test_without_pyav_a_video_fails_alone(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    Path("a.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    photo(folder / "b.png")
    assert demo("a.mp4", "b.png", "--model", "lite") == 1
    assert "dw-openpose-full[video]" in capsys.readouterr().err
    assert Path("out/b.json").is_file()


# ---------------------------------------------------------------- the real thing, tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("diffusers", reason="diffusers is not installed")
    from tiny_pipelines import save_tiny

    return save_tiny("sd15", tmp_path_factory.mktemp("tiny"))


def test_quiet_is_quiet_to_the_last_library(tiny: Any, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    DemoSettings(prompt="x", model="lite", steps=1, resolution=128, device="cpu").write(path)
    own = ("--base", tiny.base, "--controlnet", tiny.controlnet, "--offline", "--config", path)
    done = subprocess.run(
        [sys.executable, "-m", "dw_openpose_full", "demo", SAMPLE, "-q", "-o", tmp_path, *own],
        capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "sample_1.png").is_file()


@pytest.mark.filterwarnings("ignore::FutureWarning:diffusers")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers")
@pytest.mark.filterwarnings("ignore:The `local_dir_use_symlinks`:UserWarning")
def test_real_pictures_of_a_real_pipeline(
    tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.json"
    DemoSettings(
        prompt="a dancer", model="lite", images=2, steps=2, resolution=128, device="cpu"
    ).write(path)
    own = ("--base", tiny.base, "--controlnet", tiny.controlnet, "--offline", "--config", path)
    assert demo(SAMPLE, "-o", tmp_path / "x", *own) == 0, capsys.readouterr().err
    made = [cv2.imread(str(tmp_path / "x" / f"sample_{number}.png")) for number in (1, 2)]
    assert [picture.shape for picture in made] == [(128, 128, 3)] * 2
    assert all(picture.std() > 1 for picture in made)
    assert (made[0] != made[1]).any()
    assert (tmp_path / "x" / "sample_figure.png").is_file()
    assert demo(SAMPLE, "-o", tmp_path / "x", *own) == 0
    assert "1 already done, kept" in capsys.readouterr().err
