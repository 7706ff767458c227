"""Sessions of torch: devices, batches, programs that are trusted and those that are not."""

# ruff: noqa: E402  without torch nothing below can be imported

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from safetensors.torch import save_file
from torch import nn

from dw_openpose_full.backends import Session, TensorSpec, pytorch
from dw_openpose_full.backends.pytorch import TorchSession
from dw_openpose_full.errors import ModelError, OptionError
from dw_openpose_full.networks import RtmPose, Yolox
from dw_openpose_full.networks.cspnext import Scale
from dw_openpose_full.networks.torchscript import TracedNetwork
from dw_openpose_full.networks.yolox import YoloScale
from dw_openpose_full.poses import ImageSize

SIDE = ImageSize(256, 192)


@pytest.fixture(scope="module")
def crops() -> Any:
    return np.random.default_rng(0).standard_normal((10, 3, *SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def network(crops: Any) -> RtmPose:
    """A small network whose answers are numbers of about 1."""
    torch.manual_seed(0)
    made = RtmPose(Scale(1 / 32, (1, 1, 1, 1)), keypoints=7, input_size=SIDE, width=16, key_width=8)
    nn.init.normal_(made.head.final_layer.weight, std=0.1)
    for module in made.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.2)
        elif isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0  # take the statistics of the one batch that follows
    with torch.no_grad():
        made(torch.from_numpy(crops))
    return made.eval()


@pytest.fixture(scope="module")
def weights(network: RtmPose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "dw.safetensors"
    save_file(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def expected(network: RtmPose, crops: Any) -> list[Any]:
    with torch.inference_mode():
        answers = [answer.numpy() for answer in network(torch.from_numpy(crops))]
    assert all(0.1 < answer.std() < 10 for answer in answers)
    return answers


def assert_close(answers: Any, expected: Any) -> None:
    assert len(answers) == len(expected)
    for answer, wanted in zip(answers, expected, strict=True):
        assert (answer.dtype, answer.shape) == (np.float32, wanted.shape)
        np.testing.assert_allclose(answer, wanted, atol=1e-4)


# ---------------------------------------------------------------- weights


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_session_of_weights_says_what_it_takes_and_gives(
    suffix: str, network: RtmPose, crops: Any, expected: Any, tmp_path: Path
) -> None:
    path = tmp_path / f"dw{suffix}"
    save = save_file if suffix == ".safetensors" else torch.save
    save(network.state_dict(), path)
    session: Session = TorchSession(path, device="cpu")
    assert session.description == f"dw{suffix} on torch (CPU)"
    assert session.input == TensorSpec("input", (None, 3, 256, 192), "float32")
    assert session.outputs == (
        TensorSpec("simcc_x", (None, 7, 384), "float32"),
        TensorSpec("simcc_y", (None, 7, 512), "float32"),
    )
    assert_close(session.run(crops), expected)


def test_a_detector_has_the_names_and_rows_of_its_export(tmp_path: Path) -> None:
    path = tmp_path / "yolox.pth"
    torch.save({"model": Yolox(YoloScale(1 / 2, 1)).state_dict()}, path)
    session = TorchSession(path, device="cpu")
    assert session.input == TensorSpec("images", (None, 3, 640, 640), "float32")
    assert session.outputs == (TensorSpec("output", (None, 8400, 85), "float32"),)


def test_the_callers_batch_is_read_only_and_may_be_empty(weights: Path, crops: Any) -> None:
    session = TorchSession(weights, device="cpu")
    before = crops.copy()
    crops.setflags(write=False)
    session.run(crops[::-2])
    assert np.array_equal(before, crops)
    assert [answer.shape for answer in session.run(crops[:0])] == [(0, 7, 384), (0, 7, 512)]


def test_a_batch_of_another_shape_is_refused(weights: Path) -> None:
    session = TorchSession(weights, device="cpu")
    with pytest.raises(ModelError, match=r"\(N, 3, 256, 192\), got \(1, 3, 384, 288\)"):
        session.run(np.zeros((1, 3, 384, 288), np.float32))


def test_two_threads_get_their_own_answers(weights: Path, crops: Any, expected: Any) -> None:
    session = TorchSession(weights, device="cpu")
    pieces = [slice(i % 9, i % 9 + 2) for i in range(36)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda piece: session.run(crops[piece]), pieces))
    for piece, answer in zip(pieces, answers, strict=True):
        assert_close(answer, [wanted[piece] for wanted in expected])


# ---------------------------------------------------------------- devices


@pytest.mark.parametrize("device", ["gpu", "cuda:", "CUDA", "cpu:0", "", "сpu"])  # noqa: RUF001
def test_a_device_of_another_name_is_refused(device: str, weights: Path) -> None:
    with pytest.raises(OptionError, match="auto, cpu, cuda, cuda:N or mps"):
        TorchSession(weights, device=device)


@pytest.mark.parametrize("device", ["cuda", "cuda:3", "mps"])
def test_a_missing_gpu_gives_one_line_and_the_cpu(
    device: str, weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    session = TorchSession(weights, device=device)
    assert session.description.endswith("on torch (CPU)")
    (record,) = caplog.records
    assert f"no {device[:4].upper().rstrip(':')}" in record.message
    assert "CPU" in record.message


def test_a_gpu_of_a_number_that_is_not_there_is_refused(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(OptionError, match=r"below cuda:2.*'cuda:2'"):
        TorchSession(weights, device="cuda:2")


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pytorch._device("auto") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pytorch._device("auto") == torch.device("mps")


def test_half_precision_finds_the_same_bins_and_answers_in_float32(
    weights: Path, crops: Any, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pytorch._precision(torch.device("cuda:1")) == torch.float16
    assert pytorch._precision(torch.device("cpu")) == torch.float32
    monkeypatch.setattr(pytorch, "_precision", lambda _: torch.float16)
    answers = TorchSession(weights, device="cpu").run(crops)
    for answer, wanted in zip(answers, expected, strict=True):
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, wanted, atol=0.05 * np.abs(wanted).max())
        assert np.mean(answer.argmax(-1) == wanted.argmax(-1)) > 0.9


@dataclass(frozen=True, eq=False)
class SmallGpu(pytorch._Placed):
    """A GPU of this test: it has room for so many pictures, or fails."""

    room: int = 0
    error: str = ""
    seen: Any = None

    def look(self, batch: Any) -> list[Any]:
        self.seen.append(len(batch))
        if self.error:
            raise RuntimeError(self.error)
        if len(batch) > self.room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate")
        return pytorch._Placed(self.network, torch.device("cpu")).look(batch)


MakeGpu = Callable[..., TorchSession]


@pytest.fixture
def on_small_gpu(weights: Path, monkeypatch: pytest.MonkeyPatch) -> MakeGpu:
    """Makes a session on a small GPU; what it was given is in ``seen``."""
    opened = pytorch._open

    def make(**options: Any) -> TorchSession:
        def open_there(path: Path, device: Any, trusted: Any) -> pytorch._Placed:
            placed = opened(path, torch.device("cpu"), trusted)
            return SmallGpu(placed.network, device, **options) if device.type == "cuda" else placed

        monkeypatch.setattr(pytorch, "_open", open_there)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        return TorchSession(weights, device="cuda")

    return make


def test_a_batch_too_large_for_the_gpu_is_halved_for_good(
    on_small_gpu: MakeGpu, crops: Any, expected: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []
    session = on_small_gpu(room=3, seen=seen)
    assert_close(session.run(crops), expected)
    assert seen == [10, 5, 2, 2, 2, 2, 2]
    seen.clear()
    assert_close(session.run(crops[:3]), [wanted[:3] for wanted in expected])
    assert seen == [2, 1]
    assert session.description.endswith("(CUDA)")
    assert not caplog.records


@pytest.mark.parametrize("error", ["", "CUDA error: device-side assert triggered\nmore"])
def test_a_gpu_without_room_or_out_of_order_gives_way_to_the_cpu_with_one_line(
    error: str, on_small_gpu: MakeGpu, crops: Any, expected: Any, caplog: pytest.LogCaptureFixture
) -> None:
    session = on_small_gpu(room=0, error=error, seen=[])
    with ThreadPoolExecutor(2) as pool:
        for answers in pool.map(session.run, [crops] * 4):
            assert_close(answers, expected)
    assert session.description.endswith("(CPU)")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "failed on CUDA" in record.message
    assert "CPU" in record.message
    assert "\n" not in record.message


def test_a_gpu_that_is_full_at_loading_gives_way_to_the_cpu(
    weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened = pytorch._open

    def full(path: Path, device: Any, trusted: Any) -> pytorch._Placed:
        if device.type == "cuda":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return opened(path, device, trusted)

    monkeypatch.setattr(pytorch, "_open", full)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert TorchSession(weights, device="auto").description.endswith("(CPU)")
    assert len(caplog.records) == 1


def test_a_failure_on_the_cpu_is_not_hidden(
    weights: Path, crops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = TorchSession(weights, device="cpu")
    monkeypatch.setattr(RtmPose, "forward", lambda *_: (_ for _ in ()).throw(RuntimeError("no")))
    with pytest.raises(RuntimeError, match="no"):
        session.run(crops)


# ---------------------------------------------------------------- TorchScript


class OfFive(nn.Module):
    """Runs a network on five pictures and on no other number, under names of its own."""

    def __init__(self, network: RtmPose) -> None:
        super().__init__()
        self.inner = network.backbone
        self.maps, self.mlp, self.gau = (
            network.head.final_layer,
            network.head.mlp,
            network.head.gau,
        )
        self.x, self.y = network.head.cls_x, network.head.cls_y

    def forward(self, crops: Any) -> Any:
        tokens = self.gau(self.mlp(self.maps(self.inner(crops)[-1]).view(5, 7, 48)))
        return self.x(tokens), self.y(tokens)


def traced(module: nn.Module, path: Path, batch: int) -> str:
    """Save a module as TorchScript; its sha256."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(module, torch.zeros(batch, 3, *SIDE)).save(str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def of_five(network: RtmPose, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("script") / "dw_bs5.torchscript.pt"
    return path, traced(OfFive(network), path, 5)


@pytest.mark.parametrize("count_and_runs", [(0, 0), (1, 1), (5, 1), (6, 2), (10, 2)])
def test_a_program_of_a_fixed_batch_is_run_no_more_than_needed(
    count_and_runs: tuple[int, int],
    of_five: tuple[Path, str],
    crops: Any,
    expected: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (path, digest), (count, runs) = of_five, count_and_runs
    session = TorchSession(path, device="cpu", trusted_sha256={digest})
    assert session.description == "dw_bs5.torchscript.pt on torch (CPU)"
    assert session.input == TensorSpec("input", (None, 3, 256, 192), "float32")
    assert [spec.name for spec in session.outputs] == ["simcc_x", "simcc_y"]
    seen, call = [], TracedNetwork.__call__

    def counted(self: TracedNetwork, batch: Any) -> Any:
        seen.append(len(batch))
        return call(self, batch)

    monkeypatch.setattr(TracedNetwork, "__call__", counted)
    assert_close(session.run(crops[:count]), [wanted[:count] for wanted in expected])
    assert seen == [5] * runs


def test_a_program_of_any_batch_is_run_once(
    network: RtmPose, crops: Any, expected: Any, tmp_path: Path
) -> None:
    path = tmp_path / "dw.pt"
    digest = traced(network, path, 1)
    session = TorchSession(path, device="cpu", trusted_sha256=[digest])
    assert session._placed.fixed_batch is None
    assert_close(session.run(crops), expected)


def test_a_program_that_nobody_vouches_for_is_not_opened(
    of_five: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, digest = of_five
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("opened"))
    for trusted in ((), {"0" * 64}):
        with pytest.raises(ModelError, match=f"dw_bs5.*{digest}"):
            TorchSession(path, device="cpu", trusted_sha256=trusted)


def test_weights_are_no_program_and_a_program_no_weights(
    weights: Path, of_five: tuple[Path, str], tmp_path: Path
) -> None:
    as_program, as_weights = tmp_path / "a.pt", tmp_path / "a.pth"
    as_program.write_bytes(weights.read_bytes())
    as_weights.write_bytes(of_five[0].read_bytes())
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    with pytest.raises(ModelError, match=r"a\.pt: torch can not load this program"):
        TorchSession(as_program, device="cpu", trusted_sha256={digest})
    with pytest.raises(ModelError, match=r"a\.pth.*TorchScript program"):
        TorchSession(as_weights, device="cpu")


def test_a_file_for_another_backend_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.touch()
    with pytest.raises(ModelError, match=r"a\.onnx: expected a file that ends in .*safetensors"):
        TorchSession(path)
    with pytest.raises(ModelError, match=r"none\.pt: can not be read"):
        TorchSession(tmp_path / "none.pt")
