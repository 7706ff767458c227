"""``dw-openpose annotate``: pictures in, figures and JSON out."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ..errors import DwPoseError, OutputError
from ..figures import DEFAULT_THRESHOLD
from ..files import sweep_leftovers, write_atomically
from ..pictures import encode_png
from ..pipeline import Annotation, DwOpenpose
from ..render import Parts
from .inputs import STDOUT, Job, find_pictures, plan_jobs
from .options import style_and_parts
from .words import say, say_error, with_progress

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """How to draw: what ``annotate`` passes on for each picture."""

    style: str
    parts: Parts
    resolution: int | None
    threshold: float
    max_people: int | None


@click.command()
@click.argument("inputs", nargs=-1, required=True)
@click.option("-o", "--output", help="A .png for one picture, a folder, or - for stdout.  [out]")
@click.option(
    "--json", "document", is_flag=False, flag_value="", metavar="[PATH]",
    help="Write OpenPose JSON too: beside the canvas, to a file or folder, or - for stdout.",
)  # fmt: skip
@click.option("--model", default="auto", show_default=True, help="A name of the zoo.")
@click.option("--detector", default="auto", show_default=True, help="Who finds the people.")
@click.option("--backend", default="auto", show_default=True, help="auto or onnxruntime.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@style_and_parts
@click.option(
    "--resolution", type=click.IntRange(16, 16384), help="Shorter side of the canvas, in pixels."
)
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=DEFAULT_THRESHOLD, show_default=True,
    help="Lowest score of a visible point.",
)  # fmt: skip
@click.option("--max-people", type=click.IntRange(1), help="Keep the surest people only.")
@click.option("--offline", is_flag=True, help="Fetch nothing; use the weights that are here.")
@click.option("--overwrite/--skip-existing", default=None, help="What to do with results there.")
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
    offline: bool,
    overwrite: bool | None,
    quiet: bool,
) -> int:
    """Draw the figures of the people in INPUTS: pictures, folders, globs.

    A picture named by -o is written anew; in a folder, results that are there already are kept
    unless --overwrite is given, so that a second run goes on where the first one stopped.
    """
    pictures, complaints = find_pictures(inputs)
    one_file = len(inputs) == 1 and len(pictures) == 1 and not Path(inputs[0]).is_dir()
    jobs = plan_jobs(pictures, output, document, one_file=one_file)
    for complaint in complaints:
        say_error(complaint)
    named = one_file and output is not None and jobs[0].picture == Path(output)
    todo = jobs if overwrite or (overwrite is None and named) else _open_jobs(jobs, quiet=quiet)
    if not todo:
        return 1 if complaints else 0
    estimator = DwOpenpose.load(model=model, detector=detector, backend=backend, device=device)
    if not quiet:
        say(f"model {estimator.description}")
    look = Look(style, parts, resolution, threshold, max_people)
    json_to_stdout = document == STDOUT
    failed = _run(todo, estimator, look, json_to_stdout=json_to_stdout, quiet=quiet)
    return 1 if failed or complaints else 0


def _open_jobs(jobs: Sequence[Job], *, quiet: bool) -> list[Job]:
    """The jobs whose results are not there yet."""
    todo = [job for job in jobs if not job.is_done]
    if len(todo) < len(jobs) and not quiet:
        say(f"{len(jobs) - len(todo)} already done, kept; --overwrite makes them anew")
    return todo


def _run(
    jobs: Sequence[Job], estimator: DwOpenpose, look: Look, *, json_to_stdout: bool, quiet: bool
) -> int:
    """Do the jobs one by one; a failure is named and the others are done. Returns the failures."""
    sources = {os.path.realpath(job.source) for job in jobs}
    for folder in {path.parent for job in jobs for path in job.results}:
        sweep_leftovers(folder)
    failed = 0
    for job in with_progress(jobs, quiet=quiet):
        try:
            _refuse_to_overwrite(job, sources)
            _write(job, _annotate(estimator, job.source, look), json_to_stdout=json_to_stdout)
        except DwPoseError as error:
            failed += 1
            text = str(error)
            say_error(text if str(job.source) in text else f"{job.source}: {text}")
        except Exception as error:  # noqa: BLE001  a door: the other pictures must be done
            failed += 1
            _log.debug("%s", job.source, exc_info=True)
            say_error(f"{job.source}: {type(error).__name__}: {error}; please report this picture")
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


def _refuse_to_overwrite(job: Job, sources: set[str]) -> None:
    """Never write over a picture that is an input of this run."""
    for path in job.results:
        if os.path.realpath(path) in sources:
            raise OutputError(f"{path} is one of the inputs; name another place with -o")


def _write(job: Job, annotation: Annotation, *, json_to_stdout: bool) -> None:
    """Write a picture's results, the JSON first: the canvas tells that both are complete."""
    text = json.dumps(annotation.to_json(), allow_nan=False) + "\n"
    if job.document is not None:
        write_atomically(job.document, text.encode())
    if json_to_stdout:
        sys.stdout.write(text)
        sys.stdout.flush()
    png = encode_png(annotation.canvas)
    if job.picture is not None:
        write_atomically(job.picture, png)
    else:
        sys.stdout.buffer.write(png)
        sys.stdout.flush()
