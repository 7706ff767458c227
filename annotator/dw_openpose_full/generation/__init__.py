"""Pictures that follow a pose, made by image models on diffusers.

Importing this loads neither diffusers nor torch; making the first picture does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..annotation import Annotation
from ..figures import OpenPoseFigures
from ..pictures import PictureLike
from ..pipeline import DwOpenpose
from .canvases import Pose, canvas_for
from .failures import GenerationError, StoppedError
from .families import DEFAULT_FAMILY, FAMILIES, SCHEDULERS, CanvasRule, Family, family_named
from .maker import Generated, ImageMaker, Step, Watch
from .settings import LIMITS, Settings
from .sources import NO_CONTROLNET, Models

__all__ = [
    "FAMILIES",
    "LIMITS",
    "NO_CONTROLNET",
    "SCHEDULERS",
    "CanvasRule",
    "Family",
    "Generated",
    "GenerationError",
    "ImageMaker",
    "Models",
    "Pose",
    "Settings",
    "Step",
    "StoppedError",
    "Watch",
    "canvas_for",
    "family_named",
    "pose_to_image",
]


def pose_to_image(  # noqa: PLR0913  one argument for each choice of the contract
    image: PictureLike | Annotation | OpenPoseFigures,
    prompt: str,
    family: str = DEFAULT_FAMILY,
    *,
    base: str | Path | None = None,
    controlnet: str | Path | None = None,
    estimator: DwOpenpose | None = None,
    device: str = "auto",
    offline: bool = False,
    **settings: Any,  # noqa: ANN401  as Settings has them
) -> Generated:
    """Make pictures of somebody else in the pose of the people of a picture.

    Loads all it needs and frees it again; for many pictures keep an :class:`ImageMaker`.

    Args:
        image: RGB uint8 ``(H, W, 3)``, a PIL image, or a path; or what was read from one.
        prompt: What the new picture shows.
        family: A name of ``FAMILIES``.
        base: A base model in place of the family's: a folder, a ``.safetensors`` file, or a name
            on the hub.
        controlnet: A ControlNet in place of the family's, named alike; ``"none"`` for a picture
            without a pose.
        estimator: Reads the poses; loaded where ``None``.
        device: Where the picture is made: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        offline: Fetch no image models.
        **settings: Further attributes of :class:`Settings`: ``seed=7``, ``images=2``, ...

    Raises:
        DwPoseError: One of :meth:`ImageMaker.generate`, or of :class:`DwOpenpose`.
    """
    models, wanted = Models.of(family, base, controlnet), Settings(prompt, **settings)
    if not isinstance(image, (Annotation, OpenPoseFigures)):
        image = (estimator or DwOpenpose.load())(image)
    maker = ImageMaker(device, offline=offline)
    try:
        return maker.generate(models, image, wanted)
    finally:
        maker.unload()
