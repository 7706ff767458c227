"""Which network files a host's user means."""

from __future__ import annotations

import logging
from pathlib import Path

from ..assembly import AUTO
from ..errors import name_for_message
from ..zoo.cards import ModelCard, Weight
from ..zoo.catalogue import BEST_MODEL, card_named
from ..zoo.folders import neighbour_folders
from ..zoo.store import is_here

_log = logging.getLogger(__name__)


def best_files(*, parity: bool) -> tuple[str, str]:
    """Model and detector for ``DwOpenpose.load``: ``"auto"``, or files of the host itself.

    The catalogue's weights come first. Other files of their names, which the host's own
    preprocessor would run too, are taken where those are not here, with a word; with ``parity``
    they come first.
    """
    model = card_named(BEST_MODEL, "model")
    weights = [_only(model), _only(card_named(model.detector, "detector"))]
    if not parity and all(is_here(weight) for weight in weights):
        return AUTO, AUTO
    files = [_of_host(weight) for weight in weights]
    if None in files:
        return AUTO, AUTO
    names = [name_for_message(path) for path in files if path is not None]
    _log.warning("%s are run as the host would run them, unproven", " and ".join(names))
    return str(files[0]), str(files[1])


def _only(card: ModelCard) -> Weight:
    """The weight of a card of one network."""
    (weight,) = card.weights.values()
    return weight


def _of_host(weight: Weight) -> Path | None:
    """A file of a weight's name in the host's folders."""
    for folder in neighbour_folders():
        path = folder / weight.file
        try:
            if path.is_file():
                return path
        except OSError:  # a folder that may not be looked into
            continue
    return None
