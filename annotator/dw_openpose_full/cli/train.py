"""``dw-openpose train``: networks that learn from data sets, or from larger networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ..errors import DependencyError, OptionError
from ..training.preset import Preset
from ..training.presets import PRESETS, find
from .words import say, show, with_progress

if TYPE_CHECKING:
    from ..training.processes import Crew

_FILE: Final = click.Path(path_type=Path)
_DEFAULT_OUT: Final = Path("trained")
_STAGES: Final = ("from labels", "from a teacher", "head anew")


@click.command(short_help="Train a network, or distil one from another.")
@click.argument("preset", required=False)
@click.option("--list", "listing", is_flag=True, help="List the presets.")
@click.option("--data", metavar="DIR", type=_FILE, multiple=True,
              help="COCO-WholeBody, UBody or shards; several are mixed.")  # fmt: skip
@click.option("--val-data", metavar="DIR", type=_FILE,
              help="What is measured on; by default the first of --data that can be.")  # fmt: skip
@click.option("--out", metavar="DIR", type=_FILE,
              help="Folder of states, results and the log.  [default: trained/PRESET]")  # fmt: skip
@click.option("--teacher", metavar="FILE", type=_FILE,
              help="The weights that teach; stage 2 keeps their backbone.")  # fmt: skip
@click.option("--init", "--student", "first", metavar="FILE", type=_FILE,
              help="Weights to begin with: the backbone, and the head if it fits.")  # fmt: skip
@click.option("--resume/--fresh", default=None,
              help="Go on with the state in --out, or begin anew.  [default: if there is one]",
              )  # fmt: skip
@click.option("--epochs", type=int, help="How often each person is seen.")
@click.option("--batch", type=int, help="People in one step of each process.")
@click.option("--val-every", type=int, help="Epochs from one validation to the next.")
@click.option("--seed", type=int, help="Of first weights, order and augmentation.")
@click.option("--set", "changes", metavar="KEY=VALUE", multiple=True,
              help="Change any other number of the preset.")  # fmt: skip
@click.option("--workers", type=click.IntRange(0),
              help="Processes that read pictures, for each GPU.  [default: the cores]")  # fmt: skip
@click.option("--cache", metavar="DIR", type=_FILE,
              help="Folder for packed annotations, if the data's own is read-only.")  # fmt: skip
@click.option("--device", metavar="D", default="auto", show_default=True,
              help="cpu, cuda, cuda:N or mps.")  # fmt: skip
@click.option("--amp/--no-amp", "half", default=None,
              help="Compute convolutions in bfloat16.  [default: on GPUs]")  # fmt: skip
@click.option("--save-every", metavar="STEPS", type=click.IntRange(1), default=1000,
              show_default=True, help="Steps from one saved state to the next.")  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def train(preset: str | None, listing: bool, **options: Any) -> None:  # noqa: ANN401  of click
    """Train the network of PRESET.

    Stopped, or killed, the same command goes on where it was. On several GPUs:
    torchrun --nproc-per-node 8 -m dw_openpose_full.training PRESET ...
    """
    if listing:
        show("\n".join(_table()))
        return
    if preset is None:
        raise click.UsageError('the name of a preset is missing; "--list" shows them')
    if not options["data"]:
        raise click.UsageError("--data, a folder to learn from, is missing")
    _train(_changed(find(preset), options), options)


def _train(preset: Preset, options: Mapping[str, Any]) -> None:
    """Gather the processes, open the data, and train."""
    try:
        from ..training.processes import gathered_crew
    except ModuleNotFoundError as error:
        raise DependencyError(
            f'{error.name} is not installed; training needs: pip install "dw-openpose-full[train]"'
        ) from error
    with gathered_crew(options["device"]) as crew:
        _train_together(preset, options, crew)


def _train_together(preset: Preset, options: Mapping[str, Any], crew: Crew) -> None:
    """What each process does."""
    from ..training.material import open_feed, open_validation
    from ..training.run import Plan, Run

    quiet = options["quiet"] or not crew.speaks

    def tell(line: str) -> None:
        if not quiet:
            say(line)

    feed = open_feed(
        preset,
        options["data"],
        crew,
        workers=options["workers"],
        cache=options["cache"],
        tell=tell,
    )
    validation = open_validation(preset, options["data"], options["val_data"], tell=tell)
    out = options["out"] or _DEFAULT_OUT / preset.name
    chosen = ("teacher", "first", "resume", "half", "save_every")
    plan = Plan(preset, out, **{name: options[name] for name in chosen})
    run = Run(plan, feed, crew, validation=validation, tell=tell)
    for _ in with_progress(run, run.remaining, quiet=quiet, doing="training"):
        pass
    tell(f"done: {run.result}")


def _changed(preset: Preset, options: Mapping[str, Any]) -> Preset:
    """The preset with what the command line says otherwise."""
    changes: dict[str, object] = {}
    for change in options["changes"]:
        key, equals, value = change.partition("=")
        if not equals:
            raise OptionError(f"--set must be like rate=0.001, got {change!r}")
        changes[key] = value
    for key in ("epochs", "batch", "val_every", "seed"):
        if options[key] is not None:
            changes[key] = options[key]
    return preset.changed(changes)


def _table() -> list[str]:
    """The presets, one a line, for people."""
    head = ("preset", "learns", "crop", "epochs", "batch", "teacher")
    rows = [head]
    rows += [
        (
            row.name,
            _STAGES[row.stage],
            f"{row.width}x{row.height}",
            str(row.epochs),
            f"{row.processes} x {row.batch}",
            row.teacher or "-",
        )
        for row in PRESETS.values()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
