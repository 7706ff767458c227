"""Arrays as pictures: the right pixels or one clear error, and the caller's array as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dw_openpose_full.errors import PictureError, PictureTypeError
from dw_openpose_full.pictures import as_picture, picture_from_array, picture_from_pil
from dw_openpose_full.poses import MAX_PIXELS

SHAPE = (19, 23)
RGB = np.random.default_rng(5).integers(0, 256, (*SHAPE, 3), np.uint8)
GREY = RGB[..., 1]
RGB.flags.writeable = False


class Tensor:
    """What we need to know of ``torch.Tensor``."""

    def __init__(self, values: Any, dtype: str = "torch.uint8", *, attached: bool = False) -> None:
        self.values, self.dtype, self.attached = np.asarray(values), dtype, attached

    def detach(self) -> Tensor:
        return Tensor(self.values, self.dtype)

    def cpu(self) -> Tensor:
        return self

    def float(self) -> Tensor:
        return Tensor(self.values.astype(np.float32), "torch.float32")

    def numpy(self) -> np.ndarray:
        if self.attached:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.values

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        return self.numpy()


class Subclass(np.ndarray):
    """An array of a class of its own."""


class OnlyInterface:
    """A thing that numpy can read without being an array."""

    __array_interface__ = RGB.__array_interface__


def check(picture: np.ndarray, expected: Any) -> None:
    expected = np.asarray(expected)
    assert type(picture) is np.ndarray
    assert picture.dtype == np.uint8
    assert picture.shape == (*expected.shape[:2], 3)
    assert picture.flags.c_contiguous
    assert not picture.flags.writeable
    np.testing.assert_array_equal(picture, expected if expected.ndim == 3 else stacked(expected))


def stacked(grey: np.ndarray) -> np.ndarray:
    return np.stack([grey] * 3, axis=-1)


def strided() -> np.ndarray:
    wide = np.zeros((SHAPE[0] * 2, SHAPE[1] * 3, 3), np.uint8)
    wide[::2, ::3] = RGB
    return wide[::2, ::3]


def unaligned() -> np.ndarray:
    raw = np.zeros(RGB.size * 2 + 1, np.uint8)[1:].view(np.uint16)
    raw[:] = RGB.reshape(-1)
    return (raw * 257).reshape(RGB.shape)


ACCEPTED = {
    "uint8": RGB,
    "writable": RGB.copy(),
    "fortran": np.asfortranarray(RGB),
    "strided": strided(),
    "mirrored": RGB[:, ::-1][:, ::-1],
    "bgr-turned": np.ascontiguousarray(RGB[..., ::-1])[..., ::-1],
    "transposed": np.ascontiguousarray(RGB.swapaxes(0, 1)).swapaxes(0, 1),
    "subclass": RGB.view(Subclass),
    "masked": np.ma.masked_array(RGB, mask=False),
    "masked-in-part": np.ma.masked_array(RGB, mask=RGB > 128),
    "interface": OnlyInterface(),
    "nested-lists": RGB.tolist(),
    "list-of-rows": list(RGB),
    "batch-of-one": RGB[None],
    "rgba-opaque": np.dstack([RGB, np.full(SHAPE, 255, np.uint8)]),
    "int8-range": RGB.astype(np.int16),
    "int32": RGB.astype(np.int32),
    "int64": RGB.astype(np.int64),
    "uint32": RGB.astype(np.uint32),
    "uint64": RGB.astype(np.uint64),
    "big-endian-int": RGB.astype(">i4"),
    "uint16": RGB.astype(np.uint16) * 257,
    "uint16-big-endian": (RGB.astype(np.uint16) * 257).astype(">u2"),
    "uint16-unaligned": unaligned(),
    "float16-unit": (RGB / 255).astype(np.float16),
    "float32-unit": (RGB / 255).astype(np.float32),
    "float64-unit": RGB / 255,
    "float-unit-rounded-up": RGB / 255 * (1 + 1e-7),
    "longdouble-unit": RGB.astype(np.longdouble) / 255,
    "float-big-endian": (RGB / 255).astype(">f4"),
    "float16-levels": RGB.astype(np.float16),
    "float32-levels": RGB.astype(np.float32),
    "float64-levels": RGB.astype(np.float64),
    "float-levels-nearly": RGB.astype(np.float64) * (1 - 1e-9),
    "float-strided": (strided() / 255)[:, ::-1][:, ::-1],
    "float-batch": (RGB / 255)[None].astype(np.float32),
    "tensor": Tensor(RGB),
    "tensor-attached": Tensor((RGB / 255).astype(np.float32), "torch.float32", attached=True),
    "tensor-bfloat16": Tensor(RGB.astype(np.float32), "torch.bfloat16"),
    "tensor-batch": Tensor((RGB / 255).astype(np.float32)[None], "torch.float32"),
    "pil": Image.fromarray(RGB),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_every_kind_of_array_gives_the_same_pixels(kind: str) -> None:
    check(as_picture(ACCEPTED[kind]), RGB)


ACCEPTED_GREY = {
    "hw": GREY,
    "hw1": GREY[..., None],
    "batch-hw1": GREY[None, ..., None],
    "float": GREY / 255,
    "uint16": GREY.astype(np.uint16) * 257,
    "tensor": Tensor(GREY),
    "pil-l": Image.fromarray(GREY),
    "pil-i": Image.fromarray(GREY.astype(np.int32)),
    "pil-f": Image.fromarray(GREY.astype(np.float32)),
    "pil-i16": Image.fromarray(GREY.astype(np.uint16) * 257),
}


@pytest.mark.parametrize("kind", ACCEPTED_GREY)
def test_grey_is_three_equal_channels(kind: str) -> None:
    check(as_picture(ACCEPTED_GREY[kind]), GREY)


@pytest.mark.parametrize("shape", [SHAPE, (*SHAPE, 1), (*SHAPE, 3)])
def test_bool_is_black_and_white(shape: tuple[int, ...]) -> None:
    truth = np.zeros(shape, bool)
    truth[3:7] = True
    expected = np.zeros(SHAPE, np.uint8)
    expected[3:7] = 255
    check(as_picture(truth), expected)


@pytest.mark.parametrize("scale", [1, 1 / 255])
def test_alpha_is_composited_on_white(scale: float) -> None:
    rgba = np.zeros((1, 4, 4), np.uint8)
    rgba[0] = [[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 255, 128], [255, 255, 255, 77]]
    expected = [[[10, 20, 30], [255, 255, 255], [127, 177, 255], [255, 255, 255]]]
    check(as_picture(rgba if scale == 1 else rgba * scale), expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (1, 20000, 3), (20000, 1, 3), (1, 9, 3)])
def test_thin_pictures_are_pictures(shape: tuple[int, ...]) -> None:
    check(as_picture(np.full(shape, 7, np.uint8)), np.full(shape, 7))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.int64, np.bool_])
def test_black_is_black(dtype: Any) -> None:
    check(as_picture(np.zeros((4, 5, 3), dtype)), np.zeros((4, 5, 3)))


def test_white_floats_are_white() -> None:
    check(as_picture(np.ones((4, 5, 3))), np.full((4, 5, 3), 255))


def test_sixteen_bits_round_to_the_nearest_level() -> None:
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    check(as_picture(deep), np.rint(deep / 257))


def test_a_large_picture_goes_by_blocks() -> None:
    wide = np.tile(np.linspace(0, 1, 1500), (1500, 1))
    check(as_picture(wide), np.rint(wide * 255))


def test_values_never_wrap() -> None:
    check(as_picture(np.full((2, 2, 3), 255.0)), np.full((2, 2, 3), 255))


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_a_memmap_is_read(tmp_path: Path, mode: Any) -> None:
    path = tmp_path / "pixels"
    path.write_bytes(RGB.tobytes())
    mapped: Any = np.memmap(path, np.uint8, mode, shape=RGB.shape)
    check(as_picture(mapped), RGB)


# ---------------------------------------------------------------- refused
BAD_SHAPES: dict[str, tuple[int, ...]] = {
    "no-rows": (0, 5, 3),
    "no-columns": (5, 0, 3),
    "no-channels": (5, 5, 0),
    "nothing": (0,),
    "empty-batch": (0, 5, 5, 3),
    "empty-in-batch": (1, 0, 5, 3),
    "number": (),
    "row": (30,),
    "two-channels": (8, 9, 2),
    "five-channels": (8, 9, 5),
    "channels-first": (3, 8, 9),
    "grey-first": (1, 8, 9),
    "rgba-first": (4, 8, 9),
    "tensor-nchw": (1, 3, 8, 9),
    "batch-of-two": (2, 8, 9, 3),
    "video": (1, 2, 8, 9, 3),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("kind", BAD_SHAPES)
def test_other_shapes_are_refused(kind: str, dtype: Any) -> None:
    shape = BAD_SHAPES[kind]
    with pytest.raises(PictureError) as caught:
        as_picture(np.zeros(shape, dtype))
    shown = shape[1:] if shape[:1] == (1,) and len(shape) == 4 and 0 not in shape else shape
    assert str(shown) in str(caught.value)


def test_channels_first_are_told_the_way() -> None:
    with pytest.raises(PictureError, match=r"np\.moveaxis"):
        as_picture(np.zeros((3, 64, 48), np.uint8))


def test_a_batch_is_told_the_way() -> None:
    with pytest.raises(PictureError, match="one by one"):
        as_picture(np.zeros((4, 8, 9, 3), np.uint8))


BAD_VALUES = {
    "nan": np.full((4, 5, 3), np.nan),
    "one-nan": np.where(np.arange(60).reshape(4, 5, 3) == 7, np.nan, 0.5),
    "inf": np.full((4, 5, 3), np.inf),
    "minus-inf": np.full((4, 5, 3), -np.inf),
    "one-inf-float16": np.where(np.arange(60).reshape(4, 5, 3) == 7, np.inf, 1).astype(np.float16),
    "normalised": np.linspace(-1, 1, 60).reshape(4, 5, 3),
    "slightly-negative": np.full((4, 5, 3), -1e-3),
    "above-255": np.full((4, 5, 3), 255.5),
    "huge": np.full((4, 5, 3), 1e30),
    "float-65535": np.full((4, 5, 3), 65535.0, np.float32),
    "int-256": np.full((4, 5, 3), 256, np.int32),
    "int-minus-1": np.full((4, 5, 3), -1, np.int16),
    "int8-negative": np.full((4, 5, 3), -128, np.int8),
    "uint64-huge": np.full((4, 5, 3), 2**63, np.uint64),
    "uint16-of-8-bits": np.full((4, 5, 3), 200, np.uint16),
    "nan-tensor": Tensor(np.full((4, 5, 3), np.nan), "torch.float64"),
    "nan-in-alpha": np.dstack([np.ones((4, 5, 3)), np.full((4, 5), np.nan)]),
    "pil-i-of-16-bits": Image.fromarray(np.full((4, 5), 40000, np.int32)),
    "pil-f-nan": Image.fromarray(np.full((4, 5), np.nan, np.float32)),
}


@pytest.mark.parametrize("kind", BAD_VALUES)
def test_impossible_values_are_refused(kind: str) -> None:
    with pytest.raises(PictureError) as caught:
        as_picture(BAD_VALUES[kind])
    assert isinstance(caught.value, ValueError)
    assert "expected" in str(caught.value)


BAD_TYPES: dict[str, Any] = {
    "object": RGB.astype(object),
    "complex": RGB.astype(complex),
    "strings": RGB.astype(str),
    "bytes": RGB.astype("S3"),
    "dates": RGB.astype("datetime64[s]"),
    "spans": RGB.astype("timedelta64[s]"),
    "fields": np.zeros((4, 5), [("r", "u1"), ("g", "u1")]),
    "void": np.zeros((4, 5), "V3"),
    "ragged": [[1, 2], [3]],
    "list-of-paths": ["a.png", "b.png"],
    "none": None,
    "int": 7,
    "float": 0.5,
    "dict": {"image": RGB},
    "set": {1, 2},
    "type": np.ndarray,
    "bytearray": bytearray(b"\x89PNG"),
    "open-file": sys.stdin,
    "tensor-broken": Tensor(RGB, "torch.bfloat16").values.astype(object),
}


@pytest.mark.parametrize("kind", BAD_TYPES)
def test_what_holds_no_numbers_is_a_type_error(kind: str) -> None:
    with pytest.raises(PictureTypeError) as caught:
        as_picture(BAD_TYPES[kind])
    assert isinstance(caught.value, TypeError)
    assert "expected" in str(caught.value)


def test_none_is_told_of_imread() -> None:
    with pytest.raises(PictureTypeError, match=r"cv2\.imread"):
        as_picture(None)


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, AttributeError, MemoryError])
def test_an_array_that_fails_is_a_type_error_with_its_cause(error: type[Exception]) -> None:
    class Failing:
        def __array__(self, *_: Any, **__: Any) -> np.ndarray:
            raise error("its own words")

    with pytest.raises(PictureTypeError, match="its own words") as caught:
        as_picture(Failing())
    assert isinstance(caught.value.__cause__, error)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.bool_])
def test_too_many_pixels_are_refused_before_any_work(dtype: Any) -> None:
    endless = np.broadcast_to(np.ones((1, 1, 3), dtype), (100_000, 100_000, 3))
    with pytest.raises(PictureError, match="at most 64 million pixels"):
        as_picture(endless)


def test_the_limit_itself_is_accepted() -> None:
    picture = as_picture(np.zeros((8000, MAX_PIXELS // 8000, 3), np.uint8))
    assert picture.shape == (8000, 8000, 3)


# ---------------------------------------------------------------- the caller's array
def test_a_right_array_is_not_copied_but_sealed() -> None:
    mine = RGB.copy()
    picture = as_picture(mine)
    assert np.shares_memory(picture, mine)
    assert mine.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        picture[0, 0] = 0


@pytest.mark.parametrize("kind", ["hw", "rgba", "float", "uint16", "fortran"])
def test_the_callers_array_is_untouched(kind: str) -> None:
    mine = {
        "hw": GREY.copy(),
        "rgba": np.dstack([RGB, GREY]),
        "float": RGB / 255,
        "uint16": RGB.astype(np.uint16) * 257,
        "fortran": np.asfortranarray(RGB),
    }[kind]
    before, flags = mine.copy(order="K"), str(mine.flags)
    as_picture(mine)
    np.testing.assert_array_equal(mine, before)
    assert str(mine.flags) == flags


def test_a_host_that_makes_numpy_raise_changes_nothing() -> None:
    with np.errstate(all="raise"):
        tiny = np.full((4, 5, 3), 1e-42)
        tiny[0] = 1
        assert as_picture(tiny)[0, 0, 0] == 255


# ---------------------------------------------------------------- PIL images
PIL_MODES = ["1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV", "RGBA", "LA", "PA", "RGBa", "La"]


@pytest.mark.parametrize("mode", PIL_MODES)
def test_pil_images_of_every_mode_are_taken(mode: str) -> None:
    if mode == "La":
        image = Image.new("LA", (6, 5), (200, 255)).convert("La")
    elif mode == "PA":
        image = Image.new("P", (6, 5)).convert("PA")
    else:
        image = Image.new("RGBA", (6, 5), (255, 255, 255, 255))
        image = image.convert(mode) if mode == "RGBa" else image.convert("RGB").convert(mode)
    before = image.tobytes()
    picture = picture_from_pil(image)
    assert picture.shape == (5, 6, 3)
    assert (picture[0, 0].max() - picture[0, 0].min()) < 4
    assert image.tobytes() == before
    assert image.mode == mode


def test_a_pil_image_turned_by_exif_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.png"
    Image.fromarray(RGB).save(path, exif=exif)
    with Image.open(path) as image:
        check(as_picture(image), np.rot90(RGB, -1))


def test_a_pil_image_is_taken_at_the_frame_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "two.tif"
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "lime")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with Image.open(path) as image:
        image.seek(1)
        assert as_picture(image)[0, 0].tolist() == [0, 255, 0]
        assert image.tell() == 1


def test_a_pil_image_cut_short_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    Image.fromarray(RGB).save(path)
    path.write_bytes(path.read_bytes()[:-300])
    with Image.open(path) as image, pytest.raises(PictureError, match=r"cut\.jpg"):
        as_picture(image)


def test_a_closed_pil_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "closed.png"
    Image.fromarray(RGB).save(path)
    image = Image.open(path)
    image.close()
    with pytest.raises(PictureError):
        as_picture(image)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_pil_image_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match="at least one pixel"):
        as_picture(Image.new("RGB", size))


def test_what_is_no_pil_image_is_a_type_error() -> None:
    with pytest.raises(PictureTypeError, match="expected a PIL image"):
        picture_from_pil(RGB)


def test_arrays_need_no_pillow() -> None:
    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "import numpy as np; from dw_openpose_full.pictures import as_picture\n"
        "print(as_picture(np.zeros((3, 4))).shape)"
    )
    root = str(Path(sys.modules["dw_openpose_full.pictures"].__file__ or "").parents[2])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n{code}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "(3, 4, 3)"


# ---------------------------------------------------------------- properties
@st.composite
def uint8_pictures(draw: st.DrawFn) -> np.ndarray:
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    tail = draw(st.sampled_from([(), (1,), (3,), (4,)]))
    seed = draw(st.integers(0, 2**32 - 1))
    values = np.random.default_rng(seed).integers(0, 256, (height, width, *tail), np.uint8)
    order = draw(st.sampled_from(["C", "F"]))
    return values.copy(order=order)[:: draw(st.sampled_from([1, -1]))]


@given(uint8_pictures())
@settings(max_examples=200, deadline=None)
def test_any_uint8_picture_is_taken_and_left_as_it_was(values: np.ndarray) -> None:
    before = values.copy()
    picture = picture_from_array(values)
    np.testing.assert_array_equal(values, before)
    assert picture.shape == (*values.shape[:2], 3)
    assert picture.flags.c_contiguous
    if values.ndim == 3 and values.shape[2] == 4:
        alpha = values[..., 3:] / 255
        expected = values[..., :3] * alpha + 255 * (1 - alpha)
        assert np.abs(picture - expected).max() <= 0.5 + 1e-6
    else:
        grey = values if values.ndim == 3 else values[..., None]
        np.testing.assert_array_equal(picture, np.broadcast_to(grey, picture.shape))


@given(uint8_pictures(), st.sampled_from([np.float16, np.float32, np.float64]))
@settings(max_examples=200, deadline=None)
def test_floats_give_the_answer_of_uint8(values: np.ndarray, dtype: Any) -> None:
    np.testing.assert_array_equal(
        picture_from_array((values / 255).astype(dtype)), picture_from_array(values)
    )
    if values.max() > 1:
        np.testing.assert_array_equal(
            picture_from_array(values.astype(dtype)), picture_from_array(values)
        )
