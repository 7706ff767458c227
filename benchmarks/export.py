"""What an export takes and gives: seconds, bytes, agreement with torch, and speed.

A network of a published size, with weights whose answers hang on the picture, is exported in each
precision by the real code. Printed are the file's size ÷ that of float32, how far it is from torch,
whether it was good enough to be written, and the CPU time of onnxruntime on one thread ÷ that of
float32, in turns within one run. What is said of agreement holds for random weights, which make
much more of rounding than learned ones; a trained network can be named instead.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before onnxruntime looks

import numpy as np

from dw_openpose_full.backends import open_session
from dw_openpose_full.errors import ModelError
from dw_openpose_full.export.checkpoints import Checkpoint, read_checkpoint
from dw_openpose_full.export.crops import batch_of
from dw_openpose_full.export.onnx_export import export
from dw_openpose_full.export.precision import Precision
from dw_openpose_full.networks.cspnext import SCALES
from dw_openpose_full.poses import ImageSize
from dw_openpose_full.zoo.cards import IMAGENET_RGB

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from lively_networks import crops, lively_pose

SIZES = {"256": ImageSize(256, 192), "384": ImageSize(384, 288)}
CROPS = 40
ROUNDS = 5


def main() -> None:
    """Print one line for each precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="?", default="l-384", help="t-256 ... x-384, or a file")
    name = parser.parse_args().network
    if Path(name).suffix:
        checkpoint = read_checkpoint(Path(name))
    else:
        scale, size = name.split("-")
        network = lively_pose(size=SIZES[size], scale=SCALES[scale], width=256, key_width=128)
        checkpoint = Checkpoint(network, None, name)
    print(checkpoint)
    pictures = crops(CROPS, checkpoint.network.input_size)
    batch = batch_of(pictures[:2], IMAGENET_RGB)
    with tempfile.TemporaryDirectory() as folder:
        sessions = {}
        for precision in Precision:
            path = Path(folder) / f"{precision.value}.onnx"
            start = time.perf_counter()
            try:
                result = export(checkpoint, path, pictures, precision)
            except ModelError as error:
                print(f"{precision.value}: refused: {error}")
                continue
            print(
                f"{precision.value}: {result.size / 1e6:.1f} MB in "
                f"{time.perf_counter() - start:.1f} s; {result.agreement}"
            )
            sessions[precision] = open_session(path, backend="onnxruntime", device="cpu")
        times: dict[Precision, list[float]] = {precision: [] for precision in sessions}
        for _ in range(ROUNDS):
            for precision, session in sessions.items():
                start = time.process_time()
                session.run(batch)
                times[precision].append(time.process_time() - start)
    base = np.median(times[Precision.FLOAT32])
    for precision, taken in times.items():
        print(f"{precision.value}: {np.median(taken) / base:.2f} of float32's CPU time")


if __name__ == "__main__":
    main()
