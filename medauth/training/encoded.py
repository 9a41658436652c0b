"""Faces as the finished encoder sees them: vectors of single frames and of sequences. Needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from medauth.training.sequence_shards import SequenceShard


class Runner(Protocol):
    """Runs a signature of a file: `export.LiteRtModel` does."""

    def call(self, signature: str, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Outputs by name."""


def encode_crops(model: Runner, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors float32 [N, 64] and frame logits [N] of crops uint8 [N, 144, 144, 3]."""
    found = [model.call("encode", images=crop[None].astype(np.float32)) for crop in crops]
    return np.concatenate([f["vector"] for f in found]), np.concatenate([f["logit"][:, 0] for f in found])


@dataclass(frozen=True)
class Encoded:
    """Sequences as vectors: float32 [N, 16, 64]; `frames` float32 [N] is the mean of what single frames say."""

    vectors: NDArray[np.float32]
    frames: NDArray[np.float32]
    fake: NDArray[np.bool_]
    kinds: NDArray[np.int64]
    persons: NDArray[np.str_]

    def select(self, keep: NDArray[np.bool_]) -> Encoded:
        """Those where `keep` holds."""
        return Encoded(*(getattr(self, name)[keep] for name in ("vectors", "frames", "fake", "kinds", "persons")))


def encode_shards(model: Runner, shards: list[SequenceShard]) -> Encoded:
    """All sequences of `shards` through the signature `encode`."""
    vectors, frames = [], []
    for shard in shards:
        for sequence in shard.images:
            found, logits = encode_crops(model, sequence)
            vectors.append(found)
            frames.append(logits.mean())
    joined = {key: np.concatenate([getattr(shard, key) for shard in shards]) for key in ("fake", "kinds", "persons")}
    return Encoded(np.stack(vectors), np.array(frames, np.float32), joined["fake"], joined["kinds"], joined["persons"])


def encoded_at(path: Path, model: Runner, shards: list[SequenceShard]) -> Encoded:
    """The vectors at `path`, made where they are missing."""
    names = ("vectors", "frames", "fake", "kinds", "persons")
    if not path.exists():
        made = encode_shards(model, shards)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **{name: getattr(made, name) for name in names})
        partial.replace(path)
    with np.load(path) as stored:
        return Encoded(*(stored[name] for name in names))
