"""The heart of every host: a request in, a drawing and JSON out; networks loaded when needed."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final

import numpy as np

from ..assembly import AUTO
from ..figures import OpenPoseFigures
from ..people import EVERYBODY, PeopleChoice
from ..phantoms import without_phantoms
from ..pipeline import DwOpenpose
from ..poses import ImageSize, RgbImage
from ..render import render
from ..thresholds import DEFAULT_THRESHOLD
from .choices import Choice
from .document import host_document, parity_document
from .framing import Frame
from .loading import Wish, load_networks
from .memory import give_back

MOST_BYTES: Final = 64_000_000  # of answers kept; 80 drawings of 512 x 512

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """What a host's user has set for all pictures.

    Attributes:
        device: As for :meth:`DwOpenpose.load`.
        parity: Repeat the host's own preprocessor, byte by byte.
        phantoms: Show hands and faces that hang on no body; ``parity`` shows them always.
        offline: Fetch nothing.
    """

    device: str = AUTO
    parity: bool = False
    phantoms: bool = False
    offline: bool = False


@dataclass(frozen=True)
class Request:
    """What is asked of one picture.

    Attributes:
        choice: The preprocessor.
        resolution: Shorter side of the drawing, in pixels.
        threshold: Lowest score of a visible point, 0..1.
        people: Who is wanted.
    """

    choice: Choice
    resolution: int = 512
    threshold: float = DEFAULT_THRESHOLD
    people: PeopleChoice = EVERYBODY


@dataclass(frozen=True, eq=False)
class Answer:
    """What a picture gave.

    Attributes:
        canvas: ``(H, W, 3)`` uint8 RGB; its shorter side is the resolution.
        document: OpenPose JSON, in pixels of the canvas with its border; see :mod:`.framing`.
    """

    canvas: RgbImage
    document: dict[str, Any]

    def copy(self) -> Answer:
        """The same, for somebody who may write into it."""
        return Answer(self.canvas.copy(), deepcopy(self.document))


class Preprocessor:
    """Answers requests from any number of threads; one for all choices of a host."""

    def __init__(
        self, tell: Callable[[str], None] = _log.info, alert: Callable[[str], None] = _log.warning
    ) -> None:
        """Nothing is loaded yet.

        Args:
            tell: Tells the host's user what goes on.
            alert: Tells what is not as the user would want it.
        """
        self._tell, self._alert = tell, alert
        self._lock = Lock()  # of what is below
        self._loading = Lock()  # held for minutes while weights come
        self._loaded: dict[Wish, DwOpenpose] = {}
        self._users: dict[Wish, set[Choice]] = {}
        self._answers: OrderedDict[tuple[bytes, Request, Settings], Answer] = OrderedDict()

    def __call__(self, picture: RgbImage, request: Request, settings: Settings) -> Answer:
        """Draw the people of a picture, or remember the drawing.

        Args:
            picture: ``(H, W, 3)`` uint8 RGB.
            request: What is asked.
            settings: What holds for all pictures.

        Raises:
            DwPoseError: If something is wrong with the picture, the request or the networks.
        """
        key = (_digest(picture), request, settings)
        with self._lock:
            known = self._answers.get(key)
            if known is not None:
                self._answers.move_to_end(key)
                return known.copy()
        Frame.of(ImageSize.of(picture), request.resolution)  # refused before the work
        estimator = self._estimator(request.choice, settings)
        answer = _annotate(estimator, picture, request, settings)
        with self._lock:
            self._answers[key] = answer
            while sum(one.canvas.nbytes for one in self._answers.values()) > MOST_BYTES:
                self._answers.popitem(last=False)
        return answer.copy()

    def unload(self, choice: Choice) -> bool:
        """Forget a choice's drawings and free the networks that no other uses; whether any were."""
        with self._lock:
            for known in [known for known in self._answers if known[1].choice == choice]:
                del self._answers[known]
            for users in self._users.values():
                users.discard(choice)
            idle = [key for key, users in self._users.items() if not users]
            for key in idle:
                del self._loaded[key], self._users[key]
        if idle:
            give_back()
        return bool(idle)

    def _estimator(self, choice: Choice, settings: Settings) -> DwOpenpose:
        """The networks of a choice; a second thread waits for the first one's."""
        wish = Wish(
            choice.model,
            device=settings.device,
            parity=settings.parity,
            offline=settings.offline,
        )
        with self._loading:
            estimator = self._loaded.get(wish) or load_networks(wish, self._tell, self._alert)
            with self._lock:
                self._loaded[wish] = estimator
                self._users.setdefault(wish, set()).add(choice)
            return estimator


def _annotate(
    estimator: DwOpenpose, picture: RgbImage, request: Request, settings: Settings
) -> Answer:
    """Read at full size and draw at the resolution; with parity, do both at the resolution."""
    frame = Frame.of(ImageSize.of(picture), request.resolution)
    if settings.parity:
        picture = frame.fill(picture)
    poses = estimator.detect(picture, people=request.people)
    figures = OpenPoseFigures.from_poses(poses, request.threshold)
    if not settings.parity:
        if not settings.phantoms:
            figures = without_phantoms(figures)
        figures = replace(figures.scaled_to(frame.inner), image_size=frame.outer)
    canvas = render(figures, parts=request.choice.parts)
    document = parity_document(figures) if settings.parity else host_document(figures, poses)
    return Answer(frame.cut(canvas), document)


def _digest(picture: RgbImage) -> bytes:
    """A short name for a picture's pixels."""
    pixels = np.ascontiguousarray(picture).data
    return hashlib.blake2b(pixels, digest_size=16, key=repr(picture.shape).encode()).digest()
