"""Where networks run; ``--use-cpu controlnet`` is the one choice of this host."""

from __future__ import annotations

from typing import NamedTuple

from modules import shared


class Device(NamedTuple):
    type: str


def get_device_for(task: str) -> Device:
    return Device("cpu" if task in shared.cmd_opts.use_cpu else "cuda")
