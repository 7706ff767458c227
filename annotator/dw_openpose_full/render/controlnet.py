"""One person after the other, as the ControlNets were trained on: styles controlnet and xinsir."""

from __future__ import annotations

from typing import Final

from .. import skeleton
from ..figures import OpenPoseFigures
from ..poses import ImageSize, RgbImage
from .canvas import within_reach
from .parts import Parts
from .strokes import (
    Pen,
    body_strokes_,
    face_strokes_,
    foot_strokes_,
    hand_strokes_,
    people,
)

PEN: Final = Pen()


def draw_controlnet_(
    canvas: RgbImage, figures: OpenPoseFigures, parts: Parts, thickness: float = 1.0
) -> None:
    """Draw figures as sd-webui-controlnet and comfyui_controlnet_aux do, pixel by pixel.

    Each person covers the ones before. Sizes are the same on a canvas of any size.
    """
    _draw_people_(canvas, figures, parts, PEN.scaled(thickness))


def draw_xinsir_(
    canvas: RgbImage, figures: OpenPoseFigures, parts: Parts, thickness: float = 1.0
) -> None:
    """Draw figures for xinsir's SDXL ControlNets: limbs and joints grow with the canvas.

    Limbs *and* joints, because that is what those networks saw; comfyui_controlnet_aux, whose
    option this is elsewhere, leaves the joints small. Hands and faces keep their size: their
    points lie too close together to grow, and nothing is published that says they should. Feet,
    which nothing says anything about, grow as limbs do.
    """
    ratio = stick_ratio(max(ImageSize.of(canvas)))
    pen = Pen(limb=4 * ratio, joint=4 * ratio, foot=3 * ratio, foot_dot=3 * ratio)
    _draw_people_(canvas, figures, parts, pen.scaled(thickness))


def stick_ratio(longest_side: int) -> int:
    """How much thicker xinsir's sticks are, by the canvas's longest side in pixels.

    As the model card of ``xinsir/controlnet-openpose-sdxl-1.0`` sets it: 1 below 500, 2 below 1000
    and one more for each 1000 after that, to 7.

    >>> [stick_ratio(side) for side in (499, 500, 1000, 4999, 5000, 9000)]
    [1, 2, 3, 6, 7, 7]
    """
    return 1 if longest_side < 500 else min(2 + longest_side // 1000, 7)


def _draw_people_(canvas: RgbImage, figures: OpenPoseFigures, parts: Parts, pen: Pen) -> None:
    points = within_reach(figures.points, ImageSize.of(canvas))
    for person in people(points, figures.visible):
        if Parts.FEET in parts:
            foot_strokes_(canvas, person, pen)
        if Parts.BODY in parts:
            body_strokes_(canvas, person, pen)
        if Parts.HANDS in parts:
            hand_strokes_(canvas, person, skeleton.FIGURE_LEFT_HAND, pen)
            hand_strokes_(canvas, person, skeleton.FIGURE_RIGHT_HAND, pen)
        if Parts.FACE in parts:
            face_strokes_(canvas, person, skeleton.FIGURE_FACE, pen)
