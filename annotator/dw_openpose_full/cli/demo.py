"""``dw-openpose demo``: a page in the browser, or the same for many files without one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import click

from ..assembly import Supply
from ..demo.annotating import Reader
from ..demo.batch import Batch
from ..demo.bench import Bench
from ..demo.config import DemoSettings
from ..demo.making import Studio
from ..demo.plans import plan
from ..errors import name_for_message
from ..generation import FAMILIES, Models
from ..pictures.finding import PICTURE_SUFFIXES, is_folder, is_kind
from ..pipeline import DwOpenpose
from ..video import VIDEO_SUFFIXES
from .inputs import DEFAULT_FOLDER
from .words import SOME_FAILED, fetching, say, say_error, with_progress

_FILE = click.Path(path_type=Path)
_RESULTS = PICTURE_SUFFIXES | VIDEO_SUFFIXES | {".json"}
_SILENCE: Final = {
    "DIFFUSERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""What the libraries below are told by, as long as they are not loaded."""


@click.command(short_help="Pictures that follow poses: a page in the browser, or many files.")
@click.argument("inputs", nargs=-1)
@click.option("-o", "--output", metavar="OUT",
              help=f"The folder for the results of INPUTS.  [default: {DEFAULT_FOLDER}]",
              )  # fmt: skip
@click.option("--config", metavar="FILE", type=_FILE,
              help="Settings; the file is written where there is none yet.")  # fmt: skip
@click.option("--prompt", metavar="TEXT", help="What the new pictures show.")
@click.option("--seed", metavar="N", type=int, help="Of the first picture; -1 for a random one.")
@click.option("--family", type=click.Choice(list(FAMILIES)), help="Of image models.")
@click.option("--base", metavar="P",
              help="Own base model: a folder, a .safetensors file, or a hub's name.")  # fmt: skip
@click.option("--controlnet", metavar="P",
              help="An own ControlNet, named alike; none for pictures without a pose.")  # fmt: skip
@click.option("--model", metavar="M",
              help='Who reads poses: of "dw-openpose models list", or a network file.')  # fmt: skip
@click.option("--device", metavar="D", help="As for annotate.")
@click.option("--offline", is_flag=True, help="Fetch nothing.")
@click.option("--overwrite", is_flag=True, help="Make anew what is in OUT already.")
@click.option("--host", metavar="NAME", default="127.0.0.1", show_default=True,
              help="Who may see the page: this machine; 0.0.0.0 for everybody.")  # fmt: skip
@click.option("--port", metavar="N", type=click.IntRange(1, 65535), help="The page's port.")
@click.option("--open/--no-browser", "open_browser", default=False, help="Open the page.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def demo(
    inputs: tuple[str, ...],
    output: str | None,
    config: Path | None,
    prompt: str | None,
    seed: int | None,
    family: str | None,
    base: str | None,
    controlnet: str | None,
    model: str | None,
    device: str | None,
    offline: bool,
    overwrite: bool,
    host: str,
    port: int | None,
    open_browser: bool,
    quiet: bool,
) -> int:
    """Make pictures of somebody else in the poses of INPUTS: photos, videos, folders, globs.

    Without INPUTS a page in the browser does that. Settings come from FILE; options go before it.
    What is in OUT already is kept, so that a second run goes on where the first one stopped.
    """
    _check_use(click.get_current_context().params)
    if quiet:
        os.environ.update(_SILENCE)
    network = model if model and _is_file(model) else None
    told = {"prompt": prompt, "seed": seed, "family": family, "device": device}
    settings = _settings(config, told | {"model": None if network else model}, quiet=quiet)
    models = Models.of(settings.family, base, controlnet) if base or controlnet else None
    if inputs:
        reader = Reader(offline=offline, load=partial(_load, network, quiet=quiet))
        studio = Studio(models, offline=offline)
        voice = _say_nothing if quiet else say
        batch = Batch(Bench(settings, reader, studio, voice, overwrite=overwrite), say_error)
        folder = Path(DEFAULT_FOLDER if output is None else output)
        return _run(batch, inputs, folder, quiet=quiet)
    from ..demo.serving import serve

    serve(
        settings,
        port=port,
        host=host,
        models=models,
        device=settings.device,
        offline=offline,
        open_browser=open_browser,
        settings_file=config,
        tell=_say_nothing if quiet else say,
    )
    return 0


def _check_use(options: Mapping[str, object]) -> None:
    """Refuse options that do not go together."""
    output = options["output"]
    if options["inputs"]:
        if options["port"] or options["open_browser"]:
            raise click.UsageError("--port and --open are for the page; INPUTS do without it")
        if output is not None and not _may_be_a_folder(str(output)):
            raise click.UsageError(f"-o names a folder, got {output!r}")
        return
    if output is not None or options["overwrite"]:
        raise click.UsageError("-o and --overwrite are for INPUTS; name photos, or leave them out")
    if options["model"] and _is_file(str(options["model"])):
        raise click.UsageError("a network file is for INPUTS; the page takes models by name")


def _may_be_a_folder(output: str) -> bool:
    """Whether results may go there: to a folder, or to a name that is not a file's."""
    path = Path(output)
    if is_folder(path):
        return bool(output)  # an empty name is no folder's, whatever a path takes it for
    return not is_kind(Path.exists, path) and path.suffix.lower() not in _RESULTS


def _is_file(model: str) -> bool:
    """Whether a model is meant as a file; names have neither suffix nor folder."""
    return bool(Path(model).suffix) or len(Path(model).parts) > 1


def _settings(config: Path | None, told: Mapping[str, object], *, quiet: bool) -> DemoSettings:
    """The settings in force; they are written where the file is none yet."""
    is_there = config is not None and is_kind(Path.exists, config)
    settings = DemoSettings.read(config) if config and is_there else DemoSettings()
    changes = {name: value for name, value in told.items() if value is not None}
    settings = DemoSettings.from_dict(settings.to_dict() | changes)
    if config is not None and not is_there:
        settings.write(config)
        if not quiet:
            say(f"{name_for_message(config)}: written, with the settings in force")
    return settings


def _load(
    network: str | None,
    model: str,
    detector: str,
    backend: str,
    device: str,
    *,
    supply: Supply,
    quiet: bool,
) -> DwOpenpose:
    """Load an estimator; a network file takes the model's place."""
    with fetching(quiet=quiet) as progress:
        supply = replace(supply, progress=progress)
        return DwOpenpose.load(network or model, detector, backend, device, supply=supply)


def _run(batch: Batch, inputs: Sequence[str], folder: Path, *, quiet: bool) -> int:
    """Do the files; each that fails is named, and the others are done."""
    items, complaints = plan(inputs, folder, batch.bench.settings.images)
    for complaint in complaints:
        say_error(complaint)
    todo = [item for item in items if not batch.is_done(item)]
    if len(todo) < len(items) and not quiet:
        say(f"{len(items) - len(todo)} already done, kept; --overwrite makes them anew")
    for _ in with_progress(batch.run(todo), batch.steps(todo), quiet=quiet, doing="working"):
        pass
    if len(todo) > 1 and not quiet:
        say(f"{len(todo) - batch.failed} of {len(todo)} files done")
    return SOME_FAILED if batch.failed or complaints else 0


def _say_nothing(_text: str) -> None:
    """For who wants to hear errors only."""
