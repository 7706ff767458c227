"""What ``"auto"`` means: the best model if its files are here or come quickly, else ``lite``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..errors import ModelError
from . import hub
from .catalogue import BEST_MODEL, card_named
from .fetch import answers, fetch_all
from .progress import Progress, tell_nobody
from .store import find_verified

LITE: Final = "lite"


@dataclass(frozen=True)
class Choice:
    """The model that ``"auto"`` takes.

    Attributes:
        model: Its name.
        why: One clause for people.
    """

    model: str
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
    weights = [weight for card in cards for weight in card.weights.values()]
    missing = []
    for weight in weights:
        try:
            find_verified(weight)
        except ModelError:
            missing.append(weight)
    if not missing:
        return Choice(best.name, "its files are here")
    named = " and ".join(weight.file for weight in missing)
    fetch_it = f"dw-openpose models fetch {best.name}"
    if offline or hub.is_offline():
        return Choice(LITE, f"{named} not here, and nothing is fetched offline")
    if not answers(missing[0], seconds):
        return Choice(LITE, f"{named} not here, and the hub does not answer; later: {fetch_it}")
    try:
        for card in cards:
            fetch_all(card, progress=progress)
    except ModelError as error:
        return Choice(LITE, str(error))
    return Choice(best.name, "its files were fetched")
