"""Frames of a video file, upright, in RGB, with their times."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from ..errors import OptionError, name_for_message
from ..poses import MAX_PIXELS, ImageSize, RgbImage
from .failures import VideoError, in_short, refuse_without
from .signatures import HEAD, container_of
from .wholeness import missing_bytes

if TYPE_CHECKING:
    import av

VIDEO_SUFFIXES: Final = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg",
     ".wmv", ".flv", ".3gp", ".ogv"}
)  # fmt: skip
"""How names of video files end."""

DEFAULT_RATE: Final = Fraction(25)  # of a file that does not tell

_DECODING: Final = {"err_detect": "explode", "max_pixels": str(MAX_PIXELS)}


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        number: From 1, of all frames in the order in which they are shown.
        time: Seconds since the first frame; greater than that of the frame before.
        picture: ``(H, W, 3)`` uint8 RGB, upright, read-only.
    """

    number: int
    time: Fraction
    picture: RgbImage


@dataclass(frozen=True)
class Video:
    """What a video file holds.

    Attributes:
        path: The file.
        size: Of the upright first frame.
        rate: Frames a second, on average.
        time_base: The times of all frames are multiples of it, in seconds.
        count: Frames, as the file says; ``None`` where it does not say.
    """

    path: Path
    size: ImageSize
    rate: Fraction
    time_base: Fraction
    count: int | None

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Video:
        """Look into a file; its first frame is decoded.

        Raises:
            VideoError: If there is no such file, or no video in it, or its frames are too large.
            DependencyError: If PyAV is not installed.
        """
        file = Path(path)
        with _opened(file) as (stream, decoded):
            rate = stream.average_rate or stream.guessed_rate or DEFAULT_RATE
            for frame in decoded:
                picture = _picture(frame, file)
                return cls(
                    file,
                    ImageSize.of(picture),
                    Fraction(rate),
                    Fraction(stream.time_base or 1 / rate),
                    stream.frames or None,
                )
        raise VideoError(f"{name_for_message(file)}: the video holds no frames; copy it again")

    def frames(self, *, every: int = 1, first: int = 1) -> Iterator[Frame]:
        """Read frames, from the file's beginning.

        Args:
            every: Leave out all but each Nth.
            first: Number of the first one that is wanted.

        Raises:
            VideoError: Where the file is damaged or cut, after the frames before that place.
            OptionError: If one of the numbers is not positive.
        """
        if every < 1 or first < 1:
            raise OptionError(f"every and first must be positive, got {every} and {first}")
        return self._frames(every, first)

    def _frames(self, every: int, first: int) -> Iterator[Frame]:
        start: Fraction | None = None
        time = Fraction(-1)
        with _opened(self.path) as (_, decoded):
            for number, frame in enumerate(decoded, start=1):
                told = _time_of(frame)
                if start is None:
                    start = told or Fraction(0)
                now = time + 1 / self.rate if told is None else told - start
                time = Fraction(0) if number == 1 else max(now, time + self.time_base)
                if number >= first and (number - first) % every == 0:
                    yield Frame(number, time, _picture(frame, self.path))


class _Source:
    """A file as FFmpeg asks for it: what a damaged one leads to nowhere is answered, not raised.

    PyAV prints what a file's own ``seek`` raises, and goes on.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read, self.tell = file.read, file.tell

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; -1 where there is none."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


@contextmanager
def _opened(path: Path) -> Iterator[tuple[av.VideoStream, Iterator[av.VideoFrame]]]:
    """The file's stream of pictures and its frames, while it is open."""
    try:
        import av
    except ImportError as error:
        refuse_without(error)
    name = name_for_message(path)
    with _regular_file(path, name) as file:
        kind = _container_of(file, name)
        try:
            container = av.open(_Source(file), format=kind, **_lenient(av.__version__))
        except (av.FFmpegError, OSError, ValueError) as error:
            raise VideoError(
                f"{name}: the video is damaged or cut ({in_short(error)}); copy it again"
            ) from error
        with container:
            stream = _stream_of(container, name)
            with closing(_decoded(stream, name)) as frames:  # PyAV dies if this comes later
                yield stream, frames


@contextmanager
def _regular_file(path: Path, name: str) -> Iterator[BinaryIO]:
    """The file, open; its own name never reaches FFmpeg, which would read it as an address."""
    try:
        _check_kind(path.stat(), name)
        file = path.open("rb")
    except OSError as error:
        raise VideoError(f"{name}: can not be read: {error.strerror}") from error
    except ValueError as error:
        raise VideoError(f"{name}: no file can have this name ({error}); check it") from error
    with file:
        yield file


def _check_kind(status: os.stat_result, name: str) -> None:
    """Refuse what is no file, before it can block."""
    if stat.S_ISDIR(status.st_mode):
        raise VideoError(f"{name}: expected a video file, got a folder")
    if not stat.S_ISREG(status.st_mode):
        raise VideoError(f"{name}: expected a video file, got a device or a pipe")
    if not status.st_size:
        raise VideoError(f"{name}: expected a video, got an empty file; copy it again")


def _container_of(file: BinaryIO, name: str) -> str:
    """The kind of a video file, which is left at its beginning."""
    kind = container_of(file.read(HEAD))
    if kind is None:
        raise VideoError(
            f"{name}: expected a video (MP4, MOV, MKV, WebM, AVI, MPEG, WMV, FLV or Ogg), got "
            "something else"
        )
    short = missing_bytes(file, kind)
    if short:
        raise VideoError(f"{name}: the file is cut, {short} bytes are missing; copy it again")
    return kind


def _lenient(version: str) -> dict[str, str]:
    """Have titles that are no UTF-8 read somehow; PyAV does that by itself since 19."""
    return {"metadata_errors": "replace"} if int(version.partition(".")[0]) < 19 else {}


def _stream_of(container: av.container.InputContainer, name: str) -> av.VideoStream:
    """The first stream of moving pictures."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:  # cover art
            decoder = stream.codec_context
            if decoder is None:
                raise VideoError(f"{name}: the video is cut, or packed in an unknown way")
            _check_size(decoder.width, decoder.height, name)
            decoder.options = dict(_DECODING)
            chosen: av.VideoStream = stream
            return chosen
    raise VideoError(f"{name}: expected a video, the file holds no moving pictures, or is cut")


def _decoded(stream: av.VideoStream, name: str) -> Generator[av.VideoFrame, None, None]:
    """All frames, in the order in which they are shown."""
    import av

    count = 0
    try:
        for packet in stream.container.demux(stream):
            for frame in packet.decode():
                count += 1
                yield frame
    except (av.FFmpegError, OSError, ValueError, ArithmeticError) as error:
        raise VideoError(
            f"{name}: the video is damaged after frame {count} ({in_short(error)}); copy it again"
        ) from error


def _time_of(frame: av.VideoFrame) -> Fraction | None:
    """When a frame is shown, in seconds of the file's own clock."""
    if frame.pts is None or frame.time_base is None:
        return None
    return Fraction(frame.time_base) * int(frame.pts)


def _picture(frame: av.VideoFrame, path: Path) -> RgbImage:
    """A frame's pixels, turned as the file says."""
    _check_size(frame.width, frame.height, name_for_message(path))
    quarters = round(frame.rotation / 90)  # counter-clockwise
    picture: RgbImage = np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), quarters))
    picture.setflags(write=False)
    return picture


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise VideoError(
            f"{name}: expected frames of at most {MAX_PIXELS // 1_000_000} million pixels, got "
            f"{width} x {height}; scale the video down first"
        )
