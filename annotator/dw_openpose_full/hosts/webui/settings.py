"""What users of the A1111 family set on the settings page, or by environment variables."""

from __future__ import annotations

import os
from typing import Final

from modules import devices, shared

from ..preprocessor import Settings

SECTION: Final = ("dw_openpose_full", "DW OpenPose")
KEEP_BUILTIN: Final = "dw_openpose_full_keep_builtin"
PARITY: Final = "dw_openpose_full_parity"
PHANTOMS: Final = "dw_openpose_full_phantoms"
OFFLINE: Final = "dw_openpose_full_offline"

PARITY_VARIABLE: Final = "DW_OPENPOSE_PARITY"

LABELS: Final = {
    KEEP_BUILTIN: "Keep the built-in dw_openpose_full, and list ours beside it (after a restart)",
    PARITY: "Repeat the built-in's pictures and JSON exactly, its mistakes too",
    PHANTOMS: "Show hands and faces that hang on no body",
    OFFLINE: "Fetch no weights",
}


def is_set(option: str) -> bool:
    """Whether a switch is on; options are known before their page is."""
    return bool(shared.opts.data.get(option, False))


def settings() -> Settings:
    """The settings of this moment."""
    on_cpu = devices.get_device_for("controlnet").type == "cpu"
    return Settings(
        device="cpu" if on_cpu else "auto",
        parity=is_set(PARITY) or os.environ.get(PARITY_VARIABLE, "") not in {"", "0"},
        phantoms=is_set(PHANTOMS),
        offline=is_set(OFFLINE),
    )


def add_page() -> None:
    """Put our switches on the settings page."""
    for option, label in LABELS.items():
        shared.opts.add_option(
            option, shared.OptionInfo(default=False, label=label, section=SECTION)
        )
