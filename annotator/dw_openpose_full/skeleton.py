"""Tables of the two skeletons: which keypoint is which, what is joined to what, in which colour.

*Whole body* is the 133-keypoint layout of COCO-WholeBody (Jin et al., ECCV 2020, section 3); the
spreads at the end are the constants that data set's evaluation publishes. *OpenPose* is the
18-joint COCO layout of OpenPose (Cao et al., 2017) with 70 face and 21 hand points, and the colours
are those of its documentation's figures, which the ControlNets were trained on.

"Left" is the person's own left.
"""

from __future__ import annotations

from typing import Final

Rgb = tuple[int, int, int]

# ---------------------------------------------------------------- whole body: 133 keypoints
WHOLE_BODY_COUNT: Final = 133
BODY: Final = slice(0, 17)
FEET: Final = slice(17, 23)
FACE: Final = slice(23, 91)
LEFT_HAND: Final = slice(91, 112)
RIGHT_HAND: Final = slice(112, 133)

BODY_NAMES: Final = (
    "nose",  # 0
    "left_eye",  # 1
    "right_eye",  # 2
    "left_ear",  # 3
    "right_ear",  # 4
    "left_shoulder",  # 5
    "right_shoulder",  # 6
    "left_elbow",  # 7
    "right_elbow",  # 8
    "left_wrist",  # 9
    "right_wrist",  # 10
    "left_hip",  # 11
    "right_hip",  # 12
    "left_knee",  # 13
    "right_knee",  # 14
    "left_ankle",  # 15
    "right_ankle",  # 16
)
FOOT_NAMES: Final = (
    "left_big_toe",  # 17
    "left_small_toe",  # 18
    "left_heel",  # 19
    "right_big_toe",  # 20
    "right_small_toe",  # 21
    "right_heel",  # 22
)

# ---------------------------------------------------------------- OpenPose figure: 136 points
FIGURE_COUNT: Final = 136
FIGURE_BODY: Final = slice(0, 18)
FIGURE_FACE: Final = slice(18, 88)
FIGURE_LANDMARKS: Final = slice(18, 86)  # the face without its pupils
FIGURE_PUPILS: Final = slice(86, 88)
FIGURE_LEFT_HAND: Final = slice(88, 109)
FIGURE_RIGHT_HAND: Final = slice(109, 130)
FIGURE_FEET: Final = slice(130, 136)

NECK: Final = 1  # the one joint that no keypoint gives: the middle of the shoulders

# which whole-body keypoint an OpenPose joint is; the neck (-1) is computed
JOINT_SOURCES: Final = (
    0,  # 0 nose
    -1,  # 1 neck
    6,  # 2 right shoulder
    8,  # 3 right elbow
    10,  # 4 right wrist
    5,  # 5 left shoulder
    7,  # 6 left elbow
    9,  # 7 left wrist
    12,  # 8 right hip
    14,  # 9 right knee
    16,  # 10 right ankle
    11,  # 11 left hip
    13,  # 12 left knee
    15,  # 13 left ankle
    2,  # 14 right eye
    1,  # 15 left eye
    4,  # 16 right ear
    3,  # 17 left ear
)
PUPIL_SOURCES: Final = (2, 1)  # face points 68 and 69 are copies of the right and the left eye

JOINT_COLOURS: Final[tuple[Rgb, ...]] = (
    (255, 0, 0),  # 0 nose
    (255, 85, 0),  # 1 neck
    (255, 170, 0),  # 2 right shoulder
    (255, 255, 0),  # 3 right elbow
    (170, 255, 0),  # 4 right wrist
    (85, 255, 0),  # 5 left shoulder
    (0, 255, 0),  # 6 left elbow
    (0, 255, 85),  # 7 left wrist
    (0, 255, 170),  # 8 right hip
    (0, 255, 255),  # 9 right knee
    (0, 170, 255),  # 10 right ankle
    (0, 85, 255),  # 11 left hip
    (0, 0, 255),  # 12 left knee
    (85, 0, 255),  # 13 left ankle
    (170, 0, 255),  # 14 right eye
    (255, 0, 255),  # 15 left eye
    (255, 0, 170),  # 16 right ear
    (255, 0, 85),  # 17 left ear
)

# limbs in drawing order; limb i has the colour of joint i, dimmed
LIMBS: Final = (
    (1, 2),  # 0 neck - right shoulder
    (1, 5),  # 1 neck - left shoulder
    (2, 3),  # 2 right upper arm
    (3, 4),  # 3 right forearm
    (5, 6),  # 4 left upper arm
    (6, 7),  # 5 left forearm
    (1, 8),  # 6 neck - right hip
    (8, 9),  # 7 right thigh
    (9, 10),  # 8 right shin
    (1, 11),  # 9 neck - left hip
    (11, 12),  # 10 left thigh
    (12, 13),  # 11 left shin
    (1, 0),  # 12 neck - nose
    (0, 14),  # 13 nose - right eye
    (14, 16),  # 14 right eye - right ear
    (0, 15),  # 15 nose - left eye
    (15, 17),  # 16 left eye - left ear
)

# bones of a hand: thumb, index, middle, ring, little finger, each from the wrist outwards
HAND_BONES: Final = tuple(
    (0 if segment == 0 else 4 * finger + segment, 4 * finger + segment + 1)
    for finger in range(5)
    for segment in range(4)
)

# bone k has the hue k/20 at full saturation and value, rounded as OpenCV rounds it
HAND_COLOURS: Final[tuple[Rgb, ...]] = (
    (255, 0, 0),  # 0 thumb
    (255, 77, 0),  # 1
    (255, 153, 0),  # 2
    (255, 229, 0),  # 3
    (204, 255, 0),  # 4 index finger
    (128, 255, 0),  # 5
    (51, 255, 0),  # 6
    (0, 255, 25),  # 7
    (0, 255, 102),  # 8 middle finger
    (0, 255, 179),  # 9
    (0, 255, 255),  # 10
    (0, 178, 255),  # 11
    (0, 102, 255),  # 12 ring finger
    (0, 25, 255),  # 13
    (51, 0, 255),  # 14
    (128, 0, 255),  # 15
    (204, 0, 255),  # 16 little finger
    (255, 0, 230),  # 17
    (255, 0, 153),  # 18
    (255, 0, 77),  # 19
)

# feet, drawn only when asked for: from the ankle (a joint) to heel and toes (rows of FIGURE_FEET).
# No published ControlNet drawing has them; see docs/adr/0006-feet.md.
FOOT_BONES: Final = (
    (13, 0),  # left ankle - left big toe
    (13, 1),  # left ankle - left small toe
    (13, 2),  # left ankle - left heel
    (10, 3),  # right ankle - right big toe
    (10, 4),  # right ankle - right small toe
    (10, 5),  # right ankle - right heel
)
# a foot's bones go on in the colour of the shin that ends in their ankle (a limb's number), its
# points in the colour of the ankle, so that no colour of another part of the body turns up there
FOOT_SHINS: Final = (11, 11, 11, 8, 8, 8)

# ---------------------------------------------------------------- mirror images
_FACE_RUNS: Final = (
    (0, 16, 16),  # jaw
    (17, 26, 43),  # brows
    (31, 35, 66),  # nostrils; the bridge, 27 to 30, lies in the middle
    (36, 39, 81), (42, 45, 81), (40, 41, 87), (46, 47, 87),  # eyes
    (48, 54, 102), (55, 59, 114),  # mouth, outside
    (60, 64, 124), (65, 67, 132),  # mouth, inside
)  # fmt: skip
"""First and last point of a run that a mirror turns round, and what a pair adds up to."""


def _mirrored() -> tuple[int, ...]:
    """For each keypoint, the one that takes its place in a mirror."""
    others = list(range(WHOLE_BODY_COUNT))
    for left in range(1, BODY.stop, 2):
        others[left], others[left + 1] = left + 1, left
    left_foot, right_foot = others[17:20], others[20:23]
    others[FEET] = right_foot + left_foot
    for first, last, total in _FACE_RUNS:
        for point in range(first, last + 1):
            others[FACE.start + point] = FACE.start + total - point
    others[LEFT_HAND], others[RIGHT_HAND] = others[RIGHT_HAND], others[LEFT_HAND]
    return tuple(others)


MIRRORED: Final = _mirrored()
"""The table of the data set's flip pairs; left and right change places, the middle stays."""

# ---------------------------------------------------------------- spreads of the data set
BODY_SIGMAS: Final = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072,  # head, shoulders, elbows
    0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089,  # wrists, hips, knees, ankles
)  # fmt: skip
FOOT_SIGMAS: Final = (0.068, 0.066, 0.066, 0.092, 0.094, 0.094)
FACE_SIGMAS: Final = (
    0.042, 0.043, 0.044, 0.043, 0.04, 0.035, 0.031, 0.025, 0.02, 0.023, 0.029, 0.032,  # jaw
    0.037, 0.038, 0.043, 0.041, 0.045,
    0.013, 0.012, 0.011, 0.011, 0.012, 0.012, 0.011, 0.011, 0.013, 0.015,  # brows
    0.009, 0.007, 0.007, 0.007, 0.012, 0.009, 0.008, 0.016, 0.01,  # nose
    0.017, 0.011, 0.009, 0.011, 0.009, 0.007, 0.013, 0.008, 0.011, 0.012, 0.01, 0.034,  # eyes
    0.008, 0.008, 0.009, 0.008, 0.008, 0.007, 0.01, 0.008, 0.009, 0.009, 0.009, 0.007,  # mouth
    0.007, 0.008, 0.011, 0.008, 0.008, 0.008, 0.01, 0.008,
)  # fmt: skip
HAND_SIGMAS: Final = (
    0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018, 0.024, 0.022, 0.026,
    0.017, 0.021, 0.021, 0.032, 0.02, 0.019, 0.022, 0.031,
)  # fmt: skip

assert len(BODY_NAMES) == len(BODY_SIGMAS) == BODY.stop - BODY.start
assert len(FOOT_NAMES) == len(FOOT_SIGMAS) == len(FOOT_BONES) == FEET.stop - FEET.start
assert len(FACE_SIGMAS) == FACE.stop - FACE.start == 68
assert len(HAND_SIGMAS) == LEFT_HAND.stop - LEFT_HAND.start == RIGHT_HAND.stop - RIGHT_HAND.start
assert all(LIMBS[shin][1] == ankle for shin, (ankle, _) in zip(FOOT_SHINS, FOOT_BONES, strict=True))
assert RIGHT_HAND.stop == WHOLE_BODY_COUNT
assert FIGURE_FEET.stop == FIGURE_COUNT
assert len(JOINT_SOURCES) == len(JOINT_COLOURS) == FIGURE_BODY.stop == 18
assert sorted(JOINT_SOURCES) == [-1, *range(17)]
assert len(LIMBS) == len(JOINT_COLOURS) - 1
assert len(HAND_BONES) == len(HAND_COLOURS) == 20
assert all(MIRRORED[other] == keypoint for keypoint, other in enumerate(MIRRORED))
