"""Onnxruntime's devices: which one is taken, what happens when one fails, and what is told.

Devices that are not here are played by ``Runtime``; the networks really run, on the CPU.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

from dw_openpose_full import doctor  # noqa: E402
from dw_openpose_full.backends import open_session, ort  # noqa: E402
from dw_openpose_full.backends.onnx_file import parse_onnx  # noqa: E402
from dw_openpose_full.backends.ort_providers import (  # noqa: E402
    TRIAL_NETWORK,
    devices_for,
    is_out_of_memory,
    reason_of,
)
from dw_openpose_full.backends.privacy import NO_TELEMETRY, without_telemetry  # noqa: E402
from dw_openpose_full.errors import ModelError, OptionError  # noqa: E402

ALL = (
    *("TensorrtExecutionProvider", "CUDAExecutionProvider", "MIGraphXExecutionProvider"),
    *("ROCMExecutionProvider", "DmlExecutionProvider", "OpenVINOExecutionProvider"),
    *("CoreMLExecutionProvider", "CPUExecutionProvider"),
)
OUT_OF_MEMORY = "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer"


class Runtime:
    """A double of the module onnxruntime, with devices that work or fail as a test wants.

    Attributes:
        dropped: Stems of providers that sessions silently do without.
        refused: What providers raise when a session starts.
        on_run: Called with a provider's stem and a batch, for every network but the trial.
        started: Stem and options of each session, trials left out.
        log_levels: As they were set for the whole process.
    """

    SessionOptions = onnxruntime.SessionOptions

    def __init__(self, *stems: str, folder: Path) -> None:
        self.compiled_in = [f"{stem}ExecutionProvider" for stem in (*stems, "CPU")]
        self.dropped: set[str] = set()
        self.refused: dict[str, Exception] = {}
        self.on_trial: Callable[[str], None] = lambda stem: None
        self.on_run: Callable[[str, Any], None] = lambda stem, batch: None
        self.started: list[tuple[str, Any]] = []
        self.log_levels: list[int] = []
        self.trials = 0
        self.__file__ = str(folder / "onnxruntime" / "__init__.py")
        self.__version__ = "9.9"

    def get_available_providers(self) -> list[str]:
        return self.compiled_in

    def set_default_logger_severity(self, level: int) -> None:
        self.log_levels.append(level)

    def InferenceSession(  # noqa: N802
        self, content: bytes, options: Any, *, providers: list[Any], enable_fallback: int
    ) -> Any:
        names = [asked if isinstance(asked, str) else asked[0] for asked in providers]
        assert set(names) <= set(self.compiled_in), "onnxruntime would warn in its own words"
        assert not enable_fallback
        stem = names[0].removesuffix("ExecutionProvider")
        if stem in self.refused:
            raise self.refused[stem]
        stem = "CPU" if stem in self.dropped else stem
        real = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

        falls_back = [True]

        def run(outputs: None, feeds: dict[str, Any]) -> Any:
            assert not falls_back, "onnxruntime would choose another provider by itself"
            if content == TRIAL_NETWORK:
                self.on_trial(stem)
            else:
                self.on_run(stem, next(iter(feeds.values())))
            return real.run(outputs, feeds)

        if content == TRIAL_NETWORK:
            self.trials += 1
        else:
            self.started.append((stem, options))
        return SimpleNamespace(
            run=run,
            get_providers=lambda: [f"{stem}ExecutionProvider", "CPUExecutionProvider"],
            get_inputs=real.get_inputs,
            get_outputs=real.get_outputs,
            disable_fallback=falls_back.clear,
        )


Pretend = Callable[..., Runtime]
Write = Callable[..., Path]
Log = pytest.LogCaptureFixture


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has been tried and nothing told yet."""
    monkeypatch.setattr(ort, "_trials", {})
    monkeypatch.setattr(ort, "_told", set())


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pretend:
    """Puts a double in the place of onnxruntime."""

    def replace(*stems: str) -> Runtime:
        runtime = Runtime(*stems, folder=tmp_path)
        monkeypatch.setattr(ort, "onnxruntime", runtime)
        monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
        return runtime

    return replace


@pytest.fixture
def network(tmp_path: Path) -> Write:
    """Writes a network that doubles its input, ``(N, 3)`` float32."""

    def write(name: str = "doubling.onnx", batch: Any = "N", out: Any = None) -> Path:
        info, floats = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node("Add", ["x", "x"], ["y"])],
            "doubling",
            [info("x", floats, [batch, 3])],
            [info("y", floats, [out or batch, 3])],
        )
        opset = onnx.helper.make_opsetid("", 13)
        model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=7)
        onnx.save(model, tmp_path / name)
        return tmp_path / name

    return write


def pictures(count: int) -> Any:
    return np.arange(3 * count, dtype=np.float32).reshape(count, 3)


def doubled(session: Any, count: int = 1) -> bool:
    """Whether a session answers rightly."""
    (answer,) = session.run(pictures(count))
    return bool(np.array_equal(answer, pictures(count) * 2))


# ---------------------------------------------------------------- which device a word means


@pytest.mark.parametrize(
    ("word", "name", "number"),
    [
        ("cuda", "CUDAExecutionProvider", "0"),
        ("cuda:3", "CUDAExecutionProvider", "3"),
        ("migraphx:1", "MIGraphXExecutionProvider", "1"),
        ("rocm:1", "ROCMExecutionProvider", "1"),
        ("directml:1", "DmlExecutionProvider", "1"),
        ("tensorrt:2", "TensorrtExecutionProvider", "2"),
        ("openvino", "OpenVINOExecutionProvider", None),
        ("coreml", "CoreMLExecutionProvider", None),
    ],
)
def test_a_word_asks_for_a_provider_by_its_real_name(
    word: str, name: str, number: str | None
) -> None:
    first, cpu = devices_for(word, ALL)
    (asked, options), *_, last = first.request
    assert (asked, options.get("device_id"), last) == (name, number, "CPUExecutionProvider")
    assert cpu.request == ["CPUExecutionProvider"]


def test_auto_prefers_gpus_and_takes_neither_tensorrt_nor_coreml() -> None:
    labels = [device.label for device in devices_for("auto", ALL)]
    assert labels == ["CUDA", "MIGraphX", "ROCm", "DirectML", "OpenVINO", "CPU"]
    assert [device.label for device in devices_for("auto", ALL[-2:])] == ["CPU"]


def test_cuda_is_not_to_search_for_the_best_convolution_of_each_batch_size() -> None:
    (_, options), _ = devices_for("cuda", ALL)[0].request
    assert options["cudnn_conv_algo_search"] == "HEURISTIC"


def test_what_tensorrt_lacks_is_run_by_cuda_of_the_same_number() -> None:
    _, (cuda, options), cpu = devices_for("tensorrt:2", ALL)[0].request
    assert (cuda, options["device_id"], cpu) == (ALL[1], "2", ALL[-1])


@pytest.mark.parametrize(
    "word", ["", "gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda:²", "cpu:0", "openvino:1"]
)
def test_other_words_are_refused_with_the_choices(word: str, network: Write) -> None:
    with pytest.raises(OptionError, match=r"auto, cpu or one of cuda\[:N\].*directml") as caught:
        open_session(network(), device=word)
    assert repr(word) in str(caught.value)


def test_directml_gets_the_session_options_it_needs(pretend: Pretend, network: Write) -> None:
    runtime = pretend("Dml")
    assert doubled(open_session(network()))
    (stem, options), sequential = runtime.started[0], onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert (stem, options.enable_mem_pattern, options.execution_mode) == ("Dml", False, sequential)


@pytest.mark.parametrize(("value", "threads"), [("3", 3), ("", 0), ("many", 0)])
def test_threads_are_left_to_onnxruntime_and_the_user(
    value: str, threads: int, monkeypatch: pytest.MonkeyPatch, network: Write
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    session: Any = open_session(network())
    assert session._engine.session.get_session_options().intra_op_num_threads == threads


# ---------------------------------------------------------------- devices that can not be used


@pytest.mark.parametrize(
    ("word", "described"), [("auto", "CUDA"), ("cuda", "CUDA"), ("cuda:1", "CUDA:1")]
)
def test_a_device_that_works_is_taken_without_a_word(
    word: str, described: str, pretend: Pretend, network: Write, caplog: Log
) -> None:
    runtime = pretend("Tensorrt", "CUDA")
    sessions = [open_session(network(), device=word) for _ in range(3)]
    assert all(doubled(session, 4) for session in sessions)
    assert sessions[0].description == f"doubling.onnx on onnxruntime ({described})"
    assert runtime.trials == 1
    assert not caplog.records


@pytest.mark.parametrize("word", ["auto", "cpu"])
def test_a_cpu_wheel_says_nothing_of_gpus(
    word: str, pretend: Pretend, network: Write, caplog: Log
) -> None:
    runtime = pretend("Azure")
    assert open_session(network(), device=word).description.endswith("(CPU)")
    assert not caplog.records
    assert not runtime.log_levels
    assert not runtime.trials


def test_the_cpu_is_asked_for_on_a_gpu_wheel_without_touching_the_gpu(
    pretend: Pretend, network: Write
) -> None:
    runtime = pretend("CUDA")
    assert open_session(network(), device="cpu").description.endswith("(CPU)")
    assert not runtime.trials


def lose_silently(runtime: Runtime) -> None:
    runtime.dropped.add("CUDA")


def lose_with_words(runtime: Runtime) -> None:
    runtime.refused["CUDA"] = RuntimeError("/src/a.cc:9 void f(int) no such device ; GPU=0 ; x")


def lose_at_the_first_convolution(runtime: Runtime) -> None:
    def fail(stem: str) -> None:
        if stem == "CUDA":
            raise RuntimeError("no such device: cuDNN")

    runtime.on_trial = fail


@pytest.mark.parametrize("lose", [lose_silently, lose_with_words, lose_at_the_first_convolution])
def test_a_lost_gpu_is_one_line_for_all_sessions(
    lose: Callable[[Runtime], None], pretend: Pretend, network: Write, caplog: Log
) -> None:
    lose(pretend("CUDA"))
    for word in ("auto", "cuda", "auto"):
        session = open_session(network(), device=word)
        assert session.description.endswith("(CPU)")
        assert doubled(session)
    (record,) = caplog.records
    for part in ("CUDA can not be used", "CPU", '"dw-openpose doctor"'):
        assert part in record.getMessage()
    if lose is not lose_silently:
        assert "(no such device" in record.getMessage()


def test_a_provider_that_was_not_built_in_is_told_once(
    pretend: Pretend, network: Write, caplog: Log
) -> None:
    pretend()
    for _ in range(2):
        assert open_session(network(), device="directml").description.endswith("(CPU)")
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "DirectML can not be used (this onnxruntime was built without it)"
    ]


def test_the_reason_of_a_silent_loss_is_asked_of_the_loader(
    pretend: Pretend, network: Write, tmp_path: Path, caplog: Log
) -> None:
    lose_silently(pretend("CUDA"))
    library = tmp_path / "onnxruntime" / "capi" / "libonnxruntime_providers_cuda.so"
    open_session(network())
    assert "does not say why" in caplog.text
    ort._trials.clear()
    ort._told.clear()
    caplog.clear()
    library.parent.mkdir(parents=True)
    library.write_bytes(b"no library")
    open_session(network())
    assert len(caplog.records) == 1
    assert "does not say why" not in caplog.text


def test_the_next_best_device_is_taken(pretend: Pretend, network: Write, caplog: Log) -> None:
    pretend("MIGraphX", "ROCM").dropped.add("MIGraphX")
    assert open_session(network()).description.endswith("(ROCm)")
    assert "MIGraphX can not be used" in caplog.text
    assert "networks run on ROCm" in caplog.text


def test_cuda_that_came_as_python_packages_is_found(
    pretend: Pretend, network: Write, caplog: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime: Any = pretend("CUDA")
    runtime.dropped.add("CUDA")

    def preload() -> None:
        print("Failed to load something optional")  # noqa: T201
        runtime.dropped.clear()

    runtime.preload_dlls = preload
    assert open_session(network()).description.endswith("(CUDA)")
    assert not caplog.records
    assert not capsys.readouterr().out


def test_the_log_of_the_process_is_as_before(pretend: Pretend, network: Write) -> None:
    runtime = pretend("CUDA")
    lose_with_words(runtime)
    open_session(network())
    assert runtime.log_levels == [4, 2]


# ---------------------------------------------------------------- devices that fail later


def fail_on(stem: str, text: str, above: int = 0) -> Callable[[str, Any], None]:
    """A provider that fails at batches above a size."""

    def on_run(came: str, batch: Any) -> None:
        if came == stem and len(batch) > above:
            raise RuntimeError(text)

    return on_run


def test_a_network_that_does_not_start_there_runs_on_the_cpu(
    pretend: Pretend, network: Write, caplog: Log
) -> None:
    runtime = pretend("OpenVINO")
    open_session(network())
    runtime.refused["OpenVINO"] = RuntimeError("no operator Foo")
    for _ in range(2):
        session = open_session(network())
        assert session.description.endswith("(CPU)")
        assert doubled(session)
    (record,) = caplog.records
    assert "OpenVINO failed (no operator Foo) on" in record.getMessage()
    assert "run on the CPU from now on" in record.getMessage()


def test_a_gpu_that_fails_leaves_the_answer_to_the_cpu_for_good(
    pretend: Pretend, network: Write, caplog: Log
) -> None:
    runtime, calls = pretend("CUDA"), []

    def on_run(stem: str, batch: Any) -> None:
        calls.append(stem)
        fail_on("CUDA", "CUDA failure 999: unknown error ; GPU=0 ; hostname=secret")(stem, batch)

    runtime.on_run = on_run
    sessions = [open_session(network(name)) for name in ("a.onnx", "b.onnx")]
    assert all(doubled(session, 2) for session in sessions * 2)
    assert calls == ["CUDA", "CPU", "CUDA", "CPU", "CPU", "CPU"]
    assert [session.description for session in sessions] == [
        "a.onnx on onnxruntime (CPU)",
        "b.onnx on onnxruntime (CPU)",
    ]
    (record,) = caplog.records
    assert "CUDA failed (CUDA failure 999: unknown error) on" in record.getMessage()
    assert "a.onnx" in record.getMessage()


def test_a_file_that_is_gone_when_the_gpu_fails_is_one_clear_error(
    pretend: Pretend, network: Write
) -> None:
    pretend("CUDA").on_run = fail_on("CUDA", "broken")
    path = network()
    session = open_session(path)
    path.unlink()
    with pytest.raises(ModelError, match=r"doubling\.onnx: can not be read"):
        session.run(pictures(1))


def test_too_little_memory_halves_the_batch_and_keeps_the_smaller_size(
    pretend: Pretend, network: Write, caplog: Log
) -> None:
    runtime, sizes = pretend("CUDA"), []

    def on_run(stem: str, batch: Any) -> None:
        sizes.append(len(batch))
        fail_on("CUDA", OUT_OF_MEMORY, above=2)(stem, batch)

    runtime.on_run = on_run
    session = open_session(network())
    assert doubled(session, 8)
    assert sizes == [8, 4, 2, 2, 2, 2]
    sizes.clear()
    assert doubled(session, 3)
    assert sizes == [2, 1]
    assert session.description.endswith("(CUDA)")
    assert not caplog.records


def test_when_not_one_picture_fits_the_cpu_takes_whole_batches(
    pretend: Pretend, network: Write, caplog: Log
) -> None:
    runtime, calls = pretend("CUDA"), []

    def on_run(stem: str, batch: Any) -> None:
        calls.append((stem, len(batch)))
        fail_on("CUDA", OUT_OF_MEMORY)(stem, batch)

    runtime.on_run = on_run
    session = open_session(network())
    assert doubled(session, 4)
    assert calls == [("CUDA", 4), ("CUDA", 2), ("CUDA", 1), ("CPU", 4)]
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("batch", "out"), [(4, None), ("N", 4)])
def test_a_batch_that_is_not_open_is_never_divided(
    batch: Any, out: Any, pretend: Pretend, network: Write
) -> None:
    runtime, sizes = pretend("CUDA"), []

    def on_run(stem: str, batch: Any) -> None:
        sizes.append(len(batch))
        fail_on("CUDA", OUT_OF_MEMORY, above=2)(stem, batch)

    runtime.on_run = on_run
    session = open_session(network(batch=batch, out=out))
    assert doubled(session, 4)
    assert sizes == [4, 4]
    assert session.description.endswith("(CPU)")


@pytest.mark.parametrize(
    ("stem", "batch", "sizes"),
    [("MIGraphX", "N", [1, 1, 1]), ("MIGraphX", 3, [3]), ("Dml", "N", [3])],
)
def test_what_compiles_for_each_batch_size_sees_one(
    stem: str, batch: Any, sizes: list[int], pretend: Pretend, network: Write
) -> None:
    runtime, seen = pretend(stem), []
    runtime.on_run = lambda _, batch: seen.append(len(batch))
    assert doubled(open_session(network(batch=batch)), 3)
    assert seen == sizes


# ---------------------------------------------------------------- threads


def in_threads(count: int, work: Callable[[], Any]) -> list[Any]:
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(work())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_threads_take_turns_where_a_provider_needs_it(pretend: Pretend, network: Write) -> None:
    runtime, inside, most = pretend("Dml"), [], []

    def on_run(stem: str, batch: Any) -> None:
        inside.append(stem)
        most.append(len(inside))
        time.sleep(0.002)
        inside.pop()

    runtime.on_run = on_run
    session = open_session(network())
    assert in_threads(6, lambda: doubled(session)) == [True] * 6
    assert max(most) == 1


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_threads_run_at_the_same_time_on_cuda_and_on_the_cpu(
    device: str, pretend: Pretend, network: Write
) -> None:
    runtime, meeting = pretend("CUDA"), threading.Barrier(2, timeout=20)
    runtime.on_run = lambda *_: meeting.wait() and None  # type: ignore[func-returns-value]
    session = open_session(network(), device=device)
    assert in_threads(2, lambda: doubled(session)) == [True] * 2
    assert not meeting.broken


def test_a_gpu_that_fails_under_many_threads_is_left_once(
    pretend: Pretend, network: Write, caplog: Log
) -> None:
    runtime, meeting = pretend("CUDA"), threading.Barrier(6, timeout=20)

    def on_run(stem: str, batch: Any) -> None:
        if stem == "CUDA":
            meeting.wait()
            raise RuntimeError("gone")

    runtime.on_run = on_run
    session = open_session(network())
    assert in_threads(6, lambda: doubled(session, 2)) == [True] * 6
    assert [stem for stem, _ in runtime.started] == ["CUDA", "CPU"]
    assert len(caplog.records) == 1


def test_many_sessions_at_once_try_a_device_once(
    pretend: Pretend, network: Write, caplog: Log
) -> None:
    runtime, path = pretend("CUDA"), network()
    lose_silently(runtime)
    runtime.on_trial = lambda _: time.sleep(0.01)
    assert in_threads(4, lambda: doubled(open_session(path))) == [True] * 4
    assert runtime.trials == 1
    assert len(caplog.records) == 1


# ---------------------------------------------------------------- the real onnxruntime


def test_the_trial_network_is_sound_and_copies() -> None:
    onnx.checker.check_model(onnx.load_from_string(TRIAL_NETWORK), full_check=True)
    assert [node.operator for node in parse_onnx(TRIAL_NETWORK, "trial").nodes] == ["Conv"]
    session = onnxruntime.InferenceSession(TRIAL_NETWORK, providers=["CPUExecutionProvider"])
    batch = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    np.testing.assert_array_equal(session.run(None, {"x": batch})[0], batch)


def test_the_bytes_of_a_file_are_not_kept(network: Write) -> None:
    session: Any = open_session(network(), device="cpu")
    assert doubled(session)
    kept = [*vars(session).values(), *vars(session._engine.session).values()]
    assert not any(isinstance(value, bytes) for value in kept)


def test_onnxruntime_does_not_change_its_provider_by_itself(
    network: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    session: Any = open_session(network(), device="cpu")
    state = onnxruntime.capi.onnxruntime_pybind11_state

    class Failing:
        def run(self, *_: Any) -> None:
            raise state.EPFail("the provider failed")

        def __getattr__(self, name: str) -> Any:
            return lambda: False

    session._engine.session._sess = Failing()
    with pytest.raises(ModelError, match="can not run this network on the CPU: the provider"):
        session.run(pictures(1))
    assert not capsys.readouterr().out


def test_a_network_that_fails_on_the_cpu_is_one_clear_error(tmp_path: Path) -> None:
    info, floats = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    two = onnx.helper.make_tensor("two", onnx.TensorProto.INT64, [2], [2, 3])
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Reshape", ["x", "two"], ["y"])],
        "reshape",
        [info("x", floats, ["N", 3])],
        [info("y", floats, [2, 3])],
        [two],
    )
    opset = onnx.helper.make_opsetid("", 13)
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=[opset], ir_version=7), tmp_path / "r.onnx"
    )
    session = open_session(tmp_path / "r.onnx", device="cpu")
    assert session.run(pictures(2))[0].shape == (2, 3)
    with pytest.raises(ModelError, match=r"r\.onnx: onnxruntime can not run this") as caught:
        session.run(pictures(5))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "batch", [pictures(2)[:, :2], pictures(2)[0], pictures(2).astype(np.float64)]
)
def test_a_batch_of_another_kind_is_refused_and_the_gpu_kept(
    batch: Any, pretend: Pretend, network: Write
) -> None:
    pretend("CUDA")
    session = open_session(network())
    with pytest.raises(ModelError, match=r"expected a batch of float32 of shape \(N, 3\), got"):
        session.run(batch)
    assert session.description.endswith("(CUDA)")


# ---------------------------------------------------------------- onnxruntime's words


TENSORRT = (
    "/onnxruntime_src/onnxruntime/python/state.cc:729 void onnxruntime::python::RegisterOps("
    "PySessionOptions&, const onnxruntime::ProviderOptions&) Please install TensorRT libraries.\n"
)
WINDOWS = (
    "[ONNXRuntimeError] : 1 : FAIL : D:\\a\\core\\cuda_call.cc:121 onnxruntime::CudaCall D:\\a"
    "\\core\\cuda_call.cc:114 onnxruntime::CudaCall CUDA failure 2: out of memory ; GPU=0 ; "
    "hostname=DESKTOP ; file=D:\\a.cc ; line=175 ; expr=cudaStreamCreate(&s);"
)
LINUX = (
    "/s/cuda_call.cc:129 std::conditional_t<THRW, void, Status> CudaCall(ERRTYPE, const char*) "
    "[with ERRTYPE = cudaError; bool THRW = true] CUDA failure 35: old driver ; GPU=-1 ;"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TENSORRT, "Please install TensorRT libraries"),
        (WINDOWS, "CUDA failure 2: out of memory"),
        (LINUX, "CUDA failure 35: old driver"),
        ("x" * 1000, "x" * 200),
        ("", "RuntimeError"),
    ],
)
def test_a_reason_is_short_and_names_no_machine(text: str, said: str) -> None:
    assert reason_of(RuntimeError(text)) == said


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (RuntimeError(OUT_OF_MEMORY), True),
        (RuntimeError("CUDA failure 2: out of memory ; GPU=0"), True),
        (RuntimeError("CUDNN failure: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("hipErrorOutOfMemory"), True),
        (RuntimeError("DmlCommandRecorder.cpp(371) 8007000E Not enough memory"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA failure 999: unknown error"), False),
        (RuntimeError("Failed to create an allocator of an unknown kind"), False),
    ],
)
def test_too_little_memory_is_known_by_its_words(error: Exception, *, is_memory: bool) -> None:
    assert is_out_of_memory(error) is is_memory


# ---------------------------------------------------------------- the doctor


def onnxruntimes() -> list[doctor.Finding]:
    return [finding for finding in doctor.examine() if "onnxruntime" in finding.what]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where NVIDIA's driver would lie; there is none."""
    monkeypatch.setattr(doctor, "NVIDIA_DRIVER", (tmp_path / "nvcuda.dll",))
    return tmp_path / "nvcuda.dll"


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(("stems", "label"), [((), "CPU"), (("Dml",), "DirectML")])
def test_the_doctor_tells_what_auto_runs_on(
    stems: tuple[str, ...], label: str, pretend: Pretend
) -> None:
    pretend(*stems)
    (finding,) = onnxruntimes()
    assert finding.level is doctor.Level.FINE
    built_for = ", ".join((*stems, "CPU"))
    assert finding.what == f"onnxruntime 9.9, built for {built_for}; --device auto runs on {label}"


@pytest.mark.parametrize(
    ("has_driver", "cure"), [(True, "onnxruntime-gpu[cuda,cudnn]"), (False, "NVIDIA's driver")]
)
def test_the_doctor_tells_why_cuda_does_not_work(
    cure: str, driver: Path, pretend: Pretend, caplog: Log, *, has_driver: bool
) -> None:
    if has_driver:
        driver.touch()
    lose_with_words(pretend("CUDA"))
    fine, warning = onnxruntimes()
    assert fine.what.endswith("auto runs on CPU")
    assert warning.level is doctor.Level.WARNING
    assert warning.what == "onnxruntime can not use CUDA: no such device"
    assert cure in warning.cure
    assert not caplog.records


def test_the_doctor_sees_a_gpu_that_the_wheel_can_not_use(driver: Path, pretend: Pretend) -> None:
    driver.touch()
    pretend("Azure")
    _, warning = onnxruntimes()
    assert "has an NVIDIA driver" in warning.what
    assert "dw-openpose-full[ort-gpu]" in warning.cure
    pretend("Dml")
    assert len(onnxruntimes()) == 1


@pytest.mark.usefixtures("driver")
def test_the_doctor_knows_no_own_cure_for_other_devices(pretend: Pretend) -> None:
    pretend("OpenVINO").dropped.add("OpenVINO")
    _, warning = onnxruntimes()
    assert "OpenVINO" in warning.what
    assert "onnxruntime.ai" in warning.cure


@pytest.mark.parametrize("own", ["", "0"])
def test_telemetry_is_off_while_onnxruntime_is_imported(
    own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user has set stays; what we set is gone again."""
    monkeypatch.delenv(NO_TELEMETRY, raising=False)
    if own:
        monkeypatch.setenv(NO_TELEMETRY, own)
    with without_telemetry():
        assert os.environ[NO_TELEMETRY] == (own or "1")
    assert os.environ.get(NO_TELEMETRY, "") == own


def test_nothing_is_left_in_the_users_home(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    environment.pop(NO_TELEMETRY, None)
    program = "import time, dw_openpose_full.backends.ort; time.sleep(0.5)"
    environment["PYTHONPATH"] = str(Path(ort.__file__).parents[2])
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert list(tmp_path.iterdir()) == []
