"""``DWposeDetector``, called as users of other packs call theirs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dw_openpose_full as dw

SAMPLE = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"


@pytest.fixture(scope="module")
def detector() -> dw.DWposeDetector:
    return dw.DWposeDetector(device="auto", model="lite")


def test_a_pil_image_in_gives_a_pil_image(detector: dw.DWposeDetector) -> None:
    canvas = detector(Image.open(SAMPLE), detect_resolution=256)
    assert isinstance(canvas, Image.Image)
    assert canvas.size == (256, 256)
    assert np.asarray(canvas).any()


def test_an_array_and_its_json(detector: dw.DWposeDetector) -> None:
    picture = np.asarray(Image.open(SAMPLE))
    canvas, document = detector(picture, output_type="np", image_and_json=True)
    assert isinstance(canvas, np.ndarray)
    assert canvas.shape == (512, 512, 3)
    assert (document["canvas_height"], len(document["people"])) == (512, 1)


def test_image_resolution_is_the_size_of_the_result(detector: dw.DWposeDetector) -> None:
    assert detector(SAMPLE, 512, 384, output_type="np").shape == (384, 384, 3)


def test_parts_can_be_left_out(detector: dw.DWposeDetector) -> None:
    everything = detector(SAMPLE, output_type="np")
    body = detector(SAMPLE, output_type="np", include_hand=False, include_face=False)
    nothing = detector(
        SAMPLE, output_type="np", include_body=False, include_hand=False, include_face=False
    )
    assert everything.any(axis=2).sum() > body.any(axis=2).sum() > 0
    assert not nothing.any()


def test_a_wrong_output_type_lists_the_choices(detector: dw.DWposeDetector) -> None:
    with pytest.raises(dw.OptionError, match='"pil" or "np"'):
        detector(SAMPLE, output_type="torch")


def test_without_pillow_arrays_still_work(
    detector: dw.DWposeDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.asarray(Image.open(SAMPLE))
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert detector(picture, output_type="np").any()
    with pytest.raises(dw.DependencyError, match=r"dw-openpose-full\[cli\]"):
        detector(picture)
