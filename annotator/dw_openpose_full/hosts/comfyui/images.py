"""The host's IMAGE, a tensor ``(B, H, W, C)`` of floats within 0..1, to pictures and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from ...pictures import as_picture
from ...poses import RgbImage

Tensor: TypeAlias = Any
"""torch's; torch may be asked for in calls only."""


def count_frames(image: Tensor) -> int:
    """How many pictures an IMAGE holds.

    Raises:
        PictureError: If it is none.
    """
    shape = tuple(getattr(image, "shape", ()))
    if len(shape) != 4 or 0 in shape or shape[3] not in {1, 3, 4}:
        raise PictureError(
            "image: expected a batch of pictures (frames, height, width, 3), got "
            f"{shape or type(image).__name__}; link a node that gives an IMAGE"
        )
    return int(shape[0])


def picture(image: Tensor, frame: int, *, truncate: bool = False) -> RgbImage:
    """One picture of an IMAGE; values beyond 0..1 are cut off, as the host does.

    Args:
        image: The batch.
        frame: Which.
        truncate: Cut fractions off, as comfyui_controlnet_aux does, rather than round.

    Raises:
        PictureError: If it holds NaN or infinity.
    """
    numbers = image[frame].detach().cpu().float().numpy()
    if not np.isfinite(numbers).all():
        raise PictureError(
            f"image: expected numbers within 0..1, got NaN or infinity in frame {frame} (from 0); "
            "see what the node before it does"
        )
    levels = np.clip(numbers, 0, 1) * np.float32(255)
    return as_picture((levels if truncate else np.rint(levels)).astype(np.uint8))


def to_image(canvases: Sequence[RgbImage]) -> Tensor:
    """An IMAGE ``(B, H, W, 3)`` of canvases of one size."""
    return _batch(canvases)


def to_mask(masks: Sequence[NDArray[np.uint8]]) -> Tensor:
    """A MASK ``(B, H, W)`` of drawings ``(H, W)`` of one size, 255 where it holds."""
    return _batch(masks)


def _batch(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    import torch

    batch = np.empty((len(pictures), *pictures[0].shape), np.float32)
    for row, drawn in zip(batch, pictures, strict=True):
        np.divide(drawn, 255, out=row, dtype=np.float32)
    return torch.from_numpy(batch)
