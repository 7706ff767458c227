"""Which version of the package this is; looked up when asked, not on import."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

DISTRIBUTION: Final = "dw-openpose-full"
UNKNOWN: Final = "0+unknown"


@lru_cache(maxsize=1)
def package_version() -> str:
    """Version as installed; in a checkout that is not installed, as its pyproject.toml says."""
    # imported here: it costs as much as the rest of the package's standard-library imports
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return checkout_version(Path(__file__).resolve().parents[2] / "pyproject.toml")


def checkout_version(project_file: Path) -> str:
    """Version written in a checkout's project file; ``UNKNOWN`` where that can not be read."""
    try:
        text = project_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return UNKNOWN
    if f'name = "{DISTRIBUTION}"' not in text:
        return UNKNOWN  # the package was copied into somebody else's project
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    return found.group(1) if found else UNKNOWN
