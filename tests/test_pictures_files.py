"""Picture files: the right pixels, or one PictureError that names the file; never a hang."""

from __future__ import annotations

import io
import os
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, PngImagePlugin

from dw_openpose_full.errors import DependencyError, PictureError, PictureTypeError
from dw_openpose_full.pictures import as_picture, encode_png, read_picture, reading
from dw_openpose_full.pictures.decoding import decode

needs_posix = pytest.mark.skipif(os.name == "nt", reason="POSIX files")

HEIGHT, WIDTH = 37, 53


def smooth() -> np.ndarray:
    """A (37, 53, 3) picture without symmetries, kind to lossy formats."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 4, y * 6, (x + y) * 2], axis=-1).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int, height: int, packed: bytes, *, depth: int = 8, colour: int = 2, before: bytes = b""
) -> bytes:
    """A PNG of given compressed pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", packed)
        + chunk(b"IEND", b"")
    )  # fmt: skip


def put(folder: Path, data: bytes, name: str = "picture.png") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def refusal(path: Any) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(path)
    message = str(caught.value)
    assert "\n" not in message
    message.encode()
    return message


def check_shape(picture: np.ndarray, height: int = HEIGHT, width: int = WIDTH) -> None:
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert not picture.flags.writeable


# ---------------------------------------------------------------- formats and modes
RGB = Image.fromarray(smooth())
GREY = RGB.convert("L")
WHITE_HOLE = np.dstack([smooth(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
WHITE_HOLE[:10, :, 3] = 0


def on_white(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:].astype(float) / 255
    return np.rint(rgba[..., :3] * alpha + 255 * (1 - alpha))


EXACT: dict[str, tuple[bytes, np.ndarray]] = {
    "png-rgb": (saved(RGB, "PNG"), smooth()),
    "png-grey": (saved(GREY, "PNG"), np.asarray(GREY.convert("RGB"))),
    "png-1-bit": (saved(GREY.convert("1"), "PNG"), np.asarray(GREY.convert("1").convert("RGB"))),
    "png-palette": (saved(RGB.quantize(16), "PNG"), np.asarray(RGB.quantize(16).convert("RGB"))),
    "png-rgba": (saved(Image.fromarray(WHITE_HOLE), "PNG"), on_white(WHITE_HOLE)),
    "png-tiny": (saved(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"), np.array([[[1, 2, 3]]])),
    "webp-lossless": (saved(RGB, "WEBP", lossless=True), smooth()),
    "bmp": (saved(RGB, "BMP"), smooth()),
    "bmp-palette": (saved(RGB.quantize(16), "BMP"), np.asarray(RGB.quantize(16).convert("RGB"))),
    "tiff": (saved(RGB, "TIFF"), smooth()),
    "tiff-lzw": (saved(RGB, "TIFF", compression="tiff_lzw"), smooth()),
    "tiff-deflate": (saved(RGB, "TIFF", compression="tiff_adobe_deflate"), smooth()),
    "tiff-grey": (saved(GREY, "TIFF"), np.asarray(GREY.convert("RGB"))),
    "gif": (saved(RGB.quantize(64), "GIF"), np.asarray(RGB.quantize(64).convert("RGB"))),
    "gif-grey": (saved(GREY, "GIF"), np.asarray(GREY.convert("RGB"))),
    "tiff-rgba": (saved(Image.fromarray(WHITE_HOLE), "TIFF"), on_white(WHITE_HOLE)),
    "tiff-cmyk": (saved(RGB.convert("CMYK"), "TIFF"), smooth()),
}


@pytest.mark.parametrize("kind", EXACT)
def test_lossless_formats_give_the_exact_pixels(tmp_path: Path, kind: str) -> None:
    data, expected = EXACT[kind]
    picture = read_picture(put(tmp_path, data))
    check_shape(picture, *expected.shape[:2])
    np.testing.assert_array_equal(picture, expected)


LOSSY = {
    "jpeg": saved(RGB, "JPEG", quality=95),
    "jpeg-progressive": saved(RGB, "JPEG", quality=95, progressive=True),
    "jpeg-cmyk": saved(RGB.convert("CMYK"), "JPEG", quality=95),
    "jpeg-with-a-tail": saved(RGB, "JPEG", quality=95) + b"tail of a phone",
    "webp": saved(RGB, "WEBP", quality=95),
    "tiff-jpeg": saved(RGB, "TIFF", compression="jpeg", quality=95),
}


@pytest.mark.parametrize("kind", LOSSY)
def test_lossy_formats_give_nearly_the_pixels(tmp_path: Path, kind: str) -> None:
    picture = read_picture(put(tmp_path, LOSSY[kind]))
    check_shape(picture)
    assert np.abs(picture.astype(int) - smooth()).mean() < 8


def test_grey_jpeg_gives_three_equal_channels(tmp_path: Path) -> None:
    picture = read_picture(put(tmp_path, saved(GREY, "JPEG")))
    check_shape(picture)
    assert (picture == picture[..., :1]).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_transparent_pixels_are_white_whatever_colour_they_hide(tmp_path: Path, kind: str) -> None:
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    path = put(tmp_path, saved(Image.new("RGBA", (5, 4), (9, 8, 7, 0)), kind, **options))
    assert (read_picture(path) == 255).all()


def test_half_transparent_pixels_are_mixed_with_white(tmp_path: Path) -> None:
    path = put(tmp_path, saved(Image.new("RGBA", (5, 4), (0, 100, 255, 128)), "PNG"))
    assert read_picture(path)[0, 0].tolist() == [127, 177, 255]


def test_grey_with_alpha_is_composited_on_white(tmp_path: Path) -> None:
    image = Image.new("LA", (2, 1), (50, 255))
    image.putpixel((1, 0), (50, 0))
    assert read_picture(put(tmp_path, saved(image, "PNG"))).tolist() == [[[50] * 3, [255] * 3]]


@pytest.mark.parametrize("transparency", [0, b"\x00\xff"], ids=["index", "table"])
@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_palette_transparency_is_white(tmp_path: Path, kind: str, transparency: Any) -> None:
    if kind == "GIF" and isinstance(transparency, bytes):
        transparency = 0
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60] + [0] * 762)
    image.putpixel((1, 0), 1)
    path = put(tmp_path, saved(image, kind, transparency=transparency))
    assert read_picture(path).tolist() == [[[255, 255, 255], [40, 50, 60]]]


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_transparent_colour_is_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGB", (2, 1), (7, 7, 7))
    image.putpixel((1, 0), (90, 90, 90))
    key: Any = (7, 7, 7) if mode == "RGB" else 7
    path = put(tmp_path, saved(image.convert(mode), "PNG", transparency=key))
    assert read_picture(path).tolist() == [[[255] * 3, [90] * 3]]


# ---------------------------------------------------------------- deep pictures
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path, kind: str) -> None:
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    path = put(tmp_path, saved(Image.fromarray(levels * 257), kind))
    np.testing.assert_array_equal(read_picture(path)[..., 1], levels)


def test_a_dark_sixteen_bit_file_stays_dark(tmp_path: Path) -> None:
    path = put(tmp_path, saved(Image.fromarray(np.full((3, 4), 200, np.uint16)), "PNG"))
    assert (read_picture(path) == 1).all()


def test_sixteen_bit_colour_is_scaled_to_eight(tmp_path: Path) -> None:
    row = b"\0" + struct.pack(">6H", 257, 514, 771, 65535, 0, 257 * 128)
    path = put(tmp_path, png(2, 1, zlib.compress(row), depth=16))
    assert read_picture(path).tolist() == [[[1, 2, 3], [255, 0, 128]]]


def test_a_transparent_colour_of_sixteen_bit_grey_is_white(tmp_path: Path) -> None:
    row = b"\0" + struct.pack(">2H", 1000, 257 * 90)
    data = png(
        2, 1, zlib.compress(row), depth=16, colour=0, before=chunk(b"tRNS", struct.pack(">H", 1000))
    )
    assert read_picture(put(tmp_path, data)).tolist() == [[[255] * 3, [90] * 3]]


@pytest.mark.parametrize("scale", [1, 255])
def test_float_tiff_is_read_as_a_float_array(tmp_path: Path, scale: int) -> None:
    levels = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    path = put(tmp_path, saved(Image.fromarray(levels * np.float32(scale)), "TIFF"))
    np.testing.assert_array_equal(read_picture(path)[..., 0], np.rint(levels * 255))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 300.0])
def test_float_tiff_with_impossible_values_is_refused(tmp_path: Path, value: float) -> None:
    path = put(
        tmp_path, saved(Image.fromarray(np.full((3, 4), value, np.float32)), "TIFF"), "f.tif"
    )
    assert "f.tif" in refusal(path)


# ---------------------------------------------------------------- orientation and frames
TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.rot90(np.fliplr(a), 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(np.fliplr(a), -1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "TIFF-LZW", "WEBP", "JPEG"])
def test_exif_orientation_is_applied_once(tmp_path: Path, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 95},
        "TIFF-LZW": {"compression": "tiff_lzw"},
    }.get(kind, {})
    picture = read_picture(put(tmp_path, saved(RGB, kind[:4], exif=exif, **options)))
    expected = TURNS[orientation](smooth())
    check_shape(picture, *expected.shape[:2])
    assert np.abs(picture.astype(int) - expected).mean() < (8 if kind == "JPEG" else 1e-9)


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_unknown_orientation_is_none(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    check_shape(read_picture(put(tmp_path, saved(RGB, "PNG", exif=exif))))


@pytest.mark.filterwarnings("ignore:.*EXIF data:UserWarning")  # Pillow's, while it opens a file
def test_broken_exif_does_not_spoil_the_pixels(tmp_path: Path) -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x05broken"
    data = saved(RGB, "JPEG", quality=95)
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    check_shape(read_picture(put(tmp_path, data)))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_is_taken(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (6, 5), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    picture = read_picture(put(tmp_path, data))
    check_shape(picture, 5, 6)
    assert (picture == [255, 0, 0]).all()


# ---------------------------------------------------------------- names
NAMES = {
    "wrong-extension": "really_a_png.jpg",
    "no-extension": "picture",
    "upper-case": "PICTURE.PNG",
    "text-extension": "picture.txt",
    "spaces": "  two  spaces .png",
    "dash": "-rf.png",
    "emoji": "\N{DANCER}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}.png",
    "umlaut": "M\u00e4dchen \u821e\u8e48.png",
    "percent": "100%s%d{}.png",
    "dots": "...png",
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_is_only_a_name(tmp_path: Path, kind: str) -> None:
    path = put(tmp_path, saved(RGB, "PNG"), NAMES[kind])
    np.testing.assert_array_equal(read_picture(path), smooth())


@needs_posix
@pytest.mark.parametrize(
    "name", ["two\nlines.png", "tab\t.png", 'a"b*c?|<>:.png', "back\\slash.png"]
)
def test_names_that_only_posix_has(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, saved(RGB, "PNG"), name)
    np.testing.assert_array_equal(read_picture(path), smooth())
    path.write_bytes(b"")
    assert "\t" not in refusal(path)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
def test_a_name_that_is_not_utf8_is_read_and_shown(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.png")  # noqa: PTH118
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(saved(RGB, "PNG"))
    for form in (path, os.fsdecode(path), Path(os.fsdecode(path))):
        np.testing.assert_array_equal(as_picture(form), smooth())
    with open(path, "wb"):  # noqa: PTH123
        pass
    assert "caf" in refusal(path)


@pytest.mark.parametrize("form", [str, os.fsencode, Path], ids=["str", "bytes", "path"])
def test_every_form_of_path_is_taken(tmp_path: Path, form: Callable[[Path], Any]) -> None:
    check_shape(as_picture(form(put(tmp_path, saved(RGB, "PNG")))))


def test_a_relative_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, saved(RGB, "PNG"))
    monkeypatch.chdir(tmp_path)
    check_shape(read_picture("picture.png"))


@needs_posix
def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(put(tmp_path, saved(RGB, "PNG")))
    check_shape(read_picture(link))


# ---------------------------------------------------------------- no such picture
def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "nobody.png: there is no such file" in refusal(tmp_path / "nobody.png")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "there is no folder" in refusal(tmp_path / "gone" / "a.png")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "a folder" in refusal(tmp_path)


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    assert "picture.png" in refusal(put(tmp_path, saved(RGB, "PNG")) / "more.png")


@needs_posix
def test_a_broken_link_names_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "gone.png")
    message = refusal(link)
    assert "symbolic link to" in message
    assert "gone.png" in message


@needs_posix
def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    assert "circle" in refusal(tmp_path / "a.png")


def test_a_name_that_is_too_long_is_refused_and_shortened(tmp_path: Path) -> None:
    message = refusal(tmp_path / ("n" * 5000 + ".png"))
    assert len(message) < 500


@pytest.mark.parametrize("name", ["a\0b.png", b"a\0b.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_a_nul_in_the_name_is_refused(name: str | bytes) -> None:
    assert "NUL" in refusal(name)


@pytest.mark.parametrize("name", ["", b""])
def test_an_empty_name_is_refused(name: str | bytes) -> None:
    assert "empty name" in refusal(name)


def test_a_name_with_a_lone_surrogate_is_refused() -> None:
    refusal("\ud800.png")


def test_a_network_address_is_refused() -> None:
    assert "network address" in refusal("https://example.com/a.png")


@needs_posix
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "named pipe" in refusal(tmp_path / "pipe.png")


@needs_posix
def test_a_device_is_named_as_one() -> None:
    assert refusal("/dev/zero") == "/dev/zero: expected a picture file, got a device"


@needs_posix
def test_a_pipe_put_there_in_the_last_moment_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    regular = put(tmp_path, b"regular").stat()
    os.mkfifo(tmp_path / "pipe.png")
    monkeypatch.setattr(reading.os, "stat", lambda _: regular)
    assert "named pipe" in refusal(tmp_path / "pipe.png")


@needs_posix
def test_a_link_to_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.png").symlink_to(tmp_path / "pipe")
    assert "named pipe" in refusal(tmp_path / "link.png")


@needs_posix
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(tmp_path: Path, device: str) -> None:
    (tmp_path / "zero.png").symlink_to(device)
    assert "device" in refusal(tmp_path / "zero.png")


@needs_posix
def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.png")
        assert "socket" in refusal("s.png")


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> int:
        raise PermissionError(13, "Permission denied")

    path = put(tmp_path, saved(RGB, "PNG"))
    monkeypatch.setattr(reading.os, "open", refuse)
    assert "not permitted" in refusal(path)


def test_an_unknown_failure_of_the_system_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> int:
        raise OSError(5, "Input/output error")

    path = put(tmp_path, saved(RGB, "PNG"))
    monkeypatch.setattr(reading.os, "open", fail)
    assert "Input/output error" in refusal(path)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(reading.MAX_BYTES + 1)  # sparse
    assert "256 MiB" in refusal(path)


@pytest.mark.parametrize("thing", [3, 2.5, object()])
def test_what_is_no_path_is_a_type_error(thing: Any) -> None:
    with pytest.raises(PictureTypeError, match="expected a path"):
        read_picture(thing)


# ---------------------------------------------------------------- something else under the name
OTHERS = {
    "empty": (b"", "empty file"),
    "blank": (b" \n\n", "blanks"),
    "zeros": (bytes(1000), "zeros"),
    "html": (b"<!DOCTYPE html><html><body>404</body></html>", "HTML page"),
    "html-late": (b"\n  <!-- x -->\n<HTML lang=en>", "HTML page"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "svg-in-xml": (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
    "psd": (b"8BPS\0\1" + bytes(40), "Photoshop"),
    "pdf": (b"%PDF-1.7\n", "PDF"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
    "avif": (b"\0\0\0\x18ftypavif\0\0\0\0", "AVIF"),
    "mp4": (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
    "mov": (b"\0\0\0\x14ftypqt  \0\0\0\0", "video"),
    "webm": (b"\x1a\x45\xdf\xa3" + bytes(20), "video"),
    "avi": (b"RIFF\0\0\0\0AVI LIST", "AVI"),
    "ico": (b"\0\0\1\0\1\0" + bytes(20), "icon"),
    "jpeg-xl": (b"\xff\x0a" + bytes(20), "JPEG XL"),
    "jpeg-2000": (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    "zip": (b"PK\3\4" + bytes(20), "ZIP"),
    "gzip": (b"\x1f\x8b\x08" + bytes(20), "gzip"),
    "numpy": (b"\x93NUMPY\1\0" + bytes(20), "numpy.load"),
    "json": (b'{"people": []}', "text"),
    "text": ("gr\u00fc\u00df dich\n".encode(), "text"),
    "ppm": (b"P6\n1 1\n255\n\1\2\3", "PNG, JPEG, WebP, BMP, GIF or TIFF"),
    "noise": (bytes(range(128, 256)), "unknown data"),
    "one-byte": (b"\x89", "unknown data"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_picture_is_named(tmp_path: Path, kind: str) -> None:
    data, words = OTHERS[kind]
    message = refusal(put(tmp_path, data, "photo.jpg"))
    assert "photo.jpg" in message
    assert words in message


# ---------------------------------------------------------------- damage
@pytest.fixture(params=[False, True], ids=["strict", "lenient"])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that told Pillow to fill up what is missing, and one that did not."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", request.param)


WHOLE = {
    "png": EXACT["png-rgb"][0],
    "png-16": saved(Image.fromarray(np.arange(2000, dtype=np.uint16).reshape(40, 50)), "PNG"),
    "jpeg": LOSSY["jpeg"],
    "jpeg-progressive": LOSSY["jpeg-progressive"],
    "webp": LOSSY["webp"],
    "webp-lossless": EXACT["webp-lossless"][0],
    "bmp": EXACT["bmp"][0],
    "gif": EXACT["gif"][0],
    "tiff": EXACT["tiff"][0],
    "tiff-lzw": EXACT["tiff-lzw"][0],
}
CUTS = {"half": lambda n: n // 2, "most": lambda n: n * 9 // 10, "start": lambda _: 12}


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_cut_short_is_refused(tmp_path: Path, kind: str, cut: str) -> None:
    data = WHOLE[kind]
    assert "cut.dat" in refusal(put(tmp_path, data[: CUTS[cut](len(data))], "cut.dat"))


@pytest.mark.parametrize("kind", WHOLE)
def test_a_lenient_host_still_gets_whole_files(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read_picture(put(tmp_path, WHOLE[kind]))
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    np.testing.assert_array_equal(read_picture(put(tmp_path, WHOLE[kind])), expected)


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("where", [b"IHDR", b"IDAT", b"IEND", b"tEXt"])
def test_a_png_chunk_with_a_bad_check_sum_is_refused(tmp_path: Path, where: bytes) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "x")
    data = bytearray(saved(RGB, "PNG", pnginfo=text))
    start = data.index(where)
    length = int.from_bytes(data[start - 4 : start], "big")
    data[start + 4 + length] ^= 1
    assert "damaged" in refusal(put(tmp_path, bytes(data)))


@pytest.mark.usefixtures("host")
def test_a_png_whose_pixels_end_early_in_whole_chunks_is_refused(
    tmp_path: Path,
) -> None:
    rows = b"".join(b"\0" + os.urandom(90) for _ in range(30))
    packed = zlib.compress(rows)
    check_shape(read_picture(put(tmp_path, png(30, 30, packed))), 30, 30)
    assert "damaged" in refusal(put(tmp_path, png(30, 30, packed[: len(packed) // 2])))


def test_a_png_without_its_end_is_refused(tmp_path: Path) -> None:
    assert "damaged" in refusal(put(tmp_path, WHOLE["png"][:-12]))


def test_a_png_without_pixels_is_refused(tmp_path: Path) -> None:
    refusal(put(tmp_path, png(3, 3, b"")))


@pytest.mark.parametrize("kind", ["png", "gif", "bmp"])
def test_a_picture_of_no_width_is_refused(tmp_path: Path, kind: str) -> None:
    data = {
        "png": png(0, 5, zlib.compress(b"")),
        "gif": b"GIF89a" + struct.pack("<HHBBB", 0, 5, 0, 0, 0) + b";",
        "bmp": bytearray(WHOLE["bmp"]),
    }[kind]
    if kind == "bmp":
        data[18:22] = bytes(4)
    refusal(put(tmp_path, bytes(data)))


# ---------------------------------------------------------------- bombs
def tiff_header(width: int, height: int) -> bytes:
    entries = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1)]
    entries += [(273, 4, 8), (277, 3, 1), (278, 4, height), (279, 4, 10)]
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)


def bombs() -> dict[str, bytes]:
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(1_000_000)) for _ in range(113)) + rows.flush()
    small = bytearray(saved(RGB, "JPEG"))
    at = small.index(b"\xff\xc0") + 5
    small[at : at + 4] = struct.pack(">HH", 60000, 60000)
    bmp = bytearray(saved(RGB, "BMP"))
    bmp[18:26] = struct.pack("<ii", 30000, 30000)
    webp = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\x3f\0\xff\x3f\0"
    webp += b"VP8L" + struct.pack("<I", 6) + b"\x2f\xff\xff\xff\x0f\0"
    return {
        "png-900-million": png(30000, 30000, packed, depth=1, colour=0),
        "png-100-million": png(10000, 10000, packed, depth=1, colour=0),
        "png-just-above": png(8001, 8000, zlib.compress(bytes(8001 * 1001)), depth=1, colour=0),
        "png-absurd": png(2**31 - 1, 2**31 - 1, b""),
        "gif": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",",
        "jpeg": bytes(small),
        "bmp": bytes(bmp),
        "tiff": tiff_header(50000, 50000),
        "webp": b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp,
    }


BOMBS = bombs()


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = put(tmp_path, BOMBS[kind], "bomb.png")
    started = time.monotonic()
    assert "bomb.png" in refusal(path)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("kind", ["png-900-million", "png-100-million", "jpeg", "bmp", "tiff"])
def test_a_bomb_is_refused_by_its_size(tmp_path: Path, kind: str) -> None:
    assert "at most 64 million pixels" in refusal(put(tmp_path, BOMBS[kind]))


def test_pixels_that_inflate_beyond_the_header_do_not_cost_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    path = put(tmp_path, png(9, 9, zlib.compress(bytes(200_000_000), 1)))
    started = time.monotonic()
    refusal(path)
    assert time.monotonic() - started < 2


@needs_posix
@pytest.mark.parametrize("kind", BOMBS)
def test_a_refused_bomb_costs_little_memory(tmp_path: Path, kind: str) -> None:
    path = put(tmp_path, BOMBS[kind])
    code = (
        "import resource, sys; from dw_openpose_full.pictures import read_picture, decoding\n"
        "decoding._reader('PNG'); unit = 1 if sys.platform == 'darwin' else 1024\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit\n"
        "before = used()\n"
        "try: read_picture(sys.argv[1])\n"
        "except ValueError: print((used() - before) // 2**20)\n"
    )
    root = Path(reading.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert int(done.stdout) <= 100


def test_a_host_with_other_limits_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    check_shape(read_picture(put(tmp_path, saved(RGB, "JPEG"))))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    refusal(put(tmp_path, BOMBS["png-900-million"]))


def test_global_state_of_pillow_is_left_alone(tmp_path: Path) -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    read_picture(put(tmp_path, WHOLE["png"]))
    refusal(put(tmp_path, WHOLE["png"][:90]))
    after = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    assert after == before


# ---------------------------------------------------------------- without Pillow; out again
def test_without_pillow_the_extra_to_install_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DependencyError, match=r"dw-openpose-full\[cli\]"):
        read_picture(put(tmp_path, WHOLE["png"]))
    assert "no such file" in refusal(tmp_path / "gone.png")


def test_the_module_loads_numpy_and_opencv_only() -> None:
    code = "import dw_openpose_full.pictures, sys; print('PIL' in sys.modules)"
    root = Path(reading.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (300, 1, 3), (37, 53, 3)])
def test_what_is_encoded_is_read_back(tmp_path: Path, shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    data = encode_png(picture)
    assert data == encode_png(picture.copy(order="F"))
    np.testing.assert_array_equal(read_picture(put(tmp_path, data)), picture)


@pytest.mark.parametrize("shape", [(0, 3, 3), (3, 3), (3, 3, 4)])
def test_only_pictures_are_encoded(shape: tuple[int, ...]) -> None:
    with pytest.raises(PictureError, match="to encode"):
        encode_png(np.zeros(shape, np.uint8))


# ---------------------------------------------------------------- properties
def read_or_refuse(data: bytes) -> None:
    try:
        picture = decode(data, "any")
    except PictureError:
        return
    assert picture.ndim == 3
    assert picture.shape[2] == 3


@given(st.binary(min_size=1, max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_or_refuse(data)


@given(st.sampled_from(sorted(WHOLE)), st.data())
@settings(max_examples=300, deadline=None)
def test_any_damage_is_read_or_refused(kind: str, draw: st.DataObject) -> None:
    data = bytearray(WHOLE[kind])
    places = st.integers(0, min(len(data), 600) - 1)
    for place, value in draw.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        data[place] = value
    read_or_refuse(bytes(data[: draw.draw(st.integers(1, len(data)))]))
