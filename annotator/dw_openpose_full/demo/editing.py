"""A pose as the page has it: JSON text that users may edit, and who of its people is drawn."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ..errors import OptionError, PoseJsonError
from ..figures import OpenPoseFigures
from ..geometry import resized
from ..pose_json import from_openpose_json, to_openpose_json
from ..poses import Boxes, ImageSize, RgbImage
from ..render import Parts, Style, render

MAX_CHARACTERS: Final = 4_000_000
"""Of JSON; a person takes about 10 000."""
MAX_PEOPLE: Final = 200
MAX_CANVAS: Final = 16_000_000
"""Pixels of a canvas that JSON may ask for."""

_REACH: Final = 0.05  # a click so far beside a person's box is still theirs, of the canvas
_THIRDS: Final = ("left", "middle", "right")


@dataclass(frozen=True, eq=False)
class Sheet:
    """A pose that was read from a picture or from JSON.

    Attributes:
        figures: Everybody.
        model: Who read them, as JSON says it.
    """

    figures: OpenPoseFigures
    model: str | None = None

    @classmethod
    def read(cls, text: object) -> Sheet:
        """Read what a user has pasted, uploaded or edited.

        Raises:
            PoseJsonError: If it is no OpenPose JSON, or too much of it.
        """
        if not isinstance(text, str) or not text.strip():
            raise PoseJsonError("there is no pose yet; press Run, or paste OpenPose JSON")
        if len(text) > MAX_CHARACTERS:
            raise PoseJsonError(
                f"JSON text: expected at most {MAX_CHARACTERS} characters, got {len(text)}; "
                "take people or keys out"
            )
        data = text.encode(errors="replace")  # bytes: a text could be the path of a file
        figures = from_openpose_json(data)
        if len(figures) > MAX_PEOPLE:
            raise PoseJsonError(
                f"JSON text: expected at most {MAX_PEOPLE} people, got {len(figures)}; "
                "take some out"
            )
        height, width = figures.image_size
        if height * width > MAX_CANVAS:
            raise PoseJsonError(
                f"JSON text: expected a canvas of at most {MAX_CANVAS // 10**6} megapixels, got "
                f"{width} x {height}; scale it down"
            )
        document = json.loads(data.decode("utf-8-sig"))
        model = document.get("model") if isinstance(document, dict) else None
        return cls(figures, model if isinstance(model, str) else None)

    @property
    def people(self) -> list[tuple[str, int]]:
        """A line for each person, and their id."""
        names = self.figures.ids.tolist()
        return [(self._described(row), name) for row, name in enumerate(names)]

    def rows(self, leave_out: object) -> tuple[int, ...]:
        """The rows of those who are drawn, in order.

        Args:
            leave_out: A list of the others' ids; one that nobody has leaves out nobody.

        Raises:
            OptionError: If it is anything else.
        """
        if not isinstance(leave_out, list) or not all(type(name) is int for name in leave_out):
            raise OptionError(
                f"leave_out must be a list of people's ids, got {str(leave_out)[:60]!r}"
            )
        names = self.figures.ids.tolist()
        return tuple(row for row, name in enumerate(names) if name not in leave_out)

    def left_out(self, leave_out: object) -> list[int]:
        """The ids of those who are not drawn.

        Raises:
            OptionError: As for ``rows``.
        """
        drawn = self.rows(leave_out)
        return [name for row, name in enumerate(self.figures.ids.tolist()) if row not in drawn]

    def only(self, rows: Collection[int]) -> OpenPoseFigures:
        """Some of the people."""
        return self.figures.only(sorted(rows))

    def text(self, rows: Collection[int]) -> str:
        """OpenPose JSON of some of the people, a line for each part."""
        return laid_out(to_openpose_json(self.only(rows), model=self.model))

    def person_at(self, x: float, y: float) -> int | None:
        """Id of whose figure is nearest to a pixel of the canvas; ``None`` where nobody is near."""
        place, size = np.array([x, y]), self.figures.image_size
        margin = _REACH * max(size)
        best, nearest = None, np.inf
        for row, box in enumerate(self.figures.boxes.xyxy):
            seen = self.figures.points[row][self.figures.visible[row]]
            if (
                not len(seen)
                or (place < box[:2] - margin).any()
                or (place > box[2:] + margin).any()
            ):
                continue
            distance = float(np.linalg.norm(seen - place, axis=1).min())
            if distance < nearest:
                best, nearest = int(self.figures.ids[row]), distance
        return best

    def _described(self, row: int) -> str:
        """A person in a few words: number, place, score."""
        box, score = self.figures.boxes.xyxy[row], float(self.figures.boxes.scores[row])
        middle = float(box[0] + box[2]) / 2 / self.figures.image_size.width
        place = _THIRDS[int(np.clip(middle * len(_THIRDS), 0, len(_THIRDS) - 1))]
        return f"{row + 1}: {place}, score {score:.2f}"


def draw(
    figures: OpenPoseFigures, style: Style | str, parts: Parts, photo: RgbImage | None
) -> tuple[RgbImage, RgbImage | None]:
    """Draw figures: as a network is shown them, and on the photo for people.

    Args:
        figures: Who is drawn.
        style: How.
        parts: What of them.
        photo: The picture, where there is one.

    Returns:
        The canvas, and the photo of its size with the figures on it.
    """
    ground = None if photo is None else resized(photo, figures.image_size)
    canvas = render(
        figures, style, parts, background=ground if Style.named(style) is Style.OVERLAY else None
    )
    if ground is None:
        return canvas, None
    return canvas, render(figures, Style.OVERLAY, parts, background=ground)


def nobody(size: ImageSize) -> Sheet:
    """A canvas without people."""
    empty = np.zeros((0, 136))
    return Sheet(
        OpenPoseFigures(
            points=np.zeros((0, 136, 2), np.float32),
            visible=empty.astype(np.bool_),
            scores=empty.astype(np.float32),
            boxes=Boxes.from_arrays([]),
            ids=np.zeros(0, np.int64),
            image_size=size,
        )
    )


def laid_out(document: dict[str, Any]) -> str:
    """JSON for people's eyes: a line for each key of a person, not for each number."""
    lines = ["{", ' "people": [']
    for number, person in enumerate(document["people"]):
        keys = [f"   {json.dumps(key)}: {json.dumps(value)}" for key, value in person.items()]
        comma = "," if number + 1 < len(document["people"]) else ""
        lines += ["  {", ",\n".join(keys), f"  }}{comma}"]
    rest = [
        f" {json.dumps(key)}: {json.dumps(value)}"
        for key, value in document.items()
        if key != "people"
    ]
    return "\n".join([*lines, " ],", ",\n".join(rest), "}"])
