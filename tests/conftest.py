"""What every test may lean on: no network, and the reference material where it lies beside."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

SHARED_VARIABLE = "DW_OPENPOSE_SHARED"
"""Names the folder of photos, annotations and reference pictures; by default ``../shared``."""

_CONNECT = socket.socket.connect  # before any test's fixtures


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("a test tried to reach the network")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches the network."""
    monkeypatch.setattr(socket.socket, "connect", _refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", _refuse)


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch, no_network: None) -> None:
    """For tests that ask for it: this machine may be reached again, nothing else."""

    def connect(self: socket.socket, address: Any) -> None:
        assert address[0] == "127.0.0.1", f"a test tried to reach {address}"
        _CONNECT(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(scope="session", autouse=True)
def nothing_is_fetched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test fetches weights, or leaves a word in the user's cache; sub-processes neither."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("ORT_DISABLE_TELEMETRY", "1")
        patch.setenv("DW_OPENPOSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests, their sub-processes and the libraries below them put aside goes with the run."""
    place = str(tmp_path_factory.mktemp("temporary"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", place)
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, place)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the reference material; tests that need it are skipped where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get(SHARED_VARIABLE, beside))
    if not (folder / "golden").is_dir():
        pytest.skip(f"no reference material at {folder.name}/ (set {SHARED_VARIABLE})")
    return folder
