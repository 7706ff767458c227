"""DWPose at full size on all three backends, by the real command: do they say the same?

Teaches a YOLOX-l and an RTMPose-l of 384 x 288 to see two people in a photo (random weights but
for the last layers), writes both as ONNX and as safetensors, and annotates the photo with each
backend in a process of its own. Prints each one's seconds and how far its keypoints are from
onnxruntime's, and from those of the slow twin. Needs torch.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import dw_openpose_full as dw
from dw_openpose_full.backends import open_session
from dw_openpose_full.pictures import encode_png

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
import slow_twin
from taught_networks import Files, Lesson, sample, teach

BACKENDS = ("onnxruntime", "opencv", "torch")
CROP, SIDE = (384, 288), 640


def annotated(backend: str, files: Files, photo: Path) -> tuple[NDArray[np.float64], float]:
    """Body joints ``(people, 18, 3)`` that the command wrote, and its seconds."""
    drawn = photo.with_name(f"{backend}.png")
    model, detector = map(str, files.of(backend))
    words = ["annotate", str(photo), "-o", str(drawn), "--json", "--backend", backend]
    start = time.perf_counter()
    subprocess.run(
        [
            sys.executable,
            "-m",
            "dw_openpose_full",
            *words,
            "--model",
            model,
            "--detector",
            detector,
        ],
        check=True,
    )
    seconds = time.perf_counter() - start
    return joints(json.loads(drawn.with_suffix(".json").read_text("utf-8"))), seconds


def joints(document: dict[str, Any]) -> NDArray[np.float64]:
    """Body joints of a document, ``(people, 18, 3)``."""
    people = [person["pose_keypoints_2d"] for person in document["people"]]
    return np.array(people, float).reshape(len(people), 18, 3)


def away(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> str:
    """How far joints are from others, in words."""
    if found.shape != wanted.shape:
        return f"{len(found)} people, not {len(wanted)}"
    seen = (found[..., 2] > 0) & (wanted[..., 2] > 0)
    pixels = np.abs(found - wanted)[..., :2].max(axis=-1)[seen]
    others = int(((found[..., 2] > 0) | (wanted[..., 2] > 0)).sum() - seen.sum())
    return (
        f"{seen.sum()} joints seen by both and {others} by one; {np.mean(pixels < 1):.1%} within "
        f"1 px, the farthest {pixels.max():.3f} px away"
    )


def twins_joints(files: Files, lesson: Lesson) -> NDArray[np.float64]:
    """What the slow twin sees, through onnxruntime."""
    pose, detector = (open_session(path) for path in files.of("onnxruntime"))
    twins = slow_twin.see(lesson.picture, detector.run, pose.run, side=SIDE, crop=CROP)
    poses = dw.WholeBodyPoses.from_arrays(
        [twin.keypoints for twin in twins],
        [twin.scores for twin in twins],
        image_size=lesson.picture.shape[:2],
    )
    return joints(dw.to_openpose_json(dw.OpenPoseFigures.from_poses(poses)))


def main() -> None:
    """Teach, annotate, compare."""
    people = ((90.0, 80.0, 420.0, 1060.0), (480.0, 200.0, 930.0, 1010.0))
    lesson = Lesson("l", "l", CROP, sample(), people)
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        files = teach(lesson, Path(name))
        seconds = time.perf_counter() - start
        sizes = [
            f"{path.name} {path.stat().st_size / 1e6:.1f} MB" for path in files.of("onnxruntime")
        ]
        print(f"taught in {seconds:.0f} s: {', '.join(sizes)}")
        photo = Path(name) / "photo.png"
        photo.write_bytes(encode_png(lesson.picture))
        wanted = None
        for backend in BACKENDS:
            found, seconds = annotated(backend, files, photo)
            wanted = found if wanted is None else wanted
            print(f"{backend:12} {seconds:.1f} s; beside onnxruntime: {away(found, wanted)}")
        print(f"slow twin    beside onnxruntime: {away(twins_joints(files, lesson), wanted)}")


if __name__ == "__main__":
    main()
