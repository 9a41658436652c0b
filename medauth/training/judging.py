"""Figures about a classifier's outputs, each with the number of images and a 95 % interval.

What is fitted and measured here and by `medauth evaluate` alike stands in `medauth/evaluation`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.calibration import calibration_error, fit_temperature, reliability, softmax
from medauth.evaluation.metrics import Rate, wilson_rate

__all__ = [
    "Rate",
    "bootstrap_mean_recall",
    "calibration_error",
    "chosen_classes",
    "confusion_matrix",
    "fit_temperature",
    "reliability",
    "softmax",
    "wilson_rate",
]

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]


def chosen_classes(logits: Logits, allowed: int) -> Labels:
    """Index of the largest of the first `allowed` logits of each row."""
    return np.asarray(logits[:, :allowed].argmax(axis=1), dtype=np.int64)


def confusion_matrix(truth: Labels, chosen: Labels, classes: int) -> NDArray[np.int64]:
    """Counts int64 [C, C]: row = true class, column = chosen class."""
    return np.bincount(truth * classes + chosen, minlength=classes * classes).reshape(classes, classes)


def bootstrap_mean_recall(
    truth: Labels, chosen: Labels, *, rounds: int = 2000, seed: int = 0
) -> tuple[float, list[float]]:
    """Mean recall over the classes present, with a 95 % bootstrap interval over images (drawn within each class)."""
    rng = np.random.default_rng(seed)
    hits = [(chosen[truth == index] == index) for index in np.unique(truth)]
    drawn = [rng.binomial(len(hit), hit.mean(), rounds) / len(hit) for hit in hits]
    low, high = np.percentile(np.mean(drawn, axis=0), [2.5, 97.5])
    return float(np.mean([hit.mean() for hit in hits])), [round(float(low), 4), round(float(high), 4)]
