"""OpenPose JSON, of any writer, to figures."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..figures import OpenPoseFigures
from ..poses import MAX_PIXELS, BoolArray, Boxes, FloatArray, ImageSize, IntArray
from ..skeleton import FIGURE_COUNT
from . import layout
from .people import Person, read_people, seen
from .source import load
from .spot import Spot, described, to_float32, whole_number

MAX_FRAMES: Final = 100_000  # above an hour of video; "[{},{}," must not become gigabytes

PoseSource: TypeAlias = "Mapping[str, Any] | list[Any] | str | bytes | os.PathLike[str]"
"""Objects as the json module gives them, JSON text (UTF-8), or a path; see ``PoseDocument.read``"""

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a document, not yet read.

    Attributes:
        content: The object.
        spot: Where it lies.
        in_pixels: It is known to have pixels, because our writer made it.
    """

    content: Mapping[str, Any]
    spot: Spot
    in_pixels: bool


@dataclass(frozen=True, eq=False)
class PoseDocument:
    """A document taken apart into frames; read once, then give figures of any of them.

    Attributes:
        frames: In order.
        spot: Names the document in errors.
    """

    frames: tuple[Frame, ...]
    spot: Spot

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def read(cls, document: PoseSource) -> PoseDocument:
        """Take a document of any known writer; it is not changed.

        Args:
            document: An object with ``people``, a list of such objects (one a frame), a list of
                such lists, or an object with ``frames``; as Python values, as JSON text (``str``,
                or UTF-8 ``bytes`` with or without byte order mark), or as the path of a file. A
                ``str`` is text when its first character is ``{`` or ``[``, otherwise a path.

        Raises:
            PoseJsonError: If the file can not be read, the text is not JSON, or it has no frames
                in this sense.
        """
        content, spot = load(document)
        frames = tuple(islice(_frames(content, spot), MAX_FRAMES + 1))
        if len(frames) > MAX_FRAMES:
            raise spot.error(f"it holds more than {MAX_FRAMES} frames; split it")
        return cls(frames, spot)

    def figures(
        self, frame: int = 0, *, image_size: tuple[int, int] | None = None
    ) -> OpenPoseFigures:
        """Read one frame; see ``from_openpose_json``."""
        if not isinstance(frame, (int, np.integer)) or isinstance(frame, bool):
            raise self.spot.error(f"frame must be a whole number from 0, got {described(frame)}")
        if not self.frames:
            raise self.spot.error("it holds no frame, expected an object with 'people'; pass one")
        if not 0 <= frame < len(self.frames):
            raise self.spot.error(
                f"it holds {len(self.frames)} frames, got frame={described(frame)}; "
                f"choose one of 0 to {len(self.frames) - 1}"
            )
        size = None if image_size is None else ImageSize.checked(image_size)
        return _read_frame(self.frames[frame], size)


def from_openpose_json(
    doc: PoseSource, *, frame: int = 0, image_size: tuple[int, int] | None = None
) -> OpenPoseFigures:
    """Read the figures of OpenPose JSON, whoever wrote it.

    * Parts may be absent, ``null``, empty or short. A body has 18 points, or the 25 of BODY_25
      (its feet become foot points, its hip centre is dropped); a face 70, or 68, to which the eyes
      of the body are added as pupils.
    * A point of any confidence above 0 is visible. Its score is that confidence, or the true score
      where the document has our ``*_scores``. NaN, infinity and positions beyond float32 make a
      point invisible. Points outside the canvas stay where they are.
    * When every visible point of the frame lies within 0..1, the frame is normalised and is scaled
      to the canvas; not so where ``model`` and ``version`` say that our writer made it.
    * OpenPose itself writes no canvas size: ``image_size`` supplies it, otherwise the canvas is
      just large enough for the visible points, and a warning is logged.
    * People without ``id`` are numbered in order. Animals and unknown keys are ignored.

    Args:
        doc: Objects, JSON text or a path; see ``PoseDocument.read``. It is not changed.
        frame: Which frame of a document that has several, from 0.
        image_size: ``(height, width)`` of the canvas, for a document that does not say.

    Returns:
        Figures in pixels of the canvas, ``(0, 0)`` where not visible; of what ``to_openpose_json``
        wrote, exactly the same visible points, scores, boxes and ids.

    Raises:
        PoseJsonError: If the document can not be read as such; the one sentence names the file and
            the field.
        PoseError: If ``image_size`` is not two positive whole numbers.
    """
    return PoseDocument.read(doc).figures(frame, image_size=image_size)


def count_frames(doc: PoseSource) -> int:
    """How many frames a document has.

    Raises:
        PoseJsonError: As ``PoseDocument.read``.
    """
    return len(PoseDocument.read(doc))


def _frames(content: object, spot: Spot) -> Iterator[Frame]:
    """Frames of a document, in order."""
    if not isinstance(content, Mapping):
        yield from _listed(content, spot, is_ours=False, levels=2)
    elif layout.FRAMES in content and layout.PEOPLE not in content:
        frames, here = content[layout.FRAMES], spot.key(layout.FRAMES)
        yield from _listed(frames, here, is_ours=_is_ours(content), levels=1)
    else:
        yield Frame(content, spot, _is_ours(content))


def _listed(values: object, spot: Spot, *, is_ours: bool, levels: int) -> Iterator[Frame]:
    """Frames of a list, or of lists in a list where that many levels are allowed."""
    if not isinstance(values, (list, tuple)):
        raise spot.error(
            "expected an object with 'people' or a list of such objects, "
            f"got {described(values)}; pass OpenPose JSON"
        )
    for index, value in enumerate(values):
        here = spot.item(index)
        if isinstance(value, Mapping):
            yield Frame(value, here, is_ours or _is_ours(value))
        elif levels > 1 and isinstance(value, (list, tuple)):
            yield from _listed(value, here, is_ours=is_ours, levels=levels - 1)
        else:
            raise here.error(
                f"expected a frame, an object with 'people', got {described(value)}; take it out"
            )


def _is_ours(content: Mapping[str, Any]) -> bool:
    """Whether our writer made this; OpenPose has a ``version`` too, a number, and no ``model``."""
    return layout.MODEL in content and isinstance(content.get(layout.VERSION), str)


def _read_frame(frame: Frame, image_size: ImageSize | None) -> OpenPoseFigures:
    """Read one frame; the image size counts where the frame has none."""
    people = read_people(frame.content, frame.spot)
    rows = np.array([person.rows for person in people]).reshape(-1, FIGURE_COUNT, 4)
    boxes = np.array([_box_or_nan(person) for person in people]).reshape(-1, 5)
    visible = seen(rows)
    points = np.where(visible[..., None], rows[..., :2], 0)
    # of the whole frame, not of a part: a hand may lie in the corner pixel, a crowd hardly does
    normalised = bool(
        not frame.in_pixels and visible.any() and points.min() >= 0 and points.max() <= 1
    )
    size = _canvas_size(frame) or image_size
    if size is None:
        size = _size_around(points, visible, normalised=normalised, spot=frame.spot)
    scale = np.array([size.width, size.height] if normalised else [1, 1])
    pixels = to_float32(points * scale)
    return OpenPoseFigures(
        points=pixels,
        visible=visible,
        scores=_finite_or_zero(rows[..., 3]),
        boxes=_boxes(boxes * [*scale, *scale, 1], pixels, visible),
        ids=_ids(people),
        image_size=size,
    )


def _canvas_size(frame: Frame) -> ImageSize | None:
    """Size of the canvas as the frame says; ``None`` where it does not."""
    names = (layout.HEIGHT, layout.WIDTH)
    if all(frame.content.get(name) is None for name in names):
        return None
    sides = []
    for name in names:
        here = frame.spot.key(name)
        sides.append(whole_number(frame.content.get(name), here))
        if sides[-1] < 1:
            got = described(sides[-1])
            raise here.error(f"expected a positive number of pixels, got {got}; correct it")
    return _within_limit(ImageSize(*sides), frame.spot)


def _size_around(
    points: NDArray[np.float64], visible: BoolArray, *, normalised: bool, spot: Spot
) -> ImageSize:
    """Size of a canvas that holds the visible points, for a frame that does not say its own."""
    remedy = "pass image_size=(height, width)"
    if normalised:
        raise spot.error(
            "its points lie within 0..1, so they need canvas_width and canvas_height, "
            f"and it has none; {remedy}"
        )
    if not visible.any():
        raise spot.error(
            f"it has no canvas_width and canvas_height, and no point to guess them by; {remedy}"
        )
    width, height = (max(int(np.ceil(side)) + 1, 1) for side in points.max(axis=(0, 1)))
    size = _within_limit(ImageSize(height, width), spot)
    _LOG.warning(
        "%s: it has no canvas size; %d x %d pixels (width x height) hold its points; %s to set it",
        spot.source, width, height, remedy,
    )  # fmt: skip
    return size


def _within_limit(size: ImageSize, spot: Spot) -> ImageSize:
    """The size, unless its canvas would fill the memory."""
    if size.height * size.width > MAX_PIXELS:
        raise spot.error(
            f"expected a canvas of at most {MAX_PIXELS // 10**6} megapixels, got canvas_width "
            f"{described(size.width)} and canvas_height {described(size.height)}; scale it down"
        )
    return size


def _box_or_nan(person: Person) -> NDArray[np.float64]:
    """A person's box ``(5,)``, NaN where there is none."""
    return np.full(5, np.nan) if person.box is None else person.box


def _boxes(said: NDArray[np.float64], points: FloatArray, visible: BoolArray) -> Boxes:
    """Boxes as said, ``(P, 5)``; where not said, the smallest round the visible points."""
    around = Boxes.around(points, visible)
    corners = to_float32(said[:, :4])
    known = np.isfinite(corners).all(axis=1)
    scores = np.where(known, _finite_or_zero(said[:, 4]), around.scores)
    return Boxes(np.where(np.reshape(known, (-1, 1)), corners, around.xyxy), scores)


def _ids(people: Sequence[Person]) -> IntArray:
    """Ids as said where everybody has one; otherwise 0, 1, 2, so that no two are the same."""
    names = [person.name for person in people if person.name is not None]
    return np.array(names if len(names) == len(people) else range(len(people)), dtype=np.int64)


def _finite_or_zero(values: NDArray[np.float64]) -> FloatArray:
    """As float32; 0 where that is not finite."""
    narrow = to_float32(values)
    return np.where(np.isfinite(narrow), narrow, np.float32(0))
