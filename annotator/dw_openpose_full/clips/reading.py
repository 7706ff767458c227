"""The people of each frame of a video: found anew, or followed from the frame before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Final

import numpy as np

from .. import skeleton
from ..errors import OptionError
from ..geometry import intersection_over_union
from ..people import EVERYBODY, PeopleChoice
from ..pipeline import DwOpenpose, Group
from ..poses import Boxes, WholeBodyPoses
from ..smoothing.following import LEAST_OVERLAP, Follower
from ..thresholds import DEFAULT_THRESHOLD
from ..video import Frame

GROWTH: Final = 1.125
"""A person's box, of the box round the points: the median of COCO-WholeBody's own example."""
LEAST_POINTS: Final = 4  # of the body's 17; who shows fewer is lost

_BODY: Final = skeleton.BODY


@dataclass(frozen=True, eq=False)
class Sighting:
    """The people of one frame.

    Attributes:
        poses: As they were read.
        asked: Where people were looked for.
    """

    poses: WholeBodyPoses
    asked: Boxes


@dataclass(frozen=True)
class ClipReader:
    """Reads the poses of a video's people, frame by frame.

    Attributes:
        estimator: Finds the people and reads their poses.
        people: Who is wanted. Of more people than that, those of the frame before are kept.
        detect_every: The detector looks at each so-manieth frame, and wherever somebody is lost.
            In between, people are looked for where their last points were; who comes into the
            picture there is seen a little later.
    """

    estimator: DwOpenpose
    people: PeopleChoice = EVERYBODY
    detect_every: int = 1

    def __post_init__(self) -> None:
        """Refuse what is no number of frames.

        Raises:
            OptionError: If ``detect_every`` is not positive.
        """
        if not isinstance(self.detect_every, Integral) or self.detect_every < 1:
            raise OptionError(f"detect_every must be a positive number, got {self.detect_every!r}")

    def read(
        self, frames: Iterable[Frame], last: Sighting | None = None
    ) -> Iterator[tuple[Frame, Sighting]]:
        """Read frames in order; where the detector looks at all of them, they share batches.

        Args:
            frames: One after the other, from a video's first, or the one after ``last``.
            last: The frame before, of an earlier run.
        """
        yield from (self._each if self.detect_every == 1 else self._followed)(frames, last)

    def _each(
        self, frames: Iterable[Frame], last: Sighting | None
    ) -> Iterator[tuple[Frame, Sighting]]:
        """The detector looks at every frame."""
        asked = None if last is None else last.asked
        waiting: list[Frame] = []
        group = Group()
        for frame in frames:
            asked = self._find(frame, asked)
            waiting.append(frame)
            group.add_(frame.picture, asked)
            if group.is_full:
                yield from self._finish(waiting, group)
                waiting, group = [], Group()
        yield from self._finish(waiting, group)

    def _finish(self, frames: Sequence[Frame], group: Group) -> Iterator[tuple[Frame, Sighting]]:
        read = self.estimator.read_poses(group.pictures, group.boxes)
        for frame, poses, asked in zip(frames, read, group.boxes, strict=True):
            yield frame, Sighting(poses, asked)

    def _followed(
        self, frames: Iterable[Frame], last: Sighting | None
    ) -> Iterator[tuple[Frame, Sighting]]:
        """The detector looks now and then."""
        for frame in frames:
            if (
                last is None
                or (frame.number - 1) % self.detect_every == 0
                or somebody_is_lost(last)
            ):
                asked = self._find(frame, None if last is None else last.asked)
            else:
                asked = boxes_around(last.poses)
            last = Sighting(self.estimator.read_poses([frame.picture], [asked])[0], asked)
            yield frame, last

    def _find(self, frame: Frame, before: Boxes | None) -> Boxes:
        """The people of a frame, as the detector sees them."""
        most = self.people.max_people
        if most is None or before is None:
            return self.estimator.find_people(frame.picture, people=self.people)
        everybody = replace(self.people, max_people=None)
        found = self.estimator.find_people(frame.picture, people=everybody)
        follower = Follower(0)
        known = len(follower.names(before))
        is_new = follower.names(found) >= known
        rows = np.sort(np.argsort(is_new, kind="stable")[:most])
        return Boxes(found.xyxy[rows], found.scores[rows])


def boxes_around(poses: WholeBodyPoses) -> Boxes:
    """Where the people of a frame will be in the next one: round the points that are seen now."""
    around = Boxes.around(poses.keypoints.astype(np.float32), poses.scores >= DEFAULT_THRESHOLD)
    low, high = around.xyxy[:, :2], around.xyxy[:, 2:]
    centre, half = (low + high) / 2, (high - low) / 2 * np.float32(GROWTH)
    corners = np.concatenate([centre - half, centre + half], axis=1)
    there = around.scores > 0
    return Boxes(corners[there], poses.boxes.scores[there])


def somebody_is_lost(last: Sighting) -> bool:
    """Whether a box held nobody, or somebody who is hardly to be seen or is somewhere else."""
    poses = last.poses
    seen = (poses.scores[:, _BODY] >= DEFAULT_THRESHOLD).sum(axis=1)
    if len(poses) < len(last.asked) or (seen < LEAST_POINTS).any():
        return True
    around = boxes_around(poses).xyxy
    return any(
        intersection_over_union(box, here[None])[0] < LEAST_OVERLAP
        for box, here in zip(poses.boxes.xyxy, around, strict=True)
    )
