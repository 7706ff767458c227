"""Folders of data sets: recognised, split, shown as samples, and prepared by the command."""

from __future__ import annotations

import importlib.util
import json
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from data_folders import SIZE, coco, document, image, person, picture, ubody, write_json
from dw_openpose_full.cli.data import data as command
from dw_openpose_full.datasets import packed as packed_room
from dw_openpose_full.datasets.augmentation import Course, Views
from dw_openpose_full.datasets.filtering import LOST
from dw_openpose_full.datasets.layouts import SCENES, recognised
from dw_openpose_full.datasets.packed import PackedPeople
from dw_openpose_full.datasets.people import UNVARIED, measured_people, open_people, packed_people
from dw_openpose_full.datasets.samples import Sample, Together
from dw_openpose_full.datasets.ubody import PERSON_CATEGORY, add_category, at_rate, video_jobs
from dw_openpose_full.errors import DataSetError, DwPoseError
from dw_openpose_full.evaluation.predicting import Task
from dw_openpose_full.geometry import PersonCrop
from dw_openpose_full.pictures import read_picture
from dw_openpose_full.poses import ImageSize, RgbImage
from dw_openpose_full.video import Video, VideoWriter

CROP = ImageSize(64, 48)
VIEWS = Views(CROP, UNVARIED, (0,))
VARIED = Course.named("strong", "mild", 3)


def quiet(_line: str) -> None:
    """Take no notice."""


def same(one: Sample, other: Sample) -> bool:
    return all(
        np.array_equal(a, b)
        for a, b in (
            (one.crop, other.crop),
            (one.keypoints, other.keypoints),
            (one.labelled, other.labelled),
        )
    )


@pytest.fixture
def coco_folder(tmp_path: Path) -> Path:
    """COCO-WholeBody with three people to learn from and two to be measured on."""
    return coco(tmp_path / "coco")


@pytest.fixture
def ubody_folder(tmp_path: Path) -> Path:
    """UBody with two scenes, ids of pictures the same in both, a video of each for tests."""
    scenes = {"Speech": ["a_Trim1", "b_Trim1"], "TalkShow": ["c_Trim1", "b"]}
    return ubody(tmp_path / "UBody", scenes, ["b", "nobody"])


# ---------------------------------------------------------------- what a folder holds
def missing(folder: Path) -> str:
    return "\n".join(recognised(folder).lines())


def test_a_whole_coco_lacks_nothing(coco_folder: Path) -> None:
    found = recognised(coco_folder)
    assert found.name == "COCO-WholeBody"
    assert found.missing == ()
    assert list(found.sources["train"]) == ["train2017"]
    assert list(found.sources["val"]) == ["val2017"]
    assert "non-commercial" in missing(coco_folder)


def test_pictures_may_lie_one_folder_deeper(coco_folder: Path) -> None:
    (coco_folder / "images").mkdir()
    (coco_folder / "train2017").rename(coco_folder / "images" / "train2017")
    assert recognised(coco_folder).missing == ()


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (
            "val2017",
            "the pictures, val2017/; unpack http://images.cocodataset.org/zips/val2017.zip",
        ),
        (
            "annotations/coco_wholebody_val_v1.0.json",
            "_val_v1.0.json; the links at https://github.com/jin-s13/COCO-WholeBody",
        ),
    ],
)
def test_what_is_missing_is_named_and_the_rest_can_be_used(
    coco_folder: Path, gone: str, said: str
) -> None:
    path = coco_folder / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert said in missing(coco_folder)
    assert len(open_people([coco_folder], "train", CROP, tell=quiet)) == 3
    with pytest.raises(DataSetError, match=r"nothing of it can be used for val.*val"):
        open_people([coco_folder], "val", CROP, tell=quiet)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04...", "a ZIP archive; unpack it"),
        (b"\x1f\x8b...", "a gzip archive"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer; run git lfs pull"),
        (b"<!DOCTYPE html><title>Google Drive - Quota", "an HTML page"),
        (b"", "an empty file"),
        (b"[]", "no JSON object"),
    ],
)
def test_a_download_that_went_wrong_is_recognised(
    coco_folder: Path, content: bytes, words: str
) -> None:
    (coco_folder / "annotations" / "coco_wholebody_train_v1.0.json").write_bytes(content)
    assert f"coco_wholebody_train_v1.0.json is {words}" in missing(coco_folder)
    assert recognised(coco_folder).sources["train"] == {}


def test_a_folder_that_is_no_data_set_says_what_one_looks_like(coco_folder: Path) -> None:
    with pytest.raises(DataSetError, match=r"expected COCO-WholeBody .*did you mean coco in it"):
        recognised(coco_folder.parent)
    with pytest.raises(DataSetError, match=r"train2017/, \.\.\.\), UBody"):
        recognised(coco_folder / "annotations")
    with pytest.raises(DataSetError, match="expected a data set's folder"):
        recognised(coco_folder / "none")


def test_ubody_is_recognised_scene_by_scene(ubody_folder: Path) -> None:
    found = recognised(ubody_folder)
    assert found.name == "UBody"
    assert list(found.sources["train"]) == ["TalkShow", "Speech"]
    assert list(found.sources["val"]) == ["TalkShow"]  # the published tests leave Speech out
    lacks = [lack.what for lack in found.missing]
    assert len(lacks) == 2 * (len(SCENES) - 2)
    assert "annotations/Movie/keypoint_annotation.json" in lacks
    assert "the frames, images/Movie/" in lacks


def test_frames_that_are_still_videos_name_the_command(ubody_folder: Path) -> None:
    shutil.rmtree(ubody_folder / "images" / "TalkShow")
    (ubody_folder / "videos" / "TalkShow").mkdir(parents=True)
    said = missing(ubody_folder)
    assert f"dw-openpose data video2image {ubody_folder} --scene TalkShow" in said
    assert list(recognised(ubody_folder).sources["train"]) == ["Speech"]


@pytest.mark.parametrize("damage", ["gone", "pickled"])
def test_ubody_can_not_be_used_without_its_list_of_videos(ubody_folder: Path, damage: str) -> None:
    path = ubody_folder / "splits" / "intra_scene_test_list.npy"
    if damage == "gone":
        path.unlink()
    else:
        np.save(path, np.array(["a", 1], dtype=object), allow_pickle=True)
    with pytest.raises(DataSetError, match=r"nothing of it.*intra_scene_test_list\.npy"):
        open_people([ubody_folder], "train", CROP, tell=quiet)


# ---------------------------------------------------------------- splits
def files_of(sources: list[PackedPeople]) -> list[str]:
    return [
        source.path(index).relative_to(source.folder.parent).as_posix()
        for source in sources
        for index in range(len(source))
    ]


def test_ubody_is_split_by_video_and_every_tenth_picture_counts(ubody_folder: Path) -> None:
    found = recognised(ubody_folder)
    train = files_of(packed_people(found, "train", VIEWS, tell=quiet))
    val = files_of(packed_people(found, "val", VIEWS, tell=quiet))
    assert train == [
        "TalkShow/c_Trim1/000001.png", "TalkShow/c_Trim1/000011.png",
        "Speech/a_Trim1/000001.png", "Speech/a_Trim1/000011.png",
    ]  # fmt: skip
    assert val == ["TalkShow/b/000001.png", "TalkShow/b/000011.png"]


def test_scenes_are_measured_as_one_set(ubody_folder: Path) -> None:
    shutil.copytree(ubody_folder / "images" / "Speech", ubody_folder / "images" / "Olympic")
    shutil.copytree(
        ubody_folder / "annotations" / "Speech", ubody_folder / "annotations" / "Olympic"
    )
    measured = measured_people(ubody_folder, CROP)
    assert measured.truth.pictures == {
        1: "TalkShow/b/000001.png", 2: "TalkShow/b/000011.png",
        3: "Olympic/b_Trim1/000001.png", 4: "Olympic/b_Trim1/000011.png",
    }  # fmt: skip
    assert measured.truth.image_ids.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(measured.truth.areas, 0.53 * 60 * 70)
    task = Task(measured.truth, measured.pictures)
    assert [path.name for _, path in task.to_read([])] == ["000001.png", "000011.png"] * 2


def test_coco_is_measured_on_its_validation_pictures(coco_folder: Path) -> None:
    measured = measured_people(coco_folder, CROP)
    assert len(measured.truth) == 2
    assert len(Task(measured.truth, measured.pictures).to_read([])) == 2


def test_a_scene_without_test_videos_is_no_error_but_none_at_all_is(ubody_folder: Path) -> None:
    path = ubody_folder / "splits" / "intra_scene_test_list.npy"
    np.save(path, np.array(["nobody"]))
    with pytest.raises(DataSetError, match="none of its videos is for tests"):
        measured_people(ubody_folder, CROP)


# ---------------------------------------------------------------- samples
def test_an_unvaried_sample_is_what_an_annotator_sees(coco_folder: Path) -> None:
    source = open_people([coco_folder], "train", CROP, tell=quiet)
    for index in range(3):
        sample = source.sample(index, 0)
        crop = PersonCrop.around(np.array([20, 10, 80, 80], np.float32), CROP)
        np.testing.assert_array_equal(sample.crop, crop.warp(picture(index + 1)))
        truth = measured_points(person(index + 1, index + 1))
        np.testing.assert_array_equal(sample.keypoints, crop.points_in_crop(truth[:, :2]))
        np.testing.assert_array_equal(sample.labelled, truth[:, 2] > 0)
        assert not sample.labelled[91:112].any()


def measured_points(entry: dict[str, Any]) -> np.ndarray:
    fields = ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
    return np.concatenate([np.reshape(entry[field], (-1, 3)) for field in fields]).astype("f4")


def test_the_same_numbers_are_the_same_sample_in_any_process_and_order(coco_folder: Path) -> None:
    source = open_people([coco_folder], "train", CROP, course=VARIED, seed=5, tell=quiet)
    first = {(index, epoch): source.sample(index, epoch) for index in range(3) for epoch in (0, 1)}
    other = pickle.loads(pickle.dumps(source))
    for (index, epoch), sample in reversed(first.items()):
        assert same(other.sample(index, epoch), sample)
    assert not same(first[0, 0], first[0, 1])
    reseeded = open_people([coco_folder], "train", CROP, course=VARIED, seed=6, tell=quiet)
    assert not same(reseeded.sample(0, 0), first[0, 0])


def test_several_folders_are_one_source(coco_folder: Path, ubody_folder: Path) -> None:
    folders = [coco_folder, ubody_folder, coco_folder]
    source = open_people(folders, "train", CROP, course=VARIED, tell=quiet)
    assert isinstance(source, Together)
    assert len(source) == 3 + 2 + 2 + 3
    plain = open_people(folders, "train", CROP, tell=quiet)
    assert same(plain.sample(0, 0), plain.sample(7, 0))  # the same person once more
    assert not same(source.sample(0, 0), source.sample(7, 0))  # varied in another way
    for index in (-1, 10):
        with pytest.raises(IndexError, match="there are 10 people"):
            source.sample(index, 0)


def test_nobody_has_a_number_beyond_the_last(coco_folder: Path) -> None:
    source = open_people([coco_folder], "train", CROP, tell=quiet)
    for index in (-1, 3):
        with pytest.raises(IndexError, match="there are 3 people"):
            source.sample(index, 0)


def test_what_is_left_out_is_told_every_time(coco_folder: Path) -> None:
    (coco_folder / "train2017" / "000000000002.jpg").unlink()
    for _ in range(2):
        lines: list[str] = []
        open_people([coco_folder], "train", CROP, tell=lines.append)
        assert lines == [
            "COCO-WholeBody train2017: 2 of 3 people can be learnt from",
            f"COCO-WholeBody train2017: left out: 1 {LOST}: annotation 2 (000000000002.jpg)",
        ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        (b"", "an empty file"),
        (b"\xff\xd8\xff\xe0" + b"0" * 100, "damaged"),
        (b"text that is no picture", "got text"),
    ],
)
def test_a_picture_that_is_lost_or_damaged_later_is_named(
    coco_folder: Path, content: bytes | None, words: str
) -> None:
    source = open_people([coco_folder], "train", CROP, tell=quiet)
    path = coco_folder / "train2017" / "000000000002.jpg"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(DataSetError, match=rf"annotation 2: .*000000000002\.jpg: .*{words}"):
        source.sample(1, 0)
    assert source.sample(0, 0).crop.shape == (*CROP, 3)


def test_a_picture_of_another_size_is_not_the_annotated_one(coco_folder: Path) -> None:
    source = open_people([coco_folder], "train", CROP, tell=quiet)
    path = coco_folder / "train2017" / "000000000002.jpg"
    cv2.imwrite(str(path), np.zeros((50, 40, 3), np.uint8))
    with pytest.raises(DataSetError, match=r"the annotated picture, 120 x 90 .*got 40 x 50"):
        source.sample(1, 0)


@pytest.fixture
def large_photo(tmp_path: Path) -> tuple[Path, RgbImage]:
    """COCO-WholeBody with one large JPEG file that somebody fills."""
    noise = np.random.default_rng(0).integers(0, 256, (17, 13, 3), np.uint8)
    smooth = cv2.resize(noise, (1201, 1605), interpolation=cv2.INTER_CUBIC)
    large = image(1, "1.jpg", height=1605, width=1201)
    body = person(1, 1, bbox=[100, 100, 1000, 1400])
    name = "coco_wholebody_train_v1.0.json"
    write_json(tmp_path / "annotations" / name, document([body], [large]))
    (tmp_path / "train2017").mkdir()
    cv2.imwrite(str(tmp_path / "train2017" / "1.jpg"), smooth)
    return tmp_path, read_picture(tmp_path / "train2017" / "1.jpg")


def test_a_large_picture_is_decoded_smaller_and_looks_the_same(
    large_photo: tuple[Path, RgbImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, whole = large_photo
    source = open_people([folder], "train", CROP, tell=quiet)
    expected = PersonCrop.around(np.array([100, 100, 1100, 1500], np.float32), CROP).warp(whole)
    monkeypatch.setattr(packed_room, "read_picture", refuse)
    inside = slice(8, 56), slice(6, 42)  # at the picture's edges there is black between pixels
    crop = source.sample(0, 0).crop[inside].astype(int)
    assert np.abs(crop - expected[inside]).max() <= 6
    shifted = np.abs(crop[:, 1:] - expected[inside][:, :-1])
    assert np.abs(crop - expected[inside]).mean() < shifted.mean() / 4


def test_a_large_picture_that_is_cut_short_is_named(large_photo: tuple[Path, RgbImage]) -> None:
    folder, _ = large_photo
    source = open_people([folder], "train", CROP, tell=quiet)
    path = folder / "train2017" / "1.jpg"
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataSetError, match=r"1\.jpg: .*cut short"):
        source.sample(0, 0)


def refuse(*_: object) -> RgbImage:
    raise AssertionError("the whole picture was decoded")


def test_real_people_are_cut_as_annotators_cut_them(shared: Path, tmp_path: Path) -> None:
    size = ImageSize(256, 192)
    truth = json.loads((shared / "annotations" / "coco_wholebody_2.json").read_text())
    write_json(tmp_path / "annotations" / "coco_wholebody_val_v1.0.json", truth)
    shutil.copytree(shared / "photos", tmp_path / "val2017")
    views = Views(size, UNVARIED, (0,))
    (people,) = packed_people(recognised(tmp_path), "val", views, tell=quiet)
    assert len(people) > 0
    for index in range(len(people)):
        sample, photo = people.sample(index, 0), read_picture(people.path(index))
        annotators = PersonCrop.around(people.person(index).box, size)
        np.testing.assert_array_equal(sample.crop, annotators.warp(photo))
        known = sample.keypoints[sample.labelled]
        inside = ((known > -1) & (known < np.array(size[::-1]) + 1)).all(axis=1)
        assert inside.mean() > 0.95


# ---------------------------------------------------------------- UBody's two steps
def test_a_category_is_added_once_and_nothing_else_changes(ubody_folder: Path) -> None:
    path = ubody_folder / "annotations" / "Speech" / "keypoint_annotation.json"
    before = json.loads(path.read_text())
    assert add_category(ubody_folder, "Speech")
    after = json.loads(path.read_text())
    assert after.pop("categories") == [PERSON_CATEGORY]
    assert after == before
    content = path.read_bytes()
    assert not add_category(ubody_folder, "Speech")
    assert path.read_bytes() == content


@pytest.mark.parametrize("after", ["\n", " " * 5000, ""])
def test_a_category_is_added_whatever_blanks_end_the_file(ubody_folder: Path, after: str) -> None:
    path = ubody_folder / "annotations" / "Speech" / "keypoint_annotation.json"
    path.write_text(path.read_text() + after)
    assert add_category(ubody_folder, "Speech")
    assert json.loads(path.read_text())["categories"] == [PERSON_CATEGORY]


@pytest.mark.parametrize("content", ['{"images": []', '{"images": []}', "[]", ""])
def test_a_file_that_is_no_annotations_is_not_touched(ubody_folder: Path, content: str) -> None:
    path = ubody_folder / "annotations" / "Speech" / "keypoint_annotation.json"
    path.write_text(content)
    with pytest.raises(DataSetError, match=r"keypoint_annotation\.json: "):
        add_category(ubody_folder, "Speech")
    assert path.read_text() == content
    assert list(path.parent.iterdir()) == [path]


@dataclass
class FakeVideo:
    """Frames that are named by their number."""

    times: list[Fraction]
    rate: Fraction

    def frames(self) -> Iterator[Any]:
        for number, time in enumerate(self.times):
            yield SimpleNamespace(number=number, time=time)


def shown(rate: int, count: int) -> list[int]:
    """Which frames of a video of so many a second become those of 30 a second."""
    video: Any = FakeVideo([Fraction(n, rate) for n in range(count)], Fraction(rate))
    return [frame.number for frame in at_rate(video)]


def test_frames_become_thirty_a_second() -> None:
    assert shown(30, 7) == [0, 1, 2, 3, 4, 5, 6]
    assert shown(15, 3) == [0, 0, 1, 1, 2, 2]
    assert shown(60, 8) == [0, 2, 4, 6]
    assert len(shown(25, 250)) == 300
    assert len(shown(24, 240)) == 300
    assert shown(1000, 1) == [0]
    assert shown(30, 0) == []


def test_a_pause_in_a_video_is_filled_with_the_frame_before_it() -> None:
    video: Any = FakeVideo([Fraction(0), Fraction(1, 30), Fraction(4, 30)], Fraction(30))
    assert [frame.number for frame in at_rate(video)] == [0, 1, 1, 1, 2]


needs_av = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="PyAV is missing")


def write_video(path: Path, count: int = 20, rate: int = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, ImageSize(*SIZE), Fraction(rate)) as writer:
        for number in range(count):
            writer.write(np.full((*SIZE, 3), 10 * number, np.uint8), Fraction(number, rate))


@pytest.fixture
def videos(ubody_folder: Path) -> Path:
    """The videos of a scene of UBody, whose frames are not there yet."""
    shutil.rmtree(ubody_folder / "images")
    for name in ("c_Trim1.mp4", "b.full.mp4"):
        write_video(ubody_folder / "videos" / "TalkShow" / name)
    return ubody_folder


def frames_in(folder: Path) -> dict[str, int]:
    """Frames by name, and the grey that they are of."""
    return {path.name: round(read_picture(path).mean()) for path in sorted(folder.glob("*.png"))}


@needs_av
def test_all_frames_of_a_video_become_pictures(videos: Path) -> None:
    jobs, _ = video_jobs(videos, "TalkShow", needed_only=False)
    assert [job.run() for job in jobs] == [20, 20]
    found = frames_in(videos / "images" / "TalkShow" / "b")  # up to the first dot
    assert list(found) == [f"{number:06}.png" for number in range(1, 21)]
    np.testing.assert_allclose(list(found.values()), np.arange(20) * 10, atol=3)
    assert all(job.is_done for job in jobs)


@needs_av
def test_only_frames_that_count_are_made_if_that_is_wanted(videos: Path) -> None:
    jobs, _ = video_jobs(videos, "TalkShow", needed_only=True)
    assert [job.run() for job in jobs] == [2, 2]
    found = frames_in(videos / "images" / "TalkShow" / "c_Trim1")
    assert list(found) == ["000001.png", "000011.png"]
    assert found["000011.png"] == pytest.approx(100, abs=3)
    assert len(open_people([videos], "train", CROP, tell=quiet)) == 2


@needs_av
@pytest.mark.parametrize("needed", [True, False])
def test_frames_that_are_there_are_kept(videos: Path, needed: bool) -> None:  # noqa: FBT001
    (job, _), _ = video_jobs(videos, "TalkShow", needed_only=needed)
    total = job.run()
    kept = videos / "images" / "TalkShow" / "b" / "000001.png"
    kept.write_bytes(b"somebody's own")
    (kept.parent / "000011.png").unlink()
    (kept.parent / ".complete").unlink(missing_ok=True)
    assert not job.is_done
    assert job.run() == 1
    assert kept.read_bytes() == b"somebody's own"
    assert len(list(kept.parent.glob("*.png"))) == total


@needs_av
def test_a_video_that_ends_too_early_is_named(videos: Path) -> None:
    write_video(videos / "videos" / "TalkShow" / "c_Trim1.mp4", count=5)
    (_, job), _ = video_jobs(videos, "TalkShow", needed_only=True)
    with pytest.raises(DataSetError, match=r"c_Trim1\.mp4: expected 000011\.png .*has 5 at 30"):
        job.run()


@needs_av
def test_a_video_that_is_cut_is_named_and_not_complete(videos: Path) -> None:
    path = videos / "videos" / "TalkShow" / "c_Trim1.mp4"
    path.write_bytes(path.read_bytes()[:-700])
    (_, job), _ = video_jobs(videos, "TalkShow", needed_only=False)
    with pytest.raises(DwPoseError, match=r"c_Trim1\.mp4: "):
        job.run()
    assert not job.is_done


def test_videos_that_are_missing_or_clash_are_named_and_the_others_are_done(
    ubody_folder: Path,
) -> None:
    home = ubody_folder / "videos" / "TalkShow"
    home.mkdir(parents=True)
    jobs, (complaint,) = video_jobs(ubody_folder, "TalkShow", needed_only=False)
    assert jobs == []
    assert "expected the videos of TalkShow, got none" in complaint
    (home / "b.mp4").touch()
    (home / "._b.mp4").touch()
    (home / "notes.txt").touch()
    (job,), (complaint,) = video_jobs(ubody_folder, "TalkShow", needed_only=True)
    assert (job.video.name, job.wanted) == ("b.mp4", {"000001.png", "000011.png"})
    assert "1 videos that are annotated are not there; the first is c_Trim1" in complaint
    (home / "b.other.mp4").touch()
    (job,), (complaint,) = video_jobs(ubody_folder, "TalkShow", needed_only=False)
    assert "b.other.mp4: its frames would be those of b.mp4" in complaint


def test_a_video_whose_frames_nobody_needs_is_passed_over(ubody_folder: Path) -> None:
    home = ubody_folder / "videos" / "TalkShow"
    home.mkdir(parents=True)
    for name in ("b.mp4", "c_Trim1.mp4", "d.mp4"):
        (home / name).touch()
    jobs, complaints = video_jobs(ubody_folder, "TalkShow", needed_only=True)
    assert ([job.video.name for job in jobs], complaints) == (["b.mp4", "c_Trim1.mp4"], [])


# ---------------------------------------------------------------- the command
def run(capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    """The exit code of ``data`` with these words, and what it says."""
    code = command.main([str(word) for word in words], "data", standalone_mode=False)
    said = capfd.readouterr()
    return code, said.out + said.err


def test_check_says_what_is_there(coco_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, said = run(capfd, "check", coco_folder)
    assert code == 0
    assert "train: train2017" in said
    shutil.rmtree(coco_folder / "val2017")
    code, said = run(capfd, "check", coco_folder)
    assert code == 1
    assert "missing: the pictures, val2017/" in said


def test_check_reads_pictures(coco_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "check", coco_folder, "--pictures")[0] == 0
    (coco_folder / "train2017" / "000000000002.jpg").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    code, said = run(capfd, "check", coco_folder, "--pictures")
    assert code == 1
    assert "000000000002.jpg: expected a whole PNG picture" in said


def test_prepare_packs_and_counts(ubody_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (ubody_folder / "images" / "Speech" / "b_Trim1" / "000001.png").unlink()
    code, said = run(capfd, "prepare", ubody_folder, "-q")
    assert code == 0
    assert "UBody TalkShow: 4 of 4 people can be learnt from" in said
    assert "UBody Speech: 3 of 4 people can be learnt from" in said
    assert "left out: 1 people whose picture is not there: annotation 20" in said
    assert len(list((ubody_folder / ".dw-openpose").glob("*.people.npy"))) == 2


def test_prepare_names_a_damaged_scene_and_packs_the_others(
    ubody_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (ubody_folder / "annotations" / "Speech" / "keypoint_annotation.json").write_text('{"a": ')
    code, said = run(capfd, "prepare", ubody_folder)
    assert code == 1
    assert "UBody TalkShow: 4 of 4" in said
    assert "no whole JSON" in said


@pytest.mark.parametrize("name", ["add-cat", "add_cat"])
def test_add_cat_adds_to_every_scene(
    ubody_folder: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(capfd, name, ubody_folder) == (0, "TalkShow: added\nSpeech: added\n")
    assert run(capfd, name, ubody_folder, "--scene", "Speech") == (
        0,
        "Speech: it is there already\n",
    )


@needs_av
def test_video2image_goes_on_where_it_was_stopped(
    videos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capfd, "video2image", videos, "--needed")
    assert (code, said) == (0, "dw-openpose: 4 frames written\n")
    code, said = run(capfd, "video2image", videos, "--needed")
    assert code == 0
    assert "2 videos already done" in said
    (videos / "videos" / "TalkShow" / "b.full.mp4").write_bytes(b"no video")
    code, said = run(capfd, "video2image", videos)
    assert code == 1
    assert "expected a video" in said
    assert "18 frames written" in said


@needs_av
def test_video2image_reads_several_videos_at_a_time(
    videos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (videos / "videos" / "TalkShow" / "b.full.mp4").write_bytes(b"no video")
    code, said = run(capfd, "video2image", videos, "--workers", 2, "--scene", "TalkShow")
    assert code == 1
    assert "20 frames written" in said
    assert "b.full.mp4: expected a video" in said


def test_videos_are_read(tmp_path: Path) -> None:
    pytest.importorskip("av")
    write_video(tmp_path / "v.mp4", count=10, rate=15)
    assert len(list(at_rate(Video.of(tmp_path / "v.mp4")))) == 20
