"""Pictures to a video file that every player knows: H.264 in MP4."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from ..errors import DependencyError
from ..poses import ImageSize, RgbImage
from .failures import VideoError, in_short, refuse_without

_RATES: Final = (Fraction(1, 100), Fraction(1000))  # slowest and fastest that players bear
_FINEST: Final = 90_000  # ticks a second, of a clock that is not one of the file formats'
_LARGEST: Final = 16384  # pixels a side; the encoder's own limit
_OPTIONS: Final = {
    "crf": "18",  # thin lines stay whole
    "preset": "veryfast",
    "mbtree": "0",  # x264 reads memory there that nobody wrote: other bytes in every run
}


class VideoWriter:
    """A video in the making; ``with`` completes it.

    The file is not the video's until then: write to a temporary one, see ``files.replacing``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: ImageSize,
        rate: Fraction,
        time_base: Fraction | None = None,
    ) -> None:
        """Begin a video.

        Args:
            path: Is written to, whatever its name ends with.
            size: Of all pictures; sides that are odd get one more row or column, as H.264 in its
                common form knows even sides only.
            rate: Frames a second, on average.
            time_base: The times of all frames are multiples of it; ``1 / rate`` by default.

        Raises:
            VideoError: If there is no video of that size.
            DependencyError: If PyAV is not installed, or has no encoder for H.264.
            OSError: If the file can not be written.
        """
        try:
            import av
        except ImportError as error:
            refuse_without(error)
        if not 1 <= min(size) <= max(size) <= _LARGEST:
            raise VideoError(
                f"a video's sides must be from 1 to {_LARGEST} pixels, got "
                f"{size.width} x {size.height}"
            )
        if "libx264" not in av.codecs_available:
            raise DependencyError("this PyAV can not write H.264; install it anew: pip install av")
        rate = min(max(Fraction(rate), _RATES[0]), _RATES[1]).limit_denominator(10_000)
        self._size = size
        self._clock = _clock(time_base or 1 / rate)
        self._last = -1
        self._file = Path(path).open("wb")  # noqa: SIM115  closed by close
        try:
            self._container = av.open(self._file, "w", format="mp4")
            self._stream = self._container.add_stream("libx264", rate=rate, options=dict(_OPTIONS))
            self._stream.width, self._stream.height = (side + side % 2 for side in size[::-1])
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.time_base = self._clock
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> VideoWriter:
        """Nothing more is needed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Complete the video; after an error there is none to complete."""
        try:
            if kind is None:
                self._complete()
        finally:
            self._container.close()
            self._file.close()

    def write(self, picture: RgbImage, time: Fraction) -> None:
        """Add a frame.

        Args:
            picture: ``(H, W, 3)`` uint8 RGB.
            time: Seconds since the first frame, greater than that of the frame before.

        Raises:
            VideoError: If the picture has another size, or the encoder fails.
        """
        import av

        if ImageSize.of(picture) != self._size:
            raise VideoError(
                f"all frames of a video must have one size, got {picture.shape[1]} x "
                f"{picture.shape[0]} after {self._size.width} x {self._size.height}"
            )
        odd = [(0, side % 2) for side in self._size]
        frame = av.VideoFrame.from_ndarray(np.pad(picture, [*odd, (0, 0)], "edge"), format="rgb24")
        self._last = max(round(time / self._clock), self._last + 1)
        frame.pts, frame.time_base = self._last, self._clock
        self._encode(frame)

    def _encode(self, frame: object) -> None:
        import av

        try:
            self._container.mux(self._stream.encode(frame))
        except av.FFmpegError as error:
            if error.errno and error.errno > 0 and isinstance(error, OSError):
                raise OSError(error.errno, os.strerror(error.errno)) from error
            raise VideoError(f"the video can not be encoded: {in_short(error)}") from error

    def _complete(self) -> None:
        """Have the encoder give what it still holds."""
        if self._last < 0:
            raise VideoError("a video needs at least one frame")
        self._encode(None)


def _clock(time_base: Fraction) -> Fraction:
    """The tick of a file's clock: the given one, if MP4 can keep it."""
    fits = time_base.denominator <= 2**31 - 1 and 0 < time_base.numerator < 2**16
    return time_base if fits else Fraction(1, _FINEST)
