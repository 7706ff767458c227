"""What a file is, by its first bytes: one of our six formats, or something to be named in an error.

The signatures are those of the formats' own specifications.
"""

from __future__ import annotations

from typing import Final

from ..errors import PictureError

FORMATS: Final = "PNG, JPEG, WebP, BMP, GIF or TIFF"

_PICTURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
)

_CONVERT: Final = "convert it to PNG or JPEG"
_FRAMES: Final = "pass it to the video command, or extract a frame"

# first bytes, what they are, what to do
_OTHERS: Final = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "run git lfs pull"),
    (b"8BPS", "a Photoshop document", _CONVERT),
    (b"%PDF", "a PDF document", _CONVERT),
    (b"%!PS", "a PostScript document", _CONVERT),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document", _CONVERT),
    (b"\x00\x00\x01\x00", "a Windows icon", _CONVERT),
    (b"\xff\x0a", "a JPEG XL picture", _CONVERT),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture", _CONVERT),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture", _CONVERT),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture", _CONVERT),
    (b"qoif", "a QOI picture", _CONVERT),
    (b"v/1\x01", "an OpenEXR picture", _CONVERT),
    (b"#?RADIANCE", "a Radiance picture", _CONVERT),
    (b"SIMPLE  =", "a FITS picture", _CONVERT),
    (b"DDS ", "a DDS texture", _CONVERT),
    (b"RIFF", "an AVI video or a sound", _FRAMES),  # WebP is found before
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM video", _FRAMES),
    (b"\x00\x00\x01\xba", "an MPEG video", _FRAMES),
    (b"FLV\x01", "a Flash video", _FRAMES),
    (b"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"\x93NUMPY", "a numpy file", "load it with numpy.load and pass the array"),
)
_STILL_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc")


def picture_format(data: bytes, name: str) -> str:
    """Which of ``FORMATS`` the bytes of a file are, in capitals.

    Args:
        data: At least one byte.
        name: The file, for the message.

    Raises:
        PictureError: If they are none; the message says what they are.
    """
    for start, kind in _PICTURES:
        if data.startswith(start):
            return kind
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    what, advice = _something_else(data)
    raise PictureError(f"{name}: expected a {FORMATS} picture, got {what}; {advice}")


def _something_else(data: bytes) -> tuple[str, str]:
    """What a file is that is no picture of ours, and what to do with it."""
    for start, what, advice in _OTHERS:
        if data.startswith(start):
            return what, advice
    if data[4:8] == b"ftyp":
        return _box_file(data[8:12])
    return _words(data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower())


def _words(head: bytes) -> tuple[str, str]:
    """What the beginning of a file says in words, in lower case; or that it says none."""
    if head.startswith(b"<!doctype html") or b"<html" in head:
        return "an HTML page (a log-in or error page?)", "download the picture itself"
    if head.startswith(b"<") and b"<svg" in head:
        return "an SVG drawing", _CONVERT
    if not head.strip(b"\0"):
        return "nothing but blanks or zeros", "copy it again"
    if _is_text(head):
        return "text", "check which file is meant"
    return "unknown data", "check that it is a picture and copy it again"


def _box_file(brand: bytes) -> tuple[str, str]:
    """A file of the ISO base media family, by its brand."""
    if brand in _STILL_BRANDS:
        return "a HEIC picture", _CONVERT
    if brand in (b"avif", b"avis"):
        return "an AVIF picture", _CONVERT
    return "an MP4 or QuickTime video", _FRAMES


def _is_text(head: bytes) -> bool:
    try:
        text = head[:256].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
