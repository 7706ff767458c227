"""``DWposeDetector``, callable as those of controlnet_aux and easy_dwpose are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from .errors import DependencyError, OptionError
from .pictures import PictureLike
from .pipeline import DwOpenpose
from .poses import RgbImage
from .render import Parts

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage


class DWposeDetector:
    """A drop-in: the same call, the same kind of result."""

    def __init__(
        self, device: str = "auto", *, model: str = "auto", detector: str = "auto"
    ) -> None:
        """Load networks; the arguments are those of :meth:`DwOpenpose.load`."""
        self.estimator = DwOpenpose.load(model=model, detector=detector, device=device)

    def __call__(  # noqa: PLR0913  the arguments of the detectors it stands in for
        self,
        image: PictureLike,
        detect_resolution: int = 512,
        image_resolution: int | None = None,
        *,
        include_body: bool = True,
        include_hand: bool = True,
        include_face: bool = True,
        output_type: Literal["pil", "np"] = "pil",
        image_and_json: bool = False,
    ) -> PilImage | RgbImage | tuple[PilImage | RgbImage, dict[str, Any]]:
        """Draw the figures of the people in a picture.

        The people are read at the picture's full size. The picture's proportions are kept; others
        round both sides to multiples of 64.

        Args:
            image: RGB uint8 ``(H, W, 3)``, a PIL image, or a path.
            detect_resolution: Shorter side of the canvas, in pixels.
            image_resolution: The same, if given; others scale the drawing to it.
            include_body: Draw the body.
            include_hand: Draw the hands.
            include_face: Draw the face.
            output_type: ``"pil"`` or ``"np"``.
            image_and_json: Return the OpenPose JSON object too.

        Returns:
            The canvas, or the canvas and the JSON object.

        Raises:
            OptionError: If an option is none of the choices.
            PictureError: If the picture can not be read.
            DependencyError: If a PIL image is asked for and Pillow is not installed.
        """
        if output_type not in {"pil", "np"}:
            raise OptionError(f'output_type must be "pil" or "np", got {output_type!r}')
        parts = Parts(0)
        for wanted, part in (
            (include_body, Parts.BODY),
            (include_hand, Parts.HANDS),
            (include_face, Parts.FACE),
        ):
            parts |= part if wanted else Parts(0)
        resolution = detect_resolution if image_resolution is None else image_resolution
        annotation = self.estimator(image, resolution=resolution, parts=parts)
        canvas = annotation.canvas if output_type == "np" else _as_pil(annotation.canvas)
        return (canvas, annotation.to_json()) if image_and_json else canvas


def _as_pil(canvas: RgbImage) -> PilImage:
    try:
        from PIL import Image
    except ImportError as error:
        raise DependencyError(
            'output_type="pil" needs Pillow: pip install "dw-openpose-full[cli]", '
            'or ask for output_type="np"'
        ) from error
    return Image.fromarray(canvas)
