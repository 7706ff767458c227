"""DWPose whole-body figures for ControlNet: from a photo to OpenPose-coloured stick figures.

>>> import dw_openpose_full as dw
>>> estimator = dw.DwOpenpose.load()             # doctest: +SKIP
>>> annotation = estimator("photo.jpg")          # doctest: +SKIP

Importing this loads numpy and cv2 only; engines are loaded by ``DwOpenpose.load``.
"""

from typing import TYPE_CHECKING

from ._version import package_version
from .annotation import Annotation, Look
from .assembly import Supply
from .drop_in import DWposeDetector
from .errors import (
    DependencyError,
    DwPoseError,
    ModelError,
    OptionError,
    OutputError,
    PictureError,
    PictureTypeError,
    PoseError,
    PoseJsonError,
)
from .figures import OpenPoseFigures
from .people import Order, PeopleChoice
from .phantoms import without_phantoms
from .pictures import as_picture, read_picture
from .pipeline import DwOpenpose
from .pose_json import count_frames, from_openpose_json, to_openpose_json
from .poses import Boxes, ImageSize, WholeBodyPoses
from .render import Parts, Style, render
from .thresholds import Thresholds

if TYPE_CHECKING:
    from .generation import pose_to_image

__all__ = [
    "Annotation",
    "Boxes",
    "DWposeDetector",
    "DependencyError",
    "DwOpenpose",
    "DwPoseError",
    "ImageSize",
    "Look",
    "ModelError",
    "OpenPoseFigures",
    "OptionError",
    "Order",
    "OutputError",
    "Parts",
    "PeopleChoice",
    "PictureError",
    "PictureTypeError",
    "PoseError",
    "PoseJsonError",
    "Style",
    "Supply",
    "Thresholds",
    "WholeBodyPoses",
    "as_picture",
    "count_frames",
    "from_openpose_json",
    "pose_to_image",
    "read_picture",
    "render",
    "to_openpose_json",
    "without_phantoms",
]


def __getattr__(name: str) -> object:
    """``__version__`` and ``pose_to_image``, asked for rather than read at import."""
    if name == "__version__":
        return package_version()
    if name == "pose_to_image":
        from .generation import pose_to_image

        return pose_to_image
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
