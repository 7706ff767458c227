"""People followed through frames, gaps closed, jitter smoothed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from dw_openpose_full import (
    Boxes,
    ImageSize,
    OpenPoseFigures,
    OptionError,
    PoseError,
)
from dw_openpose_full.poses import BoolArray, FloatArray
from dw_openpose_full.smoothing import Smoother, smoothed
from dw_openpose_full.smoothing.following import Follower
from dw_openpose_full.smoothing.smoother import PART

SIZE = ImageSize(480, 640)
COUNT = 136


def figures(*people: FloatArray, visible: BoolArray | None = None) -> OpenPoseFigures:
    """Figures of people ``(136, 2)`` with numbered ids; all is visible, or ``(136,)`` of each."""
    points = np.array(people, np.float32).reshape(-1, COUNT, 2)
    seen = np.broadcast_to(np.True_ if visible is None else visible, points.shape[:2]).copy()
    return OpenPoseFigures(
        points,
        seen,
        seen.astype(np.float32),
        Boxes.around(points, seen),
        np.arange(len(points), dtype=np.int64),
        SIZE,
    )


def person(x: float = 100, y: float = 100) -> FloatArray:
    """Somebody 100 pixels wide and high at a place."""
    spread = np.random.default_rng(7).uniform(0, 100, (COUNT, 2))
    spread[:2] = [[0, 0], [100, 100]]
    return (spread + np.array([x, y])).astype(np.float32)


def places(frames: Sequence[OpenPoseFigures], row: int = 0) -> FloatArray:
    """Points ``(T, 136, 2)`` of one row."""
    return np.array([frame.points[row] for frame in frames])


def crowd(count: int) -> list[OpenPoseFigures]:
    """Three people who walk about and are lost now and then, point by point and altogether."""
    random = np.random.default_rng(3)
    frames = []
    for t in range(count):
        people = [person(150 * n + 40 * np.sin(t / 9 + n), 2 * (t % 50)) for n in range(3)]
        present = [one for one in people if random.random() > 0.15]
        noisy = [one + random.normal(0, 2, one.shape).astype(np.float32) for one in present]
        frames.append(figures(*noisy, visible=random.random(COUNT) > 0.2))
    return frames


def names(frames: Sequence[OpenPoseFigures], patience: int = 3) -> list[list[int]]:
    """Who is who."""
    follower = Follower(patience)
    return [follower.names(frame.boxes).tolist() for frame in frames]


def test_jitter_gets_less() -> None:
    noise = np.random.default_rng(1).normal(0, 2, (40, COUNT, 2)).astype(np.float32)
    steady = places(smoothed([figures(person() + jitter) for jitter in noise]))
    assert (steady - person()).std() < 0.65 * noise.std()


def test_an_accelerated_movement_stays_as_it_is_and_does_not_lag() -> None:
    way = [person(50 + 3 * t + 0.1 * t * t) for t in range(30)]
    steady = smoothed([figures(where) for where in way], window=9)
    np.testing.assert_allclose(places(steady), np.array(way), atol=1e-3)
    np.testing.assert_allclose(
        [frame.boxes.xyxy[0] for frame in steady],
        [[*where[0], *where[1]] for where in way],
        atol=1e-3,
    )


def test_a_window_of_one_frame_changes_no_point() -> None:
    noise = np.random.default_rng(1).normal(0, 2, (9, COUNT, 2)).astype(np.float32)
    frames = [figures(person() + jitter) for jitter in noise]
    np.testing.assert_array_equal(places(smoothed(frames, window=1)), places(frames))


def test_a_point_that_is_missing_for_short_is_put_on_the_way() -> None:
    frames = []
    for t in range(9):
        seen = np.ones(COUNT, np.bool_)
        where = person(50 + 4 * t)
        if t in {3, 4}:
            seen[5], where[5] = False, 0
        frames.append(figures(where, visible=seen))
    steady = smoothed(frames, longest_gap=2)
    assert all(frame.visible.all() for frame in steady)
    np.testing.assert_allclose(steady[4].points[0, 5], person(66)[5], atol=1e-3)


def test_a_longer_gap_and_the_ends_stay_open() -> None:
    frames = []
    for t in range(12):
        seen = np.ones(COUNT, np.bool_)
        seen[5] = t not in {0, 4, 5, 6, 11}
        frames.append(figures(person(), visible=seen))
    shown = [bool(frame.visible[0, 5]) for frame in smoothed(frames, longest_gap=2)]
    assert shown == [t not in {0, 4, 5, 6, 11} for t in range(12)]


def test_the_place_of_what_is_not_visible_is_not_touched() -> None:
    seen = np.ones(COUNT, np.bool_)
    seen[5] = False
    noise = np.random.default_rng(1).normal(0, 2, (9, COUNT, 2)).astype(np.float32)
    frames = [figures(person() + jitter, visible=seen) for jitter in noise]
    np.testing.assert_array_equal(places(smoothed(frames))[:, 5], places(frames)[:, 5])


def test_somebody_who_is_missing_for_short_is_there_all_the_time() -> None:
    frames = [figures(person(50 + 5 * t)) if t != 3 else figures() for t in range(7)]
    steady = smoothed(frames, longest_gap=1)
    assert [len(frame) for frame in steady] == [1] * 7
    np.testing.assert_allclose(steady[3].points[0], person(65), atol=1e-3)
    assert [len(frame) for frame in smoothed(frames, longest_gap=0)] == [1, 1, 1, 0, 1, 1, 1]


def test_people_keep_their_ids_whatever_their_order() -> None:
    left, right = person(50), person(400)
    frames = [figures(left, right), figures(right, left), figures(right), figures(left, right)]
    steady = smoothed(frames, longest_gap=0)
    assert [frame.ids.tolist() for frame in steady] == [[0, 1], [0, 1], [1], [1, 2]]
    np.testing.assert_allclose(steady[1].points[0], left, atol=1e-3)


def test_the_nearest_box_is_followed_first() -> None:
    frames = [figures(person(100), person(130)), figures(person(128), person(98))]
    assert names(frames) == [[0, 1], [1, 0]]


def test_who_jumps_far_is_somebody_else() -> None:
    assert names([figures(person(0)), figures(person(90))]) == [[0], [1]]


def test_who_comes_back_soon_enough_keeps_the_name() -> None:
    frames = [figures(person())] + [figures()] * 3 + [figures(person())]
    assert names(frames, patience=3)[-1] == [0]
    assert names(frames, patience=2)[-1] == [1]


@pytest.mark.parametrize(("window", "longest_gap", "patience"), [(7, 3, 0), (9, 2, 6), (1, 0, 5)])
def test_a_long_video_in_parts_is_the_video_at_once(
    monkeypatch: pytest.MonkeyPatch, window: int, longest_gap: int, patience: int
) -> None:
    options = {"window": window, "longest_gap": longest_gap, "patience": patience}
    frames = crowd(3 * PART)
    whole, parts = Smoother(**options), Smoother(**options)
    ready = [shown for frame in frames for shown in parts.add(frame)]
    assert len(ready) >= PART  # not all of them at the end
    ready += parts.rest()
    monkeypatch.setattr("dw_openpose_full.smoothing.smoother.PART", 10**9)
    assert all(whole.add(frame) == [] for frame in frames)
    at_once = whole.rest()
    assert len(ready) == len(frames) == len(at_once)
    assert len({name for frame in ready for name in frame.ids.tolist()}) > 2
    for one, other in zip(ready, at_once, strict=True):
        for name in ("points", "visible", "scores", "ids"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_array_equal(one.boxes.xyxy, other.boxes.xyxy)


def test_longer_patience_shows_nobody_who_is_not_there() -> None:
    smoother = Smoother(window=1, longest_gap=1, patience=5)
    frames = [figures(person())] * 2 + [figures()] * 3 + [figures(person())] * 2
    assert [smoother.add(frame) for frame in frames] == [[]] * 7
    assert [frame.ids.tolist() for frame in smoother.rest()] == [[0]] * 2 + [[]] * 3 + [[0]] * 2


def test_frames_of_nobody_and_no_frames_at_all_are_fine() -> None:
    assert smoothed([]) == []
    assert [len(frame) for frame in smoothed([figures(), figures()])] == [0, 0]


def test_what_comes_in_is_not_changed() -> None:
    frames = [figures(person() + t % 3) for t in range(9)]
    before = places(frames).copy()
    smoothed(frames)
    np.testing.assert_array_equal(places(frames), before)


@pytest.mark.parametrize(("window", "longest_gap"), [(0, 3), (7, -1)])
def test_options_out_of_range_are_refused(window: int, longest_gap: int) -> None:
    with pytest.raises(OptionError, match="window must be positive"):
        smoothed([figures(person())], window=window, longest_gap=longest_gap)


def test_canvases_of_two_sizes_are_refused() -> None:
    frames = [figures(person()), figures(person()).scaled_to(ImageSize(48, 64))]
    with pytest.raises(PoseError, match="640 x 480"):
        smoothed(frames)
