"""From names and files to a pipeline: DWPose's networks, through library and command."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import dw_openpose_full as dw
from dw_openpose_full import assembly, cli
from dw_openpose_full.zoo.folders import FOLDER_VARIABLE
from faithful_networks import plant_boxes, simcc, yolox

SAMPLE = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"
PERSON = [30.0, 20.0, 70.0, 116.0]  # in the detector's 128 x 128


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny networks under the released files' names; one person is planted."""
    folder = tmp_path_factory.mktemp("networks")
    yolox("test", planted=plant_boxes([PERSON], side=128)).save(folder / "yolox_l.onnx")
    simcc("test").save(folder / "dw-ll_ucoco_384.onnx")
    return folder


def picture() -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)


def test_files_make_a_pipeline(networks: Path) -> None:
    estimator = dw.DwOpenpose.load(
        model=str(networks / "dw-ll_ucoco_384.onnx"), detector=str(networks / "yolox_l.onnx")
    )
    poses = estimator.detect(picture())
    assert poses.model == "dw-ll_ucoco_384"
    assert poses.boxes.xyxy[0].tolist() == pytest.approx([2 * side for side in PERSON], abs=4)
    assert len(poses) == 1
    assert (poses.scores[0] > 0).mean() > 0.9
    assert "yolox_l.onnx" in estimator.description


def test_lite_takes_the_boxes_of_another_detector(networks: Path) -> None:
    estimator = dw.DwOpenpose.load(model="lite", detector=str(networks / "yolox_l.onnx"))
    assert len(estimator.detect(np.zeros((64, 64, 3), np.uint8))) == 0  # nobody is in its box


def test_dwpose_takes_the_boxes_of_lites_detector(networks: Path) -> None:
    estimator = dw.DwOpenpose.load(model=str(networks / "dw-ll_ucoco_384.onnx"), detector="movenet")
    poses = estimator.detect(SAMPLE)
    assert len(poses) == 1
    x1, y1, _, y2 = poses.boxes.xyxy[0]
    assert 150 < x1 < 350
    assert y2 - y1 > 900


def test_the_whole_picture_is_one_person_without_a_detector(networks: Path) -> None:
    estimator = dw.DwOpenpose.load(
        model=str(networks / "dw-ll_ucoco_384.onnx"), detector=assembly.NO_DETECTOR
    )
    assert estimator.detect(picture()).boxes.xyxy.tolist() == [[0, 0, 256, 256]]


def test_the_command_takes_files(networks: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "in.png"), picture())
    words = ["annotate", str(tmp_path / "in.png"), "-o", str(tmp_path / "out.png"), "--json"]
    words += ["--model", str(networks / "dw-ll_ucoco_384.onnx")]
    assert cli.run([*words, "--detector", str(networks / "yolox_l.onnx")]) == 0
    document = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert document["model"] == "dw-ll_ucoco_384"
    assert len(document["people"]) == 1


@pytest.mark.parametrize(
    ("role", "file", "sentence"),
    [
        ("model", "yolox_l.onnx", "yolox_l.onnx"),
        ("detector", "dw-ll_ucoco_384.onnx", "dw-ll_ucoco_384.onnx"),
    ],
)
def test_a_network_in_the_wrong_place_is_refused(
    networks: Path, role: str, file: str, sentence: str
) -> None:
    names = {
        "model": str(networks / "dw-ll_ucoco_384.onnx"),
        "detector": str(networks / "yolox_l.onnx"),
        role: str(networks / file),
    }
    with pytest.raises(dw.ModelError, match=sentence) as caught:
        dw.DwOpenpose.load(**names)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("role", ["model", "detector"])
def test_a_missing_file_is_wrong_use(role: str) -> None:
    with pytest.raises(dw.OptionError, match=r"nowhere\.onnx: no such network file"):
        dw.DwOpenpose.load(**{role: "nowhere.onnx"})


def test_auto_takes_lite_where_nothing_else_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (FOLDER_VARIABLE, "HF_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    estimator = dw.DwOpenpose.load()
    assert estimator.model == "lite"
    assert "dw-ll_ucoco_384.onnx and yolox_l.onnx not here" in estimator.description


def test_a_file_takes_the_bundled_detector_where_the_best_is_not_here(
    networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (FOLDER_VARIABLE, "HF_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    file = str(networks / "dw-ll_ucoco_384.onnx")
    estimator = dw.DwOpenpose.load(file)
    assert "dw-ll_ucoco_384, people found by movenet (yolox_l.onnx not" in estimator.description
    assert len(estimator.detect(SAMPLE)) == 1
    with pytest.raises(dw.ModelError, match=r"^yolox_l\.onnx is not here"):
        dw.DwOpenpose.load(file, parity=True)  # which nothing else can give
    with pytest.raises(dw.ModelError, match=r"^yolox_l\.onnx is not here"):
        dw.DwOpenpose.load(file, "yolox-l")


def test_torch_runs_its_own_kinds_of_file(networks: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from safetensors.torch import save_file

    from dw_openpose_full.networks.cspnext import SCALES
    from dw_openpose_full.networks.rtmpose import RtmPose

    weights = RtmPose(SCALES["t"]).state_dict()
    save_file(weights, tmp_path / "tiny.safetensors")
    estimator = dw.DwOpenpose.load(
        model=str(tmp_path / "tiny.safetensors"), detector=str(networks / "yolox_l.onnx")
    )
    poses = estimator.detect(picture())
    assert (len(poses), poses.model) == (1, "tiny")
    assert "on torch (CPU)" in estimator.description


def test_a_file_of_another_engine_is_refused_with_a_cure(networks: Path) -> None:
    with pytest.raises(dw.ModelError, match="runs on onnxruntime or opencv, not on torch"):
        dw.DwOpenpose.load(
            model=str(networks / "dw-ll_ucoco_384.onnx"), detector="none", backend="torch"
        )


def test_onnxruntime_and_opencv_agree(networks: Path) -> None:
    """The same network gives the same keypoints on onnxruntime and on OpenCV."""
    names = {
        "model": str(networks / "dw-ll_ucoco_384.onnx"),
        "detector": str(networks / "yolox_l.onnx"),
    }
    plain, other = (
        dw.DwOpenpose.load(**names, backend=backend).detect(picture())
        for backend in ("onnxruntime", "opencv")
    )
    assert len(plain) == len(other) == 1
    assert np.abs(plain.keypoints - other.keypoints).max() < 1e-3
    assert np.abs(plain.scores - other.scores).max() < 1e-4


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_torchscript_program_that_nobody_vouches_for_is_not_run(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")

    torch.jit.save(torch.jit.trace(torch.nn.Identity(), torch.zeros(1)), tmp_path / "own.pt")
    with pytest.raises(dw.ModelError, match=r"own\.pt.*sha256") as caught:
        dw.DwOpenpose.load(model=str(tmp_path / "own.pt"), detector="none")
    assert "\n" not in str(caught.value)
