"""Videos in and out: every frame once, upright, at its time; damage is told, never guessed away."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from dw_openpose_full.errors import DependencyError, OptionError
from dw_openpose_full.files import sweep_leftovers
from dw_openpose_full.poses import ImageSize, RgbImage
from dw_openpose_full.video import VIDEO_SUFFIXES, Video, VideoError, VideoWriter
from dw_openpose_full.video.signatures import container_of

try:
    import av
    from av.stream import Disposition
except ImportError:
    av = None

needs_av = pytest.mark.skipif(av is None, reason="PyAV is not installed")

SIZE = ImageSize(48, 64)


SHADES = 12


def picture(number: int, size: ImageSize = SIZE) -> RgbImage:
    """A frame that tells its number by its brightness; red on its left, blue on its right."""
    level = 16 + 20 * (number % SHADES)
    left, right = (level, 0, 0), (0, 0, level)
    columns = np.array([left] * (size.width // 2) + [right] * (size.width - size.width // 2))
    return np.broadcast_to(columns.astype(np.uint8), (*size, 3)).copy()


def number_of(frame: RgbImage) -> int:
    """The number that a frame tells, of the first dozen."""
    return round((float(frame.max(axis=2).mean()) - 16) / 20)


def filmed(
    path: Path,
    count: int = 12,
    rate: Fraction | int = 25,
    times: Sequence[Fraction] = (),
    codec: str = "libx264",
    *,
    title: str = "",
    **options: str,
) -> Path:
    """A video of numbered frames, of the kind that the name's end says."""
    rate = Fraction(rate)
    clock = Fraction(1, 1000) if times else 1 / rate
    with av.open(str(path), "w", options=options) as container:
        container.metadata["title"] = title
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = SIZE.width, SIZE.height, "yuv420p"
        stream.codec_context.time_base = clock
        stream.codec_context.gop_size = 4
        stream.codec_context.bit_rate = 4_000_000
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts = round(times[number] / clock) if times else number
            frame.time_base = clock
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def numbers(path: Path, **choice: int) -> list[int]:
    return [number_of(frame.picture) for frame in Video.of(path).frames(**choice)]


# ---------------------------------------------------------------- without PyAV


def test_without_pyav_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DependencyError, match=r"dw-openpose-full\[video\]"):
        Video.of(tmp_path / "a.mp4")
    with pytest.raises(DependencyError, match=r"dw-openpose-full\[video\]"):
        VideoWriter(tmp_path / "a.mp4", SIZE, Fraction(25))
    assert not list(tmp_path.iterdir())


def test_importing_loads_no_pyav() -> None:
    code = "import sys, dw_openpose_full.video; print('av' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x20ftypisom", "mp4"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "mp4"),
        (b"\x1a\x45\xdf\xa3\x01", "matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        ((b"\x47" + bytes(187)) * 3, "mpegts"),
        ((bytes(4) + b"\x47" + bytes(187)) * 3, "mpegts"),
        (b"\0\0\x01\xba", "mpeg"),
        (b"#EXTM3U\n", None),
        (b"ffconcat version 1.0\n", None),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b"G", "mpegts"),
        (b"Gnus are no video" * 40, None),
        (b"", None),
    ],
)
def test_kinds_are_told_by_first_bytes(head: bytes, kind: str | None) -> None:
    assert container_of(head) == kind


# ---------------------------------------------------------------- reading


@needs_av
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mov", "mpeg4"),
        ("a.mkv", "libx264"),
        ("a.webm", "libvpx"),
        ("a.avi", "mpeg4"),
        ("a.ts", "libx264"),
        ("a.mpg", "mpeg2video"),
        ("a.wmv", "wmv2"),
        ("a.flv", "libx264"),
    ],
)
def test_every_frame_once_in_order(tmp_path: Path, name: str, codec: str) -> None:
    path = filmed(tmp_path / name, codec=codec)
    video = Video.of(path)
    assert path.suffix in VIDEO_SUFFIXES
    assert (video.size, video.rate) == (SIZE, 25)
    assert video.count in {12, None}
    frames = list(video.frames())
    assert [frame.number for frame in frames] == list(range(1, 13))
    assert [number_of(frame.picture) for frame in frames] == list(range(12))
    for frame in frames:
        assert frame.picture.dtype == np.uint8
        assert frame.picture.shape == (*SIZE, 3)
        assert frame.picture.flags.c_contiguous
        assert not frame.picture.flags.writeable
        assert abs(frame.time - Fraction(frame.number - 1, 25)) < Fraction(1, 900)


@needs_av
def test_a_title_that_is_no_utf_8_is_no_damage(tmp_path: Path) -> None:
    path = filmed(tmp_path / "x.mkv", count=3, title="ABCDEFGH")
    data = path.read_bytes()
    assert b"ABCDEFGH" in data
    path.write_bytes(data.replace(b"ABCDEFGH", b"\xff\xfe\x80EFGH!"))
    assert numbers(path) == [0, 1, 2]


@needs_av
def test_colours_are_rgb(tmp_path: Path) -> None:
    frame = list(Video.of(filmed(tmp_path / "a.mp4")).frames())[11].picture
    assert np.abs(frame[24, 8].astype(int) - (236, 0, 0)).max() < 12
    assert np.abs(frame[24, 56].astype(int) - (0, 0, 236)).max() < 12


@needs_av
@pytest.mark.parametrize("rate", [5, 24, 60, Fraction(30000, 1001)])
def test_rates_and_times_are_exact(tmp_path: Path, rate: Fraction | int) -> None:
    video = Video.of(filmed(tmp_path / "a.mp4", rate=rate))
    assert video.rate == rate
    assert [frame.time for frame in video.frames()] == [
        number / Fraction(rate) for number in range(12)
    ]


@needs_av
def test_frames_of_variable_length_keep_their_times(tmp_path: Path) -> None:
    times = [Fraction(ms, 1000) for ms in (0, 40, 45, 300, 301, 1000, 1033, 1500)]
    for name in ("a.mp4", "a.mkv"):
        frames = Video.of(filmed(tmp_path / name, 8, times=times)).frames()
        assert [frame.time for frame in frames] == times


@needs_av
def test_a_late_start_is_no_part_of_the_times(tmp_path: Path) -> None:
    times = [Fraction(5000 + 40 * number, 1000) for number in range(4)]
    frames = list(Video.of(filmed(tmp_path / "a.mkv", 4, times=times)).frames())
    assert [frame.time for frame in frames] == [Fraction(number, 25) for number in range(4)]


@needs_av
def test_some_frames_of_many(tmp_path: Path) -> None:
    path = filmed(tmp_path / "a.mp4")
    assert numbers(path, every=5) == [0, 5, 10]
    assert numbers(path, first=11) == [10, 11]
    assert numbers(path, every=3, first=4) == [3, 6, 9]
    assert numbers(path, first=100) == []
    assert [frame.number for frame in Video.of(path).frames(every=5)] == [1, 6, 11]
    for choice in ({"every": 0}, {"first": 0}, {"every": -1}):
        with pytest.raises(OptionError, match="must be positive"):
            Video.of(path).frames(**choice)


@needs_av
def test_a_reader_may_stop_early_and_begin_again(tmp_path: Path) -> None:
    path = filmed(tmp_path / "a.mp4")
    video = Video.of(path)
    for _ in range(3):
        frames = video.frames()
        assert number_of(next(frames).picture) == 0
        assert number_of(next(frames).picture) == 1
    path.unlink()  # on Windows not while it is open


def turned(path: Path, matrix: Sequence[int]) -> Path:
    """An MP4 file with another display matrix in its track header."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40  # after version, flags and ten words
    data[place : place + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)
    return path


ONE, W = 1 << 16, 1 << 30
QUARTERS = {
    0: (ONE, 0, 0, 0, ONE, 0, 0, 0, W),
    1: (0, -ONE, 0, ONE, 0, 0, 0, SIZE.width << 16, W),  # counter-clockwise
    2: (-ONE, 0, 0, 0, -ONE, 0, SIZE.width << 16, SIZE.height << 16, W),
    3: (0, ONE, 0, -ONE, 0, 0, SIZE.height << 16, 0, W),
}


@needs_av
@pytest.mark.parametrize("quarters", QUARTERS)
def test_a_phones_video_is_upright(tmp_path: Path, quarters: int) -> None:
    path = turned(filmed(tmp_path / "a.mp4", 3), QUARTERS[quarters])
    video, frame = Video.of(path), next(Video.of(path).frames()).picture
    expected = np.rot90(picture(0), quarters)
    assert video.size == expected.shape[:2] == frame.shape[:2]
    assert np.abs(frame.astype(int) - expected).mean() < 4
    assert frame.flags.c_contiguous


# ---------------------------------------------------------------- refusing


@needs_av
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"not a video at all, whatever the name says", "got something else"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\na.mp4\n", "got something else"),
        (b"ffconcat version 1.0\nfile a.mp4\n", "got something else"),
        (b"\0\0\0\x20ftypisom" + bytes(200), "damaged or cut"),
        (b"\x1a\x45\xdf\xa3" + b"\xff" * 200, "damaged or cut"),
        (b"\x1a\x45\xdf\xa3\x01" + b"\x7f" * 200, "the file is cut"),
        (b"RIFF\xff\xff\0\0AVI " + bytes(500), "damaged or cut|no moving pictures|is cut"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    filmed(tmp_path / "a.mp4", 2)
    path = tmp_path / "b.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=rf"b\.mp4: .*({words})") as caught:
        Video.of(path)
    assert "\n" not in str(caught.value)


@needs_av
def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path, "got a folder"),
        (tmp_path / "none.mp4", "can not be read"),
        (tmp_path / ("a" * 300), "can not be read"),
        (tmp_path / "a\0b", "no file can have this name"),
    ):
        with pytest.raises(VideoError, match=words):
            Video.of(path)


@needs_av
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match="a device or a pipe"):
        Video.of(tmp_path / "a.mp4")


@needs_av
@pytest.mark.parametrize("name", ["concat:x.mp4", "-", "a%d.mp4", "http:x.mp4", "\udcff.mp4"])
def test_a_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    try:
        path.write_bytes(filmed(tmp_path / "a.mp4", 2).read_bytes())
    except (OSError, UnicodeEncodeError):
        pytest.skip("no file can have this name here")
    assert numbers(path) == [0, 1]


@needs_av
def test_sound_alone_and_its_cover_are_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = SIZE.width, SIZE.height, "yuvj420p"
        cover.disposition = Disposition.attached_pic.value
        container.mux(cover.encode(av.VideoFrame.from_ndarray(picture(0), format="rgb24")))
        container.mux(cover.encode(None))
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="no moving pictures"):
        Video.of(path)


@needs_av
def test_enormous_frames_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = filmed(tmp_path / "a.avi", codec="rawvideo")
    data = bytearray(path.read_bytes())
    head = data.index(b"strf") + 12  # width and height follow the header's own length
    data[head : head + 8] = struct.pack("<2i", 12000, 12000)
    path.write_bytes(data)
    with pytest.raises(VideoError, match=r"at most 64 million pixels, got 12000 x 12000"):
        Video.of(path)


# ---------------------------------------------------------------- damage

CUT_ANYWHERE = {
    "fast.mp4": ("libx264", {"movflags": "faststart"}),
    "slow.mp4": ("libx264", {}),
    "a.avi": ("mpeg4", {}),
    "a.mkv": ("libx264", {}),
    "a.webm": ("libvpx", {}),
}
"""Kinds of files that say how long they are."""


@needs_av
@pytest.mark.parametrize("name", CUT_ANYWHERE)
def test_a_cut_file_is_never_taken_for_a_whole_one(tmp_path: Path, name: str) -> None:
    codec, options = CUT_ANYWHERE[name]
    whole = filmed(tmp_path / name, 24, codec=codec, **options).read_bytes()
    path = tmp_path / f"cut_{name}"
    for length in [*range(20, len(whole), len(whole) // 60), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(VideoError, match=r"damaged|is cut|or cut|holds no frames"):
            numbers(path)


@needs_av
def test_a_file_in_parts_may_be_cut_between_them_alone(tmp_path: Path) -> None:
    """There it can not be told from one that was never longer."""
    movflags = "frag_keyframe+empty_moov"
    whole = filmed(tmp_path / "a.mp4", 24, movflags=movflags).read_bytes()
    begin = whole.index(b"moof", whole.index(b"moof") + 4) - 4
    path = tmp_path / "cut.mp4"
    for length in range(begin + 1, begin + 160):
        path.write_bytes(whole[:length])
        ended = whole[length + 4 : length + 8] in {b"moof", b"mdat", b"mfra"}
        if not ended:
            with pytest.raises(VideoError, match="bytes are missing"):
                Video.of(path)
    path.write_bytes(whole[:begin])
    assert 0 < len(numbers(path)) < 24


@needs_av
def test_lengths_that_nobody_filled_in_are_no_damage(tmp_path: Path) -> None:
    path = filmed(tmp_path / "a.avi", codec="mpeg4")
    data = bytearray(path.read_bytes())
    data[4:8] = bytes(4)
    path.write_bytes(data)
    assert numbers(path) == list(range(12))
    path = filmed(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes() + bytes(100))
    assert numbers(path) == list(range(12))
    path = tmp_path / "a.mkv"
    with path.open("wb") as file:  # as a browser records: nothing is filled in afterwards
        stream_out(file)
    assert numbers(path) == list(range(12))


def stream_out(file: BinaryIO) -> None:
    """Numbered frames as Matroska, written front to back."""
    with av.open(file, "w", format="matroska", options={"live": "1"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = SIZE.width, SIZE.height, "yuv420p"
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@needs_av
def test_frames_before_the_damage_are_given_and_counted(tmp_path: Path) -> None:
    path = filmed(tmp_path / "a.mp4", 24, movflags="faststart")
    data = path.read_bytes()
    middle = (data.index(b"mdat") + len(data)) // 2
    path.write_bytes(data[:middle] + b"\xff" * (len(data) - middle))
    video, seen = Video.of(path), []
    with pytest.raises(VideoError) as caught:
        seen.extend(number_of(frame.picture) for frame in video.frames())
    assert 0 < len(seen) < 24
    assert seen == [number % SHADES for number in range(len(seen))]
    assert f"a.mp4: the video is damaged after frame {len(seen)} (" in str(caught.value)


@needs_av
def test_damage_within_frames_is_mostly_seen(tmp_path: Path) -> None:
    """As a player, FFmpeg would paint over it: of these 60 it tells 21 unless it is asked to."""
    whole = filmed(tmp_path / "a.mp4", 24).read_bytes()
    begin, end = whole.index(b"mdat") + 4, whole.index(b"moov") - 4
    path = tmp_path / "b.mp4"
    random, failed = np.random.default_rng(0), 0
    for _ in range(60):
        data = bytearray(whole)
        place = int(random.integers(begin, end - 16))
        data[place : place + 16] = random.bytes(16)
        path.write_bytes(data)
        try:
            numbers(path)
        except VideoError:  # nothing else may come
            failed += 1
    assert failed > 35


@needs_av
def test_damaged_heads_give_frames_or_one_error_and_no_other_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = filmed(tmp_path / "a.wmv", codec="wmv2").read_bytes()
    path, failed = tmp_path / "b.wmv", 0
    for place in range(0, 450, 3):
        path.write_bytes(whole[:place] + b"\x7f" * 4 + whole[place + 4 :])
        try:
            numbers(path)
        except VideoError:
            failed += 1
    assert failed > 5
    assert capfd.readouterr().err == ""


# ---------------------------------------------------------------- writing


@needs_av
@pytest.mark.parametrize("size", [SIZE, ImageSize(47, 63), ImageSize(1, 1)])
def test_what_is_written_reads_back(tmp_path: Path, size: ImageSize) -> None:
    times = [Fraction(ms, 1000) for ms in (0, 40, 45, 300, 301)]
    with VideoWriter(tmp_path / "a.part", size, Fraction(25), Fraction(1, 1000)) as writer:
        for number, moment in enumerate(times):
            writer.write(picture(number, size), moment)
    frames = list(Video.of(tmp_path / "a.part").frames())
    assert [frame.time for frame in frames] == times
    even = tuple(side + side % 2 for side in size)
    for number, frame in enumerate(frames):
        assert frame.picture.shape == (*even, 3)
        if size == SIZE:
            assert number_of(frame.picture) == number


@needs_av
def test_a_video_is_for_every_player(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", SIZE, Fraction(30000, 1001)) as writer:
        for number in range(5):
            writer.write(picture(number), number * Fraction(1001, 30000))
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == Fraction(30000, 1001)


def fail_within(writer: VideoWriter) -> None:
    """An error of somebody else's, before the first frame."""
    with writer:
        raise ZeroDivisionError


@needs_av
def test_a_writer_refuses_what_makes_no_video(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="sides must be"):
        VideoWriter(tmp_path / "a", ImageSize(20000, 4), Fraction(25))
    with VideoWriter(tmp_path / "a", SIZE, Fraction(25)) as writer:
        writer.write(picture(0), Fraction(0))
        with pytest.raises(VideoError, match="one size, got 64 x 40 after 64 x 48"):
            writer.write(picture(1, ImageSize(40, 64)), Fraction(1))
    with pytest.raises(ZeroDivisionError):
        fail_within(VideoWriter(tmp_path / "b", SIZE, Fraction(25)))
    with pytest.raises(VideoError, match="at least one frame"):
        VideoWriter(tmp_path / "a", SIZE, Fraction(25)).__exit__(None, None, None)


@needs_av
@pytest.mark.skipif(sys.platform == "win32", reason="processes are not killed so there")
def test_a_killed_writer_leaves_no_half_video(tmp_path: Path) -> None:
    code = """
import sys, time
from fractions import Fraction
import numpy as np
from dw_openpose_full.files import replacing
from dw_openpose_full.video import VideoWriter
from dw_openpose_full.poses import ImageSize
with replacing(sys.argv[1]) as part, VideoWriter(part, ImageSize(48, 64), Fraction(25)) as writer:
    for number in range(100000):
        writer.write(np.full((48, 64, 3), number % 255, np.uint8), Fraction(number, 25))
        if number == 100:
            print("begun", flush=True)
"""
    target = tmp_path / "a.mp4"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGKILL)
    assert not target.exists()
    assert len(list(tmp_path.iterdir())) == 1
    assert sweep_leftovers(tmp_path) == 1
    assert not list(tmp_path.iterdir())
