from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medauth.training.augmentation import (
    Distortion,
    augment,
    centre_crop,
    mix_pairs,
    random_affine,
    random_tone,
)

STILL = Distortion(
    rotation_deg=0,
    scale=0,
    shear=0,
    shift=0,
    gamma=0,
    contrast=0,
    brightness=0,
    blur_chance=0,
    shrink_chance=0,
    jpeg_chance=0,
    noise_chance=0,
    cutout_chance=0,
    flip_chance=0,
)


@pytest.fixture
def images():
    return np.random.default_rng(3).integers(0, 256, (6, 48, 48)).astype(np.uint8)


def test_shape_type_and_range(images):
    out = augment(images, 40, np.random.default_rng(0), Distortion())
    assert out.shape == (6, 40, 40, 1)
    assert out.dtype == np.float32
    assert out.min() >= 0
    assert out.max() <= 255


def test_the_same_seed_gives_the_same_pixels(images):
    once, again = (augment(images, 48, np.random.default_rng(5), Distortion()) for _ in range(2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, augment(images, 48, np.random.default_rng(6), Distortion()))


def test_no_distortion_leaves_the_centre_crop(images):
    out = augment(images, 40, np.random.default_rng(0), STILL)
    assert np.abs(out - centre_crop(images, 40)).max() <= 1


def test_a_sure_flip_mirrors(images):
    out = augment(images, 48, np.random.default_rng(0), replace(STILL, flip_chance=1.0))
    assert np.abs(out[..., 0] - images[:, :, ::-1]).max() <= 1


@pytest.mark.parametrize(
    "option",
    [
        "rotation_deg",
        "scale",
        "shear",
        "shift",
        "gamma",
        "contrast",
        "brightness",
        "blur_chance",
        "shrink_chance",
        "jpeg_chance",
        "noise_chance",
        "cutout_chance",
    ],
)
def test_every_option_changes_the_image(images, option):
    strength = {"rotation_deg": 30.0, "brightness": 60.0}.get(option, 1.0 if option.endswith("chance") else 0.5)
    out = augment(images, 48, np.random.default_rng(1), replace(STILL, **{option: strength}))
    assert not np.array_equal(out[..., 0], images)


def test_a_smaller_cutout_covers_less(images):
    def covered(side: float) -> float:
        distortion = replace(STILL, cutout_chance=1.0, cutout_side=side)
        return float((augment(images, 48, np.random.default_rng(1), distortion)[..., 0] != images).mean())

    assert covered(0.1) < covered(0.6)


def test_the_centre_stays_the_centre():
    matrix = random_affine(48, 40, np.random.default_rng(2), replace(Distortion(), shift=0.0))
    assert matrix @ [23.5, 23.5, 1.0] == pytest.approx([19.5, 19.5])


def test_a_tone_curve_never_falls():
    curve = random_tone(np.random.default_rng(4), Distortion()).astype(int)
    assert curve.shape == (256,)
    assert (np.diff(curve) >= 0).all()


def test_mixing_blends_images_and_targets_alike(images):
    batch = images[..., None].astype(np.float32)
    targets = np.eye(6, dtype=np.float32)
    mixed, soft = mix_pairs(batch, targets, np.random.default_rng(0), 0.4)
    assert soft.sum(axis=1) == pytest.approx(np.ones(6))
    expected = np.tensordot(soft, batch, axes=1)
    assert np.abs(mixed - expected).max() < 1e-3
    assert (np.diag(soft) >= 0.5 - 1e-6).all()


def test_no_mixing_when_switched_off(images):
    batch = images[..., None].astype(np.float32)
    mixed, _ = mix_pairs(batch, np.eye(6, dtype=np.float32), np.random.default_rng(0), 0.0)
    assert mixed is batch
