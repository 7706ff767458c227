"""From the folders of data sets to what a training is fed with and measured on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..datasets.augmentation import Course
from ..datasets.people import Measured, measured_people, open_people
from ..errors import DataSetError
from ..evaluation.libraries import Library
from ..poses import ImageSize
from .feed import Feed, Share
from .preset import Preset
from .processes import Crew
from .report import Tell
from .validation import Validation

_MOST_WORKERS: Final = 8  # more of them read no faster than a GPU learns


def open_feed(  # noqa: PLR0913  what a user can choose
    preset: Preset,
    folders: Sequence[Path],
    crew: Crew,
    *,
    workers: int | None,
    cache: Path | None,
    tell: Tell,
) -> Feed:
    """People to learn from; data sets that were never packed are packed first.

    Args:
        preset: How they are augmented, in which batches.
        folders: Data sets.
        crew: The processes that share them.
        workers: Processes that read for each of them; ``None`` for as many as there are cores.
        cache: Folder for packs; by default below each data set.
        tell: Told what the data hold and lack.

    Raises:
        DataSetError: If a folder is no data set, or has nobody to learn from.
        OutputError: If a pack can not be written.
    """
    course = Course.named(
        preset.augmentation, preset.last_augmentation, round(preset.last_from * preset.epochs)
    )
    with crew.leader_first():
        source = open_people(
            folders,
            "train",
            preset.input_size,
            course=course,
            seed=preset.seed,
            cache=cache,
            tell=tell,
        )
    share = Share(len(source), preset.batch, crew.rank, crew.count, preset.seed)
    if workers is None:
        workers = min(_MOST_WORKERS, (os.cpu_count() or 1) // crew.here)
    pin = crew.device.type == "cuda"
    return Feed(source, share, preset.input_size, workers=workers, pin=pin)


def open_validation(
    preset: Preset, folders: Sequence[Path], chosen: Path | None, *, tell: Tell
) -> Validation | None:
    """People to be measured on: of the chosen data set, or of the first that has some.

    Args:
        preset: How large their crops are.
        folders: Data sets.
        chosen: The one that is named for it, if any.
        tell: Told which of the others can not be measured on, and why.

    Raises:
        DataSetError: If the chosen one has none, or pictures are missing.
        DependencyError: If there are some, and no library that measures.
    """
    size = preset.input_size
    measured = measured_people(chosen, size) if chosen else _first(folders, size, tell)
    if measured is None:
        tell("there is nobody to be measured on, so the network is not measured; see --val-data")
        return None
    validation = Validation(measured, Library.open())
    validation.check()
    return validation


def _first(folders: Sequence[Path], size: ImageSize, tell: Tell) -> Measured | None:
    for folder in folders:
        try:
            return measured_people(folder, size)
        except DataSetError as error:
            tell(str(error))
    return None
