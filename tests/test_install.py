"""The installer of the hosts: it adds onnxruntime, changes nothing, and always ends well.

Most tests run it in a Python that sees the standard library and one folder, which the test fills;
``pip`` in there writes down what it was asked for. The last ones have pip itself, in a fresh
environment, with an index that is a folder.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

INSTALL = Path(__file__).parents[1] / "install.py"
BROKEN = "WARNING: Retrying after connection broken by 'NewConnectionError': /simple/onnxruntime/"
NO_MATCH = "ERROR: No matching distribution found for onnxruntime"
CONFLICT = "ERROR: Cannot install it because these versions have conflicting dependencies."
RECORDER = """
import json, os, sys
file = sys.argv[sys.argv.index("--constraint") + 1]
with open(os.environ["HEARD"], "a") as heard:
    heard.write(json.dumps({"words": sys.argv[1:], "constraints": open(file).read()}) + "\\n")
answers = json.loads(os.environ["ANSWERS"])
wanted = sys.argv[-1].split("=")[0].rstrip("<>")
print(answers.get(wanted, ""))
sys.exit(wanted in answers)
"""


@pytest.fixture(scope="module")
def installer() -> ModuleType:
    spec = spec_from_file_location("install_of_hosts", INSTALL)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Host:
    """A Python with the packages of one folder."""

    folder: Path

    def add(self, name: str, version: str, *, record: str | None = "") -> None:
        about = self.folder / f"{name}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
        )
        if record is not None:
            (about / "RECORD").write_text(record, encoding="utf-8")

    def add_torch(self, built_for: str) -> None:
        self.add("torch", "2.7.0")
        (self.folder / "torch").mkdir()
        (self.folder / "torch" / "version.py").write_text(built_for, encoding="utf-8")

    def add_pip(self) -> None:
        (self.folder / "pip").mkdir()
        (self.folder / "pip" / "__init__.py").touch()
        (self.folder / "pip" / "__main__.py").write_text(RECORDER, encoding="utf-8")

    def start(self, *arguments: str, failures: dict[str, str] | None = None, **more: str) -> str:
        """The one line that the installer prints; ``failures`` is what pip says of a package."""
        environment = {
            **{name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ},
            "PYTHONPATH": str(self.folder),
            "PYTHONWARNINGS": "error",
            "HEARD": str(self.folder / "heard"),
            "ANSWERS": json.dumps(failures or {}),
            "PATH": str(self.folder),
            **more,
        }
        return one_line([sys.executable, "-S", str(INSTALL), *arguments], environment)

    @property
    def heard(self) -> list[Any]:
        """What pip was asked for, call by call."""
        file = self.folder / "heard"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def requirements(self) -> list[str]:
        return [call["words"][-1] for call in self.heard]


def one_line(command: list[str], environment: dict[str, str]) -> str:
    """What the installer printed, where that was one line and it ended well."""
    done = subprocess.run(
        command, env=environment, capture_output=True, check=False, timeout=60, encoding="utf-8"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("dw-openpose-full: ")
    assert done.stdout.count("\n") == 1
    return done.stdout.removeprefix("dw-openpose-full: ").rstrip("\n")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    host.add_pip()
    return host


@pytest.mark.parametrize(
    "flavour",
    [
        "onnxruntime",
        "onnxruntime-gpu",
        "onnxruntime_directml",
        "onnxruntime-openvino",
        "onnxruntime-rocm",
        "onnxruntime_migraphx",
        "onnxruntime-training",
        "onnxruntime-of-tomorrow",
    ],
)
def test_an_onnxruntime_of_any_flavour_is_left_alone(host: Host, flavour: str) -> None:
    host.add_torch("cuda: Optional[str] = '12.8'\n")
    host.add(flavour, "1.20.1", record="onnxruntime/__init__.py,sha256=x,1\n")
    assert host.start() == f"{flavour.replace('_', '-')} 1.20.1 is here, nothing to do"
    assert host.heard == []


def test_one_whose_list_of_files_is_lost_is_left_alone(host: Host) -> None:
    host.add("onnxruntime-gpu", "1.20.1", record=None)
    assert host.start() == "onnxruntime-gpu 1.20.1 is here, nothing to do"


def test_one_without_metadata_is_left_alone(host: Host) -> None:
    (host.folder / "onnxruntime").mkdir()
    (host.folder / "onnxruntime" / "__init__.py").touch()
    assert host.start() == "an onnxruntime of unknown origin is here, nothing to do"
    assert host.heard == []


def test_two_are_named_both(host: Host) -> None:
    for name in ("onnxruntime", "onnxruntime-gpu"):
        host.add(name, "1.20.1", record=None)
    line = host.start()
    assert line.endswith(" are here, nothing to do")
    assert set(line.removesuffix(" are here, nothing to do").split(" and ")) == {
        "onnxruntime 1.20.1",
        "onnxruntime-gpu 1.20.1",
    }


def test_neighbours_by_name_and_leftovers_are_no_onnxruntime(host: Host) -> None:
    host.add("onnxruntime-extensions", "0.13.0", record="onnxruntime_extensions/__init__.py,,\n")
    (host.folder / "onnxruntime" / "__pycache__").mkdir(parents=True)
    host.start()
    assert host.requirements == ["onnxruntime>=1.17"]


@pytest.mark.parametrize(
    ("version_file", "has_directml", "device"),
    [
        ("__version__ = '2.3.1'\ncuda: Optional[str] = '12.1'\nhip = None\n", False, "CUDA 12"),
        ("cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", True, "CUDA 13"),
        ('cuda = "11.8"\n', False, "CUDA 11"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = '6.4.43484'\n", False, "ROCm"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = None\nxpu = '20250'\n", False, ""),
        ("cuda = None\nhip = None\n", True, "DirectML"),
        ("", False, ""),
    ],
)
def test_torchs_version_file_tells_what_it_runs_on(
    installer: ModuleType, version_file: str, device: str, *, has_directml: bool
) -> None:
    assert installer.accelerator(version_file, has_directml=has_directml) == device


@pytest.mark.parametrize(
    ("device", "requirements"),
    [
        ("", ["onnxruntime>=1.17"]),
        ("ROCm", ["onnxruntime>=1.17"]),
        ("CUDA 10", ["onnxruntime>=1.17"]),
        ("CUDA 11", ["onnxruntime-gpu==1.18.1", "onnxruntime>=1.17"]),
        ("CUDA 12", ["onnxruntime-gpu>=1.19,<1.27", "onnxruntime>=1.17"]),
        ("CUDA 13", ["onnxruntime-gpu>=1.27", "onnxruntime>=1.17"]),
        ("DirectML", ["onnxruntime-directml>=1.17", "onnxruntime>=1.17"]),
    ],
)
def test_the_flavour_is_torchs(installer: ModuleType, device: str, requirements: list[str]) -> None:
    assert installer.requirements_for(device) == requirements


def test_torch_is_read_and_not_imported(host: Host) -> None:
    host.add_torch("cuda: Optional[str] = '12.8'\n")
    (host.folder / "torch" / "__init__.py").write_text("raise SystemExit(9)", encoding="utf-8")
    assert host.start() == "installed onnxruntime-gpu>=1.19,<1.27"
    assert host.requirements == ["onnxruntime-gpu>=1.19,<1.27"]


def test_torch_directml_is_seen(host: Host) -> None:
    host.add("torch_directml", "0.2.5")
    host.start()
    assert host.requirements == ["onnxruntime-directml>=1.17"]


def test_where_the_gpus_does_not_fit_the_cpus_is_taken_and_told(host: Host) -> None:
    host.add_torch("cuda: Optional[str] = '13.0'\n")
    line = host.start(failures={"onnxruntime-gpu": CONFLICT})
    assert line == "installed onnxruntime>=1.17, for the CPU: none for CUDA 13 fits"
    assert host.requirements == ["onnxruntime-gpu>=1.27", "onnxruntime>=1.17"]


def test_without_network_nothing_else_is_tried(host: Host) -> None:
    host.add_torch("cuda: Optional[str] = '12.8'\n")
    failure = f"{BROKEN}\n{NO_MATCH}"
    line = host.start(failures={"onnxruntime-gpu": failure, "onnxruntime": failure})
    assert line.startswith(
        "could not install onnxruntime (no network, or no answer from the package index); "
        "without it lite does not run, and DWPose runs on OpenCV, slower; try again with: "
    )
    assert line.endswith(f'"{sys.executable}" "{INSTALL}"')
    assert len(host.heard) == 1


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--skip-install"], {}),
        ([], {"COMMANDLINE_ARGS": "--api --skip-install --port 7860"}),
        ([], {"DW_OPENPOSE_SKIP_INSTALL": "1"}),
    ],
)
def test_told_to_install_nothing_it_does_not(
    host: Host, arguments: list[str], environment: dict[str, str]
) -> None:
    line = host.start(*arguments, failures=None, **environment)
    assert line.startswith("told not to install onnxruntime; without it lite does not run")
    assert host.heard == []


def test_a_zero_or_another_option_does_not_skip(host: Host) -> None:
    host.start(DW_OPENPOSE_SKIP_INSTALL="0", COMMANDLINE_ARGS="--skip-install-nothing")
    assert len(host.heard) == 1


def test_all_that_is_here_is_held_to_its_version(host: Host) -> None:
    for name, version in (("numpy", "1.26.2"), ("Pillow", "9.5.0"), ("torch_x", "2.3.1+cu121")):
        host.add(name, version)
    host.add("odd", "4.0-unsupported-2")  # pip would refuse the whole list
    for leftover in ("~umpy-1.26.1.dist-info", "~illow-9.0.dist-info"):  # of removals on Windows
        (host.folder / leftover).mkdir()
    (host.folder / "~illow-9.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\n")
    host.start()
    held = host.heard[0]["constraints"].splitlines()
    assert sorted(held) == ["numpy==1.26.2", "pillow==9.5.0", "torch-x==2.3.1+cu121"]


def test_what_is_here_twice_is_held_to_both(host: Host) -> None:
    host.add("numpy", "1.26.2")
    host.add("numpy", "2.0.0")
    host.start()
    assert sorted(host.heard[0]["constraints"].split()) == ["numpy==1.26.2", "numpy==2.0.0"]


def test_the_hosts_own_index_is_asked(host: Host) -> None:
    host.start(INDEX_URL="https://mirror.example/simple")
    words = host.heard[0]["words"]
    assert words[words.index("--index-url") + 1] == "https://mirror.example/simple"


def test_nothing_is_built_from_source(host: Host) -> None:
    host.start()
    words = host.heard[0]["words"]
    assert words[words.index("--only-binary") + 1] == ":all:"


def test_a_python_without_pip_and_uv_is_told_of(tmp_path: Path) -> None:
    line = Host(tmp_path).start()
    assert line.startswith("could not install onnxruntime (this Python has no pip, and uv is")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_uv_installs_where_there_is_no_pip(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$0.py" "$@"\n', encoding="utf-8")
    uv.chmod(0o755)
    (tmp_path / "uv.py").write_text(RECORDER, encoding="utf-8")
    host = Host(tmp_path)
    assert host.start() == "installed onnxruntime>=1.17"
    assert host.heard[0]["words"][:4] == ["pip", "install", "--python", sys.executable]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (f"{BROKEN}\n{NO_MATCH}", "no network, or no answer from the package index"),
        (
            "error: Request failed after 3 retries\n  Caused by: Failed to fetch: `https://x/`",
            "no network, or no answer from the package index",
        ),
        (f"{BROKEN}\n{CONFLICT}", "none fits the packages that are here"),
        (f"ERROR: Not this one\n{NO_MATCH}", "the package index has none for this Python"),
        (
            "error: externally-managed-environment\n\nThis environment is externally managed",
            "this Python belongs to the system; use one in an environment",
        ),
        ("Collecting it\nERROR: [Errno 28] No space left", "[Errno 28] No space left"),
        ("", "the installer failed without a word"),
    ],
)
def test_the_reason_is_found_in_what_installers_write(
    installer: ModuleType, output: str, reason: str
) -> None:
    assert installer.reason_of(output) == reason


def test_an_installer_that_hangs_is_ended(
    installer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installer, "SECONDS", 0.2)
    hang = [sys.executable, "-c", "import time; time.sleep(50)"]
    assert installer._run(hang, "onnxruntime") == "it took more than 0.0 minutes"


def test_whatever_happens_is_one_line(
    installer: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> str:
        raise OSError("first\nsecond")

    monkeypatch.setattr(installer, "install", fail)
    installer.main()
    line = capsys.readouterr().out
    assert line.startswith(
        "dw-openpose-full: could not install onnxruntime (OSError: first second)"
    )
    assert line.count("\n") == 1


def test_a_folder_with_letters_that_the_terminal_lacks_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / "日本"
    folder.mkdir()
    (folder / "install.py").write_bytes(INSTALL.read_bytes())
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONIOENCODING": "ascii", "PATH": ""}
    line = one_line([sys.executable, "-S", str(folder / "install.py")], environment)
    assert "\\u65e5\\u672c" in line


def test_it_imports_the_standard_library_alone() -> None:
    text = INSTALL.read_text(encoding="utf-8")
    names = set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE))
    assert {"sys", "subprocess"} <= names <= sys.stdlib_module_names


@dataclass(frozen=True)
class FreshHost:
    """An environment with pip, and a folder of wheels for its index."""

    python: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("PIP_")}
        return {
            **kept,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder),
        }

    def add_wheel(self, name: str, version: str, needs: tuple[str, ...] = ()) -> None:
        about = f"{name}-{version}.dist-info"
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {need}" for need in needs]
        module = f"{name}/__init__.py"
        with zipfile.ZipFile(self.folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(module, "")
            wheel.writestr(f"{about}/METADATA", "\n".join(lines) + "\n")
            wheel.writestr(
                f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            files = [module, f"{about}/METADATA", f"{about}/WHEEL", f"{about}/RECORD"]
            wheel.writestr(f"{about}/RECORD", "".join(f"{file},,\n" for file in files))

    def pip(self, *words: str) -> str:
        return subprocess.run(
            [self.python, "-m", "pip", "--disable-pip-version-check", *words],
            env=self.environment,
            capture_output=True,
            check=True,
            encoding="utf-8",
        ).stdout

    def packages(self) -> set[str]:
        return set(self.pip("list", "--format=freeze").split())

    def start(self) -> str:
        return one_line([self.python, str(INSTALL)], self.environment)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("ensurepip", reason="this Python makes no environments with pip")
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    return str(folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))


@pytest.fixture
def fresh(python: str, tmp_path: Path) -> Iterator[FreshHost]:
    host = FreshHost(python, tmp_path)
    host.add_wheel("protobuf", "3.20.0")
    host.pip("install", "protobuf==3.20.0")
    yield host
    host.pip("uninstall", "--yes", "onnxruntime", "flatbuffers")


def test_pip_adds_and_changes_nothing(fresh: FreshHost) -> None:
    fresh.add_wheel("protobuf", "7.36.2")
    fresh.add_wheel("flatbuffers", "25.12.19")
    fresh.add_wheel("onnxruntime", "1.26.0", needs=("flatbuffers", "protobuf"))
    fresh.add_wheel("onnxruntime", "1.32.0", needs=("flatbuffers", "protobuf>=4.25.8"))
    before = fresh.packages()
    assert fresh.start() == "installed onnxruntime 1.26.0"
    assert fresh.packages() == before | {"flatbuffers==25.12.19", "onnxruntime==1.26.0"}
    assert fresh.start() == "onnxruntime 1.26.0 is here, nothing to do"


def test_where_pip_has_nothing_to_offer_nothing_changes(fresh: FreshHost) -> None:
    before = fresh.packages()
    assert "(the package index has none for this Python)" in fresh.start()
    fresh.add_wheel("protobuf", "7.36.2")
    fresh.add_wheel("onnxruntime", "1.32.0", needs=("protobuf>=4.25.8",))
    assert "(none fits the packages that are here)" in fresh.start()
    assert fresh.packages() == before
