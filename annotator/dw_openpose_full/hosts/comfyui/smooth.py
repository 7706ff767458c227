"""Steady figures for videos."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ...smoothing import DEFAULT_GAP, DEFAULT_WINDOW, smoothed
from .keypoints import PoseKeypoints, read_frames, write_frames
from .node import POSE_KEYPOINT, Answer, Node, Output, socket, widget


@dataclass(frozen=True, eq=False)
class Smooth(Node):
    """Steadies a video's keypoints: follows people, closes short gaps, takes out the jitter."""

    id = "DWOpenposeSmooth"
    title = "DW OpenPose Smooth"
    outputs = (
        Output(POSE_KEYPOINT, "pose_keypoint", "The same frames; each person keeps one id."),
    )

    pose_keypoint: PoseKeypoints = field(
        metadata=socket(POSE_KEYPOINT, "Frames of a video, in order.")
    )
    window: int = field(
        default=DEFAULT_WINDOW,
        metadata=widget(
            "INT",
            "Frames that each point is smoothed over, half of them ahead: nothing lags; 1: none.",
            min=1,
            max=61,
            step=2,
        ),
    )
    max_gap: int = field(
        default=DEFAULT_GAP,
        metadata=widget(
            "INT",
            "A point or a person that is missing for up to so many frames is put in between.",
            min=0,
            max=60,
        ),
    )

    def run(self) -> Answer:
        """Smooth all frames."""
        frames = read_frames(self.pose_keypoint)
        steady = smoothed(
            [frame.figures for frame in frames], window=self.window, longest_gap=self.max_gap
        )
        kept = [
            replace(frame, figures=figures) for frame, figures in zip(frames, steady, strict=True)
        ]
        return Answer((write_frames(kept),))
