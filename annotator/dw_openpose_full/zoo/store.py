"""Finding weights on disk and proving that they are what the catalogue says."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import ModelError
from .catalogue import Weight
from .folders import weight_folders


def find(weight: Weight) -> Path:
    """The first folder's file with that weight.

    Raises:
        ModelError: If no folder has it; the message names the folders.
    """
    folders = weight_folders()
    for folder in folders:
        path = folder / weight.file
        if path.is_file():
            return path
    places = ", ".join(str(folder) for folder in folders)
    raise ModelError(
        f"{weight.file} is in none of {places}; it comes with the package, so install the package "
        "again, or in a checkout run: python tools/build_lite.py"
    )


def verify(weight: Weight, path: Path) -> None:
    """Prove that a file is the catalogue's, by size and sha256.

    Raises:
        ModelError: If it is not; the message says what was expected and what to do.
    """
    cure = "delete it and install the package again"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: can not be read ({error.strerror}); {cure}") from error
    if len(content) != weight.size:
        raise ModelError(f"{path}: expected {weight.size} bytes, got {len(content)}; {cure}")
    digest = hashlib.sha256(content).hexdigest()
    if digest != weight.sha256:
        raise ModelError(
            f"{path}: sha256 is {digest[:12]}..., expected {weight.sha256[:12]}...; {cure}"
        )


def find_verified(weight: Weight) -> Path:
    """A weight's file, found and proven; raises as :func:`find` and :func:`verify` do."""
    path = find(weight)
    verify(weight, path)
    return path
