"""The other way to judge sequences, compared once: a small 3-D CNN on the pixels that the LSTM's vectors come from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.training.batches import Batch
from medauth.training.deepfake import Workshop
from medauth.training.deepfake_judging import area_json
from medauth.training.loop import TrainingPlan, train_on
from medauth.training.sequence_shards import SequenceShard
from medauth.training.temporal import build_volume

COMPARISON = "comparison_volume.json"
SIDE = 56
VOLUME_PLAN = TrainingPlan(
    epochs=6, peak_rate=2e-3, warmup_epochs=0.5, average_decay=0.98, average_every=1, precision="float32", loss="binary"
)
_BATCH = 8


@dataclass(frozen=True)
class Volumes:
    """Sequences uint8 [N, 16, 56, 56, 3], whether each is forged, and of whom."""

    images: NDArray[np.uint8]
    fake: NDArray[np.bool_]
    persons: NDArray[np.str_]


def volumes_of(shards: list[SequenceShard]) -> Volumes:
    """The sequences of `shards`, made smaller."""
    images = [[_smaller(frame) for frame in sequence] for shard in shards for sequence in shard.images]
    fake, persons = (np.concatenate([getattr(shard, name) for shard in shards]) for name in ("fake", "persons"))
    return Volumes(np.array(images, np.uint8), fake, persons)


@dataclass(frozen=True)
class VolumeLessons:
    """`Lessons` of the loop over whole sequences."""

    train: Volumes
    valid: Volumes
    seed: int

    def count(self, epoch: int) -> int:  # noqa: ARG002  # as the port has it
        """See `Lessons`; every epoch has as many."""
        return len(self.train.fake) // _BATCH

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """See `Lessons`; every other sequence is mirrored."""
        rng = np.random.default_rng((self.seed, 9, epoch))
        order, fake = rng.permutation(len(self.train.fake)), self.train.fake
        weights = np.where(fake, 0.5 / fake.mean(), 0.5 / (~fake).mean()).astype(np.float32)
        for at in range(0, len(order) // _BATCH * _BATCH, _BATCH):
            part = order[at : at + _BATCH]
            images = self.train.images[part].astype(np.float32)
            mirrored = rng.random(_BATCH) < 0.5  # noqa: PLR2004
            images[mirrored] = images[mirrored, :, :, ::-1]
            yield Batch(images, fake[part, None].astype(np.float32), weights[part])

    def judge(self, model: Any) -> dict[str, float]:
        """See `Lessons`."""
        return {"score": float(area_json(volume_logits(model, self.valid), self.valid.fake, self.valid.persons)["auc"])}


def volume_logits(model: Any, volumes: Volumes) -> NDArray[np.float64]:
    """Logits of a fake float64 [N]."""
    padding = np.zeros((-len(volumes.images) % _BATCH, *volumes.images.shape[1:]), np.uint8)
    padded = np.concatenate([volumes.images, padding])
    parts = [
        model.predict_on_batch(padded[at : at + _BATCH].astype(np.float32)) for at in range(0, len(padded), _BATCH)
    ]
    return np.asarray(np.concatenate(parts)[: len(volumes.images), 0], np.float64)


def compare_volume(shop: Workshop, train: list[SequenceShard], valid: list[SequenceShard], folder: Path) -> None:
    """Train the 3-D CNN on the LSTM's sequences and write what validation says to `folder`."""
    lessons = VolumeLessons(volumes_of(train), volumes_of(valid), shop.plan.seed)
    net = train_on(lambda: build_volume(SIDE), lessons, VOLUME_PLAN, shop.folder / "volume", shop.report)
    judged = lessons.valid
    found = {
        "sequences": len(lessons.train.fake),
        "parameters": int(net.count_params()),
        "epochs": VOLUME_PLAN.epochs,
        "side_px": SIDE,
        "valid": area_json(volume_logits(net, judged), judged.fake, judged.persons),
    }
    (folder / COMPARISON).write_text(json.dumps(found, indent=2) + "\n")


def _smaller(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
