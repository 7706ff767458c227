"""Whole pictures beside the peers: rtmlib and easy-dwpose, on the same networks.

Prints, for 1, 4 and 10 people in a picture of 1024 x 1536, the seconds from RGB pixels to the drawn
canvas, and ours divided by each peer's; then what several persons cost beside the raw runs of the
pose network. All run on the same full-size stand-ins (random weights, planted answers), on
onnxruntime's CPU, in turns. A peer that is not installed is left out, with a word.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import dw_openpose_full as dw
from dw_openpose_full.backends import Session, open_session
from dw_openpose_full.estimator import SimccEstimator
from dw_openpose_full.poses import Boxes, RgbImage
from dw_openpose_full.zoo.cards import IMAGENET_RGB

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from faithful_networks import people_on_a_grid, plant_boxes, simcc, yolox

PEOPLE = (1, 4, 10)
POSE, DETECTOR = "dw-ll_ucoco_384.onnx", "yolox_l.onnx"
Annotator = Callable[[RgbImage], RgbImage]


def ours(folder: Path, people: int) -> Annotator:
    """This package."""
    whole = dw.DwOpenpose.load(str(folder / POSE), str(folder / DETECTOR), "onnxruntime")

    def annotate(picture: RgbImage) -> RgbImage:
        annotation = whole(picture)
        assert len(annotation.poses) == people, f"{len(annotation.poses)} people, not {people}"
        return annotation.canvas

    return annotate


def rtmlib(folder: Path, people: int) -> Annotator:
    """Of Tau-J: OpenPose's skeleton drawn on black; it is given BGR, as it wants."""
    from rtmlib import Custom, draw_skeleton

    with contextlib.redirect_stdout(io.StringIO()):
        whole = Custom(
            to_openpose=True, det_class="YOLOX", det=str(folder / DETECTOR),
            det_input_size=(640, 640), pose_class="RTMPose", pose=str(folder / POSE),
            pose_input_size=(288, 384), backend="onnxruntime", device="cpu",
        )  # fmt: skip

    def annotate(picture: RgbImage) -> RgbImage:
        keypoints, scores = whole(np.ascontiguousarray(picture[..., ::-1]))
        assert len(keypoints) == people, f"{len(keypoints)} people, not {people}"
        blank = np.zeros_like(picture)
        drawn = draw_skeleton(blank, keypoints, scores, openpose_skeleton=True, kpt_thr=0.3)
        return np.asarray(drawn, np.uint8)

    return annotate


def easy_dwpose(folder: Path, people: int) -> Annotator:
    """Of reallyigor: it reads ``./checkpoints``, once the hub, told to be offline, has no news."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_VERBOSITY": "error"}
    from easy_dwpose import DWposeDetector

    (folder / "checkpoints").mkdir(exist_ok=True)
    for file in (POSE, DETECTOR):
        link = folder / "checkpoints" / file
        link.unlink(missing_ok=True)
        os.link(folder / file, link)
    before = Path.cwd()
    os.chdir(folder)
    try:
        whole = DWposeDetector(device="cpu")
    finally:
        os.chdir(before)
    return lambda picture: whole(
        picture, detect_resolution=min(picture.shape[:2]), output_type="np"
    )


def installed(folder: Path, people: int) -> Iterator[tuple[str, Annotator]]:
    """Whoever can be asked."""
    for name, make in (("ours", ours), ("rtmlib", rtmlib), ("easy-dwpose", easy_dwpose)):
        try:
            yield name, make(folder, people)
        except ImportError as error:
            print(f"{name} is left out: {error}")


def in_turns(calls: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of each call's fastest round, which neighbours on the machine disturb least.

    The first round is not counted, and each round begins with another call.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for one in range(rounds + 1):
        turn = list(calls)[one % len(calls) :] + list(calls)[: one % len(calls)]
        for name in turn:
            start = time.perf_counter()
            calls[name]()
            if one:
                seconds[name].append(time.perf_counter() - start)
    return {name: min(times) for name, times in seconds.items()}


def compare(picture: RgbImage, people: int, folder: Path, rounds: int) -> None:
    """Print a row: everybody's seconds, and ours divided by theirs."""
    planted = plant_boxes(people_on_a_grid(people, 426, 640))
    yolox("l", planted=planted).save(folder / DETECTOR)
    annotators = dict(installed(folder, people))
    calls = {name: partial(annotate, picture) for name, annotate in annotators.items()}
    for name, call in calls.items():
        assert np.asarray(call()).any(), f"{name} drew nobody"
    seconds = in_turns(calls, rounds)
    row = [f"{people:6}  ours {seconds['ours']:.2f} s"]
    for name in [name for name in seconds if name != "ours"]:
        times = seconds["ours"] / seconds[name]
        verdict = "" if times < 1 else "  SLOWER"
        row.append(f"{name} {seconds[name]:.2f} s, ours / it {times:.3f}{verdict}")
    print("   ".join(row))


def batches(picture: RgbImage, people: int, session: Session, rounds: int) -> None:
    """Print what the estimator costs beside the network's own runs, in one batch and one by one."""
    boxes = Boxes.from_arrays(np.array(people_on_a_grid(people, 1024, 1536)))
    estimator = SimccEstimator(
        session, model="", mean=IMAGENET_RGB.mean, std=IMAGENET_RGB.std, batch=people
    )
    crops = np.random.default_rng(0).standard_normal((people, 3, 384, 288)).astype(np.float32)

    def singly() -> None:
        for row in range(people):
            session.run(crops[row : row + 1])

    seconds = in_turns(
        {
            "estimator": partial(estimator, picture, boxes),
            "batch": partial(session.run, crops),
            "singly": singly,
        },
        rounds,
    )
    print(
        f"{people:6}  estimator {seconds['estimator']:.3f} s, "
        f"{seconds['estimator'] / seconds['batch']:.3f} times one run of the batch, "
        f"{seconds['estimator'] / seconds['singly']:.3f} times {people} runs of one"
    )


def main() -> None:
    """Measure pictures, then batches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    picture = np.random.default_rng(0).integers(0, 256, (1536, 1024, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simcc("l").save(folder / POSE)
        print("people  a whole picture of 1024 x 1536")
        for people in PEOPLE:
            compare(picture, people, folder, rounds)
        print("people  poses of a picture beside the network's own runs")
        session = open_session(folder / POSE)
        for people in PEOPLE:
            batches(picture, people, session, rounds)


if __name__ == "__main__":
    main()
