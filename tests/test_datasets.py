"""Data sets: read entry by entry, packed, checked; what is wrong in them is named and counted."""

from __future__ import annotations

import json
import os
import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_folders import (
    FIELDS,
    SIZE,
    coco,
    document,
    image,
    person,
    write_json,
    write_picture,
)
from dw_openpose_full.datasets import json_stream, packing
from dw_openpose_full.datasets.augmentation import Course, Views
from dw_openpose_full.datasets.counting import Tally
from dw_openpose_full.datasets.filtering import (
    CROWD,
    LOST,
    NO_BODY,
    OUTSIDE,
    UNSEEN,
    WRONG,
    WRONG_PICTURE,
    faults,
)
from dw_openpose_full.datasets.json_stream import entries, names
from dw_openpose_full.datasets.layouts import recognised
from dw_openpose_full.datasets.packing import Pack, Source
from dw_openpose_full.datasets.people import (
    UNVARIED,
    open_people,
)
from dw_openpose_full.errors import DataSetError, OutputError
from dw_openpose_full.evaluation.annotations import Annotations
from dw_openpose_full.poses import ImageSize

CROP = ImageSize(64, 48)
VIEWS = Views(CROP, UNVARIED, (0,))
VARIED = Course.named("strong", "mild", 3)


def quiet(_line: str) -> None:
    """Take no notice."""


def packed(folder: Path, people: list[object], images: list[object] | None = None) -> Pack:
    """The pack of a document; its pictures 1 to 5 are there."""
    known = [image(number, f"{number}.png") for number in range(1, 6)]
    content = document(people, known if images is None else images)
    annotations = write_json(folder / "gt.json", content)
    for number in range(1, 6):
        write_picture(folder / "pictures" / f"{number}.png", number)
    return Pack.of(Source(annotations, folder / "pictures"), folder / "packs")


# ---------------------------------------------------------------- JSON, entry by entry
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(
    before=st.dictionaries(st.text(), values, max_size=3),
    wanted=st.lists(values, max_size=6),
    after=st.dictionaries(st.text(), values, max_size=3),
    chunk=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
)
def test_entries_are_what_the_whole_file_has(  # noqa: PLR0917
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, Any],
    wanted: list[Any],
    after: dict[str, Any],
    chunk: int,
    indent: int | None,
) -> None:
    others = {name: value for name, value in (before | after).items() if name != "wanted"}
    content = {name: others[name] for name in before if name in others}
    content |= {"wanted": wanted} | others
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content, indent=indent, ensure_ascii=chunk % 2 == 0), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "CHUNK", chunk)
        assert list(entries(path, "wanted")) == wanted
        assert names(path) == list(content)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "this is no whole JSON"),
        ("[1, 2]", "this is no whole JSON: expected '{'"),
        ('{"people": [1, 2', "this is no whole JSON.*copy it again"),
        ('{"people": [1, {"a": 2', "this is no whole JSON.*copy it again"),
        ('{"people": [1 2]}', "expected ','"),
        ('{"people": 3}', "expected an object with a list people"),
        ('{"others": [1]}', "expected an object with a list people"),
        ('{"others": ' + "[" * 100_000, "nested too deeply"),
        ("<html>quota exceeded</html>", "this is no whole JSON"),
    ],
)
def test_a_file_that_is_no_such_json_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "gt.json"
    path.write_text(text)
    with pytest.raises(DataSetError, match=f"gt.json: .*{words}"):
        list(entries(path, "people"))


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "gt.json").write_bytes(b'{"people": ["\xff"]}')
    with pytest.raises(DataSetError, match=r"gt\.json: expected JSON text in UTF-8"):
        list(entries(tmp_path / "gt.json", "people"))
    with pytest.raises(DataSetError, match=r"none\.json: can not be read: no such file"):
        list(entries(tmp_path / "none.json", "people"))


def test_a_value_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", 100)
    monkeypatch.setattr(json_stream, "LONGEST", 1000)
    path = tmp_path / "gt.json"
    path.write_text('{"people": ["' + "a" * 100_000)
    read: list[int] = []
    more = json_stream._Reader._more_

    def counted(reader: Any) -> None:
        more(reader)
        read.append(len(reader._text))

    monkeypatch.setattr(json_stream._Reader, "_more_", counted)
    with pytest.raises(DataSetError, match="no whole JSON"):
        list(entries(path, "people"))
    assert max(read) < 5000


# ---------------------------------------------------------------- who is left out
BAD_PEOPLE = [
    (CROWD, {"iscrowd": 1}, ""),
    (NO_BODY, {"num_keypoints": 0}, ""),
    (OUTSIDE, {"bbox": [200, 10, 30, 30]}, "200.0"),
    (OUTSIDE, {"bbox": [20, 10, 0, 30]}, ""),
    (OUTSIDE, {"bbox": [-50, 10, 40, 30]}, ""),
    (UNSEEN, {field: [5, 5, 0] * count for field, count in FIELDS.items()}, ""),
    (UNSEEN, {field: [0, 0, 2] * count for field, count in FIELDS.items()}, ""),
    (LOST, {"image_id": 77}, "image_id 77"),
    (LOST, {"image_id": 6}, "6.png"),
    (WRONG, {"category_id": 3}, "category_id"),
    (WRONG, {"image_id": "1"}, "image_id"),
    (WRONG, {"id": None}, "id"),
    (WRONG, {"bbox": [1, 2, 3]}, "bbox"),
    (WRONG, {"bbox": [1, 2, -3, 4]}, "bbox"),
    (WRONG, {"bbox": None}, "bbox"),
    (WRONG, {"keypoints": [1, 2]}, "keypoints"),
    (WRONG, {"face_kpts": None}, "face_kpts"),
    (WRONG, {"face_kpts": ["1"] * 204}, "face_kpts"),
    (WRONG, {"face_kpts": [[1, 2, 3]] * 68}, "face_kpts"),
    (WRONG, {"foot_kpts": [float("nan")] * 18}, "foot_kpts"),
    (WRONG, {"area": "large"}, "area"),
]


@pytest.mark.parametrize(("why", "changes", "detail"), BAD_PEOPLE)
def test_who_can_not_be_learnt_from_is_counted_and_named(
    tmp_path: Path, why: str, changes: dict[str, Any], detail: str
) -> None:
    known = [image(number, f"{number}.png") for number in range(1, 7)]  # the last is not there
    bad = person(9, 2) | changes
    pack = packed(tmp_path, [person(8, 1), bad, person(10, 2)], known)
    assert pack.people["id"].tolist() == [8, 10]
    assert pack.left_out.counts == {why: 1}
    (case,) = pack.left_out.cases[why]
    assert case.startswith("annotation 9" if "id" not in changes else "annotation at place 1")
    assert detail in case
    assert pack.notes["annotated"] == 3


def test_an_entry_that_is_no_object_is_counted(tmp_path: Path) -> None:
    pack = packed(tmp_path, [person(8, 1), [1, 2], "somebody"])
    assert pack.left_out.counts == {WRONG: 2}


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    entry = person(9, 1)
    del entry["righthand_kpts"]
    pack = packed(tmp_path, [person(8, 1), entry])
    assert "it has no righthand_kpts" in pack.left_out.cases[WRONG][0]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"width": None}, "width"),
        ({"height": 0}, "0"),
        ({"id": "2"}, "id"),
        ({"file_name": None}, "file_name"),
        ({"file_name": ""}, "file_name"),
        ({"file_name": "../2.png"}, "file_name"),
        ({"file_name": "a\0.png"}, "file_name"),
        ({"file_name": "a" * 2000}, "file_name"),
    ],
)
def test_entries_of_pictures_that_can_not_be_used_are_counted(
    tmp_path: Path, changes: dict[str, Any], detail: str
) -> None:
    images = [image(1, "1.png"), image(2, "2.png") | changes, ["3.png"]]
    pack = packed(tmp_path, [person(8, 1), person(9, 2)], images)
    assert pack.people["id"].tolist() == [8]
    assert pack.left_out.counts == {WRONG_PICTURE: 2, LOST: 1}
    assert detail in pack.left_out.cases[WRONG_PICTURE][0]
    assert pack.notes["annotated"] == 2


def test_only_the_first_cases_are_named_and_all_are_counted(tmp_path: Path) -> None:
    pack = packed(tmp_path, [person(1, 1), *(person(9 + n, 1, iscrowd=1) for n in range(5))])
    assert pack.left_out.lines() == [f"5 {CROWD}: annotation 9, annotation 10, annotation 11, ..."]


def test_what_the_published_rule_leaves_out_is_no_fault() -> None:
    tally = Tally()
    for reason in (CROWD, NO_BODY, OUTSIDE):
        tally.add_(reason, "annotation 1")
    assert faults(tally) == [f"1 {OUTSIDE}: annotation 1"]


def test_nobody_to_learn_from_is_an_error_that_counts(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"gt\.json: there is nobody.*2 crowds: annotation 1"):
        packed(tmp_path, [person(1, 1, iscrowd=1), person(2, 1, iscrowd=1)])
    with pytest.raises(DataSetError, match=r"it annotates nobody"):
        packed(tmp_path, [])


def test_a_body_is_counted_where_the_file_does_not(tmp_path: Path) -> None:
    counted, bodiless = person(8, 1), person(9, 1, keypoints=[0] * 51)
    for entry in (counted, bodiless):
        del entry["num_keypoints"]
    pack = packed(tmp_path, [counted, bodiless])
    assert pack.people["id"].tolist() == [8]
    assert pack.left_out.counts == {NO_BODY: 1}


# ---------------------------------------------------------------- packs
def test_a_pack_has_what_the_annotations_have(tmp_path: Path) -> None:
    entries_ = [person(7, 2, face_kpts=[1.5, 2.5, 0.25] * 68), person(8, 1, bbox=[-10, 5, 500, 30])]
    pack = packed(tmp_path, entries_)
    truth = Annotations.read(tmp_path / "gt.json")
    np.testing.assert_array_equal(pack.people["keypoints"], truth.keypoints.astype(np.float32))
    np.testing.assert_array_equal(pack.people["box"], [[20, 10, 80, 80], [0, 5, 119, 35]])
    np.testing.assert_array_equal(pack.people["area"], [1007, 1008])
    assert [pack.file_of(row) for row in pack.people["picture"]] == ["2.png", "1.png"]
    assert pack.pictures[["height", "width"]].tolist() == [SIZE, SIZE]


def test_an_area_that_is_not_annotated_or_not_looked_at_is_a_share_of_the_box(
    tmp_path: Path,
) -> None:
    bare = person(8, 1)
    del bare["area"]
    pack = packed(tmp_path, [person(7, 1), bare])
    np.testing.assert_allclose(pack.people["area"], [1007, 0.53 * 60 * 70])
    path = write_json(tmp_path / "gt.json", document([person(7, 10)], [image(10, "1.png")]))
    write_picture(tmp_path / "1.png", 1)
    sampled = Pack.of(Source(path, tmp_path, sampled=True), tmp_path / "sampled")
    np.testing.assert_allclose(sampled.people["area"], [0.53 * 60 * 70])


def test_a_pack_has_the_same_digest_elsewhere_and_another_for_other_people(tmp_path: Path) -> None:
    ours = packed(tmp_path / "ours", [person(7, 1)])
    copy = packed(tmp_path / "copy", [person(7, 1)])
    assert ours.digest == copy.digest
    assert packed(tmp_path / "moved", [person(7, 1, bbox=[21, 10, 60, 70])]).digest != ours.digest
    assert packed(tmp_path / "named", [person(7, 2)]).digest != ours.digest


def test_annotations_may_come_before_pictures(tmp_path: Path) -> None:
    content = document([person(7, 2)], [image(2, "2.png")])
    write_picture(tmp_path / "2.png", 2)
    path = write_json(tmp_path / "gt.json", dict(reversed(content.items())))
    assert path.read_text().index("annotations") < path.read_text().index("images")
    assert len(Pack.of(Source(path, tmp_path), tmp_path / "packs").people) == 1


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """COCO-WholeBody with three people to learn from and two to be measured on."""
    return coco(tmp_path / "coco")


def source_of(data: Path) -> Source:
    return recognised(data).sources["train"]["train2017"]


def no_packing(*_: object, **__: object) -> Iterator[object]:
    raise AssertionError("it was packed again")


def test_a_pack_is_made_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Pack.of(source_of(data), data / "packs")
    monkeypatch.setattr(packing, "entries", no_packing)
    again = Pack.of(source_of(data), data / "packs")
    np.testing.assert_array_equal(first.people, again.people)


def test_a_pack_of_a_file_that_has_changed_is_made_anew(data: Path) -> None:
    source, packs = source_of(data), data / "packs"
    before = len(Pack.of(source, packs).people)
    content = json.loads(source.annotations.read_text())
    content["annotations"].pop()
    source.annotations.write_text(json.dumps(content))
    os.utime(source.annotations, ns=(1, 1))
    assert (before, len(Pack.of(source, packs).people)) == (3, 2)
    assert len(list(packs.iterdir())) == 3  # the old one is gone


@pytest.mark.parametrize("kind", ["*.people.npy", "*.pictures.npy", "*.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "other"])
def test_a_damaged_pack_is_made_anew(data: Path, kind: str, damage: str) -> None:
    source, packs = source_of(data), data / "packs"
    Pack.of(source, packs)
    (path,) = packs.glob(kind)
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"[]")
    pack = Pack.of(source, packs)
    assert len(pack.people) == 3
    assert path.read_bytes() == whole


def test_pictures_that_come_later_are_packed(data: Path) -> None:
    source, packs = source_of(data), data / "packs"
    late = data / "train2017" / "000000000002.jpg"
    kept = late.rename(data / "kept.jpg")
    pack = Pack.of(source, packs)
    assert pack.left_out.cases[LOST] == ["annotation 2 (000000000002.jpg)"]
    assert len(Pack.of(source, packs).people) == 2
    kept.rename(late)
    assert len(Pack.of(source, packs).people) == 3


def test_a_file_that_ends_too_early_leaves_no_pack(data: Path) -> None:
    source, packs = source_of(data), data / "packs"
    text = source.annotations.read_text()
    source.annotations.write_text(text[: len(text) * 3 // 4])
    with pytest.raises(DataSetError, match=r"train_v1\.0\.json: this is no whole JSON"):
        Pack.of(source, packs)
    assert list(packs.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="permissions are another matter there")
def test_a_folder_that_can_not_be_written_to_names_the_way_out(data: Path) -> None:
    (data / ".dw-openpose").write_text("a file, not a folder")
    with pytest.raises(OutputError, match="--cache names another folder"):
        open_people([data], "train", CROP, tell=quiet)
    people = open_people([data], "train", CROP, cache=data / "elsewhere", tell=quiet)
    assert len(people) == 3
    assert len(list((data / "elsewhere").glob("coco-*/*.npy"))) == 2


def test_a_pack_that_is_sent_to_a_process_is_small(data: Path) -> None:
    pack = Pack.of(source_of(data), data / "packs")
    assert len(pack.people) == 3  # mapped by now
    sent = pickle.dumps(pack)
    assert len(sent) < 1000
    np.testing.assert_array_equal(pickle.loads(sent).people, pack.people)


def test_memory_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the entry that is being read is held, and a little text round it."""
    monkeypatch.setattr(json_stream, "CHUNK", 1 << 16)
    everybody = document([person(1, 1)] * 1500, [image(1, "1.png")])
    path = write_json(tmp_path / "gt.json", everybody)
    write_picture(tmp_path / "1.png", 1)
    tracemalloc.start()
    try:
        pack = Pack.of(Source(path, tmp_path), tmp_path / "packs")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(pack.people) == 1500
    assert path.stat().st_size > 2e6
    assert peak < 1e6
