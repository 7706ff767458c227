"""Keypoints from files, and into files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

from ...errors import OptionError, OutputError, PoseJsonError
from ...files import write_atomically
from ...pose_json import PoseDocument
from ...poses import ImageSize
from . import host
from .estimator import LARGEST
from .keypoints import PoseKeypoints, frames_of, read_frames, write_frames
from .node import POSE_KEYPOINT, Answer, Node, Output, choice, socket, widget

NO_FILE: Final = "none"


def _files() -> list[str]:
    return [NO_FILE, *host.json_files()]


@dataclass(frozen=True, eq=False)
class LoadJson(Node):
    """Loads OpenPose JSON of any common writer: a file of the input folder, or text.

    No path can be typed: a file is one of the list, and a text is never taken for a name.
    """

    id = "DWOpenposeLoadJSON"
    title = "DW OpenPose Load JSON"
    outputs = (Output(POSE_KEYPOINT, "pose_keypoint", "OpenPose objects, one a frame."),)

    file: str = field(
        default=NO_FILE,
        metadata=choice(_files, "A JSON file of the host's input folder; none: the text below."),
    )
    text: str = field(
        default="",
        metadata=widget("STRING", "OpenPose JSON, where no file is chosen.", multiline=True),
    )
    width: int = field(
        default=0,
        metadata=widget(
            "INT",
            "Width of the canvas, for JSON that does not say, as OpenPose's own; 0: large enough.",
            min=0,
            max=LARGEST,
            advanced=True,
        ),
    )
    height: int = field(
        default=0,
        metadata=widget(
            "INT",
            "Height of the canvas, for JSON that does not say, as OpenPose's own; 0: large enough.",
            min=0,
            max=LARGEST,
            advanced=True,
        ),
    )

    @staticmethod
    def check(file: str | None = None, text: str | None = None) -> bool | str:
        """Whether there is such a file, or the text is JSON."""
        try:
            if file not in {None, NO_FILE}:
                _check_listed(file)
            elif text or (text == "" and file == NO_FILE):
                PoseDocument.read(text.encode())
        except PoseJsonError as error:
            return str(error)
        return True

    @staticmethod
    def fingerprint(file: str | None = None) -> str:
        """Changes with the file."""
        if file is None or file not in host.json_files():
            return ""
        status = host.input_file(file).stat()
        return f"{status.st_mtime_ns} {status.st_size}"

    def run(self) -> Answer:
        """Read all frames."""
        document = _read(self.file, self.text)
        size = ImageSize(self.height, self.width) if self.height and self.width else None
        return Answer((write_frames(frames_of(document, image_size=size)),))


def _read(file: str, text: str) -> PoseDocument:
    """The document of a file of the list, or of the text.

    Raises:
        PoseJsonError: If there is no such file, or either is no such document.
    """
    if file == NO_FILE:
        return PoseDocument.read(text.encode())  # bytes are never a path
    _check_listed(file)
    return PoseDocument.read(host.input_file(file))


def _check_listed(file: str | None) -> None:
    """Refuse names of files that the list has not.

    Raises:
        PoseJsonError: If it is one.
    """
    if file not in host.json_files():
        raise PoseJsonError(f"file: {file!r} is no JSON file of the input folder; choose one")


@dataclass(frozen=True, eq=False)
class SaveJson(Node):
    """Saves keypoints as OpenPose JSON, a list of objects, one a frame, in the output folder."""

    id = "DWOpenposeSaveJSON"
    title = "DW OpenPose Save JSON"
    is_output = True

    pose_keypoint: PoseKeypoints = field(metadata=socket(POSE_KEYPOINT, "Of any node."))
    filename_prefix: str = field(
        default="pose",
        metadata=widget(
            "STRING",
            "Of the file, PREFIX_00001.json and on; may name a folder (poses/walk) and the date "
            "(%year%-%month%-%day%).",
        ),
    )

    @staticmethod
    def check(filename_prefix: str | None = None) -> bool | str:
        """Whether the file would lie in the output folder."""
        try:
            _check_prefix(filename_prefix or "")
        except OptionError as error:
            return str(error)
        return True

    def run(self) -> Answer:
        """Write the file, complete or not at all."""
        _check_prefix(self.filename_prefix)
        frames = read_frames(self.pose_keypoint)
        size = frames[0].figures.image_size
        try:
            text = json.dumps(self.pose_keypoint, allow_nan=False)
        except (TypeError, ValueError):  # another node's numbers
            text = json.dumps(write_frames(frames))
        try:
            path, subfolder = host.output_file(self.filename_prefix, size.width, size.height)
        except OSError as error:
            raise OutputError(f"{self.filename_prefix}: no folder for it: {error}") from error
        write_atomically(path, text.encode())
        saved = {"filename": path.name, "subfolder": subfolder, "type": "output"}
        return Answer(ui={"files": [saved], "text": [path.name]})


def _check_prefix(prefix: str) -> None:
    """Refuse names that lead out of the output folder.

    Raises:
        OptionError: If a name does.
    """
    leads_out = any(
        path.anchor or ".." in path.parts
        for path in (PurePosixPath(prefix), PureWindowsPath(prefix))
    )
    if leads_out or not prefix.isprintable():
        raise OptionError(
            f"filename_prefix: expected a name within the output folder, got {prefix!r}"
        )
