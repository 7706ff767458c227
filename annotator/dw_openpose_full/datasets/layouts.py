"""Data sets in the layouts that their authors publish: which one a folder holds, what is missing.

COCO-WholeBody is COCO 2017 with other annotations; UBody is as the repositories OSX, DWPose and
mmpose describe it: ``annotations/<scene>/keypoint_annotation.json``, ``videos/<scene>/``, and the
frames in ``images/<scene>/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ..errors import DataSetError, name_for_message
from ..evaluation.ubody import read_videos
from .packing import Source

Split = Literal["train", "val"]
SPLITS: Final[tuple[Split, ...]] = ("train", "val")

SCENES: Final = (
    "Magic_show", "Entertainment", "ConductMusic", "Online_class", "TalkShow", "Speech", "Fitness",
    "Interview", "Olympic", "TVShow", "Singing", "SignLanguage", "Movie", "LiveVlog",
    "VideoConference",
)  # fmt: skip
"""Of UBody, in the order of the published configurations."""
UNMEASURED: Final = ("Speech", "Movie")
"""Scenes that the published validation leaves out."""
SCENE_FILE: Final = "keypoint_annotation.json"
TEST_VIDEOS: Final = Path("splits", "intra_scene_test_list.npy")

_COCO_PICTURES: Final = "http://images.cocodataset.org/zips/{}2017.zip (cocodataset.org/#download)"
_COCO_ANNOTATIONS: Final = "the links at https://github.com/jin-s13/COCO-WholeBody"
_UBODY_HOME: Final = "the form at https://github.com/IDEA-Research/OSX (Data)"
_COCO_TERMS: Final = (
    "The published COCO-WholeBody is for research and non-commercial use only: its annotations are "
    "under CC BY-NC 4.0, its pictures under the terms of Flickr"
)
_UBODY_TERMS: Final = (
    "UBody is sent by its authors to those who ask with their form, for the terms that stand there"
)

# what a download that went wrong begins with, and what it is
_NO_JSON: Final = (
    (b"PK\x03\x04", "a ZIP archive; unpack it"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"version https://git-lfs", "a Git LFS pointer; run git lfs pull"),
    (b"<", "an HTML page, such as a quota or log-in page; fetch it with a browser"),
)


@dataclass(frozen=True)
class Missing:
    """Something that a data set lacks.

    Attributes:
        what: Which file or folder, or what is wrong with it.
        cure: Where to get it, or what to do.
        spoils: The splits that can not be used without it.
    """

    what: str
    cure: str
    spoils: tuple[Split, ...] = SPLITS


@dataclass(frozen=True)
class DataSet:
    """A folder that holds a data set, or some of it.

    Attributes:
        name: The data set.
        folder: Where it lies.
        terms: What it may be used for.
        sources: What can be used of it, by split and by the name of each part.
        missing: What can not.
        test_videos: Names of UBody's videos for tests; ``None`` for others.
    """

    name: str
    folder: Path
    terms: str
    sources: Mapping[Split, Mapping[str, Source]]
    missing: tuple[Missing, ...]
    test_videos: frozenset[str] | None = None

    def lines(self) -> list[str]:
        """What can be used and what is missing, for people."""
        found = [f"{name_for_message(self.folder)}: {self.name}"]
        for split in SPLITS:
            parts = ", ".join(self.sources[split]) or "nothing that can be used"
            found.append(f"  {split}: {parts}")
        found += [f"  missing: {lack.what}; {lack.cure}" for lack in self.missing]
        return [*found, f"  {self.terms}"]


def recognised(folder: Path) -> DataSet:
    """Look at what a folder holds; no file is read but for its first bytes.

    Raises:
        DataSetError: If it is no data set of these layouts; it says what one looks like.
    """
    if not folder.is_dir():
        raise DataSetError(
            f"{name_for_message(folder)}: expected a data set's folder; there is none"
        )
    if _is_ubody(folder):
        return _ubody(folder)
    if _is_coco(folder):
        return _coco(folder)
    below: list[str] = []
    with suppress(OSError):  # a folder that may not be looked into
        below = [path.name for path in sorted(folder.iterdir()) if path.is_dir() and _is_any(path)]
    hint = f"; did you mean {', '.join(below)} in it?" if below else ""
    raise DataSetError(
        f"{name_for_message(folder)}: expected COCO-WholeBody (annotations/"
        f"{_coco_file('train')}, train2017/, ...), UBody (annotations/<scene>/{SCENE_FILE}, "
        f"images/<scene>/, ...) or shards of either{hint}"
    )


def _is_any(folder: Path) -> bool:
    return _is_ubody(folder) or _is_coco(folder)


def _is_coco(folder: Path) -> bool:
    return any(
        (folder / "annotations" / _coco_file(split)).exists() or _coco_pictures(folder, split)
        for split in SPLITS
    )


def _is_ubody(folder: Path) -> bool:
    return (folder / TEST_VIDEOS).exists() or any(
        (folder / kind / scene).is_dir()
        for kind in ("annotations", "videos", "images")
        for scene in SCENES
    )


def _coco(folder: Path) -> DataSet:
    """COCO-WholeBody, as far as it is there."""
    sources: dict[Split, dict[str, Source]] = {split: {} for split in SPLITS}
    missing: list[Missing] = []
    for split in SPLITS:
        annotations = folder / "annotations" / _coco_file(split)
        pictures = _coco_pictures(folder, split)
        fault = _fault_of_json(annotations)
        if fault:
            missing.append(Missing(f"annotations/{fault}", _COCO_ANNOTATIONS, (split,)))
        if pictures is None:
            cure = f"unpack {_COCO_PICTURES.format(split)}"
            missing.append(Missing(f"the pictures, {split}2017/", cure, (split,)))
        if not fault and pictures is not None:
            sources[split][f"{split}2017"] = Source(annotations, pictures)
    return DataSet("COCO-WholeBody", folder, _COCO_TERMS, sources, tuple(missing))


def _coco_file(split: Split) -> str:
    return f"coco_wholebody_{split}_v1.0.json"


def _coco_pictures(folder: Path, split: Split) -> Path | None:
    """Where the pictures are; some keep them one folder deeper."""
    places = (folder / f"{split}2017", folder / "images" / f"{split}2017")
    return next((place for place in places if place.is_dir()), None)


def _ubody(folder: Path) -> DataSet:
    """UBody, as far as it is there."""
    videos, missing = _test_videos(folder)
    sources: dict[str, Source] = {}
    for scene in SCENES:
        annotations = folder / "annotations" / scene / SCENE_FILE
        pictures = folder / "images" / scene
        fault = _fault_of_json(annotations)
        if fault:
            missing.append(Missing(f"annotations/{scene}/{fault}", _UBODY_HOME))
        if not pictures.is_dir():
            missing.append(Missing(f"the frames, images/{scene}/", _cure_of_frames(folder, scene)))
        if not fault and pictures.is_dir():
            sources[scene] = Source(annotations, pictures, sampled=True)
    usable = {} if videos is None else sources
    measured = {scene: usable[scene] for scene in usable if scene not in UNMEASURED}
    splits: dict[Split, Mapping[str, Source]] = {"train": usable, "val": measured}
    return DataSet("UBody", folder, _UBODY_TERMS, splits, tuple(missing), videos)


def _test_videos(folder: Path) -> tuple[frozenset[str] | None, list[Missing]]:
    """Names of the videos for tests, or what is wrong with the file that has them."""
    if not (folder / TEST_VIDEOS).exists():
        return None, [Missing(TEST_VIDEOS.as_posix(), _UBODY_HOME)]
    try:
        return read_videos(folder / TEST_VIDEOS), []
    except DataSetError as error:
        return None, [Missing(str(error), f"get it again from {_UBODY_HOME}")]


def _cure_of_frames(folder: Path, scene: str) -> str:
    if (folder / "videos" / scene).is_dir():
        return f"dw-openpose data video2image {name_for_message(folder)} --scene {scene}"
    return f"get videos/{scene}/ from {_UBODY_HOME}, then dw-openpose data video2image"


def _fault_of_json(path: Path) -> str:
    """What is wrong with an annotations file at first sight, its name before it; or nothing."""
    try:
        with path.open("rb") as file:
            head = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
    except FileNotFoundError:
        return path.name
    except OSError as error:
        return f"{path.name} can not be read: {error.strerror}"
    if head.startswith(b"{"):
        return ""
    kind = next((kind for start, kind in _NO_JSON if head.startswith(start)), "no JSON object")
    return f"{path.name} is {kind if head else 'an empty file; fetch it again'}"
