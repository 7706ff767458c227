"""From names of the zoo, and paths, to loaded parts: who finds people, who reads their poses."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from .backends import Session, open_session
from .detector import YoloxDetector
from .errors import OptionError, name_for_message
from .estimator import SimccEstimator
from .lite import LiteEstimator, LitePersonDetector
from .poses import Boxes, RgbImage, WholeBodyPoses
from .zoo.cards import IMAGENET_RGB, PLAIN_BGR, InputFormat, ModelCard
from .zoo.catalogue import TRUSTED_PROGRAMS, card_named
from .zoo.progress import Progress, tell_nobody

AUTO: Final = "auto"
NO_DETECTOR: Final = "none"
PARITY_DETECTOR: Final = "yolox-l"  # what the published annotators take
NETWORK: Final = "network"  # the one organ of a family of one network

Part = TypeVar("Part")


class PersonDetector(Protocol):
    """Finds people."""

    def __call__(self, image: RgbImage, *, score: float | None = None) -> Boxes:
        """A picture in, person boxes in its pixels out; nobody gives no boxes.

        Args:
            image: The picture.
            score: Lowest score of a person, 0..1; the detector's own where ``None``.
        """
        ...


class PoseEstimator(Protocol):
    """Reads poses."""

    def read_pictures(
        self, images: Sequence[RgbImage], boxes: Sequence[Boxes]
    ) -> list[WholeBodyPoses]:
        """Pictures and the person boxes of each in, the poses of each out.

        There may be fewer poses than boxes: where a box holds nobody, or the same person twice.
        """
        ...


@dataclass(frozen=True)
class Loaded(Generic[Part]):
    """A part that is ready.

    Attributes:
        part: The detector or the estimator.
        name: What users call it; of a detector that was chosen for them, with the reason.
        detector: For an estimator, the detector it takes by default.
        why: For an estimator, why it was chosen where the user left that open.
    """

    part: Part
    name: str
    detector: str = ""
    why: str = ""


@dataclass(frozen=True)
class Supply:
    """Whether weights that are not here may be fetched, and who watches that."""

    offline: bool = False
    progress: Progress = tell_nobody


class Engine:
    """Opens networks on one backend and device; a file that two cards name is opened once."""

    def __init__(self, backend: str, device: str, supply: Supply) -> None:
        """Take the names of :func:`open_session`, and where weights come from."""
        self._backend = backend
        self._device = device
        self.supply = supply
        self._opened: dict[Path, Session] = {}

    @property
    def place(self) -> str:
        """What the networks run on, as their sessions say."""
        places = (session.description.rpartition(" on ")[2] for session in self._opened.values())
        return " and ".join(dict.fromkeys(places))

    def open(self, path: Path) -> Session:
        """A session of a network file."""
        if path not in self._opened:
            self._opened[path] = open_session(
                path,
                backend=self._backend,
                device=self._device,
                trusted_sha256=TRUSTED_PROGRAMS,
            )
        return self._opened[path]

    def open_card(self, card: ModelCard) -> dict[str, Session]:
        """Sessions of a card's proven weights, by organ."""
        from .zoo.fetch import fetch_all  # loads the standard library's network half

        files = fetch_all(card, offline=self.supply.offline, progress=self.supply.progress)
        return {organ: self.open(path) for organ, path in files.items()}


def load_detector(engine: Engine, name: str, *, parity: bool = False) -> Loaded[PersonDetector]:
    """Load a detector of the zoo, or a YOLOX file, or none.

    Args:
        engine: Opens the networks.
        name: Of the zoo, a path, ``"none"``, or ``"auto"``: the best that can be had.
        parity: Show YOLOX the channels in sd-webui-controlnet's order; see ``YoloxDetector``.

    Raises:
        OptionError: If the name is none of the choices, and no file.
        ModelError: If a file is missing, damaged, or no detector.
    """
    if name == NO_DETECTOR:
        return Loaded(whole_picture, "nobody: the whole picture is one person")
    if is_path(name):
        return Loaded(YoloxDetector(engine.open(_file(name)), parity=parity), Path(name).name)
    why = ""
    if name == AUTO:
        name, why = (PARITY_DETECTOR, "") if parity else best_detector(engine.supply)
    card = card_named(name, "detector")
    sessions = engine.open_card(card)
    told = f"{card.name} ({why})" if why else card.name
    if card.family == "yolox":
        order = (card.input or PLAIN_BGR).channel_order
        part = YoloxDetector(sessions[NETWORK], channel_order=order, parity=parity)
        return Loaded(part, told)
    return Loaded(LitePersonDetector(sessions), told)


def best_detector(supply: Supply) -> tuple[str, str]:
    """The detector for a model that is a file and names none: which of the zoo's, and why."""
    from .zoo.auto import choose_detector  # loads the standard library's network half

    chosen = choose_detector(offline=supply.offline, progress=supply.progress)
    return chosen.name, chosen.why


def load_estimator(
    engine: Engine, name: str, detector: str, *, parity: bool = False
) -> Loaded[PoseEstimator]:
    """Load a model of the zoo, a SimCC network's file, or the best model that can be had.

    Args:
        engine: Opens the networks.
        name: Of the zoo, a path, or ``"auto"``.
        detector: Who will find the people: a name, a path, ``"none"`` or ``"auto"``. The best model
            is taken only if its detector can be had too.
        parity: Give keypoints as the published annotators compute them, in float64.

    Raises:
        OptionError: If the name is none of the choices, and no file.
        ModelError: If a file is missing, damaged, or no whole-body network.
    """
    if is_path(name):
        path = _file(name)
        part = _simcc(engine.open(path), path.stem, IMAGENET_RGB, exact=parity)
        return Loaded(part, path.stem, AUTO)
    why = ""
    if name == AUTO:
        from .zoo.auto import choose  # loads the standard library's network half

        wanted = NO_DETECTOR if is_path(detector) else detector
        chosen = choose(
            offline=engine.supply.offline,
            detector="" if wanted == AUTO else wanted,
            progress=engine.supply.progress,
        )
        name, why = chosen.name, chosen.why
    card = card_named(name, "model")
    sessions = engine.open_card(card)
    if card.family == "simcc":
        part = _simcc(sessions[NETWORK], card.name, card.input or IMAGENET_RGB, exact=parity)
        return Loaded(part, card.name, card.detector, why)
    return Loaded(LiteEstimator(sessions, model=card.name), card.name, card.detector, why)


def is_path(name: str) -> bool:
    """Whether a name is meant as a file's: it has a suffix or a folder."""
    return bool(Path(name).suffix) or len(Path(name).parts) > 1


def whole_picture(image: RgbImage, *, score: float | None = None) -> Boxes:
    """The detector that takes the whole picture for one person, and is sure of it."""
    return Boxes.from_arrays([[0, 0, image.shape[1], image.shape[0]]])


def _simcc(session: Session, model: str, pixels: InputFormat, *, exact: bool) -> SimccEstimator:
    return SimccEstimator(
        session,
        model=model,
        mean=pixels.mean,
        std=pixels.std,
        channel_order=pixels.channel_order,
        exact=exact,
    )


def _file(name: str) -> Path:
    source = name_for_message(name)
    try:
        path = Path(name).expanduser()
        mode = path.stat().st_mode
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a home that nobody has
        reason = getattr(error, "strerror", None) or error
        raise OptionError(f"{source}: no such network file ({reason}); check the path") from error
    if not stat.S_ISREG(mode):
        raise OptionError(
            f"{source}: expected a network file, got a folder or a device; choose a file"
        )
    return path
