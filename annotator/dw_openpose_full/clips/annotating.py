"""A whole video: poses frame by frame, smooth figures of them, a figure video and a document."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import Any, Final

from .._version import package_version
from ..annotation import Look
from ..figures import OpenPoseFigures
from ..files import replacing
from ..poses import RgbImage
from ..render import Style
from ..smoothing import Smoother
from ..video import Video, VideoError, VideoWriter
from .document import FramesDocument
from .journal import Entry, Journal
from .reading import ClipReader, Sighting

SMOOTHED: Final = Fraction(1, 4)  # seconds that each point is smoothed over
CLOSED: Final = Fraction(1, 8)  # seconds that a point or a person may be missing, and is put there
PATIENCE: Final = Fraction(1)  # seconds after which nobody is taken for one who was there before


def smoother_for(rate: Fraction, *, smooth: bool = True) -> Smoother:
    """A smoother for a video of so many frames a second.

    Args:
        rate: Frames a second.
        smooth: ``False`` only follows people: no point is moved or put anywhere.
    """
    patience = round(rate * PATIENCE)
    if not smooth:
        return Smoother(window=1, longest_gap=0, patience=patience)
    window, gap = max(round(rate * SMOOTHED), 1), round(rate * CLOSED)
    return Smoother(window=window, longest_gap=gap, patience=patience)


@dataclass(frozen=True)
class ClipAnnotator:
    """What is done to each video.

    Attributes:
        reader: Finds the people and reads their poses.
        look: How they are drawn.
        smooth: Whether gaps are closed and movement is smoothed.
        resume: Whether frames that an interrupted run has read are taken as they were.
    """

    reader: ClipReader
    look: Look
    smooth: bool = True
    resume: bool = False

    def annotate(
        self, video: Video, figure: Path, document: FramesDocument | None = None
    ) -> Iterator[int]:
        """Annotate a video, a frame at a time.

        Args:
            video: The video.
            figure: The video of figures, H.264 in MP4; there is nothing, or what was there before,
                until it is complete.
            document: Takes the poses of all frames.

        Yields:
            The number of each frame whose poses are there, from 1.

        Raises:
            VideoError: If the video is damaged; its frames before that place can not be kept.
            OutputError: If the figure can not be written, or another process writes it.
            OptionError: If the look gives a canvas above the limit.
        """
        size = self.look.canvas_size(video.size)
        smoother = smoother_for(video.rate, smooth=self.smooth)
        times: deque[Fraction] = deque()
        with ExitStack() as stack:
            part = stack.enter_context(replacing(figure))
            identity = self._identity(video)
            journal = Journal(figure, identity, resume=self.resume)
            stack.callback(journal.close)
            out = VideoWriter(part, size, video.rate, video.time_base)
            film = _Film(stack.enter_context(out), document, self.look, self._grounds(video))
            try:
                for number, entry in enumerate(self._entries(video, journal), start=1):
                    times.append(entry.time)
                    film.add(smoother.add(self.look.figures(entry.sighting.poses, size)), times)
                    yield number
            except VideoError:
                journal.remove()
                raise
            film.add(smoother.rest(), times)
        journal.remove()

    def _identity(self, video: Video) -> dict[str, Any]:
        """All that poses depend on."""
        status = video.path.stat()
        return {
            "bytes": status.st_size,
            "written": status.st_mtime_ns,
            "model": self.reader.estimator.model,
            "networks": self.reader.estimator.description,
            "people": repr(self.reader.people),
            "detect_every": self.reader.detect_every,
            "version": package_version(),
        }

    def _entries(self, video: Video, journal: Journal) -> Iterator[Entry]:
        """Every frame's poses: those that were kept, then those that are read now."""
        last: Sighting | None = None
        count = 0
        for count, entry in enumerate(journal.kept(), start=1):  # noqa: B007  goes on below
            last = entry.sighting
            yield entry
        for frame, sighting in self.reader.read(video.frames(first=count + 1), last):
            entry = Entry(frame.time, sighting)
            journal.add(entry)
            yield entry

    def _grounds(self, video: Video) -> Iterator[RgbImage | None]:
        """What the figures of each frame are drawn on."""
        if self.look.style is not Style.OVERLAY:
            return repeat(None)
        return (frame.picture for frame in video.frames())


@dataclass(frozen=True)
class _Film:
    """What comes of figures: frames of a video, and of a document."""

    video: VideoWriter
    document: FramesDocument | None
    look: Look
    grounds: Iterator[RgbImage | None]

    def add(self, frames: Iterable[OpenPoseFigures], times: deque[Fraction]) -> None:
        """Add frames, and take their times."""
        for figures in frames:
            self.video.write(self.look.draw(figures, next(self.grounds)), times.popleft())
            if self.document is not None:
                self.document.add(figures)
