"""Shards of training pictures, made once from a seed and kept on disk; and what the frozen stem says of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from medauth.training.forged_samples import SamplePlan, Samples, Supply, make_samples


@dataclass(frozen=True)
class FeatureShard:
    """`features` float16 [N, 7, 7, C]; the rest as in `Samples`."""

    features: NDArray[np.float16]
    kinds: NDArray[np.int64]
    sources: NDArray[np.int64]
    weights: NDArray[np.float32]


class Eye(Protocol):
    """What turns pictures into features."""

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Float16 [N, 7, 7, C] of uint8 BGR [N, 112, 112, 3]."""


def sample_shard(path: Path, supply: Supply, plan: SamplePlan, seed: tuple[int, ...]) -> Samples:
    """The pictures at `path`, made where they are missing."""
    if not path.exists():
        samples = make_samples(supply, plan, seed)
        _write(path, {field.name: getattr(samples, field.name) for field in fields(samples)})
    with np.load(path) as stored:
        return Samples(*(stored[field.name] for field in fields(Samples)))


def feature_shard(path: Path, stem: Eye, samples: Samples) -> FeatureShard:
    """The features of `samples` at `path`, computed where they are missing."""
    if not path.exists():
        _write(path, {"features": stem.features(samples.images)})
    with np.load(path) as stored:
        return FeatureShard(stored["features"], samples.kinds, samples.sources, samples.weights)


def _write(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.replace(path)
