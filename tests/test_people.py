"""Who is wanted: number, order, size and score of people; and groups of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

import dw_openpose_full as dw
from dw_openpose_full import cli
from dw_openpose_full.annotation import Look
from dw_openpose_full.cli.inputs import Job
from dw_openpose_full.cli.work import Work
from dw_openpose_full.estimator import BATCH
from dw_openpose_full.people import EVERYBODY, Order, PeopleChoice
from dw_openpose_full.poses import RgbImage

SIZE = dw.ImageSize(100, 200)
# name: box, score
PEOPLE = {
    "large": ([120, 10, 180, 90], 0.6),
    "sure": ([60, 20, 90, 60], 0.9),
    "small": ([10, 40, 15, 50], 0.8),
    "wide": ([20, 70, 90, 90], 0.4),
}
FOUND = dw.Boxes.from_arrays(
    [box for box, _ in PEOPLE.values()], [score for _, score in PEOPLE.values()]
)


def chosen(choice: PeopleChoice, found: dw.Boxes = FOUND) -> list[str]:
    names = {tuple(box): name for name, (box, _) in PEOPLE.items()}
    return [names[tuple(map(int, row))] for row in choice.of(found, SIZE).xyxy]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (EVERYBODY, "sure small large wide"),
        (PeopleChoice(order="size"), "large wide sure small"),
        (PeopleChoice(order="left-to-right"), "small wide sure large"),
        (PeopleChoice(max_people=1), "sure"),
        (PeopleChoice(max_people=2, order=Order.SIZE), "large wide"),
        (PeopleChoice(max_people=2, order="left-to-right"), "small wide"),
        (PeopleChoice(max_people=9), "sure small large wide"),
        (PeopleChoice(min_size=0.1), "sure large wide"),
        (PeopleChoice(min_size=0.4), "large"),  # 80 of 200, just so
        (PeopleChoice(min_size=0.41), ""),
        (PeopleChoice(min_score=0.6), "sure small large"),  # just so
        (PeopleChoice(min_score=0.61, max_people=1, order="left-to-right"), "small"),
    ],
)
def test_who_is_wanted(choice: PeopleChoice, names: str) -> None:
    assert chosen(choice) == names.split()


def test_scores_stay_with_their_boxes() -> None:
    assert PeopleChoice(order="size").of(FOUND, SIZE).scores.tolist() == pytest.approx(
        [0.6, 0.4, 0.9, 0.8]
    )


def test_equals_keep_their_order() -> None:
    same = dw.Boxes.from_arrays(FOUND.xyxy)
    assert chosen(EVERYBODY, same) == list(PEOPLE)


def test_nobody_stays_nobody() -> None:
    nobody = dw.Boxes.from_arrays([])
    for order in Order:
        assert len(PeopleChoice(max_people=1, order=order, min_size=0.5).of(nobody, SIZE)) == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"max_people": 0}, "max_people must be a positive number, got 0"),
        ({"max_people": 1.5}, "positive number, got 1.5"),
        ({"order": "age"}, "score, size, left-to-right, got 'age'"),
        ({"min_size": 1.1}, "min_size must lie within"),
        ({"min_size": float("nan")}, "min_size must lie within"),
        ({"min_score": -0.1}, "min_score must lie within"),
    ],
)
def test_other_choices_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(dw.OptionError, match=words):
        PeopleChoice(**wrong)  # type: ignore[arg-type]


# ---------------------------------------------------------------- in the whole


class Sight:
    """Detector and estimator in one: finds ``FOUND``, reads centres, notes what it is asked."""

    def __init__(self) -> None:
        self.scores: list[float | None] = []
        self.groups: list[list[int]] = []
        self.breaks_on: int | None = None  # a picture's first pixel

    def __call__(self, image: RgbImage, *, score: float | None = None) -> dw.Boxes:
        self.scores.append(score)
        return FOUND

    def read_pictures(
        self, images: Sequence[RgbImage], boxes: Sequence[dw.Boxes]
    ) -> list[dw.WholeBodyPoses]:
        first = [int(image[0, 0, 0]) for image in images]
        self.groups.append(first)
        if self.breaks_on in first:
            raise dw.ModelError("this picture breaks it")
        return [
            dw.WholeBodyPoses.from_arrays(
                np.repeat(found.xyxy.reshape(-1, 2, 2).mean(axis=1)[:, None], 133, axis=1),
                np.ones((len(found), 133)),
                image_size=image.shape[:2],
                boxes=found,
            )
            for image, found in zip(images, boxes, strict=True)
        ]

    @property
    def whole(self) -> dw.DwOpenpose:
        return dw.DwOpenpose(self, self, model="sight", description="")


def test_the_whole_passes_the_choice_on() -> None:
    sight, picture = Sight(), np.zeros((*SIZE, 3), np.uint8)
    choice = PeopleChoice(max_people=1, order="size", min_score=0.5)
    assert sight.whole.detect(picture, people=choice).boxes.xyxy.tolist() == [[120, 10, 180, 90]]
    assert len(sight.whole(picture, people=choice).figures) == 1
    assert len(sight.whole.detect(picture)) == 4
    assert sight.scores == [0.5, 0.5, None]


def test_the_callers_boxes_are_chosen_from_too() -> None:
    poses = Sight().whole.detect(
        np.zeros((*SIZE, 3), np.uint8), boxes=FOUND, people=PeopleChoice(min_score=0.85)
    )
    assert poses.boxes.xyxy.tolist() == [[60, 20, 90, 60]]


# ---------------------------------------------------------------- in groups


def jobs(folder: Path, count: int) -> list[Job]:
    """Pictures that tell their number in their first pixel."""
    made = []
    for number in range(count):
        picture = np.full((*SIZE, 3), number, np.uint8)
        path = folder / f"{number}.png"
        path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        made.append(Job(path, folder / "out" / path.name))
    return made


def one_person() -> PeopleChoice:
    return PeopleChoice(max_people=1)


def test_persons_of_several_pictures_share_a_batch(tmp_path: Path) -> None:
    sight, todo = Sight(), jobs(tmp_path, 5)
    done = list(Work(sight.whole, Look(), EVERYBODY).of(todo))
    assert sight.groups == [[0, 1], [2, 3], [4]]  # four people on each, BATCH is eight
    assert BATCH == 4 * 2
    assert [job for job, _ in done] == todo
    assert all(len(draw().poses) == 4 for _, draw in done)


def test_a_group_does_not_grow_for_ever(tmp_path: Path) -> None:
    sight, todo = Sight(), jobs(tmp_path, BATCH + 1)
    list(Work(sight.whole, Look(), PeopleChoice(min_size=1)).of(todo))
    assert [len(group) for group in sight.groups] == [BATCH, 1]


def test_large_pictures_make_small_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dw_openpose_full.pipeline.MAX_PIXELS", 2 * SIZE.height * SIZE.width)
    sight = Sight()
    list(Work(sight.whole, Look(), one_person()).of(jobs(tmp_path, 5)))
    assert sight.groups == [[0, 1], [2, 3], [4]]


def test_a_picture_that_breaks_its_group_fails_alone(tmp_path: Path) -> None:
    sight = Sight()
    sight.breaks_on = 1
    outcomes = []
    for job, draw in Work(sight.whole, Look(), one_person()).of(jobs(tmp_path, 3)):
        try:
            outcomes.append((job.source.name, len(draw().poses)))
        except dw.ModelError as error:
            outcomes.append((job.source.name, str(error)))
    assert outcomes == [("0.png", 1), ("1.png", "this picture breaks it"), ("2.png", 1)]


def test_a_picture_that_can_not_be_read_fails_in_its_turn(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 3)
    todo[1].source.write_bytes(b"no picture")
    sight = Sight()
    work = Work(sight.whole, Look(), one_person()).of(todo)
    assert [job.source.name for job, _ in work] == ["0.png", "1.png", "2.png"]
    assert sight.groups == [[0], [2]]


# ---------------------------------------------------------------- in the command


def test_the_command_takes_the_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Work] = []

    def of(self: Work, todo: Sequence[Job]) -> list[object]:
        seen.append(self)
        return []

    monkeypatch.setattr(Work, "of", of)
    job = jobs(tmp_path, 1)[0]
    words = (
        "--max-people 3 --order left-to-right --min-size .2 --min-score .4 --threshold .2,hands=.6"
    )
    call = ["annotate", str(job.source), "-o", str(tmp_path / "out"), "--model", "lite"]
    assert cli.run([*call, *words.split(), "--phantoms"]) == 0
    assert cli.run([*call, "--parity"]) == 0
    assert cli.run([*call, "--parity", "--no-phantoms"]) == 0
    assert seen[0].people == PeopleChoice(3, "left-to-right", 0.2, 0.4)
    assert seen[0].look.threshold == dw.Thresholds(0.2, 0.6, 0.2, 0.2)
    assert [work.look.phantoms for work in seen] == [True, True, False]
    assert seen[1].people == EVERYBODY


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--order", "age"], "left-to-right"),
        (["--min-size", "2"], "0<=x<=1"),
        (["--min-score", "nan"], "not a number"),
        (["--max-people", "0"], "x>=1"),
        (["--threshold", "high"], "0.3,hands=0.5"),
        (["--threshold", "0.3,tail=0.5"], "body, hands, face, feet"),
        (["--threshold", "nan"], "within 0..1"),
        (["--threshold", "0.3,hands=2"], "2.0 for hands"),
    ],
)
def test_wrong_use_names_the_choices(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["annotate", str(tmp_path / "a.png"), *words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
