"""Fetching weights from servers that misbehave: whole and right, or one sentence and nothing."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bad_server
from bad_server import DATA, HALF, BadServer
from dw_openpose_full import cli
from dw_openpose_full.errors import ModelError
from dw_openpose_full.zoo import addresses, auto, fetch, hub, parts, proofs, store, web
from dw_openpose_full.zoo.catalogue import (
    ALL_CARDS,
    CARDS,
    FETCHED_CARDS,
    HubFile,
    WebFile,
    Weight,
    card_named,
)
from dw_openpose_full.zoo.folders import CACHE_VARIABLE, FOLDER_VARIABLE, NEIGHBOURS

SHA = hashlib.sha256(DATA).hexdigest()
QUICK = web.Limits(
    connect=1, read=0.3, answer=0.6, rate=10_000, window=0.3, tries=3, pause=0.01, most=1 << 20
)
_CONNECT = socket.socket.connect  # before any test's fixtures


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch, no_network: None) -> None:
    """This machine may be reached again, nothing else."""

    def connect(self: socket.socket, address: Any) -> None:
        if address[0] != "127.0.0.1":
            raise OSError(errno.ENETUNREACH, "no route to host")
        _CONNECT(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own; returns the folder that files are fetched into."""
    for name in list(os.environ):
        if name.upper().startswith(("HF_", "HUGGINGFACE")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    return tmp_path / "cache" / "ckpts"


@pytest.fixture
def server() -> Iterator[BadServer]:
    with bad_server.running() as running:
        yield running


def row(*urls: str, known: bool = True) -> Weight:
    places = tuple(WebFile(url) for url in urls)
    return Weight("w.onnx", *((len(DATA), SHA) if known else (None, None)), "", "MIT", places)


def get(weight: Weight, **more: Any) -> Path:
    return fetch.fetch(weight, limits=QUICK, **more)


def sentence(weight: Weight, room: Path) -> str:
    """The one sentence of a fetch that fails; nothing wrong may stand under the name."""
    with pytest.raises(ModelError) as caught:
        get(weight)
    text = str(caught.value)
    assert text.isprintable()
    assert not (room / weight.file).is_file()
    return text


# ---------------------------------------------------------------- it comes


GOOD = (
    *("whole", "redirect", "chunked", "nolength", "once500", "once503", "once429"),
    *("drop", "noranges", "badrange", "changes"),
)


@pytest.mark.parametrize("way", GOOD)
def test_a_whole_file_comes_by_any_fair_way(way: str, server: BadServer, room: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = get(row(f"{server.url}/{way}"), progress=lambda *at: seen.append(at))
    assert path == room / "w.onnx"
    assert path.read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA))
    assert [entry.name for entry in room.iterdir()] == ["w.onnx"]


def test_a_dropped_connection_is_gone_on_with_where_it_broke(server: BadServer) -> None:
    get(row(f"{server.url}/drop"))
    assert server.ranges == [f"bytes={HALF}-"]
    assert server.heads[-1]["If-Range"] == bad_server.ETAG


def test_a_file_that_changed_meanwhile_comes_from_the_beginning(server: BadServer) -> None:
    assert get(row(f"{server.url}/changes", known=False)).read_bytes() == DATA


def test_what_is_here_and_whole_is_not_asked_for(server: BadServer) -> None:
    weight = row(f"{server.url}/whole")
    get(weight)
    get(weight)
    assert server.asked["whole"] == 1


@pytest.mark.parametrize("there", [b"half", DATA[:-1] + b"x", b""])
def test_a_damaged_file_under_the_name_is_replaced(
    there: bytes, server: BadServer, room: Path
) -> None:
    room.mkdir(parents=True)
    (room / "w.onnx").write_bytes(there)
    assert get(row(f"{server.url}/whole")).read_bytes() == DATA


@pytest.mark.parametrize("bad", ["404", "wrong", "page", "drops", "tofile"])
def test_the_next_mirror_is_asked(bad: str, server: BadServer) -> None:
    assert get(row(f"{server.url}/{bad}", f"{server.url}/whole")).read_bytes() == DATA


def test_the_hub_is_asked_at_its_mirror(server: BadServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
    place = HubFile("some/repo", "deep/w.onnx", "a" * 40)
    assert hub.url_of(place) == f"{server.url}/some/repo/resolve/{'a' * 40}/deep/w.onnx"
    get(dataclasses.replace(row(), places=(place,)))
    assert server.asked["some"] == 1


def test_a_file_out_of_an_archive_comes_proven(
    server: BadServer, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("2023/../../end2end.onnx", DATA)
        bundle.writestr("2023/detail.json", "{}")
    monkeypatch.setattr(
        bad_server._Handler, "do_zip", lambda self: self.plain(packed.getvalue()), raising=False
    )
    place = WebFile(f"{server.url}/zip", "end2end.onnx")
    assert get(dataclasses.replace(row(), places=(place,))).read_bytes() == DATA
    assert [entry.name for entry in room.iterdir()] == ["w.onnx"]
    (room / "w.onnx").unlink()
    for bad, word in (
        (WebFile(place.url, "none"), "none"),
        (WebFile(f"{server.url}/whole", "x"), "zip"),
    ):
        assert word in sentence(dataclasses.replace(row(), places=(bad,)), room)


# ---------------------------------------------------------------- it does not, and says why


BAD = {
    "401": "401 .*login",
    "403": "403 .*login",
    "404": "404 Not Found",
    "410": "410",
    "429": "429",
    "500": "500",
    "503": "503",
    "drops": "broke off after 1000 of",
    "short": f"offers {len(DATA) - 5} bytes, expected {len(DATA)}",
    "long": f"offers {len(DATA) + 4} bytes",
    "longchunks": "sends more than",
    "brokenchunks": "broke off",
    "wrong": "another file: sha256",
    "empty": "offers 0 bytes",
    "page": "web page",
    "sneaky": "offers 34 bytes",
    "gzip": "packed .gzip",
    "garbage": "broke off",
    "hangup": "broke off",
    "drip": "fewer than 10000 bytes a second",
    "stall": "does not answer in time",
    "silent": "does not answer in time|no answer within",
    "slowhead": "no answer within 0.6 seconds",
    "loop": "redirects more than 5 times",
    "tofile": "file:///etc/passwd, to which .*/tofile redirects, is not https",
    "toftp": "ftp://.* is not https",
    "tohttp": "http://example.invalid/x.* is not https",
    "tonowhere": "redirects to nowhere",
}


@pytest.mark.parametrize(("way", "said"), BAD.items(), ids=BAD)
def test_a_failing_server_is_one_sentence(
    way: str, said: str, server: BadServer, room: Path
) -> None:
    begun = time.monotonic()
    text = sentence(row(f"{server.url}/{way}"), room)
    assert re.search(said, text), text
    for word in (server.url, "w.onnx", "HF_ENDPOINT", "by hand", str(room)):
        assert word in text
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(("status", "times"), [("404", 1), ("403", 1), ("500", 3), ("429", 3)])
def test_only_what_may_pass_is_tried_again(
    status: str, times: int, server: BadServer, room: Path
) -> None:
    sentence(row(f"{server.url}/{status}"), room)
    assert server.asked[status] == times


@pytest.mark.parametrize("way", ["sneaky", "pickle", "nolength", "empty", "drops"])
def test_without_a_digest_what_is_no_network_is_refused(
    way: str, server: BadServer, room: Path
) -> None:
    sentence(row(f"{server.url}/{way}", known=False), room)
    assert not list(room.iterdir())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/w", "not https"),
        ("file:///etc/passwd", "not https|no address"),
        ("ftp://127.0.0.1/w", "not https"),
        ("https://", "no address"),
        ("https://example.invalid/a b", "no address"),
        ("https://example.invalid:x/w", "no address"),
        ("https://user:secret@127.0.0.1:1/w?token=secret", "can not be reached"),
        ("http://127.0.0.1:1/w", "can not be reached"),
    ],
)
def test_an_address_that_is_none_of_ours_is_refused(url: str, said: str, room: Path) -> None:
    with pytest.raises(ModelError, match=said):
        raise ModelError(text := sentence(row(url), room))
    assert "secret" not in text


def test_no_route_is_one_sentence_and_one_host_is_not_asked_twice(room: Path) -> None:
    text = sentence(row("https://192.0.2.1/a", "https://192.0.2.1/b"), room)
    assert "can not be reached (no route to host)" in text
    assert "/b" not in text


def test_a_proxy_is_used_for_https(
    server: BadServer, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass@{server.url[7:]}")
    assert "502" in sentence(row("https://example.invalid/w"), room)
    assert server.asked["CONNECT example.invalid:443"] == 3
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    assert "no http proxy" in sentence(row("https://example.invalid/w"), room)


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_offline_asks_nobody(
    way: str, server: BadServer, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="--offline or HF_HUB_OFFLINE"):
        get(row(f"{server.url}/whole"), offline=way == "argument")
    assert not server.asked
    assert not room.exists()


# ---------------------------------------------------------------- disks


def test_a_full_disk_leaves_nothing(
    server: BadServer, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def progress(done: int, total: int | None) -> None:
        if done > HALF:
            full()

    with pytest.raises(ModelError, match="no space is left"):
        get(row(f"{server.url}/whole"), progress=progress)
    assert not list(room.iterdir())
    monkeypatch.setattr(parts.shutil, "disk_usage", lambda _: type("U", (), {"free": 10}))
    assert "no space is left" in sentence(row(f"{server.url}/whole"), room)


def test_a_folder_in_the_files_place_is_named(server: BadServer, room: Path) -> None:
    (room / "w.onnx").mkdir(parents=True)
    assert "a folder has its name" in sentence(row(f"{server.url}/whole"), room)
    assert not server.asked


def test_a_file_in_the_folders_place_is_named(server: BadServer, room: Path) -> None:
    room.parent.mkdir(parents=True)
    room.write_bytes(b"")
    with pytest.raises(ModelError, match="is a file, not a folder"):
        get(row(f"{server.url}/whole"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder_is_named(server: BadServer, room: Path) -> None:
    room.mkdir(parents=True)
    room.chmod(0o500)
    assert "not permitted" in sentence(row(f"{server.url}/whole"), room)


def test_a_file_system_that_refuses_is_named(
    server: BadServer, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    room.mkdir(parents=True)
    monkeypatch.setattr(Path, "replace", refuse)
    assert "read-only" in sentence(row(f"{server.url}/whole"), room)


@pytest.mark.parametrize("file", ["../w.onnx", "/w.onnx", "a/../../w", "c:w", "a\\w", "", "w.pth"])
def test_a_row_leads_nowhere_else_and_to_no_pickle(file: str) -> None:
    with pytest.raises(ValueError, match=r"folder of weights|pickle"):
        dataclasses.replace(row(), file=file)


# ---------------------------------------------------------------- several at once, and the dead

CHILD = """
import sys, hashlib
from dw_openpose_full.zoo.catalogue import WebFile, Weight
from dw_openpose_full.zoo.fetch import fetch
url, size, sha = sys.argv[1:]
print(fetch(Weight("w.onnx", int(size), sha, "", "MIT", (WebFile(url),))))
"""


def child(url: str) -> subprocess.Popen[str]:
    path = Path(parts.__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, url, str(len(DATA)), SHA],
        env={**os.environ, "PYTHONPATH": str(path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_at_once_fetch_once(server: BadServer, room: Path) -> None:
    children = [child(f"{server.url}/slow") for _ in range(3)]
    said = [process.communicate(timeout=20) for process in children]
    assert [process.returncode for process in children] == [0, 0, 0], said
    assert server.asked["slow"] == 1
    assert (room / "w.onnx").read_bytes() == DATA
    assert [entry.name for entry in room.iterdir()] == ["w.onnx"]


@pytest.mark.parametrize("locks", ["locks", ""])
def test_threads_at_once_get_a_whole_file(
    locks: str, server: BadServer, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    if not locks:
        monkeypatch.setattr(parts, "try_lock", broken)
    found: list[bytes] = []
    weight = row(f"{server.url}/slow")
    threads = [
        threading.Thread(target=lambda: found.append(get(weight).read_bytes())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [DATA] * 4
    assert server.asked["slow"] == (1 if locks else 4)
    assert [entry.name for entry in room.iterdir()] == ["w.onnx"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_fetch_is_gone_on_with(server: BadServer, room: Path) -> None:
    process = child(f"{server.url}/slow")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not any(
        part.stat().st_size > 50_000 for part in room.glob(".w.onnx.*.part")
    ):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=5)
    assert not (room / "w.onnx").exists()
    assert get(row(f"{server.url}/whole")).read_bytes() == DATA
    assert len(server.ranges) == 1
    assert int(server.ranges[0][6:-1]) > 50_000
    assert [entry.name for entry in room.iterdir()] == ["w.onnx"]


def leave(room: Path, content: bytes, tag: str = SHA[:16], process: int = 2**22 + 1) -> Path:
    """A part as a dead process leaves it."""
    room.mkdir(parents=True, exist_ok=True)
    left = room / f".w.onnx.{process}-{parts._machine()}01234567-{tag}.part"
    left.write_bytes(content)
    return left


@pytest.mark.parametrize("content", [b"x" * 999, DATA + b"x", b"x" * len(DATA), DATA])
def test_a_damaged_leftover_costs_a_fresh_start_only(
    content: bytes, server: BadServer, room: Path
) -> None:
    leave(room, content)
    assert get(row(f"{server.url}/whole")).read_bytes() == DATA
    assert [entry.name for entry in room.iterdir()] == ["w.onnx"]


def test_a_living_process_s_part_is_left_alone(server: BadServer, room: Path) -> None:
    left = leave(room, b"x" * 999, process=os.getppid())
    stranger = room / ".w.onnx.part"
    stranger.write_bytes(b"not ours")
    get(row(f"{server.url}/whole"))
    assert left.exists()
    assert stranger.exists()


def test_what_has_come_is_kept_for_the_next_time(server: BadServer, room: Path) -> None:
    sentence(row(f"{server.url}/drops"), room)
    get(row(f"{server.url}/whole"))
    assert server.ranges[-1] == "bytes=1000-"


# ---------------------------------------------------------------- digests


def test_a_digest_is_read_once_and_again_when_the_file_changes(
    server: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight, read = row(f"{server.url}/whole"), []
    path = get(weight)
    plain = proofs.digest_of
    monkeypatch.setattr(proofs, "digest_of", lambda path: read.append(path) or plain(path))
    for _ in range(3):
        store.find_verified(weight)
    assert len(read) == 1
    status = path.stat()
    path.write_bytes(DATA[:-1] + b"x")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(ModelError, match="sha256 is"):
        store.find_verified(weight)


@pytest.mark.parametrize("memory", ["", "[]", "{", '{"x": 1}', "[" * 100_000])
def test_a_broken_memory_is_no_memory(memory: str, server: BadServer, room: Path) -> None:
    room.mkdir(parents=True)
    (room.parent / "proven.json").write_text(memory)
    assert store.find_verified(row(str(get(row(f"{server.url}/whole"))))).exists()


def test_an_unknown_digest_is_recorded_and_said_and_held_to(
    server: BadServer, room: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weight = row(f"{server.url}/whole", known=False)
    path = get(weight)
    assert f"recorded: {SHA}" in caplog.text
    path.write_bytes(DATA[:-1] + b"x")
    with pytest.raises(ModelError, match="sha256 is"):
        store.find_verified(weight)
    path.unlink()
    with pytest.raises(ModelError, match="now sends another file"):
        get(row(f"{server.url}/wrong", known=False))
    assert not path.exists()


# ---------------------------------------------------------------- places


def test_files_are_found_in_every_place_in_order(
    room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = tmp_path / "host"
    package = host / "extensions" / "ours" / "annotator" / "dw_openpose_full"
    monkeypatch.setattr("dw_openpose_full.zoo.folders._PACKAGE", package)
    monkeypatch.setattr(
        sys, "argv", ["launch.py", "--controlnet-annotator-models-path", "elsewhere"]
    )
    weight = dataclasses.replace(row(), places=(HubFile("some/repo", "w.onnx", "b"),))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "own"))
    places = [
        tmp_path / "own",
        package / "ckpts",
        package.parents[1] / "ckpts",
        host / "elsewhere" / "openpose",
        host / NEIGHBOURS[0],
        host / NEIGHBOURS[1],
        host / NEIGHBOURS[3] / "some" / "repo",
        tmp_path / "hf" / "hub" / "models--some--repo" / "snapshots" / "b",
        tmp_path / "hf" / "hub" / "models--some--repo" / "snapshots" / "a",
    ]
    for place in reversed(places):
        place.mkdir(parents=True, exist_ok=True)
        (place / "w.onnx").write_bytes(DATA)
        assert store.find(weight) == place / "w.onnx"
    assert list(store.candidates(weight)) == [place / "w.onnx" for place in places]


def test_a_file_of_wrong_length_or_digest_is_passed_over_with_a_word(
    tmp_path: Path, server: BadServer, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    weight = row(f"{server.url}/whole")
    kept = get(weight)
    monkeypatch.setattr("dw_openpose_full.zoo.store.weight_folders", lambda: (tmp_path,))
    for bad in (b"half", DATA[:-1] + b"x"):
        (tmp_path / "w.onnx").write_bytes(bad)
        assert store.find_verified(weight) == kept
        assert f"{tmp_path / 'w.onnx'}: " in caplog.text
        caplog.clear()


# ---------------------------------------------------------------- rows, commands, choices


def test_every_row_to_fetch_has_a_place_a_licence_and_a_format() -> None:
    assert len({card.name for card in ALL_CARDS}) == len(ALL_CARDS)
    assert all(card.is_bundled for card in CARDS)
    for card in FETCHED_CARDS:
        assert card.family == ("simcc" if card.kind == "model" else "yolox")
        assert card.input is not None
        assert card.input.channel_order == ("RGB" if card.kind == "model" else "BGR")
        if card.detector:
            card_named(card.detector, "detector")
        for weight in card.weights.values():
            assert weight.places
            assert weight.licence == "Apache-2.0"
            assert weight.file.endswith(".onnx")
            assert weight.sha256 is None or len(bytes.fromhex(weight.sha256)) == 32
            for place in weight.places:
                url = hub.url_of(place) if isinstance(place, HubFile) else place.url
                addresses.check_address(url)


@pytest.fixture
def published(server: BadServer, monkeypatch: pytest.MonkeyPatch) -> BadServer:
    """The catalogue's best model and its detector, both served by the bad server's hub."""
    place = HubFile("some/repo", "w.onnx")
    for name in (auto.BEST_MODEL, "yolox-l"):
        weight = Weight(f"{name}.onnx", len(DATA), SHA, "", "MIT", (place,))
        monkeypatch.setitem(card_named(name).weights, "network", weight)  # type: ignore[arg-type]
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    return server


def test_models_fetch_brings_a_model_and_its_detector(
    published: BadServer, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["models", "fetch", "dwpose-l-384", "--offline"]) == 1
    assert "--offline" in capsys.readouterr().err
    assert cli.run(["models", "fetch", "dwpose-l-384"]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == [
        "dwpose-l-384.onnx",
        "yolox-l.onnx",
    ]
    assert cli.run(["models", "verify", "dwpose-l-384"]) == 0
    (room / "yolox-l.onnx").write_bytes(b"half")
    assert cli.run(["models", "verify"]) == 1
    assert "models fetch yolox-l" in capsys.readouterr().err
    assert cli.run(["models", "verify", "rtmw-l-384"]) == 1


def test_auto_takes_the_best_that_is_here_or_comes_quickly_else_lite(
    published: BadServer, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert auto.choose(offline=True).name == "lite"
    assert not published.asked
    monkeypatch.setenv("HF_ENDPOINT", f"{published.url}/silent")
    begun = time.monotonic()
    assert auto.choose(seconds=0.3) == auto.Choice(
        "lite",
        "dwpose-l-384.onnx and yolox-l.onnx not here, and the hub does not answer; later: "
        "dw-openpose models fetch dwpose-l-384",
    )
    assert time.monotonic() - begun < 1.5
    monkeypatch.setenv("HF_ENDPOINT", published.url)
    assert auto.choose() == auto.Choice("dwpose-l-384", "its files were fetched")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert auto.choose() == auto.Choice("dwpose-l-384", "its files are here")
    assert auto.choose_detector() == auto.Choice("yolox-l", "its files are here")
    (room / "yolox-l.onnx").unlink()
    assert auto.choose_detector() == auto.Choice(
        "movenet", "yolox-l.onnx not here, and nothing is fetched offline"
    )
    assert auto.choose(detector="none").name == "dwpose-l-384"
    assert auto.choose().name == "lite"


# ---------------------------------------------------------------- huggingface_hub


class FakeHub:
    """As much of huggingface_hub as is asked of it."""

    def __init__(self, content: bytes | None) -> None:
        self.content, self.utils, self.bars = content, self, True

    def are_progress_bars_disabled(self) -> bool:
        return not self.bars

    def disable_progress_bars(self) -> None:
        self.bars = False

    def enable_progress_bars(self) -> None:
        self.bars = True

    def hf_hub_download(self, **asked: Any) -> str:
        if self.content is None:
            time.sleep(3)
            raise OSError("late")
        assert not self.bars
        path = Path(asked["local_dir"]) / asked["filename"]
        path.parent.mkdir(parents=True)
        path.write_bytes(self.content)
        return str(path)


def install(monkeypatch: pytest.MonkeyPatch, library: FakeHub) -> None:
    for name in ("huggingface_hub", "huggingface_hub.utils"):
        monkeypatch.setitem(sys.modules, name, library)


@pytest.mark.parametrize(
    ("content", "asked"), [(DATA, 0), (DATA[:-1] + b"x", 1), (b"", 1), (None, 1)]
)
def test_what_huggingface_hub_brings_is_proven_too(
    content: bytes | None, asked: int, published: BadServer, room: Path, monkeypatch: Any
) -> None:
    library = FakeHub(content)
    install(monkeypatch, library)
    limits = dataclasses.replace(QUICK, connect=0.2)
    weight = card_named("yolox-l").weights["network"]
    assert fetch.fetch(weight, limits=limits).read_bytes() == DATA
    assert published.asked["some"] == asked
    assert [entry.name for entry in room.iterdir() if entry.is_file()] == ["yolox-l.onnx"]


def test_huggingface_hub_is_not_sent_to_an_unsafe_mirror(
    published: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, FakeHub(DATA))
    monkeypatch.setenv("HF_ENDPOINT", "http://example.invalid")
    with pytest.raises(ModelError, match=r"http://example\.invalid.* is not https"):
        get(card_named("yolox-l").weights["network"])
