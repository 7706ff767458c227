"""``dw-openpose export``: a checkpoint in, an ONNX file out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ..errors import OptionError, name_for_message
from ..pictures.finding import find_pictures
from ..poses import ImageSize, RgbImage
from .convert import stage_choice, stage_of, torch_wanted
from .words import say, say_error

if TYPE_CHECKING:
    from ..export.onnx_export import Exported

_FILE = click.Path(path_type=Path)
_COMPARED: Final = 16  # mannequins; 2128 keypoints
_CALIBRATED: Final = 120  # of which 24 are compared


@click.command(short_help="A checkpoint in; an ONNX file that agrees with it out.")
@click.argument("checkpoint", metavar="CKPT", type=_FILE)
@click.argument("output", metavar="OUT.onnx", type=_FILE)
@click.option("--fp16", is_flag=True, help="Half the size, for GPUs; the head stays float32.")
@click.option("--int8", is_flag=True, help="A quarter of it, for CPUs: convolutions of 8 bits.")
@click.option(
    "--calibration", metavar="DIR",
    help="Photos of people to compare on, and for --int8.  [default: drawn ones]",
)  # fmt: skip
@stage_choice
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def export(
    checkpoint: Path,
    output: Path,
    fp16: bool,
    int8: bool,
    calibration: str | None,
    two_dis: bool | None,
    quiet: bool,
) -> None:
    """Write the network of CKPT as ONNX, if it says there what it says in torch.

    The file takes batches of any length as `input` and gives `simcc_x` and `simcc_y`, as the
    released ones do; onnxruntime since 1.17 and, without --fp16 and --int8, OpenCV since 4.8 run
    it.
    """
    if fp16 and int8:
        raise click.UsageError("--fp16 and --int8 are two kinds of file; choose one")
    with torch_wanted():
        from ..export.checkpoints import read_checkpoint, refuse_same
        from ..export.onnx_export import export as write
        from ..export.precision import Precision
    refuse_same(checkpoint, output)
    taken = read_checkpoint(checkpoint, stage=stage_of(two_dis))
    if not quiet:
        say(f"{name_for_message(checkpoint)}: {taken}")
    precision = Precision.INT8 if int8 else Precision.FLOAT16 if fp16 else Precision.FLOAT32
    size = taken.network.input_size
    if calibration is None:
        crops = _mannequins(size, _CALIBRATED if int8 else _COMPARED)
    else:
        crops = _crops(calibration, size, whole=taken.is_detector)
    result = write(taken, output, crops, precision)
    if not quiet:
        _tell(output, result)
        if int8 and calibration is None:
            say("calibrated on drawn people; for photos, name some of those with --calibration")


def _mannequins(size: ImageSize, count: int) -> list[RgbImage]:
    """Drawn people, always the same."""
    import numpy as np

    from ..datasets.mannequins import random_scene

    return [random_scene(np.random.default_rng(seed), size).picture for seed in range(count)]


def _crops(folder: str, size: ImageSize, *, whole: bool) -> list[RgbImage]:
    """What is on the user's pictures."""
    from ..export import crops

    files, complaints = find_pictures([folder])
    for complaint in complaints:
        say_error(complaint)
    if not files:
        raise OptionError(f"{name_for_message(folder)}: no pictures to compare on are there")
    return crops.whole(files, size) if whole else crops.people_on(files, size)


def _tell(output: Path, result: Exported) -> None:
    say(f"{result.engine} agrees with torch: {result.agreement}")
    say(f"{name_for_message(output)}: {result.size / 1e6:.1f} MB")
