"""The networks that nodes share."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import Final

from ...assembly import AUTO
from ...pipeline import DwOpenpose
from ..loading import Wish, load_networks
from . import host

MOST_KEPT: Final = 2  # say, a quick and a good model in one workflow


class Networks:
    """Loads networks when they are wanted, and keeps the last ones."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Wish, DwOpenpose] = OrderedDict()

    def get(self, wish: Wish, *, keep: bool = True) -> DwOpenpose:
        """Networks, loaded or remembered.

        Args:
            wish: Which.
            keep: Remember them for the next run; otherwise they go when the caller lets go.

        Raises:
            OptionError: If a name is none of the choices.
            ModelError: If weights are missing or damaged.
            DependencyError: If the engine is not installed.
        """
        with self._lock:
            known = self._kept.pop(wish, None)
            if known is None:
                host.stop_if_asked()
                known = _load(wish)
            if keep:
                self._kept[wish] = known
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            return known


def _load(wish: Wish) -> DwOpenpose:
    host.look_in_folders()
    device = host.device() if wish.device == AUTO else wish.device
    return load_networks(replace(wish, device=device), host.tell_or_stop, host.alert)


NETWORKS: Final = Networks()
