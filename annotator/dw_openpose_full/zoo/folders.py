"""Where weights may lie, in the order they are looked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

FOLDER_VARIABLE: Final = "DW_OPENPOSE_CKPTS"
"""Environment variable that names a folder of weights to look in first."""

_PACKAGE: Final = Path(__file__).resolve().parents[1]


def weight_folders() -> tuple[Path, ...]:
    """Folders that hold weights: the user's own, the wheel's, the checkout's.

    The wheel carries the ``lite`` bundle beside the package's modules; in a checkout the same
    files lie in ``ckpts/`` at the top.
    """
    own = os.environ.get(FOLDER_VARIABLE)
    named = (Path(own).expanduser(),) if own else ()
    return (*named, _PACKAGE / "ckpts", _PACKAGE.parents[1] / "ckpts")
