"""Kinds of video files, told by their first bytes.

FFmpeg would tell too, but it also knows playlists, and opens whatever else these name.
"""

from __future__ import annotations

from typing import Final

HEAD: Final = 512
"""Bytes that are looked at."""

_ATOMS: Final = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_BEGINNINGS: Final = {
    b"\x1a\x45\xdf\xa3": "matroska",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"\x00\x00\x01\xba": "mpeg",
    b"FLV\x01": "flv",
    b"OggS": "ogg",
}
_PACKETS: Final = ((0, 188), (4, 192))  # of transport streams: the sync byte's place, the distance
_SYNC: Final = 0x47


def container_of(head: bytes) -> str | None:
    """FFmpeg's name for a kind of file, ``None`` for what is no video that we know.

    >>> container_of(b"....ftypisom")
    'mp4'

    Args:
        head: The first ``HEAD`` bytes, or all if there are fewer.
    """
    if head[4:8] in _ATOMS:
        return "mp4"
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return "avi"
    for beginning, name in _BEGINNINGS.items():
        if head.startswith(beginning):
            return name
    for place, distance in _PACKETS:
        if len(head) > place and set(head[place::distance]) == {_SYNC}:
            return "mpegts"
    return None
