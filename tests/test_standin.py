"""The reference material's stand-ins for DWPose's files, against what sd-webui-controlnet made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import dw_openpose_full as dw
from dw_openpose_full import cli

pytestmark = pytest.mark.shared
ENGINES = ("onnxruntime", "opencv")
PARTS = ("pose", "face", "hand_left", "hand_right")
HOSTS_SHORTER_SIDE, HOSTS_MULTIPLE = 512, 64


@pytest.fixture(scope="module")
def networks(shared: Path) -> dict[str, str]:
    folder = shared / "models/standin"
    if not (folder / "yolox_l.onnx").is_file():
        pytest.skip("no stand-in networks among the reference material")
    files = {"model": "dw-ll_ucoco_384.onnx", "detector": "yolox_l.onnx"}
    return {role: str(folder / file) for role, file in files.items()}


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    return shared / "golden/hosts/in.png"


@pytest.fixture(scope="module")
def golden(shared: Path) -> Any:
    return json.loads((shared / "golden/hosts/a1111_512.json").read_text("utf-8"))


def as_the_host_shows_it(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarged to the detect resolution, and its last pixels repeated up to multiples of 64."""
    scale = HOSTS_SHORTER_SIDE / min(picture.shape[:2])
    height, width = (round(side * scale) for side in picture.shape[:2])
    large = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
    right, below = (-side % HOSTS_MULTIPLE for side in (width, height))
    return np.pad(large, ((0, below), (0, right), (0, 0)), mode="edge")


def points(document: Any) -> NDArray[np.float64]:
    """``(people, points, 3)`` of a document: x, y, visible."""
    return np.array(
        [
            np.concatenate([np.reshape(person[f"{part}_keypoints_2d"], (-1, 3)) for part in PARTS])
            for person in document["people"]
        ]
    )


@pytest.mark.parametrize("backend", ENGINES)
def test_the_hosts_picture_gives_the_hosts_json_bit_for_bit(
    networks: dict[str, str], source: Path, golden: Any, backend: str
) -> None:
    estimator = dw.DwOpenpose.load(**networks, backend=backend, parity=True)
    picture = as_the_host_shows_it(dw.read_picture(source))
    document = estimator(picture, phantoms=True).to_json()
    sides = ("canvas_width", "canvas_height")
    assert [document[side] for side in sides] == [golden[side] for side in sides] == [512, 640]
    assert (points(document) == points(golden)).all()


@pytest.mark.parametrize("backend", ENGINES)
def test_the_hosts_keypoints_are_found_in_the_picture_itself(
    networks: dict[str, str], source: Path, golden: Any, backend: str
) -> None:
    # the stand-in's boxes are fixed in the letterbox of 640, so it is the letterboxes that agree:
    # that of the picture holds 600 rows, that of the host's canvas 640
    estimator = dw.DwOpenpose.load(**networks, backend=backend)
    found, wanted = points(estimator(source, phantoms=True).to_json()), points(golden)
    visible = wanted[..., 2] > 0
    assert found.shape == wanted.shape == (2, 18 + 70 + 21 + 21, 3)
    assert ((found[..., 2] > 0) == visible).all()
    assert np.abs(found[..., :2] * 640 / 600 - wanted[..., :2])[visible].max() < 1


@pytest.mark.parametrize("backend", ENGINES)
def test_the_command_says_the_same_as_the_library(
    networks: dict[str, str], source: Path, tmp_path: Path, backend: str
) -> None:
    words = ["annotate", str(source), "-o", str(tmp_path / "out.png"), "--json"]
    words += ["--backend", backend]
    for role, file in networks.items():
        words += [f"--{role}", file]
    assert cli.run(words) == 0
    document = json.loads((tmp_path / "out.json").read_text("utf-8"))
    annotation = dw.DwOpenpose.load(**networks, backend=backend)(source)
    assert document == json.loads(json.dumps(annotation.to_json()))
    drawn = cv2.imread(str(tmp_path / "out.png"))[..., ::-1]
    assert (drawn == annotation.canvas).all()
    assert drawn.any()


def test_engines_agree(networks: dict[str, str], source: Path) -> None:
    plain, other = (
        dw.DwOpenpose.load(**networks, backend=backend).detect(source) for backend in ENGINES
    )
    assert (plain.boxes.xyxy == other.boxes.xyxy).all()
    assert (plain.keypoints == other.keypoints).all()
    np.testing.assert_allclose(plain.scores, other.scores, atol=1e-5)


def test_torch_runs_no_onnx_and_says_so(networks: dict[str, str]) -> None:
    with pytest.raises(dw.ModelError, match="runs on onnxruntime or opencv, not on torch"):
        dw.DwOpenpose.load(**networks, backend="torch")
