"""``dw-openpose data``: look at data sets, pack them, get frames and shards out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import click

from ..datasets.augmentation import Views
from ..datasets.layouts import SCENES, SPLITS, DataSet, Split, recognised
from ..datasets.packed import PackedPeople
from ..datasets.packing import Pack
from ..datasets.people import UNVARIED, pack_folder, packed_people
from ..datasets.sharding import ShardWriter
from ..datasets.shards import ShardedPeople, is_sharded
from ..datasets.ubody import VideoJob, add_category, scenes_of, video_jobs
from ..errors import DataSetError, DwPoseError, name_for_message
from ..poses import ImageSize
from .mannequins import mannequins
from .words import say, say_error, show, with_progress

_FOLDER: Final = click.Path(path_type=Path)
_FOLDERS: Final = click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=_FOLDER)
_CACHE: Final = click.option(
    "--cache", metavar="DIR", type=_FOLDER,
    help="Folder for packs.  [default: .dw-openpose in each DIR]",
)  # fmt: skip
_SCENE: Final = click.option(
    "--scene", "scenes", metavar="S", multiple=True, type=click.Choice(SCENES),
    help="Only this scene; may be repeated.",
)  # fmt: skip
_QUIET: Final = click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
_SIZES: Final = {"192x256": ImageSize(256, 192), "288x384": ImageSize(384, 288)}


@click.group()
def data() -> None:
    """Look at data sets, and prepare them for training."""


data.add_command(mannequins)


@data.command(short_help="Say what a folder holds and what is missing.")
@_FOLDERS
@click.option("--pictures", is_flag=True, help="Read every annotated picture, too.")
@_CACHE
def check(folders: tuple[Path, ...], pictures: bool, cache: Path | None) -> int:
    """Say which data set each DIR holds, what is missing, and where to get it.

    DIR is COCO-WholeBody or UBody as published, or a folder of shards.
    """
    faults = 0
    for folder in folders:
        sharded = [split for split in SPLITS if is_sharded(folder, split)]
        for split in sharded:
            faults += _check_shards(folder, split, everything=pictures)
        if not sharded:
            found = recognised(folder)
            show("\n".join(found.lines()))
            faults += len(found.missing)
            faults += sum(_check_pictures(found, split, cache) for split in SPLITS if pictures)
    return 1 if faults else 0


@data.command(short_help="Pack annotations for training.")
@_FOLDERS
@_CACHE
@_QUIET
def prepare(folders: tuple[Path, ...], cache: Path | None, quiet: bool) -> int:
    """Pack the annotations of each DIR, and say who is left out and why.

    Training does this by itself when it has not been done.
    """
    failed = 0
    for found in map(recognised, folders):
        if not any(found.sources.values()):
            raise DataSetError("\n".join(found.lines()))
        sources = dict(found.sources["train"]) | dict(found.sources["val"])
        for name, source in with_progress(
            sources.items(), len(sources), quiet=quiet, doing="packing"
        ):
            try:
                pack = Pack.of(source, pack_folder(found, cache))
            except DataSetError as error:
                failed += 1
                say_error(error)
            else:
                _show_pack(f"{found.name} {name}", pack)
    return 1 if failed else 0


@data.command(short_help="Make frames of UBody's videos.")
@click.argument("folder", metavar="DIR", type=_FOLDER)
@_SCENE
@click.option("--needed", is_flag=True,
              help="Only frames that are learnt from or measured on: every tenth.")  # fmt: skip
@click.option("--workers", metavar="N", type=click.IntRange(1), default=1, show_default=True,
              help="How many videos are read at a time.")  # fmt: skip
@_QUIET
def video2image(
    folder: Path, scenes: tuple[str, ...], needed: bool, workers: int, quiet: bool
) -> int:
    """Write the frames of DIR/videos/SCENE/ to DIR/images/SCENE/, 30 a second, as PNG.

    Frames that are there are kept, so the same command goes on where it was stopped.
    """
    jobs: list[VideoJob] = []
    failed = 0
    for scene in scenes or scenes_of(folder, "videos"):
        found, complaints = video_jobs(folder, scene, needed_only=needed)
        jobs += found
        failed += len(complaints)
        for complaint in complaints:
            say_error(complaint)
    todo = [job for job in jobs if not job.is_done]
    if len(todo) < len(jobs) and not quiet:
        say(f"{len(jobs) - len(todo)} videos already done")
    written = 0
    for result in with_progress(
        _results(todo, workers), len(todo), quiet=quiet, doing="making frames"
    ):
        try:
            written += result()
        except DwPoseError as error:
            failed += 1
            say_error(error)
    if not quiet:
        say(f"{written} frames written")
    return 1 if failed else 0


@data.command("add-cat", short_help="Add the category of persons to UBody's annotations.")
@click.argument("folder", metavar="DIR", type=_FOLDER)
@_SCENE
def add_cat(folder: Path, scenes: tuple[str, ...]) -> int:
    """Add COCO's category of persons to the scenes of DIR whose annotations have none.

    Tools made for COCO need it; dw-openpose does not.
    """
    failed = 0
    for scene in scenes or scenes_of(folder, "annotations"):
        try:
            show(f"{scene}: {'added' if add_category(folder, scene) else 'it is there already'}")
        except DataSetError as error:
            failed += 1
            say_error(error)
    return 1 if failed else 0


data.add_command(add_cat, "add_cat")  # as the reference calls it


@data.command(short_help="Write crops as WebDataset shards.")
@_FOLDERS
@click.option("-o", "--output", metavar="OUT", type=_FOLDER, required=True,
              help="Folder that the shards go to.")  # fmt: skip
@click.option("--split", type=click.Choice(SPLITS), default="train", show_default=True,
              help="Which people.")  # fmt: skip
@click.option("--size", type=click.Choice(tuple(_SIZES)), default="288x384", show_default=True,
              help="The largest crops that they are good for.")  # fmt: skip
@_CACHE
@_QUIET
def shards(
    folders: tuple[Path, ...],
    output: Path,
    split: Split,
    size: str,
    cache: Path | None,
    quiet: bool,
) -> int:
    """Write the people of each DIR to tar files in OUT, for sets on a network.

    OUT can be trained on like the data sets it was made of.
    """
    tell = _nothing if quiet else say
    views = Views(_SIZES[size], UNVARIED, (0,))
    people: list[PackedPeople] = []
    for folder in folders:
        people += packed_people(recognised(folder), split, views, cache=cache, tell=tell)
    writer = ShardWriter(people, output, split)
    count = sum(map(len, people))
    for _ in with_progress(writer, count, quiet=quiet, doing="writing"):
        pass
    for line in writer.left_out.lines():
        say_error(line)
    if not quiet:
        say(f"{name_for_message(output)}: {len(writer.files)} shards, {writer.people} people")
    return 1 if writer.left_out else 0


def _nothing(_line: str) -> None:
    """Be quiet."""


def _show_pack(name: str, pack: Pack) -> None:
    show(f"{name}: {len(pack.people)} of {pack.notes['annotated']} people can be learnt from")
    for line in pack.left_out.lines():
        show(f"  left out: {line}")


def _check_shards(folder: Path, split: Split, *, everything: bool) -> int:
    """Look at shards; how many faults there are."""
    people = ShardedPeople.open(folder, split, Views(ImageSize(1, 1), UNVARIED, (0,)))
    show(f"{name_for_message(folder)}: {len(people.files)} shards of {split}, {len(people)} people")
    damage = people.damage().lines() if everything else []
    for line in damage:
        say_error(line)
    return len(damage)


def _check_pictures(found: DataSet, split: Split, cache: Path | None) -> int:
    """Read every picture of a split; how many can not be used."""
    if not found.sources[split]:
        return 0
    faults = 0
    for people in packed_people(
        found, split, Views(ImageSize(1, 1), UNVARIED, (0,)), cache=cache, tell=say
    ):
        first_on = {people.path(index): index for index in reversed(range(len(people)))}
        for index in with_progress(first_on.values(), len(first_on), quiet=False, doing="reading"):
            try:
                people.picture(index)
            except DataSetError as error:
                faults += 1
                say_error(error)
    return faults


def _results(jobs: Sequence[VideoJob], workers: int) -> Iterator[Callable[[], int]]:
    """What gives the frames that a job has written, or raises why not; as they are done."""
    if workers == 1:
        yield from (job.run for job in jobs)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            for future in as_completed([pool.submit(job.run) for job in jobs]):
                yield future.result
        finally:
            pool.shutdown(cancel_futures=True)  # if somebody stops, the others do not begin
