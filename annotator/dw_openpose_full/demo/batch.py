"""Photos, folders of them and videos through the demo: figures, poses and pictures as files.

What is there already is kept, so that a second run goes on where the first one stopped. What fails,
fails alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..errors import DwPoseError, name_for_message
from ..files import sweep_leftovers
from ..video import Video
from .bench import Bench
from .clips import Clip
from .plans import Item

_log = logging.getLogger(__name__)


@dataclass
class Batch:
    """Many files on one bench.

    Attributes:
        bench: Where they are worked on.
        complain: Told what failed, and why.
        failed: How many files failed.
    """

    bench: Bench
    complain: Callable[[str], None]
    failed: int = field(default=0, init=False)

    def run(self, items: Iterable[Item]) -> Iterator[None]:
        """Do the work, a photo or a frame at a time.

        Yields:
            Nothing, after each step; see :meth:`steps`.

        Raises:
            DwPoseError: If no file could be worked on, since networks can not be loaded.
        """
        items = list(items)
        if items:
            self.bench.prepare()
        for item in items:
            sweep_leftovers(item.stem.parent)
            try:
                yield from self._steps_of(item)
            except DwPoseError as error:
                self._tell(item, str(error))
            except Exception as error:  # noqa: BLE001  a door: the others must be done
                _log.debug("%s", item.source, exc_info=True)
                self._tell(item, f"{type(error).__name__}: {error}; please report this file")

    def is_done(self, item: Item) -> bool:
        """Whether all results of a photo, or of all frames of a video, are there."""
        bench = self.bench
        if bench.overwrite or not bench.has_poses(item):
            return False
        if not item.is_video:
            return bench.has_pictures(item)
        # how many frames a video of canvases has is not known before they are read
        return bench.settings.reads_poses and all(map(bench.has_pictures, item.frames_drawn()))

    def steps(self, items: Iterable[Item]) -> int:
        """How many steps the work takes, as far as the files tell."""
        return sum(self._count(item) for item in items)

    def _steps_of(self, item: Item) -> Iterator[None]:
        if item.is_video:
            yield from Clip.of(item, self.bench).work()
        else:
            self.bench.work_on(item)
            yield

    def _count(self, item: Item) -> int:
        if not item.is_video:
            return 1
        try:
            frames = Video.of(item.source).count or 1
        except DwPoseError:
            return 1
        both = self.bench.settings.reads_poses and self.bench.makes_pictures
        return frames * (2 if both else 1)

    def _tell(self, item: Item, reason: str) -> None:
        self.failed += 1
        name = name_for_message(item.source)
        self.complain(reason if name in reason else f"{name}: {reason}")
