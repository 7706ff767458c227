"""Our own reference pictures: which there are, how they are read, drawn and written anew.

``PYTHONPATH=annotator python tests/golden_pictures.py`` draws all of them again. Look at each one
that changed before you commit it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np

from dw_openpose_full.figures import OpenPoseFigures
from dw_openpose_full.poses import RgbImage, WholeBodyPoses
from dw_openpose_full.render import Parts, Style, render

FOLDER: Final = Path(__file__).parent / "golden"


class Golden(NamedTuple):
    """One reference picture ``NAME.png``, drawn from the poses in ``POSES.json``."""

    name: str
    poses: str
    style: Style
    parts: Parts = Parts.ALL
    size: tuple[int, int] | None = None


GOLDENS: Final = (
    Golden("pair_controlnet", "pair", Style.CONTROLNET),
    Golden("pair_controlnet_feet", "pair", Style.CONTROLNET, Parts.ALL | Parts.FEET),
    Golden("pair_dwpose", "pair", Style.DWPOSE),
    Golden("pair_musepose", "pair", Style.MUSEPOSE),
    Golden("pair_mimicmotion", "pair", Style.MIMICMOTION),
    Golden("pair_xinsir_feet", "pair", Style.XINSIR, Parts.ALL | Parts.FEET, (576, 480)),
    Golden("pair_overlay_feet", "pair", Style.OVERLAY, Parts.ALL | Parts.FEET, (576, 480)),
    Golden("cropped_controlnet_feet", "cropped", Style.CONTROLNET, Parts.ALL | Parts.FEET),
    Golden("cropped_hands", "cropped", Style.CONTROLNET, Parts.HANDS),
    Golden("cropped_face", "cropped", Style.CONTROLNET, Parts.FACE),
)


def read_poses(name: str) -> WholeBodyPoses:
    """Poses of a JSON file of the folder."""
    document = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return WholeBodyPoses.from_arrays(
        document["keypoints"], document["scores"], image_size=tuple(document["image_size"])
    )


def draw(golden: Golden) -> RgbImage:
    """The picture as it is drawn now; the overlay on a grey ramp, not on black."""
    figures = OpenPoseFigures.from_poses(read_poses(golden.poses))
    size = golden.size or figures.image_size
    ramp = None
    if golden.style is Style.OVERLAY:
        rows = np.linspace(40, 215, size[0]).astype(np.uint8)
        ramp = np.broadcast_to(rows[:, None, None], (*size, 3))
    return render(figures, golden.style, golden.parts, golden.size, ramp)


def read_picture(name: str) -> RgbImage:
    """A reference picture."""
    data = np.frombuffer((FOLDER / f"{name}.png").read_bytes(), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


def write_picture(name: str, picture: RgbImage) -> None:
    """Put a reference picture in the folder."""
    _, data = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    (FOLDER / f"{name}.png").write_bytes(data.tobytes())


if __name__ == "__main__":
    for each in GOLDENS:
        write_picture(each.name, draw(each))
