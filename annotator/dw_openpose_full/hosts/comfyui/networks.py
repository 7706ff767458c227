"""The networks that nodes share."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from ...assembly import AUTO, Supply
from ...errors import ModelError
from ...pipeline import DwOpenpose
from ...zoo.auto import LITE
from ..weights import best_files
from . import host

MOST_KEPT: Final = 2  # say, a quick and a good model in one workflow


@dataclass(frozen=True)
class Wish:
    """Which networks, and where they run; as for :meth:`DwOpenpose.load`."""

    model: str = AUTO
    detector: str = AUTO
    device: str = AUTO
    parity: bool = False


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
                is_less = wish.model == AUTO and known.model == LITE
                (host.alert if is_less else host.tell)(f"model {known.description}")
            if keep:
                self._kept[wish] = known
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            return known


def _load(wish: Wish) -> DwOpenpose:
    host.look_in_folders()
    model, detector = wish.model, wish.detector
    if model == detector == AUTO:
        model, detector = best_files(parity=wish.parity)
    device = host.device() if wish.device == AUTO else wish.device
    supply = Supply(progress=host.Download())
    try:
        return DwOpenpose.load(model, detector, device=device, parity=wish.parity, supply=supply)
    except ModelError as error:
        if (model, detector) == (wish.model, wish.detector):
            raise
        host.alert(str(error))  # of a damaged file of another pack's
        return DwOpenpose.load(device=device, parity=wish.parity, supply=supply)


NETWORKS: Final = Networks()
