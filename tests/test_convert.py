"""``dw-openpose convert``: a checkpoint of any kind becomes a file of weights, or is refused."""

# ruff: noqa: E402  without torch nothing below can be imported

from __future__ import annotations

import errno
import hashlib
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from safetensors import safe_open
from safetensors.torch import load_file

from dw_openpose_full import DwOpenpose, cli
from dw_openpose_full.errors import ModelError, OptionError, OutputError
from dw_openpose_full.export.checkpoints import convert, read_checkpoint
from dw_openpose_full.export.description import describe
from dw_openpose_full.export.weights_file import write_weights
from dw_openpose_full.networks import RtmPose, Rtmw, Yolox, network_of, read_weights
from dw_openpose_full.networks.cspnext import SCALES, Scale
from dw_openpose_full.networks.yolox import YOLO_SCALES
from dw_openpose_full.poses import ImageSize
from lively_networks import SAMPLE, SIZE, lively_pose, lively_yolox, look
from test_networks import megvii


@pytest.fixture(scope="module")
def pose() -> Any:
    return lively_pose()


@pytest.fixture(scope="module")
def yolox() -> Any:
    return lively_yolox()


def saved(content: Any, path: Path, **how: Any) -> Path:
    torch.save(content, path, **how)
    return path


def prefixed(network: Any, prefix: str, part: str = "") -> dict[str, Any]:
    state = network.state_dict()
    return {prefix + key: tensor for key, tensor in state.items() if key.startswith(part)}


def same(path: Path, network: Any) -> bool:
    """Whether a file's network says what another says, to the last bit."""
    batch = torch.rand(2, 3, *network.input_size) * 255
    pairs = zip(look(network_of(read_weights(path)), batch), look(network, batch), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


def words_of(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata())


# ---------------------------------------------------------------- what is written


@pytest.mark.parametrize("kind", [RtmPose, Rtmw, Yolox])
def test_what_is_written_says_what_the_checkpoint_said(kind: Any, tmp_path: Path) -> None:
    network = lively_yolox() if kind is Yolox else lively_pose(kind)
    output = tmp_path / "new" / "out.safetensors"
    convert(saved(network.state_dict(), tmp_path / "in.pth"), output)
    assert same(output, network)


def test_the_file_tells_what_it_is(pose: Any, tmp_path: Path) -> None:
    source, output = saved(pose.state_dict(), tmp_path / "in.pth"), tmp_path / "out.safetensors"
    convert(source, output)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert words_of(output) == {
        "arch": "rtmpose",
        "size": "",
        "input": "64x96",
        "keypoints": "133",
        "channels": "RGB",
        "mean": "123.675,116.28,103.53",
        "std": "58.395,57.12,57.375",
        "source": f"in.pth sha256:{digest}",
    }


def test_the_tensors_are_float32_in_mmposes_names_without_counters(
    pose: Any, tmp_path: Path
) -> None:
    state = {k: v.double() if v.ndim else v for k, v in pose.state_dict().items()}
    convert(saved(state, tmp_path / "in.pth"), tmp_path / "out.safetensors")
    tensors = load_file(tmp_path / "out.safetensors")
    wanted = {key for key in state if not key.endswith("num_batches_tracked")}
    assert set(tensors) == wanted
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    assert "head.gau.uv.weight" in wanted


def test_the_same_checkpoint_makes_the_same_bytes(pose: Any, tmp_path: Path) -> None:
    source = saved(pose.state_dict(), tmp_path / "in.pth")
    files = [tmp_path / "one.safetensors", tmp_path / "two.safetensors"]
    for file in files:
        convert(source, file)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RtmPose(SCALES["l"], input_size=ImageSize(384, 288)), "rtmpose-l, 288x384, 133 k"),
        (lambda: RtmPose(SCALES["l"], width=128), "rtmpose of its own size"),
        (lambda: Rtmw(SCALES["m"]), "rtmw-m, 192x256, 133 keypoints, 32.2"),
        (lambda: Yolox(YOLO_SCALES["nano"]), "yolox-nano, 416x416, 80 classes"),
        (lambda: Yolox(YOLO_SCALES["l"], classes=1), "yolox-l, 640x640, 1 classes"),
    ],
)
def test_published_networks_are_known_by_name(make: Any, words: str) -> None:
    with torch.device("meta"):
        network = make()
    assert str(describe(network)).startswith(words)


def test_the_file_is_a_model(pose: Any, tmp_path: Path) -> None:
    convert(saved(pose.state_dict(), tmp_path / "in.pth"), tmp_path / "pupil.safetensors")
    estimator = DwOpenpose.load(model=str(tmp_path / "pupil.safetensors"), detector="none")
    assert estimator.detect(SAMPLE).keypoints.shape == (1, 133, 2)


# ---------------------------------------------------------------- checkpoints of many kinds


class HistoryBuffer:
    """Stands for a logging object of a training library that is not installed."""

    def __init__(self) -> None:
        self.values = np.arange(5.0)


@pytest.mark.parametrize("new", [True, False], ids=["zip", "run of pickles"])
def test_of_a_released_checkpoint_the_averaged_weights_are_taken(
    new: bool,  # noqa: FBT001
    pose: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twins = {
        f"module.{who}.{key}": torch.full_like(tensor, 7)
        for who in ("teacher", "student")
        for key, tensor in pose.state_dict().items()
    }
    checkpoint = {
        "meta": {"epoch": 270, "sigmas": np.ones(133)},
        "message_hub": {"log_scalars": OrderedDict(loss=HistoryBuffer())},
        "ema_state_dict": OrderedDict(steps=torch.tensor(5), **twins),
        "state_dict": OrderedDict(pose.state_dict()),
    }
    source = saved(checkpoint, tmp_path / "dw.pth", _use_new_zipfile_serialization=new)
    monkeypatch.delattr(f"{__name__}.HistoryBuffer")
    convert(source, tmp_path / "out.safetensors")
    assert same(tmp_path / "out.safetensors", pose)
    assert source.stat().st_size > 2.5 * (tmp_path / "out.safetensors").stat().st_size


def test_of_our_own_trainings_state_the_average_is_taken(pose: Any, tmp_path: Path) -> None:
    raw = {f"student.{key}": torch.zeros_like(value) for key, value in pose.state_dict().items()}
    align = {"align.weight": torch.zeros(8, 4, 1, 1)}
    state = {"step": 9, "stage": raw, "average": {**prefixed(pose, "student."), **align}}
    checkpoint = saved({"format": "dw-openpose training, 1", **state}, tmp_path / "last.pt")
    assert convert(checkpoint, tmp_path / "out.safetensors").stage == 1
    assert same(tmp_path / "out.safetensors", pose)


def test_the_state_of_our_stage_2_tells_where_the_whole_is(pose: Any, tmp_path: Path) -> None:
    checkpoint = saved({"average": prefixed(pose, "", "head.")}, tmp_path / "last.pt")
    with pytest.raises(ModelError, match=r"a head alone.*best\.safetensors"):
        convert(checkpoint, tmp_path / "out.safetensors")


def test_megviis_names_become_mmdets(yolox: Any, tmp_path: Path) -> None:
    state = {megvii(key): tensor for key, tensor in yolox.state_dict().items()}
    convert(saved({"model": state}, tmp_path / "yolox.pth"), tmp_path / "out.safetensors")
    assert same(tmp_path / "out.safetensors", yolox)


# ---------------------------------------------------------------- distillation


@pytest.fixture(scope="module")
def teacher() -> Any:
    network = RtmPose(Scale(1 / 8, (1, 1, 1, 1)), input_size=SIZE, width=48, key_width=32)
    return network.eval()


def test_of_stage_1_the_student_is_taken(
    pose: Any, teacher: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = {**prefixed(pose, "student."), **prefixed(teacher, "teacher.")}
    source = saved({"state_dict": both}, tmp_path / "s1.pth")
    assert cli.run(["convert", str(source), str(tmp_path / "out.safetensors")]) == 0
    assert same(tmp_path / "out.safetensors", pose)
    said = " ".join(capsys.readouterr().err.split())
    assert "rtmpose of its own size, 64x96, 133 keypoints" in said
    assert "the student of stage 1" in said


@pytest.mark.parametrize("idle", [True, False], ids=["with an idle backbone", "head only"])
def test_with_two_dis_the_new_head_on_the_teachers_backbone_is_taken(
    idle: bool,  # noqa: FBT001
    pose: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = lively_pose()
    for parameter in old.parameters():
        parameter.data *= 1.5
    own = prefixed(pose, "student.", "" if idle else "head.")
    source = saved({"state_dict": {**prefixed(old, "teacher."), **own}}, tmp_path / "s2.pth")
    output = tmp_path / "out.safetensors"
    if idle:
        assert cli.run(["convert", str(source), str(output)]) == 1
        assert "--two-dis" in capsys.readouterr().err
    assert cli.run(["convert", "--two-dis", str(source), str(output)]) == 0
    assert "of stage 2" in " ".join(capsys.readouterr().err.split())
    tensors = load_file(output)
    assert torch.equal(tensors["head.cls_x.weight"], pose.head.cls_x.weight)
    kernel = "backbone.stem.0.conv.weight"
    assert torch.equal(tensors[kernel], old.state_dict()[kernel])
    if idle:
        assert cli.run(["convert", "--one-dis", "-q", str(source), str(output)]) == 0
        assert torch.equal(load_file(output)[kernel], pose.state_dict()[kernel])
        assert capsys.readouterr().err == ""


def test_plain_weights_have_no_stage(pose: Any, tmp_path: Path) -> None:
    source = saved(pose.state_dict(), tmp_path / "in.pth")
    with pytest.raises(OptionError, match="plain weights"):
        convert(source, tmp_path / "out.safetensors", stage=2)
    words = ["convert", "--two-dis", str(source), str(tmp_path / "out.safetensors")]
    assert cli.run(words) == 2
    assert not (tmp_path / "out.safetensors").exists()


# ---------------------------------------------------------------- refusals


class Command:
    """A pickle that runs a command when it is loaded without care."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("kind", ["zip", "run of pickles", "plain pickle"])
def test_a_checkpoint_that_runs_code_is_refused(
    kind: str, pose: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, trace = tmp_path / "bad.pth", tmp_path / "trace"
    attack = Command(f"touch {trace}")
    if kind == "plain pickle":
        path.write_bytes(pickle.dumps(attack))
    else:
        content = {"state_dict": pose.state_dict(), "meta": attack}
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    assert cli.run(["convert", str(path), str(tmp_path / "out.safetensors")]) == 1
    assert "would call" in " ".join(capsys.readouterr().err.split())
    assert sorted(tmp_path.iterdir()) == [path]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3000])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [cut, emptied, removed])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_checkpoint_is_named_and_refused(
    damage: Any, suffix: str, pose: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"in{suffix}"
    if suffix == ".pth":
        saved(pose.state_dict(), path)
    else:
        write_weights(path, pose.state_dict(), input_size=SIZE, source="test")
    damage(path)
    assert cli.run(["convert", str(path), str(tmp_path / "out.safetensors")]) == 1
    said = capsys.readouterr().err
    assert f"in{suffix}" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out.safetensors").exists()


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    source = saved({"fc.weight": torch.zeros(3, 3)}, tmp_path / "in.pth")
    with pytest.raises(ModelError, match=r"in\.pth: expected the weights of an RTMPose"):
        convert(source, tmp_path / "out.safetensors")


def test_the_checkpoint_is_never_written_over(pose: Any, tmp_path: Path) -> None:
    source = tmp_path / "in.safetensors"
    write_weights(source, pose.state_dict(), input_size=SIZE, source="test")
    before = source.read_bytes()
    (tmp_path / "link.safetensors").symlink_to(source)
    for output in (source, tmp_path / "link.safetensors"):
        with pytest.raises(OutputError, match="is the input"):
            convert(source, output)
    assert source.read_bytes() == before


def test_another_ending_is_refused(pose: Any, tmp_path: Path) -> None:
    source = saved(pose.state_dict(), tmp_path / "in.pth")
    assert cli.run(["convert", str(source), str(tmp_path / "out.pth")]) == 2
    assert list(tmp_path.iterdir()) == [source]


def test_a_full_disk_leaves_what_was_there(
    pose: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    source, output = saved(pose.state_dict(), tmp_path / "in.pth"), tmp_path / "out.safetensors"
    output.write_bytes(b"before")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="no space left"):
        convert(source, output)
    assert output.read_bytes() == b"before"
    assert sorted(tmp_path.iterdir()) == [source, output]


# ---------------------------------------------------------------- weights of a training


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_of_a_failed_training_are_not_written(
    value: float, pose: Any, tmp_path: Path
) -> None:
    state = {key: tensor.clone() for key, tensor in pose.state_dict().items()}
    state["head.mlp.0.g"][0] = value
    with pytest.raises(ModelError, match=r"run 3: expected finite weights.* in head\.mlp\.0\.g"):
        write_weights(tmp_path / "a.safetensors", state, input_size=SIZE, source="run 3")
    assert not list(tmp_path.iterdir())


def test_weights_for_another_size_are_not_written(pose: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="pictures of 96 x 64, got those for 64 x 96"):
        write_weights(
            tmp_path / "a.safetensors",
            pose.state_dict(),
            input_size=ImageSize(64, 96),
            source="run 3",
        )


def test_writing_leaves_the_weights_as_they_are(tmp_path: Path) -> None:
    frozen = lively_pose().requires_grad_(requires_grad=False)
    before = {key: tensor.clone() for key, tensor in frozen.state_dict().items()}
    state = frozen.state_dict(keep_vars=True)
    write_weights(tmp_path / "a.safetensors", state, input_size=SIZE, source="run 3")
    assert not any(tensor.requires_grad for tensor in frozen.parameters())
    assert all(torch.equal(state[key], tensor) for key, tensor in before.items())
    assert read_checkpoint(tmp_path / "a.safetensors").stage is None
