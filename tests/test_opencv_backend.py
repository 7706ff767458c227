"""Networks on OpenCV agree with onnxruntime, and no file gets to OpenCV that should not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import faithful_networks
from dw_openpose_full.backends import Session, TensorSpec
from dw_openpose_full.backends.onnx_file import parse_onnx, read_onnx
from dw_openpose_full.backends.onnx_mending import mend_for_opencv
from dw_openpose_full.backends.opencv_dnn import OpenCvSession
from dw_openpose_full.errors import ModelError, OptionError
from faithful_networks import Map, Simcc

SIDES = (64, 48)
FLOAT = TensorProto.FLOAT
Mend = Callable[[onnx.ModelProto], None]


class HardSigmoidSimcc(Simcc):
    """Channel attention as newer exporters write it."""

    gate_first = False

    def _attended(self, x: Map) -> Map:
        mean = Map(self.net.node("GlobalAveragePool", x.name), x.channels, 1, 1)
        share = self.net.convolve(mean, x.channels, 1, gain=1.0, normalised=False)
        gate = self.net.node("HardSigmoid", share.name, alpha=1 / 6)
        factors = (gate, x.name) if self.gate_first else (x.name, gate)
        return Map(self.net.node("Mul", *factors), x.channels, x.height, x.width)


class GateFirstSimcc(HardSigmoidSimcc):
    gate_first = True


def saved(path: Path, model: onnx.ModelProto | bytes) -> Path:
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


def made(
    nodes: Sequence[onnx.NodeProto],
    weights: dict[str, Any] | None = None,
    *,
    shape: Sequence[int | str] = (1, 3, 4, 4),
    answer: Sequence[int] | None = (1, 3, 4, 4),
    number: int = FLOAT,
) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(np.array(v), name) for name, v in (weights or {}).items()]
    x, y = (
        helper.make_tensor_value_info(name, kind, sides)
        for name, kind, sides in (("x", number, shape), ("y", FLOAT, answer))
    )
    graph = helper.make_graph(list(nodes), "small", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)


def doubling(**how: Any) -> onnx.ModelProto:
    return made(
        [helper.make_node("Mul", ["x", "w"], ["y"])], {"w": np.array([2.0], np.float32)}, **how
    )


@pytest.fixture(scope="module")
def pose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return faithful_networks.simcc("test", SIDES).save(tmp_path_factory.mktemp("n") / "pose.onnx")


def assert_agrees(session: Session, path: Path, batch: Any) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    reference = onnxruntime.InferenceSession(path.read_bytes())
    wanted = reference.run(None, {session.input.name: batch})
    answers = session.run(batch)
    assert len(answers) == len(wanted)
    for answer, right in zip(answers, wanted, strict=True):
        assert (answer.dtype, answer.shape) == (np.float32, right.shape)
        np.testing.assert_allclose(answer, right, rtol=1e-5, atol=1e-4)


def noise(count: int) -> Any:
    return np.random.default_rng(count).standard_normal((count, 3, *SIDES)).astype(np.float32)


# ---------------------------------------------------------------- right answers


@pytest.mark.parametrize("count", [1, 3, 2, 9])
def test_poses_agree_with_onnxruntime_in_batches_of_any_size(pose: Path, count: int) -> None:
    session = OpenCvSession(pose)
    assert_agrees(session, pose, noise(3))
    assert_agrees(session, pose, noise(count))


@pytest.mark.parametrize("kind", [HardSigmoidSimcc, GateFirstSimcc])
def test_a_hard_sigmoid_before_a_product_is_not_taken_for_a_hard_swish(
    kind: type[Simcc], tmp_path: Path
) -> None:
    network = kind(*faithful_networks.SIMCC_SIZES["test"], SIDES).net
    thousand = network.constant([1000.0])
    for node in network.nodes:  # without the planted answer, which hides what the network says
        if node.output[0].startswith("simcc"):
            node.op_type, node.input[1] = "Mul", thousand
    path = network.save(tmp_path / "gated.onnx")
    assert_agrees(OpenCvSession(path), path, noise(2))


def test_boxes_agree_with_onnxruntime(tmp_path: Path) -> None:
    network = faithful_networks.Yolox(*faithful_networks.YOLOX_SIZES["test"]).net
    path = network.save(tmp_path / "boxes.onnx")
    picture = np.random.default_rng(0).uniform(0, 255, (1, 3, 128, 128)).astype(np.float32)
    assert_agrees(OpenCvSession(path), path, picture)


def test_a_session_says_what_the_graph_says(pose: Path) -> None:
    session: Session = OpenCvSession(pose)
    assert session.input == TensorSpec("input", (None, 3, *SIDES), "float32")
    assert session.outputs == (
        TensorSpec("simcc_x", (None, 133, 96), "float32"),
        TensorSpec("simcc_y", (None, 133, 128), "float32"),
    )
    assert session.description.startswith("pose.onnx on OpenCV ")


def test_no_pictures_give_no_rows(pose: Path) -> None:
    x, y = OpenCvSession(pose).run(noise(0))
    assert (x.shape, y.shape) == ((0, 133, 96), (0, 133, 128))


def test_a_later_run_leaves_earlier_answers_alone(pose: Path) -> None:
    session = OpenCvSession(pose)
    first = session.run(noise(1))
    kept = [part.copy() for part in first]
    session.run(noise(2))
    np.testing.assert_array_equal(first[0], kept[0])


def test_threads_on_one_session_get_their_own_answers(pose: Path) -> None:
    session = OpenCvSession(pose)
    batches = [noise(1 + n % 2) * (n + 1) for n in range(4)]
    alone = [session.run(batch) for batch in batches]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(session.run, batches * 12))
    for n, answers in enumerate(together):
        for answer, right in zip(answers, alone[n % 4], strict=True):
            np.testing.assert_array_equal(answer, right)


def test_mending_changes_nothing_but_batch_and_gates(pose: Path) -> None:
    before = onnx.load(pose)
    after = onnx.load_from_string(mend_for_opencv(pose.read_bytes(), "input"))
    assert after.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    after.graph.input[0].CopyFrom(before.graph.input[0])
    assert after == before


def test_mending_puts_a_relu_behind_a_hard_sigmoid() -> None:
    nodes = [helper.make_node("HardSigmoid", ["x"], ["y"], alpha=0.5)]
    model = onnx.load_from_string(mend_for_opencv(made(nodes).SerializeToString(), "x"))
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["HardSigmoid", "Relu"]


# ---------------------------------------------------------------- refusals


def elsewhere(model: onnx.ModelProto) -> None:
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../secret.bin")


def elsewhere_in_a_constant(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["c"], value=model.graph.initializer[0])
    node.attribute[0].t.data_location = TensorProto.EXTERNAL
    model.graph.node.insert(0, node)


def too_few_bytes(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 1000


def huge_weight(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 1 << 40


def huge_fill(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array([4_000_000_000]), "n"))
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["n"], ["filled"]))


def unmade(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "nobody"


def no_opset(model: onnx.ModelProto) -> None:
    model.ClearField("opset_import")


def foreign(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "mmdeploy"


def branching(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("body", model.graph))


def lone_number(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array(1.0, np.float32), "n"))
    model.graph.node.insert(0, helper.make_node("MatMul", ["x", "n"], ["m"]))


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (elsewhere, "another file; use an export"),
        (elsewhere_in_a_constant, "another file; use an export"),
        (too_few_bytes, "other bytes than their shape"),
        (huge_weight, "weights of at most"),
        (huge_fill, "ConstantOfShape of"),
        (unmade, "nothing makes nobody"),
        (no_opset, "names no operator set"),
        (foreign, "mmdeploy::Mul; run it on onnxruntime"),
        (branching, "expected plain ONNX operators"),
        (lone_number, "MatMul of a single number"),
    ],
)
def test_a_graph_that_is_dangerous_is_refused(damage: Mend, word: str, tmp_path: Path) -> None:
    model = doubling()
    damage(model)
    assert_refused(saved(tmp_path / "bad.onnx", model), word)


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (doubling(number=TensorProto.FLOAT16), "one float32 input for OpenCV, got x float16"),
        (doubling(shape=(1, "h", 4, 4)), "all sides but the batch fixed"),
        (doubling(shape=(1 << 20, 1 << 20)), "tensors of at most"),
        (doubling(shape=()), "one float32 input"),
        (doubling(answer=()), "outputs with sides"),
        (made([helper.make_node("NoSuch", ["x"], ["y"])]), "OpenCV .* can not load it"),
    ],
)
def test_what_opencv_can_not_run_is_refused(
    model: onnx.ModelProto, word: str, tmp_path: Path
) -> None:
    assert_refused(saved(tmp_path / "bad.onnx", model), word)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git LFS pointer"),
        (b"PK\x03\x04" + bytes(60), "a zip archive"),
        (bytes(1000), "expected a whole ONNX file"),
    ],
)
def test_what_is_no_network_is_called_by_its_name(
    content: bytes, word: str, tmp_path: Path
) -> None:
    assert_refused(saved(tmp_path / "bad.onnx", content), word)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.9999])
def test_half_a_download_is_refused(share: float, pose: Path, tmp_path: Path) -> None:
    content = pose.read_bytes()
    path = saved(tmp_path / "bad.onnx", content[: int(len(content) * share)])
    assert_refused(path, "expected a whole ONNX file")


def test_a_name_that_is_no_text_is_refused_for_opencv_dies_of_it(tmp_path: Path) -> None:
    content = doubling().SerializeToString().replace(b"Mul", b"M\x98l")
    assert_refused(saved(tmp_path / "bad.onnx", content), "is not UTF-8")


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path / "bad.onnx", "can not be read")
    folder = tmp_path / "folder" / "bad.onnx"
    folder.mkdir(parents=True)
    assert_refused(folder, "got a folder")


def assert_refused(path: Path, word: str) -> None:
    with pytest.raises(ModelError, match=word) as caught:
        OpenCvSession(path)
    message = str(caught.value)
    assert "bad.onnx: " in message
    assert "; " in message
    assert message.isprintable()


@pytest.mark.parametrize("shape", [(1, 3, 48, 64), (3, *SIDES), (1, 3, 64), ()])
def test_a_batch_of_another_shape_is_refused(pose: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"expected a batch of shape \(N, 3, 64, 48\), got"):
        OpenCvSession(pose).run(np.zeros(shape, np.float32))


def test_an_answer_of_another_shape_than_the_graph_says_is_refused(tmp_path: Path) -> None:
    session = OpenCvSession(saved(tmp_path / "odd.onnx", doubling(answer=(1, 3, 4, 5))))
    with pytest.raises(ModelError, match=r"\(1, 3, 4, 5\), got \(1, 3, 4, 4\) from OpenCV"):
        session.run(np.zeros((1, 3, 4, 4), np.float32))


@pytest.mark.parametrize("device", ["gpu", "mps", "cuda:x", "cpu ", ""])
def test_unknown_devices_are_refused(pose: Path, device: str) -> None:
    with pytest.raises(OptionError, match="device must be auto, cpu"):
        OpenCvSession(pose, device=device)


def test_cuda_is_the_cpu_with_one_warning(pose: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        OpenCvSession(pose, device="cuda:0")
    assert len(caplog.records) == 1
    assert "CPU" in caplog.text


# ---------------------------------------------------------------- any bytes at all

WHOLE = doubling().SerializeToString()


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_random_bytes_raise_nothing_but_a_model_error(content: bytes) -> None:
    with pytest.raises(ModelError):
        parse_onnx(content, "random.onnx")


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=4))
@settings(max_examples=400, deadline=None)
def test_changed_bytes_raise_nothing_but_a_model_error(
    changes: list[tuple[int, int]],
) -> None:
    content = bytearray(WHOLE)
    for place, byte in changes:
        content[place] = byte
    try:
        graph = parse_onnx(bytes(content), "changed.onnx")
    except ModelError as error:
        assert str(error).isprintable()  # noqa: PT017  it need not be raised
    else:
        mend_for_opencv(bytes(content), graph.inputs[0].name)


@given(st.integers(0, len(WHOLE) - 1))
@settings(deadline=None)
def test_every_shortening_is_noticed(length: int) -> None:
    with pytest.raises(ModelError):
        parse_onnx(WHOLE[:length], "cut.onnx")


def test_the_reader_agrees_with_onnx_on_a_network(pose: Path) -> None:
    graph, model = parse_onnx(read_onnx(pose), "pose.onnx"), onnx.load(pose)
    assert graph.opset == 11
    assert [node.operator for node in graph.nodes] == [node.op_type for node in model.graph.node]
    for tensor in model.graph.initializer:
        assert graph.tensors[tensor.name].shape == tuple(tensor.dims)
