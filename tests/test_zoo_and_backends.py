"""Weights are found and proven; a session says what it is; the doctor tells."""

from __future__ import annotations

import dataclasses
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dw_openpose_full import cli, doctor
from dw_openpose_full.backends import open_session
from dw_openpose_full.errors import DependencyError, ModelError, OptionError
from dw_openpose_full.pipeline import DwOpenpose
from dw_openpose_full.zoo.catalogue import CARDS, Weight, card_named
from dw_openpose_full.zoo.folders import FOLDER_VARIABLE
from dw_openpose_full.zoo.store import find, find_verified, verify

WEIGHTS = {weight.file: weight for card in CARDS for weight in card.weights.values()}
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """A network that doubles its input, ``(N, 3)`` float32."""
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 3]) for n in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])], "doubling", values[:1], values[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    path = tmp_path / "doubling.onnx"
    onnx.save(model, path)
    return path


# ---------------------------------------------------------------- catalogue and store


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
def test_every_weight_of_the_catalogue_is_here_and_whole(weight: Weight) -> None:
    assert find_verified(weight).stat().st_size == weight.size


def test_the_page_of_weights_says_what_the_catalogue_says() -> None:
    page = (ROOT / "ckpts" / "README.md").read_text("utf-8")
    for weight in WEIGHTS.values():
        name = Path(weight.file).name
        assert f"| `{name}` | {weight.size} | `{weight.sha256}` |" in page


def test_a_named_folder_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = next(iter(WEIGHTS.values()))
    own = tmp_path / weight.file
    own.parent.mkdir()
    shutil.copy(find(weight), own)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert find(weight) == own


def test_a_missing_weight_names_the_places_and_the_cure() -> None:
    weight = dataclasses.replace(next(iter(WEIGHTS.values())), file="lite/none.onnx")
    with pytest.raises(
        ModelError, match=r"lite/none\.onnx is in none of .*ckpts.*install"
    ) as caught:
        find(weight)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "gone", "page"])
def test_a_damaged_weight_is_named_and_never_loaded(damage: str, tmp_path: Path) -> None:
    weight = min(WEIGHTS.values(), key=lambda weight: weight.size)
    content = bytearray(find(weight).read_bytes())
    path = tmp_path / "w.onnx"
    content[1000] ^= 1
    damaged = {"cut": content[:-1], "changed": content, "empty": b"", "page": b"<html>"}
    if damage != "gone":
        path.write_bytes(damaged[damage])
    with pytest.raises(ModelError, match=r"w\.onnx.*(expected|can not be read).*install"):
        verify(weight, path)


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(OptionError, match=r"lite.*nope"):
        card_named("nope")
    with pytest.raises(OptionError, match="detector must be one of movenet"):
        card_named("lite", "detector")


# ---------------------------------------------------------------- sessions


def test_a_session_tells_what_the_graph_tells(doubling: Path) -> None:
    session = open_session(doubling)
    assert (session.input.name, session.input.shape, session.input.dtype) == (
        "x",
        (None, 3),
        "float32",
    )
    assert [output.name for output in session.outputs] == ["y"]
    assert session.description == "doubling.onnx on onnxruntime (CPU)"
    assert session.run(np.ones((2, 3), np.float32))[0].tolist() == [[2, 2, 2], [2, 2, 2]]


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x08\x07" * 50])
def test_a_file_that_is_no_network_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        open_session(path)


def test_a_missing_provider_is_one_line_that_names_cuda_and_the_cpu(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ort = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("CUDA is here")
    monkeypatch.setattr("dw_openpose_full.backends.ort._told", set())  # nothing told yet
    assert DwOpenpose.load(device="cuda:0").description.endswith("(CPU)")
    assert len(caplog.records) == 1
    assert "CUDA" in caplog.text
    assert "CPU" in caplog.text


@pytest.mark.parametrize(
    ("choice", "value"), [("backend", "tensorflow"), ("device", "gpu"), ("device", "cuda:x")]
)
def test_an_unknown_engine_or_device_is_refused(doubling: Path, choice: str, value: str) -> None:
    with pytest.raises(OptionError, match=f"{choice} must be .*{value}"):
        open_session(doubling, **{choice: value})


def test_a_missing_engine_names_the_extra(doubling: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "dw_openpose_full.backends.ort", raising=False)
    with pytest.raises(DependencyError, match=r"dw-openpose-full\[ort\]"):
        open_session(doubling, backend="onnxruntime")


def test_without_onnxruntime_auto_takes_opencv_and_says_so(
    doubling: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "dw_openpose_full.backends.ort", raising=False)
    session = open_session(doubling)
    assert "on OpenCV" in session.description
    assert session.run(np.ones((2, 3), np.float32))[0].tolist() == [[2, 2, 2], [2, 2, 2]]
    assert "runs on OpenCV, slower" in caplog.text


def test_what_opencv_can_not_run_names_the_engine_that_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "dw_openpose_full.backends.ort", raising=False)
    movenet = find(card_named("movenet").weights["movenet"])
    with pytest.raises(DependencyError, match=r"dw-openpose-full\[ort\]"):
        open_session(movenet)


# ---------------------------------------------------------------- commands


def test_models_list_names_every_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["models", "list"]) == 0
    said = capsys.readouterr().out
    for card in CARDS:
        assert card.name in said
    assert "missing" not in said


def test_models_path_prints_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["models", "path", "movenet"]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in paths] == ["movenet-multipose.onnx", "nanodet.onnx"]
    assert all(path.is_file() for path in paths)


def test_models_verify_is_content_with_a_whole_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["models", "verify"]) == 0
    assert capsys.readouterr().out.count("ok ") == len(WEIGHTS)


def test_models_verify_names_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lite").mkdir()
    (tmp_path / "lite" / "nanodet.onnx").write_bytes(b"half")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert cli.run(["models", "verify", "movenet"]) == 1
    assert "nanodet.onnx: expected 7585483 bytes, got 4" in capsys.readouterr().err


def test_an_unknown_model_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["models", "path", "nope"]) == 2
    assert "lite" in capsys.readouterr().err


# ---------------------------------------------------------------- the doctor


def test_the_doctor_finds_this_place_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor"]) == 0
    said = capsys.readouterr().out
    for word in ("OpenCV", "Pillow", "onnxruntime", "lite", "Python"):
        assert word in said


def versions(monkeypatch: pytest.MonkeyPatch, **installed: str | None) -> None:
    """Pretend that distributions are installed, or not (``_`` for ``-``)."""
    plain = doctor.metadata.version

    def version(name: str) -> str:
        key = name.replace("-", "_")
        if key not in installed:
            return plain(name)
        found = installed[key]
        if found is None:
            raise doctor.metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(doctor.metadata, "version", version)


def test_two_flavours_of_onnxruntime_are_a_problem_with_a_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    versions(monkeypatch, onnxruntime="1.23.2", onnxruntime_gpu="1.23.2")
    assert cli.run(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "onnxruntime and onnxruntime-gpu are both installed" in said
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in said


def test_an_old_or_missing_pillow_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("9.5.0", None):
        versions(monkeypatch, pillow=version)
        findings = [finding for finding in doctor.examine() if "Pillow" in finding.what]
        assert [finding.level for finding in findings] == [doctor.Level.WARNING]
        assert findings[0].cure


def test_a_broken_onnxruntime_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> Any:
        raise OSError(f"{name}: DLL load failed")

    monkeypatch.setattr(doctor.importlib, "import_module", fail)
    problems = [f for f in doctor.examine() if f.level is doctor.Level.PROBLEM]
    assert any("DLL load failed" in finding.what for finding in problems)
    assert all(finding.cure for finding in problems)


def test_the_command_without_its_libraries_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = importlib.util.find_spec("dw_openpose_full.__main__")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in [name for name in sys.modules if name.startswith("dw_openpose_full.cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "click", None)
    with pytest.raises(SystemExit, match=r"dw-openpose-full\[all\]"):
        module.main()
