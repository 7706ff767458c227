"""The poses of a video as one JSON document, written frame by frame."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from types import TracebackType

from .._version import package_version
from ..figures import OpenPoseFigures
from ..pose_json import to_openpose_json


class FramesDocument:
    """``{"fps": .., "frames": [one OpenPose object a line], "model": .., "version": ..}``."""

    def __init__(self, write: Callable[[str], object], rate: Fraction, model: str | None) -> None:
        """Begin a document; ``with`` completes it.

        Args:
            write: Takes the text, piece by piece.
            rate: Frames a second.
            model: Name of the model that read the poses.
        """
        self._write = write
        self._model = model
        self._between = "\n"
        self._write(f'{{"fps": {json.dumps(float(rate))}, "frames": [')

    def __enter__(self) -> FramesDocument:
        """Nothing more is needed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the end; after an error there is none."""
        if kind is None:
            model, version = json.dumps(self._model), json.dumps(package_version())
            self._write(f'\n], "model": {model}, "version": {version}}}\n')

    def add(self, figures: OpenPoseFigures) -> None:
        """Add the next frame."""
        frame = to_openpose_json(figures, model=self._model)
        self._write(self._between + json.dumps(frame, allow_nan=False))
        self._between = ",\n"
