"""What a row of the zoo is: files, where they are published, and the models made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal

PICKLES: Final = (".pth", ".pt", ".pkl", ".ckpt", ".bin")
"""Kinds of file that may run code as they are opened; no row of the zoo is one."""


@dataclass(frozen=True)
class HubFile:
    """A file on the Hugging Face hub, or a mirror of it.

    Attributes:
        repo: ``owner/name``.
        file: Its path in the repository.
        revision: A commit, where one is known; a branch may hold another file tomorrow.
    """

    repo: str
    file: str
    revision: str = "main"


@dataclass(frozen=True)
class WebFile:
    """A file behind an address.

    Attributes:
        url: ``https`` (``http`` is for this machine only).
        member: If the address is a zip archive's, the name of the file in it, without folders.
    """

    url: str
    member: str = ""


@dataclass(frozen=True)
class Weight:
    """One network file.

    Attributes:
        file: Its path below a folder of weights, with ``/``.
        size: Its length in bytes; None where nobody has told.
        sha256: Its digest, 64 hexadecimal digits; None where nobody has told.
        source: Who publishes it, or what it was converted from.
        licence: SPDX name of the licence the weights are published under.
        places: Where it can be fetched, best first; none if it comes with the package.
    """

    file: str
    size: int | None
    sha256: str | None
    source: str
    licence: str
    places: tuple[HubFile | WebFile, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a row that leads out of its folder, or to a pickle."""
        path = PurePosixPath(self.file)
        if path.is_absolute() or ".." in path.parts or not path.name or set(self.file) & set("\\:"):
            raise ValueError(f"{self.file!r} is no path below a folder of weights")
        if path.suffix.lower() in PICKLES:
            raise ValueError(f"{self.file!r} is a pickle; convert it first")


@dataclass(frozen=True)
class InputFormat:
    """How a network wants its pixels, which its graph does not tell.

    Attributes:
        channel_order: Order of the channels it was trained on.
        mean: What is taken off each channel, 0..255, in that order.
        std: What each channel is then divided by.
    """

    channel_order: Literal["RGB", "BGR"]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


IMAGENET_RGB: Final = InputFormat("RGB", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
"""Of every published DWPose, RTMPose and RTMW file; not baked into them."""

PLAIN_BGR: Final = InputFormat("BGR")
"""Of Megvii's YOLOX: 0..255 as they are."""


@dataclass(frozen=True)
class ModelCard:
    """A named set of weights for one step of the way from picture to poses.

    Attributes:
        name: What users call it.
        kind: ``"detector"``: picture to boxes; ``"model"``: picture and boxes to poses.
        about: One line for people.
        weights: The network files it needs, by organ; a family of one network calls it
            ``"network"``.
        detector: For a model, the detector it takes by default.
        family: Whose code runs it.
        input: For ``yolox`` and ``simcc``, how the network wants its pixels.
    """

    name: str
    kind: Literal["detector", "model"]
    about: str
    weights: Mapping[str, Weight]
    detector: str = ""
    family: Literal["lite", "movenet", "yolox", "simcc"] = "lite"
    input: InputFormat | None = None

    @property
    def is_bundled(self) -> bool:
        """Whether all its weights come with the package."""
        return not any(weight.places for weight in self.weights.values())
