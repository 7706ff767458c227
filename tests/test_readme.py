"""What the README promises is run as it stands there."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "sample.jpg", tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    programs = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(programs) == 1
    (tmp_path / "readme.py").write_text(programs[0], "utf-8")
    runpy.run_path("readme.py")
    said = capsys.readouterr().out
    assert "1 person, read by lite" in said
    assert "(1024, 1024, 3) 1" in said
    assert (tmp_path / "out" / "pose.json").stat().st_size > 1000


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\((docs/[^)]+)\)", README))))
def test_the_pictures_of_the_readme_are_there(path: str) -> None:
    assert (ROOT / path).is_file()
