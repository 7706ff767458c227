"""What the README promises is run as it stands there."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from pathlib import Path

import click
import pytest

from dw_openpose_full import cli

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


def _commands() -> list[str]:
    """Lines of the documents that call the command, without what is said of them."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = re.findall(
        r"```(?:sh|bat)\n(.*?)```", "\n".join(page.read_text("utf-8") for page in pages), re.DOTALL
    )
    lines = [line.partition("  #")[0] for block in blocks for line in block.splitlines()]
    return [line.strip() for line in lines if re.match(r"dw-openpose |torchrun ", line)]


@pytest.mark.parametrize("line", _commands())
def test_the_commands_of_the_documents_have_words_that_the_command_knows(line: str) -> None:
    words = shlex.split(line.replace("dw_openpose_full.training", "dw-openpose train"))
    words = words[words.index("dw-openpose") + 1 :]
    command: click.Command = cli._command
    context = click.Context(command)
    while isinstance(command, click.Group):
        name = words.pop(0)
        inner = command.get_command(context, name)
        assert inner is not None, name
        command, context = inner, click.Context(inner, parent=context)
    command.make_parser(context).parse_args(words)


def test_the_documents_show_the_command() -> None:
    assert len(_commands()) > 20
