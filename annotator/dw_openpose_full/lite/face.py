"""Organ 6: 68 face keypoints, looked for where the body has its nose, eyes and ears.

The face detector straightens and centres the crop, the mesh network reads 468 points in it, and
once more in a crop from its own points. A face too small for the mesh gets a mean face laid on its
key points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from ..backends import Session
from ..geometry import Crop, View, direction, distance
from ..poses import FloatArray
from . import blazepose
from .body import Body
from .face_box import SIDE as DETECTOR_SIDE
from .face_box import FaceBox, FaceDetector
from .face_tables import MEAN_ANCHORS, MEAN_FACE, MESH_PAIRS
from .logits import sigmoid

MESH_SIDE: Final = 192
MESH_POINTS: Final = 468
MESH_PAD: Final = 1.5  # mesh crop, of the face's box (MediaPipe)
MESH_NOSE, MESH_RIGHT_CORNER, MESH_LEFT_CORNER = 4, 33, 263  # tip; outer corners of the eyes

NOSE, LEFT_EYE, RIGHT_EYE = 0, 1, 2
HEAD: Final = slice(0, 5)
SEEN: Final = 0.2  # head points that score less do not say where a face is
BLAZE_NEAR: Final = (
    0.4  # of the head points' extent, between the networks' noses, to use BlazePose's
)
SMALLEST_EXTENT: Final = 4.0  # pixels; smaller faces get the mean face
DETECTOR_CROPS: Final = (3.0, 2.0, 4.5)  # crop sides that are tried, of the head points' extent
BLIND_CROP: Final = 1.7  # mesh crop where the detector sees nothing, of the same
UPSIDE_DOWN: Final = 2.0  # radians; eyes turned further are a mistake of the body

FACE_THERE: Final = 0.5  # the mesh network's flag, as in MediaPipe
WORTH_A_LOOK: Final = 0.02  # a flag above this is worth the second look
WORSE: Final = 0.1  # the second look counts unless its flag is this much lower
NOSE_NEAR: Final = 0.5  # of the extent, between the mesh's nose and the body's; else another's face
MEAN_SCORE: Final = 0.5  # of a mean face
HEAD_SURE: Final = 0.5  # ... less where the head points score below this

_PAIRS: Final = np.array(MESH_PAIRS)
_MEAN: Final = np.array(MEAN_FACE, np.float64)
_ANCHORS: Final = np.array(MEAN_ANCHORS, np.float64)


class Face(NamedTuple):
    """A face: 68 points ``(68, 2)`` in the view, and how sure it is, 0..1."""

    points: FloatArray
    score: float


class _Head(NamedTuple):
    """Where the body has its head: middle, extent in pixels, and rotation of the eyes."""

    centre: FloatArray
    extent: float
    rotation: float


class FaceReader:
    """Finds and reads faces."""

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        """Take the loaded networks ``face_detection`` and ``face``."""
        self._detector = FaceDetector(sessions["face_detection"])
        self._mesh = sessions["face"]

    def read(self, view: View, body: Body) -> Face | None:
        """The face of a body; ``None`` where none is seen, or only another's."""
        points, scores = body.points[HEAD], body.scores[HEAD]
        if (scores > SEEN).sum() < 2:
            return None
        head = _head(body)
        box = None
        if head.extent >= SMALLEST_EXTENT:
            box = self._find_box(view, head)
            face = self._read_mesh(view, body, head, box)
            if face is not None:
                return face
        if box is not None:
            return Face(mean_face_on(box.keys), MEAN_SCORE)
        eyes_and_nose = scores[: RIGHT_EYE + 1]
        if (eyes_and_nose > SEEN).all():
            sure = min(1.0, float(eyes_and_nose.min()) / HEAD_SURE)
            return Face(mean_face_on(points[: RIGHT_EYE + 1]), MEAN_SCORE * sure)
        return None

    def _find_box(self, view: View, head: _Head) -> FaceBox | None:
        for times in DETECTOR_CROPS:
            side = head.extent * times
            crop = Crop.square(head.centre, side, DETECTOR_SIDE, head.rotation)
            box = self._detector.find(view, crop, side / DETECTOR_SIDE)
            if box is not None:
                return box
        return None

    def _read_mesh(self, view: View, body: Body, head: _Head, box: FaceBox | None) -> Face | None:
        """The mesh's face: in the detector's box if there is one, else where the head must be."""
        crops = [Crop.square(head.centre, head.extent * BLIND_CROP, MESH_SIDE, head.rotation)]
        if box is not None:
            rotation = direction(box.keys[LEFT_EYE] - box.keys[RIGHT_EYE])
            crops.insert(0, Crop.square(box.centre, box.side * MESH_PAD, MESH_SIDE, rotation))
        for crop in crops:
            mesh, flag = self._look_twice(view, crop)
            near = distance(mesh[MESH_NOSE], body.points[NOSE]) <= NOSE_NEAR * head.extent
            if flag >= FACE_THERE and near:
                return Face(mesh[_PAIRS].mean(axis=1), flag)
        return None

    def _look_twice(self, view: View, crop: Crop) -> tuple[FloatArray, float]:
        mesh, flag = self._look(view, crop)
        if flag < WORTH_A_LOOK:
            return mesh, flag
        again = self._look(view, next_crop(mesh))
        return again if again[1] >= flag - WORSE else (mesh, flag)

    def _look(self, view: View, crop: Crop) -> tuple[FloatArray, float]:
        """Mesh ``(468, 2)`` in the view, and the flag that a face is there."""
        pixels = view.cut(crop)[None].astype(np.float32) / np.float32(255)
        mesh, flag = self._mesh.run(pixels)
        points = crop.points_in_image(mesh.reshape(MESH_POINTS, 3)[:, :2])
        return points, float(sigmoid(flag).item())


def _head(body: Body) -> _Head:
    points, scores = body.points[HEAD], body.scores[HEAD]
    seen = points[scores > SEEN]
    if body.blaze is not None:
        apart = distance(body.blaze[NOSE], points[NOSE])
        if apart < BLAZE_NEAR * float(np.ptp(seen, axis=0).max()):
            seen = np.concatenate([seen, body.blaze[blazepose.FACE]])
    low, high = seen.min(axis=0), seen.max(axis=0)
    rotation = 0.0
    if scores[LEFT_EYE] > SEEN and scores[RIGHT_EYE] > SEEN:
        rotation = direction(points[LEFT_EYE] - points[RIGHT_EYE])
    upright = 0.0 if abs(rotation) > UPSIDE_DOWN else rotation
    return _Head((low + high) / 2, float((high - low).max()), upright)


def next_crop(mesh: FloatArray) -> Crop:
    """The crop for the next look at a face, from its mesh ``(468, 2)`` in this one."""
    rotation = direction(mesh[MESH_LEFT_CORNER] - mesh[MESH_RIGHT_CORNER])
    cosine, sine = math.cos(rotation), math.sin(rotation)
    axes = np.array([[cosine, sine], [-sine, cosine]])  # rows: the turned face's x and y axes
    turned = mesh @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    side = float((high - low).max()) * MESH_PAD
    return Crop.square((low + high) / 2 @ axes, side, MESH_SIDE, rotation)


def mean_face_on(keys: FloatArray) -> FloatArray:
    """A mean face ``(68, 2)`` laid on key points in the picture.

    Args:
        keys: ``(3, 2)`` nose, left eye, right eye: the face is turned and scaled onto them; or
            ``(4, 2)``, with the mouth: it is sheared too, as a face seen from the side is.
    """
    if len(keys) == len(MEAN_ANCHORS):
        corners = np.concatenate([_ANCHORS, np.ones((len(keys), 1))], axis=1)
        onto = np.linalg.lstsq(corners, keys.astype(np.float64), rcond=None)[0]
        laid = _MEAN @ onto[:2] + onto[2]
    else:  # the similarity of least squares, in complex numbers
        source, target = _ANCHORS[: len(keys)] @ (1, 1j), keys.astype(np.float64) @ (1, 1j)
        centred, goal = source - source.mean(), target - target.mean()
        turn = (centred.conj() * goal).sum() / (np.abs(centred) ** 2).sum()
        moved = (_MEAN @ (1, 1j) - source.mean()) * turn + target.mean()
        laid = np.stack([moved.real, moved.imag], axis=1)
    face: FloatArray = laid.astype(np.float32)
    return face
