"""The house rules that no linter knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "annotator" / "dw_openpose_full").rglob("*.py"))


def test_the_source_root_holds_one_package_and_is_none() -> None:
    entries = {path.name for path in (ROOT / "annotator").iterdir()} - {"__pycache__"}
    assert entries == {"dw_openpose_full"}


def test_folders_that_hosts_share_are_no_packages() -> None:
    assert not (ROOT / "scripts" / "__init__.py").exists()
    assert not (ROOT / "tests" / "__init__.py").exists()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_package_imports_itself_relatively(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        roots = {name.split(".")[0] for name in names}
        assert not roots & {"annotator", "dw_openpose_full", "scripts"}, f"line {node.lineno}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_fit_on_their_screens(source: Path) -> None:
    text = source.read_text("utf-8")
    assert text.count("\n") <= 310
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno <= 60, node.name


def test_importing_the_package_loads_numpy_and_opencv_only() -> None:
    program = (
        "import sys, numpy, cv2, os, random; before = set(sys.modules); env = dict(os.environ); "
        "path = list(sys.path); state = random.getstate(); "
        f"sys.path.insert(0, {str(ROOT / 'annotator')!r}); path = list(sys.path); "
        "import dw_openpose_full; "
        "assert env == dict(os.environ) and path == sys.path and state == random.getstate(); "
        "loaded = {name.split('.')[0] for name in set(sys.modules) - before}; "
        "assert not loaded & {'ssl', 'http', 'socket', 'subprocess'}, loaded; "
        "print(*sorted(loaded - set(sys.stdlib_module_names) - {'numpy', 'cv2'}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["dw_openpose_full"]
    assert not result.stderr
