"""Files out: whole or not at all, and no litter."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dw_openpose_full import files
from dw_openpose_full.errors import OutputError, PoseError
from dw_openpose_full.files import replacing, sweep_leftovers, write_atomically

needs_posix = pytest.mark.skipif(os.name == "nt", reason="POSIX files")
DEAD = 2**22 + 12345  # above the largest process number of Linux


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208


def leftover(folder: Path, process: int, *, machine: str | None = None, age: float = 0) -> Path:
    tag = files._machine() if machine is None else machine
    path = folder / f".out.png.{process}-{tag}0123abcd.part"
    path.write_bytes(b"half")
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.mark.parametrize("data", [b"", b"abc", bytes(3_000_000)], ids=["empty", "short", "long"])
def test_what_is_written_is_there_and_nothing_else(tmp_path: Path, data: bytes) -> None:
    write_atomically(tmp_path / "a.png", data)
    assert (tmp_path / "a.png").read_bytes() == data
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("form", [str, os.fsencode, Path], ids=["str", "bytes", "path"])
def test_every_form_of_path_is_taken(tmp_path: Path, form: Any) -> None:
    write_atomically(form(tmp_path / "a.png"), b"x")
    assert (tmp_path / "a.png").read_bytes() == b"x"


def test_a_relative_name_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("a.png", b"x")
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("name", ["\N{DANCER} a.png", "-rf", "n" * 250, "\u821e" * 80, "..a"])
def test_unusual_and_long_names_are_taken(tmp_path: Path, name: str) -> None:
    write_atomically(tmp_path / name, b"x")
    assert names(tmp_path) == [name]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
def test_a_name_that_is_not_utf8_is_taken(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9\n.png"
    write_atomically(path, b"x")
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9\n.png"]  # noqa: PTH208


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b" / "c.png", b"x")
    assert (tmp_path / "a" / "b" / "c.png").read_bytes() == b"x"


def test_a_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old and longer")
    write_atomically(tmp_path / "a.png", b"new")
    assert (tmp_path / "a.png").read_bytes() == b"new"


@needs_posix
@pytest.mark.usefixtures("umask")
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.png", b"x")
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640


@needs_posix
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    (tmp_path / "a.png").chmod(0o604)
    write_atomically(tmp_path / "a.png", b"x")
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o604


@needs_posix
def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to(tmp_path / "there" / "a.png")
    write_atomically(tmp_path / "link.png", b"new")
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "there" / "a.png").read_bytes() == b"new"


# ---------------------------------------------------------------- refusals
def refusal(path: Any) -> str:
    with pytest.raises(OutputError, match=r"^\S[^\n]*$") as caught:
        write_atomically(path, b"x")
    return str(caught.value)


def test_a_folder_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    assert "a.png: can not be written: it is a folder" in refusal(tmp_path / "a.png")
    assert "it is a folder" in refusal(f"{tmp_path}/new/")
    assert names(tmp_path) == ["a.png"]


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"precious")
    refusal(tmp_path / "out" / "a.png")
    refusal(tmp_path / "out" / "deep" / "a.png")
    assert (tmp_path / "out").read_bytes() == b"precious"


def test_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    assert len(refusal(tmp_path / ("n" * 5000))) < 500
    refusal(tmp_path / ("n" * 256))
    assert names(tmp_path) == []


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_what_is_no_name_is_told(path: str) -> None:
    refusal(path)


@needs_posix
def test_devices_and_pipes_are_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "pipe" in refusal(tmp_path / "pipe")
    assert "device" in refusal("/dev/null")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@needs_posix
def test_a_circle_of_links_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "a")
    assert "circle" in refusal(tmp_path / "a")


FAULTS = {
    "full": (errno.ENOSPC, "no space left"),
    "read-only-folder": (errno.EACCES, "not permitted"),
    "read-only-disk": (errno.EROFS, "read-only"),
    "broken-disk": (errno.EIO, os.strerror(errno.EIO)),
}


@pytest.mark.parametrize("step", ["open", "fsync", "write", "replace"])
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_at_any_step_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, step: str
) -> None:
    number, words = FAULTS[kind]
    if step == "fsync" and number == errno.EROFS:
        pytest.skip("says only that this file system has no fsync")

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    owner, name = {"write": (Path, "write_bytes"), "replace": (Path, "replace")}.get(
        step, (os, step)
    )
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        message = refusal(path)
    assert "a.png: can not be written" in message
    assert words in message
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.png"]


@needs_posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a full device")
def test_a_disk_that_fills_up_while_writing(tmp_path: Path) -> None:
    def write() -> None:
        with replacing(tmp_path / "a") as part:
            part.write_bytes(b"half")
            Path("/dev/full").write_bytes(b"x")

    with pytest.raises(OutputError, match="no space left"):
        write()
    assert names(tmp_path) == []


def test_a_file_system_without_fsync_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fail)
    write_atomically(tmp_path / "a.png", b"x")
    assert (tmp_path / "a.png").read_bytes() == b"x"


@needs_posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "not permitted" in refusal(tmp_path / "a.png")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_an_interrupt_leaves_the_old_file_and_no_litter(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def write() -> None:
        with replacing(tmp_path / "a.png") as part:
            part.write_bytes(b"half")
            raise error

    (tmp_path / "a.png").write_bytes(b"old")
    with pytest.raises(error):
        write()
    assert (tmp_path / "a.png").read_bytes() == b"old"
    assert names(tmp_path) == ["a.png"]


def test_two_writers_of_one_name_do_not_meet(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as first, replacing(tmp_path / "a") as second:
        assert first != second
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert (tmp_path / "a").read_bytes() == b"first"  # the outer block ends last
    assert names(tmp_path) == ["a"]


# ---------------------------------------------------------------- kill -9
WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from dw_openpose_full.files import write_atomically
print("ready", flush=True)
while True:
    for letter in b"ab":
        write_atomically(sys.argv[2], bytes([letter]) * 4_000_000)
"""


@needs_posix
def test_kill_9_leaves_a_whole_file_and_litter_that_is_swept(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    root = str(Path(files.__file__).parents[1])
    for round_ in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, root, str(path)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.02 + 0.013 * round_)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        if path.exists():
            data = path.read_bytes()
            assert len(data) == 4_000_000
            assert data == data[:1] * len(data)
    sweep_leftovers(tmp_path)
    assert [name for name in names(tmp_path) if name != "a.bin"] == []


# ---------------------------------------------------------------- sweeping
def test_leftovers_of_dead_processes_are_removed(tmp_path: Path) -> None:
    leftover(tmp_path, DEAD)
    leftover(tmp_path, DEAD + 1)
    assert sweep_leftovers(tmp_path) == 2
    assert names(tmp_path) == []


def test_a_file_being_written_is_kept(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as part:
        assert sweep_leftovers(tmp_path) == 0
        part.write_bytes(b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


@needs_posix
def test_a_file_of_another_living_process_is_kept(tmp_path: Path) -> None:
    path = leftover(tmp_path, os.getppid())
    assert sweep_leftovers(tmp_path) == 0
    assert path.exists()


def test_a_file_of_another_machine_is_kept_for_a_day(tmp_path: Path) -> None:
    path = leftover(tmp_path, DEAD, machine="00000000")
    assert sweep_leftovers(tmp_path) == 0
    os.utime(path, (time.time() - 25 * 3600,) * 2)
    assert sweep_leftovers(tmp_path) == 1


def test_a_file_older_than_a_day_is_removed_whoever_has_its_number(tmp_path: Path) -> None:
    leftover(tmp_path, os.getpid(), age=25 * 3600)
    assert sweep_leftovers(tmp_path) == 1


@pytest.mark.parametrize(
    "name",
    [
        "movie.part",
        ".part",
        f".out.png.{DEAD}.part",
        f"out.png.{DEAD}-0123456701234567.part",
        f".out.png.{DEAD}-0123456701234567.part.bak",
        f".out.png.{DEAD}-0123.part",
        f".{DEAD}-0123456701234567.part",
        ".out.png.-0123456701234567.part",
    ],
)
def test_what_we_did_not_name_is_never_removed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"precious")
    os.utime(tmp_path / name, (0, 0))
    assert sweep_leftovers(tmp_path) == 0
    assert names(tmp_path) == [name]


def test_folders_and_links_are_never_removed(tmp_path: Path) -> None:
    (tmp_path / f".a.{DEAD}-0123456701234567.part").mkdir()
    if os.name != "nt":
        (tmp_path / f".b.{DEAD}-0123456701234567.part").symlink_to(tmp_path / "x")
    before = names(tmp_path)
    assert sweep_leftovers(tmp_path) == 0
    assert names(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owner there")
def test_files_of_another_user_are_never_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leftover(tmp_path, DEAD)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert sweep_leftovers(tmp_path) == 0


def test_a_missing_folder_has_no_leftovers(tmp_path: Path) -> None:
    assert sweep_leftovers(tmp_path / "gone") == 0


def test_a_file_that_can_not_be_removed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError

    leftover(tmp_path, DEAD)
    monkeypatch.setattr(Path, "unlink", refuse)
    assert sweep_leftovers(tmp_path) == 0


def test_what_fails_in_the_block_on_purpose_is_told_as_it_is(tmp_path: Path) -> None:
    def fail() -> None:
        with replacing(tmp_path / "x.bin"):
            raise PoseError("a row is wrong")

    with pytest.raises(PoseError, match=r"^a row is wrong$"):
        fail()
    assert not list(tmp_path.iterdir())
