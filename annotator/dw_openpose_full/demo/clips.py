"""A video of many: every frame's poses, then smooth figures, a video of them, and pictures.

The poses of each frame are kept as they are read, so a second run goes on after the last of them.
Ids and smooth movement need all frames; they are in the video's own document and in the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat

from ..clips import FramesDocument, smoother_for
from ..figures import OpenPoseFigures
from ..files import replacing, sweep_leftovers, write_atomically
from ..pictures import encode_png
from ..pose_json import PoseDocument
from ..poses import RgbImage
from ..render import Style
from ..video import Video, VideoWriter
from .bench import Bench, write_document
from .plans import Item


@dataclass(frozen=True)
class Clip:
    """A video on the bench.

    Attributes:
        item: The video, and where its results go.
        video: What it holds.
        bench: Where its frames are worked on.
    """

    item: Item
    video: Video
    bench: Bench

    @classmethod
    def of(cls, item: Item, bench: Bench) -> Clip:
        """Look into a video.

        Raises:
            VideoError: If it is none, or damaged.
            DependencyError: If PyAV is not installed.
        """
        return cls(item, Video.of(item.source), bench)

    def work(self) -> Iterator[None]:
        """Do all that is missing, a frame at a time.

        Raises:
            VideoError: If the video is damaged; what comes before that place is kept.
            DwPoseError: If a frame can not be worked on.
        """
        sweep_leftovers(self.item.stem)
        if not self.bench.settings.reads_poses:
            yield from self._make_of_canvases()
            return
        times: list[Fraction] = []
        yield from self._read_poses(times)
        frames, model = self._figures(len(times))
        if self.bench.overwrite or not self.bench.has_poses(self.item):
            self._draw(frames, times)
            self._write_document(frames, model)
        for number, figures in enumerate(frames, start=1):
            frame = self.item.frame(number)
            if self.bench.overwrite or not self.bench.has_pictures(frame):
                self.bench.make(frame, figures)
                yield

    def _make_of_canvases(self) -> Iterator[None]:
        """Pictures of a video whose frames are canvases already."""
        for frame in self.video.frames():
            item = self.item.frame(frame.number)
            if self.bench.overwrite or not self.bench.has_pictures(item):
                self.bench.make(item, frame.picture)
            yield

    def _read_poses(self, times: list[Fraction]) -> Iterator[None]:
        """Keep the poses of each frame; ``times`` gets when it is shown."""
        for frame in self.video.frames():
            item = self.item.frame(frame.number)
            if self.bench.overwrite or not item.document.is_file():
                write_document(item, self.bench.read(frame.picture))
            times.append(frame.time)
            yield

    def _figures(self, count: int) -> tuple[list[OpenPoseFigures], str | None]:
        """Smooth figures of all frames, from what was kept, and the name of the model."""
        smoother = smoother_for(self.video.rate)
        figures, model = [], None
        for number in range(1, count + 1):
            document = PoseDocument.read(self.item.frame(number).document)
            model = document.frames[0].content.get("model")
            figures += smoother.add(document.figures())
        return figures + smoother.rest(), model if isinstance(model, str) else None

    def _draw(self, frames: Sequence[OpenPoseFigures], times: Sequence[Fraction]) -> None:
        """Write the figure of each frame, and all of them as a video."""
        size, video = frames[0].image_size, self.video
        with (
            replacing(self.item.figure) as part,
            VideoWriter(part, size, video.rate, video.time_base) as writer,
        ):
            for number, (canvas, time) in enumerate(
                zip(self._canvases(frames), times, strict=True)
            ):
                write_atomically(self.item.frame(number + 1).figure, encode_png(canvas))
                writer.write(canvas, time)

    def _canvases(self, frames: Sequence[OpenPoseFigures]) -> Iterator[RgbImage]:
        """The drawn figures of each frame."""
        look = self.bench.settings.look()
        pictures: Iterator[RgbImage | None] = repeat(None, len(frames))
        if look.style is Style.OVERLAY:
            pictures = (frame.picture for frame in self.video.frames())
        for figures, picture in zip(frames, pictures, strict=True):
            yield look.draw(figures, picture)

    def _write_document(self, frames: Sequence[OpenPoseFigures], model: str | None) -> None:
        """Write the poses of all frames."""
        with (
            replacing(self.item.document) as part,
            part.open("w", encoding="utf-8") as file,
            FramesDocument(file.write, self.video.rate, model) as document,
        ):
            for figures in frames:
                document.add(figures)
