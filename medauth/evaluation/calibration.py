"""Scores become probabilities: temperature or isotonic, fitted on validation data; and how well that worked.

Temperature and expected calibration error: Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017). Isotonic
regression by pooling adjacent violators: Ayer et al. (1955); Zadrozny & Elkan (KDD 2002).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]
_MOST_KNOTS = 24


def softmax(logits: Logits, temperature: float = 1.0) -> Probabilities:
    """Probabilities float64 [N, C] of logits [N, C] divided by `temperature`."""
    scaled = logits.astype(np.float64) / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


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


def fit_isotonic(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> list[list[float]]:
    """Knots [raw, probability], both ascending: the rising step function nearest to `truth`, thinned out.

    Each kind is given one half of an extra trial, so that no score claims certainty from few trials.
    """
    order = np.argsort(scores, kind="stable")
    values, hits = scores[order], truth[order].astype(np.float64)
    blocks: list[list[float]] = []  # sum of scores, sum of hits, count
    for value, hit in zip(values, hits, strict=True):
        blocks.append([value, hit, 1.0])
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    knots = [[total / count, (right + 0.5) / (count + 1.0)] for total, right, count in blocks]
    rising = np.maximum.accumulate([y for _, y in knots])
    chosen = np.unique(np.linspace(0, len(knots) - 1, min(_MOST_KNOTS, len(knots))).round().astype(int))
    return [[round(knots[at][0], 6), round(float(rising[at]), 6)] for at in chosen]


def calibration_error(probabilities: Probabilities, truth: Labels, bins: int = 15) -> float:
    """Expected calibration error of the top class over equal-width bins."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(float(right[place == b].mean() - confidence[place == b].mean())) for b in np.unique(place)]
    shares = [float((place == b).mean()) for b in np.unique(place)]
    return float(np.dot(gaps, shares))


def reliability(probabilities: Probabilities, truth: Labels, bins: int = 10) -> list[dict[str, float]]:
    """Mean confidence, accuracy and count of each bin that holds an image, for a reliability diagram."""
    return _bins(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth, bins)


def binary_reliability(
    probability: NDArray[np.float64], attack: NDArray[np.bool_], bins: int = 10
) -> list[dict[str, float]]:
    """The same for the probability of one thing: how often it was there where it was said to be so likely."""
    return _bins(probability, attack, bins)


def binary_calibration_error(probability: NDArray[np.float64], attack: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error of the probability of one thing."""
    found = _bins(probability, attack, bins)
    return float(sum(b["n"] * abs(b["accuracy"] - b["confidence"]) for b in found) / max(1, len(probability)))


def _bins(said: NDArray[np.float64], came: NDArray[np.bool_], bins: int) -> list[dict[str, Any]]:
    place = np.minimum((said * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(said[place == b].mean()),
            "accuracy": float(came[place == b].mean()),
            "n": float((place == b).sum()),
        }
        for b in np.unique(place)
    ]


def _surprise(logits: Logits, truth: Labels, log_temperature: float) -> float:
    chances = softmax(logits, float(np.exp(log_temperature)))
    return float(-np.log(np.maximum(chances[np.arange(len(truth)), truth], 1e-12)).mean())
