"""``dw-openpose export``: a file that says what torch says, or no file."""

# ruff: noqa: E402  without torch nothing below can be imported

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

import onnx
from onnx import numpy_helper

from dw_openpose_full import cli
from dw_openpose_full.backends import open_session
from dw_openpose_full.errors import ModelError, OptionError
from dw_openpose_full.estimator import SimccEstimator
from dw_openpose_full.export import crops as crops_module
from dw_openpose_full.export import onnx_export
from dw_openpose_full.export.agreement import Agreement, compare
from dw_openpose_full.export.checkpoints import Checkpoint
from dw_openpose_full.export.crops import batch_of, people_on
from dw_openpose_full.export.onnx_export import export
from dw_openpose_full.export.precision import BOUNDS, Bound, Precision
from dw_openpose_full.export.quantising import Range
from dw_openpose_full.export.translation import translate
from dw_openpose_full.export.weights_file import write_weights
from dw_openpose_full.networks import RtmPose, Rtmw, Yolox
from dw_openpose_full.pictures import encode_png, read_picture
from dw_openpose_full.poses import Boxes, ImageSize
from dw_openpose_full.zoo.cards import IMAGENET_RGB, PLAIN_BGR
from faithful_networks import PlantedSession
from lively_networks import SAMPLE, SIZE, crops, lively_pose, lively_yolox, look

FLOAT32, FLOAT16, INT8 = Precision
NETWORKS: dict[Any, Callable[[], Any]] = {
    RtmPose: lively_pose,
    Rtmw: lambda: lively_pose(Rtmw),
    Yolox: lively_yolox,
}


def checkpoint(network: Any) -> Checkpoint:
    return Checkpoint(network, None, "test")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks are slower on several, and tests that run side by side far slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr(logging.getLogger("torch.__trace"), "disabled", True)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pose() -> Any:
    return lively_pose()


@pytest.fixture(scope="module")
def onnxruntime() -> Any:
    return pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


@pytest.fixture(scope="module")
def files(
    pose: Any, onnxruntime: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[Precision, Path]:
    """The same network in each precision."""
    folder = tmp_path_factory.mktemp("files")
    written = {}
    for precision in Precision:
        written[precision] = folder / f"{precision.value}.onnx"
        export(checkpoint(pose), written[precision], crops(40), precision)
    return written


# ---------------------------------------------------------------- float32


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_engine_says_what_torch_says(kind: Any, tmp_path: Path) -> None:
    network, path = NETWORKS[kind](), tmp_path / "new" / "out.onnx"
    pictures = crops(3, network.input_size)
    export(checkpoint(network), path, pictures, FLOAT32)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    batch = batch_of(pictures, PLAIN_BGR if kind is Yolox else IMAGENET_RGB)
    engines = ["opencv"]
    if "onnxruntime" in sys.modules:
        engines.append("onnxruntime")
    for engine in engines:
        session = open_session(path, backend=engine, device="cpu")
        assert session.input.name == network.input_name
        assert session.input.shape == (None, 3, *network.input_size)
        assert {one.name: one.shape[1:] for one in session.outputs} == network.outputs
        for count in (1, 3):
            answers = session.run(batch[:count])
            for answer, wanted in zip(answers, look(network, batch[:count]), strict=True):
                np.testing.assert_allclose(answer, wanted, atol=1e-4 * np.abs(wanted).max())


def test_the_file_is_of_plain_words_and_tells_what_it_is(files: dict[Precision, Path]) -> None:
    model = onnx.load(files[FLOAT32])
    words = {one.op_type for one in model.graph.node}
    assert words <= {
        *("Add", "Cast", "Clip", "Concat", "Conv", "Div", "GlobalAveragePool", "MatMul"),
        *("MaxPool", "Mul", "ReduceL2", "Relu", "Reshape", "Sigmoid", "Split", "Transpose"),
    }
    assert (model.producer_name, model.ir_version) == ("dw-openpose-full", 7)
    told = {one.key: one.value for one in model.metadata_props}
    assert told["arch"] == "rtmpose"
    assert told["input"] == "64x96"
    assert told["precision"] == "float32"
    assert told["mean"] == "123.675,116.28,103.53"
    assert told["source"] == "test"


def test_the_same_network_makes_the_same_bytes(
    pose: Any, files: dict[Precision, Path], tmp_path: Path
) -> None:
    export(checkpoint(pose), tmp_path / "again.onnx", crops(2), FLOAT32)
    assert (tmp_path / "again.onnx").read_bytes() == files[FLOAT32].read_bytes()


@pytest.mark.usefixtures("files")
def test_the_network_is_left_as_it_is(pose: Any) -> None:
    before, after = lively_pose().state_dict(), pose.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], tensor) for key, tensor in before.items())


def test_a_step_without_a_word_is_named(pose: Any) -> None:
    with pytest.raises(ModelError, match=r"a step aten\.batch_norm"):  # not folded
        translate(pose)


# ---------------------------------------------------------------- float16 and int8


def weights_of(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    return {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}


def test_float16_spares_the_tokens(files: dict[Precision, Path]) -> None:
    weights = weights_of(files[FLOAT16])
    assert weights["head.final_layer.weight"].dtype == np.float16
    for key in (
        "head.mlp.1.weight",
        "head.gau.uv.weight",
        "head.gau.o.weight",
        "head.cls_x.weight",
    ):
        assert weights[key].dtype == np.float32
    for file in files.values():
        model = onnx.load(file)
        ends = [*model.graph.input, *model.graph.output]
        assert {one.type.tensor_type.elem_type for one in ends} == {onnx.TensorProto.FLOAT}


def test_int8_is_of_the_convolutions_alone(files: dict[Precision, Path]) -> None:
    weights = weights_of(files[INT8])
    for key, weight in weights.items():
        if weight.ndim == 4:
            assert weight.dtype == np.int8, key
            assert np.abs(weight.astype(int)).max() == 63
        elif weight.ndim == 2:
            assert weight.dtype == np.float32, key
    nodes = onnx.load(files[INT8]).graph.node
    steps = Counter(one.op_type for one in nodes)
    assert steps["Conv"] == sum(weight.ndim == 4 for weight in weights.values()) > 30
    assert steps["DequantizeLinear"] == steps["QuantizeLinear"] + 2 * steps["Conv"]
    scales = {one.output[0]: weights[one.input[1]] for one in nodes if "Dequan" in one.op_type}
    for taken, weight, bias in (one.input for one in nodes if one.op_type == "Conv"):
        np.testing.assert_array_equal(scales[bias], scales[taken] * scales[weight])


def test_files_of_fewer_bits_are_smaller(files: dict[Precision, Path]) -> None:
    convolutions = sum(
        weight.nbytes for weight in weights_of(files[FLOAT32]).values() if weight.ndim == 4
    )
    whole, half, eighth = (file.stat().st_size for file in files.values())
    assert whole - half == pytest.approx(convolutions / 2, rel=0.1)
    assert eighth < whole - 0.5 * convolutions


@pytest.mark.parametrize("precision", [FLOAT16, INT8])
def test_keypoints_of_fewer_bits_are_near(
    precision: Precision, pose: Any, files: dict[Precision, Path]
) -> None:
    session = open_session(files[precision], device="cpu")
    agreement = compare(pose, session, batch_of(crops(60)[40:], IMAGENET_RGB))
    assert agreement.reaches(BOUNDS[precision])
    assert agreement.shifts.size > 19 * 133
    assert agreement.difference > 0


def test_a_range_holds_zero_and_256_steps() -> None:
    span = Range().widened(torch.tensor([3.0, 1.0])).widened(torch.tensor([-1.0]))
    assert span == Range(-1, 3)
    assert float(span.scale) == pytest.approx(4 / 255)
    assert span.zero == 64
    assert (Range().scale, Range().zero) == (1, 0)


# ---------------------------------------------------------------- refused unless it agrees


def test_a_file_that_says_something_else_is_not_written(
    pose: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sabotaged(network: Any, *others: Any) -> Any:
        network.head.gau.o.weight.data[0] *= -1
        return translate(network, *others)

    monkeypatch.setattr(onnx_export, "translate", sabotaged)
    path = tmp_path / "out.onnx"
    path.write_bytes(b"before")
    with pytest.raises(ModelError, match=r"out\.onnx: expected .* agrees .* 99\.9 % and 0\.001"):
        export(checkpoint(pose), path, crops(4), FLOAT32)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_int8_of_wrong_ranges_is_not_written(
    pose: Any, onnxruntime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observe = onnx_export.observe

    def blind(network: Any, batches: Any) -> Any:
        return observe(network, (0.02 * batch for batch in batches))

    monkeypatch.setattr(onnx_export, "observe", blind)
    with pytest.raises(ModelError, match=r"95 in 100 within 1\.5 px were asked for"):
        export(checkpoint(pose), tmp_path / "out.onnx", crops(20), INT8)
    assert not list(tmp_path.iterdir())


def agreement_of(pose: Any, change: Callable[[list[Any]], None]) -> Agreement:
    """How torch agrees with a session that says what torch says, but for a change."""
    batch = batch_of(crops(5), IMAGENET_RGB)
    parts = zip(look(pose, batch[:4]), look(pose, batch[4:]), strict=True)
    answers = [np.concatenate(both) for both in parts]
    change(answers)
    rows = iter((0, 4))

    def answer(piece: Any) -> list[Any]:
        start = next(rows)
        return [one[start : start + len(piece)] for one in answers]

    return compare(pose, PlantedSession((None, 3, *SIZE), answer, declared=[(None,)]), batch)


def test_agreement_counts_keypoints_and_differences(pose: Any) -> None:
    def change(answers: list[Any]) -> None:
        row = answers[0][4, 7]
        row[:] = np.roll(row, 6)

    agreement = agreement_of(pose, change)
    assert agreement.pictures == 5
    assert agreement.same == pytest.approx(1 - 1 / (5 * 133))
    assert sorted(agreement.shifts)[-2:] == [0, 3]
    perfect = agreement_of(pose, lambda _: None)
    assert (perfect.same, perfect.difference) == (1, 0)


def test_nan_never_agrees(pose: Any) -> None:
    def change(answers: list[Any]) -> None:
        answers[1][0, 0, 0] = np.nan

    agreement = agreement_of(pose, change)
    assert not any(agreement.reaches(bound) for bound in BOUNDS.values())


def test_bounds_are_kept_to_the_digit() -> None:
    shifts = np.array([0.0] * 95 + [9.0] * 5, np.float32)
    agreement = Agreement(1, 0.999, 1e-3, shifts, 96)
    assert agreement.reaches(Bound(same=0.999, difference=1e-3))
    assert not agreement.reaches(Bound(same=0.9991))
    assert not agreement.reaches(Bound(difference=9e-4))
    assert agreement.reaches(Bound(near=0.95, reach=1 / 64))
    assert not agreement.reaches(Bound(near=0.96, reach=1 / 64))
    assert agreement.reaches(Bound(near=1, reach=9 / 96))


@pytest.mark.usefixtures("onnxruntime")
def test_where_nothing_is_visible_fewer_bits_are_refused(tmp_path: Path) -> None:
    shy = lively_pose()
    for layer in (shy.head.cls_x, shy.head.cls_y):
        layer.weight.data *= 1e-6
    with pytest.raises(ModelError, match="no keypoint is visible"):
        export(checkpoint(shy), tmp_path / "out.onnx", crops(4), FLOAT16)


# ---------------------------------------------------------------- wrong use


def test_what_does_not_fit_is_refused(pose: Any, tmp_path: Path) -> None:
    path = tmp_path / "out.onnx"
    with pytest.raises(OptionError, match=r"at least 10 people .*, got 9"):
        export(checkpoint(pose), path, crops(9), INT8)
    with pytest.raises(OptionError, match=r"ends in \.onnx"):
        export(checkpoint(pose), path.with_suffix(".pth"), crops(4), FLOAT32)
    with pytest.raises(OptionError, match="a detector is exported in float32"):
        export(checkpoint(lively_yolox()), path, [], FLOAT16)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- pictures


def test_crops_are_shown_as_the_estimator_shows_them() -> None:
    picture = read_picture(SAMPLE)
    outputs = [np.zeros((1, 133, 2 * side), np.float32) for side in (SIZE.width, SIZE.height)]
    session = PlantedSession((None, 3, *SIZE), outputs)
    boxes = Boxes.from_arrays([[10, 20, 200, 300]])
    SimccEstimator(session, model="", mean=IMAGENET_RGB.mean, std=IMAGENET_RGB.std)(picture, boxes)
    crop = crops_module.PersonCrop.around(boxes.xyxy[0], SIZE).warp(picture)
    np.testing.assert_allclose(batch_of([crop], IMAGENET_RGB), session.shown[0], atol=1e-6)
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 200
    assert batch_of([red], PLAIN_BGR)[0, :, 0, 0].tolist() == [0, 0, 200]


def test_people_are_found_on_pictures_and_nobody_is_said(tmp_path: Path) -> None:
    found = people_on([SAMPLE, SAMPLE], SIZE)
    assert len(found) >= 2
    assert {crop.shape for crop in found} == {(96, 64, 3)}
    assert np.array_equal(found[0], found[len(found) // 2])
    assert crops_module.whole([SAMPLE], ImageSize(32, 32))[0].shape == (32, 32, 3)
    nobody = tmp_path / "grey.png"
    nobody.write_bytes(encode_png(np.full((64, 64, 3), 127, np.uint8)))
    with pytest.raises(OptionError, match="no people were found on the 1 pictures"):
        people_on([nobody], SIZE)


# ---------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def weights(pose: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "pupil.safetensors"
    write_weights(path, pose.state_dict(), input_size=SIZE, source="test")
    return path


def annotated(model: Path, folder: Path, *words: str) -> Any:
    """What ``annotate`` says of the sample picture."""
    output, document = folder / f"{model.name}.png", folder / f"{model.name}.json"
    rest = ["-o", str(output), "--json", str(document), "--detector", "none", "-q", *words]
    assert cli.run(["annotate", str(SAMPLE), "--model", str(model), *rest]) == 0
    assert output.stat().st_size > 1000
    people = json.loads(document.read_text())["people"]
    return np.array([person["pose_keypoints_2d"] for person in people])


def test_the_exported_student_annotates_a_picture(
    weights: Path,
    onnxruntime: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wanted = annotated(weights, tmp_path)
    model = tmp_path / "pupil.onnx"
    assert cli.run(["export", str(weights), str(model)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "onnxruntime (CPU) agrees with torch: 100.00 % in the same bins on 16 pictures" in said
    for backend in ("onnxruntime", "opencv"):
        came = annotated(model, tmp_path, "--backend", backend)
        np.testing.assert_allclose(came, wanted, atol=1e-3)


@pytest.mark.parametrize("option", ["--fp16", "--int8"])
def test_a_student_of_fewer_bits_annotates_a_picture(
    option: str,
    weights: Path,
    onnxruntime: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wanted = annotated(weights, tmp_path)
    model = tmp_path / "pupil.onnx"
    assert cli.run(["export", option, str(weights), str(model)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "visible keypoints move by" in said
    assert ("drawn people" in said) == (option == "--int8")
    came = annotated(model, tmp_path)
    assert came.shape == wanted.shape
    most = 1 if option == "--fp16" else 20  # pixels of the picture
    assert np.median(np.abs(came - wanted)) < most


def test_pictures_to_calibrate_with_are_the_users(
    weights: Path, onnxruntime: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(weights), str(tmp_path / "out.onnx"), "--calibration"]
    assert cli.run([*words, str(SAMPLE)]) == 0
    assert "on 16 pictures" not in capsys.readouterr().err
    assert cli.run([*words, str(tmp_path / "none")]) == 2
    assert "no pictures to compare on" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["{weights}", "{out}.onnx", "--fp16", "--int8"], 2),
        (["{weights}", "{weights}"], 1),
        (["{weights}", "{out}.pt"], 2),
        (["{out}.pth", "{out}.onnx"], 1),
    ],
)
def test_wrong_use_is_said_and_nothing_written(
    words: list[str], code: int, weights: Path, tmp_path: Path
) -> None:
    named = [word.format(weights=weights, out=tmp_path / "out") for word in words]
    assert cli.run(["export", *named]) == code
    assert not list(tmp_path.iterdir())


def test_without_torch_the_extra_is_named(weights: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None; from dw_openpose_full import cli; "
        f"sys.exit(cli.run(['export', {str(weights)!r}, 'out.onnx']))"
    )
    source = Path(__file__).resolve().parents[1] / "annotator"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=weights.parent,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert 'pip install "dw-openpose-full[export]"' in " ".join(ended.stderr.split())
