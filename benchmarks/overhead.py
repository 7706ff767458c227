"""How much of a picture's time is not spent in the networks.

Prints, for each picture, the wall time of ``DwOpenpose.__call__`` and its ratio to the sum of the
raw ``session.run`` calls it made; the median over the rounds of both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import dw_openpose_full as dw
from dw_openpose_full.backends import Tensor, ort

SAMPLE = Path(__file__).resolve().parents[1] / "docs" / "sample.jpg"
ROUNDS = 7
GOAL = 1.25


class RawRunClock:
    """Adds up the time spent in ``session.run`` of onnxruntime itself."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0
        plain = ort.OnnxRuntimeSession.run

        def timed(session: ort.OnnxRuntimeSession, batch: Tensor) -> tuple[Tensor, ...]:
            start = time.perf_counter()
            try:
                return plain(session, batch)
            finally:
                self.seconds += time.perf_counter() - start
                self.calls += 1

        ort.OnnxRuntimeSession.run = timed  # type: ignore[method-assign]


def main() -> None:
    """Measure the pictures named on the command line, or the sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="*", type=Path, default=[SAMPLE])
    clock = RawRunClock()
    estimator = dw.DwOpenpose.load(model="lite")
    print(f"{'picture':28} people  runs   whole ms  raw ms  ratio")
    for path in parser.parse_args().pictures:
        picture = dw.read_picture(path)
        annotation = estimator(picture)
        whole, raw = [], []
        for _ in range(ROUNDS):
            clock.seconds, clock.calls = 0.0, 0
            start = time.perf_counter()
            estimator(picture)
            whole.append(time.perf_counter() - start)
            raw.append(clock.seconds)
        ratio = statistics.median(w / r for w, r in zip(whole, raw, strict=True))
        verdict = "" if ratio <= GOAL else f"  above {GOAL}"
        print(
            f"{path.name:28} {len(annotation.poses):6} {clock.calls:5} "
            f"{statistics.median(whole) * 1e3:10.1f} {statistics.median(raw) * 1e3:7.1f} "
            f"{ratio:6.3f}{verdict}"
        )


if __name__ == "__main__":
    main()
