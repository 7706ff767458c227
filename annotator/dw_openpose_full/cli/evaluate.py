"""``dw-openpose evaluate``: how near poses are to a data set's, in COCO-WholeBody's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from ..assembly import AUTO, NO_DETECTOR, Supply
from ..datasets.counting import Tally
from ..errors import PictureError, name_for_message
from ..evaluation.annotations import Annotations
from ..evaluation.boxes import GivenBoxes, annotated_boxes, detected_boxes
from ..evaluation.journal import Journal
from ..evaluation.libraries import Library
from ..evaluation.metrics import Results, measure
from ..evaluation.predicting import Choice, Task
from ..evaluation.predictions import Predictions
from ..evaluation.published import PUBLISHED
from ..evaluation.report import document, table
from ..evaluation.ubody import every_tenth, of_videos, read_videos
from ..files import write_atomically
from ..pipeline import DwOpenpose
from .inputs import DEFAULT_FOLDER, STDOUT
from .words import SOME_FAILED, fetching, say, say_error, show, with_progress

OUTSIDE: Final = "boxes that are not on their picture"

_FILE = click.Path(path_type=Path)


@click.command(short_help="Measure predictions, or a model, on COCO-WholeBody or UBody.")
@click.option("--annotations", metavar="GT.json", type=_FILE, required=True,
              help="COCO-WholeBody annotations.")  # fmt: skip
@click.option("--predictions", metavar="PRED.json", type=_FILE,
              help="COCO-WholeBody results; with --images, the file that keeps them.")  # fmt: skip
@click.option("--images", metavar="DIR", type=_FILE,
              help="The data set's pictures, for a model to be run on.")  # fmt: skip
@click.option("--model", metavar="M", default=AUTO, show_default=True,
              help='A name of "dw-openpose models list", or a network file.')  # fmt: skip
@click.option("--boxes", metavar="DET.json", type=_FILE,
              help="Where people are: a detector's COCO results.")  # fmt: skip
@click.option("--gt-boxes", is_flag=True, help="Where people are: as annotated.")
@click.option("--detector", metavar="D", default=AUTO, show_default=True,
              help="Who finds the people where no boxes are given.")  # fmt: skip
@click.option(
    "--flip-test", is_flag=True, help="Show SimCC networks each crop's mirror image, too."
)
@click.option("--ubody", is_flag=True,
              help="UBody's rules: every tenth picture, areas taken from boxes.")  # fmt: skip
@click.option("--videos", metavar="LIST", type=_FILE,
              help="With --ubody: only these videos, intra_scene_test_list.npy.")  # fmt: skip
@click.option("--json", "output", metavar="OUT", type=_FILE,
              help="Write all statistics there; - for stdout, the table to stderr.")  # fmt: skip
@click.option("--backend", metavar="B", default=AUTO, show_default=True,
              help="auto, onnxruntime, opencv or torch.")  # fmt: skip
@click.option("--device", metavar="D", default=AUTO, show_default=True,
              help="As for annotate.")  # fmt: skip
@click.option("--offline", is_flag=True, help="Fetch nothing; use the weights that are here.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and results.")
def evaluate(
    annotations: Path,
    predictions: Path | None,
    images: Path | None,
    model: str,
    boxes: Path | None,
    gt_boxes: bool,
    detector: str,
    flip_test: bool,
    ubody: bool,
    videos: Path | None,
    output: Path | None,
    backend: str,
    device: str,
    offline: bool,
    quiet: bool,
) -> int:
    """Measure PRED.json against GT.json, or a model on the pictures of DIR.

    Predictions that a model makes are kept as they come: the same command goes on where it was
    stopped, and measuring again takes seconds.
    """
    _check_use(click.get_current_context().params)
    unread = 0
    library = Library.open()
    data = Annotations.read(annotations, area_from_box=ubody)
    truth = data.on(of_videos(read_videos(videos)) if videos else every_tenth) if ubody else data
    if images is not None:
        given = _given_boxes(truth, boxes, annotated=gt_boxes, quiet=quiet)
        choice = Choice(
            model, detector if given is None else NO_DETECTOR, backend, device, flip_test
        )
        task = Task(truth, images, given)
        model, predictions, unread = _predict(
            task, choice, predictions, offline=offline, quiet=quiet
        )
    assert predictions is not None
    found = Predictions.read(predictions, data.pictures, unread=unread)
    counted = found.on(truth.pictures)
    if not quiet:
        say(
            f"{len(counted)} of {len(found)} predictions, {len(truth)} of {len(data)} annotations, "
            f"on {len(truth.pictures)} of {len(data.pictures)} pictures, count; {library.name}"
        )
    results = measure(truth, counted, library)
    _hand_over(results, table(results, None if ubody else PUBLISHED.get(model)), output)
    return SOME_FAILED if unread else 0


def _check_use(options: Mapping[str, object]) -> None:
    """Refuse options that do not go together."""
    if options["images"] is None and options["predictions"] is None:
        raise click.UsageError("--predictions to measure, or --images to predict on, is missing")
    if options["boxes"] and options["gt_boxes"]:
        raise click.UsageError("--boxes and --gt-boxes both say where people are; choose one")
    if options["videos"] and not options["ubody"]:
        raise click.UsageError("--videos is for --ubody")
    if options["images"] is None:
        for name in ("boxes", "gt_boxes", "flip_test"):
            if options[name]:
                raise click.UsageError(f"--{name.replace('_', '-')} is for --images")


def _given_boxes(
    truth: Annotations, file: Path | None, *, annotated: bool, quiet: bool
) -> GivenBoxes | None:
    """Where people are, if the user says."""
    if file is None:
        return annotated_boxes(truth) if annotated else None
    boxes, others = detected_boxes(file, truth)
    if others and not quiet:
        say(f"{name_for_message(file)}: {others} boxes are of other pictures or things; left out")
    return boxes


def _hand_over(results: Results, lines: str, output: Path | None) -> None:
    """Write the statistics, and show the table where they do not stand already."""
    if output == Path(STDOUT):
        for line in lines.splitlines():
            say(line)
        show(document(results), end=False)
        return
    if output is not None:
        write_atomically(output, document(results))
    show(lines)


def _predict(
    task: Task, choice: Choice, kept: Path | None, *, offline: bool, quiet: bool
) -> tuple[str, Path, int]:
    """Run the model on what is not done yet.

    Returns:
        The name of the model, the journal, and how many pictures can not be read.
    """
    with fetching(quiet=quiet) as progress:
        supply = Supply(offline, progress)
        choice, why = choice.settled(supply)
        estimator = choice.load(supply)
    path = kept or Path(DEFAULT_FOLDER) / f"{task.name(choice, estimator.model)}.jsonl"
    journal = Journal(path, task.circumstances(choice, estimator.model))
    todo = task.to_read(journal.done)
    if not quiet:
        say(f"model {estimator.description if task.boxes is None else estimator.model}")
        if why:
            say(f"detector {choice.detector}: {why}")
        say(f"predictions are kept in {name_for_message(path)}: {len(journal.done)} pictures done")
    return estimator.model, path, _go_through(task, todo, estimator, journal, quiet=quiet)


def _go_through(
    task: Task,
    todo: Sequence[tuple[int, Path]],
    estimator: DwOpenpose,
    journal: Journal,
    *,
    quiet: bool,
) -> int:
    """Keep the people of each picture, and name what is wrong; how many can not be read."""
    outside, unread = Tally(), 0
    for image, picture in with_progress(todo, len(todo), quiet=quiet, doing="evaluating"):
        try:
            results, strays = task.results(estimator, image, picture)
        except PictureError as error:
            unread += 1
            say_error(error)
            continue
        journal.add_(image, results)
        for box in strays.tolist():
            outside.add_(OUTSIDE, f"{picture.name} at x1, y1, x2, y2 {box}")
    for line in outside.lines():
        say_error(f"left out: {line}")
    if unread:
        say_error(
            f"{unread} of {len(task.truth.pictures)} pictures can not be read; nobody counts as "
            "found on them, and the same command tries them again"
        )
    return unread
