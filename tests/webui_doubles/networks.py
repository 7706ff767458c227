"""Networks that find whom they are told, for tests of what goes on around networks."""

from __future__ import annotations

import time
import weakref
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dw_openpose_full.pipeline import DwOpenpose
from dw_openpose_full.poses import Boxes, ImageSize, RgbImage, WholeBodyPoses

# somebody who stands with raised hands, as shares of the person box: nose, eyes, ears, then
# shoulders, elbows, wrists, hips, knees, ankles, left ones first
BODY = [
    (0.50, 0.15), (0.53, 0.13), (0.47, 0.13), (0.56, 0.14), (0.44, 0.14), (0.62, 0.27),
    (0.38, 0.27), (0.74, 0.36), (0.26, 0.36), (0.80, 0.22), (0.20, 0.22), (0.57, 0.55),
    (0.43, 0.55), (0.58, 0.74), (0.42, 0.74), (0.58, 0.93), (0.42, 0.93),
]  # fmt: skip
NOSE, WRISTS, ANKLES = 0, (9, 10), (15, 16)


def standing() -> NDArray[np.float64]:
    """``(133, 2)``: body, feet, face, left hand, right hand."""
    body = np.array(BODY)
    feet = [body[ankle] + 0.03 * _ring(3) for ankle in ANKLES]
    hands = [body[wrist] + 0.04 * _ring(21) for wrist in WRISTS]
    return np.concatenate([body, *feet, body[NOSE] + 0.08 * _ring(68), *hands])


def _ring(count: int) -> NDArray[np.float64]:
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


@dataclass
class ScriptedNetworks:
    """Stands in for ``DwOpenpose.load``: so many people stand side by side in every picture.

    Attributes:
        people: How many; the leftmost is the surest.
        score: Of all points.
        seconds: How long loading takes.
        loads: Model, detector and options of each loading.
        runs: How often people were looked for.
        alive: Networks that are still in memory.
    """

    people: int = 1
    score: float = 0.9
    seconds: float = 0
    loads: list[dict[str, Any]] = field(default_factory=list)
    runs: int = 0
    alive: weakref.WeakSet[Any] = field(default_factory=weakref.WeakSet)

    def load(
        self, model: str = "auto", detector: str = "auto", backend: str = "auto", **options: Any
    ) -> DwOpenpose:
        files = {"model": model, "detector": detector, "backend": backend}
        self.loads.append({**files, **options})
        time.sleep(self.seconds)
        network = _Network(self)
        self.alive.add(network)
        return DwOpenpose(network, network, model="scripted", description="scripted on nothing")


class _Network:
    def __init__(self, script: ScriptedNetworks) -> None:
        self._script = script

    def __call__(self, image: RgbImage, *, score: float | None = None) -> Boxes:
        self._script.runs += 1
        height, width = image.shape[:2]
        people = self._script.people
        wide = width / max(people, 1)
        boxes = [[number * wide, 0, (number + 1) * wide, height] for number in range(people)]
        return Boxes.from_arrays(boxes, np.linspace(0.9, 0.5, people))

    def read_pictures(self, images: Any, boxes: Any) -> list[WholeBodyPoses]:
        return [self._poses(*one) for one in zip(images, boxes, strict=True)]

    def _poses(self, image: RgbImage, boxes: Boxes) -> WholeBodyPoses:
        corners = boxes.xyxy[:, None]
        points = corners[..., :2] + standing() * (corners[..., 2:] - corners[..., :2])
        return WholeBodyPoses.from_arrays(
            points,
            np.full((len(boxes), 133), self._script.score),
            image_size=ImageSize.of(image),
            boxes=boxes,
            model="scripted",
        )
