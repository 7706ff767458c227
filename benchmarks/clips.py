"""A video with full-size networks: a naive loop's time ÷ ours, detector on each Kth frame.

The networks are stand-ins of the size of YOLOX-l and dwpose-l-384 that see one person. The naive
loop annotates every frame by itself, as one would with the library, and writes the canvases. Needs
PyAV, onnx and onnxruntime.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from dw_openpose_full.annotation import Look
from dw_openpose_full.backends import open_session
from dw_openpose_full.clips import ClipAnnotator, ClipReader
from dw_openpose_full.detector import YoloxDetector
from dw_openpose_full.estimator import SimccEstimator
from dw_openpose_full.pipeline import DwOpenpose
from dw_openpose_full.poses import ImageSize
from dw_openpose_full.video import Video, VideoWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from faithful_networks import people_on_a_grid, plant_boxes, simcc, yolox

SIZE = ImageSize(720, 1280)
RATE = Fraction(30)


def estimator(folder: Path) -> DwOpenpose:
    """Full-size networks that see one person."""
    # YOLOX's square has the picture's width
    boxes = plant_boxes(people_on_a_grid(1, 640, 640 * SIZE.height / SIZE.width))
    seeing = yolox("l", planted=boxes).save(folder / "yolox.onnx")
    reading = simcc("l").save(folder / "pose.onnx")
    pose = SimccEstimator(
        open_session(reading),
        model="l",
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
    )
    return DwOpenpose(YoloxDetector(open_session(seeing)), pose, model="l", description="")


def footage(path: Path, count: int) -> Video:
    """A video of noise."""
    chance = np.random.default_rng(0)
    with VideoWriter(path, SIZE, RATE) as writer:
        for number in range(count):
            small = chance.integers(0, 256, (SIZE.height // 16, SIZE.width // 16, 3), np.uint8)
            picture = small.repeat(16, axis=0).repeat(16, axis=1)
            writer.write(picture, number / RATE)
    return Video.of(path)


def naive(whole: DwOpenpose, video: Video, out: Path) -> None:
    """Every frame by itself."""
    with VideoWriter(out, SIZE, video.rate) as writer:
        for frame in video.frames():
            writer.write(whole(frame.picture).canvas, frame.time)


def ours(whole: DwOpenpose, video: Video, out: Path, every: int) -> None:
    """What ``annotate`` does."""
    for _ in ClipAnnotator(ClipReader(whole, detect_every=every), Look()).annotate(video, out):
        pass


def seconds(work: Callable[[], None]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure a naive loop and ours, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        whole, video = estimator(folder), footage(folder / "noise.mp4", wanted.frames)
        for _ in range(wanted.rounds):
            loop = seconds(partial(naive, whole, video, folder / "naive.mp4"))
            shares = []
            for every in (1, 5, 10):
                took = seconds(partial(ours, whole, video, folder / "ours.mp4", every))
                shares.append(f"K={every}: {loop / took:.2f}")
            print(f"naive loop {loop / wanted.frames:.2f} s a frame, ÷ ours", *shares)
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")


if __name__ == "__main__":
    main()
