"""What the loop trains the frame net on: shards of real and forged faces by turns, and its loss on such pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.metrics import area_under_curve
from medauth.training.batches import Batch
from medauth.training.forged_samples import CELLS, KINDS, Samples
from medauth.training.frame_exam import Exam

_EDGES = CELLS * CELLS


@dataclass(frozen=True)
class FrameLessons:
    """`Lessons` of the loop over shards; `shard` gives one by its number, made when it is first asked for."""

    shard: Callable[[int], Samples]
    shards: int
    each_epoch: int
    exam: Exam
    seed: int
    batch: int = 32

    def count(self, epoch: int) -> int:  # noqa: ARG002  # as the port has it
        """See `Lessons`; every epoch has as many."""
        return self.each_epoch * (len(self.shard(0).kinds) // self.batch)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """See `Lessons`."""
        rng = np.random.default_rng((self.seed, 8, epoch))
        for index in range(epoch * self.each_epoch, (epoch + 1) * self.each_epoch):
            yield from self._batches(self.shard(index % self.shards), rng)

    def judge(self, model: Any) -> dict[str, float]:
        """See `Lessons`; the score is the mean of the areas under the curve of the exam's sets and kinds."""
        found = exam_areas(frame_logits(model, self.exam.images), self.exam)
        return {"score": float(np.mean(list(found.values()))), **found}

    def _batches(self, samples: Samples, rng: np.random.Generator) -> Iterator[Batch]:
        """Pairs in another order, mirrored or not, both of a pair alike."""
        pairs = rng.permutation(len(samples.kinds) // 2)
        targets = pair_targets(samples)
        for at in range(0, len(pairs) // (self.batch // 2) * (self.batch // 2), self.batch // 2):
            rows = np.stack([2 * pairs[at : at + self.batch // 2], 2 * pairs[at : at + self.batch // 2] + 1], 1).ravel()
            images, wanted = samples.images[rows].astype(np.float32), targets[rows].copy()
            mirrored = np.repeat(rng.random(self.batch // 2) < 0.5, 2)  # noqa: PLR2004
            images[mirrored] = images[mirrored, :, ::-1]
            edges = wanted[:, 1:].reshape(-1, CELLS, CELLS)
            edges[mirrored] = edges[mirrored, :, ::-1]
            yield Batch(images, wanted, samples.weights[rows])


def exam_areas(logits: NDArray[np.float64], exam: Exam) -> dict[str, float]:
    """Area under the curve of each kind of forgery against the real faces of its set."""
    found = {}
    for source in np.unique(exam.sources):
        for code, kind in enumerate(KINDS[1:], start=1):
            keep = (exam.sources == source) & np.isin(exam.kinds, (0, code))
            if (exam.kinds[keep] == code).any():
                found[kind] = area_under_curve(logits[keep], exam.kinds[keep] > 0)
    return found


def pair_targets(samples: Samples) -> NDArray[np.float32]:
    """What `PairLoss` compares with: float32 [N, 1 + 81], whether forged, then the edges."""
    fake = samples.fake.astype(np.float32)[:, None]
    return np.concatenate([fake, samples.edges.reshape(len(fake), _EDGES)], axis=1)


@keras.saving.register_keras_serializable(package="medauth")
class PairLoss(keras.losses.Loss):  # type: ignore[misc]  # keras ships no types
    """Cross-entropy of each picture, of the order within a pair, and of the edges of what was pasted where they are known.

    Targets as `pair_targets` has them; answers float32 [N, 1 + 81] are logits in the same order; pictures come as pairs,
    the real one first. The order within a pair compares a face with itself, so that persons and cameras cancel out.
    """

    def __init__(self, order: float = 0.5, edges: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order, self.edges = order, edges

    def call(self, wanted: Any, found: Any) -> Any:
        """One loss for each picture, [N]."""
        ops = keras.ops
        wanted, found = ops.cast(wanted, "float32"), ops.cast(found, "float32")
        single = ops.softplus(found[:, 0]) - wanted[:, 0] * found[:, 0]
        twos = ops.reshape(found[:, 0], (-1, 2))
        order = ops.repeat(ops.softplus(twos[:, 0] - twos[:, 1]), 2)
        known = ops.cast(wanted[:, 1:] >= 0, "float32")
        cells = ops.softplus(found[:, 1:]) - ops.maximum(wanted[:, 1:], 0.0) * found[:, 1:]
        return single + self.order * order + self.edges * ops.mean(cells * known, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build the loss again."""
        return {**super().get_config(), "order": self.order, "edges": self.edges}


def frame_logits(model: Any, images: NDArray[np.uint8], chunk: int = 64) -> NDArray[np.float64]:
    """Logits of a fake float64 [N] of crops, in batches of one size (oneDNN is unsafe with odd ones)."""
    parts = []
    for at in range(0, len(images), chunk):
        part = images[at : at + chunk].astype(np.float32)
        padded = np.concatenate([part, np.zeros((chunk - len(part), *part.shape[1:]), np.float32)])
        parts.append(model.predict_on_batch(padded)[: len(part), 0])
    return np.asarray(np.concatenate(parts), dtype=np.float64)
