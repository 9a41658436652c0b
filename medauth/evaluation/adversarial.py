"""Pictures bent by a hair so that a model misreads them: one step and many along the gradient of its own error.

FGSM: Goodfellow, Shlens & Szegedy, "Explaining and Harnessing Adversarial Examples", ICLR 2015. PGD: Madry et al.,
"Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018. Both know the model they attack (white box)
and may move every value of the input by at most `epsilon`. Where gradients come from is the caller's business, so that
nothing here needs a learning library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Gradient = Callable[[Floats], Floats]
"""By how much each value of an input (n, ...) raises the loss of its row, same shape; larger is worse for the model."""

LEVELS = (0.0, 255.0)
"""Of a grey level or a colour."""


@dataclass(frozen=True, slots=True)
class Bend:
    """How far and how often. `epsilon` in units of the input, grey levels for a picture."""

    epsilon: float
    steps: int = 1
    step: float = 0.0
    """Length of one step; 0 = `epsilon` for one step, 2.5 epsilon / steps for many (Madry's)."""
    random_start: bool = False
    """Start anywhere within epsilon: with one step of 1.25 epsilon this is what Wong, Rice & Kolter (2020) train on."""

    @property
    def length(self) -> float:
        """Of one step."""
        return self.step or (self.epsilon if self.steps == 1 else 2.5 * self.epsilon / self.steps)


def fgsm(epsilon: float) -> Bend:
    """One step to the edge of what is allowed."""
    return Bend(epsilon)


def pgd(epsilon: float, steps: int = 20) -> Bend:
    """Many small steps from a random start."""
    return Bend(epsilon, steps, random_start=True)


def bent(
    images: Floats,
    gradient: Gradient,
    bend: Bend,
    rng: np.random.Generator,
    *,
    limits: tuple[float, float] = LEVELS,
    epsilons: Floats | None = None,
) -> Floats:
    """`images` float32 (n, ...), each value moved by at most epsilon within `limits`, up the gradient.

    `epsilons` (n,) may give each image its own bound, in the place of the bend's; steps shrink in proportion.
    """
    share = np.ones(len(images), np.float32) if epsilons is None else epsilons / np.float32(max(bend.epsilon, 1e-9))
    share = share.reshape(-1, *[1] * (images.ndim - 1)).astype(np.float32)
    bound = np.float32(bend.epsilon) * share
    moved = images.astype(np.float32)
    if bend.random_start:
        moved = np.clip(moved + rng.uniform(-1, 1, images.shape).astype(np.float32) * bound, *limits)
    for _ in range(bend.steps):
        moved = moved + np.float32(bend.length) * share * np.sign(gradient(moved))
        moved = np.clip(np.clip(moved, images - bound, images + bound), *limits)
    return np.asarray(moved, np.float32)
