"""The libraries that match and count: faster-coco-eval, or pycocotools where that is not here.

Both are COCO's own evaluation under the same names, and give the same numbers to the last bit.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from ..errors import DependencyError, OptionError
from .documents import PERSON, Numbers
from .parts import STATISTICS

AUTO: Final = "auto"
_MODULES: Final[Mapping[str, tuple[str, str, str, str]]] = MappingProxyType(
    {
        "faster-coco-eval": (
            "faster_coco_eval", "COCO", "faster_coco_eval", "COCOeval_faster",
        ),
        "pycocotools": ("pycocotools.coco", "COCO", "pycocotools.cocoeval", "COCOeval"),
    }
)  # fmt: skip
LIBRARIES: Final = tuple(_MODULES)
"""Their names on PyPI, the preferred one first."""

Record = dict[str, Any]
"""A person as the libraries take one: ids, keypoints, box, area."""


@dataclass(frozen=True)
class Library:
    """A library that is installed.

    Attributes:
        name: Of :data:`LIBRARIES`.
        index: Its class of data sets.
        evaluator: Its class of evaluations.
    """

    name: str
    index: Any
    evaluator: Any

    @classmethod
    def open(cls, name: str = AUTO) -> Library:
        """Import a library; ``"auto"`` takes the first that is installed.

        Raises:
            OptionError: If the name is none of the choices.
            DependencyError: If it, or with ``"auto"`` any of them, is not installed.
        """
        if name not in {AUTO, *LIBRARIES}:
            choices = ", ".join((AUTO, *LIBRARIES))
            raise OptionError(f"the library must be one of {choices}, got {name!r}")
        for choice in LIBRARIES if name == AUTO else (name,):
            with suppress(ImportError):
                home, index, room, evaluator = _MODULES[choice]
                return cls(
                    choice,
                    getattr(importlib.import_module(home), index),
                    getattr(importlib.import_module(room), evaluator),
                )
        missing = " or ".join(LIBRARIES) if name == AUTO else name
        raise DependencyError(
            f'{missing} is not installed; measuring needs: pip install "dw-openpose-full[eval]"'
        )

    def statistics(
        self,
        image_ids: Sequence[int],
        people: Sequence[Record],
        found: Sequence[Record],
        sigmas: Sequence[float],
    ) -> Numbers:
        """Match people of pictures by their keypoints, and count.

        Args:
            image_ids: The pictures that count.
            people: Who should be found.
            found: Who was.
            sigmas: The spread of each keypoint.

        Returns:
            ``(10,)``, in the order of :data:`STATISTICS`.
        """
        with redirect_stdout(io.StringIO()):  # pycocotools prints what it does
            run = self.evaluator(
                self._indexed(image_ids, people), self._indexed(image_ids, found), "keypoints"
            )
            run.params.kpt_oks_sigmas = np.array(sigmas)
            run.evaluate()
            run.accumulate()
            run.summarize()
        return np.asarray(run.stats[: len(STATISTICS)], np.float64)

    def _indexed(self, image_ids: Sequence[int], records: Sequence[Record]) -> object:
        """The library's own data set of records."""
        index = self.index()
        index.dataset = {
            "images": [{"id": image} for image in image_ids],
            "categories": [{"id": PERSON}],
            "annotations": records,
        }
        index.createIndex()
        return index
