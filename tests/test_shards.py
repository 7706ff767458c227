"""Shards: written once, read by place or by the library webdataset; damage is named and counted."""

from __future__ import annotations

import json
import pickle
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_folders import coco
from dw_openpose_full.cli.data import data as command
from dw_openpose_full.datasets.augmentation import Course, Views
from dw_openpose_full.datasets.crops import Person
from dw_openpose_full.datasets.layouts import recognised
from dw_openpose_full.datasets.packed import PackedPeople
from dw_openpose_full.datasets.people import (
    UNVARIED,
    Measured,
    measured_people,
    open_people,
    packed_people,
)
from dw_openpose_full.datasets.sharding import ShardWriter, enlarged
from dw_openpose_full.datasets.shards import DAMAGED, ShardedPeople, is_sharded
from dw_openpose_full.errors import DataSetError
from dw_openpose_full.evaluation.boxes import annotated_boxes
from dw_openpose_full.geometry import PersonCrop
from dw_openpose_full.pictures.decoding import decode
from dw_openpose_full.poses import ImageSize

CROP = ImageSize(64, 48)
VIEWS = Views(CROP, UNVARIED, (0,))
SMALL = Views(ImageSize(32, 24), UNVARIED, (0,))
PEOPLE = 11


def quiet(_line: str) -> None:
    """Take no notice."""


def people_of(folder: Path) -> list[PackedPeople]:
    return packed_people(recognised(folder), "train", VIEWS, tell=quiet)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of eleven people, and its shards of four."""
    folder = tmp_path_factory.mktemp("made")
    writer = ShardWriter(
        people_of(coco(folder / "coco", {"train": PEOPLE})), folder / "shards", "train", in_shard=4
    )
    assert list(writer) == list(range(1, PEOPLE + 1))
    assert (len(writer.files), writer.people, len(writer.left_out)) == (3, PEOPLE, 0)
    return folder


@pytest.fixture
def shards(made: Path, tmp_path: Path) -> Path:
    """The shards, to be damaged."""
    shutil.copytree(made / "shards", tmp_path / "shards")
    return tmp_path / "shards"


def opened(folder: Path, views: Views = VIEWS) -> ShardedPeople:
    return ShardedPeople.open(folder, "train", views)


def annotations(folder: Path) -> list[int]:
    """The ids of the people of shards, in the shards' order."""
    found = []
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as shard:
            for member in shard:
                if member.name.endswith(".json"):
                    file = shard.extractfile(member)
                    assert file is not None
                    found.append(json.load(file)["annotation"])
    return found


def test_shards_hold_everybody_once_and_mixed(made: Path) -> None:
    found = annotations(made / "shards")
    assert sorted(found) == list(range(1, PEOPLE + 1))
    assert found != sorted(found)
    assert len(opened(made / "shards")) == PEOPLE


def test_shards_show_people_as_their_data_set_does(made: Path) -> None:
    (plain,) = people_of(made / "coco")
    sharded = opened(made / "shards")
    for place, number in enumerate(annotations(made / "shards")):
        expected, sample = plain.sample(number - 1, 0), sharded.sample(place, 0)
        np.testing.assert_allclose(sample.keypoints, expected.keypoints, atol=0.01)
        np.testing.assert_array_equal(sample.labelled, expected.labelled)
        away = np.abs(sample.crop.astype(int) - expected.crop)
        others = np.abs(plain.sample(number % PEOPLE, 0).crop.astype(int) - expected.crop)
        assert 10 * away.mean() < others.mean()


def test_the_same_shards_are_written_again(made: Path, tmp_path: Path) -> None:
    list(ShardWriter(people_of(made / "coco"), tmp_path, "train", in_shard=4))
    for path in (made / "shards").iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_the_library_webdataset_reads_them(made: Path) -> None:
    library = pytest.importorskip("webdataset.tariterators")
    found = []
    for path in sorted((made / "shards").glob("*.tar")):
        with path.open("rb") as stream:
            members = library.tar_file_expander([{"url": path.name, "stream": stream}])
            found += list(library.group_by_keys(members))
    assert len(found) == PEOPLE
    sharded, ids = opened(made / "shards"), annotations(made / "shards")
    for place, pair in enumerate(found):
        picture, somebody = sharded.read(place)
        np.testing.assert_array_equal(decode(pair["jpg"], "jpg"), picture)
        notes = json.loads(pair["json"])
        np.testing.assert_allclose(notes["box"], somebody.box, rtol=1e-6)
        assert notes["annotation"] == ids[place]


def test_shards_are_varied_by_their_seed_epoch_and_number_in_any_process(made: Path) -> None:
    views = Views(CROP, Course.named("strong", "mild", 3), (4, 0))
    source = opened(made / "shards", views)
    samples = {place: source.sample(place, 1) for place in range(PEOPLE)}
    other = pickle.loads(pickle.dumps(source))
    for place, sample in reversed(samples.items()):
        np.testing.assert_array_equal(other.sample(place, 1).crop, sample.crop)
        np.testing.assert_array_equal(other.sample(place, 1).keypoints, sample.keypoints)
    assert (source.sample(0, 2).crop != samples[0].crop).any()


def test_a_folder_of_shards_is_opened_like_a_data_set(made: Path) -> None:
    source = open_people([made / "shards", made / "coco"], "train", CROP, tell=quiet)
    assert len(source) == 2 * PEOPLE
    assert source.sample(0, 0).crop.shape == (*CROP, 3)
    assert is_sharded(made / "shards", "train")
    assert not is_sharded(made / "shards", "val")
    assert not is_sharded(made / "coco", "train")


def test_people_have_a_digest_that_follows_them_and_their_order(made: Path, tmp_path: Path) -> None:
    def digest(*folders: Path) -> str:
        return open_people(folders, "train", CROP, tell=quiet).digest

    plain, sharded = made / "coco", made / "shards"
    shutil.copytree(plain, tmp_path / "copy")
    assert digest(tmp_path / "copy") == digest(plain)
    assert digest(plain, sharded) != digest(sharded, plain)
    path = tmp_path / "copy" / "annotations" / "coco_wholebody_train_v1.0.json"
    path.write_text(path.read_text().replace("1005.0", "1005.5"))
    assert digest(tmp_path / "copy") != digest(plain)
    people = people_of(made / "coco")[0]
    assert replace(people, rows=people.rows[::-1]).digest != people.digest
    list(ShardWriter(people_of(tmp_path / "copy"), tmp_path / "shards", "train", in_shard=4))
    assert digest(tmp_path / "shards") != digest(sharded)


# ---------------------------------------------------------------- to be measured on
@pytest.fixture(scope="module")
def measurable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set whose five people are to be measured on, and its shards."""
    folder = tmp_path_factory.mktemp("measurable")
    data = recognised(coco(folder / "coco", {"val": 5}))
    list(ShardWriter(packed_people(data, "val", SMALL, tell=quiet), folder / "shards", "val"))
    return folder


def test_people_of_shards_are_measured_as_those_of_their_data_set(measurable: Path) -> None:
    plain = measured_people(measurable / "coco", SMALL.size)
    sharded = measured_people(measurable / "shards", SMALL.size)
    assert len(sharded.truth) == len(sharded.truth.pictures) == 5
    order = [number - 1 for number in annotations(measurable / "shards")]
    np.testing.assert_array_equal(
        sharded.truth.keypoints[..., 2] > 0, plain.truth.keypoints[order][..., 2] > 0
    )
    for place, row in enumerate(order):
        assert sharded.truth.areas[place] < 0.9 * plain.truth.areas[row]  # the crop is small
        sides = sharded.truth.boxes[place, 2:] / plain.truth.boxes[row, 2:]
        assert sharded.truth.areas[place] == pytest.approx(
            plain.truth.areas[row] * sides.prod(), rel=1e-3
        )
        crop = person_crop(sharded, place)
        away = np.abs(crop - person_crop(plain, row + 1))
        others = np.abs(crop - person_crop(plain, (row + 1) % 5 + 1))
        assert 3 * away.mean() < others.mean()


def person_crop(measured: Measured, image: int) -> Any:
    """The crop round the person of a picture."""
    (box,) = annotated_boxes(measured.truth)[image].xyxy
    return PersonCrop.around(box, SMALL.size).warp(measured.picture(image)).astype(int)


def test_shards_can_be_measured_on_only_if_they_are_made_for_it(made: Path) -> None:
    with pytest.raises(DataSetError, match=r"shards: shards to learn from, .*--split val"):
        measured_people(made / "shards", CROP)


def test_shards_for_smaller_crops_are_not_measured_on(measurable: Path) -> None:
    with pytest.raises(DataSetError, match="expected shards for crops of 48 x 64"):
        measured_people(measurable / "shards", CROP)


def test_a_shard_is_named_whose_people_can_not_be_told(measurable: Path, tmp_path: Path) -> None:
    shutil.copytree(measurable / "shards", tmp_path / "shards")
    path = tmp_path / "shards" / "val-000000.tar"
    path.write_bytes(path.read_bytes().replace(b'{"keypoints"', b'["keypoints"'))
    with pytest.raises(DataSetError, match=r"val-000000\.tar: person 0: .*copy the shard again"):
        measured_people(tmp_path / "shards", SMALL.size)


# ---------------------------------------------------------------- the order of an epoch
@pytest.mark.parametrize("parts", [1, 2, 3, 4, 8, 20])
def test_parts_are_equally_long_and_together_everybody(made: Path, parts: int) -> None:
    source = opened(made / "shards")
    orders = [source.order(5, part, parts) for part in range(parts)]
    assert {len(order) for order in orders} == {-(-PEOPLE // parts)}
    assert set(np.concatenate(orders).tolist()) == set(range(PEOPLE))
    again = [opened(made / "shards").order(5, part, parts) for part in range(parts)]
    for one, other in zip(orders, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_shard_is_gone_through_at_one_time(made: Path) -> None:
    source = opened(made / "shards")
    orders = [source.order(epoch) for epoch in range(8)]
    for order in orders:
        visited = source.pairs["shard"][order]
        assert np.count_nonzero(np.diff(visited)) == 2
    assert len({tuple(order) for order in orders}) == 8
    first_shards = {int(source.pairs["shard"][order[0]]) for order in orders}
    assert len(first_shards) > 1


# ---------------------------------------------------------------- the enlarged crop
def test_a_pair_shows_half_as_much_again_and_no_more(made: Path) -> None:
    picture = np.zeros((400, 500, 3), np.uint8)
    points = np.full((133, 2), 200, np.float32)
    somebody = Person(np.array([200, 150, 260, 230], np.float32), points, np.ones(133, bool))
    extent = PersonCrop.around(somebody.box, CROP).extent
    cut, person_there = enlarged(picture, somebody, CROP)
    beyond = cut.shape[:2] - extent[::-1] * 1.5
    assert ((beyond >= 0) & (beyond < 3)).all()
    shift = somebody.box[:2] - person_there.box[:2]
    np.testing.assert_array_equal(person_there.keypoints, points - shift)
    np.testing.assert_array_equal(person_there.box[2:], somebody.box[2:] - shift)


def test_a_pair_of_a_large_person_is_no_finer_than_needed() -> None:
    y, x = np.mgrid[:900, :1000]
    dot = 255 * np.exp(-((x - 431) ** 2 + (y - 517) ** 2) / (2 * 15.0**2))
    picture = np.repeat(dot[..., None], 3, axis=2).astype(np.uint8)
    points = np.full((133, 2), (431, 517), np.float32)
    somebody = Person(np.array([100, 50, 800, 850], np.float32), points, np.ones(133, bool))
    cut, person_there = enlarged(picture, somebody, CROP)
    assert PersonCrop.around(person_there.box, CROP).extent[0] == pytest.approx(
        2 * CROP.width, 0.02
    )
    light = cut[..., 0].astype(float)
    rows, columns = np.mgrid[: cut.shape[0], : cut.shape[1]]
    found = np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()
    np.testing.assert_allclose(found, person_there.keypoints[0], atol=0.05)


# ---------------------------------------------------------------- damage
def test_a_shard_that_is_missing_or_cut_short_is_named(shards: Path) -> None:
    path = shards / "train-000001.tar"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(DataSetError, match=rf"train-000001\.tar: expected a shard of {len(whole)}"):
        opened(shards)
    path.unlink()
    with pytest.raises(DataSetError, match=r"train-000001\.tar: can not be read"):
        opened(shards)


@pytest.mark.parametrize("member", ["picture", "notes"])
def test_a_flipped_bit_is_named_and_counted_and_the_others_can_be_read(
    shards: Path, member: str
) -> None:
    source = opened(shards)
    pair = source.pairs[5]
    content = bytearray(source.files[pair["shard"]].read_bytes())
    content[int(pair[member]) + 40] ^= 1
    source.files[pair["shard"]].write_bytes(content)
    with pytest.raises(DataSetError, match=r"train-000001\.tar: person 5: .*check sum"):
        source.sample(5, 0)
    assert source.sample(4, 0).labelled.any()
    damage = source.damage()
    assert damage.counts == {DAMAGED: 1}
    assert "person 5" in damage.cases[DAMAGED][0]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("train.shards.json", b"{}"),
        ("train.shards.json", b"[1]"),
        ("train.shards.json", b"no json"),
        ("train.index.npy", b"no array"),
        ("train.index.npy", b""),
    ],
)
def test_a_list_or_index_that_is_damaged_is_named(shards: Path, file: str, content: bytes) -> None:
    (shards / file).write_bytes(content)
    with pytest.raises(DataSetError, match=r"train\.shards\.json: .*write the shards again"):
        opened(shards)


@pytest.mark.parametrize("change", [{"format": 99}, {"people": 3}])
def test_shards_of_another_version_are_refused(shards: Path, change: dict[str, int]) -> None:
    path = shards / "train.shards.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataSetError, match="of another version"):
        opened(shards)


def test_shards_for_smaller_crops_are_refused(shards: Path) -> None:
    with pytest.raises(DataSetError, match=r"expected shards for crops of 48 x 128 .*got 48 x 64"):
        opened(shards, Views(ImageSize(128, 48), UNVARIED, (0,)))
    assert len(opened(shards, Views(ImageSize(32, 24), UNVARIED, (0,)))) == PEOPLE


def test_nobody_has_a_number_beyond_the_last(made: Path) -> None:
    for index in (-1, PEOPLE):
        with pytest.raises(IndexError, match=f"there are {PEOPLE} people"):
            opened(made / "shards").sample(index, 0)


def test_pictures_that_can_not_be_read_are_counted_and_left_out(tmp_path: Path) -> None:
    people = people_of(coco(tmp_path / "coco", {"train": 3}))
    (tmp_path / "coco" / "train2017" / "000000000002.jpg").write_bytes(b"text, no picture")
    writer = ShardWriter(people, tmp_path / "shards", "train")
    assert len(list(writer)) == 3
    assert writer.people == 2
    assert len(writer.left_out) == 1
    assert "000000000002.jpg" in writer.left_out.lines()[0]
    assert sorted(annotations(tmp_path / "shards")) == [1, 3]


def test_nobody_at_all_is_an_error(tmp_path: Path) -> None:
    people = people_of(coco(tmp_path / "coco", {"train": 1}))
    (tmp_path / "coco" / "train2017" / "000000000001.jpg").unlink()
    with pytest.raises(DataSetError, match=r"there is nobody to write; 1 .*000000000001\.jpg"):
        list(ShardWriter(people, tmp_path / "shards", "train"))


def test_no_sources_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="nobody to write for val"):
        ShardWriter([], tmp_path, "val")


def test_stopped_in_the_middle_there_are_no_shards_to_open(shards: Path, made: Path) -> None:
    writer = iter(ShardWriter(people_of(made / "coco"), shards, "train", in_shard=4))
    for _ in range(6):
        next(writer)
    writer.close()
    assert not is_sharded(shards, "train")
    assert not list(shards.glob(".*"))


# ---------------------------------------------------------------- the command
def test_the_command_writes_and_checks_shards(
    made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["shards", str(made / "coco"), "-o", str(tmp_path / "out"), "--size", "192x256"]
    assert command.main(words, "data", standalone_mode=False) == 0
    assert f"1 shards, {PEOPLE} people" in capfd.readouterr().err
    check = ["check", str(tmp_path / "out"), "--pictures"]
    assert command.main(check, "data", standalone_mode=False) == 0
    assert f"1 shards of train, {PEOPLE} people" in capfd.readouterr().out
    path = tmp_path / "out" / "train-000000.tar"
    content = bytearray(path.read_bytes())
    content[700] ^= 255
    path.write_bytes(content)
    assert command.main(check, "data", standalone_mode=False) == 1
    assert f"1 {DAMAGED}" in capfd.readouterr().err


def test_the_command_names_whom_it_leaves_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = coco(tmp_path / "coco", {"train": 3})
    (folder / "train2017" / "000000000002.jpg").write_bytes(b"text, no picture")
    words = ["shards", str(folder), "-o", str(tmp_path / "out")]
    assert command.main(words, "data", standalone_mode=False) == 1
    said = capfd.readouterr().err
    assert "1 shards, 2 people" in said
    assert "000000000002.jpg" in said
