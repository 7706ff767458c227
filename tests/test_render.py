"""Drawing: small canvases with facts that one can count."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drawing_samples import figures_of, only, standing_person, without
from dw_openpose_full import skeleton
from dw_openpose_full.errors import OptionError
from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.poses import Boxes, ImageSize, RgbImage, WholeBodyPoses
from dw_openpose_full.render import RENDERERS, Parts, Style, render
from dw_openpose_full.render.canvas import DRAWING_MARGIN, blank, bone_, disc_, limb_, within_reach
from dw_openpose_full.render.controlnet import stick_ratio
from dw_openpose_full.render.dwpose import through_fractions
from dw_openpose_full.render.musepose import width_of
from dw_openpose_full.render.overlay import PERSON_COLOURS
from dw_openpose_full.render.strokes import LIMB_COLOURS

EVERY_STYLE = pytest.mark.parametrize("style", list(Style))
# the strokes of one are so thin that little of them is left on a small canvas
IN_SMALL = pytest.mark.parametrize("style", [each for each in Style if each != "mimicmotion"])
WITH_FEET = Parts.ALL | Parts.FEET
NECK, NOSE, WRIST, ANKLE = 1, 0, 4, 13
FACE, HAND, FOOT = 18, 88, 130


def painted(picture: RgbImage) -> np.ndarray:
    """Which pixels are not black."""
    return picture.any(axis=-1)


def count(picture: RgbImage, colour: skeleton.Rgb) -> int:
    """How many pixels have just this colour."""
    return int((picture == np.array(colour)).all(axis=-1).sum())


# ---------------------------------------------------------------- primitives
def test_a_disc_of_radius_three_is_this() -> None:
    canvas = blank(ImageSize(9, 9))
    disc_(canvas, (4.9, 4.0), 3, (255, 255, 255))
    rows = ["".join(".#"[int(value > 0)] for value in row) for row in canvas[..., 0]]
    assert rows == [
        ".........",
        "....#....",
        "..#####..",
        "..#####..",
        ".#######.",
        "..#####..",
        "..#####..",
        "....#....",
        ".........",
    ]


def test_a_limb_is_this() -> None:
    canvas = blank(ImageSize(7, 13))
    limb_(canvas, (1, 3), (11, 3), 2, (9, 8, 7))
    rows = ["".join(".#"[int(value > 0)] for value in row) for row in canvas[..., 0]]
    assert rows == [
        ".............",
        "...#######...",
        ".###########.",
        ".###########.",
        ".###########.",
        "...#######...",
        ".............",
    ]
    assert count(canvas, (9, 8, 7)) == painted(canvas).sum()


def test_a_limb_without_length_paints_nine_pixels() -> None:
    canvas = blank(ImageSize(20, 20))
    limb_(canvas, (10, 10), (10, 10), 4, (1, 1, 1))
    assert painted(canvas).sum() == 9


def test_a_limb_has_the_same_outline_from_either_end() -> None:
    there, back = blank(ImageSize(40, 40)), blank(ImageSize(40, 40))
    limb_(there, (5, 20), (35, 20), 4, (1, 1, 1))
    limb_(back, (35, 20), (5, 20), 4, (1, 1, 1))
    np.testing.assert_array_equal(there, back)


def test_a_bone_is_two_pixels_and_more() -> None:
    canvas = blank(ImageSize(9, 30))
    bone_(canvas, (5, 4), (25, 4), 2, (1, 1, 1))
    assert painted(canvas)[:, 15].sum() == 3  # as OpenCV draws a thickness of 2


def test_coordinates_are_cut_off_not_rounded() -> None:
    canvas = blank(ImageSize(9, 9))
    disc_(canvas, (4.99, 4.99), 0, (1, 1, 1))
    assert np.argwhere(painted(canvas)).tolist() == [[4, 4]]


def test_points_within_the_margin_stay_where_they_are() -> None:
    points = np.array([[-DRAWING_MARGIN, 0], [0.25, 10 + DRAWING_MARGIN], [-5, 3]], np.float32)
    np.testing.assert_array_equal(within_reach(points, ImageSize(10, 20)), points)


def test_points_beyond_the_margin_stop_at_its_edge() -> None:
    points = np.array([[1e30, -1e30], [2.0**31, 3.0]], np.float32)
    reached = within_reach(points, ImageSize(10, 20))
    assert reached.tolist() == [[20 + DRAWING_MARGIN, -DRAWING_MARGIN], [20 + DRAWING_MARGIN, 3]]


# ---------------------------------------------------------------- parts
def test_limb_colours_are_six_tenths_of_the_joints() -> None:
    assert LIMB_COLOURS[2] == (153, 102, 0)
    for limb, joint in zip(LIMB_COLOURS, skeleton.JOINT_COLOURS, strict=True):
        assert limb == tuple(int(channel * 0.6) for channel in joint)


def test_one_joint_is_a_disc_of_49_pixels_in_its_colour() -> None:
    picture = render(figures_of({WRIST: (20, 20)}))
    assert count(picture, (170, 255, 0)) == painted(picture).sum() == 49


def test_a_joint_covers_the_end_of_its_limb() -> None:
    picture = render(figures_of({NECK: (10, 20), 2: (50, 20)}))
    assert picture[20, 10].tolist() == [255, 85, 0]
    assert picture[20, 50].tolist() == [255, 170, 0]
    assert picture[20, 30].tolist() == [153, 0, 0]


def test_a_limb_needs_both_joints() -> None:
    picture = render(figures_of({NECK: (10, 20), 3: (50, 20)}))
    assert painted(picture).sum() == 2 * 49


def test_a_face_point_is_a_white_disc_of_29_pixels() -> None:
    picture = render(figures_of({FACE: (20, 20)}))
    assert count(picture, (255, 255, 255)) == painted(picture).sum() == 29


def test_a_hand_has_bones_under_blue_dots() -> None:
    picture = render(figures_of({HAND: (10, 20), HAND + 1: (40, 20)}))
    assert count(picture, (0, 0, 255)) == 2 * 49
    assert picture[20, 25].tolist() == [255, 0, 0]


@pytest.mark.parametrize("point", [(0.99, 20), (20, 0.99), (-3, 20)])
def test_hands_and_faces_have_nothing_in_the_first_row_and_column(
    point: tuple[float, float],
) -> None:
    assert not painted(render(figures_of({FACE: point, HAND: point}))).any()


def test_hands_and_faces_begin_with_the_second_row_and_column() -> None:
    assert painted(render(figures_of({FACE: (1, 1)})))[1, 1]


def test_a_joint_in_the_first_column_is_drawn() -> None:
    assert painted(render(figures_of({NOSE: (0, 20)}))).sum() == 29  # 49 less what is cut off


def test_a_joint_just_outside_shows_its_rim() -> None:
    assert painted(render(figures_of({NOSE: (-3, 20)}))).any()


@EVERY_STYLE
def test_parts_draw_what_they_are_named_after(style: Style) -> None:
    figures = figures_of(standing_person(), size=(768, 512))
    for part, span in (
        (Parts.BODY, skeleton.FIGURE_BODY),
        (Parts.FACE, skeleton.FIGURE_FACE),
        (Parts.HANDS, slice(88, 130)),
    ):
        alone = figures_of(only(standing_person(), span), size=(768, 512))
        if style is Style.OVERLAY and part is not Parts.BODY:
            continue  # there the body sets how thick the rest is
        np.testing.assert_array_equal(render(figures, style, part), render(alone, style, part))


def test_invisible_points_are_not_drawn() -> None:
    whole = standing_person()
    gone = [3, 15, 20, 95, 120]
    picture = render(figures_of(without(whole, *gone), size=(768, 512)))
    assert picture[270, 170].tolist() == [0, 0, 0]


# ---------------------------------------------------------------- feet
def foot() -> dict[int, tuple[float, float]]:
    """A left shin, seen from the side, with big toe and heel."""
    return {12: (20, 5), ANKLE: (22, 25), FOOT: (40, 34), FOOT + 2: (14, 33)}


def test_feet_are_not_drawn_unless_asked_for() -> None:
    figures = figures_of(foot())
    np.testing.assert_array_equal(render(figures), render(figures_of(only(foot(), slice(0, 18)))))


def test_a_foot_goes_on_in_the_colour_of_its_shin() -> None:
    picture = render(figures_of(foot()), parts=WITH_FEET)
    assert picture[30, 32].tolist() == list(LIMB_COLOURS[11])
    assert count(picture, skeleton.JOINT_COLOURS[ANKLE]) == 49 + 2 * 29


def test_feet_leave_what_they_were_not_asked_to_draw_as_it_was() -> None:
    plain, with_feet = (render(figures_of(foot()), parts=parts) for parts in (Parts.ALL, WITH_FEET))
    np.testing.assert_array_equal(with_feet[painted(plain)], plain[painted(plain)])


@IN_SMALL
def test_every_style_draws_feet(style: Style) -> None:
    figures = figures_of(foot())
    more = painted(render(figures, style, WITH_FEET)).sum()
    assert more > painted(render(figures, style)).sum() + 30


def test_toes_without_an_ankle_are_dots() -> None:
    picture = render(figures_of(without(foot(), ANKLE)), parts=Parts.FEET)
    assert painted(picture).sum() == 2 * 29


# ---------------------------------------------------------------- styles
def crossing() -> OpenPoseFigures:
    """Two people whose bodies cross: the second one's limb over the first one's joint."""
    return figures_of({NECK: (30, 20)}, {NECK: (10, 20), 2: (50, 20)})


def test_controlnet_draws_later_people_over_earlier_ones() -> None:
    assert render(crossing(), "controlnet")[20, 30].tolist() == [153, 0, 0]


def test_dwpose_draws_everybodys_joints_over_everybodys_limbs() -> None:
    assert render(crossing(), "dwpose")[20, 30].tolist() == [255, 85, 0]


def test_dwpose_draws_no_pupils() -> None:
    figures = figures_of({86: (20, 20), 87: (40, 20)})
    assert painted(render(figures, "controlnet")).sum() == 2 * 29
    assert not painted(render(figures, "dwpose")).any()


def test_a_single_person_looks_alike_in_controlnet_and_dwpose() -> None:
    figures = figures_of(standing_person(), size=(768, 512))
    np.testing.assert_array_equal(render(figures, "dwpose"), render(figures, "controlnet"))


def test_fractions_of_the_canvas_move_some_whole_coordinates_down() -> None:
    points = np.array([[0, y] for y in range(425)], np.float64)
    moved = through_fractions(points, ImageSize(425, 640))
    np.testing.assert_allclose(moved, points, rtol=1e-15)
    assert np.flatnonzero(np.trunc(moved[:, 1]) < points[:, 1]).tolist()[:3] == [1, 2, 4]


@pytest.mark.parametrize(
    ("side", "ratio"),
    [(1, 1), (499, 1), (500, 2), (999, 2), (1000, 3), (2000, 4), (3000, 5), (4999, 6), (5000, 7)],
)
def test_the_stick_ratio_follows_the_longest_side(side: int, ratio: int) -> None:
    assert stick_ratio(side) == ratio


def test_xinsir_grows_limbs_and_joints() -> None:
    figures = figures_of({NECK: (100, 100), 2: (300, 100)}, size=(400, 600))
    column = painted(render(figures, "xinsir"))[:, [100, 200]].sum(axis=0)
    assert column.tolist() == [2 * 8 + 1, 2 * 8 + 1]


def test_xinsir_leaves_hands_and_face_as_they_are() -> None:
    figures = figures_of(only(standing_person(), slice(18, 130)), size=(768, 512))
    np.testing.assert_array_equal(render(figures, "xinsir"), render(figures, "controlnet"))


def test_small_canvases_have_no_thicker_sticks() -> None:
    figures = figures_of(foot())
    np.testing.assert_array_equal(render(figures, "xinsir"), render(figures, "controlnet"))


def test_musepose_widths_double_their_lengths() -> None:
    lengths = [0, 4.99, 5, 10, 20, 40, 80, 160, 319.9, 320, 1e6]
    assert [width_of(length) for length in lengths] == [1, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8]


def test_musepose_draws_the_first_body_and_face_alone() -> None:
    second = {NOSE: (50, 20), FACE: (50, 30)}
    picture = render(figures_of({NOSE: (10, 20), FACE: (10, 30)}, second), "musepose")
    assert not painted(picture)[:, 30:].any()
    assert painted(picture).sum() == 49 + 29


def test_musepose_draws_both_hands_of_a_single_person() -> None:
    picture = render(figures_of({HAND: (10, 20), HAND + 21: (50, 20)}), "musepose")
    assert count(picture, (0, 0, 255)) == painted(picture).sum() == 2 * 29


def test_musepose_draws_the_left_hands_of_the_first_two_of_several_people() -> None:
    people = [{HAND: (10, y), HAND + 21: (50, y)} for y in (8, 20, 32)]
    picture = render(figures_of(*people), "musepose")
    assert np.flatnonzero(painted(picture)[:, 10]).tolist() == [*range(5, 12), *range(17, 24)]
    assert not painted(picture)[:, 30:].any()


def test_musepose_looks_behind_the_visibility_of_hands_and_face_but_not_of_bodies() -> None:
    keypoints, scores = np.zeros((1, 133, 2)), np.full((1, 133), 0.1)
    keypoints[0, [0, 40, 91]] = (10, 20), (30, 20), (50, 20)
    poses = WholeBodyPoses.from_arrays(keypoints, scores, image_size=(40, 60))
    picture = render(OpenPoseFigures.from_poses(poses), "musepose")
    assert painted(picture)[20, [10, 30, 50]].tolist() == [False, True, True]


def on_large(**bright: float) -> OpenPoseFigures:
    """Shoulder, elbow and wrist, two points of a hand and one of the face, of given scores."""
    points = {
        2: (300, 300),
        3: (900, 300),
        HAND: (300, 900),
        HAND + 1: (900, 900),
        FACE: (500, 1500),
    }
    figures = figures_of(points, size=(2160, 2160))
    scores = figures.scores.copy()
    for name, row in (
        ("shoulder", 2),
        ("elbow", 3),
        ("hand", HAND),
        ("thumb", HAND + 1),
        ("face", FACE),
    ):
        scores[0, row] = bright[name]
    return replace(figures, scores=scores)


def test_mimicmotion_draws_as_bright_as_sure_with_red_and_blue_swapped() -> None:
    sure = {"shoulder": 0.8, "elbow": 0.5, "hand": 0.8, "thumb": 0.5, "face": 0.7}
    picture = render(on_large(**sure), "mimicmotion")
    assert count(picture, (0, 136, 204)) == 49  # the shoulder's (255, 170, 0) x 0.8
    assert count(picture, (0, 127, 127)) == 49
    assert picture[300, 600].tolist() == [0, 40, 61]  # x 0.8 x 0.5 x 0.6
    assert (count(picture, (204, 0, 0)), count(picture, (127, 0, 0))) == (49, 49)
    assert picture[900, 600].tolist() == [0, 0, 102]
    assert count(picture, (178, 178, 178)) == 29


def test_mimicmotion_scales_down_from_a_shorter_side_of_2160() -> None:
    figures = on_large(**dict.fromkeys(("shoulder", "elbow", "hand", "thumb", "face"), 1.0))
    whole, small = render(figures, "mimicmotion"), render(figures, "mimicmotion", size=(540, 540))
    np.testing.assert_array_equal(small, cv2.resize(whole, (540, 540)))


def test_mimicmotion_does_not_show_what_is_not_visible_however_sure() -> None:
    figures = on_large(**dict.fromkeys(("shoulder", "elbow", "hand", "thumb", "face"), 0.9))
    hidden = replace(figures, visible=np.zeros_like(figures.visible))
    assert not render(hidden, "mimicmotion").any()


def test_mimicmotion_of_a_long_canvas_takes_bounded_memory() -> None:
    tracemalloc.start()
    try:
        render(figures_of({NOSE: (30, 20)}, size=(20, 1_000_000)), "mimicmotion")
        assert tracemalloc.get_traced_memory()[1] < 500 * 10**6
    finally:
        tracemalloc.stop()


def test_overlay_smooths_edges() -> None:
    picture = render(figures_of({NECK: (10, 10), 2: (50, 31)}), "overlay")
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


def test_overlay_lines_grow_with_the_picture() -> None:
    figures = figures_of({NECK: (30, 10), 8: (30, 30)})
    small, large = (
        render(figures, "overlay", size=size)[size[0] // 2].max(axis=-1) > 60
        for size in ((200, 300), (2000, 3000))
    )
    assert large.sum() > 3 * small.sum()


def test_overlay_keeps_thin_lines_on_small_people() -> None:
    small = {NECK: (500, 500), 8: (500, 520)}
    picture = render(figures_of(small, size=(2000, 2000)), "overlay")
    assert painted(picture)[510].sum() <= 7  # a pixel of colour, two of rim, smooth edges


def test_overlay_gives_each_person_a_colour_that_follows_the_id() -> None:
    people = [{NECK: (100 + 200 * i, 100), 11: (100 + 200 * i, 500)} for i in range(3)]
    figures = figures_of(*people, size=(640, 640))
    swapped = OpenPoseFigures(
        figures.points[::-1], figures.visible, figures.scores, figures.boxes,
        np.array([2, 1, 0]), figures.image_size,
    )  # fmt: skip
    picture = render(figures, "overlay")
    np.testing.assert_array_equal(picture, render(swapped, "overlay"))
    colours = [tuple(picture[300, 100 + 200 * i].tolist()) for i in range(3)]
    assert colours == list(PERSON_COLOURS[:3])


def test_overlay_shades_the_right_side() -> None:
    left, right = (
        render(figures_of({NECK: (30, 5), hip: (30, 35)}), "overlay")[20, 30].sum()
        for hip in (11, 8)
    )
    assert right < 0.7 * left


# ---------------------------------------------------------------- the public function
def test_every_style_has_a_renderer() -> None:
    assert set(RENDERERS) == set(Style)


@EVERY_STYLE
def test_a_style_and_its_name_draw_alike(style: Style) -> None:
    figures = figures_of(foot())
    np.testing.assert_array_equal(render(figures, style), render(figures, style.value))


def test_the_canvas_is_rgb_of_the_figures_size() -> None:
    picture = render(figures_of({NOSE: (20, 20)}, size=(30, 50)))
    assert (picture.shape, picture.dtype) == ((30, 50, 3), np.uint8)
    assert picture.flags.c_contiguous
    assert picture.flags.writeable
    assert picture[20, 20].tolist() == [255, 0, 0]


def test_figures_are_scaled_to_the_size_asked_for() -> None:
    figures = figures_of({NOSE: (20, 10)}, size=(40, 60))
    picture = render(figures, size=(80, 180))
    assert np.argwhere(painted(picture)).mean(axis=0).tolist() == [20, 60]


def test_strokes_keep_their_size_on_a_larger_canvas() -> None:
    picture = render(figures_of({NOSE: (20, 10)}), size=(400, 600))
    assert painted(picture).sum() == 49


@IN_SMALL
def test_a_background_shows_where_nothing_is_drawn(style: Style) -> None:
    background = np.full((40, 60, 3), 77, np.uint8)
    picture = render(figures_of({NOSE: (20, 20)}), style, background=background)
    assert picture[0, 0].tolist() == [77, 77, 77]
    assert picture[20, 20].tolist() != [77, 77, 77]


def test_parts_are_parsed_from_their_names() -> None:
    assert Parts.parse("body,hands") == Parts.BODY | Parts.HANDS
    assert Parts.parse(" Feet , ALL") == WITH_FEET
    assert Parts.parse("none") == Parts.NONE


@pytest.mark.parametrize("names", ["", "body,", "legs", "body;face", "body hands", "BODY|FACE"])
def test_other_names_of_parts_are_refused_with_the_choices(names: str) -> None:
    with pytest.raises(OptionError, match="body, hands, face, feet"):
        Parts.parse(names)


def test_all_parts_are_those_that_controlnets_know() -> None:
    assert Parts.FEET not in Parts.ALL


# ---------------------------------------------------------------- what figures decide for drawings
def poses_with(scores: dict[int, float], score: float = 0.9) -> WholeBodyPoses:
    """One person with these scores."""
    confidence = np.full((1, 133), score)
    for index, value in scores.items():
        confidence[0, index] = value
    keypoints = np.tile(np.arange(133.0)[None, :, None], (1, 1, 2)) + 5
    return WholeBodyPoses.from_arrays(keypoints, confidence, image_size=(200, 200))


def test_everything_is_visible_at_the_threshold() -> None:
    assert OpenPoseFigures.from_poses(poses_with({}, 0.3)).visible.all()


def test_nothing_is_visible_just_below_the_threshold() -> None:
    just_below = float(np.nextafter(np.float32(0.3), np.float32(0)))
    assert not OpenPoseFigures.from_poses(poses_with({}, just_below)).visible.any()


@pytest.mark.parametrize("shoulder", [5, 6])
def test_the_neck_needs_both_shoulders(shoulder: int) -> None:
    assert not OpenPoseFigures.from_poses(poses_with({shoulder: 0.29})).visible[0, NECK]


def test_pupils_need_a_face() -> None:
    no_face = dict.fromkeys(range(23, 91), 0.1)
    assert not OpenPoseFigures.from_poses(poses_with(no_face)).visible[0, 18:88].any()
    one_point = {**no_face, 50: 0.9}
    visible = OpenPoseFigures.from_poses(poses_with(one_point)).visible[0]
    assert visible[skeleton.FIGURE_PUPILS].tolist() == [True, True]


# ---------------------------------------------------------------- properties
def whole_points(low: int, high: int) -> st.SearchStrategy[np.ndarray]:
    """136 points with whole coordinates of that range."""
    return arrays(np.int64, (136, 2), elements=st.integers(low, high))


def figure_at(points: np.ndarray, visible: np.ndarray, size: tuple[int, int]) -> OpenPoseFigures:
    """One figure with these points ``(136, 2)``, visible or not."""
    places = np.asarray(points, np.float32)[None]
    shown = np.asarray(visible, np.bool_)[None]
    boxes = Boxes.around(places, shown)
    ids = np.zeros(1, np.int64)
    return OpenPoseFigures(places, shown, shown.astype(np.float32), boxes, ids, ImageSize(*size))


@EVERY_STYLE
@settings(max_examples=40, deadline=None)
@given(
    points=arrays(np.float32, (136, 2), elements=st.floats(width=32, allow_nan=False,
                                                         allow_infinity=False)),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
)  # fmt: skip
def test_any_finite_coordinates_are_drawn(
    style: Style, points: np.ndarray, height: int, width: int
) -> None:
    figures = figure_at(points, np.ones(136), (height, width))
    assert render(figures, style, WITH_FEET).shape == (height, width, 3)
    assert render(figures, style, WITH_FEET, (5, 9)).shape == (5, 9, 3)


EVEN_STEPS = st.integers(-10, 10).map(lambda half: 2 * half)  # OpenCV rounds halves to even pixels


# not dwpose and musepose, whose way through fractions of the canvas moves last bits
@pytest.mark.parametrize("style", [Style.CONTROLNET, Style.XINSIR, Style.OVERLAY])
@settings(max_examples=25, deadline=None)
@given(
    points=whole_points(40, 100),
    visible=arrays(np.bool_, 136),
    across=EVEN_STEPS,
    down=EVEN_STEPS,
)
def test_even_steps_within_the_canvas_shift_the_picture(
    style: Style, points: np.ndarray, visible: np.ndarray, across: int, down: int
) -> None:
    half = points + 0.5
    here = render(figure_at(half, visible, (140, 140)), style, WITH_FEET)
    there = render(figure_at(np.add(half, [across, down]), visible, (140, 140)), style, WITH_FEET)
    np.testing.assert_array_equal(there, np.roll(here, (down, across), axis=(0, 1)))


# joints with no limb between any two of them: of these only discs are drawn
LONELY = (0, 2, 4, 5, 7, 8, 10, 11, 13, 16, 17)
OTHER_SIDE = {2: 5, 4: 7, 5: 2, 7: 4, 8: 11, 10: 13, 11: 8, 13: 10, 16: 17, 17: 16}


@settings(max_examples=40, deadline=None)
@given(points=whole_points(1, 58), visible=arrays(np.bool_, 136))
def test_mirroring_commutes_with_swapping_left_and_right(
    points: np.ndarray, visible: np.ndarray
) -> None:
    # true of discs at whole coordinates, and of what they cover: colours tell the sides apart,
    # and limbs and bones are cut off towards zero, which is another side in a mirror
    lonely = np.isin(np.arange(136), [*LONELY, *range(18, 88)]) & visible
    order = np.array([OTHER_SIDE.get(i, i) for i in range(136)])
    mirrored = np.add(points * [-1, 1], [59, 0])[order]
    here = render(figure_at(points, lonely, (60, 60)))
    there = render(figure_at(mirrored, lonely[order], (60, 60)))
    np.testing.assert_array_equal(painted(there), painted(here)[:, ::-1])


@settings(max_examples=30, deadline=None)
@given(points=whole_points(2, 57), visible=arrays(np.bool_, 136))
def test_a_person_paints_nothing_outside_the_reach_of_visible_points(
    points: np.ndarray, visible: np.ndarray
) -> None:
    picture = painted(render(figure_at(points, visible, (60, 60))))
    seen = points[:130][visible[:130]]
    if len(seen) == 0:
        assert not picture.any()
        return
    rows, columns = np.nonzero(picture)
    low, high = seen.min(axis=0) - 5, seen.max(axis=0) + 5
    assert columns.min() >= low[0]
    assert columns.max() <= high[0]
    assert rows.min() >= low[1]
    assert rows.max() <= high[1]


# ---------------------------------------------------------------- thickness


@pytest.mark.parametrize("style", list(Style))
def test_thicker_strokes_cover_thinner_ones(style: Style) -> None:
    figures = figures_of(standing_person(), size=(768, 512))
    thin, plain, thick = (
        painted(render(figures, style, WITH_FEET, thickness=factor)) for factor in (0.5, 1.0, 2.0)
    )
    assert thin.sum() < plain.sum() < thick.sum()
    assert (thick | ~thin).mean() > 0.999
    assert (painted(render(figures, style, WITH_FEET)) == plain).all()


@pytest.mark.parametrize("thickness", [0, -1, 11, float("nan")])
def test_a_thickness_that_is_none_is_refused(thickness: float) -> None:
    with pytest.raises(OptionError, match=r"0\.1\.\.10"):
        render(OpenPoseFigures.from_poses(poses_with({})), thickness=thickness)
