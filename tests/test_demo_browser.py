"""The whole way in a real browser: upload, run, leave somebody out, edit, generate, download."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="gradio is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

import numpy as np  # noqa: E402
from gradio_client import Client  # noqa: E402

from demo_program import Program, estimator, serving  # noqa: E402
from dw_openpose_full.pictures import encode_png  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MAKES_PICTURES = all(find_spec(name) for name in ("torch", "diffusers", "transformers"))
SAMPLE = Path(__file__).parents[1] / "docs/sample.jpg"
PATIENCE = 30_000  # milliseconds

pytestmark = [
    pytest.mark.usefixtures("loopback"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt install chromium)"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    words = ("--tiny", str(tmp_path_factory.mktemp("models"))) if MAKES_PICTURES else ()
    with serving(tmp_path_factory.mktemp("demo"), *words) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Visitor:
    """A user before the page."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.asked: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(address)
        page.wait_for_selector("#run")

    @property
    def outside(self) -> list[str]:
        """Addresses on other machines that the page asked for."""
        own = ("http://127.0.0.1:", "data:", "blob:")
        return [url for url in self.asked if not url.startswith(own)]

    def choose(self, photo: Path) -> None:
        self.page.set_input_files("#photo input[type=file]", str(photo))
        self.page.wait_for_selector("#photo img")

    def begin_long_work(self) -> None:
        """Have pictures made for longer than any test waits."""
        self.choose(SAMPLE)
        self.page.fill("#prompt textarea", "an astronaut")
        self.page.fill("#images input[type=number]", "12")
        self.page.click("#advanced button")
        self.page.fill("#steps input[type=number]", "100")
        self.page.keyboard.press("Tab")
        self.page.click("#run")
        self.page.wait_for_selector("text=/picture 1 of 12, step \\d+ of 100/")

    def told(self, words: str) -> None:
        """Wait for words in the line above the figure."""
        self.page.wait_for_selector(f"#note:has-text('{words}')")

    def warned(self, words: str) -> None:
        """Wait for words in a message that pops up."""
        self.page.wait_for_selector(f"[data-testid=toast-body]:has-text('{words}')")

    def figure(self) -> str:
        """Address of the figure that is shown."""
        return str(self.page.wait_for_selector("#figure img").get_attribute("src"))

    def new_figure(self, last: str) -> str:
        """Address of the figure that takes the place of the last one."""
        self.page.wait_for_function(
            "last => (document.querySelector('#figure img') || {src: last}).src != last", arg=last
        )
        return self.figure()

    def download(self, selector: str) -> Any:
        """The JSON of a file that a click brings."""
        with self.page.expect_download() as coming:
            self.page.click(selector)
        return json.loads(Path(coming.value.path()).read_text("utf-8"))

    def type_json(self, text: str) -> None:
        """Put a text in place of all JSON."""
        self.page.click("#pose_json .cm-content")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)


def make_a_picture(program: Program) -> Any:
    """A quick one, for somebody who has no page."""
    client = Client(program.address, verbose=False)
    pose = json.dumps(estimator()(np.zeros((64, 64, 3), np.uint8)).to_json())
    made = client.predict(pose_json=pose, prompt="x", steps=1, resolution=128, api_name="/generate")
    client.close()
    return made


def other_photo(folder: Path) -> Path:
    """A picture that is no example."""
    path = folder / "other.png"
    path.write_bytes(encode_png(np.full((240, 320, 3), 90, np.uint8)))
    return path


@pytest.fixture
def visitor(browser: Any, program: Program) -> Iterator[Visitor]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    one = Visitor(page, program.address)
    yield one
    page.close()
    assert not one.outside
    assert "OUTSIDE" not in program.log.read_text("utf-8")


def test_a_pose_is_read_edited_and_taken_away(visitor: Visitor) -> None:
    visitor.choose(SAMPLE)
    visitor.page.click("#run")
    visitor.told("2 people found. double, on nothing")
    everybody = visitor.figure()
    visitor.page.wait_for_selector("#leave_out >> text=1: left, score 0.90")

    visitor.page.click("#leave_out label >> nth=1")
    visitor.told("1 of 2 people drawn")
    one = visitor.new_figure(everybody)
    width = visitor.page.query_selector("#overlay img").bounding_box()["width"]
    visitor.page.click("#overlay img", position={"x": width / 4, "y": 100})
    visitor.told("0 of 2 people drawn")
    nobody = visitor.new_figure(one)
    visitor.page.click("#figure img", position={"x": width * 3 / 4, "y": 100})
    visitor.told("1 of 2 people drawn")
    second = visitor.new_figure(nobody)

    visitor.page.click("button[role=tab]:has-text('JSON')")
    taken = visitor.download("#download_json")
    assert [person["id"] for person in taken["people"]] == [1]

    taken["people"][0]["pose_keypoints_2d"][:3] = [250, 250, 1]
    visitor.type_json(json.dumps(taken)[:-1])
    visitor.told("not valid JSON")
    assert visitor.figure() == second
    visitor.type_json(json.dumps(taken))
    visitor.told("1 of 1 people drawn")
    edited = visitor.new_figure(second)
    assert visitor.download("#download_json")["people"][0]["pose_keypoints_2d"][:2] == [250, 250]

    visitor.page.set_input_files("#upload_json + input, input[accept='.json'] >> nth=-1", {
        "name": "pose.json", "mimeType": "application/json",
        "buffer": b'{"people": [], "canvas_width": 64, "canvas_height": 64}',
    })  # fmt: skip
    visitor.told("0 of 0 people drawn")
    visitor.new_figure(edited)


@pytest.mark.skipif(not MAKES_PICTURES, reason="diffusers is not installed")
def test_pictures_are_made_with_settings_of_a_file(visitor: Visitor, tmp_path: Path) -> None:
    settings = tmp_path / "quick.json"
    settings.write_text(json.dumps({"steps": 2, "resolution": 256, "images": 2, "seed": 7}))
    visitor.page.click("#advanced button")
    visitor.page.set_input_files("input[accept='.json'] >> nth=0", str(settings))
    visitor.page.wait_for_function(
        "document.querySelector('#images input[type=number]').value == 2"
    )
    visitor.page.click("#save_settings")
    saved = visitor.download("#settings_file a")
    assert (saved["steps"], saved["resolution"], saved["seed"]) == (2, 256, 7)

    visitor.choose(SAMPLE)
    visitor.page.fill("#prompt textarea", "an astronaut")
    visitor.page.click("#run")
    visitor.page.wait_for_selector("#gallery >> text=seed 8")
    visitor.told("2 made with Stable Diffusion 1.5")
    first = visitor.page.query_selector("#gallery img").get_attribute("src")

    visitor.page.click("#leave_out label >> nth=0")
    visitor.told("1 of 2 people drawn")
    visitor.page.click("#generate")
    visitor.page.wait_for_function(
        "last => document.querySelector('#gallery img').src != last", arg=first
    )
    visitor.told("2 made with Stable Diffusion 1.5")


@pytest.mark.skipif(not MAKES_PICTURES, reason="diffusers is not installed")
def test_cancel_ends_what_runs_and_the_page_lives_on(visitor: Visitor) -> None:
    visitor.choose(SAMPLE)
    visitor.page.fill("#prompt textarea", "an astronaut")
    visitor.page.fill("#images input[type=number]", "12")
    visitor.page.click("#run")
    visitor.page.wait_for_selector("text=/picture 1 of 12, step \\d+ of 20/")
    visitor.page.click("#cancel")
    visitor.told("stopped, as asked")
    visitor.page.fill("#prompt textarea", "")
    visitor.page.click("#run")
    visitor.told("2 people found")


@pytest.mark.skipif(not MAKES_PICTURES, reason="diffusers is not installed")
@pytest.mark.parametrize("way", ["close", "reload"])
def test_who_leaves_the_page_leaves_no_work_behind(
    browser: Any, program: Program, way: str
) -> None:
    visitor = Visitor(browser.new_page(), program.address)
    visitor.begin_long_work()
    getattr(visitor.page, way)()
    start = time.monotonic()
    assert make_a_picture(program)
    assert time.monotonic() - start < 20
    visitor.page.close()


@pytest.mark.skipif(not MAKES_PICTURES, reason="diffusers is not installed")
def test_cancel_ends_what_waits_for_its_turn(
    browser: Any, program: Program, visitor: Visitor
) -> None:
    visitor.begin_long_work()
    second = Visitor(browser.new_page(), program.address)
    second.choose(SAMPLE)
    second.page.fill("#prompt textarea", "an astronaut")
    second.page.click("#run")
    second.page.wait_for_selector("#figure img")
    second.page.wait_for_selector("#note >> text=/queue/")
    second.page.click("#cancel")
    second.told("nothing of yours runs now")
    visitor.page.click("#cancel")
    visitor.told("stopped, as asked")
    assert make_a_picture(program)  # after the second's turn, if that came
    assert not second.page.query_selector("#gallery img")
    second.page.close()


@pytest.mark.skipif(not SAMPLE.is_file(), reason="an installed package has no examples")
def test_an_example_takes_the_place_of_the_last_picture_and_its_pose(
    visitor: Visitor, tmp_path: Path
) -> None:
    visitor.choose(other_photo(tmp_path))
    visitor.page.click("#run")
    visitor.told("2 people found")
    visitor.page.wait_for_selector("#leave_out >> text=1: left")
    last = visitor.figure()
    visitor.page.click("table tr >> nth=1")
    visitor.told("press Run")
    visitor.page.wait_for_selector("#figure img", state="detached")
    assert not visitor.page.query_selector("#overlay img")
    assert not visitor.page.query_selector("#leave_out >> text=1: left")
    visitor.page.click("#run")
    visitor.told("2 people found")
    assert visitor.new_figure(last) != last


def test_what_is_no_picture_is_told_in_a_sentence(visitor: Visitor, tmp_path: Path) -> None:
    visitor.page.click("#run")
    visitor.warned("there is no picture yet; choose one")
    words = tmp_path / "words.png"
    words.write_text("only words")
    visitor.page.set_input_files("#photo input[type=file]", str(words))
    visitor.page.wait_for_selector("#photo img", state="attached")
    visitor.page.click("#run")
    visitor.warned("words.png: expected a PNG, JPEG")
    visitor.page.click("#photo button[aria-label='Remove Image'], #photo button[aria-label=Clear]")
    visitor.choose(SAMPLE)
    visitor.page.click("#run")
    visitor.told("2 people found")


def test_names_in_json_are_no_program_of_the_page(visitor: Visitor) -> None:
    visitor.page.click("button[role=tab]:has-text('JSON')")
    visitor.type_json('{"people": [{"pose_keypoints_2d": ["<img src=x onerror=window.hit=1>"]}]}')
    visitor.told("expected a number, got the text")
    assert visitor.page.evaluate("window.hit") is None
    assert visitor.page.query_selector("#note img") is None


def test_a_small_screen_shows_all_of_it(browser: Any, program: Program) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 800})
    Visitor(page, program.address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.close()
