"""The demo's page under many users at once: a real server on this machine, real clients.

The estimator is a double that takes no time, so what is measured is all the rest: gradio, uploads,
drawing, files. Every answer is compared with what that user's picture alone gives. Printed per
round: requests a second, also ÷ those of one user, percentiles, errors, answers of another user,
and the server's memory.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file

from dw_openpose_full.annotation import Annotation
from dw_openpose_full.pictures import encode_png, read_picture

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from demo_program import Program, estimator, serving


@dataclass
class Tally:
    """What happened in a round."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    mixed_up: int = 0


def ask(program: Program, picture: Path, wanted: Annotation, times: int, tally: Tally) -> None:
    """One user: the same picture again and again, each answer compared."""
    client = Client(program.address, verbose=False)
    for _ in range(times):
        start = time.perf_counter()
        try:
            figure, *_, text = client.predict(image=handle_file(str(picture)), api_name="/annotate")
        except Exception as error:  # noqa: BLE001  counted, and shown
            tally.errors.append(repr(error)[:200])
            continue
        tally.seconds.append(time.perf_counter() - start)
        same = (read_picture(figure) == wanted.canvas).all()
        tally.mixed_up += not (
            same and json.loads(text) == json.loads(json.dumps(wanted.to_json()))
        )


def round_of(program: Program, users: list[tuple[Path, Annotation]], times: int) -> float:
    """All users at once; prints a line, and gives requests a second."""
    tally, start = Tally(), time.perf_counter()
    threads = [
        threading.Thread(target=ask, args=(program, picture, wanted, times, tally))
        for picture, wanted in users
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(tally.seconds) / (time.perf_counter() - start)
    middle, late = np.percentile(tally.seconds, [50, 95])
    print(
        f"{len(users)} users x {times}: {rate:.1f} a second, median {middle:.2f} s, "
        f"95th percentile {late:.2f} s; {len(tally.errors)} errors, {tally.mixed_up} mixed up; "
        f"server {program.memory / 1e6:.0f} MB",
        *tally.errors[:3],
    )
    return rate


def main() -> None:
    """One user, then many, three times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=16)
    parser.add_argument("--times", type=int, default=12)
    wanted = parser.parse_args()
    chance, read = np.random.default_rng(0), estimator()
    with tempfile.TemporaryDirectory() as place:
        tempfile.tempdir = place  # gradio_client leaves a folder there for each answer
        users = []
        for user in range(wanted.users):
            colour = chance.integers(0, 255, 3, dtype=np.uint8)
            picture = np.broadcast_to(colour, (480, 640, 3)).copy()
            path = Path(place) / f"{user}.png"
            path.write_bytes(encode_png(picture))
            users.append((path, read(picture, resolution=512)))
        with serving(Path(place)) as program:
            alone = round_of(program, users[:1], wanted.times)
            for _ in range(3):
                rate = round_of(program, users, wanted.times)
                print(f"  {rate / alone:.2f} of one user's requests a second")


if __name__ == "__main__":
    main()
