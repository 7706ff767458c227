"""From a picture's poses to what users take away: figures, a canvas and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

from .errors import OptionError
from .figures import OpenPoseFigures
from .geometry import resized
from .phantoms import without_phantoms
from .pose_json import to_openpose_json
from .poses import ImageSize, RgbImage, WholeBodyPoses
from .render import Parts, Style, checked_canvas_size, render
from .thresholds import DEFAULT_THRESHOLD, Thresholds


@dataclass(frozen=True)
class Look:
    """How figures are drawn.

    Attributes:
        resolution: Shorter side of the canvas, in pixels; the picture's own where ``None``. The
            picture's proportions are kept.
        style: Whose drawing to match.
        parts: What to draw.
        threshold: Lowest score of a visible point, 0..1, or one for each part.
        phantoms: Show hands and faces that hang on no body, as other annotators do.
    """

    resolution: int | None = None
    style: Style | str = Style.CONTROLNET
    parts: Parts = Parts.ALL
    threshold: Thresholds | float = DEFAULT_THRESHOLD
    phantoms: bool = False

    def __post_init__(self) -> None:
        """Refuse an unknown style or a threshold out of range.

        Raises:
            OptionError: If one is.
        """
        object.__setattr__(self, "style", Style.named(self.style))
        object.__setattr__(self, "threshold", Thresholds.of(self.threshold))

    def canvas_size(self, image_size: ImageSize) -> ImageSize:
        """Size of the canvas of a picture, in its proportions.

        Raises:
            OptionError: If the resolution is not positive, or gives a canvas above the limit.
        """
        if self.resolution is None:
            return image_size
        if not isinstance(self.resolution, Integral) or self.resolution < 1:
            raise OptionError(
                f"resolution must be a positive number of pixels, got {self.resolution!r}"
            )
        scale = self.resolution / min(image_size)
        return checked_canvas_size([round(side * scale) for side in image_size])

    def figures(self, poses: WholeBodyPoses, size: ImageSize) -> OpenPoseFigures:
        """The figures of a picture's people, on a canvas of a size."""
        figures = OpenPoseFigures.from_poses(poses, self.threshold)
        return (figures if self.phantoms else without_phantoms(figures)).scaled_to(size)

    def draw(self, figures: OpenPoseFigures, picture: RgbImage | None = None) -> RgbImage:
        """The canvas of figures; ``picture`` is what the overlay is laid on, of any size."""
        background = None if picture is None else resized(picture, figures.image_size)
        return render(figures, self.style, self.parts, background=background)


@dataclass(frozen=True, eq=False)
class Annotation:
    """All that one picture gave.

    Attributes:
        canvas: ``(H, W, 3)`` uint8 RGB, the drawn figures.
        figures: What was drawn, in pixels of the canvas.
        poses: What was read, in pixels of the source picture.
    """

    canvas: RgbImage
    figures: OpenPoseFigures
    poses: WholeBodyPoses

    @classmethod
    def of(cls, picture: RgbImage, poses: WholeBodyPoses, look: Look) -> Annotation:
        """Draw the people of a picture.

        Raises:
            OptionError: If the resolution is not positive, or gives a canvas above the limit.
        """
        figures = look.figures(poses, look.canvas_size(ImageSize.of(picture)))
        canvas = look.draw(figures, picture if look.style is Style.OVERLAY else None)
        return cls(canvas, figures, poses)

    def to_json(self) -> dict[str, Any]:
        """The figures as one OpenPose JSON object; see :func:`to_openpose_json`."""
        return to_openpose_json(self.figures, poses=self.poses)
