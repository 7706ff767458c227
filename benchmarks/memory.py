"""What stays and what it takes at most: memory, open files and threads over many pictures.

Prints the resident memory at every hundredth picture and its slope, for the lite model and for
small stand-ins of DWPose's networks; open files and threads before and after; and, with
``--networks``, the peak above the loaded full-size stand-ins for 1, 100 and 400 people in one
picture. Linux only: it reads ``/proc``.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np

import dw_openpose_full as dw
from dw_openpose_full.geometry import resized
from dw_openpose_full.poses import ImageSize, RgbImage

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from faithful_networks import people_on_a_grid, plant_boxes, simcc, yolox

SAMPLE = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"
SIZES = ((480, 640), (1200, 1200), (333, 999), (720, 1280), (1531, 1021), (256, 256), (900, 600))
GOALS = {1: 150, 100: 400, 400: 500}  # people, MB above the models
STEP = 100  # pictures from note to note
SMALL_LEAK = 0.01  # MB for each picture, once warm
OWN = Path("/proc/self")


def resident(field: str = "VmRSS") -> float:
    """MB of memory that are resident now; ``VmHWM`` gives the peak since the last forgetting."""
    lines = (OWN / "status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def forget_peak() -> None:
    """Let the peak begin anew."""
    (OWN / "clear_refs").write_text("5", "utf-8")


def open_files_and_threads() -> tuple[int, int]:
    """How many of each this process has."""
    return sum(1 for _ in (OWN / "fd").iterdir()), sum(1 for _ in (OWN / "task").iterdir())


def pictures() -> list[RgbImage]:
    """The sample at several sizes."""
    sample = dw.read_picture(SAMPLE)
    return [resized(sample, ImageSize(*size)) for size in SIZES]


def watch(name: str, estimator: dw.DwOpenpose, count: int) -> None:
    """Print how memory, open files and threads go over so many pictures."""
    shown = pictures()
    people = [len(estimator(picture).poses) for picture in shown]  # all sizes once, to be warm
    before, notes = open_files_and_threads(), [resident()]
    for number, picture in enumerate(itertools.islice(itertools.cycle(shown), count), 1):
        estimator(picture)
        if number % STEP == 0:
            notes.append(resident())
    later = notes[len(notes) // 2 :]  # the allocator has settled
    slope = np.polyfit(np.arange(len(later)) * STEP, later, 1)[0] if len(later) > 1 else 0.0
    after = open_files_and_threads()
    print(f"{name}: {count} pictures of {len(shown)} sizes, {sum(people)} people in each round")
    print("  resident MB " + " ".join(f"{note:.0f}" for note in notes))
    verdict = "" if slope < SMALL_LEAK else "  LEAK"
    print(f"  slope of the later half {slope * 1e3:+.2f} kB a picture{verdict}")
    print(f"  open files {before[0]} -> {after[0]}, threads {before[1]} -> {after[1]}")


def stand_ins(folder: Path) -> dw.DwOpenpose:
    """Small networks that see three people in every picture."""
    planted = plant_boxes(people_on_a_grid(3, 128, 128), side=128)
    detector = yolox("test", planted=planted).save(folder / "detector.onnx")
    pose = simcc("test", (96, 64)).save(folder / "pose.onnx")
    return dw.DwOpenpose.load(str(pose), str(detector))


def peaks(folder: Path) -> None:
    """Print the peak above the models for each crowd; each has its own detector, loaded anew."""
    picture = resized(dw.read_picture(SAMPLE), ImageSize(1024, 1024))
    pose = simcc("l").save(folder / "pose.onnx")
    for people, goal in GOALS.items():
        planted = plant_boxes(people_on_a_grid(people, 640, 640), others=0)
        detector = yolox("l", planted=planted).save(folder / "detector.onnx")
        estimator = dw.DwOpenpose.load(str(pose), str(detector))
        loaded = resident()
        forget_peak()
        found = len(estimator(picture).poses)
        above = resident("VmHWM") - loaded
        verdict = "" if above <= goal else "  ABOVE THE GOAL"
        print(
            f"{found:6} people: {above:.0f} MB above the models' {loaded:.0f} "
            f"(goal {goal}), of which {resident() - loaded:.0f} stay{verdict}"
        )
        del estimator


def main() -> None:
    """Watch both models, then the peaks if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--networks", action="store_true", help="peaks of full-size networks too")
    arguments = parser.parse_args()
    if not (OWN / "status").is_file():
        sys.exit("this system has no /proc: nothing is measured")
    with tempfile.TemporaryDirectory() as name:
        watch("lite", dw.DwOpenpose.load("lite"), arguments.pictures)
        watch("stand-ins of DWPose", stand_ins(Path(name)), arguments.pictures)
        if arguments.networks:
            peaks(Path(name))


if __name__ == "__main__":
    main()
