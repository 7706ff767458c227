"""Bring onnxruntime to the host that holds this folder, and change nothing else there.

AUTOMATIC1111, the Forge family and ComfyUI-Manager run this file by themselves; by hand it is run
with the host's Python. It needs the standard library alone, prints one line, and always ends well:
a host without onnxruntime starts all the same.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

PLAIN: Final = "onnxruntime>=1.17"
FLAVOURS: Final = {
    "CUDA 11": "onnxruntime-gpu==1.18.1",
    "CUDA 12": "onnxruntime-gpu>=1.19,<1.27",
    "CUDA 13": "onnxruntime-gpu>=1.27",
    "DirectML": "onnxruntime-directml>=1.17",
}
"""The onnxruntime for what torch runs on, by the libraries that its wheels are linked with."""
SECONDS: Final = 600
"""pip may take so long; the largest wheel has 300 MB."""
WITHOUT: Final = "without it lite does not run, and DWPose runs on OpenCV, slower"
UNREACHABLE: Final = "no network, or no answer from the package index"
REASONS: Final = {
    "conflicting dependencies|unsatisfiable": "none fits the packages that are here",
    "connection broken|Could not fetch URL|Failed to fetch|timed out": UNREACHABLE,
    "No matching distribution": "the package index has none for this Python",
    "externally[- ]managed": "this Python belongs to the system; use one in an environment",
}
"""What pip and uv write, and what it means."""
_PEP440: Final = re.compile(
    r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[\w.]+)?", re.ASCII
)


def main() -> None:
    """Print what was done, in one line."""
    try:
        line = install()
    except Exception as error:  # noqa: BLE001  a host starts, whatever happened here
        line = _failure(f"{type(error).__name__}: {error}")
    coding = sys.stdout.encoding or "utf-8"
    line = f"dw-openpose-full: {' '.join(line.split())}\n"
    sys.stdout.write(line.encode(coding, "backslashreplace").decode(coding))


def install() -> str:
    """Install the onnxruntime that fits, unless one is here; says what was done."""
    here = installed_onnxruntimes()
    if here:
        verb = "is" if len(here) == 1 else "are"
        return f"{' and '.join(here)} {verb} here, nothing to do"
    if is_told_to_skip(sys.argv, os.environ):
        return f"told not to install onnxruntime; {WITHOUT}"
    installer = find_installer(os.environ.get("INDEX_URL", ""))
    if not installer:
        return _failure("this Python has no pip, and uv is not here")
    device = accelerator(torch_version_file(), has_directml=_is_installed("torch-directml"))
    reason = ""
    for requirement in requirements_for(device):
        reason = _run(installer, requirement)
        if not reason:
            return _success(requirement, device)
        if reason == UNREACHABLE:
            break
    return _failure(reason)


def installed_onnxruntimes() -> list[str]:
    """Names and versions of all that holds the package ``onnxruntime``, whole or not.

    onnxruntime-gpu and the others share that package; onnxruntime-extensions does not hold it.
    """
    importlib.invalidate_caches()
    package = "onnxruntime/__init__.py"
    found = [
        f"{name} {version}"
        for name, version, distribution in _distributions()
        if name.startswith("onnxruntime")
        and package in (distribution.read_text("RECORD") or package)
    ]
    spec = None if found else importlib.util.find_spec("onnxruntime")
    return ["an onnxruntime of unknown origin"] if spec and spec.origin else found


def is_told_to_skip(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether the user, or the host in the user's name, wants nothing installed."""
    hosts = environment.get("COMMANDLINE_ARGS", "").split()
    own = environment.get("DW_OPENPOSE_SKIP_INSTALL", "")
    return "--skip-install" in {*arguments, *hosts} or own not in {"", "0"}


def find_installer(index: str) -> list[str]:
    """The command that installs wheels into this Python: pip's, else uv's, else nothing.

    Args:
        index: A package index for it, as users of AUTOMATIC1111 name one by ``INDEX_URL``.
    """
    options = ["--only-binary", ":all:", *(["--index-url", index] if index else [])]
    if importlib.util.find_spec("pip"):
        alone = ["-s"] if sys.flags.no_user_site else []
        quick = ["--retries", "1", "--timeout", "10", "--no-input", "--disable-pip-version-check"]
        return [sys.executable, *alone, "-m", "pip", "install", *quick, *options]
    uv = shutil.which("uv")
    return [uv, "pip", "install", "--python", sys.executable, *options] if uv else []


def torch_version_file() -> str:
    """Torch's ``version.py``, read, because importing torch takes seconds; empty without torch."""
    try:
        torch = metadata.distribution("torch")
        return Path(str(torch.locate_file("torch/version.py"))).read_text(encoding="utf-8")
    except (metadata.PackageNotFoundError, OSError):
        return ""


def accelerator(version_file: str, *, has_directml: bool) -> str:
    """What torch runs on: ``CUDA 12``, ``ROCm``, ``DirectML``, or nothing for the CPU.

    Args:
        version_file: Torch's ``version.py``, with lines like ``cuda: Optional[str] = '12.8'``.
        has_directml: Whether torch-directml is installed.
    """
    built_for = dict(re.findall(r"^(cuda|hip)\b[^=\n]*=\s*['\"](\d+)", version_file, re.MULTILINE))
    if "cuda" in built_for:
        return f"CUDA {built_for['cuda']}"
    if "hip" in built_for:
        return "ROCm"
    return "DirectML" if has_directml else ""


def requirements_for(device: str) -> list[str]:
    """What to try to install, best first; the last one runs on the CPU."""
    return [FLAVOURS[device], PLAIN] if device in FLAVOURS else [PLAIN]


def constraints() -> str:
    """A line for each package that is here: pip may add to them, and change none.

    A package that is here twice has two lines, which can not both be met: then pip leaves it.
    """
    return "".join(
        f"{name}=={version}\n"
        for name, version, _ in _distributions()
        if _PEP440.fullmatch(version)
    )


def reason_of(output: str) -> str:
    """Why an installer failed, from what it wrote."""
    for pattern, reason in REASONS.items():
        if re.search(pattern, output, re.IGNORECASE):
            return reason
    errors = re.findall(r"^error: *(.+)", output, re.IGNORECASE | re.MULTILINE)
    return errors[-1][:200] if errors else "the installer failed without a word"


def _run(installer: list[str], requirement: str) -> str:
    """Install one requirement; says why it could not, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "constraints.txt")
        file.write_text(constraints(), encoding="utf-8")
        try:
            done = subprocess.run(
                [*installer, "--constraint", str(file), requirement],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"it took more than {SECONDS // 60} minutes"
    return reason_of(done.stdout) if done.returncode else ""


def _success(requirement: str, device: str) -> str:
    installed = " and ".join(installed_onnxruntimes()) or requirement
    if device and requirement == PLAIN:
        return f"installed {installed}, for the CPU: none for {device} fits"
    return f"installed {installed}"


def _failure(reason: str) -> str:
    again = f'"{sys.executable}" "{Path(__file__).resolve()}"'
    return f"could not install onnxruntime ({reason}); {WITHOUT}; try again with: {again}"


def _is_installed(name: str) -> bool:
    return any(found == name for found, _, _ in _distributions())


def _distributions() -> Iterator[tuple[str, str, metadata.Distribution]]:
    """Name (in lower case, with dashes), version and all else of what is installed."""
    for distribution in metadata.distributions():
        about = distribution.metadata
        if about and "Name" in about and "Version" in about:  # not what a broken removal left
            yield re.sub(r"[-_.]+", "-", about["Name"]).lower(), about["Version"], distribution


if __name__ == "__main__":
    main()
