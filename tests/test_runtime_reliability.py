"""Estimators at work: threads, forks, leaks and what the process notices: the class *run time*.

What one process can not take back is tried in a process of its own, which prints what it saw.
"""

from __future__ import annotations

import _thread
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import pytest

import dw_openpose_full as dw
from dw_openpose_full.backends import Session, Tensor, TensorSpec, open_session
from dw_openpose_full.estimator import SimccEstimator
from faithful_networks import plant_boxes, simcc, yolox

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "docs" / "sample.jpg"
PEOPLE = [[30.0, 20.0, 70.0, 116.0], [80.0, 10.0, 110.0, 100.0]]  # in the detector's 128 x 128
KINDS = ("lite", "onnxruntime", "opencv", "torch")


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny networks, and one of 32 MB for each engine; torch's are there if torch is."""
    folder = tmp_path_factory.mktemp("networks")
    yolox("test", planted=plant_boxes(PEOPLE, side=128)).save(folder / "yolox.onnx")
    simcc("test", (64, 64)).save(folder / "pose.onnx")
    simcc("s", (64, 64)).save(folder / "large.onnx")
    try:
        import torch
        from safetensors.torch import save_file
    except ImportError:
        return folder
    from dw_openpose_full.networks import RtmPose
    from dw_openpose_full.networks.cspnext import SCALES, Scale
    from dw_openpose_full.poses import ImageSize

    torch.manual_seed(0)
    side = ImageSize(64, 64)
    tiny = RtmPose(Scale(1 / 32, (1, 1, 1, 1)), input_size=side, width=16, key_width=8)
    for module in tiny.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=0.5)
    save_file(tiny.state_dict(), folder / "pose.safetensors")
    save_file(RtmPose(SCALES["s"], input_size=side).state_dict(), folder / "large.safetensors")
    return folder


def words_for(kind: str, networks: Path, size: str = "pose") -> dict[str, str]:
    """What to load: ``lite``, or the tiny pair on an engine."""
    if kind != "opencv":
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    if kind == "lite":
        return {"model": "lite"}
    detector = str(networks / "yolox.onnx")
    if kind == "torch":
        pytest.importorskip("torch", reason="torch is not installed")
        pytest.importorskip("safetensors", reason="safetensors is not installed")
        return {"model": str(networks / f"{size}.safetensors"), "detector": detector}
    return {"model": str(networks / f"{size}.onnx"), "detector": detector, "backend": kind}


def pictures(count: int) -> list[Any]:
    """A person in pictures of several sizes."""
    whole = cv2.cvtColor(cv2.imread(str(SAMPLE)), cv2.COLOR_BGR2RGB)
    return [cv2.resize(whole, (160 + 40 * n, 240 + 50 * n)) for n in range(count)]


def bits(poses: dw.WholeBodyPoses) -> tuple[bytes, bytes]:
    return poses.keypoints.tobytes(), poses.scores.tobytes()


@pytest.fixture(scope="module", params=KINDS)
def estimator(request: pytest.FixtureRequest, networks: Path) -> dw.DwOpenpose:
    return dw.DwOpenpose.load(**words_for(request.param, networks))


# ---------------------------------------------------------------- threads and interruptions


def test_eight_threads_get_the_bits_of_one(estimator: dw.DwOpenpose) -> None:
    views = pictures(4)
    alone = [bits(estimator.detect(view)) for view in views]
    assert len(set(alone)) == len(views)
    order = [(n * 3 + n // 8) % 4 for n in range(16 if estimator.model == "lite" else 64)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda n: bits(estimator.detect(views[n])), order))
    assert together == [alone[n] for n in order]


@pytest.mark.parametrize("delay", [0.001, 0.01, 0.03, 0.08])
def test_an_interrupted_estimator_goes_on(estimator: dw.DwOpenpose, delay: float) -> None:
    (view,) = pictures(1)
    before = bits(estimator.detect(view))
    alarm = threading.Timer(delay, _thread.interrupt_main)
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012  it comes at some point of the loop
        alarm.start()
        while True:
            estimator.detect(view)
    alarm.join()
    assert bits(estimator.detect(view)) == before


class Failing:
    """A session that fails when it is told to."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.error: BaseException | None = None
        self.description = session.description
        self.input: TensorSpec = session.input
        self.outputs: tuple[TensorSpec, ...] = session.outputs

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        if self.error:
            raise self.error
        return self.session.run(batch)


@pytest.mark.parametrize("error", [dw.ModelError("no"), MemoryError("no"), KeyboardInterrupt("no")])
def test_an_estimator_whose_session_failed_goes_on(networks: Path, error: BaseException) -> None:
    session = Failing(open_session(networks / "pose.onnx"))
    pose = SimccEstimator(session, model="m", mean=(0, 0, 0), std=(1, 1, 1))
    found = dw.Boxes.from_arrays([[10, 10, 90, 200]])
    (view,) = pictures(1)
    before = bits(pose(view, found))
    session.error = error
    with pytest.raises(type(error), match="no"):
        pose(view, found)
    session.error = None
    assert bits(pose(view, found)) == before


# ---------------------------------------------------------------- in a process of its own

START = """
import gc, json, os, sys
import cv2, numpy as np
import dw_openpose_full as dw
told = json.loads(sys.argv[1])
whole = cv2.cvtColor(cv2.imread(told["sample"]), cv2.COLOR_BGR2RGB)
views = [cv2.resize(whole, (160 + 40 * n, 240 + 50 * n)) for n in range(4)]
load = lambda: dw.DwOpenpose.load(**told["words"])
bits = lambda poses: [poses.keypoints.tobytes().hex(), poses.scores.tobytes().hex()]
say = lambda what: print(json.dumps(what), flush=True)
"""


def process(script: str, words: dict[str, str], **told: Any) -> Any:
    """Run a script; what it says."""
    told |= {"words": words, "sample": str(SAMPLE)}
    # telemetry of onnxruntime 1.32 would leave a file in the temporary folder
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "annotator"),
        "ORT_DISABLE_TELEMETRY": "1",
    }
    environment |= {name: told["temp"] for name in ("TMPDIR", "TEMP", "TMP") if "temp" in told}
    done = subprocess.run(
        [sys.executable, "-c", START + script, json.dumps(told)],
        capture_output=True, text=True, timeout=100, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


FORK = """
import signal, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forks with threads about
estimator = load()
wanted = estimator.detect(views[0])

def same():
    poses = estimator.detect(views[0])
    places = np.array_equal(poses.keypoints, wanted.keypoints)
    return bool(places and np.allclose(poses.scores, wanted.scores, atol=1e-5))

there, here = os.pipe()
child = os.fork()
if not child:
    signal.alarm(20)
    os.write(here, b"y" if same() else b"n")
    os._exit(0)
os.close(here)
said, code = os.read(there, 1).decode(), os.waitpid(child, 0)[1]
say([said, code, same()])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.parametrize("kind", KINDS)
def test_a_fork_sees_what_its_parent_sees(kind: str, networks: Path) -> None:
    assert process(FORK, words_for(kind, networks)) == ["y", 0, True]


LEAK = """
def state():
    gc.collect()
    status = open("/proc/self/status").read()
    resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
    return [resident, len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))]

estimator = load()
for view in views * 2:
    estimator(view)
states = [state()]
for n in range(told["pictures"]):
    estimator(views[n % 4])
states.append(state())
for n in range(told["sizes"]):
    view = cv2.resize(whole, (100 + 5 * n, 400 - 4 * n))
    estimator(view), estimator(view)
states.append(state())
for _ in range(told["loads"]):
    load().detect(views[0])
states.append(state())
say(states)
"""


# pictures, sizes, loads; the slower ones do less (lite's memory settles after its fourth load)
WORK = {
    "onnxruntime": (200, 60, 20),
    "opencv": (200, 60, 20),
    "torch": (60, 10, 5),
    "lite": (8, 2, 0),
}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_leaks(kind: str, networks: Path, tmp_path: Path) -> None:
    told = dict(zip(("pictures", "sizes", "loads"), WORK[kind], strict=True))
    words = words_for(kind, networks)
    warm, after_pictures, after_sizes, after_loads = process(
        LEAK, words, temp=str(tmp_path), **told
    )
    assert after_pictures[0] - warm[0] < 20
    assert after_sizes[0] - after_pictures[0] < 30
    assert after_loads[0] - after_sizes[0] < 30
    assert warm[1:] == after_pictures[1:] == after_sizes[1:] == after_loads[1:]
    assert not list(tmp_path.iterdir())


FREED = """
resident = lambda: int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0]) / 1024
seen = []
for _ in range(6):
    estimator = load()
    estimator.detect(views[0])
    seen.append(resident())
    del estimator
    gc.collect()
say(seen)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_memory_of_a_deleted_estimator_is_used_again(kind: str, networks: Path) -> None:
    words = words_for(kind, networks, "large")
    megabytes = Path(words["model"]).stat().st_size / 2**20
    assert megabytes > 30
    _, second, *later = process(FREED, words)
    assert max(later) - second < megabytes  # four would be there if they were kept


NOTICED = """
import locale, logging, random, signal, threading, warnings
if told["torch"]:
    import torch

def log_level():
    log = getattr(cv2.utils, "logging", None)  # OpenCV 4.8 has none
    return log and log.getLogLevel()

def state():
    seen = {
        "environment": dict(os.environ),
        "sys.path": list(sys.path),
        "folder": os.getcwd(),
        "locale": locale.setlocale(locale.LC_ALL),
        "signals": {int(n): str(signal.getsignal(n)) for n in signal.valid_signals()},
        "loggers": [logging.root.level, len(logging.root.handlers), logging.raiseExceptions],
        "warnings": list(map(str, warnings.filters)),
        "numpy": [np.random.get_state()[1].tobytes(), str(np.geterr()), str(np.get_printoptions())],
        "random": random.getstate(),
        "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), str(sys.excepthook)],
        "OpenCV": [cv2.getNumThreads(), cv2.useOptimized(), log_level()],
        "streams": [id(sys.stdout), id(sys.stderr)],
    }
    if told["torch"]:
        seen["torch"] = [
            torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype(),
            torch.is_inference_mode_enabled(), torch.get_rng_state().tolist(),
            torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark,
        ]
    return seen

def step(name):
    now = state()
    noticed.extend(f"{name}: {key}" for key in now if now[key] != last[key])
    last.update(now)

import importlib
noticed, last, opened, watched = [], state(), [], False
for name in [name for name in sys.modules if name.startswith("dw_openpose_full")]:
    del sys.modules[name]
dw = importlib.import_module("dw_openpose_full")
step("import")
estimator = load()
step("load")
estimator.detect(views[0])
step("detect")
figures = estimator(views[1]).figures
step("call")
dw.render(figures)
step("render")

def hook(event, given):
    if watched and event == "open":
        opened.append(str(given[0]))

sys.addaudithook(hook)
watched = True
estimator.detect(views[2]), estimator(views[3])
watched = False
say([noticed, opened])
"""


@pytest.mark.parametrize("kind", KINDS)
def test_the_process_notices_nothing_and_files_are_read_once(kind: str, networks: Path) -> None:
    noticed, opened = process(NOTICED, words_for(kind, networks), torch=kind == "torch")
    assert noticed == []
    assert opened == []


COMMAND = """
import signal
state = lambda: [dict(os.environ), list(sys.path), os.getcwd(), cv2.getNumThreads(),
                 np.random.get_state()[1].tolist(), list(map(signal.getsignal, (2, 15)))]
from dw_openpose_full import cli
before = state()
words = [["--" + name, value] for name, value in told["words"].items()]
code = cli.run(["annotate", told["sample"], "-q", "-o", told["out"], *sum(words, [])])
say([code, state() == before])
"""


def test_the_command_leaves_the_process_as_it_was(networks: Path, tmp_path: Path) -> None:
    words = words_for("onnxruntime", networks)
    temp = tmp_path / "temp"
    temp.mkdir()
    out = str(tmp_path / "out.png")
    assert process(COMMAND, words, out=out, temp=str(temp)) == [0, True]
    assert not list(temp.iterdir())
