"""Words of the format: which key holds which points of a figure, and our own extra keys.

The keys and the order of BODY_25 are those of OpenPose's output documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .. import skeleton


@dataclass(frozen=True)
class Part:
    """A part of a person.

    Attributes:
        key: Holds ``x, y, confidence`` of each point, flat.
        scores_key: Holds the true score of each point; our addition.
        rows: The part's points within the 136 of a figure.
    """

    key: str
    scores_key: str
    rows: slice

    @property
    def count(self) -> int:
        """Number of points of the whole part."""
        return int(self.rows.stop - self.rows.start)


BODY: Final = Part("pose_keypoints_2d", "pose_scores", skeleton.FIGURE_BODY)
FACE: Final = Part("face_keypoints_2d", "face_scores", skeleton.FIGURE_FACE)
LEFT_HAND: Final = Part("hand_left_keypoints_2d", "hand_left_scores", skeleton.FIGURE_LEFT_HAND)
RIGHT_HAND: Final = Part("hand_right_keypoints_2d", "hand_right_scores", skeleton.FIGURE_RIGHT_HAND)
FEET: Final = Part("foot_keypoints_2d", "foot_scores", skeleton.FIGURE_FEET)
PARTS: Final = (BODY, FACE, LEFT_HAND, RIGHT_HAND, FEET)

BODY_25_COUNT: Final = 25
# BODY_25 has the middle of the hips as number 8, which the 18 joints lack, and feet at its end
BODY_25_JOINTS: Final = (*range(8), *range(9, 19))
BODY_25_FEET: Final = slice(19, 25)
COCO_BODY_COUNT: Final = 17  # another order, without a neck: refused, because it would look right

FACE_WITHOUT_PUPILS: Final = 68
PUPILS: Final = slice(skeleton.FIGURE_FACE.start + 68, skeleton.FIGURE_FACE.stop)
EYES: Final = slice(14, 16)  # joints right eye, left eye: in the order of the pupils

PEOPLE: Final = "people"
FRAMES: Final = "frames"
WIDTH: Final = "canvas_width"
HEIGHT: Final = "canvas_height"
MODEL: Final = "model"
VERSION: Final = "version"
BOX: Final = "box"
BOX_SCORE: Final = "box_score"
ID: Final = "id"
PERSON_ID: Final = "person_id"  # OpenPose's own: a list of one number, -1 for "not known"

assert len(BODY_25_JOINTS) == BODY.count == 18
assert BODY_25_FEET.stop - BODY_25_FEET.start == FEET.count
assert BODY_25_FEET.stop == BODY_25_COUNT
assert PUPILS.stop - PUPILS.start == EYES.stop - EYES.start
assert sum(part.count for part in PARTS) == skeleton.FIGURE_COUNT
