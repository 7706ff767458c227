"""Whole trainings: killed and taken up, spoilt and stopped, alone and together."""

# ruff: noqa: E402  without torch nothing below can be imported

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from dw_openpose_full.cli.data import data
from dw_openpose_full.cli.train import train
from dw_openpose_full.datasets.samples import Sample
from dw_openpose_full.errors import DataSetError, OptionError, OutputError, TrainingError
from dw_openpose_full.evaluation.parts import FIELDS
from dw_openpose_full.networks import RtmPose
from dw_openpose_full.training import state as states
from dw_openpose_full.training.beginnings import make_stage
from dw_openpose_full.training.feed import Share
from dw_openpose_full.training.log import Log
from dw_openpose_full.training.loop import decaying_and_not
from dw_openpose_full.training.presets import PRESETS
from dw_openpose_full.training.processes import Crew
from dw_openpose_full.training.run import BEST, FINAL, STATE
from dw_openpose_full.training.state import read_state, write_state
from training_runner import TINY, RandomPeople, Training, feed, read

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent / "annotator"
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """Small networks gain nothing by more, and neighbours lose."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def surroundings() -> dict[str, str]:
    """Of a program with our sources."""
    paths = os.pathsep.join(map(str, (SOURCES, HERE)))
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}


def program(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with our sources."""
    return subprocess.run(
        [sys.executable, *words],
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def alike(one: Any, other: Any) -> bool:
    """Whether two states are the same to the last bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A training that nothing happened to."""
    torch.set_num_threads(1)
    return Training(tmp_path_factory.mktemp("whole")).go()


# ---------------------------------------------------------------- order


def test_an_epoch_shows_everybody_once_and_fills_its_last_step() -> None:
    share = Share(people=10, batch=4, seed=3)
    steps = list(share.places(0, 6))
    assert share.steps_per_epoch == 3
    assert all(len(step) == 4 for step in steps)
    first = [person for step in steps[:3] for _, person in step]
    assert sorted(first[:10]) == list(range(10))
    assert first[10:] == first[:2]
    assert {epoch for step in steps[3:] for epoch, _ in step} == {1}
    assert [person for step in steps[3:] for _, person in step] != first


def test_a_data_set_smaller_than_a_step_is_repeated() -> None:
    (step,) = Share(people=3, batch=8).places(0, 1)
    assert sorted({person for _, person in step}) == [0, 1, 2]
    assert len(step) == 8


@pytest.mark.parametrize("processes", [2, 4])
def test_a_step_is_the_same_people_on_any_number_of_processes(processes: int) -> None:
    alone = list(Share(people=21, batch=8, seed=1).places(0, 7))
    shares = [
        list(Share(21, 8 // processes, rank, processes, seed=1).places(0, 7))
        for rank in range(processes)
    ]
    together = [[place for part in step for place in part] for step in zip(*shares, strict=True)]
    assert together == alone


def test_places_can_begin_anywhere() -> None:
    share = Share(people=10, batch=4, seed=3)
    assert list(share.places(4, 6)) == list(share.places(0, 6))[4:]


def test_workers_give_what_one_process_gives(tmp_path: Path) -> None:
    done = program(str(HERE / "training_runner.py"), str(tmp_path), "read", "1")
    assert done.returncode == 0, done.stderr
    read(tmp_path, 0)
    ours, theirs = (torch.load(tmp_path / f"{workers}.pt") for workers in (0, 1))
    assert len(ours) == 5
    assert alike(ours, theirs)
    assert any(batch["unreadable"] for batch in ours)


# ---------------------------------------------------------------- killed, stopped, taken up


@POSIX
def test_a_killed_training_goes_on_to_the_same_bits(tmp_path: Path, whole: Training) -> None:
    step = int(np.random.default_rng().integers(3, 15))  # any will do
    killed = program(str(HERE / "training_runner.py"), str(tmp_path), "kill", str(step))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / FINAL).exists()
    resumed = Training(tmp_path).go()
    assert resumed.steps[0].number == step // 2 * 2 + 1
    assert resumed.steps == whole.steps[-len(resumed.steps) :]
    assert alike(read_state(tmp_path / STATE), read_state(whole.out / STATE))
    ours, theirs = load_file(tmp_path / FINAL), load_file(whole.out / FINAL)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@POSIX
@pytest.mark.parametrize(
    ("number", "ending"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_stopped_training_saves_the_step_it_was_in(
    tmp_path: Path, whole: Training, number: int, ending: type[BaseException]
) -> None:
    before, stopped = signal.getsignal(number), Training(tmp_path)

    def stop(_run: Any, step: Any) -> None:
        if step.number == 5:
            os.kill(os.getpid(), number)

    with pytest.raises(ending):
        stopped.go(stop)
    assert read_state(tmp_path / STATE)["step"] == 5
    (line,) = stopped.said
    assert line.startswith("stopped after step 5 of 15, which ")
    assert line.endswith("last.pt keeps; the same command goes on from there")
    assert signal.getsignal(number) == before
    resumed = Training(tmp_path).go()
    assert resumed.said[0] == "goes on from step 5 of 15"
    assert resumed.steps == whole.steps[5:]
    assert alike(read_state(tmp_path / STATE), read_state(whole.out / STATE))


@POSIX
def test_a_training_killed_while_it_saves_keeps_the_state_before(
    tmp_path: Path, whole: Training
) -> None:
    killed = program(str(HERE / "training_runner.py"), str(tmp_path), "halve", "3")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list(tmp_path.glob(".last.pt.*.part"))) == 1
    assert read_state(tmp_path / STATE)["step"] == 4
    resumed = Training(tmp_path).go()
    assert resumed.steps == whole.steps[4:]
    assert alike(read_state(tmp_path / STATE), read_state(whole.out / STATE))
    assert not list(tmp_path.glob(".*"))


@POSIX
def test_control_c_reaches_the_workers_too_and_the_state_is_saved(tmp_path: Path) -> None:
    words = [sys.executable, str(HERE / "training_runner.py"), str(tmp_path), "wait", "1"]
    running = subprocess.Popen(
        words, env=surroundings(), start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=120)
    assert running.returncode == -signal.SIGINT
    assert "DataLoader" not in errors
    assert read_state(tmp_path / STATE)["step"] >= 1


def test_a_worker_that_is_killed_ends_the_training_with_a_sentence(tmp_path: Path) -> None:
    done = program(str(HERE / "training_runner.py"), str(tmp_path), "lose", "1")
    assert done.stdout.startswith("a process that reads pictures was ended"), done.stderr
    assert "--workers" in done.stdout


@POSIX
def test_no_worker_outlives_a_training_that_is_killed_while_it_begins(tmp_path: Path) -> None:
    """All the processes of a training hold its stdout, which ends with the last of them."""
    words = [sys.executable, str(HERE / "training_runner.py"), str(tmp_path), "leave", "1"]
    running = subprocess.Popen(words, env=surroundings(), stdout=subprocess.PIPE)
    try:
        running.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.kill(int((tmp_path / "worker").read_text()), signal.SIGKILL)
        raise
    assert running.returncode == -signal.SIGKILL
    assert (tmp_path / "worker").exists()


def test_a_finished_training_has_nothing_left_to_do(whole: Training, tmp_path: Path) -> None:
    (tmp_path / STATE).write_bytes((whole.out / STATE).read_bytes())
    again = Training(tmp_path).go()
    assert again.steps == []
    assert not again.said
    assert alike(load_file(tmp_path / FINAL), load_file(whole.out / FINAL))


def test_fresh_begins_anew(tmp_path: Path, whole: Training) -> None:
    (tmp_path / STATE).write_bytes((whole.out / STATE).read_bytes())
    assert Training(tmp_path, options={"resume": False}).go().steps == whole.steps


def test_resuming_without_a_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"last\.pt: can not be read \(No such file"):
        Training(tmp_path, options={"resume": True}).go()


class Others(RandomPeople):
    """As many other people."""

    digest = "other noise"


def test_another_training_is_not_taken_up(tmp_path: Path, whole: Training) -> None:
    (tmp_path / STATE).write_bytes((whole.out / STATE).read_bytes())
    for change, words in (
        (replace(TINY, rate=1e-3), "begun with rate 0.004, not 0.001"),
        (replace(TINY, batch=5), "batch of all processes 2, not 5"),
    ):
        with pytest.raises(TrainingError, match=words):
            Training(tmp_path, change).go()
    with pytest.raises(TrainingError, match="begun with people 10, not 12"):
        Training(tmp_path, people=RandomPeople(12)).go()
    with pytest.raises(TrainingError, match="begun with data 'noise of 10', not 'other noise'"):
        Training(tmp_path, people=Others()).go()


def test_the_log_forgets_what_was_not_saved(tmp_path: Path, whole: Training) -> None:
    lines = [json.dumps({"step": step}) for step in (2, 4, 14, 15)]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + '\n{"step": 1', encoding="utf-8")
    state = dict(read_state(whole.out / STATE))
    state["step"] = 14
    write_state(tmp_path / STATE, state)
    Training(tmp_path).go()
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [2, 4, 14, 15]
    assert log[-1]["loss"]["sum"] > 0


def test_tensorboard_is_written_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    Log(tmp_path / "with", 0).close()
    assert list((tmp_path / "with" / "tensorboard").glob("events*"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    log = Log(tmp_path / "without", 0)
    log.add_(1, {"loss": {"sum": 2.0}})
    log.close()
    assert [path.name for path in (tmp_path / "without").iterdir()] == ["log.jsonl"]


def test_the_result_is_the_average_and_says_what_it_is(whole: Training) -> None:
    result = load_file(whole.out / FINAL)
    average = read_state(whole.out / STATE)["average"]
    network = RtmPose.from_state_dict(result)
    assert network.input_size == TINY.input_size
    for key, tensor in result.items():
        assert torch.equal(tensor, average[f"student.{key}"])


def test_the_average_is_the_formula_over_all_steps(tmp_path: Path) -> None:
    key = "student.head.cls_x.weight"
    after: list[Any] = []

    def look(run: Any, _step: Any) -> None:
        after.append(run._learning.stage.state_dict()[key].double().clone())

    first = make_stage(TINY, torch.device("cpu")).state_dict()[key].double()
    Training(tmp_path, replace(TINY, average_warm_up=3.0)).go(look)
    average = first
    for update, newest in enumerate(after):
        share = (1 - 2e-4) * math.exp(-(1 + update) / 3) + 2e-4
        average = (1 - share) * average + share * newest
    kept = read_state(tmp_path / STATE)["average"][key].double()
    torch.testing.assert_close(kept, average, rtol=1e-5, atol=1e-8)
    assert (kept - after[-1]).abs().max() > 1e-4


class Poisoned(RandomPeople):
    """The same people with other labels, which are no numbers."""

    def sample(self, index: int, epoch: int) -> Sample:
        """The crop is the same."""
        clean = super().sample(index, epoch)
        return replace(clean, keypoints=np.full_like(clean.keypoints, np.nan))


def test_stage_2_keeps_the_backbone_to_the_bit_and_reads_no_label(
    tmp_path: Path, whole: Training
) -> None:
    teacher = whole.out / FINAL
    before = load_file(teacher)
    row = replace(TINY, stage=2, logit_weight=1.0, cosine_from=1.0)
    results = []
    for people in (RandomPeople(), Poisoned()):
        out = tmp_path / type(people).__name__
        training = Training(out, row, people, options={"teacher": teacher}).go()
        assert list(training.steps[0].terms) == ["logits"]
        results.append(load_file(out / FINAL))
    clean, poisoned = results
    assert alike(clean, poisoned)
    assert all(torch.equal(clean[key], before[key]) for key in before if "backbone." in key)
    assert any("running_mean" in key for key in clean)
    assert not torch.equal(clean["head.mlp.1.weight"], before["head.mlp.1.weight"])


def test_another_teacher_is_another_training(tmp_path: Path, whole: Training) -> None:
    row = replace(TINY, stage=1)
    Training(tmp_path, row, options={"teacher": whole.out / FINAL}).go()
    tensors = load_file(whole.out / FINAL)
    tensors["head.mlp.0.g"] += 1
    save_file(tensors, tmp_path / "other.safetensors")
    with pytest.raises(TrainingError, match="begun with teacher's weights"):
        Training(tmp_path, row, options={"teacher": tmp_path / "other.safetensors"}).go()


# ---------------------------------------------------------------- what is left out


def poison(monkeypatch: pytest.MonkeyPatch, steps: set[int]) -> None:
    """Have the keypoint loss of some steps be NaN, after the forward pass has left its traces."""
    from dw_openpose_full.training import stages

    real, count = stages.keypoint_loss, iter(range(1, 1000))

    def loss(*arguments: Any) -> Any:
        value = real(*arguments)
        return value * math.nan if next(count) in steps else value

    monkeypatch.setattr(stages, "keypoint_loss", loss)


def test_a_loss_that_is_no_number_is_named_counted_and_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, {4})
    seen: dict[int, Any] = {}

    def look(run: Any, step: Any) -> None:
        learning = run._learning
        parts = {"stage": dict(learning.stage.state_dict()), "average": learning.average.tensors}
        seen[step.number] = {
            name: {key: one.clone() for key, one in part.items()} for name, part in parts.items()
        }

    training = Training(tmp_path).go(look)
    assert alike(seen[3], seen[4])
    assert not alike(seen[4], seen[5])
    (place,) = Share(10, 2, seed=TINY.seed).places(3, 4)
    people = ", ".join(str(person) for _, person in place)
    line = f"step 4 is left out: keypoints and gradient not finite with people {people}"
    assert line in training.said
    assert read_state(tmp_path / STATE)["faults"] == 1
    log = [json.loads(one) for one in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {"step": 4, "trouble": line} in log
    assert all(torch.isfinite(one).all() for one in load_file(tmp_path / FINAL).values())


def test_too_many_steps_left_out_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, set(range(6, 100)))
    with pytest.raises(TrainingError, match="3 steps had to be left out, the last, 8, because"):
        Training(tmp_path, options={"most_faults": 2}).go()
    assert read_state(tmp_path / STATE)["step"] == 6


def test_a_person_who_can_not_be_read_is_replaced_and_named_once(tmp_path: Path) -> None:
    people = RandomPeople(10, lost=frozenset({4}))
    training = Training(tmp_path, people=people).go()
    assert [line for line in training.said if "replaced" in line] == [
        "person 4 is replaced: picture-4.jpg: not whole"
    ]
    assert read_state(tmp_path / STATE)["unreadable"] == {4: "picture-4.jpg: not whole"}
    assert len(training.steps) == 15
    again = Training(tmp_path, people=people, options={"resume": False}).go()
    assert again.steps == training.steps  # by the same others


def test_too_many_people_who_can_not_be_read_end_the_training(tmp_path: Path) -> None:
    people = RandomPeople(200, lost=frozenset({1, 2, 3}))
    with pytest.raises(TrainingError, match="3 of 200 people could not be read, more than the 2"):
        Training(tmp_path, replace(TINY, batch=50), people).go()


def test_nobody_who_can_be_read_is_an_error_not_a_search_without_end(tmp_path: Path) -> None:
    people = RandomPeople(5, lost=frozenset(range(5)))
    with pytest.raises(TrainingError, match=r"20 people in a row .* picture-\d.jpg: not whole"):
        Training(tmp_path, people=people).go()


def test_an_empty_source_is_refused() -> None:
    with pytest.raises(TrainingError, match="the data hold none"):
        feed(TINY, RandomPeople(0))


def test_crops_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="expected crops of 96 x 64, the data gave 64 x 64"):
        Training(tmp_path, replace(TINY, width=96)).go()


# ---------------------------------------------------------------- states


@POSIX
def test_a_full_disk_leaves_the_old_state(tmp_path: Path) -> None:
    """A limit on a file's size stands for it: the system refuses bytes in the same place."""
    resource = pytest.importorskip("resource")
    path = tmp_path / STATE
    write_state(path, {"numbers": torch.arange(10)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"last\.pt: can not be written: File too large"):
            write_state(path, {"numbers": torch.zeros(10**6)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert read_state(path)["numbers"].tolist() == list(range(10))
    assert [one.name for one in tmp_path.iterdir()] == [STATE]


def test_a_disk_that_is_full_stops_the_training_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, count = torch.save, iter(range(10))

    def save(state: Any, file: Any) -> None:
        if next(count) == 1:
            file.write(b"half of it")
            raise OSError(28, "No space left on device")
        real(state, file)

    monkeypatch.setattr(states.torch, "save", save)
    with pytest.raises(OutputError, match=r"last\.pt: can not be written: no space left there"):
        Training(tmp_path).go()
    assert read_state(tmp_path / STATE)["step"] == 2
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_truncated_state_is_refused(tmp_path: Path, whole: Training, share: float) -> None:
    data = (whole.out / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(TrainingError, match=r"last\.pt: expected the state of a training"):
        Training(tmp_path).go()


def test_a_state_with_flipped_bits_is_refused(tmp_path: Path, whole: Training) -> None:
    data = bytearray((whole.out / STATE).read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / STATE).write_bytes(data)
    with pytest.raises(TrainingError, match=r"damaged .*CRC"):
        Training(tmp_path).go()


def test_files_of_other_kinds_are_refused(tmp_path: Path, whole: Training) -> None:
    weights = RtmPose.from_state_dict(load_file(whole.out / FINAL)).state_dict()
    torch.save(weights, tmp_path / "weights.pth")
    for content in (
        (whole.out / FINAL).read_bytes(),
        (tmp_path / "weights.pth").read_bytes(),
        b"<html>not found</html>",
    ):
        (tmp_path / STATE).write_bytes(content)
        with pytest.raises(TrainingError, match=r"last\.pt: expected the state of a training"):
            Training(tmp_path).go()


class Opens:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("kind", ["zip", "pickle"])
def test_a_state_that_runs_code_is_refused_and_nothing_runs(
    tmp_path: Path, whole: Training, kind: str
) -> None:
    trap = tmp_path / "trap"
    content = {**read_state(whole.out / STATE), "best": Opens(trap)}
    if kind == "zip":
        torch.save(content, tmp_path / STATE)
    else:
        (tmp_path / STATE).write_bytes(pickle.dumps({"best": Opens(trap)}))
    with pytest.raises(TrainingError, match="expected the state of a training"):
        Training(tmp_path).go()
    assert not trap.exists()
    if kind == "zip":
        torch.load(tmp_path / STATE, weights_only=False)  # the trap is a real one
        assert trap.exists()


def test_a_state_that_lacks_a_part_is_refused(tmp_path: Path, whole: Training) -> None:
    state = dict(read_state(whole.out / STATE))
    state["average"] = {}
    write_state(tmp_path / STATE, state)
    with pytest.raises(TrainingError, match="a state that does not fit"):
        Training(tmp_path).go()


# ---------------------------------------------------------------- several processes


def test_batch_norms_of_several_gpus_see_all_their_people() -> None:
    stage = make_stage(TINY, torch.device("cpu"))
    keys = list(stage.state_dict())
    many = Crew(torch.device("cuda"), count=2).synchronised(stage)
    kinds = {type(part) for part in many.modules() if "BatchNorm" in type(part).__name__}
    assert kinds == {torch.nn.SyncBatchNorm}
    assert list(many.state_dict()) == keys
    still = decaying_and_not(many, 0.05)[1]["params"]
    assert len(still) == sum(
        ".bn." in key or key.endswith(".bias") for key, _ in many.named_parameters()
    )


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes have done."""
    folder = tmp_path_factory.mktemp("together")
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = program(*words, str(HERE / "training_together.py"), str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def test_two_processes_have_the_gradients_of_one_with_the_joined_batch(together: Path) -> None:
    alone, both = (torch.load(together / f"{name}.pt") for name in ("alone", "together"))
    assert alone.keys() == both.keys()
    for key, gradient in alone.items():
        limit = 1e-6 * max(gradient.abs().max().item(), 1e-3)
        assert (gradient - both[key]).abs().max().item() <= limit, key


def test_what_is_spoilt_in_one_process_is_left_out_in_all_and_told_in_all(together: Path) -> None:
    one, other = (json.loads((together / f"spoilt-{rank}.json").read_text()) for rank in (0, 1))
    assert one == other
    first, second, third = one["faults"]
    assert (first, third) == ("", "")
    places = [place for _, place in next(Share(10, 2, 1, 2, TINY.seed).places(1, 2))]
    assert second.endswith(f"not finite with people {places[0]}, {places[1]}")
    assert {"3": "picture-3.jpg: not whole"} in one["unreadable"]
    assert one["mean rank"] == 0.5
    assert math.isfinite(one["weights"])


def coco(folder: Path, people: int) -> None:
    """A data set in COCO-WholeBody's layout: one person, noise, on each picture."""
    chance = np.random.default_rng(0)
    for split in ("train", "val"):
        pictures = folder / f"{split}2017"
        pictures.mkdir(parents=True)
        document: dict[str, list[Any]] = {"images": [], "annotations": [], "categories": []}
        for number in range(1, people + 1):
            name = f"{number:012d}.png"
            pixels = chance.integers(0, 256, (80, 60, 3), dtype=np.uint8)
            (pictures / name).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
            document["images"].append({"id": number, "file_name": name, "height": 80, "width": 60})
            document["annotations"].append(annotation(number, chance))
        target = folder / "annotations" / f"coco_wholebody_{split}_v1.0.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(document), encoding="utf-8")


def annotation(number: int, chance: np.random.Generator) -> dict[str, Any]:
    """Somebody on the picture of the same number."""
    points = np.column_stack([chance.uniform(5, 55, (133, 2)), np.full(133, 2.0)])
    boxed = ("face", "lefthand", "righthand")
    return {
        "id": number,
        "image_id": number,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [5.0, 5.0, 50.0, 70.0],
        "area": 3000.0,
        "num_keypoints": 17,
        **{field: points[place].ravel().tolist() for field, place in FIELDS.items()},
        **{f"{part}_valid": True for part in (*boxed, "foot")},
        **{f"{part}_box": [5.0, 5.0, 9.0, 9.0] for part in boxed},
    }


TOY = [
    "mannequins/alone", "--set", "widen=0.03125", "--set", "blocks=1,1,1,1", "--set", "height=64",
    "--set", "token=16", "--set", "key=8", "--set", "warm_up=2", "--batch", "2", "--epochs", "2",
    "--val-every", "1", "--workers", "0", "--device", "cpu",
]  # fmt: skip


def test_the_command_trains_measures_and_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("faster_coco_eval", reason="nothing here measures")
    coco(tmp_path / "data", 6)
    (tmp_path / "data" / "val2017" / f"{1:012d}.png").write_bytes(b"\x89PNG, and no more")
    out = tmp_path / "out"
    words = [*TOY, "--data", str(tmp_path / "data"), "--out", str(out)]
    train(words, standalone_mode=False)
    said = capfd.readouterr()
    assert said.out == ""
    assert "step 6 of 6: loss" in said.err
    assert "epoch 1: AP wholebody" in said.err
    assert said.err.count("counted as not found") == 2  # once for each validation
    assert "best.safetensors" in said.err
    assert {path.name for path in out.iterdir()} >= {"best.safetensors", FINAL, STATE, "log.jsonl"}
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "AP" in line] == [3, 6]
    train(words, standalone_mode=False)
    assert "step 6" not in capfd.readouterr().err  # it was done


@dataclass
class Judge:
    """A validation that gives what is wanted.

    Attributes:
        verdicts: Average precision of the whole and of the body, of one validation after another.
    """

    verdicts: list[tuple[float, float]]

    def measure(self, _network: Any, _crew: Any) -> tuple[dict[str, float], list[str]]:
        """The next."""
        return dict(zip(("wholebody", "body"), self.verdicts.pop(0), strict=True)), []


@pytest.mark.parametrize(
    ("verdicts", "step"),
    [
        ([(0.0, 0.0), (0.0, 0.0), (0.0, 0.0)], 15),
        ([(0.0, 0.0), (0.0, 0.2), (0.0, 0.1)], 10),
        ([(0.3, 0.1), (0.2, 0.9), (0.1, 0.9)], 5),
        ([(-1.0, -1.0), (-1.0, -1.0), (-1.0, -1.0)], None),
    ],
)
def test_the_best_is_the_latest_of_the_highest_of_the_whole_then_the_body(
    tmp_path: Path, verdicts: list[tuple[float, float]], step: int | None
) -> None:
    judge = Judge([*verdicts])
    training = Training(tmp_path, replace(TINY, val_every=1), validation=judge).go()
    assert training.run is not None
    assert training.run.result == tmp_path / (BEST if step else FINAL)
    assert (tmp_path / BEST).exists() == bool(step)
    if step:
        with safe_open(tmp_path / BEST, framework="pt") as file:
            assert file.metadata()["source"].endswith(f"after step {step}")


def test_the_command_measures_on_shards(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("faster_coco_eval", reason="nothing here measures")
    coco(tmp_path / "data", 6)
    shards = ["shards", str(tmp_path / "data"), "--size", "192x256", "-q"]
    for split in ("train", "val"):
        words = [*shards, "-o", str(tmp_path / split), "--split", split]
        assert data.main(words, "data", standalone_mode=False) == 0
    words = [*TOY, "--out", str(tmp_path / "out"), "--data", str(tmp_path / "train")]
    train([*words, "--epochs", "1"], standalone_mode=False)
    assert "train: shards to learn from, and none to be measured on" in capfd.readouterr().err
    shard = tmp_path / "val" / "val-000000.tar"
    damaged = bytearray(shard.read_bytes())
    damaged[700] ^= 255  # in the first picture
    shard.write_bytes(damaged)
    words += ["--epochs", "1", "--fresh", "--val-data", str(tmp_path / "val")]
    train(words, standalone_mode=False)
    said = capfd.readouterr().err
    assert "epoch 1: AP wholebody" in said
    assert said.count("counted as not found") == 1
    assert (tmp_path / "out" / BEST).exists()


def test_missing_pictures_to_be_measured_on_are_told_before_anything_is_learned(
    tmp_path: Path,
) -> None:
    pytest.importorskip("faster_coco_eval", reason="nothing here measures")
    coco(tmp_path / "data", 3)
    (tmp_path / "data" / "val2017" / f"{2:012d}.png").unlink()
    words = [*TOY, "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    with pytest.raises(DataSetError, match="1 of 3 pictures are not there"):
        train(words, standalone_mode=False)
    assert not (tmp_path / "out").exists()


def test_the_command_lists_its_presets(capfd: pytest.CaptureFixture[str]) -> None:
    train(["--list"], standalone_mode=False)
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 1 + len(PRESETS)
    assert any(line.split()[0] == "s2_dis/dwpose_l-ll__coco-ubody-384x288" for line in lines)


@pytest.mark.parametrize(
    ("words", "error", "match"),
    [
        ([], click.UsageError, "name of a preset is missing"),
        (["mannequins/alone"], click.UsageError, "--data"),
        (["mannequin/alone", "--data", "x"], OptionError, "did you mean mannequins/alone"),
        (["mannequins/alone", "--data", "x", "--set", "rate"], OptionError, "like rate=0.001"),
        (["mannequins/alone", "--data", "x", "--epochs", "0"], OptionError, "epochs must be"),
        (["mannequins/alone", "--data", "x", "--device", "tpu"], OptionError, "device must be"),
    ],
)
def test_wrong_words_are_refused(words: list[str], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        train(words, standalone_mode=False)


def test_torchrun_trains_with_two_processes_and_one_voice(tmp_path: Path) -> None:
    pytest.importorskip("faster_coco_eval", reason="nothing here measures")
    coco(tmp_path / "data", 6)
    out = tmp_path / "out"
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words += ["-m", "dw_openpose_full.training", *TOY, "--data", str(tmp_path / "data")]
    done = program(*words, "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("step 4 of 4: loss") == 1  # 6 people, 4 in a step, 2 epochs
    assert done.stderr.count("epoch 2: AP wholebody") == 1
    assert (out / FINAL).exists()
    assert read_state(out / STATE)["step"] == 4
