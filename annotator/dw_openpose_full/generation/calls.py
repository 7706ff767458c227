"""The arguments of a family's pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..poses import ImageSize, RgbImage
from .families import END, ETA, GUESS, NEGATIVE, START, Family
from .settings import Settings


def arguments_for(
    family: Family, settings: Settings, canvas: RgbImage, *, follows_poses: bool = True
) -> dict[str, Any]:
    """What a pipeline of diffusers is called with, but for the noise and who looks on.

    Args:
        family: Whose pipeline.
        settings: What to make.
        canvas: ``(H, W, 3)`` uint8 RGB, of a size that the family knows.
        follows_poses: Whether the pipeline has a ControlNet.
    """
    size = ImageSize.of(canvas)
    guidance = family.guidance if settings.guidance is None else settings.guidance
    arguments: dict[str, Any] = {
        "prompt": settings.whole_prompt,
        "height": size.height,
        "width": size.width,
        "num_inference_steps": family.steps if settings.steps is None else settings.steps,
        family.guidance_argument: guidance,
    }
    if NEGATIVE in family.takes:
        arguments[NEGATIVE] = settings.negative_prompt
    if ETA in family.takes:
        arguments[ETA] = settings.eta
    if follows_poses:
        arguments |= _control(family, settings, canvas)
    return arguments


def _control(family: Family, settings: Settings, canvas: RgbImage) -> dict[str, Any]:
    """How the pose is followed."""
    picture = canvas[None].astype(np.float32) / 255  # (1, H, W, 3), as diffusers takes arrays
    control: dict[str, Any] = {
        family.picture: [picture] if family.listed else picture,
        "controlnet_conditioning_scale": (
            family.strength if settings.strength is None else settings.strength
        ),
    }
    if family.mode is not None:
        control["control_mode"] = [family.mode] if family.listed else family.mode
    if GUESS in family.takes:
        control[GUESS] = settings.guess_mode
    if START in family.takes:
        control[START] = settings.control_start
    if END in family.takes:
        end = settings.control_end
        control[END] = family.control_end if end is None else end
    return control
