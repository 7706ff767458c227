"""A network as an ONNX file, which comes to be only if it agrees with torch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from ..backends import open_session
from ..errors import ModelError, OptionError, name_for_message
from ..files import replacing
from ..networks import Network, halve_
from ..poses import FloatArray, RgbImage
from .agreement import Agreement, compare
from .checkpoints import Checkpoint
from .crops import batch_of
from .description import describe
from .onnx_writing import GraphWriter
from .precision import BOUNDS, Precision
from .quantising import QuantisedConvs, observe
from .translation import fold_, translate

FEWEST: Final = 10
"""Crops that int8 takes."""

_HELD: Final = 5  # one crop in so many is not calibrated with, but compared on
_AT_ONCE: Final = 8  # crops, while calibrating


@dataclass(frozen=True)
class Exported:
    """What an export has come to.

    Attributes:
        engine: That the file was tried on.
        agreement: With torch.
        size: Of the file, in bytes.
    """

    engine: str
    agreement: Agreement
    size: int


def export(
    checkpoint: Checkpoint, path: Path, crops: Sequence[RgbImage], precision: Precision
) -> Exported:
    """Write a network as an ONNX file, if it says what it says in torch.

    The batch is open, the input and the outputs are float32 and have the published names, whatever
    the precision. In float16 the head's attention and classifiers stay float32, in int8 everything
    but the convolutions.

    Args:
        checkpoint: The network.
        path: Of the file, ending in ``.onnx``.
        crops: People, ``(H, W, 3)`` of the network's size, to compare on; for int8 to calibrate
            with too: then one in five is compared on, and the others are calibrated with.
        precision: Of what the file holds.

    Raises:
        ModelError: If the file does not agree with torch; nothing is written then.
        OptionError: If the precision, the ending or the number of crops does not fit.
        DependencyError: If there is no engine to try it on.
        OutputError: If it can not be written.
    """
    _check_use(checkpoint, path, len(crops), precision)
    network = checkpoint.network
    description = describe(network)
    batch = batch_of(crops, description.pixels)
    graph, compared = _graph(network, batch, precision)
    metadata = description.metadata()
    content = graph.file({**metadata, "precision": precision.value, "source": checkpoint.source})
    with replacing(path) as part:
        part.write_bytes(content)
        backend = "auto" if precision is Precision.FLOAT32 else "onnxruntime"
        session = open_session(part, backend=backend, device="cpu")
        agreement = compare(network, session, compared)
        if not agreement.reaches(BOUNDS[precision]):
            raise ModelError(
                f"{name_for_message(path)}: expected a file of {precision.value} that agrees with "
                f"torch, got {_shortfall(agreement, precision)}; nothing was written"
            )
    engine = session.description.rpartition(" on ")[2]
    return Exported(engine, agreement, len(content))


def _check_use(checkpoint: Checkpoint, path: Path, crops: int, precision: Precision) -> None:
    if path.suffix.lower() != ".onnx":
        raise OptionError(f"{name_for_message(path)}: expected a name that ends in .onnx")
    if checkpoint.is_detector and precision is not Precision.FLOAT32:
        raise OptionError(f"a detector is exported in float32, got {precision.value}; leave it out")
    if precision is Precision.INT8 and crops < FEWEST:
        raise OptionError(
            f"int8 needs at least {FEWEST} people to calibrate with, got {crops}; name more "
            "pictures with --calibration"
        )


def _graph(
    network: Network, batch: FloatArray, precision: Precision
) -> tuple[GraphWriter, FloatArray]:
    """The network in a precision, and the pictures to compare it on."""
    folded = copy.deepcopy(network)
    fold_(folded)
    if precision is Precision.FLOAT32:
        return translate(folded), batch
    if precision is Precision.FLOAT16:
        halve_(folded)
        return translate(folded), batch
    held = [row % _HELD == 0 for row in range(len(batch))]
    shown = torch.from_numpy(batch[[not one for one in held]])
    return translate(folded, QuantisedConvs(observe(folded, shown.split(_AT_ONCE)))), batch[held]


def _shortfall(agreement: Agreement, precision: Precision) -> str:
    """How far from the bound it is."""
    bound = BOUNDS[precision]
    if precision is Precision.FLOAT32:
        wanted = f"{100 * bound.same:g} % and {bound.difference:g} were asked for"
    elif len(agreement.shifts) == 0:
        wanted = "and no keypoint is visible; compare on pictures of people that it knows"
    else:
        reach = bound.reach * agreement.height
        wanted = f"{100 * bound.near:g} in 100 within {reach:g} px were asked for"
    return f"{agreement}; {wanted}"
