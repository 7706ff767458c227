"""``dw-openpose annotate``: pictures and videos in, figures and JSON out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial

import click

from ..annotation import Annotation, Look
from ..assembly import Supply
from ..clips import ClipAnnotator, ClipReader
from ..errors import DwPoseError, name_for_message
from ..files import sweep_leftovers, write_atomically
from ..people import PeopleChoice
from ..pictures import encode_png
from ..pictures.finding import find_pictures, is_folder
from ..pipeline import DwOpenpose
from ..render import Parts
from ..thresholds import Thresholds
from .clips import annotate_clip
from .inputs import SUFFIXES, Job, plan_jobs, results_folder, without_clashes
from .options import following, people_choice, style_and_parts, thresholds
from .words import StdoutError, fetching, say, say_error, show, with_progress
from .work import Work

_log = logging.getLogger(__name__)


@click.command(short_help="Pictures and videos in; figures and OpenPose JSON out.")
@click.argument("inputs", nargs=-1, required=True)
@click.option(
    "-o", "--output", metavar="OUT",
    help="A .png for one picture, a .mp4 for one video, a folder, or - for stdout.  "
    "[default: out]",
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
    "--device",
    metavar="D",
    default="auto",
    show_default=True,
    help="auto, cpu, cuda[:N], or mps, directml, openvino, migraphx, rocm, coreml, tensorrt.",
)
@style_and_parts
@click.option(
    "--resolution", metavar="N", type=click.IntRange(16, 16384),
    help="Shorter side of the canvas, in pixels.  [default: the picture's]",
)  # fmt: skip
@thresholds
@people_choice
@following
@click.option(
    "--phantoms/--no-phantoms", default=None,
    help="Show hands and faces that hang on no body.  [default: only with --parity]",
)  # fmt: skip
@click.option(
    "--parity",
    is_flag=True,
    help="Repeat sd-webui-controlnet's mistakes, for yesterday's pictures.",
)
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
    threshold: Thresholds,
    max_people: int | None,
    order: str,
    min_size: float,
    min_score: float | None,
    detect_every: int,
    smooth: bool,
    resume: bool,
    phantoms: bool | None,
    parity: bool,
    offline: bool,
    overwrite: bool | None,
    quiet: bool,
) -> int:
    """Draw the figures of the people in INPUTS: pictures, videos, folders, globs.

    A file named by -o is written anew; in a folder, results that are there already are kept unless
    --overwrite is given, so that a second run goes on where the first one stopped.
    """
    results = results_folder(output)
    pictures, complaints = find_pictures(inputs, results, SUFFIXES)
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
    look = Look(resolution, style, parts, threshold, parity if phantoms is None else phantoms)
    people = PeopleChoice(max_people, order, min_size, min_score)
    reader = ClipReader(estimator, people, detect_every)
    clips = ClipAnnotator(reader, look, smooth=smooth, resume=resume)
    failed = _run(todo, Work(estimator, look, people), clips, quiet=quiet)
    return 1 if failed or complaints else 0


def _open_jobs(jobs: Sequence[Job], *, quiet: bool) -> list[Job]:
    """The jobs whose results are not there yet."""
    todo = [job for job in jobs if not job.is_done]
    if len(todo) < len(jobs) and not quiet:
        say(f"{len(jobs) - len(todo)} already done, kept; --overwrite makes them anew")
    return todo


def _run(jobs: Sequence[Job], work: Work, clips: ClipAnnotator, *, quiet: bool) -> int:
    """Do the jobs; a failure is named and the others are done. Returns the failures."""
    for folder in {path.parent for job in jobs for path in job.results}:
        sweep_leftovers(folder)
    pictures = [job for job in jobs if not job.is_video]
    failed = 0
    for job, annotate_it in with_progress(work.of(pictures), len(pictures), quiet=quiet):
        failed += _failed(job, partial(_annotate_picture, job, annotate_it))
    for job in jobs:
        if job.is_video:
            failed += _failed(job, partial(annotate_clip, job, clips, quiet=quiet))
    if not quiet and len(jobs) > 1:
        kind = "pictures" if len(pictures) == len(jobs) else "files"
        say(f"{len(jobs) - failed} of {len(jobs)} {kind} done")
    return failed


def _failed(job: Job, do: Callable[[], None]) -> bool:
    """Whether a job failed; if so, that is said."""
    name = name_for_message(job.source)
    try:
        do()
    except StdoutError:
        raise
    except DwPoseError as error:
        text = str(error)
        say_error(text if name in text else f"{name}: {text}")
    except Exception as error:  # noqa: BLE001  a door: the other files must be done
        _log.debug("%s", name, exc_info=True)
        say_error(f"{name}: {type(error).__name__}: {error}; please report this file")
    else:
        return False
    return True


def _annotate_picture(job: Job, annotate_it: Callable[[], Annotation]) -> None:
    _write(job, annotate_it())


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
