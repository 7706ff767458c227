"""Families of image models that a pose can steer: one row each, as diffusers calls them.

Classes are names here, looked up when a family is loaded, so that this table needs no diffusers.
Steps, guidance and strength are those of the model cards, and of the DWPose repository's own demo
for Stable Diffusion 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..errors import OptionError
from ..poses import ImageSize
from ..render import Style, checked_canvas_size

DEFAULT_FAMILY: Final = "sd15"

NEGATIVE: Final = "negative_prompt"
GUESS: Final = "guess_mode"
ETA: Final = "eta"
START: Final = "control_guidance_start"
END: Final = "control_guidance_end"

_DIFFUSION: Final = frozenset({NEGATIVE, GUESS, ETA, START, END})
_FLOW: Final = frozenset({NEGATIVE, START, END})


@dataclass(frozen=True)
class CanvasRule:
    """Sizes that a family of models knows.

    Attributes:
        side: In pixels: of the shorter side, or of a square of the same area.
        step: Both sides are multiples of it.
        by_area: Keep the area of ``side`` squared, rather than the shorter side. That one is
            kept up to four times the area; thinner canvases are scaled down.
    """

    side: int
    step: int
    by_area: bool = True

    def size_of(self, source: ImageSize, side: int | None = None) -> ImageSize:
        """The size nearest to a source's proportions.

        Args:
            source: The picture that the pose comes from.
            side: Takes the place of the rule's own.

        Raises:
            OptionError: If the canvas would be above the limit, or has no side to speak of.
        """
        side = side or self.side
        length = (source.height * source.width) ** 0.5
        if not self.by_area:
            length = max(min(source), length / 2)
        counts = [round(own * side / length / self.step) for own in source]
        if not all(counts):
            raise OptionError(
                f"a canvas of {source.width} x {source.height} is too thin for a resolution of "
                f"{side}; cut off some of its length, or ask for a higher one"
            )
        return checked_canvas_size([count * self.step for count in counts])


@dataclass(frozen=True)
class Family:
    """One way from a canvas to a picture.

    Attributes:
        name: What users choose it by.
        title: For people.
        plain: The pipeline's class without a ControlNet; its name begins that of all its kin.
        pipeline: The pipeline's class with one.
        network: The ControlNet's class.
        base: The base model on the Hugging Face hub.
        controlnet: The ControlNet there; see ``loading`` for what else may stand in both places.
        canvas: Sizes that it knows.
        steps: Of denoising, by default.
        guidance: How closely to follow the prompt, by default.
        strength: How closely to follow the pose, by default.
        control_end: When the pose lets go, as a fraction of the steps, by default.
        picture: The argument that carries the canvas.
        guidance_argument: The argument that carries the guidance.
        mode: Which kind of canvas a union network is given: its number for poses.
        listed: Whether canvas and mode are lists, of one each.
        takes: Further arguments that the pipeline knows.
        style: How the network's own training pictures were drawn.
        scheduler: A name of ``SCHEDULERS``; empty for the model's own.
        variant: The half-precision files of ``base``, where it has any.
        dtype: The number type on GPUs.
    """

    name: str
    title: str
    plain: str
    pipeline: str
    network: str
    base: str
    controlnet: str
    canvas: CanvasRule
    steps: int
    guidance: float
    strength: float = 1.0
    control_end: float = 1.0
    picture: str = "control_image"
    guidance_argument: str = "guidance_scale"
    mode: int | None = None
    listed: bool = False
    takes: frozenset[str] = _FLOW
    style: Style = Style.CONTROLNET
    scheduler: str = ""
    variant: str = ""
    dtype: str = "bfloat16"

    @property
    def has_schedulers(self) -> bool:
        """Whether the scheduler may be chosen; flow models know their own only."""
        return ETA in self.takes


SCHEDULERS: Final = {
    "ddim": "DDIMScheduler",
    "dpm++": "DPMSolverMultistepScheduler",
    "euler": "EulerDiscreteScheduler",
    "euler-a": "EulerAncestralDiscreteScheduler",
    "unipc": "UniPCMultistepScheduler",
}
"""Ways of denoising, and their classes."""


def _sdxl(name: str, title: str, controlnet: str, style: Style) -> Family:
    return Family(
        name=name,
        title=title,
        plain="StableDiffusionXLPipeline",
        pipeline="StableDiffusionXLControlNetPipeline",
        network="ControlNetModel",
        base="stabilityai/stable-diffusion-xl-base-1.0",
        controlnet=controlnet,
        picture="image",
        canvas=CanvasRule(1024, 64),
        steps=30,
        guidance=5.0,
        takes=_DIFFUSION,
        style=style,
        variant="fp16",
        dtype="float16",
    )


def _flux(  # noqa: PLR0913  what the two unions disagree about
    name: str, title: str, controlnet: str, *, mode: int | None, strength: float, end: float
) -> Family:
    return Family(
        name=name,
        title=title,
        plain="FluxPipeline",
        pipeline="FluxControlNetPipeline",
        network="FluxControlNetModel",
        base="black-forest-labs/FLUX.1-dev",
        controlnet=controlnet,
        mode=mode,
        canvas=CanvasRule(1024, 16),
        steps=28,
        guidance=3.5,
        strength=strength,
        control_end=end,
        takes=frozenset({START, END}),  # distilled guidance has no negative prompt
    )


_ROWS: Final = (
    Family(
        name="sd15",
        title="Stable Diffusion 1.5",
        plain="StableDiffusionPipeline",
        pipeline="StableDiffusionControlNetPipeline",
        network="ControlNetModel",
        base="stable-diffusion-v1-5/stable-diffusion-v1-5",
        controlnet="lllyasviel/control_v11p_sd15_openpose",
        picture="image",
        canvas=CanvasRule(512, 64, by_area=False),
        steps=20,
        guidance=9.0,
        takes=_DIFFUSION,
        scheduler="ddim",
        variant="fp16",
        dtype="float16",
    ),
    _sdxl(
        "sdxl-xinsir",
        "Stable Diffusion XL, xinsir's OpenPose",
        "xinsir/controlnet-openpose-sdxl-1.0",
        Style.XINSIR,
    ),
    _sdxl(
        "sdxl-thibaud",
        "Stable Diffusion XL, thibaud's OpenPose",
        "thibaud/controlnet-openpose-sdxl-1.0/OpenPoseXL2.safetensors",
        Style.CONTROLNET,
    ),
    Family(
        name="sdxl-union",
        title="Stable Diffusion XL, xinsir's union",
        plain="StableDiffusionXLPipeline",
        pipeline="StableDiffusionXLControlNetUnionPipeline",
        network="ControlNetUnionModel",
        base="stabilityai/stable-diffusion-xl-base-1.0",
        controlnet="xinsir/controlnet-union-sdxl-1.0",
        mode=0,
        listed=True,
        canvas=CanvasRule(1024, 64),
        steps=30,
        guidance=5.0,
        takes=_DIFFUSION,
        style=Style.XINSIR,
        variant="fp16",
        dtype="float16",
    ),
    _flux(
        "flux-union",
        "FLUX.1 dev, Union Pro",
        "Shakker-Labs/FLUX.1-dev-ControlNet-Union-Pro",
        mode=4,
        strength=0.7,
        end=1.0,
    ),
    _flux(
        "flux-union-2",
        "FLUX.1 dev, Union Pro 2.0",
        "Shakker-Labs/FLUX.1-dev-ControlNet-Union-Pro-2.0",
        mode=None,
        strength=0.9,
        end=0.65,
    ),
    Family(
        name="sd3",
        title="Stable Diffusion 3",
        plain="StableDiffusion3Pipeline",
        pipeline="StableDiffusion3ControlNetPipeline",
        network="SD3ControlNetModel",
        base="stabilityai/stable-diffusion-3-medium-diffusers",
        controlnet="InstantX/SD3-Controlnet-Pose",
        canvas=CanvasRule(1024, 16),
        steps=28,
        guidance=7.0,
        strength=0.5,
        dtype="float16",
    ),
    Family(
        name="qwen-image",
        title="Qwen-Image, InstantX's union",
        plain="QwenImagePipeline",
        pipeline="QwenImageControlNetPipeline",
        network="QwenImageControlNetModel",
        base="Qwen/Qwen-Image",
        controlnet="InstantX/Qwen-Image-ControlNet-Union",
        guidance_argument="true_cfg_scale",
        canvas=CanvasRule(1328, 16),
        steps=30,
        guidance=4.0,
    ),
    Family(
        name="z-image",
        title="Z-Image Turbo, Fun union",
        plain="ZImagePipeline",
        pipeline="ZImageControlNetPipeline",
        network="ZImageControlNetModel",
        base="Tongyi-MAI/Z-Image-Turbo",
        controlnet="alibaba-pai/Z-Image-Turbo-Fun-Controlnet-Union"
        "/Z-Image-Turbo-Fun-Controlnet-Union.safetensors",
        canvas=CanvasRule(1328, 16),
        steps=8,
        guidance=0.0,  # distilled: no negative prompt either
        strength=0.75,
        takes=frozenset(),
    ),
)

FAMILIES: Final = {row.name: row for row in _ROWS}
"""Families by name, the oldest first."""


def family_named(name: str) -> Family:
    """The family of that name.

    Raises:
        OptionError: If there is none; the message lists the choices.
    """
    if name not in FAMILIES:
        raise OptionError(f"family must be one of {', '.join(FAMILIES)}; got {name!r}")
    return FAMILIES[name]


def kin_of(class_name: str) -> str | None:
    """Which plain pipeline a pipeline's class name belongs to, ``None`` for a stranger's.

    >>> kin_of("StableDiffusionXLControlNetPipeline")
    'StableDiffusionXLPipeline'
    """
    stems = {row.plain.removesuffix("Pipeline") for row in _ROWS}
    fitting = [stem for stem in stems if class_name.startswith(stem)]
    return f"{max(fitting, key=len)}Pipeline" if fitting else None
