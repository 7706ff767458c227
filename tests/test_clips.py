"""People of a video read frame by frame, followed, and kept for another run."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dw_openpose_full import OptionError, OutputError, PeopleChoice, from_openpose_json
from dw_openpose_full.clips import ClipReader, FramesDocument
from dw_openpose_full.clips.journal import Entry, Journal, journal_of
from dw_openpose_full.clips.reading import Sighting, boxes_around
from dw_openpose_full.estimator import BATCH
from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.pose_json import PoseDocument
from moving_people import PERSON, Walk, World, frames, points_of


def to_the_right(y: float = 20) -> Walk:
    return lambda t: (5 + 2.0 * t, y)


def to_the_left(y: float = 40) -> Walk:
    return lambda t: (100 - 2.0 * t, y)


def read(world: World, count: int, *, most: int | None = None, every: int = 1) -> list[Sighting]:
    reader = ClipReader(world.estimator, PeopleChoice(most), every)
    seen = list(reader.read(frames(count)))
    assert [frame.number for frame, _ in seen] == list(range(1, count + 1))
    return [sighting for _, sighting in seen]


# ---------------------------------------------------------------- reading


def test_where_every_frame_is_looked_at_frames_share_batches() -> None:
    world = World(to_the_right())
    seen = read(world, 20)
    assert world.looked == list(range(1, 21))
    assert [len(group) for group in world.read] == [BATCH, BATCH, 4]
    for number, sighting in enumerate(seen, start=1):
        wanted = points_of(world.boxes(number).xyxy[0])
        np.testing.assert_array_equal(sighting.poses.keypoints[0], wanted)


def test_in_between_people_are_followed() -> None:
    world = World(to_the_right(), to_the_left())
    seen = read(world, 20, every=5)
    assert world.looked == [1, 6, 11, 16]
    for number, sighting in enumerate(seen, start=1):
        wanted = [points_of(box) for box in world.boxes(number).xyxy]
        np.testing.assert_array_equal(sighting.poses.keypoints, wanted)


def test_who_is_lost_is_looked_for_in_the_next_frame() -> None:
    world = World(lambda t: (5, 20) if t < 4 else (90, 40))
    seen = read(world, 8, every=50)
    assert world.looked == [1, 5]
    found = [bool(sighting.poses.scores.any()) for sighting in seen]
    assert found == [True] * 3 + [False] + [True] * 4


def test_who_comes_later_is_seen_when_the_detector_looks() -> None:
    world = World(to_the_right(), lambda t: (90, 50) if t >= 3 else None)
    seen = read(world, 8, every=5)
    assert [len(sighting.poses) for sighting in seen] == [1] * 5 + [2] * 3


def test_a_video_of_nobody_needs_the_detector_only() -> None:
    world = World(lambda _: None)
    seen = read(world, 7, every=3)
    assert world.looked == [1, 4, 7]
    assert [len(sighting.poses) for sighting in seen] == [0] * 7


@pytest.mark.parametrize("every", [1, 3])
def test_of_more_people_than_wanted_the_same_are_kept(every: int) -> None:
    world = World(to_the_right(), to_the_left(), surest=lambda t: 0 if t < 4 else 1)
    seen = read(world, 12, most=1, every=every)
    for number, sighting in enumerate(seen, start=1):
        wanted = points_of(world.boxes(number).xyxy[0])
        np.testing.assert_array_equal(sighting.poses.keypoints, [wanted])


def test_who_went_gives_way_to_somebody_else() -> None:
    world = World(lambda t: (5, 20) if t < 4 else None, to_the_left())
    assert [len(sighting.poses) for sighting in read(world, 8, most=1)] == [1] * 8


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("cut", [1, 3, 4, 9])
def test_reading_goes_on_as_if_it_had_not_stopped(every: int, cut: int) -> None:
    world = World(to_the_right(), to_the_left(), surest=lambda t: t // 3 % 2)
    whole = read(world, 12, most=1, every=every)
    reader = ClipReader(world.estimator, PeopleChoice(1), every)
    rest = [seen for _, seen in reader.read(frames(12, first=cut + 1), whole[cut - 1])]
    for one, other in zip(rest, whole[cut:], strict=True):
        np.testing.assert_array_equal(one.poses.keypoints, other.poses.keypoints)
        np.testing.assert_array_equal(one.asked.xyxy, other.asked.xyxy)


def test_a_followed_box_is_a_little_larger_than_the_points() -> None:
    poses = read(World(lambda _: (40, 30)), 1)[0].poses
    low, high = np.split(boxes_around(poses).xyxy[0], 2)
    np.testing.assert_allclose(high - low, np.array(PERSON) * 1.125, rtol=1e-6)
    np.testing.assert_allclose((high + low) / 2, [50, 50], rtol=1e-6)


@pytest.mark.parametrize("every", [0, -1, 1.5])
def test_a_frame_that_is_no_number_is_refused(every: int) -> None:
    with pytest.raises(OptionError, match="detect_every must be a positive number"):
        ClipReader(World().estimator, detect_every=every)


# ---------------------------------------------------------------- the journal

IDENTITY = {"model": "walkers", "bytes": 5}


def entries(count: int = 4, precision: type = np.float32) -> list[Entry]:
    world = World(to_the_right(), lambda t: (90, 50) if t % 2 else None)
    sightings = read(world, count)
    return [
        Entry(
            Fraction(number * 1001, 30000),
            replace(
                seen, poses=replace(seen.poses, keypoints=seen.poses.keypoints.astype(precision))
            ),
        )
        for number, seen in enumerate(sightings)
    ]


def write(result: Path, what: list[Entry], *, resume: bool = False) -> list[Entry]:
    with closing(Journal(result, IDENTITY, resume=resume)) as journal:
        kept = list(journal.kept())
        for entry in what[len(kept) :]:
            journal.add(entry)
    return kept


def assert_same(one: list[Entry], other: list[Entry]) -> None:
    for a, b in zip(one, other, strict=True):
        assert a.time == b.time
        assert a.sighting.poses.image_size == b.sighting.poses.image_size
        assert a.sighting.poses.model == b.sighting.poses.model
        for ours, theirs in (
            (a.sighting.poses.keypoints, b.sighting.poses.keypoints),
            (a.sighting.poses.scores, b.sighting.poses.scores),
            (a.sighting.poses.boxes.xyxy, b.sighting.poses.boxes.xyxy),
            (a.sighting.poses.boxes.scores, b.sighting.poses.boxes.scores),
            (a.sighting.asked.xyxy, b.sighting.asked.xyxy),
            (a.sighting.asked.scores, b.sighting.asked.scores),
        ):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_frames_come_back_exactly(tmp_path: Path, precision: type) -> None:
    told = entries(precision=precision)
    assert write(tmp_path / "a.mp4", told) == []
    assert_same(write(tmp_path / "a.mp4", told, resume=True), told)


def test_a_journal_cut_anywhere_keeps_the_frames_before(tmp_path: Path) -> None:
    told = entries(3)
    result = tmp_path / "a.mp4"
    write(result, told)
    whole = journal_of(result).read_bytes()
    counts = []
    for length in range(0, len(whole), 97):
        journal_of(result).write_bytes(whole[:length])
        kept = write(result, told, resume=True)
        assert_same(kept, told[: len(kept)])
        counts.append(len(kept))
        assert journal_of(result).read_bytes() == whole
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2}


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x93NUMPY\x01\x00" + b"\xff" * 300])
def test_what_is_no_journal_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    result = tmp_path / "a.mp4"
    journal_of(result).write_bytes(content)
    assert write(result, entries(), resume=True) == []
    assert len(write(result, entries(), resume=True)) == 4


@pytest.mark.parametrize("other", [{"bytes": 6}, {"model": "l"}, {"detect_every": 2}])
def test_a_journal_of_something_else_is_begun_anew(
    tmp_path: Path, other: dict[str, object]
) -> None:
    result = tmp_path / "a.mp4"
    write(result, entries())
    with closing(Journal(result, IDENTITY | other, resume=True)) as journal:
        assert list(journal.kept()) == []


def test_without_a_word_a_run_begins_anew(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", entries())
    assert write(tmp_path / "a.mp4", entries(), resume=False) == []


def test_two_at_one_result_are_one_too_many(tmp_path: Path) -> None:
    with (
        closing(Journal(tmp_path / "a.mp4", IDENTITY, resume=False)),
        pytest.raises(OutputError, match="another dw-openpose is at work"),
    ):
        Journal(tmp_path / "a.mp4", IDENTITY, resume=False)
    assert write(tmp_path / "a.mp4", entries(1)) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    try:
        journal_of(tmp_path / "a.mp4").symlink_to(precious)
    except OSError:
        pytest.skip("no links here")
    write(tmp_path / "a.mp4", entries(1))
    assert precious.read_bytes() == b"precious"


# ---------------------------------------------------------------- the document


def test_the_document_is_frames_of_openpose_json(tmp_path: Path) -> None:
    shown = [OpenPoseFigures.from_poses(entry.sighting.poses) for entry in entries(3)]
    path = tmp_path / "pose.json"
    with (
        path.open("w", encoding="utf-8") as file,
        FramesDocument(file.write, Fraction(30000, 1001), "walkers") as document,
    ):
        for figures in shown:
            document.add(figures)
    said = json.loads(path.read_text("utf-8"))
    assert list(said) == ["fps", "frames", "model", "version"]
    assert said["fps"] == pytest.approx(29.97, abs=1e-3)
    assert said["model"] == said["frames"][0]["model"] == "walkers"
    assert len(PoseDocument.read(path)) == 3
    for number, figures in enumerate(shown):
        again = from_openpose_json(path, frame=number)
        np.testing.assert_array_equal(again.points, figures.points)
        assert again.ids.tolist() == figures.ids.tolist()


def test_a_document_of_no_frame_is_one_too() -> None:
    text: list[str] = []
    with FramesDocument(text.append, Fraction(10), None):
        pass
    assert json.loads("".join(text))["frames"] == []
