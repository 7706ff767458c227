"""The work of ``annotate``: pictures in groups, so that persons of several share a batch.

A picture that fails, fails alone: its error comes when its turn does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from ..annotation import Annotation, Look
from ..people import PeopleChoice
from ..pictures import read_picture
from ..pipeline import DwOpenpose, Group
from ..poses import Boxes, ImageSize, RgbImage, WholeBodyPoses
from .inputs import Job

Done: TypeAlias = tuple[Job, Callable[[], Annotation]]
"""A job, and what draws it or raises the reason why not."""


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
        waiting: list[Job] = []
        group = Group()
        for job in jobs:
            try:
                picture = read_picture(job.source)
                self.look.canvas_size(ImageSize.of(picture))  # refused before the work
                boxes = self.estimator.find_people(picture, people=self.people)
            except Exception as error:  # noqa: BLE001  it is raised again where jobs are done
                yield from self._finish(waiting, group)
                waiting, group = [], Group()
                yield job, partial(_fail, error)
                continue
            waiting.append(job)
            group.add_(picture, boxes)
            if group.is_full:
                yield from self._finish(waiting, group)
                waiting, group = [], Group()
        yield from self._finish(waiting, group)

    def _finish(self, jobs: Sequence[Job], group: Group) -> Iterator[Done]:
        """Read the poses of a group, or of each picture by itself where that fails."""
        if not jobs:
            return
        try:
            read = self.estimator.read_poses(group.pictures, group.boxes)
        except Exception:  # noqa: BLE001  each picture tells its own
            for job, picture, boxes in zip(jobs, group.pictures, group.boxes, strict=True):
                yield job, partial(self._read_and_draw, picture, boxes)
            return
        for job, picture, poses in zip(jobs, group.pictures, read, strict=True):
            yield job, partial(self._draw, picture, poses)

    def _read_and_draw(self, picture: RgbImage, boxes: Boxes) -> Annotation:
        return self._draw(picture, self.estimator.read_poses([picture], [boxes])[0])

    def _draw(self, picture: RgbImage, poses: WholeBodyPoses) -> Annotation:
        return Annotation.of(picture, poses, self.look)


def _fail(error: Exception) -> Annotation:
    raise error
