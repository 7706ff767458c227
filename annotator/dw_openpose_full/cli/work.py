"""The work of ``annotate``: pictures in groups, so that persons of several share a batch.

A picture that fails, fails alone: its error comes when its turn does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

from ..annotation import Annotation, Look
from ..estimator import BATCH
from ..people import PeopleChoice
from ..pictures import read_picture
from ..pipeline import DwOpenpose
from ..poses import MAX_PIXELS, Boxes, ImageSize, RgbImage, WholeBodyPoses
from .inputs import Job

MOST_PICTURES: Final = BATCH  # of a group, whoever is on them: results should not wait for long

Done: TypeAlias = tuple[Job, Callable[[], Annotation]]
"""A job, and what draws it or raises the reason why not."""


@dataclass
class _Group:
    """Pictures whose people have been found, and whose poses are read together."""

    jobs: list[Job] = field(default_factory=list)
    pictures: list[RgbImage] = field(default_factory=list)
    boxes: list[Boxes] = field(default_factory=list)

    def add_(self, job: Job, picture: RgbImage, boxes: Boxes) -> None:
        self.jobs.append(job)
        self.pictures.append(picture)
        self.boxes.append(boxes)

    @property
    def is_full(self) -> bool:
        """Whether it fills a batch, or as much memory as the largest picture."""
        persons = sum(len(found) for found in self.boxes)
        pixels = sum(picture.shape[0] * picture.shape[1] for picture in self.pictures)
        return len(self.jobs) >= MOST_PICTURES or persons >= BATCH or pixels >= MAX_PIXELS


@dataclass(frozen=True)
class Work:
    """What is done to each picture.

    Attributes:
        estimator: Finds the people and reads their poses.
        look: How they are drawn.
        people: Who is wanted.
    """

    estimator: DwOpenpose
    look: Look
    people: PeopleChoice

    def of(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Annotate pictures, in order."""
        group = _Group()
        for job in jobs:
            try:
                picture = read_picture(job.source)
                self.look.canvas_size(ImageSize.of(picture))  # refused before the work
                boxes = self.estimator.find_people(picture, people=self.people)
            except Exception as error:  # noqa: BLE001  it is raised again where jobs are done
                yield from self._finish(group)
                group = _Group()
                yield job, partial(_fail, error)
                continue
            group.add_(job, picture, boxes)
            if group.is_full:
                yield from self._finish(group)
                group = _Group()
        yield from self._finish(group)

    def _finish(self, group: _Group) -> Iterator[Done]:
        """Read the poses of a group, or of each picture by itself where that fails."""
        if not group.jobs:
            return
        try:
            read = self.estimator.read_poses(group.pictures, group.boxes)
        except Exception:  # noqa: BLE001  each picture tells its own
            for job, picture, boxes in zip(group.jobs, group.pictures, group.boxes, strict=True):
                yield job, partial(self._read_and_draw, picture, boxes)
            return
        for job, picture, poses in zip(group.jobs, group.pictures, read, strict=True):
            yield job, partial(self._draw, picture, poses)

    def _read_and_draw(self, picture: RgbImage, boxes: Boxes) -> Annotation:
        return self._draw(picture, self.estimator.read_poses([picture], [boxes])[0])

    def _draw(self, picture: RgbImage, poses: WholeBodyPoses) -> Annotation:
        return Annotation.of(picture, poses, self.look)


def _fail(error: Exception) -> Annotation:
    raise error
