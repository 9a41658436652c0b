"""Adversarial training: every picture that the net learns from is first bent against it as it stands.

One step from a random start (Wong, Rice & Kolter, "Fast is better than free", ICLR 2020), each picture within a bound of
its own, so that the net sees the clean face too and does not learn one strength by heart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.adversarial import Bend, bent, pgd
from medauth.training.augmentation import centre_crop
from medauth.training.batches import Batch
from medauth.training.loop import ImageLessons, evaluate, judge

Floats = NDArray[np.float32]
_JUDGED, _JUDGING_STEPS, _BATCH = 1024, 5, 64


@dataclass
class AdversarialLessons:
    """`Lessons` that bend the pictures of `plain` against the net that `meet` made known."""

    plain: ImageLessons
    epsilon: float
    """Grey levels: the bound of a picture is drawn evenly from 0 to this."""
    _net: Any = field(default=None, init=False)
    _slope: Any = field(default=None, init=False)

    def meet(self, net: Any) -> None:
        """Must be called with the net that learns before the first epoch."""
        self._net, self._slope = net, loss_slope(net)

    def count(self, epoch: int) -> int:
        """See `Lessons`."""
        return self.plain.count(epoch)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """See `Lessons`; not repeatable to the bit, since it depends on the net."""
        rng = np.random.default_rng((self.plain.plan.seed, 41, epoch))
        once = Bend(self.epsilon, step=1.25 * self.epsilon, random_start=True)
        for batch in self.plain.epoch(epoch):
            bounds = rng.uniform(0.0, self.epsilon, len(batch.images)).astype(np.float32)
            yield replace(batch, images=bent(batch.images, self._against(batch.targets), once, rng, epsilons=bounds))

    def judge(self, model: Any) -> dict[str, float]:
        """See `Lessons`; the score is the mean of the accuracies on clean pictures and on pictures bent by PGD."""
        clean = self.plain.judge(model)
        some = self.plain.valid.select(np.arange(len(self.plain.valid.images)) < _JUDGED)
        images, rng = centre_crop(some.images, self.plain.plan.batches.size_px), np.random.default_rng(0)
        moved = np.concatenate(
            [
                bent(
                    images[at : at + _BATCH],
                    self._against(some.soft[at : at + _BATCH]),
                    pgd(self.epsilon, _JUDGING_STEPS),
                    rng,
                )
                for at in range(0, len(images), _BATCH)
            ]
        )
        robust = judge(evaluate(model, moved), some)["accuracy"]
        return {**clean, "robust_accuracy": robust, "score": (clean["accuracy"] + robust) / 2}

    def _against(self, targets: Floats) -> Any:
        return lambda images: self._slope(images, targets).numpy()


def loss_slope(net: Any) -> Any:
    """A function of images float32 (n, h, w, c) and targets (n, classes): the gradient of their cross-entropy."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def slope(images: Any, targets: Any) -> Any:
        images = tf.convert_to_tensor(images)
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = tf.cast(net(images, training=False), tf.float32)
            loss = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
        return tf.cast(tape.gradient(loss, images), tf.float32)

    return slope
