"""What ``"auto"`` means: the best if its files are here or come quickly, else what is bundled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import ModelError
from . import hub
from .cards import ModelCard
from .catalogue import BEST_MODEL, card_named
from .fetch import answers, fetch_all
from .progress import Progress, tell_nobody
from .store import is_here

LITE: Final = "lite"


@dataclass(frozen=True)
class Choice:
    """The model or the detector that ``"auto"`` takes.

    Attributes:
        name: What users call it.
        why: One clause for people.
    """

    name: str
    why: str


def choose(
    *,
    offline: bool = False,
    detector: str = "",
    progress: Progress = tell_nobody,
    seconds: float = 3.0,
) -> Choice:
    """The best model that can run now; fetches its files if that is allowed and promising.

    Args:
        offline: Fetch nothing; so does ``HF_HUB_OFFLINE``.
        detector: The detector that will be used; by default the model's own. ``"none"`` needs no
            file.
        progress: Called with the bytes that have come and the length, None where not known.
        seconds: How long the hub may take to answer.

    Raises:
        OptionError: If the detector is none of the zoo's.
    """
    best = card_named(BEST_MODEL, "model")
    finder = detector or best.detector
    cards = [best] if finder == "none" else [best, card_named(finder, "detector")]
    missing, why = _bring(cards, progress, seconds, offline=offline)
    return Choice(LITE if missing else best.name, why)


def choose_detector(
    *, offline: bool = False, progress: Progress = tell_nobody, seconds: float = 3.0
) -> Choice:
    """The best model's detector if it can run now, else that of ``lite``; see :func:`choose`."""
    best, lite = (card_named(name, "model").detector for name in (BEST_MODEL, LITE))
    missing, why = _bring([card_named(best, "detector")], progress, seconds, offline=offline)
    return Choice(lite if missing else best, why)


def _bring(
    cards: Sequence[ModelCard], progress: Progress, seconds: float, *, offline: bool
) -> tuple[bool, str]:
    """Have the files of all cards here, if that is promising; whether some are missing, and why."""
    missing = [weight for card in cards for weight in card.weights.values() if not is_here(weight)]
    if not missing:
        return False, "its files are here"
    named = " and ".join(weight.file for weight in missing)
    if offline or hub.is_offline():
        return True, f"{named} not here, and nothing is fetched offline"
    if not answers(missing[0], seconds):
        later = f"dw-openpose models fetch {cards[0].name}"
        return True, f"{named} not here, and the hub does not answer; later: {later}"
    try:
        for card in cards:
            fetch_all(card, progress=progress)
    except ModelError as error:
        return True, str(error)
    return False, "its files were fetched"
