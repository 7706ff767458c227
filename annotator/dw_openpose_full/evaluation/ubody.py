"""UBody's split: every tenth picture, of the videos that are for tests."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np

from .documents import file_error, read_text

STEP: Final = 10
"""Of the published configurations, for training and for tests."""


def every_tenth(image_id: int, _file: str) -> bool:
    """Whether a picture counts: UBody's videos are sampled by the picture's id."""
    return image_id % STEP == 0


def of_videos(names: Collection[str]) -> Callable[[int, str], bool]:
    """Makes a rule that also asks for the video that a picture comes from.

    Args:
        names: Of videos; a picture's is its folder's, up to ``_Trim``.
    """

    def wanted(image_id: int, file: str) -> bool:
        folder = PurePosixPath(file.replace("\\", "/")).parent.name
        return every_tenth(image_id, file) and folder.partition("_Trim")[0] in names

    return wanted


def read_videos(path: Path) -> frozenset[str]:
    """Names of videos: an array of text (``intra_scene_test_list.npy``), or one on each line.

    Raises:
        DataSetError: If the file can not be read, or holds no names.
    """
    if path.suffix.lower() == ".npy":
        names = _array_of_names(path)
    else:
        names = frozenset(line.strip() for line in read_text(path).splitlines()) - {""}
    if not names:
        raise file_error(path, "expected names of videos, it holds none")
    return names


def _array_of_names(path: Path) -> frozenset[str]:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise file_error(
            path,
            f"expected an array of names: {error}; or a text file, one name on each line",
        ) from error
    return frozenset(str(name) for name in np.ravel(array) if isinstance(name, str))
