"""Checkpoints in, files of weights out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import ModelError, OptionError, OutputError, name_for_message
from ..networks import Network, Yolox, network_of, read_weights
from ..zoo.proofs import digest_of
from .description import describe
from .weights_file import write_network

_STAGES: Final = {
    1: "the student of stage 1",
    2: "the new head and the teacher's backbone, of stage 2",
}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network out of a file.

    Attributes:
        network: Filled, and set to looking.
        stage: 1 or 2, if a distillation made it.
        source: The file's name and sha256.
    """

    network: Network
    stage: int | None
    source: str

    @property
    def is_detector(self) -> bool:
        """Whether it finds people, not keypoints."""
        return isinstance(self.network, Yolox)

    def __str__(self) -> str:
        """For people: the network, and which of those in the file it is."""
        taken = f"; {_STAGES[self.stage]}" if self.stage else ""
        return f"{describe(self.network)}{taken}"


def read_checkpoint(path: Path, *, stage: int | None = None) -> Checkpoint:
    """Read the network that a file was made for; nothing in it is ever run.

    Args:
        path: Weights, or a checkpoint of this package's training, of mmpose, or of Megvii.
        stage: 1 or 2, if the file is of a distillation that does not itself tell which.

    Raises:
        ModelError: If the file can not be used.
        OptionError: If a stage is given and the file is of no distillation.
    """
    weights = read_weights(path, stage=stage)
    if stage is not None and weights.stage is None:
        raise OptionError(
            f"{weights.source}: expected the checkpoint of a distillation, got plain weights; "
            "they need no choice of a stage: leave it out"
        )
    if all(key.startswith("head.") for key in weights.tensors):
        raise ModelError(
            f"{weights.source}: expected a whole network, got a head alone, as the state of stage "
            "2 has it; name the best.safetensors or final.safetensors beside it"
        )
    network = network_of(weights)
    return Checkpoint(network, weights.stage, f"{path.name} sha256:{digest_of(path)}")


def convert(path: Path, output: Path, *, stage: int | None = None) -> Checkpoint:
    """Write the network of a checkpoint as a file of weights.

    Args:
        path: As of :func:`read_checkpoint`.
        output: Ends in ``.safetensors``.
        stage: As of :func:`read_checkpoint`.

    Raises:
        ModelError: If the checkpoint can not be used.
        OptionError: If the output's ending, or the stage, does not fit.
        OutputError: If the output is the checkpoint itself, or can not be written.
    """
    refuse_same(path, output)
    checkpoint = read_checkpoint(path, stage=stage)
    write_network(output, checkpoint.network, source=checkpoint.source)
    return checkpoint


def refuse_same(path: Path, output: Path) -> None:
    """Refuse to write over what is read.

    Raises:
        OutputError: If both are one file.
    """
    if os.path.realpath(path) == os.path.realpath(output):
        raise OutputError(f"{name_for_message(output)} is the input; name another file")
