"""Networks in torch: counts as published, files read as data, refusals with words."""

# ruff: noqa: E402  without torch nothing below can be imported

from __future__ import annotations

import argparse
import code
import datetime as dt
import enum
import io
import logging
import os
import pdb
import pickle
import re
import shutil
import subprocess
import timeit
import urllib.request
import uuid
import webbrowser
import zipfile
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from safetensors.torch import save_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dw_openpose_full.errors import ModelError
from dw_openpose_full.networks import (
    RtmPose,
    Rtmw,
    Weights,
    Yolox,
    halve_,
    network_of,
    read_weights,
)
from dw_openpose_full.networks.cspnext import SCALES, Scale
from dw_openpose_full.networks.layers import CBA, CSP, PAFPN
from dw_openpose_full.networks.yolox import YOLO_SCALES, YoloScale, to_mmdet
from dw_openpose_full.poses import ImageSize

TINY = Scale(1 / 32, (1, 1, 2, 1))
SMALL, LARGE = ImageSize(256, 192), ImageSize(384, 288)
SIDE = ImageSize(64, 64)


def tiny(**options: Any) -> RtmPose:
    """A network of a few thousand weights with batch norms that are not identities."""
    torch.manual_seed(0)
    return lively(RtmPose(TINY, input_size=SIDE, width=16, key_width=8, **options))


def lively(network: Any) -> Any:
    """Draw batch norm statistics and head weights large enough to be seen in the output."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.3)
    return network.eval()


def look(network: Any, batch: Any) -> list[Any]:
    with torch.inference_mode():
        return list(network(batch))


def same(first: Any, second: Any, batch: Any) -> bool:
    pairs = zip(look(first, batch), look(second, batch), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


# ---------------------------------------------------------------- counts, as published


def millions(module: Any) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def giga_multiply_adds(network: Any) -> float:
    with FlopCounterMode(display=False) as counter:
        look(network.eval(), torch.zeros(1, 3, *network.input_size, device="meta"))
    return counter.get_total_flops() / 2e9


@pytest.mark.parametrize(
    ("size", "entries", "sizes", "work"),
    [
        ("t", 218, (5.520, 2.349, 3.171), (0.548, 1.125)),
        ("s", 254, (8.384, 4.378, 4.005), (0.905, 1.927)),
        ("m", 362, (17.953, 12.279, 5.674), (2.216, 4.877)),
        ("l", 470, (33.481, 26.139, 7.342), (4.510, 10.039)),
        ("x", 578, (56.580, 47.570, 9.010), (8.071, 18.050)),
    ],
)
def test_rtmpose_has_the_published_size_and_work(
    size: str, entries: int, sizes: tuple[float, ...], work: tuple[float, ...]
) -> None:
    with torch.device("meta"):
        network = RtmPose(SCALES[size], input_size=SMALL)
        larger = RtmPose(SCALES[size], input_size=LARGE)
    assert len(network.state_dict()) == entries
    parts = (network, network.backbone, network.head)
    assert [millions(part) for part in parts] == pytest.approx(sizes, abs=6e-4)
    assert millions(larger) - millions(network) == pytest.approx(0.130, abs=6e-4)
    works = [giga_multiply_adds(each) for each in (network, larger)]
    assert works == pytest.approx(work, abs=6e-4)


@pytest.mark.parametrize(
    ("size", "parameters", "work"),
    [
        ("t", 3.337, 0.355),
        ("s", 5.473, 0.676),
        ("m", 13.588, 1.918),
        ("l", 27.660, 4.142),
        ("x", 49.304, 7.633),
    ],
)
def test_rtmpose_of_17_keypoints_has_the_published_size_and_work(
    size: str, parameters: float, work: float
) -> None:
    with torch.device("meta"):
        network = RtmPose(SCALES[size], keypoints=17)
    counts = [millions(network), giga_multiply_adds(network)]
    assert counts == pytest.approx([parameters, work], abs=6e-4)


@pytest.mark.parametrize(
    ("size", "side", "entries", "parameters", "work"),
    [
        ("m", SMALL, 620, 32.26, 4.30),
        ("l", SMALL, 728, 57.20, 7.89),
        ("l", LARGE, 728, 57.35, 17.64),
        ("x", SMALL, 836, 92.04, 13.04),
        ("x", LARGE, 836, 92.19, 29.24),
    ],
)
def test_rtmw_has_the_published_size_and_work(
    size: str, side: ImageSize, entries: int, parameters: float, work: float
) -> None:
    with torch.device("meta"):
        network = Rtmw(SCALES[size], input_size=side)
    assert len(network.state_dict()) == entries
    counts = [millions(network), giga_multiply_adds(network)]
    assert counts == pytest.approx([parameters, work], abs=6e-3)


@pytest.mark.parametrize(
    ("size", "parameters", "precision"),
    [("nano", 0.91, 6e-3), ("tiny", 5.06, 6e-3), ("s", 9.0, 0.06), ("m", 25.3, 0.06),
     ("l", 54.2, 0.06), ("x", 99.1, 0.06)],
)  # fmt: skip
def test_yolox_has_the_published_size(size: str, parameters: float, precision: float) -> None:
    with torch.device("meta"):
        network = Yolox(YOLO_SCALES[size])
    assert millions(network) == pytest.approx(parameters, abs=precision)


# ---------------------------------------------------------------- what shapes tell


@pytest.mark.parametrize("size", SCALES)
def test_a_state_dict_tells_scale_keypoints_and_input_size(size: str) -> None:
    with torch.device("meta"):
        network = RtmPose(SCALES[size], keypoints=26, input_size=LARGE)
    told = RtmPose.from_state_dict(network.state_dict())
    assert told.input_size == LARGE
    assert told.outputs == {"simcc_x": (26, 576), "simcc_y": (26, 768)}
    assert millions(told) == millions(network)


@pytest.mark.parametrize(
    "make",
    [
        tiny,
        lambda: lively(Rtmw(TINY, input_size=SIDE, width=16, key_width=8)),
        lambda: lively(Yolox(YoloScale(1 / 16, 1, depthwise=True, side=416), classes=1)),
        lambda: lively(Yolox(YoloScale(1 / 8, 2, side=416))),
    ],
    ids=["rtmpose", "rtmw", "yolox nano", "yolox"],
)
def test_weights_come_back_from_a_file_as_the_same_network(
    make: Callable[[], Any], tmp_path: Path
) -> None:
    network = make()
    path = tmp_path / "a.safetensors"
    save_file(network.state_dict(), path)
    read = network_of(read_weights(path))
    assert (type(read), read.input_size, read.outputs) == (
        type(network),
        network.input_size,
        network.outputs,
    )
    batch = torch.rand(2, 3, *network.input_size)
    assert same(read, network, batch)
    shapes = [tuple(answer.shape[1:]) for answer in look(read, batch)]
    assert shapes == list(network.outputs.values())


def test_half_precision_spares_the_tokens_and_agrees() -> None:
    network, halved = tiny(), tiny()
    halve_(halved)
    assert halved.backbone.stem[0].conv.weight.dtype == torch.float16
    assert {parameter.dtype for parameter in halved.head.gau.parameters()} == {torch.float32}
    crops = torch.rand(2, 3, *SIDE)
    for full, half in zip(look(network, crops), look(halved, crops.half()), strict=True):
        assert half.dtype == torch.float32
        assert torch.allclose(full, half, atol=0.02 * float(full.abs().max()))


def test_attention_beyond_float16_stays_finite_in_half_precision() -> None:
    network = tiny()
    with torch.no_grad():
        network.head.gau.gamma.fill_(300.0)
    halve_(network)
    largest = max(
        float(answer.abs().max()) for answer in look(network, torch.rand(1, 3, *SIDE).half())
    )
    assert 65504 < largest < float("inf")


# ---------------------------------------------------------------- YOLOX and its published export


def in_order(module: Any) -> list[Any]:
    """Convolutions as the export runs them; a ``CBA`` counts as one."""
    if isinstance(module, (CBA, nn.Conv2d)):
        return [module]
    if isinstance(module, CSP):
        parts = [module.main_conv, module.short_conv, module.blocks, module.final_conv]
    elif isinstance(module, PAFPN):
        up, down = (
            zip(module.reduce_layers, module.top_down_blocks, strict=True),
            zip(module.downsamples, module.bottom_up_blocks, strict=True),
        )
        parts = [part for pair in (*up, *down) for part in pair]
    else:
        parts = list(module.children())
    return [convolution for part in parts for convolution in in_order(part)]


def whole_in_order(network: Any) -> list[Any]:
    head, levels = network.bbox_head, []
    for level in range(3):
        levels += [
            network.neck.out_convs[level],
            head.multi_level_cls_convs[level],
            head.multi_level_conv_cls[level],
            head.multi_level_reg_convs[level],
            head.multi_level_conv_reg[level],
            head.multi_level_conv_obj[level],
        ]
    parts = [network.backbone, network.neck, *levels]
    return [convolution for part in parts for convolution in in_order(part)]


@pytest.mark.shared
def test_yolox_nano_says_what_its_published_export_says(shared: Path) -> None:
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    path = shared / "models" / "yolox_nano.onnx"
    if not path.exists():
        pytest.skip("no yolox_nano.onnx in the reference material")
    graph = onnx.load(path).graph
    values = {value.name: onnx.numpy_helper.to_array(value) for value in graph.initializer}
    network = Yolox(YOLO_SCALES["nano"]).eval()
    nodes = [node for node in graph.node if node.op_type == "Conv"]
    for node, module in zip(nodes, whole_in_order(network), strict=True):
        weight, bias = (torch.from_numpy(values[name].copy()) for name in node.input[1:])
        with torch.no_grad():
            convolution = module.conv if isinstance(module, CBA) else module
            convolution.weight.copy_(weight)
            if isinstance(module, CBA):  # folded in the export
                module.bn.weight.fill_((1 + module.bn.eps) ** 0.5)
                module.bn.bias.copy_(bias)
            else:
                convolution.bias.copy_(bias)
    picture = np.random.default_rng(0).uniform(0, 255, (1, 3, 416, 416)).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"images": picture})
    (rows,) = look(network, torch.from_numpy(picture))
    assert rows.shape == expected.shape == (1, 3549, 85)
    np.testing.assert_allclose(rows.numpy(), expected, atol=2e-3)


def megvii(key: str) -> str:
    """A tensor's name in the layout of the original release."""
    names = (
        ("neck.reduce_layers.0", "backbone.lateral_conv0"),
        ("neck.reduce_layers.1", "backbone.reduce_conv1"),
        ("neck.top_down_blocks.0", "backbone.C3_p4"),
        ("neck.top_down_blocks.1", "backbone.C3_p3"),
        ("neck.downsamples.0", "backbone.bu_conv2"),
        ("neck.downsamples.1", "backbone.bu_conv1"),
        ("neck.bottom_up_blocks.0", "backbone.C3_n3"),
        ("neck.bottom_up_blocks.1", "backbone.C3_n4"),
        ("neck.out_convs", "head.stems"),
        ("bbox_head.multi_level_cls_convs", "head.cls_convs"),
        ("bbox_head.multi_level_reg_convs", "head.reg_convs"),
        ("bbox_head.multi_level_conv_cls", "head.cls_preds"),
        ("bbox_head.multi_level_conv_reg", "head.reg_preds"),
        ("bbox_head.multi_level_conv_obj", "head.obj_preds"),
        ("backbone.stem", "backbone.backbone.stem"),
        *((f"backbone.stage{n}", f"backbone.backbone.dark{n + 1}") for n in (1, 2, 3, 4)),
    )
    key = next(theirs + key[len(ours) :] for ours, theirs in names if key.startswith(ours))
    for ours, theirs in (
        (".main_conv", ".conv1"), (".short_conv", ".conv2"), (".final_conv", ".conv3"),
        (".blocks", ".m"), (".depthwise_conv", ".dconv"), (".pointwise_conv", ".pconv"),
    ):  # fmt: skip
        key = key.replace(ours, theirs)
    return key


@pytest.mark.parametrize("depthwise", [False, True])
def test_megvii_names_and_mmdet_names_give_one_network(depthwise: bool) -> None:  # noqa: FBT001
    network = lively(Yolox(YoloScale(1 / 16, 1, depthwise=depthwise, side=416)))
    state = network.state_dict()
    renamed = {megvii(key): tensor for key, tensor in state.items()}
    assert not renamed.keys() & state.keys()
    assert {to_mmdet(key) for key in renamed} == state.keys()
    assert {to_mmdet(key) for key in state} == state.keys()
    picture = torch.rand(1, 3, 64, 64)
    assert same(Yolox.from_state_dict(renamed), network, picture)


# ---------------------------------------------------------------- checkpoints, read as data


class HistoryBuffer:
    """Stands for a logging object of a training library that is not installed."""

    def __init__(self) -> None:
        self.values = np.arange(5.0)


def training_checkpoint(network: Any) -> dict[str, Any]:
    """What a training run leaves: weights three times over, and objects of its library."""
    state = network.state_dict()
    raw = {f"module.student.{key}": torch.full_like(tensor, 7) for key, tensor in state.items()}
    return {
        "meta": {"epoch": 270, "sigmas": np.ones(133), "scale": np.float32(2)},
        "message_hub": {"log_scalars": OrderedDict(loss=HistoryBuffer()), "kinds": {1, 2}},
        "ema_state_dict": OrderedDict(steps=torch.tensor(5), **raw),
        "state_dict": state,
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 4e-3}]},
    }


@pytest.mark.parametrize("new", [True, False], ids=["zip", "run of pickles"])
def test_a_whole_training_checkpoint_is_read_without_its_library(
    new: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, path = tiny(), tmp_path / "dw.pth"
    torch.save(training_checkpoint(network), path, _use_new_zipfile_serialization=new)
    monkeypatch.delattr(f"{__name__}.HistoryBuffer", raising=False)
    weights = read_weights(path)
    assert weights.tensors.keys() == network.state_dict().keys()
    assert same(network_of(weights), network, torch.rand(1, 3, *SIDE))


def test_only_the_weights_of_a_training_checkpoint_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, path, sizes = tiny(), tmp_path / "dw.pth", []
    torch.save(training_checkpoint(network), path)
    whole = zipfile.ZipFile.read

    def read(self: zipfile.ZipFile, name: Any, *rest: Any) -> bytes:
        content = whole(self, name, *rest)
        sizes.append(len(content) * ("/data/" in name.filename))
        return content

    monkeypatch.setattr(zipfile.ZipFile, "read", read)
    read_weights(path)
    state = network.state_dict().values()
    assert sum(sizes) == sum(tensor.numel() * tensor.itemsize for tensor in state)


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s}, lambda s: {"model": s}])
def test_plain_state_dicts_and_parameters_are_read(
    wrap: Callable[[Any], Any], tmp_path: Path
) -> None:
    network, path = tiny(), tmp_path / "a.pth"
    state = {f"module.{key}": tensor for key, tensor in network.state_dict().items()}
    state["module.data_preprocessor.mean"] = torch.zeros(3)
    state["module.head.cls_x.weight"] = nn.Parameter(state["module.head.cls_x.weight"])
    torch.save(wrap(state), path)
    assert same(network_of(read_weights(path)), network, torch.rand(1, 3, *SIDE))


def test_views_of_one_storage_and_half_numbers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    base = torch.arange(24.0).half()
    state = {"a": base.view(4, 6).t()[1:3], "b": base[5:7], "c": torch.zeros(0, 3), "d": base[3]}
    torch.save(state, path)
    read = read_weights(path).tensors
    assert all(torch.equal(read[key], tensor) for key, tensor in state.items())


def renamed(network: Any, prefix: str, part: str = "") -> dict[str, Any]:
    return {
        prefix + key: tensor for key, tensor in network.state_dict().items() if key.startswith(part)
    }


def test_of_stage_1_the_student_is_kept(tmp_path: Path) -> None:
    student, path = tiny(), tmp_path / "a.pth"
    teacher = RtmPose(Scale(1 / 16, (1, 1, 1, 1)), input_size=SIDE)
    align = {"distill_losses.loss_fea.align.weight": torch.zeros(64, 32, 1, 1)}
    torch.save({**renamed(student, "student."), **renamed(teacher, "teacher."), **align}, path)
    assert same(network_of(read_weights(path)), student, torch.rand(1, 3, *SIDE))


@pytest.mark.parametrize("idle", [True, False], ids=["with an idle backbone", "head only"])
def test_of_stage_2_the_teachers_backbone_and_the_students_head_are_kept(
    idle: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    teacher, student, path = tiny(), tiny(), tmp_path / "a.pth"
    for parameter in (*student.head.parameters(), *student.backbone.parameters()):
        nn.init.normal_(parameter, std=0.2)
    own = renamed(student, "student.", "" if idle else "head.")
    torch.save({"state_dict": {**renamed(teacher, "teacher."), **own}}, path)
    if idle:
        with pytest.raises(ModelError, match=r"a\.pth.*--one-dis.*--two-dis"):
            read_weights(path)
    tensors = read_weights(path, stage=2).tensors if idle else read_weights(path).tensors
    expected = {**renamed(teacher, "", "backbone."), **renamed(student, "", "head.")}
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[key], tensor) for key, tensor in expected.items())


# ---------------------------------------------------------------- hostile and damaged files


class Command:
    """A pickle that runs a command when it is loaded without care."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("kind", ["zip", "run of pickles", "plain pickle"])
def test_a_checkpoint_that_runs_a_command_is_refused_and_not_run(kind: str, tmp_path: Path) -> None:
    path, trace = tmp_path / "bad.pth", tmp_path / "trace"
    content = {"x": Command(f"touch {trace}"), "state_dict": tiny().state_dict()}
    if kind == "plain pickle":
        path.write_bytes(pickle.dumps(content["x"]))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(ModelError, match=r"bad\.pth.*would call (posix|nt)\.system"):
        read_weights(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "called",
    [
        "builtins eval", "builtins print", "subprocess Popen", "os.path join", "torch os.system",
        "torch.hub load", "numpy load", "pip main", "distutils.spawn spawn",
    ],
)  # fmt: skip
def test_a_checkpoint_that_names_what_runs_code_is_refused(called: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.pth"
    path.write_bytes(archive_of(b"\x80\x02c" + called.replace(" ", "\n").encode() + b"\n."))
    with pytest.raises(ModelError, match=f"would call {called.replace(' ', '.')}"):
        read_weights(path)


class Calls:
    """A pickle that calls a function when it is loaded without care."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return self.function, ("x",)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("function", "called"),
    [
        (subprocess.call, "subprocess.call"),
        (open, r"_?io\.open"),
        (exec, "builtins.exec"),
        (shutil.rmtree, "shutil.rmtree"),
        (Path.write_text, r"(pathlib(\._local)?\.Path\.)?write_text"),
        (timeit.timeit, "timeit.timeit"),
        (webbrowser.open, "webbrowser.open"),
        (urllib.request.urlopen, "urllib.request.urlopen"),
        (pdb.run, "pdb.run"),
        (code.interact, "code.interact"),
        (pickle.loads, "_?pickle.loads"),
        (torch.load, "torch.serialization.load"),
        (np.load, r"numpy(\.lib\.npyio)?\.load"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_checkpoint_that_calls_a_function_is_refused_in_any_protocol(
    function: Callable[..., Any], called: str, protocol: int, tmp_path: Path
) -> None:
    path = tmp_path / "bad.pth"
    content = {"state_dict": tiny().state_dict(), "meta": Calls(function)}
    torch.save(content, path, pickle_protocol=protocol)
    with pytest.raises(ModelError, match=rf"bad\.pth: .*would call {called}, of which nothing"):
        read_weights(path)


class Phase(enum.Enum):
    """Stands for a word of a training library."""

    TRAIN = 1


@pytest.mark.parametrize("protocol", [2, 4])
def test_values_of_the_standard_library_are_no_programs(protocol: int, tmp_path: Path) -> None:
    values = [
        argparse.Namespace(a=1), dt.datetime(2023, 7, 29, tzinfo=dt.timezone.utc),
        dt.timedelta(1), Path("a"), PureWindowsPath("b"), Counter("ab"), deque([1]),
        defaultdict(list), partial(dict, a=1), Phase.TRAIN, Decimal(1), Fraction(1, 2), b"bytes",
        bytearray(b"more"), {1, 2}, frozenset({3}), slice(1, 2), complex(1, 2), type(None),
        uuid.UUID(int=7), SimpleNamespace(a=1), Any, re.compile("a"), array("d", [1.0]), range(3),
        logging.getLogger("a"), np.random.RandomState(0), torch.device("cpu"), torch.float32,
        torch.Size([1]), torch.strided, np.float32(1), np.datetime64("2023"),
    ]  # fmt: skip
    network, path = tiny(), tmp_path / "fine.pth"
    content = {"state_dict": network.state_dict(), "meta": values}
    torch.save(content, path, pickle_protocol=protocol)
    assert read_weights(path).tensors.keys() == network.state_dict().keys()


def test_members_of_other_packages_are_no_programs(tmp_path: Path) -> None:
    path = tmp_path / "fine.pth"
    member = b"c__builtin__\ngetattr\n(cmmengine.logging\nHistoryBuffer\nX\x04\x00\x00\x00meantR"
    numbers = pickled({"w": Rebuilt(Storage(), 0, (1,), (1,))})
    path.write_bytes(archive_of(numbers[:-1] + b"X\x01\x00\x00\x00a" + member + b"s."))
    assert read_weights(path).tensors.keys() == {"w"}


def archive_of(pickled: bytes) -> bytes:
    """A torch archive around a pickle, with four bytes of numbers."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", pickled)
        archive.writestr("a/data/0", bytes(4))
    return buffer.getvalue()


class Rebuilt:
    """A tensor that claims what it likes of its place in a storage of one number."""

    def __init__(self, *claims: Any) -> None:
        self.claims = claims

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return torch._utils._rebuild_tensor_v2, self.claims


class Storage:
    """Stands for the storage in a pickle."""


class Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        return (
            ("storage", torch.FloatStorage, "0", "cpu", 1) if isinstance(value, Storage) else None
        )


def pickled(value: Any) -> bytes:
    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump(value)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "claims",
    [
        (Storage(), 1, (1,), (1,)),
        (Storage(), 0, (2,), (1,)),
        (Storage(), 0, (10**9,), (0,)),
        (Storage(), -1, (1,), (1,)),
        (Storage(), 0, (1,), (-1,)),
        (Storage(), 0, (1, 1), (1,)),
        (Storage(), 0, "1", (1,)),
        (None, 0, (1,), (1,)),
        (Storage(), 0, (0, 10**30), (1, 1)),
    ],
    ids=str,
)
def test_a_tensor_that_claims_more_than_its_numbers_is_refused(
    claims: tuple[Any, ...], tmp_path: Path
) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(archive_of(pickled({"w": Rebuilt(*claims)})))
    with pytest.raises(ModelError, match=r"a\.pth: expected a PyTorch checkpoint, got .*again"):
        read_weights(path)


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02}r\xff\xff\xff\x7f.",  # remembers at number 2**31
        b"\x80\x02cos\nsystem\n}\x85b.",  # sets state on what stands for a function
        b"\x80\x02ctorch\nFloatStorage\nN}X\x01\x00\x00\x00xK\x01s\x86b.",  # and on a number type
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x01\x00\x00\x00xK\x01s\x86b.",
        b"\x80\x02ccollections\nOrderedDict\nK\x05\x85R.",
        b"\x80\x02" + b"(" * 100_000 + b".",
        b"\x80\x02.",
        b"",
    ],
)
def test_a_pickle_that_makes_no_sense_is_refused(program: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(archive_of(program))
    with pytest.raises(ModelError, match=r"a\.pth: expected"):
        read_weights(path)
    assert not hasattr(torch.float32, "x")


@pytest.mark.parametrize("new", [True, False], ids=["zip", "run of pickles"])
@pytest.mark.parametrize("kept", [0.001, 0.1, 0.5, 0.9, 0.9999])
def test_a_truncated_checkpoint_is_refused(new: bool, kept: float, tmp_path: Path) -> None:  # noqa: FBT001
    path = tmp_path / "cut.pth"
    torch.save(tiny().state_dict(), path, _use_new_zipfile_serialization=new)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(
        ModelError, match=r"cut\.pth: expected a PyTorch checkpoint.*again"
    ) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


def test_a_compressed_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", pickled({}))
        archive.writestr("a/data/0", bytes(10_000_000))
    with pytest.raises(ModelError, match=r"bomb\.pth.*compressed"):
        read_weights(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.safetensors", pickle.dumps({}), "expected safetensors, got a pickle"),
        ("a.safetensors", archive_of(b""), "expected safetensors, got a zip archive"),
        ("a.safetensors", b"", "empty"),
        ("a.safetensors", b"\x08\0\0\0\0\0\0\0{}    ", "expected|named"),
        ("a.safetensors", b"\xff" * 100, "expected safetensors"),
        ("a.pth", b"", "empty"),
        ("a.pth", b"<!DOCTYPE html>", "web page"),
        ("a.pth", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("a.pth", b"\x08\x07\x12\x07pytorch", "neither"),
        ("a.pth", archive_of(pickled([1])), "dictionary"),
        ("a.pth", archive_of(pickled({"epoch": 3})), "got epoch"),
        ("a.onnx", b"", r"\.safetensors or \.pth"),
    ],
)
def test_a_file_that_is_something_else_is_named_and_refused(
    name: str, content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words) as caught:
        network_of(read_weights(path))
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder.pth").mkdir()
    for name in ("none.safetensors", "folder.pth"):
        with pytest.raises(ModelError, match=name):
            read_weights(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"head.gau.o.weight": torch.zeros(3, 3)}, r"expected head\.gau\.o\.weight of shape"),
        ({"head.gau.uv.weight": None}, r"lacks head\.gau\.uv\.weight"),
        ({"head.more": torch.zeros(3)}, r"no place for: head\.more"),
        ({"head.cls_x.weight": torch.zeros(120, 16)}, "60 x 64"),
        ({"head.cls_x.weight": torch.tensor(1.0)}, r"head\.cls_x\.weight has the shape \(\)"),
        ({"head.final_layer.weight": None}, "expected the weights of an RTMPose"),
        ({"backbone.stage4.0.conv.weight": torch.zeros(31, 16, 3, 3)}, "multiple of 32"),
        ({"backbone.stage4.0.conv.weight": torch.zeros(0, 16, 3, 3)}, "has the shape"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(change: dict[str, Any], words: str) -> None:
    state = {**tiny().state_dict(), **change}
    state = {key: tensor for key, tensor in state.items() if tensor is not None}
    with pytest.raises(ModelError, match=words):
        network_of(Weights(state, "a.pth"))


def test_weights_without_training_counters_are_whole() -> None:
    network = tiny()
    state = {k: t for k, t in network.state_dict().items() if "num_batches" not in k}
    assert same(RtmPose.from_state_dict(state), network, torch.rand(1, 3, *SIDE))
