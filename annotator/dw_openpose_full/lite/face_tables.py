"""Tables of the face: which mesh points make the 68, and what a mean face looks like.

The 68 are in iBUG order (300 Faces In-The-Wild, Sagonas et al., 2016), which COCO-WholeBody uses;
the mesh is MediaPipe's of 468 points (Kartynnik et al., 2019).
"""

from __future__ import annotations

from typing import Final

FACE_POINTS: Final = 68

# each of the 68 is the middle of two mesh points, mostly the same one twice: the jaw at even arcs
# from the ears at eye level to the chin, brows between their two edges, lips half way between
# corner and cupid's bow
MESH_PAIRS: Final = (
    (127, 127), (234, 93), (132, 132), (58, 58), (172, 172),  # jaw, right ear to left
    (150, 150), (149, 149), (148, 148), (152, 152), (377, 377), (378, 378), (379, 379),
    (397, 397), (288, 288), (361, 361), (454, 323), (356, 356),
    (70, 46), (63, 53), (105, 52), (66, 65), (107, 55),  # right brow
    (336, 285), (296, 295), (334, 282), (293, 283), (300, 276),  # left brow
    (168, 168), (197, 6), (195, 195), (4, 4), (98, 98), (97, 97),  # nose
    (2, 2), (326, 326), (327, 327),
    (33, 33), (160, 160), (158, 158), (133, 133), (153, 153),  # right eye
    (144, 144),
    (362, 362), (385, 385), (387, 387), (263, 263), (373, 373),  # left eye
    (380, 380),
    (61, 61), (39, 40), (37, 37), (0, 0), (267, 267), (269, 270),  # outer lips
    (291, 291), (405, 321), (314, 314), (17, 17), (84, 84), (181, 91),
    (78, 78), (81, 81), (13, 13), (311, 311), (308, 308), (402, 402),  # inner lips
    (14, 14), (178, 178),
)  # fmt: skip

# the mean of 14 frontal meshes, measured with this model: the middle between the eyes is (0, 0),
# the way between the eyes' outer corners is 1, x to the picture's right, y down
MEAN_FACE: Final = (
    (-0.76, 0.03), (-0.74, 0.26), (-0.72, 0.51), (-0.67, 0.69),  # jaw, right ear to left
    (-0.6, 0.83), (-0.43, 1.05), (-0.34, 1.12), (-0.14, 1.23), (0, 1.25), (0.14, 1.23),
    (0.34, 1.12), (0.43, 1.05), (0.6, 0.83), (0.67, 0.69), (0.72, 0.51), (0.74, 0.26),
    (0.76, 0.03),
    (-0.6, -0.13), (-0.54, -0.18), (-0.44, -0.2), (-0.31, -0.19),  # right brow
    (-0.15, -0.16),
    (0.15, -0.16), (0.31, -0.19), (0.44, -0.2), (0.54, -0.18),  # left brow
    (0.6, -0.13),
    (0, -0.03), (0, 0.1), (0, 0.22), (0, 0.4), (-0.2, 0.48),  # nose
    (-0.09, 0.52), (0, 0.53), (0.09, 0.52), (0.2, 0.48),
    (-0.5, -0), (-0.43, -0.04), (-0.31, -0.05), (-0.19, 0.02),  # right eye
    (-0.29, 0.04), (-0.4, 0.04),
    (0.19, 0.02), (0.31, -0.05), (0.43, -0.04), (0.5, -0),  # left eye
    (0.4, 0.04), (0.29, 0.04),
    (-0.33, 0.72), (-0.22, 0.67), (-0.1, 0.65), (0, 0.66),  # outer lips
    (0.1, 0.65), (0.22, 0.67), (0.33, 0.72), (0.21, 0.85), (0.1, 0.91), (0, 0.92), (-0.1, 0.91),
    (-0.21, 0.85),
    (-0.28, 0.72), (-0.14, 0.71), (0, 0.72), (0.14, 0.71),  # inner lips
    (0.28, 0.72), (0.15, 0.8), (0, 0.82), (-0.15, 0.8),
)  # fmt: skip

# where a detector's key points lie on that mean face
MEAN_ANCHORS: Final = (
    (0, 0.4),  # tip of the nose
    (0.345, 0),  # left eye
    (-0.345, 0),  # right eye
    (0, 0.77),  # middle of the mouth
)

assert len(MESH_PAIRS) == len(MEAN_FACE) == FACE_POINTS
