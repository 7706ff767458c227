"""Person boxes by YOLOX.

Two kinds of network file are known by what their graphs say: the plain head, not yet decoded,
``(1, cells, 5 + classes)``, as Megvii's tool exports it (``yolox_l.onnx``); and the one that
suppresses inside, ``(1, N, 5)`` boxes and perhaps ``(1, N)`` classes, as MMDeploy exports it
(Human-Art's YOLOX).
"""

from __future__ import annotations

import logging
from typing import Final, Literal

import numpy as np

from .backends import Session, Tensor, TensorSpec
from .errors import ModelError, OptionError
from .geometry import fitted, fitting_scale, usable_boxes
from .poses import Boxes, FloatArray, ImageSize, RgbImage

_log = logging.getLogger(__name__)

STRIDES: Final = (8, 16, 32)  # sides of a cell in the three grids of the head, fine to coarse
BORDER: Final = 114  # grey round the picture, as in YOLOX's training
PERSON: Final = 0  # first class of COCO, only class of Human-Art
MOST_PEOPLE: Final = 500
"""More boxes than this are no picture of people but a broken network; the surest are kept."""


class YoloxDetector:
    """Finds people with YOLOX, in plain or suppressed form."""

    def __init__(
        self,
        session: Session,
        *,
        channel_order: Literal["BGR", "RGB"] = "BGR",
        score: float = 0.3,
        overlap: float = 0.45,
        parity: bool = False,
    ) -> None:
        """Take a loaded network, and refuse it if it is no YOLOX.

        Args:
            session: The network; the size of its input is the graph's.
            channel_order: Order of the channels it was trained on.
            score: People score more than this, 0..1; 0.3 in every published annotator.
            overlap: Largest intersection over union of two people's boxes; 0.45 in YOLOX's demo.
            parity: Show it RGB whatever it was trained on, as sd-webui-controlnet does, and keep
                boxes beside the picture: its boxes to the last bit, and people missed that ``BGR``
                finds.

        Raises:
            ModelError: If the network's input or outputs are not YOLOX's.
            OptionError: If the channel order or a threshold is none.
        """
        if channel_order not in {"BGR", "RGB"}:
            raise OptionError(f"channel_order must be BGR or RGB, got {channel_order!r}")
        for name, value in (("score", score), ("overlap", overlap)):
            if not 0 <= value <= 1:
                raise OptionError(f"{name} must lie within 0..1, got {value!r}")
        self._session = session
        self._parity = parity
        self._reversed = channel_order == "BGR" and not parity
        self._score, self._overlap = score, overlap
        self.input_size = _input_size(session)
        self._grid, self._strides = _cells(self.input_size)
        self._suppressed = _is_suppressed(session, self.input_size)

    def __call__(self, image: RgbImage, *, score: float | None = None) -> Boxes:
        """Find the people of a picture, surest first.

        Boxes may reach out of the picture. NaN, infinite, empty and far-off boxes, and those in
        the letterbox's border, are nobody's.

        Args:
            image: RGB uint8 ``(H, W, 3)``.
            score: People score more than this, 0..1; by default, what the detector was made with.

        Raises:
            ModelError: If an output has another shape than the graph says.
        """
        image_size = ImageSize.of(image)
        floor = np.float32(self._score if score is None else score)
        outputs = self._session.run(self._batch(image))
        read = self._inside_suppressed if self._suppressed else self._decoded
        found = read(outputs, floor)
        with np.errstate(over="ignore", invalid="ignore"):
            xyxy = found[:, :4] / np.float32(fitting_scale(image_size, self.input_size))
        usable = usable_boxes(xyxy, image_size, beside=self._parity)
        xyxy, scores = xyxy[usable], found[usable, 4]
        if self._suppressed:
            kept = np.argsort(-scores, kind="stable").tolist()
        else:
            kept = suppress(xyxy, scores, self._overlap, most=MOST_PEOPLE + 1)
        if len(kept) > MOST_PEOPLE:
            _log.warning("more than %d people found; the surest are kept", MOST_PEOPLE)
        kept = kept[:MOST_PEOPLE]
        return Boxes(xyxy[kept], np.minimum(scores[kept], np.float32(1)))

    def _batch(self, image: RgbImage) -> Tensor:
        """The picture in the top-left corner of the network's input, ``(1, 3, H, W)``, 0..255."""
        small = fitted(np.ascontiguousarray(image), self.input_size)
        height, width = small.shape[:2]
        batch = np.empty((1, 3, *self.input_size), np.float32)
        batch[..., height:, :] = BORDER
        batch[..., :height, width:] = BORDER
        planes = small[..., ::-1] if self._reversed else small
        batch[0, :, :height, :width] = planes.transpose(2, 0, 1)
        return batch.astype(self._session.input.dtype, copy=False)

    def _decoded(self, outputs: tuple[Tensor, ...], floor: np.float32) -> FloatArray:
        """People of a plain head: ``(N, 5)``, corners in pixels of the input, score."""
        rows = outputs[0]
        if rows.shape[:2] != (1, len(self._grid)) or rows.shape[2:] < (6,):
            raise ModelError(_refusal(self._session, f"the output came as {rows.shape}"))
        with np.errstate(over="ignore", invalid="ignore"):
            scores = rows[0, :, 4].astype(np.float32) * rows[0, :, 5 + PERSON].astype(np.float32)
            sure = np.flatnonzero((scores > floor) & np.isfinite(scores))
            raw, strides = rows[0, sure, :4].astype(np.float32), self._strides[sure, None]
            centres = (raw[:, :2] + self._grid[sure]) * strides
            halves = np.exp(raw[:, 2:]) * strides / 2
            corners = np.concatenate([centres - halves, centres + halves], axis=1)
        return np.concatenate([corners, scores[sure, None]], axis=1)

    def _inside_suppressed(self, outputs: tuple[Tensor, ...], floor: np.float32) -> FloatArray:
        """People of a network that suppresses inside: ``(N, 5)``, as :meth:`_decoded`."""
        rows = outputs[0]
        if rows.ndim != 3 or rows.shape[0] != 1 or rows.shape[2] != 5:
            raise ModelError(_refusal(self._session, f"the output came as {rows.shape}"))
        found = rows[0].astype(np.float32)
        people = (found[:, 4] > floor) & np.isfinite(found[:, 4])
        if len(outputs) > 1:
            if outputs[1].shape != rows.shape[:2]:
                raise ModelError(_refusal(self._session, f"classes came as {outputs[1].shape}"))
            people &= outputs[1][0] == PERSON
        return np.asarray(found[people], dtype=np.float32)


def suppress(xyxy: FloatArray, scores: FloatArray, overlap: float, *, most: int) -> list[int]:
    """Keep the best of boxes that overlap by more than ``overlap``, as YOLOX's own demo does.

    A box is taken to hold its last pixel: its width is ``x2 - x1 + 1``. Of equal scores the later
    row goes first.

    Args:
        xyxy: ``(N, 4)``.
        scores: ``(N,)``.
        overlap: Largest intersection over union that two kept boxes may have.
        most: Stop when so many are kept.

    Returns:
        Rows to keep, best first.
    """
    x1, y1, x2, y2 = xyxy.T
    areas = (x2 - x1 + 1) * (y2 - y1 + 1)
    order = np.argsort(scores, kind="stable")[::-1]
    kept: list[int] = []
    while len(order) and len(kept) < most:
        best, rest = int(order[0]), order[1:]
        kept.append(best)
        across = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest]) + 1
        down = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest]) + 1
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        order = rest[shared / (areas[best] + areas[rest] - shared) <= overlap]
    return kept


def _cells(size: ImageSize) -> tuple[FloatArray, FloatArray]:
    """Column and row ``(cells, 2)`` and stride ``(cells,)`` of the head's cells, x fastest."""
    grids, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: size.height // stride, : size.width // stride]
        grids.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full(rows.size, stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _input_size(session: Session) -> ImageSize:
    """Size of the network's input, out of its graph."""
    shape, coarsest = session.input.shape, STRIDES[-1]
    sides = [side or 0 for side in shape[2:]]
    if (
        len(shape) != 4
        or shape[0] not in {1, None}
        or shape[1] != 3
        or any(side < coarsest or side % coarsest for side in sides)
        or session.input.dtype not in {"float32", "float16"}
    ):
        raise ModelError(_refusal(session, f"its input is {_words(session.input)}"))
    return ImageSize(*sides)


def _is_suppressed(session: Session, size: ImageSize) -> bool:
    """Whether the network suppresses inside; refuses what is neither kind.

    A graph that leaves its output's shape open is run once, on a grey picture.
    """
    cells = len(_cells(size)[0])
    shape: tuple[int | None, ...] = session.outputs[0].shape if session.outputs else ()
    if len(shape) == 3 and shape[2] == 5 and shape[0] in {1, None} and len(session.outputs) <= 2:
        return True
    if len(session.outputs) == 1 and None in (shape[1:] or (None,)):
        grey = np.full((1, 3, *size), BORDER, session.input.dtype)
        shape = tuple(session.run(grey)[0].shape)
    plain = len(shape) == 3 and shape[0] in {1, None} and shape[1] == cells
    if len(session.outputs) != 1 or not plain or (shape[2] or 0) < 6:
        seen = ", ".join(_words(output) for output in session.outputs)
        raise ModelError(_refusal(session, f"its outputs are {seen or 'none'} ({cells} cells)"))
    return False


def _words(spec: TensorSpec) -> str:
    """A tensor's name, type and sides; ``?`` for an open one."""
    return f"{spec.name} {spec.dtype} ({', '.join(str(side or '?') for side in spec.shape)})"


def _refusal(session: Session, found: str) -> str:
    """What a YOLOX is, and what came instead."""
    return (
        f"{session.description}: this is no YOLOX person detector: expected an input "
        "(1, 3, H, W) with sides that are multiples of 32 and an output (1, cells, 5 + classes) or "
        f"(1, N, 5), but {found}; choose another detector, or download the file again"
    )
