"""The demo in a process of its own, with an estimator that tells pictures apart without networks.

``python demo_program.py PORT [--tiny FOLDER] [--slow SECONDS] [--poses-only]`` serves until it is
ended; :func:`serving` does so for a test.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

HERE: Final = Path(__file__).resolve().parent
SOURCES: Final = (HERE.parent / "annotator", HERE)
PEOPLE: Final = 2


class PictureTeller:
    """Detector and estimator: as many people as there are, their points drawn from the pixels."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    def __call__(self, image: NDArray[np.uint8], *, score: float | None = None) -> Any:
        from dw_openpose_full import Boxes

        height, width = image.shape[:2]
        half = width / PEOPLE
        places = [[half * n + 1, 1, half * (n + 1) - 1, height - 1] for n in range(PEOPLE)]
        return Boxes.from_arrays(places, np.linspace(0.9, 0.8, PEOPLE))

    def read_pictures(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[Any]) -> list[Any]:
        time.sleep(self._seconds)
        return [poses_of(image, found) for image, found in zip(images, boxes, strict=True)]


def poses_of(image: NDArray[np.uint8], boxes: Any) -> Any:
    """Poses that no picture of other colours has."""
    from dw_openpose_full import WholeBodyPoses

    random = np.random.default_rng(image[::8, ::8].astype(np.int64).sum())
    low, high = boxes.xyxy[:, None, :2], boxes.xyxy[:, None, 2:]
    points = low + random.uniform(0.05, 0.95, (len(boxes), 133, 2)) * (high - low)
    size = (image.shape[0], image.shape[1])
    scores = np.ones((len(boxes), 133))
    return WholeBodyPoses.from_arrays(points, scores, image_size=size, boxes=boxes, model="double")


def estimator(*_: Any, seconds: float = 0.0, **__: Any) -> Any:
    """In place of ``DwOpenpose.load``."""
    from dw_openpose_full import DwOpenpose

    teller = PictureTeller(seconds)
    return DwOpenpose(teller, teller, model="double", description="double, on nothing")


@dataclass(frozen=True)
class Program:
    """A demo that answers.

    Attributes:
        address: Of its page.
        process: For its memory, and to end it.
        temporary: The folder that it has for temporary files.
        log: What it wrote.
    """

    address: str
    process: subprocess.Popen[bytes]
    temporary: Path
    log: Path

    @property
    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


@contextmanager
def serving(folder: Path, *words: str, **environment: str) -> Iterator[Program]:
    """A demo that runs while the block does; the caller may reach this machine."""
    port, log = free_port(), folder / "log.txt"
    temporary = folder / "temporary"
    temporary.mkdir(parents=True, exist_ok=True)
    more = {"TMPDIR": str(temporary), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"} | environment
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, __file__, str(port), *words],
            env=os.environ | more, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    program = Program(f"http://127.0.0.1:{port}", process, temporary, log)
    try:
        _wait_for(program)
        yield program
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(program: Program) -> None:
    deadline = time.monotonic() + 60
    while program.process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(program.address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError(f"the demo does not answer: {program.log.read_text('utf-8')[-2000:]}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refuse_all_but_this_machine() -> None:
    """No socket of this process reaches another machine; the log tells of the attempt."""
    allowed = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            logging.error("OUTSIDE: %s", address)
            raise OSError("no way out")
        allowed(self, address)

    def lookup(host: Any, *rest: Any, **more: Any) -> Any:
        if host not in {None, "127.0.0.1", "::1", "localhost", b"127.0.0.1", b"localhost"}:
            logging.error("OUTSIDE: look-up of %s", host)
            raise OSError("no way out")
        return found(host, *rest, **more)

    found = socket.getaddrinfo
    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = lookup


def main() -> None:
    """Serve."""
    words = argparse.ArgumentParser()
    words.add_argument("port", type=int)
    words.add_argument("--tiny", type=Path, help="make and use tiny image models in this folder")
    words.add_argument("--slow", type=float, default=0.0)
    words.add_argument("--poses-only", action="store_true")
    wanted = words.parse_args()
    sys.path[:0] = map(str, SOURCES)
    logging.basicConfig(level=logging.INFO)
    refuse_all_but_this_machine()

    from dw_openpose_full.__main__ import _end_in_order
    from dw_openpose_full.demo import making, serving
    from dw_openpose_full.demo.annotating import Reader
    from dw_openpose_full.demo.config import DemoSettings
    from dw_openpose_full.generation import Models

    signal.signal(signal.SIGTERM, _end_in_order)
    if wanted.poses_only:
        making.LIBRARIES = (*making.LIBRARIES, "a_library_that_is_not_there")
    models = None
    if wanted.tiny:
        from tiny_pipelines import save_tiny

        tiny = save_tiny("sd15", wanted.tiny)
        models = Models.of("sd15", tiny.base, tiny.controlnet)
    reader = Reader(load=partial(estimator, seconds=wanted.slow))
    serving.serve(DemoSettings(), port=wanted.port, models=models, reader=reader, offline=True)


if __name__ == "__main__":
    main()
