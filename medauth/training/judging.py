"""Figures about a classifier's outputs, each with the number of images and a 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Rate:
    """A share `hits` / `n` with its 95 % interval."""

    hits: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself; 0 when nothing was counted."""
        return self.hits / self.n if self.n else 0.0

    def as_json(self) -> dict[str, Any]:
        """Rounded for a manifest."""
        return {"value": round(self.value, 4), "hits": self.hits, "n": self.n, "interval95": self.interval()}

    def interval(self) -> list[float]:
        """Lower and upper end, rounded."""
        return [round(self.low, 4), round(self.high, 4)]

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n = {self.n})"


def wilson_rate(hits: int, n: int) -> Rate:
    """Share with Wilson's 95 % score interval, which stays honest for few images and for shares near 0 and 1."""
    if n == 0:
        return Rate(0, 0, 0.0, 1.0)
    z, share = 1.959964, hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return Rate(hits, n, max(0.0, middle - half), min(1.0, middle + half))


def softmax(logits: Logits, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities float64 [N, C] of logits [N, C] divided by `temperature`."""
    scaled = logits.astype(np.float64) / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def chosen_classes(logits: Logits, allowed: int) -> Labels:
    """Index of the largest of the first `allowed` logits of each row."""
    return np.asarray(logits[:, :allowed].argmax(axis=1), dtype=np.int64)


def confusion_matrix(truth: Labels, chosen: Labels, classes: int) -> NDArray[np.int64]:
    """Counts int64 [C, C]: row = true class, column = chosen class."""
    return np.bincount(truth * classes + chosen, minlength=classes * classes).reshape(classes, classes)


def calibration_error(probabilities: NDArray[np.float64], truth: Labels, bins: int = 15) -> float:
    """Expected calibration error of the top class over equal-width bins (Guo et al. 2017)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(float(right[place == b].mean() - confidence[place == b].mean())) for b in np.unique(place)]
    shares = [float((place == b).mean()) for b in np.unique(place)]
    return float(np.dot(gaps, shares))


def reliability(probabilities: NDArray[np.float64], truth: Labels, bins: int = 10) -> list[dict[str, float]]:
    """Mean confidence, accuracy and count of each bin that holds an image, for a reliability diagram."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(confidence[place == b].mean()),
            "accuracy": float(right[place == b].mean()),
            "n": float((place == b).sum()),
        }
        for b in np.unique(place)
    ]


def fit_temperature(logits: Logits, truth: Labels) -> float:
    """The temperature that makes `truth` likeliest, by golden-section search on its logarithm in [1/8, 8]."""
    low, high, ratio = -np.log(8.0), np.log(8.0), (np.sqrt(5.0) - 1) / 2
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if _surprise(logits, truth, left) < _surprise(logits, truth, right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def bootstrap_mean_recall(
    truth: Labels, chosen: Labels, *, rounds: int = 2000, seed: int = 0
) -> tuple[float, list[float]]:
    """Mean recall over the classes present, with a 95 % bootstrap interval over images (drawn within each class)."""
    rng = np.random.default_rng(seed)
    hits = [(chosen[truth == index] == index) for index in np.unique(truth)]
    drawn = [rng.binomial(len(hit), hit.mean(), rounds) / len(hit) for hit in hits]
    low, high = np.percentile(np.mean(drawn, axis=0), [2.5, 97.5])
    return float(np.mean([hit.mean() for hit in hits])), [round(float(low), 4), round(float(high), 4)]


def _surprise(logits: Logits, truth: Labels, log_temperature: float) -> float:
    chances = softmax(logits, float(np.exp(log_temperature)))
    return float(-np.log(np.maximum(chances[np.arange(len(truth)), truth], 1e-12)).mean())
