"""Figures in, pictures out.

A renderer takes visibility as the figures have it. One reads scores, but only for how
bright it draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import OptionError, PictureError, PictureTypeError, PoseError
from ..figures import OpenPoseFigures
from ..poses import MAX_PIXELS, ImageSize, RgbImage
from .canvas import blank
from .controlnet import draw_controlnet_, draw_xinsir_
from .dwpose import draw_dwpose_
from .mimicmotion import draw_mimicmotion_
from .musepose import draw_musepose_
from .overlay import draw_overlay_
from .parts import Parts

__all__ = ["RENDERERS", "Parts", "Renderer", "Style", "checked_canvas_size", "render"]


class Style(str, Enum):
    """A way of drawing figures."""

    CONTROLNET = "controlnet"
    """As sd-webui-controlnet and comfyui_controlnet_aux draw, pixel by pixel."""
    DWPOSE = "dwpose"
    """As the DWPose repository draws, pixel by pixel."""
    XINSIR = "xinsir"
    """For xinsir's SDXL ControlNets: limbs and joints grow with the canvas."""
    MUSEPOSE = "musepose"
    """As MusePose's animation model expects: the first person, pixel by pixel."""
    MIMICMOTION = "mimicmotion"
    """As MimicMotion's animation model expects: as bright as sure, pixel by pixel."""
    OVERLAY = "overlay"
    """For people: smooth lines on the photograph, one colour a person."""

    @classmethod
    def named(cls, name: object) -> Style:
        """The style of that name; a style is its own.

        Raises:
            OptionError: If there is none; the message lists the choices.
        """
        try:
            return cls(name)
        except ValueError as error:
            choices = ", ".join(choice.value for choice in cls)
            raise OptionError(f"style must be one of {choices}; got {name!r}") from error


class Renderer(Protocol):
    """Draws figures."""

    def __call__(
        self, canvas: RgbImage, figures: OpenPoseFigures, parts: Parts, thickness: float = 1.0
    ) -> None:
        """Draw on the canvas, in place.

        Args:
            canvas: ``(H, W, 3)`` uint8 RGB, C-contiguous and writable, of the figures' size.
            figures: Nobody (``P == 0``) leaves the canvas as it is.
            parts: Which parts to draw.
            thickness: What the style's widths and radii are multiplied by.
        """


RENDERERS: Final[Mapping[Style, Renderer]] = MappingProxyType(
    {
        Style.CONTROLNET: draw_controlnet_,
        Style.DWPOSE: draw_dwpose_,
        Style.XINSIR: draw_xinsir_,
        Style.MUSEPOSE: draw_musepose_,
        Style.MIMICMOTION: draw_mimicmotion_,
        Style.OVERLAY: draw_overlay_,
    }
)


def render(  # noqa: PLR0913  one argument for each choice
    figures: OpenPoseFigures,
    style: Style | str = Style.CONTROLNET,
    parts: Parts = Parts.ALL,
    size: tuple[int, int] | None = None,
    background: ArrayLike | None = None,
    *,
    thickness: float = 1.0,
) -> RgbImage:
    """Draw figures on a new canvas.

    Args:
        figures: Of one picture; of nobody, the canvas stays black.
        style: A style or its name.
        parts: Which parts to draw.
        size: ``(height, width)`` of the canvas in pixels, to which the figures are scaled; by
            default the figures' own.
        background: RGB picture ``(H, W, 3)`` uint8 of the canvas's size to draw over, which is
            copied; black by default.
        thickness: What the style's widths and radii are multiplied by, within 0.1..10.

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        OptionError: If the style, parts, size or thickness are no choice, or the canvas is above
            ``MAX_PIXELS``.
        PictureError: If the background is of another size or number type.
        PictureTypeError: If the background is no picture at all.
        PoseError: If ``figures`` are none.
    """
    if not isinstance(figures, OpenPoseFigures):
        raise PoseError(
            f"figures must be OpenPoseFigures, got {type(figures).__name__}; "
            "make them of poses with OpenPoseFigures.from_poses"
        )
    if not isinstance(parts, Parts):
        raise OptionError(f'parts must be Parts, got {parts!r}; try Parts.parse("body,hands")')
    if not 0.1 <= thickness <= 10:
        raise OptionError(f"thickness must lie within 0.1..10, got {thickness!r}")
    draw_ = RENDERERS[Style.named(style)]
    canvas_size = checked_canvas_size(figures.image_size if size is None else size)
    canvas = blank(canvas_size) if background is None else _copy(background, canvas_size)
    draw_(canvas, figures.scaled_to(canvas_size), parts, thickness)
    return canvas


def checked_canvas_size(size: object) -> ImageSize:
    """A size that a canvas may have.

    Raises:
        OptionError: If it is not two positive whole numbers, or above ``MAX_PIXELS``.
    """
    try:
        checked = ImageSize.checked(size)
    except PoseError as error:
        raise OptionError(
            f"size must be (height, width), two positive whole numbers, got {size!r}"
        ) from error
    if checked.height * checked.width > MAX_PIXELS:
        raise OptionError(
            f"a canvas may have up to {MAX_PIXELS} pixels, "
            f"got height x width = {checked.height} x {checked.width}; ask for a smaller size"
        )
    return checked


def _copy(background: ArrayLike, size: ImageSize) -> RgbImage:
    """An own contiguous copy of a background."""
    picture = _as_array(background)
    if picture.dtype.kind not in "biufc":
        raise PictureTypeError(
            f"background must be an RGB picture, got {type(background).__name__}"
        )
    if picture.dtype != np.uint8 or picture.shape != (*size, 3):
        raise PictureError(
            f"background must be uint8 of the canvas's shape {(*size, 3)}, "
            f"got {picture.dtype} {picture.shape}"
        )
    return np.array(picture, np.uint8, order="C", subok=False)


def _as_array(background: ArrayLike) -> NDArray[Any]:
    """Anything array-like as an array."""
    try:
        return np.asarray(background)
    except (TypeError, ValueError) as error:
        raise PictureTypeError(f"background must be an RGB picture: {error}") from error
