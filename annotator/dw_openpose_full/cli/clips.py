"""One video of ``annotate``."""

from __future__ import annotations

from contextlib import ExitStack

from ..clips import ClipAnnotator, FramesDocument
from ..errors import name_for_message
from ..files import replacing
from ..video import Video
from .inputs import Job
from .words import say, show, with_progress


def annotate_clip(job: Job, clips: ClipAnnotator, *, quiet: bool) -> None:
    """Write a video's figures, and its poses where they are wanted.

    Raises:
        DwPoseError: If the video is damaged, or something can not be written.
    """
    if job.picture is None:
        raise ValueError("a video does not go to stdout")
    video = Video.of(job.source)
    with ExitStack() as stack:
        document = _document(job, video, clips.reader.estimator.model, stack)
        frames = clips.annotate(video, job.picture, document)
        try:
            for _ in with_progress(frames, video.count, quiet=quiet, doing=job.source.name):
                pass
        except KeyboardInterrupt:
            say(f"{name_for_message(job.source)}: the same command with --resume goes on from here")
            raise


def _document(job: Job, video: Video, model: str, stack: ExitStack) -> FramesDocument | None:
    """What takes the poses of the video's frames, where they are wanted."""
    if job.json_to_stdout:
        return stack.enter_context(FramesDocument(_show, video.rate, model))
    if job.document is None:
        return None
    part = stack.enter_context(replacing(job.document))
    file = stack.enter_context(part.open("w", encoding="utf-8"))
    return stack.enter_context(FramesDocument(file.write, video.rate, model))


def _show(text: str) -> None:
    show(text, end=False)
