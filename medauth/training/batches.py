"""Augmented batches, repeatable from (seed, epoch), made one ahead in a thread while the net computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medauth.training.augmentation import Distortion, augment, mix_pairs
from medauth.training.datasets import LabelledImages


@dataclass(frozen=True)
class Batch:
    """`images` float32 [N, S, S, 1], `targets` float32 [N, C] (rows sum to 1), `weights` float32 [N]."""

    images: NDArray[np.float32]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class BatchPlan:
    """How batches are made. `size_px` is the side of the crops that come out."""

    size: int = 64
    size_px: int = 48
    mixup_alpha: float = 0.2
    mixup_chance: float = 0.5
    smoothing: float = 0.05
    distortion: Distortion = field(default_factory=Distortion)


def epoch_batches(
    data: LabelledImages, plan: BatchPlan, weights: NDArray[np.float32], *, seed: int, epoch: int
) -> Iterator[Batch]:
    """Yield one shuffled epoch in full batches; the same seed and epoch give the same batches, bit for bit.

    `weights` float32 [C] are class weights; an image weighs what its soft label says.
    """

    def make(chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        return _make_batch(data, chosen, plan, weights, rng)

    return shuffled(len(data.images), plan.size, make, seed=seed, epoch=epoch)


def shuffled(
    images: int,
    size: int,
    make: Callable[[NDArray[np.int64], np.random.Generator], Batch],
    *,
    seed: int,
    epoch: int,
) -> Iterator[Batch]:
    """Full batches of `size`, each image in one at most; `make` gets their indices and a generator of the batch's own."""
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(images)
    count = len(order) // size
    seeds = rng.integers(0, 2**63, count)
    return one_ahead(
        lambda i: make(order[i * size : (i + 1) * size], np.random.default_rng(int(seeds[i]))),
        count,
    )


def batch_count(data: LabelledImages, plan: BatchPlan) -> int:
    """Full batches in one epoch."""
    return len(data.images) // plan.size


def _make_batch(
    data: LabelledImages,
    chosen: NDArray[np.int64],
    plan: BatchPlan,
    weights: NDArray[np.float32],
    rng: np.random.Generator,
) -> Batch:
    images = augment(data.images[chosen], plan.size_px, rng, plan.distortion)
    targets = data.soft[chosen]
    targets = targets * (1 - plan.smoothing) + np.float32(plan.smoothing / targets.shape[1])
    if rng.random() < plan.mixup_chance:
        images, targets = mix_pairs(images, targets, rng, plan.mixup_alpha)
    return Batch(images, targets.astype(np.float32), (targets @ weights).astype(np.float32))


def one_ahead(make: Callable[[int], Batch], count: int) -> Iterator[Batch]:
    """Yield make(0), make(1), ... made one ahead in a thread."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(make, 0) if count else None
        for index in range(count):
            assert waiting is not None
            ready = waiting.result()
            waiting = pool.submit(make, index + 1) if index + 1 < count else None
            yield ready
