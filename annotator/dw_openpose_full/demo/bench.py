"""One photo of many: its poses and figure, and the pictures made of them, as files."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Final

import numpy as np

from ..annotation import Annotation
from ..errors import DependencyError, DwPoseError, ModelError, name_for_message
from ..files import write_atomically
from ..generation import Pose
from ..generation.families import family_named
from ..generation.settings import RANDOM_SEED
from ..pictures import encode_png, read_picture
from ..poses import RgbImage
from .annotating import Reader
from .config import DemoSettings
from .making import Studio, without_pictures
from .onlooker import Onlooker, tell_nobody
from .plans import Item, all_there

Say = Callable[[str], None]

_SMALL: Final = (64, 64)  # pixels of a photo of nobody
_FOR_ALL: Final = (DependencyError, ModelError)  # what keeps one picture from being made keeps all


class Bench:
    """Where photos are worked on, one by one, with the same settings and the same networks."""

    def __init__(
        self,
        settings: DemoSettings,
        reader: Reader,
        studio: Studio,
        say: Say,
        *,
        overwrite: bool = False,
    ) -> None:
        """Find out what can be done; no network is loaded yet.

        Args:
            settings: What to do.
            reader: Reads poses.
            studio: Makes pictures; where its libraries are missing there are poses only.
            say: Told what people should know.
            overwrite: Make anew what is there already.

        Raises:
            OptionError: If the family can not do what is asked.
            DependencyError: If nothing can be done: no pictures, and no poses are to be read.
        """
        settings.making().check_for(family_named(settings.family))
        self.settings, self.overwrite = settings, overwrite
        self._reader, self._studio, self._say = reader, studio, say
        self._onlooker = Onlooker(tell_nobody, threading.Event())
        self._described = False
        self._refusal: DwPoseError | None = None
        if studio.missing:
            self._refusal = DependencyError(without_pictures(studio.missing))
            if not settings.reads_poses:
                raise self._refusal
            say(str(self._refusal))

    @property
    def makes_pictures(self) -> bool:
        """Whether pictures are made, as far as is known."""
        return self._refusal is None

    def has_poses(self, item: Item) -> bool:
        """Whether poses and figure of a photo or a video are there, where any are read."""
        return not self.settings.reads_poses or all_there(item.poses)

    def has_pictures(self, item: Item) -> bool:
        """Whether all pictures that can be made of a photo are there."""
        numbers = range(1, self.settings.images + 1)
        return not self.makes_pictures or all_there(item.picture(number) for number in numbers)

    def prepare(self) -> None:
        """Load what reads poses, so that what is wrong with it is told before the first photo.

        Raises:
            DwPoseError: If it can not be loaded.
        """
        if self.settings.reads_poses:
            self.read(np.zeros((*_SMALL, 3), np.uint8))

    def work_on(self, item: Item) -> None:
        """Do all that is wanted of a photo.

        Raises:
            DwPoseError: If it can not be done.
        """
        picture = read_picture(item.source)
        if not self.settings.reads_poses:
            self.make(item, picture)
            return
        annotation = self.read(picture)
        write_document(item, annotation)
        write_atomically(item.figure, encode_png(annotation.canvas))
        self.make(item, annotation)

    def read(self, picture: RgbImage) -> Annotation:
        """Read the poses of a photo, and draw them.

        Raises:
            DwPoseError: If networks can not be loaded, or the settings do not fit the photo.
        """
        reading = self._reader.read(picture, self.settings, self._onlooker)
        if not self._described:
            self._say(f"model {reading.description}")
            self._described = True
        return reading.annotation

    def make(self, item: Item, pose: Pose) -> None:
        """Make the pictures of a photo, unless none can be made.

        Raises:
            DwPoseError: If they can not; where nothing else can be done, each time.
        """
        if self._refusal is not None:
            if self.settings.reads_poses:
                return
            raise self._refusal
        try:
            made = self._studio.make(pose, self.settings, self._onlooker)
        except _FOR_ALL as error:
            self._refusal = error
            if self.settings.reads_poses:
                self._say("no pictures from here on, poses only")
            raise
        for number, picture in enumerate(made.pictures, start=1):
            write_atomically(item.picture(number), encode_png(picture))
        if self.settings.seed == RANDOM_SEED:
            self._say(f"{name_for_message(item.stem)}: seeds {', '.join(map(str, made.seeds))}")


def write_document(item: Item, annotation: Annotation) -> None:
    """Write the poses of a photo.

    Raises:
        OutputError: If they can not be written.
    """
    text = json.dumps(annotation.to_json(), allow_nan=False)
    write_atomically(item.document, f"{text}\n".encode())
