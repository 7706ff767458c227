"""What each step between picture and canvas costs, but for the networks.

Prints, for 1, 4 and 10 people in a picture of 1024 x 1536, the milliseconds of each stage beside
those of the lean prototype (``performance.md`` of the reference material; another machine, so only
the proportions compare). The networks are replaced by their planted answers. With ``--networks``
they run, at full size and with random weights, and the whole is divided by their own time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import dw_openpose_full as dw
from dw_openpose_full.backends import Session, Tensor, open_session
from dw_openpose_full.detector import YoloxDetector
from dw_openpose_full.estimator import SimccEstimator
from dw_openpose_full.pipeline import DwOpenpose
from dw_openpose_full.poses import RgbImage

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from faithful_networks import (
    PlantedSession,
    people_on_a_grid,
    plant_boxes,
    plant_pose,
    simcc,
    yolox,
)

PEOPLE = (1, 4, 10)
STAGES = ("detector pre", "detector post", "crops", "decode", "drawing")
LEAN = {4: (1.4, 0.3, 7, 0.24, 3.3)}  # the prototype's, for 4 people
LEAN_SUM = {1: 6, 4: 14, 10: 22}
GOAL = {1: 1.03, 4: 1.03, 10: 1.05}  # whole / networks
CARD: dict[str, Any] = {
    "model": "dwpose-l-384",
    "mean": (123.675, 116.28, 103.53),
    "std": (58.395, 57.12, 57.375),
}
ROUNDS, NETWORK_ROUNDS = 21, 3


class ClockedSession:
    """A session that notes when each run begins and ends."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.description, self.input, self.outputs = (
            session.description, session.input, session.outputs,
        )  # fmt: skip
        self.times: list[float] = []

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Run, and note when."""
        self.times.append(time.perf_counter())
        outputs = self._session.run(batch)
        self.times.append(time.perf_counter())
        return outputs

    def around(self, call: Callable[[], Any]) -> tuple[float, float, Any]:
        """Seconds of a call before and after its (only) run, and what it returned."""
        self.times.clear()
        start = time.perf_counter()
        result = call()
        end = time.perf_counter()
        return self.times[0] - start, end - self.times[-1], result

    def seconds(self) -> float:
        """Time spent in runs since the last clearing."""
        return sum(self.times[1::2]) - sum(self.times[::2])


def planted_pose(people: int) -> PlantedSession:
    """A pose network without the network, for so many people at once."""
    bins = [np.repeat(plant_pose((384, 288), axis), people, axis=0) for axis in "xy"]
    shapes = [(None, *array.shape[1:]) for array in bins]
    return PlantedSession((None, 3, 384, 288), bins, declared=shapes)


def stage_times(picture: RgbImage, people: int) -> Iterator[tuple[float, ...]]:
    """Seconds of every stage, round by round."""
    boxes = plant_boxes(people_on_a_grid(people, 426, 640))
    seeing = PlantedSession((1, 3, 640, 640), [boxes])
    reading = planted_pose(people)
    clocks = ClockedSession(seeing), ClockedSession(reading)
    detector = YoloxDetector(clocks[0])
    estimator = SimccEstimator(clocks[1], batch=people, **CARD)
    for _ in range(ROUNDS + 1):
        pre, post, found = clocks[0].around(partial(detector, picture))
        read = partial(estimator, picture, found)
        crops, decode, poses = clocks[1].around(read)
        assert len(poses) == people
        start = time.perf_counter()
        dw.render(dw.OpenPoseFigures.from_poses(poses))
        yield pre, post, crops, decode, time.perf_counter() - start
        seeing.shown.clear()
        reading.shown.clear()


def whole_ratio(picture: RgbImage, people: int, folder: Path) -> tuple[float, float]:
    """Seconds of a whole picture, and that divided by the time in its networks' runs."""
    boxes = plant_boxes(people_on_a_grid(people, 426, 640))
    seeing = ClockedSession(open_session(yolox("l", planted=boxes).save(folder / "yolox.onnx")))
    reading = ClockedSession(open_session(folder / "pose.onnx"))
    whole = DwOpenpose(
        YoloxDetector(seeing), SimccEstimator(reading, **CARD), model="", description=""
    )
    walls, ratios = [], []
    for _ in range(NETWORK_ROUNDS + 1):
        seeing.times.clear()
        reading.times.clear()
        start = time.perf_counter()
        assert len(whole(picture).poses) == people
        walls.append(time.perf_counter() - start)
        ratios.append(walls[-1] / (seeing.seconds() + reading.seconds()))
    return statistics.median(walls[1:]), statistics.median(ratios[1:])


def main() -> None:
    """Measure all stages, and the whole if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", action="store_true", help="run full-size networks too")
    arguments = parser.parse_args()
    picture = np.random.default_rng(0).integers(0, 256, (1536, 1024, 3), dtype=np.uint8)
    print("people  " + "".join(f"{stage:>15}" for stage in STAGES) + "            sum   (lean)")
    for people in PEOPLE:
        rounds = list(stage_times(picture, people))[1:]
        medians = [1e3 * statistics.median(stage) for stage in zip(*rounds, strict=True)]
        lean = LEAN.get(people, (None,) * len(STAGES))
        cells = [
            f"{ms:.2f}" + (f" ({other})" if other else "")
            for ms, other in zip(medians, lean, strict=True)
        ]
        total = f"{sum(medians):.1f} ms ({LEAN_SUM[people]})"
        print(f"{people:6}  " + "".join(f"{cell:>15}" for cell in cells) + f"{total:>18}")
    if arguments.networks:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            simcc("l").save(folder / "pose.onnx")
            for people in PEOPLE:
                seconds, ratio = whole_ratio(picture, people, folder)
                print(
                    f"{people:6}  whole {seconds:.2f} s, {ratio:.3f} times its networks "
                    f"(goal {GOAL[people]})"
                )


if __name__ == "__main__":
    main()
