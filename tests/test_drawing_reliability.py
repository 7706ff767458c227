"""The class *drawing* of the reliability bar: a right picture, or one clear error of ours."""

from __future__ import annotations

import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import numpy as np
import pytest

from drawing_samples import figures_of, only, standing_person
from dw_openpose_full.errors import (
    DwPoseError,
    OptionError,
    PictureError,
    PictureTypeError,
    PoseError,
)
from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.poses import MAX_PIXELS, Boxes, ImageSize, RgbImage, WholeBodyPoses
from dw_openpose_full.render import Parts, Style, render
from dw_openpose_full.render.canvas import DRAWING_MARGIN

EVERY_STYLE = pytest.mark.parametrize("style", list(Style))
# the strokes of one are so thin that little of them is left on a small canvas
IN_SMALL = pytest.mark.parametrize("style", [each for each in Style if each != "mimicmotion"])
EVERYTHING = Parts.ALL | Parts.FEET
SIZE = (768, 512)


def poses_of(keypoints: np.ndarray, scores: np.ndarray | None = None) -> WholeBodyPoses:
    """Poses on a small canvas, sure by default."""
    confidence = np.ones(keypoints.shape[:2]) if scores is None else scores
    return WholeBodyPoses.from_arrays(keypoints, confidence, image_size=(60, 80))


def drawn(poses: WholeBodyPoses, style: Style | str = "controlnet") -> RgbImage:
    """Everything of these poses."""
    return render(OpenPoseFigures.from_poses(poses), style, EVERYTHING)


def scattered(people: int, seed: int = 1) -> np.ndarray:
    """Random keypoints ``(P, 133, 2)`` on the small canvas and round it."""
    return np.random.default_rng(seed).uniform(-20, 90, (people, 133, 2))


def crowd(people: int) -> OpenPoseFigures:
    """People side by side and over each other on a canvas of 1024 x 1536."""
    steps = np.random.default_rng(2).uniform(0, [1000, 300], (people, 2))
    each = [standing_person((float(x), float(y))) for x, y in steps]
    return figures_of(*each, size=(1024, 1536))


# ---------------------------------------------------------------- nobody, nothing
@EVERY_STYLE
def test_nobody_gives_a_black_canvas(style: Style) -> None:
    figures = OpenPoseFigures.from_poses(WholeBodyPoses.nobody((60, 80)))
    picture = render(figures, style, EVERYTHING)
    assert picture.shape == (60, 80, 3)
    assert not picture.any()


@EVERY_STYLE
def test_nobody_leaves_the_background(style: Style) -> None:
    background = np.full((60, 80, 3), 9, np.uint8)
    figures = OpenPoseFigures.from_poses(WholeBodyPoses.nobody((60, 80)))
    np.testing.assert_array_equal(render(figures, style, background=background), background)


@pytest.mark.parametrize("style", [style for style in Style if style is not Style.MUSEPOSE])
def test_people_without_a_visible_point_give_a_black_canvas(style: Style) -> None:
    assert not drawn(poses_of(scattered(3), np.full((3, 133), 0.1)), style).any()


def test_musepose_draws_no_body_without_a_visible_point() -> None:
    figures = OpenPoseFigures.from_poses(poses_of(scattered(3), np.full((3, 133), 0.1)))
    assert not render(figures, "musepose", Parts.BODY | Parts.FEET).any()


@EVERY_STYLE
def test_no_parts_give_a_black_canvas(style: Style) -> None:
    assert not render(figures_of(standing_person(), size=SIZE), style, Parts.NONE).any()


def test_scores_of_zero_are_invisible_even_at_threshold_zero() -> None:
    figures = OpenPoseFigures.from_poses(poses_of(scattered(2), np.zeros((2, 133))), threshold=0)
    assert not render(figures, parts=EVERYTHING).any()


def test_negative_scores_are_invisible() -> None:
    assert not drawn(poses_of(scattered(2), np.full((2, 133), -1.0))).any()


# ---------------------------------------------------------------- keypoints that are no numbers
@EVERY_STYLE
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_keypoints_that_are_no_number_are_not_drawn(style: Style, value: float) -> None:
    keypoints = scattered(2)
    keypoints[:, ::2] = value
    scores = np.ones((2, 133))
    unseen = scores.copy()
    unseen[:, ::2] = 0
    finite = np.where(np.isfinite(keypoints), keypoints, 0)
    picture = drawn(poses_of(keypoints, scores), style)
    np.testing.assert_array_equal(picture, drawn(poses_of(finite, unseen), style))


@pytest.mark.parametrize("axis", [0, 1])
def test_one_coordinate_that_is_no_number_hides_the_keypoint(axis: int) -> None:
    keypoints = np.full((1, 133, 2), 30.0)
    keypoints[..., axis] = np.nan
    assert not drawn(poses_of(keypoints)).any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_no_number_hide_the_keypoint(value: float) -> None:
    assert not drawn(poses_of(scattered(2), np.full((2, 133), value))).any()


def test_figures_refuse_points_that_are_no_number() -> None:
    figures = figures_of({0: (5, 5)})
    points = figures.points.copy()
    points[0, 3, 1] = np.nan
    with pytest.raises(PoseError, match="finite"):
        OpenPoseFigures(
            points, figures.visible, figures.scores, figures.boxes, figures.ids, figures.image_size
        )


# ---------------------------------------------------------------- far away
@EVERY_STYLE
@pytest.mark.parametrize("far", [1e5, 2.0**31, -(2.0**31), 2.0**32, 1e18, 1e30, -1e30, 3.4e38])
def test_people_far_outside_leave_the_canvas_black(style: Style, far: float) -> None:
    keypoints = np.full((1, 133, 2), far) + scattered(1)
    assert not drawn(poses_of(keypoints), style).any()


@EVERY_STYLE
@pytest.mark.parametrize("far", [1e5, 2.0**31, 1e30, -3.4e38])
def test_far_points_do_not_disturb_the_others(style: Style, far: float) -> None:
    near = {0: (20.0, 20.0), 30: (40.0, 30.0)}
    with_far = {**near, 17: (far, far), 120: (far, 10.0), 50: (10.0, far)}  # none is joined to near
    picture, undisturbed = (render(figures_of(person), style) for person in (with_far, near))
    np.testing.assert_array_equal(picture, undisturbed)


@pytest.mark.parametrize("far", [1e6, 2.0**31, 1e30, 3.4e38])
def test_a_limb_to_a_far_point_leaves_the_canvas_in_its_direction(far: float) -> None:
    picture = render(figures_of({1: (20, 20), 2: (far, 20)}, size=(40, 60)))
    assert picture[20, 30:].any(axis=-1).all()
    assert not picture[20, :15].any()


def test_coordinates_within_the_margin_are_exact() -> None:
    near, far = 60 + DRAWING_MARGIN, 61 + DRAWING_MARGIN
    at_edge, beyond = (
        render(figures_of({1: (20, 20), 2: (x, 20)}, size=(40, 60))) for x in (near, far)
    )
    np.testing.assert_array_equal(at_edge, beyond)


@EVERY_STYLE
def test_far_points_take_no_time(style: Style) -> None:
    signs = np.random.default_rng(3).choice([-1e30, 1e30, 30.0], (20, 133, 2))
    start = time.process_time()
    drawn(poses_of(signs), style)
    assert time.process_time() - start < 5  # it takes 0.1 s, and minutes without the margin


@EVERY_STYLE
def test_far_points_can_be_scaled(style: Style) -> None:
    figures = figures_of({0: (3.4e38, -3.4e38), 1: (20, 20)}, size=(40, 60))
    assert render(figures, style, size=(4000, 60)).shape == (4000, 60, 3)


# ---------------------------------------------------------------- at the border
@IN_SMALL
@pytest.mark.parametrize("point", [(0, 0), (59, 39), (60, 40), (0, 39), (59.999, 0.001)])
def test_points_on_the_border_are_drawn_there(style: Style, point: tuple[float, float]) -> None:
    whole = dict.fromkeys(range(136), point)
    picture = render(figures_of(whole), style, EVERYTHING)
    rows, columns = np.nonzero(picture.any(axis=-1))
    assert len(rows)
    assert np.hypot(rows - point[1], columns - point[0]).max() < 8


@EVERY_STYLE
def test_points_in_column_zero_show_no_hand_and_no_face(style: Style) -> None:
    person = only(dict.fromkeys(range(136), (0, 20)), slice(18, 130))
    assert render(figures_of(person), style).any() == (style is Style.OVERLAY)


@IN_SMALL
def test_limbs_without_length_are_drawn(style: Style) -> None:
    picture = render(figures_of(dict.fromkeys(range(136), (30, 20))), style, EVERYTHING)
    assert 0 < picture.any(axis=-1).sum() < 200


@IN_SMALL
def test_limbs_shorter_than_a_pixel_are_drawn(style: Style) -> None:
    person = {index: (30 + index / 200, 20 - index / 300) for index in range(136)}
    assert 0 < render(figures_of(person), style, EVERYTHING).any(axis=-1).sum() < 200


# ---------------------------------------------------------------- sizes
@pytest.mark.parametrize(
    "size",
    [
        (0, 10), (10, 0), (-1, 10), (10, -5), (10.0, 10), (10, 2.5), (float("nan"), 10),
        (float("inf"), 10), ("10", 10), (None, 10), (10,), (10, 10, 3), 10, "10x10", [[10, 10]],
    ],
)  # fmt: skip
def test_sizes_that_are_none_are_refused(size: Any) -> None:
    with pytest.raises(OptionError, match="two positive whole numbers"):
        render(figures_of({0: (5, 5)}), size=size)


@pytest.mark.parametrize("size", [[30, 50], np.array([30, 50]), (np.int32(30), np.uint8(50))])
def test_sizes_of_any_whole_number_are_taken(size: Any) -> None:
    assert render(figures_of({0: (5, 5)}), size=size).shape == (30, 50, 3)


@EVERY_STYLE
def test_a_canvas_of_one_pixel_is_drawn(style: Style) -> None:
    person = dict.fromkeys(range(136), (0.5, 0.5))
    assert render(figures_of(person, size=(1, 1)), style, EVERYTHING).shape == (1, 1, 3)


@IN_SMALL
@pytest.mark.parametrize("size", [(1, 3000), (3000, 1)])
def test_a_canvas_of_one_line_is_drawn(style: Style, size: tuple[int, int]) -> None:
    figures = figures_of({1: (5, 5), 2: (50, 35)})
    assert render(figures, style, size=size).any()


@pytest.mark.parametrize(
    "size", [(8001, 8000), (1, MAX_PIXELS + 1), (2**31, 1), (2**62, 2**62), (100_000, 100_000)]
)
def test_a_canvas_above_the_limit_is_refused_before_it_is_made(size: tuple[int, int]) -> None:
    figures = figures_of({0: (5, 5)})
    tracemalloc.start()
    try:
        with pytest.raises(OptionError, match="64000000 pixels"):
            render(figures, size=size)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_figures_of_a_picture_above_the_limit_are_refused() -> None:
    figures = figures_of({0: (5, 5)}, size=(10_000, 10_000))
    with pytest.raises(OptionError, match="smaller size"):
        render(figures)
    assert render(figures, size=(100, 100)).shape == (100, 100, 3)


def test_the_largest_canvas_is_drawn() -> None:
    picture = render(figures_of({0: (7990, 7990)}, size=(8000, 8000)))
    assert picture[7990, 7990].tolist() == [255, 0, 0]


def test_the_widest_canvas_is_drawn_to_its_end() -> None:
    width = 20_000_000
    picture = render(figures_of({1: (width - 200, 1), 2: (width - 50, 1)}, size=(3, width)))
    assert picture[1, width - 125].tolist() == [153, 0, 0]


# ---------------------------------------------------------------- many people
@EVERY_STYLE
@pytest.mark.parametrize("people", [100, 400])
def test_crowds_take_bounded_time_and_memory(style: Style, people: int) -> None:
    figures = crowd(people)
    start = time.process_time()
    picture = render(figures, style)
    assert time.process_time() - start < 0.05 * people  # it takes a hundredth of that and less
    tracemalloc.start()
    try:
        render(figures, style)
        large = 30 * 2**20 if style is Style.MIMICMOTION else 0
        assert tracemalloc.get_traced_memory()[1] < picture.nbytes + large + 100_000 * people
    finally:
        tracemalloc.stop()


def test_the_last_of_a_crowd_lies_on_top() -> None:
    figures = figures_of(*[standing_person() for _ in range(50)], {0: (256, 400)}, size=SIZE)
    assert render(figures)[400, 256].tolist() == [255, 0, 0]


# ---------------------------------------------------------------- callers' data
def read_only_figures() -> OpenPoseFigures:
    """Figures whose arrays are all read-only."""
    figures = figures_of(standing_person(), size=SIZE)
    for array in (figures.points, figures.visible, figures.scores, figures.ids):
        array.setflags(write=False)
    return figures


@EVERY_STYLE
def test_figures_are_never_changed(style: Style) -> None:
    figures = read_only_figures()
    before = [figures.points.copy(), figures.visible.copy(), figures.scores.copy()]
    render(figures, style, EVERYTHING, (1000, 700))
    for array, copy in zip((figures.points, figures.visible, figures.scores), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@EVERY_STYLE
def test_the_background_is_never_changed(style: Style) -> None:
    background = np.full((*SIZE, 3), 50, np.uint8)
    picture = render(read_only_figures(), style, background=background)
    assert (background == 50).all()
    assert not np.shares_memory(picture, background)


@EVERY_STYLE
def test_a_read_only_background_is_drawn_over(style: Style) -> None:
    background = np.full((*SIZE, 3), 50, np.uint8)
    background.setflags(write=False)
    assert render(read_only_figures(), style, background=background).flags.writeable


@pytest.mark.parametrize("layout", ["fortran", "strided", "reversed", "broadcast", "masked"])
def test_a_background_of_any_memory_layout_is_drawn_over(layout: str) -> None:
    plain = np.random.default_rng(4).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    backgrounds: dict[str, Any] = {
        "fortran": np.asfortranarray(plain),
        "strided": np.repeat(plain, 2, axis=1)[:, ::2],
        "reversed": plain[..., ::-1].copy()[..., ::-1],
        "broadcast": np.broadcast_to(plain[:1, :1], (40, 60, 3)),
        "masked": np.ma.masked_array(plain),
    }
    background = backgrounds[layout]
    expected = np.ascontiguousarray(background)
    picture = render(figures_of({0: (20, 20)}), "overlay", background=background)
    assert type(picture) is np.ndarray
    assert picture.flags.c_contiguous
    np.testing.assert_array_equal(picture[30:], expected[30:])
    np.testing.assert_array_equal(
        picture, render(figures_of({0: (20, 20)}), "overlay", background=expected)
    )


def test_each_call_gives_a_canvas_of_its_own() -> None:
    figures = figures_of({0: (20, 20)})
    first = render(figures)
    first[:] = 7
    assert render(figures)[0, 0].tolist() == [0, 0, 0]


@EVERY_STYLE
def test_drawing_is_deterministic(style: Style) -> None:
    figures = crowd(5)
    pictures = {render(figures, style, EVERYTHING).tobytes() for _ in range(3)}
    assert len(pictures) == 1


def test_threads_draw_what_one_alone_draws() -> None:
    jobs = [(crowd(people), style) for people, style in product((2, 5, 9), Style)] * 4
    alone = [render(figures, style, EVERYTHING) for figures, style in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: render(job[0], job[1], EVERYTHING), jobs))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


# ---------------------------------------------------------------- wrong arguments
@pytest.mark.parametrize(
    "shape", [(40, 61, 3), (60, 40, 3), (40, 60), (40, 60, 1), (40, 60, 4), (1, 40, 60, 3), (0,)]
)
def test_a_background_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PictureError, match=r"\(40, 60, 3\)"):
        render(figures_of({0: (5, 5)}), background=np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint16, np.bool_, np.int8])
def test_a_background_of_another_number_type_is_refused(dtype: type) -> None:
    with pytest.raises(PictureError, match=f"got {np.dtype(dtype)}"):
        render(figures_of({0: (5, 5)}), background=np.zeros((40, 60, 3), dtype))


@pytest.mark.parametrize("background", ["photo.jpg", b"x", object(), {}, [[1], [1, 2]], [None]])
def test_a_background_that_is_no_picture_is_refused(background: Any) -> None:
    with pytest.raises(PictureTypeError, match="background must be an RGB picture"):
        render(figures_of({0: (5, 5)}), background=background)


def test_a_background_must_have_the_size_asked_for() -> None:
    background = np.zeros((40, 60, 3), np.uint8)
    with pytest.raises(PictureError, match=r"\(80, 120, 3\)"):
        render(figures_of({0: (5, 5)}), size=(80, 120), background=background)


@pytest.mark.parametrize("style", ["openpose", "", "CONTROLNET", "controlnet ", None, 3, [], 2.5])
def test_an_unknown_style_is_refused_with_the_choices(style: Any) -> None:
    with pytest.raises(OptionError, match="controlnet, dwpose, xinsir, musepose, mimicmotion, o"):
        render(figures_of({0: (5, 5)}), style)


@pytest.mark.parametrize("parts", ["body", 7, None, True, ["body"], Style.OVERLAY])
def test_parts_of_another_type_are_refused(parts: Any) -> None:
    with pytest.raises(OptionError, match="parts must be Parts"):
        render(figures_of({0: (5, 5)}), parts=parts)


@pytest.mark.parametrize(
    "figures", [None, [], {}, "figures", np.zeros((1, 136, 2)), WholeBodyPoses.nobody((9, 9))]
)
def test_what_is_no_figures_is_refused(figures: Any) -> None:
    with pytest.raises(PoseError, match="from_poses"):
        render(figures)


def test_figures_with_a_plain_size_are_drawn() -> None:
    figures = figures_of({0: (20, 20)})
    size: Any = (40, 60)
    plain = OpenPoseFigures(
        figures.points, figures.visible, figures.scores, figures.boxes, figures.ids, size
    )
    for style in Style:
        np.testing.assert_array_equal(render(plain, style), render(figures, style))


@pytest.mark.parametrize("size", [(0, 60), (-40, 60), (40.5, 60)])
def test_figures_of_an_impossible_size_are_refused(size: Any) -> None:
    people, count = 0, 136
    figures = OpenPoseFigures(
        np.zeros((people, count, 2), np.float32), np.zeros((people, count), np.bool_),
        np.zeros((people, count), np.float32), Boxes.from_arrays([]), np.zeros(0, np.int64), size,
    )  # fmt: skip
    with pytest.raises(DwPoseError, match="two positive whole numbers"):
        render(figures)


def test_every_refusal_is_one_of_ours_and_a_value_or_type_error() -> None:
    figures, size = figures_of({0: (5, 5)}), ImageSize(40, 60)
    calls: list[dict[str, Any]] = [
        {"style": "x"}, {"parts": "x"}, {"size": (0, 0)}, {"background": "x"},
        {"background": np.zeros(size)},
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(DwPoseError) as caught:
            render(figures, **call)
        assert isinstance(caught.value, ValueError | TypeError)
