"""Training of the deepfake net, step by step: faces, frozen stem, maps fitted on single frames, LSTM on sequences.

Every step leaves its result in the work folder and is skipped when it is there; a killed training goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.training.deepfake_export import write_encoder
from medauth.training.deepfake_net import build_encoder, frame_direction
from medauth.training.encoded import Encoded, encoded_at
from medauth.training.export import LiteRtModel
from medauth.training.face_bank import FaceBank, open_bank
from medauth.training.feature_shards import Eye, feature_shard, sample_shard
from medauth.training.forged_samples import SamplePlan, Supply, supply_of
from medauth.training.linear_head import LinearHead, fit_head, load_head, pool, save_head
from medauth.training.loop import TrainingPlan, train_on
from medauth.training.mobilenet import Weights
from medauth.training.sequence_lessons import SequenceLessons
from medauth.training.sequence_shards import SequenceMix, SequenceShard, clip_at, sequence_shard
from medauth.training.sequences import Footage
from medauth.training.stem_file import Stem
from medauth.training.temporal import build_head

ENCODE = "encode.tflite"
"""The file of the work folder that runs the finished encoder."""

Report = Callable[[str], None]

HEAD_PLAN = TrainingPlan(
    epochs=16,
    peak_rate=2e-3,
    warmup_epochs=1.0,
    weight_decay=0.05,
    average_decay=0.98,
    average_every=1,
    precision="float32",
    loss="binary",
)
_VALID_MIX = SequenceMix(stills=120, dataset=30, each_clip=0)  # enough real ones to see one in a hundred
_TEST_MIX = SequenceMix(stills=60, dataset=30, each_clip=0)


@dataclass(frozen=True)
class ShardPlan:
    """How many shards of pictures the frame's head is fitted on and chosen by."""

    train: int = 12
    valid: int = 2
    samples: SamplePlan = field(default_factory=SamplePlan)


@dataclass(frozen=True)
class DeepfakePlan:
    """All that shapes a training of the deepfake net."""

    seed: int = 7
    head: TrainingPlan = HEAD_PLAN
    shards: ShardPlan = field(default_factory=ShardPlan)
    sequences: SequenceMix = field(default_factory=lambda: SequenceMix(stills=24, dataset=10, each_clip=2))
    sequence_shards: int = 3
    most_faces: int | None = 1100  # of each source; None = all


@dataclass(frozen=True)
class Workshop:
    """A training's data, plan and work folder."""

    data: Path
    folder: Path
    plan: DeepfakePlan
    weights: Weights
    report: Report = print

    def bank(self, split: str) -> FaceBank:
        """Aligned faces of one split; a fifth as many to validate as to train, all of the dataset's to test."""
        few = None if self.plan.most_faces is None else self.plan.most_faces // 5
        most = {"train": self.plan.most_faces, "valid": few}.get(split, 500)
        return open_bank(self.data, self.folder / f"faces-{split}", (split,), most, self.report)

    def supply(self, split: str) -> Supply:
        """Faces of one split to forge."""
        return supply_of(self.bank(split), split)

    def clips(self) -> list[Footage]:
        """Natural clips of people who move."""
        folder = self.data / "blink_clips"
        listed = json.loads((folder / "blinks.json").read_text())
        cache = self.folder / "clips"
        return [clip_at(cache / f"{name}.npz", folder / clip["file"], name) for name, clip in listed.items()]

    def sequences(self, split: str, clips: list[Footage]) -> list[SequenceShard]:
        """Sequences of one split; clips take part in training alone."""
        mixes = {"train": self.plan.sequences, "valid": _VALID_MIX, "test": _TEST_MIX}
        streams = {"train": 4, "valid": 3, "test": 7}
        count = self.plan.sequence_shards if split == "train" else 1
        paths = [self.folder / "sequences" / f"{split}-{index:02d}.npz" for index in range(count)]
        supply = self.supply(split)
        return [
            sequence_shard(
                path, supply, clips if split == "train" else (), mixes[split], (self.plan.seed, streams[split], index)
            )
            for index, path in enumerate(paths)
        ]


def fit_frames(shop: Workshop) -> LinearHead:
    """Fit the frame's head on shards of forged and real faces, or read it back."""
    path = shop.folder / "linear.npz"
    if not path.exists():
        stem = Stem(shop.folder / "stem.tflite", shop.weights)
        train, valid = shard_taps(shop, stem, "train"), shard_taps(shop, stem, "valid")
        save_head(path, fit_head(train.pooled, train.kinds > 0, train.weights, valid.pooled, valid.kinds > 0))
    return load_head(path)


@dataclass(frozen=True)
class Taps:
    """Pooled taps float32 [N, regions, C] of pictures, their `kinds` and `sources` int64 [N] and `weights` float32 [N]."""

    pooled: NDArray[np.float32]
    kinds: NDArray[np.int64]
    sources: NDArray[np.int64]
    weights: NDArray[np.float32]


def shard_taps(shop: Workshop, stem: Eye, split: str) -> Taps:
    """The pooled taps of a split's shards; pictures and features are made where they are missing."""
    shards, folder, supply = shop.plan.shards, shop.folder / "shards", shop.supply(split)
    stream, count = {"train": (0, shards.train), "valid": (1, shards.valid)}[split]
    found = []
    for index in range(count):
        name = f"{split}-{index:04d}"
        samples = sample_shard(folder / f"{name}.npz", supply, shards.samples, (shop.plan.seed, stream, index))
        shard = feature_shard(folder / f"{name}-features.npz", stem, samples)
        found.append(Taps(pool(shard.features), shard.kinds, shard.sources, shard.weights))
        shop.report(f"{name} ready")
    return Taps(
        *(np.concatenate([getattr(part, key) for part in found]) for key in ("pooled", "kinds", "sources", "weights"))
    )


@dataclass(frozen=True)
class TrainedFrames:
    """The finished encoder, what makes its vectors a frame's logit, and a file that runs it."""

    encoder: Any
    direction: tuple[np.ndarray[Any, np.dtype[np.float32]], float]
    runner: LiteRtModel


def finish_frames(shop: Workshop, fitted: LinearHead) -> TrainedFrames:
    """Join stem and fitted maps."""
    encoder, direction = build_encoder(shop.weights, fitted), frame_direction(fitted)
    path = shop.folder / ENCODE
    if not path.exists():
        write_encoder(encoder, direction, path)
    return TrainedFrames(encoder, direction, LiteRtModel(path))


def train_head(shop: Workshop, frames: TrainedFrames, train: Encoded, valid: Encoded, name: str = "head") -> Any:
    """Train the LSTM on vectors and return it; `name` keeps trainings on other people apart."""
    task = SequenceLessons(train, valid, shop.plan.seed)
    return train_on(lambda: build_head(*frames.direction), task, shop.plan.head, shop.folder / name, shop.report)


def encoded_sequences(shop: Workshop, frames: TrainedFrames, split: str, clips: list[Footage]) -> Encoded:
    """All sequences of a split as vectors."""
    return encoded_at(shop.folder / f"encoded-{split}.npz", frames.runner, shop.sequences(split, clips))


def changed(plan: DeepfakePlan, *, shards: int | None, seed: int | None, most_faces: int | None) -> DeepfakePlan:
    """The plan with what a command asked for."""
    seed = plan.seed if seed is None else seed
    most = plan.most_faces if most_faces is None else most_faces or None
    counted = replace(plan.shards, train=shards or plan.shards.train)
    return replace(plan, seed=seed, head=replace(plan.head, seed=seed), shards=counted, most_faces=most)
