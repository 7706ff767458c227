"""The workshop: losses, targets, schedules, averages and stages against slow twins and formulas."""

# ruff: noqa: E402  without torch nothing below can be imported

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from safetensors.torch import load_file, save_file

import training_twin as twin
from dw_openpose_full.errors import OptionError, TrainingError
from dw_openpose_full.networks import RtmPose
from dw_openpose_full.networks.cspnext import SCALES
from dw_openpose_full.poses import ImageSize
from dw_openpose_full.simcc import encode
from dw_openpose_full.training.average import Average
from dw_openpose_full.training.beginnings import begin_with_, make_stage, new_network
from dw_openpose_full.training.loop import decaying_and_not
from dw_openpose_full.training.losses import feature_loss, keypoint_loss, logit_loss
from dw_openpose_full.training.preset import Preset
from dw_openpose_full.training.presets import PRESETS, find
from dw_openpose_full.training.schedules import average_share, fade, learning_rate
from dw_openpose_full.training.stages import FromTeacher, HeadAnew, see
from dw_openpose_full.training.targets import normalised, targets
from dw_openpose_full.zoo.cards import IMAGENET_RGB

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks gain nothing by more, and neighbours lose."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


TINY: dict[str, Any] = {
    "blocks": (1, 1, 1, 1), "height": 64, "width": 64, "token": 16, "key": 8, "batch": 2,
    "augmentation": "none", "last_augmentation": "none", "warm_up": 4, "epochs": 2,
}  # fmt: skip
STUDENT = Preset("tiny", widen=1 / 32, **TINY)
TEACHER = Preset("tiny-teacher", widen=1 / 16, **TINY)


def people(count: int, size: ImageSize, seed: int = 0) -> tuple[Any, Any, Any]:
    """Random crops, keypoints (some far outside), labels."""
    chance = np.random.default_rng(seed)
    crops = chance.integers(0, 256, (count, *size, 3), dtype=np.uint8)
    keypoints = chance.uniform(-0.3, 1.3, (count, 133, 2)) * (size.width, size.height)
    labelled = chance.random((count, 133)) < 0.7
    return (
        torch.from_numpy(crops),
        torch.from_numpy(keypoints.astype(np.float32)),
        torch.from_numpy(labelled),
    )


def made(preset: Preset, **options: Any) -> Any:
    """A stage on the CPU."""
    return make_stage(preset, CPU, **options)


def lively_(network: RtmPose) -> RtmPose:
    """Weights whose answers differ from place to place, as untrained heads' do not."""
    with torch.no_grad():
        for name, parameter in network.head.named_parameters():
            if name.endswith("weight"):
                parameter.normal_(std=0.2)
    return network


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """The file of a small network that says something."""
    torch.manual_seed(5)
    path = tmp_path / "teacher.safetensors"
    save_file(lively_(new_network(TEACHER)).state_dict(), path)
    return path


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """The file of a small network of the student's own size."""
    torch.manual_seed(6)
    path = tmp_path / "trained.safetensors"
    save_file(lively_(new_network(STUDENT)).state_dict(), path)
    return path


# ---------------------------------------------------------------- targets


@pytest.mark.parametrize("size", [ImageSize(256, 192), ImageSize(384, 288), ImageSize(64, 96)])
def test_targets_are_those_of_simcc(size: ImageSize) -> None:
    _, keypoints, labelled = people(3, size)
    keypoints[0, 0], keypoints[0, 1] = math.nan, math.inf
    made = targets(keypoints, labelled, size)
    x, y = encode(keypoints.numpy(), size, labelled.numpy())
    np.testing.assert_allclose(made.x.numpy(), x, rtol=0, atol=1e-6)
    np.testing.assert_allclose(made.y.numpy(), y, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(made.known.numpy(), x.any(-1))


def test_a_half_goes_to_the_even_bin() -> None:
    keypoints = torch.tensor([[[0.25, 0.75]]])  # bins 0.5 and 1.5
    made = targets(keypoints, torch.ones(1, 1, dtype=torch.bool), ImageSize(64, 64))
    assert made.x.argmax() == 0
    assert made.y.argmax() == 2


def test_crops_are_normalised_as_the_published_networks_take_them() -> None:
    crops, *_ = people(1, ImageSize(32, 64))
    by_hand = (crops[0].numpy().astype(np.float64) - IMAGENET_RGB.mean) / IMAGENET_RGB.std
    np.testing.assert_allclose(normalised(crops)[0].numpy(), by_hand.transpose(2, 0, 1), atol=1e-6)


# ---------------------------------------------------------------- losses


@pytest.fixture(scope="module")
def bins() -> Callable[[int], tuple[Any, Any]]:
    def make(seed: int) -> tuple[Any, Any]:
        made = torch.Generator().manual_seed(seed)
        return torch.randn(2, 133, 128, generator=made), torch.randn(2, 133, 192, generator=made)

    return make


SIZE = ImageSize(96, 64)


@pytest.mark.parametrize("reference", [64, 32])
def test_the_keypoint_loss_is_the_published_one_for_the_reference_batch(
    bins: Any, reference: int
) -> None:
    _, keypoints, labelled = people(2, SIZE)
    said = bins(1)
    loss = keypoint_loss(said, targets(keypoints, labelled, SIZE), 10.0, reference)
    slow = twin.keypoint_loss(said, keypoints, labelled, SIZE, reference)
    assert loss.item() == pytest.approx(slow, rel=1e-6)


def test_the_logit_loss_is_the_formula(bins: Any) -> None:
    said, taught = bins(1), bins(2)
    assert logit_loss(said, taught, 10.0).item() == pytest.approx(
        twin.logit_loss(said, taught), rel=1e-6
    )


def test_the_feature_loss_is_the_formula() -> None:
    made = torch.Generator().manual_seed(0)
    seen, taught = (torch.randn(3, 7, 3, 2, generator=made) for _ in range(2))
    assert feature_loss(seen, taught).item() == pytest.approx(
        twin.feature_loss(seen, taught), rel=1e-6
    )


def test_losses_do_not_depend_on_the_batch(bins: Any) -> None:
    _, keypoints, labelled = people(2, SIZE)
    wanted, said, taught = targets(keypoints, labelled, SIZE), bins(1), bins(2)

    def both(rows: slice) -> tuple[float, float]:
        some = (said[0][rows], said[1][rows])
        part = type(wanted)(*(one[rows] for one in wanted))
        return (
            keypoint_loss(some, part, 10.0, 64).item(),
            logit_loss(some, (taught[0][rows], taught[1][rows]), 10.0).item(),
        )

    halves = np.mean([both(slice(0, 1)), both(slice(1, 2))], axis=0)
    np.testing.assert_allclose(both(slice(0, 2)), halves, rtol=1e-6)


def test_a_perfect_network_has_no_loss(bins: Any) -> None:
    _, keypoints, labelled = people(2, SIZE)
    wanted = targets(keypoints, labelled, SIZE)
    assert keypoint_loss((wanted.x, wanted.y), wanted, 10.0, 64).item() == pytest.approx(
        0, abs=1e-6
    )
    assert logit_loss(bins(1), bins(1), 10.0).item() == pytest.approx(0, abs=1e-6)


def test_unlabelled_keypoints_learn_from_the_teacher_alone(bins: Any) -> None:
    _, keypoints, labelled = people(2, SIZE)
    for loss in ("labels", "teacher"):
        said = tuple(one.clone().requires_grad_() for one in bins(1))
        wanted = targets(keypoints, labelled, SIZE)
        value = (
            keypoint_loss(said, wanted, 10.0, 64)  # type: ignore[arg-type]
            if loss == "labels"
            else logit_loss(said, bins(2), 10.0)  # type: ignore[arg-type]
        )
        value.backward()
        for one in said:
            moved = one.grad.abs().sum(-1) > 0
            assert moved[wanted.known].all()
            assert moved[~wanted.known].all() == (loss == "teacher")
            assert moved[~wanted.known].any() == (loss == "teacher")


# ---------------------------------------------------------------- schedules


L = PRESETS["s1_dis/rtmpose_x_dis_l__coco-ubody-256x192"]


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 4e-8),
        (999, 4e-3),
        (5000, 4e-3),
        (135 * 100, 4e-3),
        (202.5 * 100, (4e-3 + 2e-4) / 2),
        (270 * 100, 2e-4),
    ],
)
def test_the_rate_climbs_stays_and_falls(step: float, rate: float) -> None:
    assert learning_rate(L, int(step), 100) == pytest.approx(rate, rel=1e-9)


def test_the_rate_falls_as_half_a_cosine() -> None:
    way = (200 - 135) / 135
    by_hand = 2e-4 + (4e-3 - 2e-4) * (1 + math.cos(math.pi * way)) / 2
    assert learning_rate(L, 200 * 77, 77) == pytest.approx(by_hand)


def test_stage_2_keeps_its_rate_to_the_end() -> None:
    row = PRESETS["s2_dis/dwpose_l-ll__coco-ubody-256x192"]
    rates = {learning_rate(row, step, 100) for step in range(1000, row.epochs * 100)}
    assert rates == {4e-3}


def test_the_teachers_say_fades_by_epochs() -> None:
    assert [fade(epoch, 4) for epoch in range(4)] == [1, 0.75, 0.5, 0.25]


def test_the_average_follows_fast_at_first() -> None:
    for update in (0, 1, 10_000):
        by_hand = (1 - 2e-4) * math.exp(-(1 + update) / 2000) + 2e-4
        assert average_share(L, update) == pytest.approx(by_hand, rel=1e-12)


def test_the_average_holds_parameters_and_buffers() -> None:
    module = torch.nn.BatchNorm2d(3)
    average = Average(module)
    with torch.no_grad():
        module.weight.fill_(3.0)
        module.running_mean.fill_(10.0)
        module.num_batches_tracked.fill_(7)
    average.update_(0.25)
    average.update_(0.25)
    assert average.tensors["weight"].tolist() == pytest.approx([1 + 2 * (1 - 0.75**2)] * 3)
    assert average.tensors["running_mean"].tolist() == pytest.approx([10 * (1 - 0.75**2)] * 3)
    assert average.tensors["num_batches_tracked"].item() == 7
    assert module.weight[0].item() == 3.0  # the module itself is left alone


# ---------------------------------------------------------------- presets


PLAIN = {
    f"rtmpose-{size}_8xb{batch}-270e_{data}-wholebody-{crop}"
    for size, batch, data, crop in [
        ("t", 64, "coco-ubody", "256x192"),
        ("s", 64, "coco-ubody", "256x192"),
        ("m", 64, "coco-ubody", "256x192"),
        ("l", 64, "coco-ubody", "256x192"),
        ("x", 64, "coco-ubody", "256x192"),
        ("l", 32, "coco-ubody", "384x288"),
        ("x", 32, "coco-ubody", "384x288"),
        ("m", 64, "coco", "256x192"),
        ("l", 64, "coco", "256x192"),
        ("l", 32, "coco", "384x288"),
        ("l", 64, "ubody", "256x192"),
        ("l", 32, "ubody", "384x288"),
    ]
}
STAGE_1 = {
    "s1_dis/rtmpose_x_dis_l__coco-ubody-256x192",
    "s1_dis/rtmpose_x_dis_l__coco-ubody-384x288",
    "s1_dis/dwpose_l_dis_m__coco-ubody-256x192",
    "s1_dis/dwpose_l_dis_s__coco-ubody-256x192",
    "s1_dis/dwpose_l_dis_t__coco-ubody-256x192",
    "s1_dis/rtmpose_l_dis_m__coco-256x192",
}
STAGE_2 = {
    "s2_dis/dwpose_l-ll__coco-ubody-256x192",
    "s2_dis/dwpose_l-ll__coco-ubody-384x288",
    "s2_dis/rtmpose_m-mm__coco-ubody-256x192",
    "s2_dis/rtmpose_s-ss__coco-ubody-256x192",
    "s2_dis/rtmpose_t-tt__coco-ubody-256x192",
    "s2_dis/rtmpose_x-xx__coco-ubody-256x192",
    "s2_dis/rtmpose_l-ll__coco-256x192",
    "s2_dis/rtmpose_m-mm__coco-256x192",
}
TOYS = {"mannequins/teacher", "mannequins/alone", "mannequins/s1", "mannequins/s2"}


def test_presets_are_the_repositorys_whole_body_configurations() -> None:
    assert set(PRESETS) == PLAIN | STAGE_1 | STAGE_2 | TOYS
    assert {name for name, row in PRESETS.items() if row.stage == 1} - TOYS == STAGE_1
    assert {name for name, row in PRESETS.items() if row.stage == 2} - TOYS == STAGE_2
    assert all(name == row.name for name, row in PRESETS.items())


def test_sizes_of_presets_are_the_networks_own() -> None:
    for row in PRESETS.values():
        if row.name in TOYS:
            continue
        letter = {"x_dis_l": "l", "_dis_": "", "-": ""}
        scale = SCALES[_student_of(row.name)]
        assert (row.widen, row.blocks) == (scale.widen, scale.blocks), letter
        assert row.name.endswith(f"{row.height}x{row.width}")
        assert (row.batch, row.reference_batch) == ((32, 32) if row.height == 384 else (64, 64))
        assert row.processes == 8


def _student_of(name: str) -> str:
    """The letter of the student's size in a name of the repository."""
    stem = name.rpartition("/")[2].partition("__")[0]
    if "dis" in name.partition("/")[0]:
        return stem[-1]
    return stem.partition("rtmpose-")[2][0]


def test_rows_differ_where_the_published_ones_do() -> None:
    for row in (PRESETS[name] for name in PLAIN | STAGE_1 | STAGE_2):
        large = _student_of(row.name) == "x"
        assert row.clip == (1.0 if row.stage else 35.0 if large else math.inf)
        assert row.epochs == (60 if row.stage == 2 else 270)
        assert row.logit_weight == (1.0 if row.stage == 2 else 0.1)
        assert row.augmentation == ("wide" if large else "strong")
        assert round(row.last_from * 270) == (270 if row.stage == 2 else 240)
        assert (row.rate, row.weight_decay, row.feature_weight) == (4e-3, 0.05, 7e-5)
        assert bool(row.teacher) == bool(row.stage)


def test_rows_say_what_the_published_ones_learned_from() -> None:
    words = {
        "_coco-ubody-": "COCO-WholeBody + UBody",
        "_coco-": "COCO-WholeBody",
        "_ubody-": "UBody",
    }
    for row in (PRESETS[name] for name in PLAIN | STAGE_1 | STAGE_2):
        assert row.pictures == next(words[part] for part in words if part in row.name)


def test_teachers_are_presets_that_fit() -> None:
    for row in PRESETS.values():
        if not row.stage:
            continue
        teacher = PRESETS[row.teacher]
        assert teacher.input_size == row.input_size
        if row.stage == 2:
            assert (teacher.widen, teacher.blocks) == (row.widen, row.blocks)
        else:
            assert teacher.widen > row.widen
            assert teacher.stage == 0


def test_numbers_of_a_preset_change_by_words() -> None:
    row = find("mannequins/alone").changed(
        {"rate": "0.001", "blocks": "1,1,2,1", "epochs": 3, "augmentation": "mild", "clip": "inf"}
    )
    assert (row.rate, row.blocks, row.epochs) == (0.001, (1, 1, 2, 1), 3)
    assert (row.augmentation, row.clip) == ("mild", math.inf)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rat": "1"}, "did you mean rate"),
        ({"rate": "fast"}, "rate must be like 0.004, got 'fast'"),
        ({"rate": "-1"}, "above 0"),
        ({"rate": "nan"}, "above 0"),
        ({"height": "100"}, "a multiple of 32"),
        ({"blocks": "1,2"}, "four counts"),
        ({"epochs": "0"}, "at least 1"),
        ({"cosine_from": "2"}, "between 0 and 1"),
        ({"name": "x"}, "no 'name'"),
    ],
)
def test_wrong_numbers_are_refused(changes: dict[str, str], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        find("mannequins/alone").changed(changes)


def test_a_wrong_name_has_a_right_neighbour() -> None:
    with pytest.raises(OptionError, match="did you mean s2_dis/dwpose_l-ll__coco-ubody-256x192"):
        find("s2_dis/dwpose_l-l__coco-ubody-256x192")


# ---------------------------------------------------------------- what decays


def test_norms_and_biases_do_not_decay_all_else_does(teacher: Path) -> None:
    preset = replace(STUDENT, stage=1)
    stage = made(preset, teacher=teacher)
    decaying, still = decaying_and_not(stage, 0.05)
    names = {id(parameter): name for name, parameter in stage.named_parameters()}
    decay = {names[id(parameter)] for parameter in decaying["params"]}
    none = {names[id(parameter)] for parameter in still["params"]}
    assert decaying["weight_decay"] == 0.05
    assert still["weight_decay"] == 0
    assert decay | none == set(names.values())
    assert not decay & none
    assert none == {name for name in names.values() if ".bn." in name or name.endswith(".bias")}
    head = "student.head."
    assert {
        "align.weight",
        head + "mlp.0.g",
        head + "gau.gamma",
        head + "gau.beta",
        head + "gau.res_scale.scale",
        head + "gau.ln.g",
        head + "cls_x.weight",
    } <= decay


# ---------------------------------------------------------------- stages


def test_looking_in_parts_is_looking() -> None:
    torch.manual_seed(0)
    network = lively_(new_network(STUDENT)).eval()
    pictures = normalised(people(2, STUDENT.input_size)[0])
    seen = see(network, pictures, half=False)
    for one, other in zip(seen.bins, network(pictures), strict=True):
        assert torch.equal(one, other)


def test_tokens_and_losses_stay_in_float32_under_bfloat16(teacher: Path) -> None:
    stage = made(replace(STUDENT, stage=1), teacher=teacher, half=True)
    batch = people(2, STUDENT.input_size)
    pictures = normalised(batch[0])
    seen = see(stage.student, pictures, half=True)
    assert seen.deep.dtype == torch.bfloat16
    assert {one.dtype for one in seen.bins} == {torch.float32}
    exact = see(stage.student, pictures, half=False)
    assert not torch.equal(seen.bins[0], exact.bins[0])
    torch.testing.assert_close(seen.bins[0], exact.bins[0], rtol=0.1, atol=0.02)
    assert {term.dtype for term in stage(*batch, 1.0).values()} == {torch.float32}


def test_stage_1_terms_are_weighed_and_fade(teacher: Path) -> None:
    preset = replace(STUDENT, stage=1)
    stage = made(preset, teacher=teacher)
    stage.eval()
    batch = people(2, preset.input_size)
    full, half = stage(*batch, 1.0), stage(*batch, 0.5)
    assert list(full) == ["keypoints", "logits", "features"]
    assert half["keypoints"].item() == full["keypoints"].item()
    for name in ("logits", "features"):
        assert half[name].item() == pytest.approx(full[name].item() / 2)
    pictures = normalised(batch[0])
    taught = stage.teacher.see(pictures, half=False)
    seen = see(stage.student, pictures, half=False)
    assert full["logits"].item() == pytest.approx(
        0.1 * twin.logit_loss(seen.bins, taught.bins), rel=1e-5
    )
    assert full["features"].item() == pytest.approx(
        7e-5 * twin.feature_loss(stage.align(seen.deep), taught.deep), rel=1e-5
    )


def test_gradient_reaches_the_align_layer_but_not_the_teacher(teacher: Path) -> None:
    stage = made(replace(STUDENT, stage=1), teacher=teacher)
    assert isinstance(stage, FromTeacher)
    assert stage.teacher is not None
    before = {key: one.clone() for key, one in stage.teacher.network.state_dict().items()}
    stage.train()
    sum(stage(*people(2, STUDENT.input_size), 1.0).values()).backward()
    assert stage.align.weight.grad.abs().sum() > 0
    assert all(parameter.grad is not None for parameter in stage.parameters())
    assert all(parameter.grad is None for parameter in stage.teacher.network.parameters())
    assert not stage.teacher.network.training
    for key, one in stage.teacher.network.state_dict().items():
        assert torch.equal(one, before[key]), key
    assert not [key for key in stage.state_dict() if "teacher" in key]


def test_equal_widths_need_no_align_layer(trained: Path) -> None:
    stage = made(replace(STUDENT, stage=1), teacher=trained)
    assert isinstance(stage.align, torch.nn.Identity)


def test_stage_2_trains_the_head_alone_and_reads_no_label(trained: Path) -> None:
    stage = made(replace(STUDENT, stage=2, logit_weight=1.0), teacher=trained)
    assert isinstance(stage, HeadAnew)
    crops, keypoints, labelled = people(2, STUDENT.input_size)
    stage.train()
    clean = stage(crops, keypoints, labelled, 1.0)
    poisoned = stage(crops, torch.full_like(keypoints, math.nan), ~labelled, 0.0)
    assert list(clean) == ["logits"]
    assert clean["logits"].item() == poisoned["logits"].item() > 0
    assert {key.partition(".")[0] for key in stage.state_dict()} == {"head"}


def test_stage_2_gives_the_teachers_backbone_and_the_new_head(trained: Path) -> None:
    stage = made(replace(STUDENT, stage=2), teacher=trained)
    result = stage.result(stage.state_dict())
    network = RtmPose.from_state_dict(result)
    assert stage.teacher is not None
    old = stage.teacher.network.state_dict()
    assert set(network.state_dict()) == set(old)
    for key, tensor in network.state_dict().items():
        if key.startswith("backbone."):
            assert torch.equal(tensor, old[key]), key
    assert not torch.equal(network.head.cls_x.weight, old["head.cls_x.weight"])
    assert torch.equal(network.head.cls_x.weight, stage.head.cls_x.weight)


def test_first_weights_follow_the_seed(teacher: Path) -> None:
    preset = replace(STUDENT, stage=1)
    torch.manual_seed(1)
    one = made(preset, teacher=teacher).state_dict()
    torch.manual_seed(2)
    same = made(preset, teacher=teacher).state_dict()
    other = made(replace(preset, seed=3), teacher=teacher).state_dict()
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not torch.equal(one["align.weight"], other["align.weight"])


# ---------------------------------------------------------------- files to begin with


def test_first_weights_are_the_backbone_and_the_head_if_it_fits(
    trained: Path, tmp_path: Path
) -> None:
    tensors = load_file(trained)
    whole = made(STUDENT)
    assert "begins with the backbone and head of" in begin_with_(whole, trained)
    assert torch.equal(whole.student.head.cls_x.weight, tensors["head.cls_x.weight"])
    tensors["head.final_layer.weight"] = torch.zeros(17, 32, 1, 1)  # a heatmap head
    save_file(tensors, tmp_path / "pretrained.safetensors")
    part = made(STUDENT)
    own = part.student.head.cls_x.weight.clone()
    assert "the backbone alone" in begin_with_(part, tmp_path / "pretrained.safetensors")
    assert torch.equal(part.student.head.cls_x.weight, own)
    deep = "backbone.stage4.2.final_conv.conv.weight"
    assert torch.equal(part.student.state_dict()[deep], tensors[deep])


@pytest.mark.parametrize(
    ("stage", "words"), [(0, "leave out --teacher"), (1, "expected --teacher"), (2, "--teacher")]
)
def test_files_that_a_stage_needs_or_has_no_use_for(teacher: Path, stage: int, words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        made(replace(STUDENT, stage=stage), teacher=None if stage else teacher)


def test_weights_of_another_size_are_refused(teacher: Path, trained: Path) -> None:
    with pytest.raises(TrainingError, match="backbone of this preset"):
        begin_with_(made(STUDENT), teacher)
    with pytest.raises(TrainingError, match="keeps its teacher's backbone"):
        made(replace(STUDENT, stage=2), teacher=teacher)
    with pytest.raises(TrainingError, match="leave out --init"):
        begin_with_(made(replace(STUDENT, stage=2), teacher=trained), trained)
    with pytest.raises(TrainingError, match="for crops of 96 x 64 to teach"):
        made(replace(STUDENT, stage=1, width=96), teacher=teacher)
