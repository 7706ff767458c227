"""Networks as a host's user wants them, with words on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..assembly import AUTO, Supply
from ..errors import ModelError
from ..pipeline import DwOpenpose
from ..zoo.auto import LITE
from .weights import best_files

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """Which networks, and where they run; as for :meth:`DwOpenpose.load`.

    With ``parity`` files of the host's run on the hosts' own engine, OpenCV.
    """

    model: str = AUTO
    detector: str = AUTO
    device: str = AUTO
    parity: bool = False
    offline: bool = False


def load_networks(wish: Wish, tell: Say, alert: Say) -> DwOpenpose:
    """Load networks; a damaged file of the host's own gives way to what else can be had.

    Args:
        wish: Which.
        tell: Tells the host's user what goes on; what it raises ends the loading.
        alert: Tells what is not as the user would want it.

    Raises:
        OptionError: If a name is none of the choices.
        ModelError: If weights are missing or damaged.
        DependencyError: If the engine is not installed.
    """
    is_open = wish.model == wish.detector == AUTO
    files = best_files(parity=wish.parity) if is_open else (wish.model, wish.detector)
    are_the_hosts = is_open and AUTO not in files
    load = partial(
        DwOpenpose.load,
        device=wish.device,
        parity=wish.parity,
        supply=Supply(wish.offline, Percent(tell)),
    )
    try:
        estimator = load(*files, "opencv" if wish.parity and are_the_hosts else AUTO)
    except ModelError as error:
        if not are_the_hosts:
            raise
        alert(str(error))
        estimator = load()
    is_less = wish.model == AUTO and estimator.model == LITE
    (alert if is_less else tell)(f"model {estimator.description}")
    return estimator


class Percent:
    """Told of a download, tells of every tenth of the way."""

    def __init__(self, tell: Say) -> None:
        self._tell = tell
        self._told = -1

    def __call__(self, done: int, total: int | None) -> None:
        """Take note of bytes that have come, and of the length where it is known."""
        tenth = done * 10 // total if total else 0
        if tenth != self._told:
            self._told = tenth
            self._tell(f"fetching weights, this once: {tenth * 10} %")
