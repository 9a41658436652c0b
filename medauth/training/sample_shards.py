"""Shards of training pictures, made once from a seed and kept on disk."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from medauth.training.forged_samples import SamplePlan, Samples, Supply, make_samples


def sample_shard(path: Path, supply: Supply, plan: SamplePlan, seed: tuple[int, ...]) -> Samples:
    """The pictures at `path`, made where they are missing."""
    if not path.exists():
        samples = make_samples(supply, plan, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **{field.name: getattr(samples, field.name) for field in fields(samples)})
        partial.replace(path)
    with np.load(path) as stored:
        return Samples(*(stored[field.name] for field in fields(Samples)))
