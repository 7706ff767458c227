"""``dw-openpose annotate``: pictures in, figures and JSON out."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ..assembly import Supply
from ..errors import DwPoseError, name_for_message
from ..figures import DEFAULT_THRESHOLD
from ..files import sweep_leftovers, write_atomically
from ..pictures import encode_png
from ..pipeline import Annotation, DwOpenpose
from ..render import Parts
from .inputs import Job, find_pictures, is_folder, plan_jobs, results_folder, without_clashes
from .options import refuse_nan, style_and_parts
from .words import StdoutError, fetching, say, say_error, show, with_progress

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """How to draw: what ``annotate`` passes on for each picture."""

    style: str
    parts: Parts
    resolution: int | None
    threshold: float
    max_people: int | None


@click.command(short_help="Pictures in; figures and OpenPose JSON out.")
@click.argument("inputs", nargs=-1, required=True)
@click.option(
    "-o", "--output", metavar="OUT",
    help="A .png for one picture, a folder, or - for stdout.  [default: out]",
)  # fmt: skip
@click.option(
    "--json", "document", is_flag=False, flag_value="", metavar="[PATH]",
    help="Write OpenPose JSON too: beside the canvas, to a file or folder, or - for stdout.",
)  # fmt: skip
@click.option(
    "--model", metavar="M", default="auto", show_default=True,
    help='A name of "dw-openpose models list", or a network file.',
)  # fmt: skip
@click.option(
    "--detector", metavar="D", default="auto", show_default=True,
    help="Who finds the people: as above, or none for the whole picture.",
)  # fmt: skip
@click.option(
    "--backend",
    metavar="B",
    default="auto",
    show_default=True,
    help="auto, onnxruntime, opencv or torch.",
)
@click.option(
    "--device", metavar="D", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."
)
@style_and_parts
@click.option(
    "--resolution", metavar="N", type=click.IntRange(16, 16384),
    help="Shorter side of the canvas, in pixels.  [default: the picture's]",
)  # fmt: skip
@click.option(
    "--threshold", metavar="T", type=click.FloatRange(0, 1), default=DEFAULT_THRESHOLD,
    show_default=True, callback=refuse_nan, help="Lowest score of a visible point.",
)  # fmt: skip
@click.option(
    "--max-people", metavar="N", type=click.IntRange(1), help="Keep the surest people only."
)
@click.option("--parity", is_flag=True, help="Repeat sd-webui-controlnet's colour order mistake.")
@click.option("--offline", is_flag=True, help="Fetch nothing; use the weights that are here.")
@click.option(
    "--overwrite/--skip-existing", default=None, help="What to do where results are already."
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def annotate(
    inputs: tuple[str, ...],
    output: str | None,
    document: str | None,
    model: str,
    detector: str,
    backend: str,
    device: str,
    style: str,
    parts: Parts,
    resolution: int | None,
    threshold: float,
    max_people: int | None,
    parity: bool,
    offline: bool,
    overwrite: bool | None,
    quiet: bool,
) -> int:
    """Draw the figures of the people in INPUTS: pictures, folders, globs.

    A picture named by -o is written anew; in a folder, results that are there already are kept
    unless --overwrite is given, so that a second run goes on where the first one stopped.
    """
    results = results_folder(output)
    pictures, complaints = find_pictures(inputs, results)
    one_file = len(inputs) == 1 and len(pictures) <= 1 and not is_folder(inputs[0])
    jobs, refused = without_clashes(plan_jobs(pictures, output, document, one_file=one_file))
    complaints += refused
    for complaint in complaints:
        say_error(complaint)
    if overwrite is None:
        overwrite = one_file and results is None
    todo = jobs if overwrite else _open_jobs(jobs, quiet=quiet)
    if not todo:
        return 1 if complaints else 0
    with fetching(quiet=quiet) as progress:
        supply = Supply(offline, progress)
        estimator = DwOpenpose.load(model, detector, backend, device, parity=parity, supply=supply)
    if not quiet:
        say(f"model {estimator.description}")
    look = Look(style, parts, resolution, threshold, max_people)
    failed = _run(todo, estimator, look, quiet=quiet)
    return 1 if failed or complaints else 0


def _open_jobs(jobs: Sequence[Job], *, quiet: bool) -> list[Job]:
    """The jobs whose results are not there yet."""
    todo = [job for job in jobs if not job.is_done]
    if len(todo) < len(jobs) and not quiet:
        say(f"{len(jobs) - len(todo)} already done, kept; --overwrite makes them anew")
    return todo


def _run(jobs: Sequence[Job], estimator: DwOpenpose, look: Look, *, quiet: bool) -> int:
    """Do the jobs one by one; a failure is named and the others are done. Returns the failures."""
    for folder in {path.parent for job in jobs for path in job.results}:
        sweep_leftovers(folder)
    failed = 0
    for job in with_progress(jobs, quiet=quiet):
        name = name_for_message(job.source)
        try:
            _write(job, _annotate(estimator, job.source, look))
        except StdoutError:
            raise
        except DwPoseError as error:
            failed += 1
            text = str(error)
            say_error(text if name in text else f"{name}: {text}")
        except Exception as error:  # noqa: BLE001  a door: the other pictures must be done
            failed += 1
            _log.debug("%s", name, exc_info=True)
            say_error(f"{name}: {type(error).__name__}: {error}; please report this picture")
    if not quiet and len(jobs) > 1:
        say(f"{len(jobs) - failed} of {len(jobs)} pictures done")
    return failed


def _annotate(estimator: DwOpenpose, source: Path, look: Look) -> Annotation:
    return estimator(
        source,
        resolution=look.resolution,
        style=look.style,
        parts=look.parts,
        threshold=look.threshold,
        max_people=look.max_people,
    )


def _write(job: Job, annotation: Annotation) -> None:
    """Write a picture's results, the JSON first: the canvas tells that both are complete."""
    text = json.dumps(annotation.to_json(), allow_nan=False)
    if job.document is not None:
        write_atomically(job.document, f"{text}\n".encode())
    if job.json_to_stdout:
        show(text)
    png = encode_png(annotation.canvas)
    if job.picture is not None:
        write_atomically(job.picture, png)
    else:
        show(png, end=False)
