"""The demo's estimator: loaded when first needed, one at a time, for one picture at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ..annotation import Annotation
from ..assembly import Supply
from ..pipeline import DwOpenpose
from ..poses import RgbImage
from .config import DemoSettings
from .onlooker import Onlooker

Load = Callable[..., DwOpenpose]


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read from a picture.

    Attributes:
        annotation: Poses, figures, canvas.
        description: Which model ran, why that one, and on what.
    """

    annotation: Annotation
    description: str


class Reader:
    """Reads poses for any number of users; they wait for one another."""

    def __init__(self, *, offline: bool = False, load: Load = DwOpenpose.load) -> None:
        """Nothing is loaded yet.

        Args:
            offline: Fetch no weights.
            load: Loads an estimator, as ``DwOpenpose.load`` does.
        """
        self._offline, self._load = offline, load
        self._lock = threading.Lock()
        self._estimator: DwOpenpose | None = None
        self._loaded: tuple[str, ...] = ()

    def read(self, picture: RgbImage, settings: DemoSettings, onlooker: Onlooker) -> Reading:
        """Read the poses of a picture and draw its figures.

        Raises:
            DwPoseError: If networks can not be loaded, or the settings do not fit the picture.
            StoppedError: If the onlooker has asked to stop.
        """
        with self._lock:
            estimator = self._ready(settings, onlooker)
            onlooker.hear(0.5, "reading poses")
            poses = estimator.detect(picture, people=settings.people)
        onlooker.hear(0.9, "drawing")
        annotation = Annotation.of(picture, poses, settings.look())
        return Reading(annotation, estimator.description)

    def _ready(self, settings: DemoSettings, onlooker: Onlooker) -> DwOpenpose:
        """The estimator that the settings name; another one is dropped before it is loaded."""
        wanted = (settings.reader, settings.detector, settings.backend, settings.device)
        if self._estimator is not None and self._loaded == wanted:
            return self._estimator
        onlooker.hear(0.0, f"loading {settings.reader}")
        self._estimator = None
        supply = Supply(self._offline, onlooker.fetching)
        self._estimator, self._loaded = self._load(*wanted, supply=supply), wanted
        return self._estimator
