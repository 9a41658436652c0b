"""The frame's head, fitted instead of trained by chance: logistic regressions on taps pooled over regions of the face.

Linear in the taps, so that a few thousand pictures and seconds settle it for good: a convex problem has one solution,
whatever the order of the pictures. What tells a forgery is mostly that regions do not fit each other (the face sharper or
smoother than what surrounds it), and differences between regions are linear in this description.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.metrics import area_under_curve

Floats = NDArray[np.float32]
PENALTIES = (0.3, 0.1, 0.03, 0.01)
"""Candidates for the weight of the squared norm; validation faces choose."""
REGIONS = CHANNELS = 5
"""One map, and one number of a frame's vector, for each region."""
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class LinearHead:
    """Standardised taps are weighed by `weights` float32 [regions, C]; `mean` and `spread` float32 [C]."""

    mean: Floats
    spread: Floats
    weights: Floats
    bias: float
    penalty: float

    def logits(self, pooled: Floats) -> NDArray[np.float64]:
        """Float64 [N] of pooled taps [N, regions, C]."""
        standard = (pooled - self.mean) / self.spread
        return np.asarray(np.einsum("nrc,rc->n", standard, self.weights) + self.bias, dtype=np.float64)


def region_masks(cells: int = 7) -> Floats:
    """Shares float32 [regions, cells, cells], each summing to 1: eyes and brows, cheeks and nose, mouth and chin, the
    edge of the face, what surrounds it. The crop is aligned, so regions are fixed.
    """
    at = (np.arange(cells) + 0.5) / cells
    x, y = np.meshgrid(at, at)
    radius = np.hypot((x - 0.5) / 0.36, (y - 0.54) / 0.46)
    inside, edge = radius < 0.8, (radius >= 0.8) & (radius < 1.12)  # noqa: PLR2004  # of the oval of the face
    regions = (inside & (y < 0.43), inside & (y >= 0.43) & (y < 0.64), inside & (y >= 0.64), edge, radius >= 1.12)  # noqa: PLR2004
    return np.asarray(np.stack([region / region.sum() for region in regions]), dtype=np.float32)


def pool(features: NDArray[np.float16]) -> Floats:
    """Taps [N, 7, 7, C] to their means by region: float32 [N, regions, C]."""
    masks = region_masks(features.shape[1]).reshape(-1, features.shape[1] * features.shape[2])
    flat = features.reshape(len(features), -1, features.shape[3])
    return np.asarray(np.stack([masks @ part.astype(np.float32) for part in flat]), dtype=np.float32)


def fit_head(
    train: Floats, fake: NDArray[np.bool_], weights: Floats, valid: Floats, valid_fake: NDArray[np.bool_]
) -> LinearHead:
    """Fit pooled taps [N, R, C] to `fake` bool [N]; the penalty is the one that ranks validation faces best.

    From the largest penalty to the smallest, each fit beginning where the one before it ended.
    """
    mean = train.mean(axis=(0, 1))
    spread = np.maximum(train.std(axis=(0, 1)), _LEAST_SPREAD)
    flat = ((train - mean) / spread).reshape(len(train), -1)
    heads, start = [], (np.zeros(flat.shape[1], np.float32), 0.0)
    for penalty in PENALTIES:
        start = fit_logistic(flat, fake, weights, penalty, start)
        heads.append(LinearHead(mean, spread, start[0].reshape(train.shape[1:]), start[1], penalty))
    return max(heads, key=lambda head: area_under_curve(head.logits(valid), valid_fake))


def fit_logistic(
    x: Floats, fake: NDArray[np.bool_], weights: Floats, penalty: float, start: tuple[Floats, float], rounds: int = 40
) -> tuple[Floats, float]:
    """Weights (D,) and bias of a logistic regression with squared penalty, by Nesterov's accelerated gradient (1983).

    `x` float32 [N, D] standardised; real and fake count the same in all.
    """
    signs = np.where(fake, 1.0, -1.0).astype(np.float32)
    shares = np.where(fake, weights / weights[fake].sum(), weights / weights[~fake].sum()).astype(np.float32) / 2
    step = np.float32(1.0 / (_largest_curvature(x, shares) / 4 + penalty))
    now = ahead = start[0]
    bias = bias_ahead = start[1]
    for index in range(rounds):
        slopes = -signs * shares / (1 + np.exp(signs * (x @ ahead + np.float32(bias_ahead))))
        after = ahead - step * (x.T @ slopes + np.float32(penalty) * ahead)
        bias_after = bias_ahead - float(step * slopes.sum())
        momentum = index / (index + 3)
        ahead, bias_ahead = after + np.float32(momentum) * (after - now), bias_after + momentum * (bias_after - bias)
        now, bias = after, bias_after
    return np.asarray(now, np.float32), float(bias)


def _largest_curvature(x: Floats, shares: Floats) -> float:
    """Largest eigenvalue of the weighted covariance of x and a constant, by power iteration."""
    rng = np.random.default_rng(0)
    vector, offset, size = rng.standard_normal(x.shape[1]).astype(np.float32), 1.0, 1.0
    for _ in range(6):
        weighed = shares * (x @ vector + np.float32(offset))
        vector, offset = x.T @ weighed, float(weighed.sum())
        size = float(np.sqrt(vector @ vector + offset**2))
        vector, offset = vector / np.float32(size), offset / size
    return size * 1.1


def save_head(path: Path, head: LinearHead) -> None:
    """Write to `path` (.npz), replacing it in one step."""
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **vars(head))
    partial.replace(path)


def load_head(path: Path) -> LinearHead:
    """The inverse of `save_head`."""
    with np.load(path) as stored:
        numbers = float(stored["bias"]), float(stored["penalty"])
        return LinearHead(stored["mean"], stored["spread"], stored["weights"], *numbers)
