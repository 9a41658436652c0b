"""Training of the deepfake net, step by step: faces, the encoder on single frames, the LSTM on sequences.

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
from medauth.training.deepfake_net import build_frame_net, encoder_of, load_backbone
from medauth.training.degrading import Degradation
from medauth.training.encoded import Encoded, encoded_at
from medauth.training.export import LiteRtModel
from medauth.training.face_bank import FaceBank, open_bank
from medauth.training.forged_samples import SamplePlan, Samples, Supply, supply_of
from medauth.training.frame_exam import Exam, exam_of
from medauth.training.frame_lessons import FrameLessons, PairLoss
from medauth.training.loop import TrainingPlan, train_on
from medauth.training.mobilenet import Weights
from medauth.training.sample_shards import sample_shard
from medauth.training.sequence_lessons import SequenceLessons
from medauth.training.sequence_shards import (
    SequenceMix,
    SequenceShard,
    clip_at,
    people_shard,
    sequence_shard,
    webcam_footage,
)
from medauth.training.sequences import Footage
from medauth.training.temporal import build_head

ENCODE = "encode.tflite"
"""The file of the work folder that runs the finished encoder."""

Report = Callable[[str], None]

FRAME_PLAN = TrainingPlan(
    epochs=8,
    peak_rate=1e-3,
    warmup_epochs=0.25,
    weight_decay=0.05,
    average_decay=0.995,
    precision="float32",
    keep_best=False,  # the exam holds not all that is taught (no hands), and the last epochs learn slowest
)
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
MILD = Degradation(
    gamma=0.2,
    contrast=0.1,
    brightness=10.0,
    cast=0.06,
    saturation=0.2,
    shrink_chance=0.1,
    shrink_least=0.6,
    blur_chance=0.1,
    noise_chance=0.1,
    noise=4.0,
    jpeg_chance=0.4,
    jpeg_least=65,
    cover_chance=0.1,
)
"""For the first shards: traces that are still there can be learned."""
_VALID_MIX = SequenceMix(
    stills=120, dataset=30, each_clip=12, moments=60, animated=60
)  # enough real ones to see one in a hundred
_TEST_MIX = SequenceMix(stills=60, dataset=30, each_clip=12, moments=30, animated=60)


@dataclass(frozen=True)
class ShardPlan:
    """How many shards of pictures there are for single frames; the first few are hardly spoiled."""

    count: int = 64
    mild: int = 24
    each_epoch: int = 16
    samples: SamplePlan = field(default_factory=SamplePlan)

    def of(self, index: int) -> SamplePlan:
        """What shard `index` is made by."""
        return replace(self.samples, spoil=MILD) if index < self.mild else self.samples


@dataclass(frozen=True)
class DeepfakePlan:
    """All that shapes a training of the deepfake net."""

    seed: int = 7
    frames: TrainingPlan = FRAME_PLAN
    head: TrainingPlan = HEAD_PLAN
    shards: ShardPlan = field(default_factory=ShardPlan)
    sequences: SequenceMix = field(default_factory=lambda: SequenceMix(stills=24, dataset=10, each_clip=2))
    sequence_shards: int = 4
    most_faces: int | None = None  # of each source; None = all


_SPLITS = ("train", "valid", "test")
_FEW = 300
"""Pairs or pictures of each source that choose the epoch and fix the threshold: all of the dataset's."""


@dataclass(frozen=True)
class Workshop:
    """A training's data, plan and work folder."""

    data: Path
    folder: Path
    plan: DeepfakePlan
    weights: Weights
    report: Report = print

    def bank(self, split: str) -> FaceBank:
        """Aligned faces of one split."""
        most = {"train": self.plan.most_faces, "valid": min(_FEW, self.plan.most_faces or _FEW)}.get(split, 500)
        return open_bank(self.data, self.folder / f"faces-{split}", (split,), most, self.report)

    def supply(self, split: str) -> Supply:
        """Faces of one split to forge."""
        return supply_of(self.bank(split), split)

    def exam(self, split: str) -> Exam:
        """Single faces of one split, and forgeries of them."""
        return exam_of(self.bank(split), self.plan.seed)

    def shard(self, supply: Supply, index: int) -> Samples:
        """Training pictures by their number."""
        path = self.folder / "shards" / f"train-{index:04d}.npz"
        return sample_shard(path, supply, self.plan.shards.of(index), (self.plan.seed, 0, index))

    def clips(self) -> list[Footage]:
        """Natural clips of people who move."""
        folder = self.data / "blink_clips"
        listed = json.loads((folder / "blinks.json").read_text())
        cache = self.folder / "clips"
        return [clip_at(cache / f"{name}.npz", folder / clip["file"], name) for name, clip in listed.items()]

    def sequences(self, split: str, clips: list[Footage]) -> list[SequenceShard]:
        """Sequences of one split; clips take part in training alone, webcams each in their split."""
        mixes = {"train": self.plan.sequences, "valid": _VALID_MIX, "test": _TEST_MIX}
        streams = {"train": 4, "valid": 3, "test": 7}
        count = self.plan.sequence_shards if split == "train" else 1
        paths = [self.folder / "sequences" / f"{split}-{index:02d}.npz" for index in range(count)]
        supply = self.supply(split)
        moving = webcam_footage(supply) + (clips if split == "train" else [])
        return [
            sequence_shard(path, supply, moving, mixes[split], (self.plan.seed, streams[split], index))
            for index, path in enumerate(paths)
        ]

    def people(self, split: str) -> SequenceShard:
        """Real sequences of one split, several of each person."""
        path, seed = self.folder / "sequences" / f"people-{split}.npz", (self.plan.seed, 11, _SPLITS.index(split))
        return people_shard(path, self.supply(split), self.plan.sequences.plan, seed)


def train_frames(shop: Workshop) -> Any:
    """Train the frame net on pairs of real and forged faces, beginning with the backbone's weights."""
    supply, shards, plan = shop.supply("train"), shop.plan.shards, shop.plan
    lessons = FrameLessons(
        lambda index: shop.shard(supply, index), shards.count, shards.each_epoch, shop.exam("valid"), plan.seed
    )

    def start(net: Any) -> None:
        load_backbone(net, shop.weights)

    return train_on(build_frame_net, lessons, plan.frames, shop.folder / "frames", shop.report, start, PairLoss)


@dataclass(frozen=True)
class TrainedFrames:
    """The finished encoder, what makes its vectors a frame's logit, and a file that runs it."""

    encoder: Any
    direction: tuple[NDArray[np.float32], float]
    runner: LiteRtModel


def finish_frames(shop: Workshop, net: Any) -> TrainedFrames:
    """The encoder of the trained frame net, and the file that runs it."""
    encoder, kernel, bias = encoder_of(net)
    path = shop.folder / ENCODE
    if not path.exists():
        write_encoder(encoder, (kernel, bias), path)
    return TrainedFrames(encoder, (kernel, bias), LiteRtModel(path))


def train_head(shop: Workshop, frames: TrainedFrames, train: Encoded, valid: Encoded, name: str = "head") -> Any:
    """Train the LSTM on vectors and return it; `name` keeps trainings on other people apart."""
    task = SequenceLessons(train, valid, shop.plan.seed)
    return train_on(lambda: build_head(*frames.direction), task, shop.plan.head, shop.folder / name, shop.report)


def encoded_sequences(shop: Workshop, frames: TrainedFrames, split: str, clips: list[Footage]) -> Encoded:
    """All sequences of a split as vectors."""
    return encoded_at(shop.folder / f"encoded-{split}.npz", frames.runner, shop.sequences(split, clips))


def encoded_people(shop: Workshop, frames: TrainedFrames, split: str) -> Encoded:
    """Sequences of everybody of a split of whom there are enough, as vectors."""
    path = shop.folder / f"encoded-people-{split}.npz"
    return encoded_at(path, frames.runner, [] if path.exists() else [shop.people(split)])


def changed(plan: DeepfakePlan, *, epochs: int | None, seed: int | None, most_faces: int | None) -> DeepfakePlan:
    """The plan with what a command asked for."""
    seed = plan.seed if seed is None else seed
    most = plan.most_faces if most_faces is None else most_faces or None
    frames = replace(plan.frames, epochs=epochs or plan.frames.epochs, seed=seed)
    return replace(plan, seed=seed, frames=frames, head=replace(plan.head, seed=seed), most_faces=most)
