"""Pose to image: families as rows, the real pipelines of diffusers with tiny random networks."""

from __future__ import annotations

import gc
import inspect
import shutil
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dw_openpose_full as dw
from dw_openpose_full import generation
from dw_openpose_full.errors import DependencyError, ModelError, OptionError
from dw_openpose_full.generation import (
    FAMILIES,
    LIMITS,
    NO_CONTROLNET,
    SCHEDULERS,
    CanvasRule,
    Family,
    GenerationError,
    ImageMaker,
    Models,
    Settings,
    Step,
    StoppedError,
    Watch,
    canvas_for,
    family_named,
    pose_to_image,
)
from dw_openpose_full.generation.calls import arguments_for
from dw_openpose_full.generation.families import END, ETA, GUESS, NEGATIVE, START, kin_of
from dw_openpose_full.generation.sources import Source
from dw_openpose_full.poses import ImageSize

# between diffusers and its neighbours, not of our making
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers"),
    pytest.mark.filterwarnings("ignore:The `local_dir_use_symlinks`:UserWarning"),
]

KINDS = {
    "sd15": "sd15",
    "sdxl-xinsir": "sdxl",
    "sdxl-union": "sdxl-union",
    "flux-union": "flux-union",
    "flux-union-2": "flux",
    "sd3": "sd3",
}
"""Families of which there is a tiny twin, and its kind."""

QUICK = {"steps": 2, "resolution": 128}


def figures(seed: int = 0, size: tuple[int, int] = (96, 128)) -> dw.OpenPoseFigures:
    """One person, scattered over a picture."""
    random = np.random.default_rng(seed)
    keypoints = random.uniform(8, 88, (1, 133, 2))
    poses = dw.WholeBodyPoses.from_arrays(keypoints, np.ones((1, 133)), image_size=size)
    return dw.OpenPoseFigures.from_poses(poses)


CANVAS = dw.render(figures(), size=(128, 128))
OTHER = dw.render(figures(1), size=(128, 128))


# ---------------------------------------------------------------- rows


def test_a_family_is_found_by_name_and_a_stranger_refused_with_the_choices() -> None:
    assert family_named("sd3").network == "SD3ControlNetModel"
    with pytest.raises(OptionError, match=r"one of sd15, .*z-image; got 'sd2'"):
        family_named("sd2")


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda row: row.name)
def test_a_row_is_whole(family: Family) -> None:
    assert kin_of(family.pipeline) == kin_of(family.plain) == family.plain
    for name in (family.base, family.controlnet):
        assert Source.of(name).repo == "/".join(name.split("/")[:2])
    assert family.canvas.side % family.canvas.step == 0
    settings = Settings("")
    settings.check_for(family)
    for name, value in (("steps", family.steps), ("guidance", family.guidance)):
        assert LIMITS[name].least <= value <= LIMITS[name].most
    assert family.scheduler in {"", *SCHEDULERS}


def test_the_seeds_family_has_the_defaults_of_its_demo() -> None:
    family, settings = FAMILIES["sd15"], Settings("a dancer")
    assert (family.steps, family.guidance, family.strength, family.scheduler) == (20, 9, 1, "ddim")
    assert (settings.images, settings.seed, settings.eta) == (1, 12345, 1)
    assert settings.whole_prompt == "a dancer, best quality"
    assert settings.negative_prompt == "lowres, bad anatomy, bad hands, cropped, worst quality"


def test_xinsirs_networks_get_the_thick_sticks() -> None:
    thick = {row.name for row in FAMILIES.values() if row.style is dw.Style.XINSIR}
    assert thick == {"sdxl-xinsir", "sdxl-union"}


def test_unions_are_told_that_the_canvas_is_a_pose() -> None:
    modes = {row.name: row.mode for row in FAMILIES.values() if row.mode is not None}
    assert modes == {"sdxl-union": 0, "flux-union": 4}


def test_kin_is_told_by_the_longest_name() -> None:
    assert kin_of("StableDiffusionControlNetPipeline") == "StableDiffusionPipeline"
    assert kin_of("StableDiffusion3Pipeline") == "StableDiffusion3Pipeline"
    assert kin_of("KolorsPipeline") is None


# ---------------------------------------------------------------- sizes and canvases


@pytest.mark.parametrize(
    ("rule", "source", "size"),
    [
        (CanvasRule(512, 64, by_area=False), (600, 400), (768, 512)),
        (CanvasRule(512, 64, by_area=False), (300, 301), (512, 512)),
        (CanvasRule(1024, 64), (1080, 1920), (768, 1344)),
        (CanvasRule(1024, 16), (1920, 1080), (1360, 768)),
        (CanvasRule(1024, 64), (10, 4000), (64, 20480)),
        (CanvasRule(512, 64, by_area=False), (100, 400), (512, 2048)),
        (CanvasRule(512, 64, by_area=False), (400, 40), (3264, 320)),
        (CanvasRule(512, 64, by_area=False), (10, 1000), (128, 10240)),
    ],
)
def test_a_canvas_has_the_size_that_the_family_knows(
    rule: CanvasRule, source: tuple[int, int], size: tuple[int, int]
) -> None:
    assert rule.size_of(ImageSize(*source)) == size


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda row: row.name)
@pytest.mark.parametrize("resolution", [None, 256])
def test_the_area_of_a_thin_canvas_is_bounded(family: Family, resolution: int | None) -> None:
    rule = family.canvas
    most = (1 if rule.by_area else 4) * (resolution or rule.side) ** 2
    for length in (100, 390, 1000, 2000):
        size = rule.size_of(ImageSize(100, length), resolution)
        assert size.height * size.width < 1.5 * most  # what rounding adds
    with pytest.raises(OptionError, match=r"^a canvas of 90000 x 1 is too thin for a resolution"):
        rule.size_of(ImageSize(1, 90_000), resolution)


def test_a_resolution_takes_the_place_of_the_rules_side() -> None:
    assert CanvasRule(512, 64, by_area=False).size_of(ImageSize(90, 60), 256) == (384, 256)


def test_figures_are_drawn_anew_in_the_familys_style_and_size() -> None:
    drawn = canvas_for(figures(), FAMILIES["sdxl-xinsir"], Settings(""))
    assert drawn.shape == (896, 1152, 3)
    np.testing.assert_array_equal(drawn, dw.render(figures(), "xinsir", size=(896, 1152)))


def test_style_and_parts_can_be_chosen() -> None:
    settings = Settings("", style="dwpose", parts=dw.Parts.BODY, resolution=256)
    drawn = canvas_for(figures(), FAMILIES["sdxl-xinsir"], settings)
    expected = dw.render(figures(), "dwpose", dw.Parts.BODY, size=drawn.shape[:2])
    np.testing.assert_array_equal(drawn, expected)


def test_an_annotation_is_drawn_from_its_figures_and_a_ready_canvas_is_scaled() -> None:
    found = dw.Annotation(
        np.zeros((96, 128, 3), np.uint8), figures(), dw.WholeBodyPoses.nobody((96, 128))
    )
    settings = Settings("", resolution=128)
    drawn = canvas_for(found, FAMILIES["sd15"], settings)
    np.testing.assert_array_equal(drawn, canvas_for(figures(), FAMILIES["sd15"], settings))
    scaled = canvas_for(np.full((64, 64, 3), 7, np.uint8), FAMILIES["sd15"], settings)
    assert scaled.shape == (128, 128, 3)
    assert (scaled == 7).all()


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("images", 0),
        ("images", 13),
        ("images", 1.0),
        ("seed", -2),
        ("steps", 101),
        ("guidance", float("nan")),
        ("strength", 2.1),
        ("control_start", -0.1),
        ("control_end", "late"),
        ("eta", None),
        ("resolution", 32),
    ],
)
def test_a_number_out_of_its_limits_is_refused(name: str, value: object) -> None:
    low, high = LIMITS[name]
    with pytest.raises(OptionError, match=rf"{name} must be .*number from {low} to {high}, got "):
        Settings("", **{name: value})


def test_numbers_of_other_kinds_become_pythons_own() -> None:
    settings = Settings("x", strength=1, eta=np.float32(0.5), steps=np.int64(4), guidance=True)
    values = (settings.strength, settings.eta, settings.steps, settings.guidance)
    assert values == (1.0, 0.5, 4, 1.0)
    assert [type(value) for value in values] == [float, float, int, float]


def test_a_prompt_is_joined_with_a_comma_where_there_are_two() -> None:
    assert Settings("  a dancer ", added_prompt="").whole_prompt == "a dancer"
    assert Settings("").whole_prompt == "best quality"


def test_unknown_names_are_refused() -> None:
    with pytest.raises(OptionError, match="scheduler must be one of ddim"):
        Settings("", scheduler="plms")
    with pytest.raises(OptionError, match="style must be one of"):
        Settings("", style="crayon")


@pytest.mark.parametrize(
    ("family", "asked", "words"),
    [
        ("flux-union", {"guess_mode": True}, "flux-union takes no guess_mode"),
        ("z-image", {"control_end": 0.5}, "z-image takes no control_guidance_end"),
        ("sd3", {"scheduler": "ddim"}, "sd3 has its own scheduler"),
        ("sd15", {"control_start": 1}, "control_start must be less than control_end, got 1.0 and"),
        ("flux-union-2", {"control_start": 0.7}, "got 0.7 and 0.65"),
    ],
)
def test_what_a_family_can_not_do_is_refused(
    family: str, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        Settings("", **asked).check_for(FAMILIES[family])


def test_every_picture_has_the_next_seed_and_a_random_one_is_reported() -> None:
    assert Settings("", seed=7, images=3).seeds() == (7, 8, 9)
    drawn = {Settings("", seed=-1).seeds()[0] for _ in range(8)}
    assert len(drawn) > 1
    assert min(drawn) >= 0


def test_every_seed_that_is_reported_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = int(LIMITS["seed"].most)
    seeds = Settings("", seed=largest, images=3).seeds()
    assert seeds == (largest, 0, 1)
    assert [Settings("", seed=seed).seeds() for seed in seeds] == [(seed,) for seed in seeds]
    monkeypatch.setattr("random.randrange", lambda end: end - 1)
    assert Settings("", seed=-1, images=2).seeds() == (largest, 0)


# ---------------------------------------------------------------- sources


def test_a_name_is_a_folder_a_file_or_the_hubs(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").touch()
    assert Source.of(str(tmp_path)) == Source(folder=tmp_path)
    assert Source.of(f"{tmp_path}/a.safetensors") == Source(file=tmp_path / "a.safetensors")
    assert Source.of("owner/name") == Source(repo="owner/name")
    assert Source.of("owner/name/b/c.safetensors") == Source(
        repo="owner/name", member="b/c.safetensors"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.ckpt", ".ckpt files may run code"),
        ("owner/name/model.bin", ".bin files may run code"),
        ("notes.txt", "expected a folder as diffusers saves"),
        ("nowhere", "no such folder or file"),
        ("/no/such/model.safetensors", "no such folder or file"),
    ],
)
def test_what_can_not_be_loaded_is_refused_by_name(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").touch()
    with pytest.raises(ModelError, match=words) as refusal:
        Source.of(name)
    assert str(refusal.value).startswith(name)


# ---------------------------------------------------------------- without diffusers


def test_the_package_and_its_rows_load_no_heavy_library() -> None:
    program = (
        "import sys, dw_openpose_full.generation\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'huggingface_hub', 'PIL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    paths = f"import sys; sys.path[:] = {sys.path!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", paths + program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_without_diffusers_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    for name in ("engine", "loading"):
        monkeypatch.delitem(sys.modules, f"{generation.__name__}.{name}", raising=False)
    with pytest.raises(DependencyError, match=r'pip install "dw-openpose-full\[demo\]"'):
        ImageMaker("cpu").generate(Models.of(), CANVAS, Settings(""))


def test_an_unknown_amount_of_memory_is_refused() -> None:
    with pytest.raises(OptionError, match="memory must be one of auto, whole, parts, layers"):
        ImageMaker(memory="some")


# ---------------------------------------------------------------- real pipelines, tiny networks


@dataclass
class Tiny:
    """Tiny models of each kind, made when first asked for, and a maker that keeps the last."""

    home: Path
    save: Callable[[str, Path], Any]
    maker: ImageMaker = field(default_factory=lambda: ImageMaker("cpu"))
    saved: dict[str, Any] = field(default_factory=dict)

    def folders(self, kind: str) -> Any:
        """Base and ControlNet of a kind."""
        if kind not in self.saved:
            self.saved[kind] = self.save(kind, self.home / kind)
        return self.saved[kind]

    def models(self, family: str) -> Models:
        """The tiny twin of a family."""
        folders = self.folders(KINDS[family])
        return Models.of(family, folders.base, folders.controlnet)

    def picture(self, family: str, pose: Any = CANVAS, **settings: Any) -> Any:
        """A quick picture of a family's tiny twin."""
        wanted = Settings("a dancer", **{**QUICK, **settings})
        return self.maker.generate(self.models(family), pose, wanted).pictures[0]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    import tiny_pipelines  # is skipped where diffusers is missing

    torch = tiny_pipelines.torch
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # quicker for tiny networks, much so on a busy machine
    yield Tiny(tmp_path_factory.mktemp("tiny"), tiny_pipelines.save_tiny)
    torch.set_num_threads(threads)


def network(maker: ImageMaker) -> Any:
    """The largest part of what a maker has in memory."""
    assert maker._engine is not None
    pipeline = maker._engine._pipeline
    return getattr(pipeline, "unet", None) or pipeline.transformer


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda row: row.name)
@pytest.mark.parametrize("posed", [True, False], ids=["with a pose", "without"])
def test_the_real_pipeline_knows_every_argument_of_its_row(family: Family, posed: bool) -> None:  # noqa: FBT001
    diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
    pipeline = getattr(diffusers, family.pipeline if posed else family.plain)
    known = set(inspect.signature(pipeline.__call__).parameters)
    asked = set(arguments_for(family, Settings(""), CANVAS, follows_poses=posed))
    asked |= {"generator", "output_type", "callback_on_step_end"}
    asked.add("callback_on_step_end_tensor_inputs")
    assert asked <= known
    assert not posed or {GUESS, ETA, START, END} & known == family.takes - {NEGATIVE}
    assert issubclass(getattr(diffusers, family.network), diffusers.ModelMixin)


@pytest.mark.parametrize("family", KINDS)
def test_the_same_seed_gives_the_same_picture_and_another_pose_another(
    family: str, tiny: Tiny
) -> None:
    first, again = tiny.picture(family), tiny.picture(family)
    assert (first.shape, first.dtype) == ((128, 128, 3), np.uint8)
    assert first.std() > 5
    np.testing.assert_array_equal(first, again)
    other = tiny.picture(family, OTHER)
    assert np.abs(first.astype(int) - other).mean() > 0.1
    assert np.abs(first.astype(int) - tiny.picture(family, seed=1)).mean() > 1


@pytest.mark.parametrize("family", KINDS)
def test_at_strength_zero_the_pose_is_not_seen(family: str, tiny: Tiny) -> None:
    ours, other = (tiny.picture(family, pose, strength=0.0) for pose in (CANVAS, OTHER))
    np.testing.assert_array_equal(ours, other)


def test_a_picture_does_not_depend_on_the_pictures_before_it(tiny: Tiny) -> None:
    models, maker = tiny.models("sd15"), tiny.maker
    both = maker.generate(models, CANVAS, Settings("a", seed=3, images=2, **QUICK))
    alone = maker.generate(models, CANVAS, Settings("a", seed=4, **QUICK))
    assert both.seeds == (3, 4)
    np.testing.assert_array_equal(both.canvas, CANVAS)
    np.testing.assert_array_equal(both.pictures[1], alone.pictures[0])


def test_torchs_own_chance_is_left_as_it_was(tiny: Tiny) -> None:
    tiny.picture("sd3")
    torch = sys.modules["torch"]
    state = torch.random.get_rng_state()
    tiny.picture("sd3")
    assert torch.equal(torch.random.get_rng_state(), state)


def test_every_prompt_number_is_heard(tiny: Tiny) -> None:
    plain = tiny.picture("sdxl-xinsir")
    for change in (
        {"added_prompt": "blurred"},
        {"negative_prompt": "blurred"},
        {"guidance": 2.0},
        {"steps": 3},
        {"strength": 0.5},
        {"control_end": 0.5},
        {"control_start": 0.5},
        {"guess_mode": True},
    ):
        assert (tiny.picture("sdxl-xinsir", **change) != plain).any(), change


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_eta_is_for_ddim_alone(scheduler: str, tiny: Tiny) -> None:
    noisy, calm = (tiny.picture("sd15", scheduler=scheduler, eta=eta) for eta in (1.0, 0.0))
    assert (noisy != calm).any() == (scheduler == "ddim")


def test_an_empty_scheduler_is_the_models_own(tiny: Tiny) -> None:
    own = tiny.picture("sd15", scheduler="")
    assert (own != tiny.picture("sd15")).any()
    np.testing.assert_array_equal(own, tiny.picture("sd15", scheduler=""))


def test_without_a_controlnet_the_pose_gives_the_size_only(tiny: Tiny) -> None:
    models = Models.of("sd15", tiny.folders("sd15").base, NO_CONTROLNET)
    made = [
        tiny.maker.generate(models, pose, Settings("a", **QUICK)).pictures[0]
        for pose in (CANVAS, OTHER)
    ]
    np.testing.assert_array_equal(*made)


def test_from_a_photo_to_a_picture_in_one_call(tiny: Tiny) -> None:
    def estimator(photo: Any) -> dw.Annotation:
        size = ImageSize.of(photo)
        found = figures(size=size)
        return dw.Annotation(dw.render(found), found, dw.WholeBodyPoses.nobody(size))

    folders = tiny.folders("sd15")
    made = pose_to_image(
        np.zeros((96, 128, 3), np.uint8),
        "a dancer",
        base=folders.base,
        controlnet=folders.controlnet,
        estimator=estimator,  # type: ignore[arg-type]
        device="cpu",
        seed=-1,
        **QUICK,
    )
    np.testing.assert_array_equal(made.canvas, dw.render(figures(), size=(128, 192)))
    again = tiny.picture("sd15", figures(), seed=made.seeds[0])
    np.testing.assert_array_equal(made.pictures[0], again)


# ---------------------------------------------------------------- memory, watching, stopping


def test_every_step_is_told(tiny: Tiny) -> None:
    seen: list[Step] = []
    settings = Settings("a", images=2, **QUICK)
    tiny.maker.generate(tiny.models("flux-union"), CANVAS, settings, watch=Watch(seen.append))
    assert seen == [(1, 2, 1, 2), (1, 2, 2, 2), (2, 2, 1, 2), (2, 2, 2, 2)]


def test_a_stop_ends_the_work_at_the_next_step_and_frees_everything(tiny: Tiny) -> None:
    maker, asked, seen = ImageMaker("cpu"), threading.Event(), []
    maker.generate(tiny.models("sd15"), CANVAS, Settings("a", **QUICK))
    held = weakref.ref(network(maker))

    def progress(step: Step) -> None:
        seen.append(step)
        asked.set()

    with pytest.raises(StoppedError) as stop:
        maker.generate(
            tiny.models("sd15"),
            CANVAS,
            Settings("a", **QUICK),
            watch=Watch(progress, asked.is_set),
        )
    gc.collect()
    assert len(seen) == 1
    assert stop.value.__traceback__ is not None  # the error itself is still around
    assert held() is None
    assert maker.loaded is None


def test_a_stop_before_the_work_loads_nothing(tiny: Tiny) -> None:
    maker = ImageMaker("cpu")
    with pytest.raises(StoppedError):
        maker.generate(tiny.models("sd15"), CANVAS, Settings(""), watch=Watch(stop=lambda: True))
    assert maker.loaded is None


def test_after_a_stop_the_next_picture_is_made_as_ever(tiny: Tiny) -> None:
    expected = tiny.picture("sd15")
    with pytest.raises(StoppedError):
        tiny.maker.generate(
            tiny.models("sd15"), CANVAS, Settings(""), watch=Watch(stop=lambda: True)
        )
    np.testing.assert_array_equal(tiny.picture("sd15"), expected)


def test_one_family_is_in_memory_at_a_time(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    maker, settings = ImageMaker("cpu"), Settings("a", **QUICK)
    maker.generate(tiny.models("sd15"), CANVAS, settings)
    first = network(maker)
    maker.generate(tiny.models("sd15"), OTHER, settings)
    assert network(maker) is first
    held = weakref.ref(first)
    del first
    from dw_openpose_full.generation import engine

    load = engine.load_pipeline

    def watched(*arguments: Any) -> Any:
        assert held() is None, "the former family is still there while the next one is loaded"
        return load(*arguments)

    monkeypatch.setattr(engine, "load_pipeline", watched)
    maker.generate(tiny.models("flux-union"), CANVAS, settings)
    assert maker.loaded == tiny.models("flux-union")
    held = weakref.ref(network(maker))
    maker.unload()
    assert held() is None
    assert maker.loaded is None


@pytest.mark.parametrize("trouble", ["OutOfMemoryError", "MemoryError", "cpu allocator"])
def test_too_little_memory_is_one_sentence_and_frees_what_there_was(
    trouble: str, tiny: Tiny
) -> None:
    maker, settings = ImageMaker("cpu"), Settings("a", **QUICK)
    maker.generate(tiny.models("sd15"), CANVAS, settings)
    torch = sys.modules["torch"]
    error = {
        "OutOfMemoryError": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        "MemoryError": MemoryError(),
        "cpu allocator": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
    }[trouble]

    def fail(*_: Any, **__: Any) -> None:
        raise error

    network(maker).forward = fail
    held = weakref.ref(network(maker))
    with pytest.raises(GenerationError, match="not enough memory on cpu for 128 x 128 pixels"):
        maker.generate(tiny.models("sd15"), CANVAS, settings)
    gc.collect()
    assert held() is None
    assert maker.loaded is None


def test_a_picture_of_no_numbers_is_refused(tiny: Tiny) -> None:
    maker, settings = ImageMaker("cpu"), Settings("a", **QUICK)
    maker.generate(tiny.models("sd15"), CANVAS, settings)
    torch = sys.modules["torch"]
    torch.nn.init.constant_(network(maker).conv_out.bias, float("nan"))
    with pytest.raises(GenerationError, match="a picture that is no numbers"):
        maker.generate(tiny.models("sd15"), CANVAS, settings)


# ---------------------------------------------------------------- devices


@dataclass
class FakePipeline:
    """Says what was done with it."""

    components: dict[str, Any]
    done: list[str] = field(default_factory=list)

    @property
    def vae(self) -> FakePipeline:
        return self

    def to(self, device: Any) -> None:
        self.done.append(f"to {device}")

    def enable_model_cpu_offload(self, device: Any) -> None:
        self.done.append(f"parts on {device}")

    def enable_sequential_cpu_offload(self, device: Any) -> None:
        self.done.append(f"layers on {device}")

    def enable_tiling(self) -> None:
        self.done.append("tiles")


@pytest.mark.parametrize(
    ("free_gib", "done"),
    [
        (11, ["to cuda"]),
        (9, ["parts on cuda", "tiles"]),
        (7, ["layers on cuda", "tiles"]),
    ],
)
def test_what_does_not_fit_on_the_gpu_comes_bit_by_bit(
    free_gib: int, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("diffusers", reason="diffusers is not installed")
    from dw_openpose_full.generation import devices

    gib = 2**30
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free_gib * gib, 80 * gib))
    with torch.device("meta"):
        networks = {
            name: torch.nn.Linear(2**14, gib * size // 2**16, bias=False)
            for name, size in (("unet", 4), ("text_encoder", 2))
        }
    pipeline = FakePipeline({**networks, "tokenizer": object(), "image_encoder": None})
    devices.place_(pipeline, torch.device("cuda"), devices.Memory.AUTO)
    assert pipeline.done == done


def test_half_precision_is_for_gpus_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from dw_openpose_full.generation import devices

    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert devices.dtype_on(cpu, "bfloat16") == torch.float32
    assert devices.dtype_on(cuda, "float16") == torch.float16
    for supported, dtype in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda yes=supported: yes)
        assert devices.dtype_on(cuda, "bfloat16") == dtype


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("toaster", "device must be auto, cpu, cuda, cuda:N or mps; got 'toaster'"),
        ("cuda:97", "torch finds no device 'cuda:97' here"),
    ],
)
def test_a_device_that_is_not_here_is_refused(name: str, words: str, tiny: Tiny) -> None:
    with pytest.raises(OptionError, match=words):
        ImageMaker(name).generate(tiny.models("sd15"), CANVAS, Settings("a", **QUICK))


# ---------------------------------------------------------------- files and folders


def made_of(models: Models, **settings: Any) -> Any:
    """A quick picture by a new maker that takes nothing from the network."""
    wanted = Settings("a dancer", **{**QUICK, **settings})
    return ImageMaker("cpu", offline=True).generate(models, CANVAS, wanted).pictures[0]


@pytest.mark.parametrize("family", KINDS)
def test_a_controlnet_of_one_file_does_as_its_folder_does(family: str, tiny: Tiny) -> None:
    models = tiny.models(family)
    single = f"{models.controlnet}/diffusion_pytorch_model.safetensors"
    expected = tiny.picture(family)
    np.testing.assert_array_equal(made_of(Models.of(family, models.base, single)), expected)


@pytest.mark.parametrize("family", ["sd15", "sdxl-union"])
def test_a_single_file_without_its_config_is_refused(
    family: str, tiny: Tiny, tmp_path: Path
) -> None:
    models = tiny.models(family)
    single = shutil.copy(
        f"{models.controlnet}/diffusion_pytorch_model.safetensors", tmp_path / "u.safetensors"
    )
    with pytest.raises(ModelError) as refusal:
        made_of(Models.of(family, models.base, single))
    assert str(refusal.value) == (
        f"{single}: expected a {FAMILIES[family].network}, but its config.json does not lie "
        "beside it; put it there"
    )


@pytest.mark.parametrize("part", ["base", "controlnet"])
def test_a_hub_that_does_not_answer_is_told_so(
    part: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")

    def silent(*_: Any, **__: Any) -> None:
        raise hub.errors.LocalEntryNotFoundError("is not here") from ConnectionError("no way out")

    for module in ("diffusers.configuration_utils", "diffusers.utils.hub_utils"):
        monkeypatch.setattr(f"{module}.hf_hub_download", silent)
    models = tiny.models("sd15")
    wanted = Models.of(
        "sd15", **{"base": models.base, "controlnet": models.controlnet, part: "o/n"}
    )
    with pytest.raises(
        ModelError, match=r"^o/n: expected .*, but the hub can not be reached.*check the connection"
    ):
        ImageMaker("cpu").generate(wanted, CANVAS, Settings("a", **QUICK))


def test_a_folder_of_half_precision_files_alone_will_do(tiny: Tiny, tmp_path: Path) -> None:
    models = tiny.models("sd15")
    shutil.copytree(models.base, tmp_path / "half")
    for path in (tmp_path / "half").glob("*/*.safetensors"):
        path.rename(path.with_suffix(".fp16.safetensors"))
    half = Models.of("sd15", tmp_path / "half", models.controlnet)
    np.testing.assert_array_equal(made_of(half), tiny.picture("sd15"))


def damaged(path: Path, copy: Path) -> Path:
    """A copy of a folder whose weights end early."""
    shutil.copytree(path, copy)
    for weights in copy.rglob("*.safetensors"):
        weights.write_bytes(weights.read_bytes()[:-100])
    return copy


@pytest.mark.parametrize(
    ("family", "base", "controlnet", "words"),
    [
        ("sd15", "sdxl/base", "sd15/controlnet", "base model of family sd15, but it is a StableDi"),
        ("sdxl-xinsir", "sd15/base", "sdxl/controlnet", "it is a StableDiffusionPipeline; "),
        ("sd15", "sd15/controlnet", "sd15/controlnet", "no file named model_index.json"),
        ("sd15", "sd15/base", "sd15/base", "expected a ControlNetModel, but .*config.json"),
        ("sd15", "sd15/base", "sdxl/controlnet", "whose text is 32 wide, got one for text that is"),
        ("sdxl-union", "sdxl-union/base", "sdxl/controlnet", "a ControlNetUnionModel, but it has "),
        ("sd15", "sd15/base", "flux/controlnet", "expected a ControlNetModel, but "),
        ("sd15", "owner/name", "sd15/controlnet", "owner/name: expected a base model .*; offline"),
        ("sd15", "sd15/base", "owner/name", "owner/name: expected a ControlNetModel.*; offline"),
        ("sd15", "sd15/base", "owner/name/x.safetensors", "x.safetensors: expected .*; offline"),
        ("sd15", "sd15/base", "damaged/controlnet", "expected a ControlNetModel, but "),
        ("sd15", "damaged/base", "sd15/controlnet", "expected a base model of family sd15, but "),
        ("sd15", "empty", "sd15/controlnet", "no file named model_index.json"),
        ("sd15", "sd15/base/unet/diffusion_pytorch_model.safetensors", "sd15/controlnet",
         "its configs are needed too: put the folder"),
    ],
)  # fmt: skip
def test_what_is_missing_damaged_or_another_familys_is_told_in_one_sentence(  # noqa: PLR0917
    family: str,
    base: str,
    controlnet: str,
    words: str,
    tiny: Tiny,
    tmp_path: Path,
) -> None:
    for kind in ("sd15", "sdxl", "sdxl-union", "flux"):
        tiny.folders(kind)
    (tmp_path / "empty").mkdir()
    named = {"empty": tmp_path / "empty"}
    for name in (base, controlnet):
        if name.startswith("damaged"):
            named[name] = damaged(tiny.home / "sd15" / name.split("/")[1], tmp_path / name)
        elif not name.startswith(("owner", "empty")):
            named[name] = tiny.home / name
    with pytest.raises(ModelError, match=words) as refusal:
        made_of(Models.of(family, named.get(base, base), named.get(controlnet, controlnet)))
    assert "\n" not in str(refusal.value)
