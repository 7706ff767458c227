"""The host's options, which its ``config.json`` keeps, and what its page shows."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

_FILE = Path(__file__).resolve().parents[1] / "config.json"


class OptionInfo:
    def __init__(
        self, default: object = None, label: str = "", *, section: tuple[str, str] | None = None
    ) -> None:
        self.default = default
        self.label = label
        self.section = section


class Options:
    def __init__(self) -> None:
        self.data: dict[str, Any] = json.loads(_FILE.read_text("utf-8")) if _FILE.exists() else {}
        self.data_labels: dict[str, OptionInfo] = {}

    def add_option(self, key: str, info: OptionInfo) -> None:
        self.data_labels[key] = info
        self.data.setdefault(key, info.default)


class State:
    textinfo: str | None = None


cmd_opts = Namespace(use_cpu=[], controlnet_annotator_models_path=None)
opts = Options()
state = State()
