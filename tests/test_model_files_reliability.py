"""Model files and checkpoints, whatever is in them: the class *model files*.

A right result, or one error that names the file, says what is wrong and what to do; the process
lives, soon knows, and has the memory that it had.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dw_openpose_full as dw
from bad_models import EITHER, HARMFUL, NOT_NETWORKS, OTHER_KINDS, RIGHT, Make, bumps, pose
from dw_openpose_full import cli
from dw_openpose_full.backends import open_session

ROOT = Path(__file__).resolve().parents[1]
PICTURE = np.random.default_rng(0).integers(0, 256, (96, 80, 3), dtype=np.uint8)
MOST_SECONDS, MOST_MEGABYTES = 2.0, 100.0


def written(make: Make, path: Path) -> Path:
    model = make()
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


def load(path: object, **how: str) -> dw.DwOpenpose:
    return dw.DwOpenpose.load(**{"model": str(path), "detector": "none", **how})


def assert_clear(error: BaseException, path: Path) -> None:
    """One line that names the file and says what to do."""
    message = str(error)
    assert path.name in message
    assert "; " in message
    assert message.isprintable()
    assert len(message) < 1200


@pytest.fixture(scope="module", params=["onnxruntime", "opencv"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    return name


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(pose, tmp_path_factory.mktemp("good") / "good.onnx")


# ---------------------------------------------------------------- ONNX files


@pytest.mark.parametrize("role", ["model", "detector"])
@pytest.mark.parametrize("kind", NOT_NETWORKS)
def test_a_file_that_is_no_network_is_told_by_its_name(
    kind: str, role: str, good: Path, tmp_path: Path
) -> None:
    make, word = NOT_NETWORKS[kind]
    path = written(make, tmp_path / "bad.onnx")
    with pytest.raises(dw.ModelError, match=word) as caught:
        dw.DwOpenpose.load(**{"model": str(good), "detector": "none", role: str(path)})
    assert_clear(caught.value, path)


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_a_network_of_another_kind_is_refused_when_loaded(
    kind: str, backend: str, tmp_path: Path
) -> None:
    path = written(OTHER_KINDS[kind], tmp_path / "other.onnx")
    with pytest.raises(dw.ModelError, match=r"expected|can not load") as caught:
        load(path, backend=backend)
    assert_clear(caught.value, path)


def test_a_pose_network_is_no_detector(good: Path, backend: str) -> None:
    with pytest.raises(dw.ModelError, match="no YOLOX person detector") as caught:
        load(good, detector=str(good), backend=backend)
    assert_clear(caught.value, good)


@pytest.mark.parametrize("kind", RIGHT)
def test_an_odd_network_is_read_like_a_plain_one(
    kind: str, backend: str, good: Path, tmp_path: Path
) -> None:
    odd = load(written(RIGHT[kind], tmp_path / "odd.onnx"), backend=backend).detect(PICTURE)
    plain = load(good, backend=backend).detect(PICTURE)
    assert plain.scores == pytest.approx(0.8)
    assert (odd.keypoints == plain.keypoints).all()
    assert (odd.scores == plain.scores).all()


@pytest.mark.parametrize("kind", EITHER)
def test_what_not_every_engine_runs_is_read_rightly_or_refused(
    kind: str, backend: str, good: Path, tmp_path: Path
) -> None:
    path = written(EITHER[kind], tmp_path / "odd.onnx")
    try:
        odd = load(path, backend=backend).detect(PICTURE)
    except dw.ModelError as error:
        assert_clear(error, path)
    else:
        assert (odd.keypoints == load(good, backend=backend).detect(PICTURE).keypoints).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_answers_that_are_no_numbers_are_keypoints_not_seen(
    value: float, backend: str, tmp_path: Path
) -> None:
    answers = [np.full_like(row, value) for row in bumps()]
    path = written(lambda: pose(answers=answers), tmp_path / "nan.onnx")
    poses = load(path, backend=backend).detect(PICTURE)
    assert len(poses) == 1
    assert not poses.keypoints.any()
    assert not poses.scores.any()


CHILD = """
import json, sys, time
import dw_openpose_full as dw
from dw_openpose_full.backends import open_session
try:
    import resource
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30,) * 2)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
except ImportError:
    peak = lambda: 0
backend, good, *files = sys.argv[1:]
open_session(__import__("pathlib").Path(good), backend=backend)
for path in files:
    before, start = peak(), time.process_time()
    try:
        dw.DwOpenpose.load(model=path, detector="none", backend=backend)
        said = "loaded"
    except dw.ModelError as error:
        said = str(error)
    print(json.dumps([said, time.process_time() - start, peak() - before]), flush=True)
"""


@pytest.fixture(scope="module")
def verdicts(
    backend: str, good: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Any]]:
    """What is said of each harmful file, seconds and megabytes; by a process of limited memory."""
    folder = tmp_path_factory.mktemp("harmful")
    for name in ("beside.bin", "link.bin"):
        (folder / name).write_bytes(bytes(10**5))
    paths = [
        written(make, folder / f"{number}.onnx")
        for number, (make, _) in enumerate(HARMFUL.values())
    ]
    words = [sys.executable, "-c", CHILD, backend, str(good), *map(str, paths)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "annotator")}
    run = subprocess.run(
        words, capture_output=True, text=True, timeout=120, env=environment, check=False
    )
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    died_of = list(HARMFUL)[len(lines)] if len(lines) < len(HARMFUL) else None
    assert died_of is None, run.stderr[-2000:]
    return dict(zip(HARMFUL, lines, strict=True))


@pytest.mark.parametrize("kind", HARMFUL)
def test_a_network_that_would_do_harm_is_refused_before_it_can(
    kind: str, verdicts: dict[str, list[Any]]
) -> None:
    said, seconds, megabytes = verdicts[kind]
    place = list(HARMFUL).index(kind)
    assert HARMFUL[kind][1] in said
    assert_clear(dw.ModelError(said), Path(f"{place}.onnx"))
    assert seconds < MOST_SECONDS
    assert megabytes < MOST_MEGABYTES


# ---------------------------------------------------------------- names of files


@pytest.mark.parametrize(
    "name",
    ["with a space.onnx", "人 ünï 🙂.onnx", "100%s {0} [red].onnx", "UPPER.ONNX", "v1.2.3.onnx"],
)
def test_a_file_may_have_any_name(name: str, good: Path, backend: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(good.read_bytes())
    estimator = load(path, backend=backend)
    assert estimator.detect(PICTURE).model == path.stem
    path.write_bytes(b"")
    with pytest.raises(dw.ModelError) as caught:
        load(path, backend=backend)
    assert_clear(caught.value, path)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names there are text")
@pytest.mark.parametrize("name", [b"caf\xe9\xff.onnx", b"two\nlines\x1b[31m.onnx"])
def test_a_name_that_is_no_text_is_no_hindrance(
    name: bytes, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))  # noqa: PTH118  bytes
    path.write_bytes(good.read_bytes())
    assert annotate(path, tmp_path) == 0
    path.write_bytes(b"")
    (tmp_path / "out.png").unlink()
    assert annotate(path, tmp_path) == 1
    assert all(line.isprintable() for line in capsys.readouterr().err.splitlines())


NO_FILES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a device without end": lambda path: path.symlink_to("/dev/zero"),
    "a pipe that nobody writes to": lambda path: os.mkfifo(path, 0o600),  # Windows has none
}


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are POSIX's")
@pytest.mark.parametrize("suffix", [".onnx", ".pth", ".safetensors", ".pt"])
@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_refused_at_once(kind: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"none{suffix}"
    NO_FILES[kind](path)
    with pytest.raises(dw.DwPoseError, match=f"none{suffix}"):
        load(path)
    if suffix != ".onnx":
        pytest.importorskip("torch", reason="torch is not installed")
    with pytest.raises(dw.ModelError) as caught:
        open_session(path)
    assert_clear(caught.value, path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="reads everything")
def test_a_file_that_may_not_be_read_is_named(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "secret.onnx"
    path.write_bytes(good.read_bytes())
    path.chmod(0)
    with pytest.raises(dw.ModelError, match="Permission denied") as caught:
        load(path)
    assert_clear(caught.value, path)


# ---------------------------------------------------------------- the command


def annotate(model: Path, folder: Path, *words: str) -> int:
    sample = str(ROOT / "docs" / "sample.jpg")
    given = ["--model", str(model), "--detector", "none", *words]
    return cli.run(["annotate", sample, "-o", str(folder / "out.png"), *given])


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (NOT_NETWORKS["a web page"][0], 1),
        (NOT_NETWORKS["cut at 0.5"][0], 1),
        (OTHER_KINDS["17 keypoints"], 1),
        (HARMFUL["a fill"][0], 1),
        (HARMFUL["an operator with a name of two lines"][0], 1),
        (None, 2),
    ],
)
def test_the_command_says_one_line_and_writes_nothing(
    make: Make | None, code: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.onnx"
    if make:
        written(make, path)
    assert annotate(path, tmp_path) == code
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("dw-openpose: ")
    assert "bad.onnx" in line
    assert not (tmp_path / "out.png").exists()


# ---------------------------------------------------------------- checkpoints


class Command:
    """A pickle that runs a command when it is loaded without care."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"echo > {self.trace}",)


@pytest.fixture(scope="module")
def state() -> Any:
    """Weights of a tiny pose network."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    from dw_openpose_full.networks import RtmPose
    from dw_openpose_full.networks.cspnext import Scale
    from dw_openpose_full.poses import ImageSize

    torch.manual_seed(0)
    size = ImageSize(64, 64)
    network = RtmPose(Scale(1 / 32, (1, 1, 1, 1)), input_size=size, width=16, key_width=8)
    return dict(network.state_dict())


def saved(state: Any, path: Path, **how: Any) -> Path:
    import torch
    from safetensors.torch import save_file

    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, **how)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".PTH", ".safetensors", ".SafeTensors"])
@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16", "float16"])
def test_weights_of_any_precision_are_read(
    suffix: str, precision: str, state: Any, tmp_path: Path
) -> None:
    import torch

    kind = getattr(torch, precision)
    held = {k: v.to(kind) if v.is_floating_point() else v for k, v in state.items()}
    path = saved(held, tmp_path / f"w{suffix.lower()}").rename(tmp_path / f"w{suffix}")
    assert len(load(path).detect(PICTURE)) == 1


def filled(state: Any, value: float) -> Any:
    return {k: v.clone().fill_(value) if v.is_floating_point() else v for k, v in state.items()}


def of_type(state: Any, name: str) -> Any:
    import torch

    return {key: tensor.to(getattr(torch, name)) for key, tensor in state.items()}


def with_blocks(state: Any, count: int) -> Any:
    import torch

    name = "backbone.stage1.1.blocks.{}.conv1.conv.weight"
    return {**state, **{name.format(i): torch.zeros(1) for i in range(count)}}


def without(state: Any, part: str) -> Any:
    return {key: tensor for key, tensor in state.items() if part not in key}


def more(state: Any, name: str) -> Any:
    import torch

    return {**state, name: torch.zeros(1)}


WEIGHTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "NaN": (lambda state: filled(state, np.nan), "expected finite numbers"),
    "infinity": (lambda state: filled(state, np.inf), "expected finite numbers"),
    "whole numbers": (lambda state: of_type(state, "int64"), r"\(float32\), got .*\(int64\)"),
    "truth values": (lambda state: of_type(state, "bool"), r"\(float32\), got .*\(bool\)"),
    "complex numbers": (lambda state: of_type(state, "complex64"), "complex64|unknown kind"),
    "some missing": (lambda state: without(state, "gau"), "head.gau"),
    "another network": (lambda state: without(state, "head"), "got .* tensors named"),
    "one more": (lambda state: more(state, "head.more"), "no place for: head.more"),
    "a name of two lines": (lambda state: more(state, "a\n\x1b[31m"), "expected names"),
    "a name that is no text": (lambda state: more(state, "a\ud800"), "expected names"),
    "a name of 100 kB": (lambda state: more(state, "a" * 10**5), "expected names"),
    "1000 blocks": (lambda state: with_blocks(state, 1000), "at most 64 modules"),
    "nothing": (lambda _: {}, "got .*nothing|got one without|got 0 tensors"),
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_that_make_no_network_are_refused(
    kind: str, suffix: str, state: Any, tmp_path: Path
) -> None:
    change, word = WEIGHTS[kind]
    if suffix == ".safetensors" and kind == "a name that is no text":
        pytest.skip("can not be written")
    path = saved(change(state), tmp_path / f"bad{suffix}")
    with pytest.raises(dw.ModelError, match=word) as caught:
        load(path)
    assert_clear(caught.value, path)


def header(text: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(name: str, *, kind: str = "F32", sides: Any = (1,), begin: int = 0, end: int = 4) -> str:
    place = {"dtype": kind, "shape": sides, "data_offsets": [begin, end]}
    return f'"{name}": {json.dumps(place)}'


def table(*entries: str, data: int = 4) -> bytes:
    return header(f"{{{', '.join(entries)}}}".encode(), bytes(data))


SAFETENSORS: dict[str, bytes] = {
    "a header of 2**63 bytes": header(b"{}", length=2**63),
    "a header of 2 GB": header(b"{}", length=2**31),
    "a header longer than the file": header(b"{}", length=3000),
    "a header that is no JSON": header(b"x" * 50),
    "a header of brackets": header(b"[" * 10**6),
    "a header of 10 MB": header(b" " * 10**7),
    "tensors that overlap": table(entry("a"), entry("b", begin=2, end=6), data=6),
    "a gap": table(entry("a"), entry("b", begin=8, end=12), data=12),
    "an end beyond the file": table(entry("a", sides=(1000,), end=4000)),
    "a side below nothing": table(entry("a", sides=(-1,))),
    "sides of 2**64 numbers": table(entry("a", sides=(2**32, 2**32))),
    "an unknown number type": table(entry("a", kind="X9")),
    "a crowd of tensors": table(
        *(entry(f"a{i}", sides=(0,), end=0) for i in range(30_000)), data=0
    ),
    "a description that is no text": header(b'{"__metadata__": {"a": 1}}'),
}


@pytest.mark.parametrize("kind", SAFETENSORS)
def test_safetensors_that_contradict_themselves_are_refused(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    path = tmp_path / "bad.safetensors"
    path.write_bytes(SAFETENSORS[kind])
    with pytest.raises(dw.ModelError, match=r"expected (safetensors|at most)") as caught:
        load(path)
    assert_clear(caught.value, path)


def rezipped(content: bytes, rename: Callable[[str], str]) -> bytes:
    """The same archive with other names in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for info in old.infolist():
            new.writestr(rename(info.filename), old.read(info))
    return buffer.getvalue()


def patched(content: bytes, offset: int, value: int) -> bytes:
    """A zip archive with another number in its directory's first entry."""
    place = content.find(b"PK\x01\x02") + offset
    return content[:place] + struct.pack("<I", value) + content[place + 4 :]


def tuples_of_tuples() -> bytes:
    """60 tuples, each twice in the next; the last is the key of a dictionary."""
    program = b"\x80\x02(K\x01tq\0" + b"".join(
        b"(h%ch%ctq%c" % (level, level, level + 1) for level in range(60)
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", program + b"}h\x3cK\x01s.")
    return buffer.getvalue()


ARCHIVES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a 7-Zip archive": (lambda _: b"7z\xbc\xaf\x27\x1c\0\4" + bytes(99), "a 7-Zip archive"),
    "an entry that says 2 GB": (lambda whole: patched(whole, 24, 2**31), "does not do"),
    "an entry that is said to be packed in 2 GB": (
        lambda whole: patched(patched(whole, 20, 2**31), 24, 2**31),
        "does not do",
    ),
    "an entry beyond the end": (lambda whole: patched(whole, 42, 2**31), "again"),
    "an encrypted entry": (lambda whole: patched(whole, 8, 1), "again"),
    "absolute names": (lambda whole: rezipped(whole, "/{}".format), "did not write it"),
    "names above": (lambda whole: rezipped(whole, "../../{}".format), "did not write it"),
    "an archive in an archive": (
        lambda whole: rezipped(rezipped(whole, str), lambda name: f"x/{name}"),
        "did not write it",
    ),
    "tuples without end": (lambda _: tuples_of_tuples(), "tuples without end"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_checkpoint_that_is_no_plain_archive_is_refused(
    kind: str, state: Any, tmp_path: Path
) -> None:
    change, word = ARCHIVES[kind]
    path = saved(state, tmp_path / "bad.pth")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(dw.ModelError, match=word) as caught:
        load(path)
    assert_clear(caught.value, path)


def test_a_run_of_pickles_that_tells_of_more_numbers_than_it_has_is_refused(
    state: Any, tmp_path: Path
) -> None:
    path = saved(state, tmp_path / "bad.pth", _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(dw.ModelError, match="the end is missing") as caught:
        load(path)
    assert_clear(caught.value, path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".pt", ".onnx"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_by_any_name_is_refused_and_nothing_in_it_is_run(
    suffix: str, protocol: int, tmp_path: Path
) -> None:
    if suffix != ".onnx":
        pytest.importorskip("torch", reason="torch is not installed")
    path, trace = tmp_path / f"bad{suffix}", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Command(trace), protocol=protocol))
    with pytest.raises(dw.ModelError) as caught:
        load(path)
    assert_clear(caught.value, path)
    assert not trace.exists()


def test_weights_under_a_programs_name_are_not_run_but_told_how(state: Any, tmp_path: Path) -> None:
    path = saved(state, tmp_path / "weights.pt")
    with pytest.raises(dw.ModelError, match=r"name the file \.pth") as caught:
        load(path)
    assert_clear(caught.value, path)
