"""Bends against functions whose gradient is known: no learning library is needed."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.evaluation.adversarial import Bend, Floats, bent, fgsm, pgd

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(20, 230, (6, 8, 8, 1)).astype(np.float32)
WEIGHTS = RNG.normal(0, 1, (8, 8, 1)).astype(np.float32)


def rising(images: Floats) -> Floats:
    return np.broadcast_to(WEIGHTS, images.shape).astype(np.float32)


def loss(images: Floats) -> Floats:
    return np.asarray((images * WEIGHTS).sum(axis=(1, 2, 3)))


@pytest.mark.parametrize("bend", [fgsm(3.0), pgd(3.0), Bend(3.0, step=3.75, random_start=True)])
def test_no_value_moves_further_than_epsilon_and_the_loss_rises(bend: Bend) -> None:
    moved = bent(IMAGES, rising, bend, np.random.default_rng(1))
    assert np.abs(moved - IMAGES).max() <= 3.0 + 1e-4
    assert (loss(moved) > loss(IMAGES)).all()


def test_one_step_and_many_reach_the_same_corner_of_a_plane() -> None:
    corner = IMAGES + 2.0 * np.sign(WEIGHTS)
    for bend in (fgsm(2.0), pgd(2.0)):
        assert bent(IMAGES, rising, bend, np.random.default_rng(0)) == pytest.approx(corner, abs=1e-3)


def test_nothing_leaves_the_levels_of_a_picture() -> None:
    bright = np.full((2, 4, 4, 1), 254.0, np.float32)
    moved = bent(bright, np.ones_like, fgsm(8.0), np.random.default_rng(0))
    assert moved.max() == 255.0


def test_each_image_may_have_a_bound_of_its_own() -> None:
    bounds = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], np.float32)
    moved = bent(IMAGES, rising, fgsm(5.0), np.random.default_rng(0), epsilons=bounds)
    assert np.abs(moved - IMAGES).max(axis=(1, 2, 3)) == pytest.approx(bounds, abs=1e-3)


def test_many_steps_follow_a_gradient_that_turns() -> None:
    """The loss is highest on a ring inside the bound: one step overshoots it, many find it."""
    goal = IMAGES + 1.0

    def towards(images: Floats) -> Floats:
        return np.asarray(goal - images, np.float32)

    once = bent(IMAGES, towards, fgsm(4.0), np.random.default_rng(0))
    often = bent(IMAGES, towards, pgd(4.0, 40), np.random.default_rng(0))
    assert np.abs(often - goal).mean() < np.abs(once - goal).mean() / 4
