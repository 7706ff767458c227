from argparse import Namespace
from typing import Any

class OptionInfo:
    def __init__(
        self, default: object = None, label: str = "", *, section: tuple[str, str] | None = None
    ) -> None: ...

class _Options:
    data: dict[str, Any]
    def add_option(self, key: str, info: OptionInfo) -> None: ...

class _State:
    textinfo: str | None

cmd_opts: Namespace
opts: _Options
state: _State
