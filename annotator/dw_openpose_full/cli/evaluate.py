"""``dw-openpose evaluate``: how near poses are to a data set's, in COCO-WholeBody's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from ..assembly import AUTO, NO_DETECTOR, Supply
from ..errors import name_for_message
from ..evaluation.annotations import Annotations
from ..evaluation.boxes import GivenBoxes, annotated_boxes, detected_boxes
from ..evaluation.journal import Journal
from ..evaluation.libraries import Library
from ..evaluation.metrics import measure
from ..evaluation.predicting import Choice, Task
from ..evaluation.predictions import Predictions
from ..evaluation.published import PUBLISHED
from ..evaluation.report import document, table
from ..evaluation.ubody import every_tenth, of_videos, read_videos
from ..files import write_atomically
from .inputs import DEFAULT_FOLDER
from .words import fetching, say, show, with_progress

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
              help="Write all statistics there.")  # fmt: skip
@click.option("--backend", metavar="B", default=AUTO, show_default=True,
              help="auto, onnxruntime, opencv or torch.")  # fmt: skip
@click.option("--device", metavar="D", default=AUTO, show_default=True,
              help="As for annotate.")  # fmt: skip
@click.option("--offline", is_flag=True, help="Fetch nothing; use the weights that are here.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and the table.")
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
) -> None:
    """Measure PRED.json against GT.json, or a model on the pictures of DIR.

    Predictions that a model makes are kept as they come: the same command goes on where it was
    stopped, and measuring again takes seconds.
    """
    _check_use(click.get_current_context().params)
    library = Library.open()
    data = Annotations.read(annotations, area_from_box=ubody)
    truth = data.on(of_videos(read_videos(videos)) if videos else every_tenth) if ubody else data
    if images is not None:
        given = _given_boxes(truth, boxes, annotated=gt_boxes, quiet=quiet)
        choice = Choice(
            model, detector if given is None else NO_DETECTOR, backend, device, flip_test
        )
        task = Task(truth, images, given)
        model, predictions = _predict(task, choice, predictions, offline=offline, quiet=quiet)
    assert predictions is not None
    found = Predictions.read(predictions, data.pictures)
    counted = found.on(truth.pictures)
    if not quiet:
        say(
            f"{len(counted)} of {len(found)} predictions, {len(truth)} of {len(data)} annotations, "
            f"on {len(truth.pictures)} of {len(data.pictures)} pictures, count; {library.name}"
        )
    results = measure(truth, counted, library)
    if output is not None:
        write_atomically(output, document(results))
    show(table(results, None if ubody else PUBLISHED.get(model)))


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


def _predict(
    task: Task, choice: Choice, kept: Path | None, *, offline: bool, quiet: bool
) -> tuple[str, Path]:
    """Run the model on what is not done yet; the name of the model, and the journal."""
    with fetching(quiet=quiet) as progress:
        estimator = choice.load(Supply(offline, progress))
    path = kept or Path(DEFAULT_FOLDER) / f"{task.name(choice, estimator.model)}.jsonl"
    journal = Journal(path, task.circumstances(choice, estimator.model))
    todo = task.to_read(journal.done)
    if not quiet:
        say(f"model {estimator.description if task.boxes is None else estimator.model}")
        say(f"predictions are kept in {name_for_message(path)}: {len(journal.done)} pictures done")
    for image, picture in with_progress(todo, len(todo), quiet=quiet, doing="evaluating"):
        journal.add_(image, task.results(estimator, image, picture))
    return estimator.model, path
