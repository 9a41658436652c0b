from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.training.augmentation import Distortion
from medauth.training.batches import Batch, BatchPlan, batch_count, epoch_batches
from medauth.training.datasets import LabelledImages

PLAN = BatchPlan(size=4, size_px=16)
EVEN = np.ones(3, np.float32)


@pytest.fixture
def data() -> LabelledImages:
    rng = np.random.default_rng(0)
    majority = np.arange(14) % 3
    images = rng.integers(0, 256, (14, 24, 24)).astype(np.uint8)
    return LabelledImages(images, np.eye(3, dtype=np.float32)[majority], majority.astype(np.int64), ("a", "b", "c"))


def epoch(
    data: LabelledImages, plan: BatchPlan = PLAN, weights: NDArray[np.float32] = EVEN, *, seed: int = 1, number: int = 0
) -> list[Batch]:
    return list(epoch_batches(data, plan, weights, seed=seed, epoch=number))


def test_only_full_batches_come(data):
    batches = epoch(data)
    assert len(batches) == batch_count(data, PLAN) == 3
    assert {batch.images.shape for batch in batches} == {(4, 16, 16, 1)}


def test_seed_and_epoch_decide_everything(data):
    assert all(np.array_equal(a.images, b.images) for a, b in zip(epoch(data), epoch(data), strict=True))
    assert not np.array_equal(epoch(data)[0].images, epoch(data, number=1)[0].images)
    assert not np.array_equal(epoch(data)[0].images, epoch(data, seed=2)[0].images)


def test_targets_are_shares_and_smoothing_reaches_every_class(data):
    for batch in epoch(data, replace(PLAN, smoothing=0.3, mixup_chance=0.0)):
        assert batch.targets.sum(axis=1) == pytest.approx(np.ones(4))
        assert batch.targets.min() == pytest.approx(0.1)


def test_mixup_blends_targets(data):
    sharp = epoch(data, replace(PLAN, smoothing=0.0, mixup_chance=0.0))
    mixed = epoch(data, replace(PLAN, smoothing=0.0, mixup_chance=1.0, mixup_alpha=1.0))
    assert min(batch.targets.max(axis=1).min() for batch in sharp) == 1.0
    assert min(batch.targets.max(axis=1).min() for batch in mixed) < 1.0


def test_class_weights_reach_the_images(data):
    plan = replace(PLAN, smoothing=0.0, mixup_chance=0.0)
    for batch in epoch(data, plan, np.array([1, 2, 3], np.float32)):
        assert batch.weights.tolist() == (batch.targets.argmax(axis=1) + 1).tolist()


def test_the_distortion_of_the_plan_is_used(data):
    mild = replace(PLAN, distortion=Distortion(rotation_deg=0.0))
    assert not np.array_equal(epoch(data)[0].images, epoch(data, mild)[0].images)


def test_no_image_no_batch(data):
    assert epoch(data.select(np.zeros(14, bool))) == []
