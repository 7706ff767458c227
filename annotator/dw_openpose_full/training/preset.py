"""How one network learns, in numbers that a command line can change; no torch."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from ..errors import OptionError
from ..poses import ImageSize

_STRIDE: Final = 32  # input pixels per cell of the backbone's deepest map
_LIMITS: Final[tuple[tuple[str, str, Callable[[Any], bool]], ...]] = (
    ("epochs batch reference_batch val_every token key", "at least 1", lambda n: n >= 1),
    ("widen rate sharpness clip average_warm_up", "above 0", lambda n: n > 0),
    ("warm_up seed weight_decay logit_weight feature_weight", "0 or more", lambda n: n >= 0),
    (
        "cosine_from last_from lowest warm_up_from average_momentum",
        "between 0 and 1",
        lambda n: 0 <= n <= 1,
    ),
    ("stage", "0, 1 or 2", lambda n: n in {0, 1, 2}),
    ("blocks", "four counts", lambda n: len(n) == 4 and min(n) >= 1),
    ("height width", f"a multiple of {_STRIDE}", lambda n: n >= _STRIDE and n % _STRIDE == 0),
)


@dataclass(frozen=True)
class Preset:
    """How one network learns.

    Attributes:
        name: What it is called on the command line.
        stage: 0 learns from labels; 1 from labels and a larger teacher; 2 has its head anew, from
            its own trained self.
        teacher: The preset whose result teaches; empty where there is no teacher.
        pictures: What the published run learned from, for people.
        widen: Channels of the backbone, as a multiple of those of ``l``.
        blocks: In each of the backbone's four stages.
        height: Of a crop, a multiple of 32.
        width: Of a crop, a multiple of 32.
        token: Width of a keypoint's token.
        key: Width of the attention's queries and keys.
        reference_batch: Crops on one device of the published run. Its keypoint loss grows with
            them; here this constant stands in their place, see ``losses``.
        sharpness: Factor of targets and logits before their softmax.
        logit_weight: Of what the teacher's bins teach.
        feature_weight: Of what the teacher's deepest map teaches, a sum over its numbers.
        rate: Highest learning rate.
        warm_up: Steps to get there.
        warm_up_from: Factor of the rate at the first step.
        cosine_from: Share of the epochs after which the rate falls; 1 for never.
        lowest: Factor of the rate at the end.
        weight_decay: Of AdamW; not of norms and biases.
        clip: Longest gradient; ``inf`` for any.
        average_momentum: Least share of the newest weights in the average.
        average_warm_up: Updates in which that share falls by the factor e.
        epochs: How often each person is seen.
        batch: Crops in one step of one process.
        processes: Of the published run; for people, the machine decides.
        augmentation: Of the crops, a row of ``datasets``' table.
        last_augmentation: Of those near the end.
        last_from: Share of the epochs after which that begins; 1 for never.
        val_every: Epochs from one validation to the next.
        seed: Of first weights, order and augmentation.
    """

    name: str
    widen: float
    blocks: tuple[int, int, int, int]
    stage: int = 0
    teacher: str = ""
    pictures: str = "COCO-WholeBody + UBody"
    height: int = 256
    width: int = 192
    token: int = 256
    key: int = 128
    reference_batch: int = 64
    sharpness: float = 10.0
    logit_weight: float = 0.1
    feature_weight: float = 7e-5
    rate: float = 4e-3
    warm_up: int = 1000
    warm_up_from: float = 1e-5
    cosine_from: float = 135 / 270
    lowest: float = 0.05
    weight_decay: float = 0.05
    clip: float = math.inf
    average_momentum: float = 2e-4
    average_warm_up: float = 2000.0
    epochs: int = 270
    batch: int = 64
    processes: int = 8
    augmentation: str = "strong"
    last_augmentation: str = "mild"
    last_from: float = 240 / 270
    val_every: int = 10
    seed: int = 21

    def __post_init__(self) -> None:
        for names, wanted, fits in _LIMITS:
            for name in names.split():
                if not fits(getattr(self, name)):
                    raise OptionError(
                        f"{self.name}: {name} must be {wanted}, got {getattr(self, name)!r}"
                    )

    @property
    def input_size(self) -> ImageSize:
        """Of a crop."""
        return ImageSize(self.height, self.width)

    def changed(self, changes: Mapping[str, object]) -> Preset:
        """The row with some of its numbers changed.

        Args:
            changes: By field; a text is read as what the field holds, ``"1,2,2,1"`` as counts.

        Raises:
            OptionError: If there is no such field, or a value is none for it.
        """
        values: dict[str, Any] = {key: self._read(key, value) for key, value in changes.items()}
        return replace(self, **values)

    def _read(self, key: str, value: object) -> object:
        known = [field.name for field in fields(self) if field.name != "name"]
        if key not in known:
            raise OptionError(
                f"a preset has no {key!r}{nearest(key, known)}; it has {', '.join(known)}"
            )
        kind = type(getattr(self, key))
        if not isinstance(value, str):
            return value
        try:
            if kind is tuple:
                return tuple(int(count) for count in value.split(","))
            return kind(value)
        except ValueError as error:
            raise OptionError(
                f"{key} must be like {getattr(self, key)!r}, got {value!r}"
            ) from error


def nearest(name: str, known: Iterable[str]) -> str:
    """The name that was meant, perhaps."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f", did you mean {near[0]}?" if near else ""
