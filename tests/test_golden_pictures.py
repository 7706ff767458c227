"""Drawings against reference pictures: published programs', published sums', our own.

Since 4.13, OpenCV 4 and 5 draw alike to the pixel. Before, they clip a thick line to the canvas
first and thicken it then, which moves single pixels along the edges of a hand's bones that leave
the canvas; pictures with such bones are held to ``CLIPPED`` there, all others stay equal.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pytest

from drawing_samples import figures_of, only, standing_person, without
from dw_openpose_full import skeleton
from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.poses import ImageSize, RgbImage, WholeBodyPoses
from dw_openpose_full.render import Parts, Style, render
from dw_openpose_full.render.canvas import blank, within_reach
from dw_openpose_full.render.controlnet import stick_ratio
from dw_openpose_full.render.strokes import (
    Pen,
    body_strokes_,
    face_strokes_,
    hand_strokes_,
    people,
)
from golden_pictures import GOLDENS, Golden, draw, read_picture

OPENCV: Final = tuple(int(number) for number in re.findall(r"\d+", cv2.__version__)[:2])
CLIPPED: Final = 0.0 if OPENCV >= (4, 13) else 0.01
"""Share of the pixels of a picture with clipped bones that may differ."""

SMOOTH: Final = 24
"""Grey levels by which a smooth edge may differ between versions of OpenCV."""

BODY_AND_HANDS: Final = Parts.BODY | Parts.HANDS


def assert_equal_pictures(ours: RgbImage, theirs: RgbImage, tolerance: float) -> None:
    """Compare pixel by pixel; ``tolerance`` is the share of pixels that may differ."""
    assert ours.shape == theirs.shape
    different = int((ours != theirs).any(axis=-1).sum())
    allowed = tolerance * theirs.shape[0] * theirs.shape[1]
    assert different <= allowed, f"{different} pixels differ, {allowed:.0f} may"


# ---------------------------------------------------------------- pictures of published programs
CASES: Final = (
    "coco_197388", "coco_785", "edges_600x400", "one_512", "outside_512x640", "three_768x512",
    "tiny_64",
)  # fmt: skip
PROGRAMS: Final = (
    ("controlnet_full", Style.CONTROLNET, Parts.ALL, CLIPPED),
    ("controlnet_body", Style.CONTROLNET, Parts.BODY, 0.0),
    ("controlnet_hand", Style.CONTROLNET, BODY_AND_HANDS, CLIPPED),
    ("controlnet_face_only", Style.CONTROLNET, Parts.FACE, 0.0),
    ("comfy_full", Style.CONTROLNET, Parts.ALL, CLIPPED),
    ("dwpose", Style.DWPOSE, Parts.ALL, CLIPPED),
    ("musepose", Style.MUSEPOSE, Parts.ALL, CLIPPED),
)


def read_case(shared: Path, case: str) -> tuple[dict[str, RgbImage], OpenPoseFigures]:
    """A case's pictures, and the figures of its poses."""
    with np.load(shared / "golden" / f"{case}.npz") as file:
        arrays = dict(file)
    height, width = arrays["canvas"].tolist()
    poses = WholeBodyPoses.from_arrays(
        arrays["keypoints"], arrays["scores"], image_size=(height, width)
    )
    return arrays, OpenPoseFigures.from_poses(poses)


@pytest.mark.shared
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("program", PROGRAMS, ids=[program[0] for program in PROGRAMS])
def test_we_draw_what_published_programs_draw(
    shared: Path, case: str, program: tuple[str, Style, Parts, float]
) -> None:
    name, style, parts, tolerance = program
    pictures, figures = read_case(shared, case)
    assert_equal_pictures(render(figures, style, parts), pictures[name], tolerance)


@pytest.mark.shared
def test_every_reference_case_is_compared(shared: Path) -> None:
    assert sorted(path.stem for path in (shared / "golden").glob("*.npz")) == sorted(CASES)


@pytest.mark.shared
@pytest.mark.parametrize("case", CASES)
def test_xinsir_differs_from_comfys_option_by_its_joints_alone(shared: Path, case: str) -> None:
    # comfyui_controlnet_aux scales limbs and leaves joints as they are
    pictures, figures = read_case(shared, case)
    canvas = blank(figures.image_size)
    pen = Pen(limb=4 * stick_ratio(max(figures.image_size)))
    for person in people(within_reach(figures.points, figures.image_size), figures.visible):
        body_strokes_(canvas, person, pen)
        hand_strokes_(canvas, person, skeleton.FIGURE_LEFT_HAND, pen)
        hand_strokes_(canvas, person, skeleton.FIGURE_RIGHT_HAND, pen)
        face_strokes_(canvas, person, skeleton.FIGURE_FACE, pen)
    assert_equal_pictures(canvas, pictures["comfy_xinsr"], CLIPPED)


# ---------------------------------------------------------------- published sums
SIZE: Final = (768, 512)
PERSON: Final = standing_person()
TWO: Final = figures_of(PERSON, standing_person((60, 20)), size=SIZE)


def one(points: dict[int, tuple[float, float]]) -> OpenPoseFigures:
    """One figure on the canvas of the published sums."""
    return figures_of(points, size=SIZE)


def assert_sums(picture: RgbImage, not_black: int, total: int, sha256: str) -> None:
    """Compare with pixels that are not black, sum of all bytes, and their hash."""
    assert int(picture.any(axis=-1).sum()) == not_black
    assert int(picture.sum(dtype=np.int64)) == total
    assert hashlib.sha256(picture.tobytes()).hexdigest() == sha256


def test_sums_of_a_body() -> None:
    sha256 = "df4ccf00770f0306601c51cc69a6f8cb96d951bb8422abebd1363fbd4c340603"
    assert_sums(render(one(PERSON), parts=Parts.BODY), 12183, 2925921, sha256)


def test_sums_of_a_body_without_right_elbow_and_left_eye() -> None:
    sha256 = "59a1ac367af3425ffbef1fe45567be4809314d51bc678369fdd209ada9fc1d3c"
    body = without(only(PERSON, skeleton.FIGURE_BODY), 3, 15)
    assert_sums(render(figures_of(body, size=SIZE)), 10579, 2454222, sha256)


def test_sums_of_a_left_hand() -> None:
    sha256 = "e2b2394306f8dafa5e363768f2a823e5cf56dda6b6be8a93d4f8694a5f906b1c"
    hand = only(PERSON, skeleton.FIGURE_LEFT_HAND)
    assert_sums(render(figures_of(hand, size=SIZE)), 1125, 301283, sha256)


def test_sums_of_a_right_hand() -> None:
    sha256 = "65c93c9ef7dcfc404797d892b31f20c7ddc57f1d792c11adcf0909f27c47588d"
    hand = only(PERSON, skeleton.FIGURE_RIGHT_HAND)
    assert_sums(render(figures_of(hand, size=SIZE)), 1125, 301283, sha256)


def test_sums_of_a_face() -> None:
    sha256 = "d56ae5ca1d8f8a45272919df17e3f38c8491ab026fd5f00ea1532f0d7288c72c"
    assert_sums(render(one(PERSON), parts=Parts.FACE), 1911, 1461915, sha256)


@pytest.mark.parametrize("style", [Style.CONTROLNET, Style.DWPOSE])
def test_sums_of_one_person(style: Style) -> None:
    sha256 = "bcdf74606ae38b207b35c4759de81053784180e87292619b9be60e3f94e13865"
    assert_sums(render(one(PERSON), style), 15947, 4880072, sha256)


def test_sums_of_two_people_one_after_the_other() -> None:
    sha256 = "25813b1f8d4534b1573bc58bc29463ab1d1f1cd2e6142181fb6be3feb6e25b2b"
    assert_sums(render(TWO, Style.CONTROLNET), 31064, 9574742, sha256)


def test_sums_of_two_people_limb_by_limb() -> None:
    sha256 = "6b62fdb994b5cf8dd245cc7e7a2f7ff9ad15a824c723ba0f2107bfa9f1144e05"
    assert_sums(render(TWO, Style.DWPOSE), 31064, 9564440, sha256)


def test_sums_of_a_body_with_limbs_alone_twice_as_wide() -> None:
    sha256 = "fc8e907b35a2a31e94dcafaefd2d64f1a28b11e46adc660e7548d0ad3edcb9b9"
    canvas = blank(ImageSize(*SIZE))
    figures = one(PERSON)
    for person in people(within_reach(figures.points, figures.image_size), figures.visible):
        body_strokes_(canvas, person, Pen(limb=4 * stick_ratio(max(SIZE))))
    assert_sums(canvas, 21863, 5151918, sha256)


# ---------------------------------------------------------------- our own pictures
@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.name for golden in GOLDENS])
def test_our_own_pictures_stay_as_they_were_seen(golden: Golden) -> None:
    ours, seen = draw(golden), read_picture(golden.name)
    if golden.style is Style.OVERLAY:
        assert ours.shape == seen.shape
        assert np.abs(ours.astype(int) - seen).max() <= SMOOTH
    else:
        assert_equal_pictures(ours, seen, CLIPPED)


def test_our_own_pictures_tell_the_styles_apart() -> None:
    styles = ("pair_controlnet", "pair_controlnet_feet", "pair_dwpose", "pair_musepose")
    pictures = {read_picture(name).tobytes() for name in styles}
    assert len(pictures) == len(styles)
