"""Whether a file is as long as it says: FFmpeg reads on, without a word, to wherever it was cut.

MP4 and its kin are a row of boxes (ISO/IEC 14496-12), Matroska and WebM one segment after a header
(RFC 8794, RFC 9559), AVI one chunk. Other kinds do not say.
"""

from __future__ import annotations

import os
from typing import BinaryIO, Final

_SEGMENT: Final = bytes.fromhex("18538067")
_UNKNOWN: Final = {0, 2**32 - 1}  # lengths of AVI chunks that nobody filled in


def missing_bytes(file: BinaryIO, kind: str) -> int:
    """How many bytes at least a file is shorter than it says; 0 too where it does not say.

    Args:
        file: At any place; it is left at its beginning.
        kind: As ``container_of`` gives it.
    """
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    end = _ENDS[kind](file, length) if kind in _ENDS else None
    file.seek(0)
    return max(0, end - length) if end is not None else 0


def _end_of_boxes(file: BinaryIO, length: int) -> int | None:
    """Where the first box ends that goes beyond the file."""
    place = 0
    while place < length:
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return place + 8
        if not any(head):  # zeros after the last box
            return None
        size = int.from_bytes(head[:4], "big")
        size = int.from_bytes(head[8:], "big") if size == 1 else size
        if size < 8:  # 0 stands for all that follows; the rest is none of ours to judge
            return None
        place += size
    return place


def _end_of_segment(file: BinaryIO, length: int) -> int | None:
    """Where the segment ends that holds everything."""
    file.seek(4)
    header = _size(file) or 0
    if header > length:  # there is no such place to look at
        return header
    file.seek(header, os.SEEK_CUR)
    size = _size(file) if file.read(4) == _SEGMENT else None
    return None if size is None else file.tell() + size


def _size(file: BinaryIO) -> int | None:
    """The length of an element: its first set bit tells how many bytes the length takes itself.

    All bits set mean a length that was not known when the file was begun.
    """
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    size = int.from_bytes(first + file.read(more), "big") - (1 << 7 * (more + 1))
    return None if size == (1 << 7 * (more + 1)) - 1 else size


def _end_of_chunk(file: BinaryIO, _length: int) -> int | None:
    """Where the first chunk ends; large files have more of them."""
    file.seek(4)
    size = int.from_bytes(file.read(4), "little")
    return None if size in _UNKNOWN else 8 + size


_ENDS: Final = {"mp4": _end_of_boxes, "matroska": _end_of_segment, "avi": _end_of_chunk}
