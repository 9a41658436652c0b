"""What the loop trains the LSTM head on: vectors of sequences that the finished encoder made once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.metrics import area_under_curve
from medauth.training.batches import Batch
from medauth.training.encoded import Encoded

_CHUNK = 64


@dataclass(frozen=True)
class SequenceLessons:
    """`Lessons` of the loop over vectors; real and forged sequences weigh the same in all."""

    train: Encoded
    valid: Encoded
    seed: int
    batch: int = 32
    repeats: int = 4  # passes over the vectors an epoch: there are few

    def count(self, epoch: int) -> int:  # noqa: ARG002  # as the port has it
        """See `Lessons`; every epoch has as many."""
        return len(self.train.fake) // self.batch * self.repeats

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """See `Lessons`."""
        return self._shuffled(np.random.default_rng((self.seed, 5, epoch)))

    def judge(self, model: Any) -> dict[str, float]:
        """See `Lessons`."""
        logits = head_logits(model, self.valid.vectors)
        return {
            "score": area_under_curve(logits, self.valid.fake),
            "frames_alone": area_under_curve(self.valid.frames.astype(np.float64), self.valid.fake),
        }

    def _shuffled(self, rng: np.random.Generator) -> Iterator[Batch]:
        fake = self.train.fake
        weights = np.where(fake, 0.5 / fake.mean(), 0.5 / (~fake).mean()).astype(np.float32)
        for _ in range(self.repeats):
            order = rng.permutation(len(fake))
            for at in range(0, len(order) // self.batch * self.batch, self.batch):
                part = order[at : at + self.batch]
                yield Batch(self.train.vectors[part], fake[part, None].astype(np.float32), weights[part])


def head_logits(head: Any, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logits of a fake float64 [N] of vectors [N, 16, 64]."""
    padded = np.concatenate([vectors, np.zeros((-len(vectors) % _CHUNK, *vectors.shape[1:]), np.float32)])
    parts = [head.predict_on_batch(padded[at : at + _CHUNK]) for at in range(0, len(padded), _CHUNK)]
    return np.asarray(np.concatenate(parts)[: len(vectors), 0], dtype=np.float64)
