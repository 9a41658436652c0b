"""Forged faces from made-up ones: what is drawn, what is changed, and that a seed repeats it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.training.blending import draw_forgery, fit_colours, nearest_donor, self_blend, swap
from medauth.training.degrading import Degradation, degrade, rescale, smooth_skin
from medauth.training.face_bank import CROP_PX, STORED_PX, FaceBank, FaceEntry
from medauth.training.face_masks import draw_mask, make_mask
from medauth.training.forged_samples import (
    CELLS,
    KINDS,
    SamplePlan,
    draw_shot,
    make_samples,
    supply_of,
    weight_of_shift,
)
from medauth.training.frame_exam import exam_of
from medauth.training.sample_shards import sample_shard
from medauth.training.sequence_shards import KINDS as SEQUENCES
from medauth.training.sequence_shards import SequenceMix, people_shard, sequence_shard, webcam_footage
from medauth.training.sequences import (
    LENGTH,
    SequencePlan,
    animate_sequence,
    footage_of,
    make_sequence,
    moments_of,
    shake,
)
from medauth.training.warping import KEY_POINTS, elastic, warp_onto

pytestmark = pytest.mark.simulated

Image = NDArray[np.uint8]
NOTHING = Degradation(0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 90, 0, 0)
"""A camera that spoils nothing."""


def picture(seed: int) -> Image:
    """Smooth blobs of colour, so that warps and blends show."""
    rng = np.random.default_rng(seed)
    return rescale(rng.integers(0, 255, (STORED_PX, STORED_PX, 3), dtype=np.uint8), 0.15)


def mesh(seed: int = 0) -> NDArray[np.float32]:
    """478 points on a disc: an oval outside, features inside."""
    rng = np.random.default_rng(seed)
    angle, radius = rng.uniform(0, 2 * np.pi, 478), np.sqrt(rng.uniform(0, 1, 478)) * 0.9
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None] * 45
    return np.asarray(points + STORED_PX / 2, dtype=np.float32)


def bank() -> FaceBank:
    entries = [FaceEntry("faces_lfw", f"{i}.jpg", f"p{i}", "train", False, f"{i}.jpg", None, "0") for i in range(8)]
    for i in range(4):
        entries.append(FaceEntry("deepfake_dfdc_faces", f"r{i}", f"a{i}", "train", False, f"v{i}", None, "0"))
        entries.append(FaceEntry("deepfake_dfdc_faces", f"f{i}", f"a{i}", "train", True, f"v{i}", 0.6, "0"))
    entries += [
        FaceEntry("spoof_selfrec", f"{i}.jpg", "webcam-p01", "train", False, f"w{i}", None, "0") for i in range(20)
    ]
    images = np.stack([picture(i) for i in range(len(entries))])
    return FaceBank(images, np.stack([mesh()] * len(entries)), tuple(entries))


def test_a_self_blend_changes_the_face_and_leaves_the_rest() -> None:
    image, marks = picture(1), mesh()
    forgery = draw_forgery(STORED_PX, np.random.default_rng(3))
    changed = np.abs(self_blend(image, marks, forgery).astype(int) - image).max(axis=2)
    mask = make_mask(marks, forgery.mask)
    assert changed[mask > 0.9 * forgery.mask.share].mean() > 1
    assert changed[mask < 1e-6].max() <= 1


def test_the_other_way_round_the_surroundings_change() -> None:
    image, marks = picture(1), mesh()
    forgery = draw_forgery(STORED_PX, np.random.default_rng(3))
    changed = np.abs(self_blend(image, marks, forgery, other_way=True).astype(int) - image).max(axis=2)
    assert changed[make_mask(marks, forgery.mask) < 1e-6].mean() > 1


def test_a_swap_shows_the_donor_within_the_mask() -> None:
    marks = mesh()
    forgery = draw_forgery(STORED_PX, np.random.default_rng(5))
    image, donor = picture(1), picture(2)
    swapped = swap(image, marks, donor, marks, forgery)
    outside = make_mask(marks, forgery.mask) < 1e-6
    assert np.abs(swapped.astype(int) - image)[outside].max() <= 1
    assert np.abs(swapped.astype(int) - image).max() > 10


def test_masks_lie_on_the_face_and_are_soft() -> None:
    for seed in range(20):
        draw = draw_mask(STORED_PX, np.random.default_rng(seed))
        mask = make_mask(mesh(), draw)
        assert mask.dtype == np.float32
        assert mask.min() >= 0
        assert mask.max() <= draw.share + 1e-6
        assert mask[:6, :6].max() < 0.05
        assert ((mask > 0.05) & (mask < 0.95 * draw.share)).any()


def test_colours_are_fitted_where_the_mask_says() -> None:
    where = np.zeros((STORED_PX, STORED_PX), bool)
    where[40:100, 40:100] = True
    target = (picture(4) // 2 + 90).astype(np.uint8)
    fitted = fit_colours(picture(3), target, where)
    np.testing.assert_allclose(fitted[where].mean(axis=0), target[where].mean(axis=0), atol=6)


def test_a_spline_brings_points_onto_points() -> None:
    image = np.zeros((STORED_PX, STORED_PX, 3), np.uint8)
    image[60:66, 60:66] = 255
    marks = mesh(2)[KEY_POINTS]
    warped = warp_onto(image, marks, marks + np.array([8, -5], np.float32))
    y, x = np.argwhere(warped[..., 0] > 128).mean(axis=0)
    assert x == pytest.approx(62.5 + 8, abs=1)
    assert y == pytest.approx(62.5 - 5, abs=1)


def test_elastic_fields_are_smooth_and_bounded() -> None:
    field = elastic(STORED_PX, np.random.default_rng(0), 3.0, 4)
    assert field.shape == (2, STORED_PX, STORED_PX)
    assert np.abs(np.diff(field, axis=2)).max() < 0.5


def test_the_most_similar_face_gives_its_own() -> None:
    assert nearest_donor(mesh(), [mesh() + 30, mesh() + 2, mesh() + 10]) == 1


def test_smoothing_takes_grain_and_leaves_edges() -> None:
    image = np.full((64, 64, 3), 90, np.uint8)
    image[:, 32:] = 200
    grainy = np.clip(image + np.random.default_rng(1).normal(0, 5, image.shape), 0, 255).astype(np.uint8)
    smoothed = smooth_skin(grainy, 1.0)
    assert smoothed[8:56, 4:26].std() < 0.6 * grainy[8:56, 4:26].std()
    assert (smoothed[:, 36:].mean() - smoothed[:, :28].mean()) > 105
    assert (smooth_skin(grainy, 0.0) == grainy).all()


def test_a_degradation_repeats_with_its_seed_and_differs_without() -> None:
    one, two, other = (degrade(picture(1), np.random.default_rng(seed), Degradation()) for seed in (1, 1, 2))
    assert (one == two).all()
    assert (one != other).any()


@pytest.mark.parametrize(("shift", "weight"), [(None, 1.0), (0.2, 0.15), (0.4, 0.5), (0.7, 1.0)])
def test_a_fake_counts_by_the_person_it_shows(shift: float | None, weight: float) -> None:
    assert weight_of_shift(shift) == pytest.approx(weight)


def test_a_shard_is_balanced_within_each_source_and_person() -> None:
    samples = make_samples(supply_of(bank(), "train"), SamplePlan(pairs=40, donors=3), (1, 2))
    assert samples.images.shape == (80, CROP_PX, CROP_PX, 3)
    for source in (0, 1):
        assert samples.fake[samples.sources == source].mean() == 0.5
    assert (samples.faces[::2] == samples.faces[1::2]).all()
    assert (samples.kinds[::2] == 0).all()
    assert {KINDS[kind] for kind in samples.kinds} == set(KINDS)
    assert (samples.kinds[samples.sources == 0] != KINDS.index("dataset_fake")).all()


def test_a_shard_repeats_with_its_seed_and_is_read_back(tmp_path) -> None:
    supply, plan = supply_of(bank(), "train"), SamplePlan(pairs=4, donors=3)
    first = sample_shard(tmp_path / "a.npz", supply, plan, (7,))
    again = make_samples(supply, plan, (7,))
    assert (first.images == again.images).all()
    (tmp_path / "a.npz").touch()
    assert (sample_shard(tmp_path / "a.npz", supply, plan, (8,)).images == first.images).all()


def test_a_pair_is_taken_alike_so_that_only_the_forgery_differs() -> None:
    supply = supply_of(bank(), "train")
    shot = draw_shot(SamplePlan(), np.random.default_rng(4))
    assert (shot.take(supply.bank.images[0]) == shot.take(supply.bank.images[0])).all()
    samples = make_samples(supply, SamplePlan(pairs=20, donors=3, cover_share=0.0, spoil=NOTHING), (3,))
    blends = np.flatnonzero(samples.kinds == KINDS.index("self_blend"))
    same = [(samples.images[i] == samples.images[i - 1]).all(axis=2).mean() for i in blends]
    assert max(same) > 0.3, "outside the mask nothing changes"


def test_edges_lie_where_the_mask_ends() -> None:
    still = SamplePlan(rotation_deg=0.0, zoom=0.0, shift=0.0)
    shot = draw_shot(still, np.random.default_rng(0))
    mask = np.zeros((STORED_PX, STORED_PX), np.float32)
    mask[:, : STORED_PX // 2] = 1
    edges = shot.edges(np.asarray(cv2.GaussianBlur(mask, (0, 0), 2.0), np.float32))
    assert edges.shape == (CELLS, CELLS)
    assert edges[:, CELLS // 2].all()
    assert edges.sum() == CELLS
    assert shot.edges(np.ones_like(mask)).sum() == 0


def test_edges_are_known_of_what_is_forged_here() -> None:
    samples = make_samples(supply_of(bank(), "train"), SamplePlan(pairs=40, donors=3), (1, 2))
    assert (samples.edges[samples.kinds == KINDS.index("dataset_fake")] == -1).all()
    assert (samples.edges[samples.kinds == KINDS.index("real")] == 0).all()
    assert (samples.edges[samples.kinds == KINDS.index("animated")] == -1).all()
    forged = samples.edges[np.isin(samples.kinds, [KINDS.index("self_blend"), KINDS.index("swap")])]
    assert set(np.unique(forged)) == {0.0, 1.0}


def test_an_exam_holds_each_face_beside_its_forgeries() -> None:
    exam = exam_of(bank(), 7)
    ours = exam.select(exam.sources == "faces_lfw")
    assert [KINDS[kind] for kind in ours.kinds[:4]] == ["real", "self_blend", "swap", "animated"]
    assert len(ours.kinds) == 32
    assert len(set(ours.persons[:4])) == 1
    theirs = exam.select(exam.sources != "faces_lfw")
    assert np.isnan(theirs.id_shift[theirs.kinds == 0]).all()
    assert (theirs.id_shift[theirs.kinds == 1] == 0.6).all()
    assert exam.images.shape == (40, CROP_PX, CROP_PX, 3)
    assert (exam_of(bank(), 7).images == exam.images).all()


def test_a_still_becomes_sixteen_frames_that_move() -> None:
    faces = bank()
    frames = make_sequence(footage_of(faces, 0), (), False, SequencePlan(), np.random.default_rng(1))
    assert frames.shape == (LENGTH, CROP_PX, CROP_PX, 3)
    apart = np.abs(np.diff(frames.astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert (apart > 0).all()
    assert apart.max() < 40


def test_a_forged_sequence_differs_from_the_real_one_of_the_same_seed() -> None:
    faces = bank()
    others = [footage_of(faces, index) for index in range(1, 5)]
    pair = [
        make_sequence(footage_of(faces, 0), others, fake, SequencePlan(), np.random.default_rng(4))
        for fake in (False, True)
    ]
    assert (pair[0] != pair[1]).any()


def test_flicker_shakes_a_forgery_and_none_leaves_it() -> None:
    rng = np.random.default_rng(2)
    forgery = draw_forgery(STORED_PX, rng)
    assert shake(forgery, 0.0, rng) is forgery
    shaken = shake(forgery, 1.0, rng)
    assert (shaken.jolt != forgery.jolt).any()
    assert shaken.mask.grow != forgery.mask.grow


def test_pictures_of_one_person_follow_each_other_as_they_are() -> None:
    faces = bank()
    made = moments_of(faces, np.array([1, 4, 6]), np.random.default_rng(2))
    shown = [next(i for i in (1, 4, 6) if (faces.images[i] == image).all()) for image in made.images]
    changes = int((np.diff(shown) != 0).sum())
    assert 1 <= changes <= 2
    assert len(shown) == LENGTH
    assert made.person == faces.entries[shown[0]].person


def test_an_animated_sequence_moves_further_than_the_still_it_is_made_of() -> None:
    still = footage_of(bank(), 0)
    made = animate_sequence(still, SequencePlan(spoil=NOTHING), np.random.default_rng(1))
    plain = make_sequence(still, (), False, SequencePlan(spoil=NOTHING), np.random.default_rng(1))
    assert made.shape == plain.shape
    most = [np.abs(frames.astype(int) - frames[0].astype(int)).mean(axis=(1, 2, 3)).max() for frames in (made, plain)]
    assert most[0] > 1.5 * most[1]


def test_a_shard_of_sequences_holds_what_its_mix_says(tmp_path) -> None:
    mix = SequenceMix(stills=2, dataset=1, each_clip=0, moments=0, animated=3)
    shard = sequence_shard(tmp_path / "s.npz", supply_of(bank(), "train"), (), mix, (1,))
    assert [int((shard.kinds == code).sum()) for code in range(len(SEQUENCES))] == [2, 1, 2, 3]


def test_moments_come_real_and_forged_in_equal_number(tmp_path) -> None:
    faces = bank()
    twice = tuple(FaceEntry(**(vars(entry) | {"person": f"p{i % 4}"})) for i, entry in enumerate(faces.entries))
    supply = supply_of(FaceBank(faces.images, faces.marks, twice), "train")
    mix = SequenceMix(stills=0, dataset=0, each_clip=0, moments=3, animated=0)
    shard = sequence_shard(tmp_path / "s.npz", supply, (), mix, (1,))
    assert shard.kinds.tolist() == [0, 2, 0, 2, 0, 2]


def test_everybody_with_enough_pictures_is_shown_as_they_are(tmp_path) -> None:
    shard = people_shard(tmp_path / "p.npz", supply_of(bank(), "train"), SequencePlan(), (1,), most=5)
    assert shard.persons.tolist() == ["webcam-p01"] * 5
    assert not shard.fake.any()


def test_webcams_come_in_the_order_of_their_frames() -> None:
    faces = bank()
    (footage,) = webcam_footage(supply_of(faces, "train"))
    first = faces.where(lambda entry: entry.person == "webcam-p01")[0]
    assert len(footage.images) == 20
    assert (footage.images[2] == faces.images[first + 2]).all(), "2 comes before 10"
