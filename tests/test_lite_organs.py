"""The organs of the ``lite`` model, one by one, on values one can follow."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dw_openpose_full import skeleton
from dw_openpose_full.backends import Tensor, TensorSpec
from dw_openpose_full.errors import ModelError
from dw_openpose_full.geometry import Crop, Pyramid
from dw_openpose_full.lite import blazepose, face, hands, neighbours, opinion, persons, reference
from dw_openpose_full.lite.blazepose import Landmarks
from dw_openpose_full.lite.body import Body, read_body
from dw_openpose_full.lite.face_tables import MEAN_ANCHORS, MEAN_FACE
from dw_openpose_full.lite.logits import sigmoid
from dw_openpose_full.lite.movenet import MIRRORED, MoveNet
from dw_openpose_full.lite.nanodet import NanoDet
from dw_openpose_full.lite.reference import Reference
from dw_openpose_full.lite.wholebody import _Person, settle_hands_
from dw_openpose_full.poses import FloatArray, ImageSize

SIZE = ImageSize(400, 300)

# a person who faces us, 200 pixels tall, nose at (100, 20)
STANDING = np.array(
    [
        (100, 20), (104, 16), (96, 16), (110, 18), (90, 18), (120, 50), (80, 50), (130, 85),
        (70, 85), (135, 115), (65, 115), (112, 120), (88, 120), (113, 165), (87, 165), (114, 210),
        (86, 210),
    ],
    np.float32,
)  # fmt: skip


def standing(x: float = 0, score: float = 0.6, fit: float = 0.8) -> Reference:
    box = np.array([60 + x, 5, 140 + x, 220], np.float32)
    scores = np.full(17, score, np.float32)
    return Reference(box, fit, STANDING + np.array([x, 0], np.float32), scores, 90.0)


def landmarks(points: FloatArray, score: float = 0.9, flag: float = 1.0) -> Landmarks:
    """BlazePose's landmarks with these 17 at the body's rows."""
    all_points = np.zeros((39, 2), np.float32)
    all_points[list(blazepose.BODY)] = points
    all_points[29:33] = np.tile(points[15:17], (2, 1)) + np.array([0, 8], np.float32)
    mask = np.full((256, 256), -9, np.float32)
    crop = Crop.square((128, 128), 256, 256)
    return Landmarks(flag, all_points, np.full(39, score, np.float32), mask, crop)


class FakeSession:
    """Answers every picture with the same outputs, and keeps what it was asked."""

    description = "fake.onnx on nothing"
    input = TensorSpec("input", (1, None, None, 3), "float32")

    def __init__(self, *answers: Tensor) -> None:
        self.answers = answers
        self.outputs = tuple(
            TensorSpec(str(number), answer.shape, str(answer.dtype))
            for number, answer in enumerate(answers)
        )
        self.asked: list[Tensor] = []

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        self.asked.append(batch)
        return self.answers


# ---------------------------------------------------------------- networks


def movenet_rows() -> Tensor:
    """One person: keypoint k at x = .01 k, y = .02 k; box .1 .2 .6 .8 (y x y x); score .9."""
    rows = np.zeros((1, 6, 56), np.float32)
    index = np.arange(17)
    rows[0, 0, 0:51:3], rows[0, 0, 1:51:3], rows[0, 0, 2:51:3] = 0.02 * index, 0.01 * index, 0.5
    rows[0, 0, 51:] = 0.1, 0.2, 0.6, 0.8, 0.9
    return rows


def test_movenet_is_read_in_pixels_of_the_picture() -> None:
    session = FakeSession(movenet_rows())
    crop = Crop.upright((100, 200), 2.0, ImageSize(64, 32))
    rows = MoveNet(session).read(Pyramid(np.zeros((*SIZE, 3), np.uint8)), crop)
    assert session.asked[0].shape == (1, 64, 32, 3)
    assert session.asked[0].dtype == np.int32
    # the crop's corner is at (68, 136); .1 of 32 pixels is 6.4 of the picture
    assert rows.points[0, 10].tolist() == pytest.approx([68 + 6.4, 136 + 25.6])
    assert rows.xyxy[0].tolist() == pytest.approx([80.8, 148.8, 119.2, 212.8])
    assert rows.scores[0] == np.float32(0.9)


def test_movenet_on_a_mirror_image_exchanges_sides() -> None:
    crop = Crop.upright((100, 200), 2.0, ImageSize(64, 32))
    picture = Pyramid(np.zeros((*SIZE, 3), np.uint8))
    net = MoveNet(FakeSession(movenet_rows()))
    plain, turned = net.read(picture, crop), net.read(picture, crop, mirrored=True)
    x = 2 * 100 - plain.points[0, list(MIRRORED), 0]
    assert turned.points[0, :, 0].tolist() == pytest.approx(x.tolist(), abs=1e-3)
    assert (turned.points[0, :, 1] == plain.points[0, list(MIRRORED), 1]).all()
    assert turned.xyxy[0, 0] < turned.xyxy[0, 2]


def test_wide_boxes_hold_the_seen_keypoints() -> None:
    rows = MoveNet(FakeSession(movenet_rows())).read(
        Pyramid(np.zeros((*SIZE, 3), np.uint8)), Crop.upright((16, 32), 1.0, ImageSize(64, 32))
    )
    assert rows.wide_boxes()[0].tolist() == pytest.approx([0, 0, 25.6, 38.4])


def test_nanodet_boxes_are_distances_from_the_cell() -> None:
    answers = [np.zeros((1, (416 // s) ** 2, n), np.float32) for s in (8, 16, 32) for n in (80, 44)]
    cell = 3 * 13 + 5  # of stride 32: its middle is (176, 112) in the crop
    answers[4][0, cell, 0] = 0.8
    sides = answers[5][0, cell].reshape(4, 11)
    for side, bins in enumerate((1, 2, 3, 4)):
        sides[side, bins] = 60  # sure of that many strides
    boxes = NanoDet(FakeSession(*answers)).find(Pyramid(np.zeros((416, 416, 3), np.uint8)), 0.3)
    assert boxes.scores.tolist() == pytest.approx([0.8])
    assert boxes.xyxy[0].tolist() == pytest.approx([176 - 32, 112 - 64, 176 + 96, 112 + 128])


def test_a_network_with_other_outputs_is_refused() -> None:
    with pytest.raises(ModelError, match="expected NanoDet"):
        NanoDet(FakeSession(np.zeros((1, 8, 8), np.float32)))


def test_a_heatmap_moves_its_point_to_its_centre_of_mass() -> None:
    points = np.full((39, 2), 100.0, np.float32)  # cell (25, 25)
    heat = np.full((64, 64, 39), -50.0, np.float32)
    heat[26, 27, 0] = 50.0  # row 26, column 27: (108, 104)
    refined = blazepose.refine(points, heat)
    assert refined[0].tolist() == pytest.approx([108, 104])
    assert (refined[1:] == 100).all()  # nothing seen there


@pytest.mark.parametrize("place", [-50.0, 0.0, 255.0, 1e6])
def test_a_heatmap_says_nothing_of_points_outside(place: float) -> None:
    points = np.full((39, 2), place, np.float32)
    assert np.isfinite(blazepose.refine(points, np.zeros((64, 64, 39), np.float32))).all()


def test_logits_of_any_size_become_chances() -> None:
    chances = sigmoid(np.array([-1e30, 0, 1e30]))
    assert chances.tolist() == pytest.approx([0, 0.5, 1])
    assert chances.dtype == np.float32


# ---------------------------------------------------------------- persons


@pytest.mark.parametrize(
    ("size", "crop"), [((300, 400), (192, 256)), ((400, 30), (256, 32)), ((1, 1), (256, 256))]
)
def test_the_whole_crop_fits_movenets_grid(size: tuple[int, int], crop: tuple[int, int]) -> None:
    assert persons.whole_crop(ImageSize(*size)).size == crop


def test_a_crop_round_a_box_keeps_its_middle_and_pads_it() -> None:
    crop = persons.crop_round(np.array([10, 20, 50, 180], np.float32), 256, pad=1.25)
    middle = np.array([[crop.size.width / 2, crop.size.height / 2]], np.float32)
    assert crop.points_in_image(middle)[0].tolist() == pytest.approx([30, 100])
    assert crop.size == (256, 128)
    corner = crop.points_in_image(np.zeros((1, 2), np.float32))[0]
    assert corner[1] == pytest.approx(0)  # 160 * 1.25 = 200 high, round y = 100


# ---------------------------------------------------------------- reference


def test_looks_that_agree_are_averaged_and_dissenters_are_not() -> None:
    points = np.stack([STANDING, STANDING + 2, STANDING])
    points[2, 9] += 100  # one look has a wrist elsewhere
    scores = np.full((3, 17), 0.5, np.float32)
    scores[2, 9] = 0.1
    joined, sure = reference.fuse(points, scores, size=90)
    assert joined[0].tolist() == pytest.approx((STANDING[0] + 2 / 3).tolist(), abs=1e-4)
    assert joined[9].tolist() == pytest.approx((STANDING[9] + 1).tolist(), abs=1e-4)
    assert sure[0] == pytest.approx(0.5)
    assert sure[9] == pytest.approx(0.5 * math.sqrt(2 / 3))


def test_a_person_found_twice_is_kept_once_and_neighbours_are_kept() -> None:
    better, worse, other = standing(fit=0.9), standing(x=2, fit=0.5), standing(x=150, fit=0.4)
    assert reference.without_doubles([worse, other, better]) == [better, other]


def test_a_figure_put_together_of_neighbours_is_dropped() -> None:
    left, right = standing(fit=0.9), standing(x=40, fit=0.8)
    points = np.concatenate([left.points[:9], right.points[9:]])
    mixed = Reference(left.box, 0.3, points, left.scores, 90.0)
    assert reference.without_doubles([left, right, mixed]) == [left, right]


def test_somebody_with_hardly_a_keypoint_is_dropped() -> None:
    assert reference.without_doubles([standing(score=0.1)]) == []


def test_a_second_reference_counts_only_for_the_same_person() -> None:
    first = standing()
    assert reference.joined(first, standing(x=150)) is first
    nearer = reference.joined(first, standing(x=2))
    assert nearer.points[0, 0] == pytest.approx(101)


# ---------------------------------------------------------------- opinion and body


def test_an_opinion_of_somebody_else_does_not_agree() -> None:
    same = opinion.opinion_of(landmarks(STANDING), standing())
    other = opinion.opinion_of(landmarks(STANDING + 80), standing())
    assert same.agrees
    assert same.is_sure
    assert not other.agrees
    assert not other.improves_on(same)


def test_where_networks_agree_feet_are_added() -> None:
    seen = opinion.opinion_of(landmarks(STANDING), standing())
    body = read_body(standing(), seen, SIZE)
    assert body.blaze is not None
    assert body.points[17].tolist() == [114, 218]
    assert (body.scores[[17, 19, 20, 22]] > 0.5).all()
    assert not body.scores[[18, 21]].any()  # no network knows small toes


def test_where_networks_disagree_movenet_stands_alone() -> None:
    seen = opinion.opinion_of(landmarks(STANDING + 80), standing())
    body = read_body(standing(), seen, SIZE)
    assert body.blaze is None
    assert (body.points[:17] == STANDING).all()
    assert not body.scores[17:].any()


def test_points_outside_the_picture_were_not_seen() -> None:
    seen = opinion.opinion_of(landmarks(STANDING), standing())
    body = read_body(standing(), seen, ImageSize(150, 300))
    assert not body.scores[13:].any()
    assert body.scores[:11].all()


def test_the_whole_body_of_somebody_cut_at_the_waist_hangs_from_the_shoulders() -> None:
    cut = standing()
    scores = cut.scores.copy()
    scores[11:] = 0
    upper = Reference(cut.box, cut.score, cut.points, scores, cut.size)
    assert upper.legs_cut
    centre, height, rotation = opinion.whole_of_upper(upper)
    assert centre[0] == pytest.approx(100, abs=2)
    assert 80 < centre[1] < 140
    assert 150 < height < 320
    assert rotation == pytest.approx(0, abs=0.1)


# ---------------------------------------------------------------- neighbours


def test_distance_to_a_body_is_nothing_inside_it() -> None:
    places = np.array([[100, 80], [100, 18], [250, 80]], np.float32)
    distances = neighbours.distance_to(standing(), places)
    assert distances[0] == distances[1] == 0
    assert distances[2] == pytest.approx((250 - 135) / 90, abs=0.1)


def test_nobody_seen_is_infinitely_far() -> None:
    places = np.zeros((1, 2), np.float32)
    assert neighbours.distance_to(standing(score=0.1), places).tolist() == [math.inf]


def test_a_view_of_one_paints_the_neighbour_over_and_keeps_the_one() -> None:
    white = Pyramid(np.full((*SIZE, 3), 255, np.uint8))
    everywhere = Landmarks(
        1.0, np.zeros((39, 2), np.float32), np.zeros(39, np.float32),
        np.full((256, 256), 9, np.float32), Crop.square((150, 120), 256, 256),
    )  # fmt: skip
    one = neighbours.Occupant(standing(), everywhere)
    other = neighbours.Occupant(standing(x=60), everywhere)
    assert one.overlaps(other)
    crop = Crop.square((150, 120), 256, 256)
    seen = neighbours.ViewOfOne(white, one, [other]).cut(crop)
    y, x = 85, 100  # the one's chest, the neighbour's, in the crop whose corner is (22, -8)
    assert (seen[y + 8, x - 22] == 255).all()
    assert (seen[y + 8, x + 60 - 22] == 0).all()
    assert (white.cut(crop)[y + 8, x + 60 - 22] == 255).all()


# ---------------------------------------------------------------- hands and face


def hand_points(root: tuple[float, float], reach: float = 20) -> FloatArray:
    points = np.tile(np.array(root, np.float32), (21, 1))
    points[1:, 0] += np.linspace(2, reach, 20)
    return points


def person(x: float, hand: FloatArray | None) -> _Person:
    seen = opinion.opinion_of(landmarks(STANDING), standing())
    body = read_body(standing(), seen, SIZE)
    moved = Body(body.points + np.array([x, 0], np.float32), body.scores, body.size, None)
    points, scores = np.zeros((133, 2), np.float32), np.zeros(133, np.float32)
    points[:23], scores[:23] = moved.points, moved.scores
    if hand is not None:
        points[skeleton.LEFT_HAND], scores[skeleton.LEFT_HAND] = hand, 0.9
    return _Person(points, scores, moved, np.zeros(4, np.float32), 1.0)


def test_a_hand_that_two_arms_claim_goes_to_the_nearer_wrist() -> None:
    shared = hand_points((136, 116))
    near, far = person(0, shared), person(15, shared)
    settle_hands_([far, near])
    assert near.scores[skeleton.LEFT_HAND].all()
    assert not far.scores[skeleton.LEFT_HAND].any()


def test_hands_apart_are_left_alone() -> None:
    one, other = person(0, hand_points((136, 116))), person(150, hand_points((286, 116)))
    settle_hands_([one, other])
    assert one.scores[skeleton.LEFT_HAND].all()
    assert other.scores[skeleton.LEFT_HAND].all()


def test_the_next_crop_of_a_hand_points_along_its_fingers() -> None:
    points = np.zeros((21, 2), np.float32)
    points[:, 1] = -np.linspace(0, 60, 21)  # fingers up: the crop is not turned
    crop = hands.next_crop(points + 200)
    assert crop.to_image[0, 1] == pytest.approx(0, abs=1e-6)
    assert crop.to_image[0, 0] > 0
    assert crop.size == (224, 224)


def test_a_mean_face_lies_on_its_key_points() -> None:
    anchors = np.array(MEAN_ANCHORS, np.float32) * 40 + (100, 50)
    laid = face.mean_face_on(anchors.astype(np.float32))
    assert np.allclose(laid, np.array(MEAN_FACE) * 40 + (100, 50), atol=1e-3)
    turned = anchors[:3] @ np.array([[0, 1], [-1, 0]])
    assert np.allclose(
        face.mean_face_on(turned.astype(np.float32)), laid @ np.array([[0, 1], [-1, 0]]), atol=1e-3
    )
