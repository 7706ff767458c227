"""The canvas that a family is shown."""

from __future__ import annotations

from typing import TypeAlias

from ..annotation import Annotation
from ..figures import OpenPoseFigures
from ..geometry import resized
from ..pictures import PictureLike, as_picture
from ..poses import ImageSize, RgbImage
from ..render import render
from .families import Family
from .settings import Settings

Pose: TypeAlias = "Annotation | OpenPoseFigures | PictureLike"
"""What an image model follows: figures, or a canvas that is drawn already."""


def canvas_for(pose: Pose, family: Family, settings: Settings) -> RgbImage:
    """Draw figures at a size that the family knows, in the style that it was trained on.

    Figures are drawn anew, so sticks have the width that the family expects. A ready canvas can
    only be scaled. Proportions change by less than the family's step.

    Args:
        pose: Figures, or a canvas.
        family: Who will look at it.
        settings: What the user prefers.

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        PictureError: If a ready canvas can not be read.
        OptionError: If it would be above the limit.
    """
    figures = pose.figures if isinstance(pose, Annotation) else pose
    if isinstance(figures, OpenPoseFigures):
        size = family.canvas.size_of(figures.image_size, settings.resolution)
        return render(figures, settings.style or family.style, settings.parts, size)
    canvas = as_picture(figures)
    return resized(canvas, family.canvas.size_of(ImageSize.of(canvas), settings.resolution))
