"""Figures of an embedding: are these two pictures of one person?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def likeness(vectors: NDArray[np.float32], person: NDArray[np.int64]) -> tuple[Scores, Scores]:
    """Cosines of all pairs of vectors (length 1): those of one person, those of two."""
    cosines = (vectors @ vectors.T).astype(np.float64)
    same = person[:, None] == person[None, :]
    above = np.triu(np.ones_like(same), 1)
    return cosines[same & above], cosines[~same & above]


def area_between(same: Scores, other: Scores) -> float:
    """Chance that a pair of one person is more alike than a pair of two; ties count half (Mann-Whitney)."""
    ordered = np.sort(other)
    below = np.searchsorted(ordered, same, "left")
    up_to = np.searchsorted(ordered, same, "right")
    return float((below + up_to).mean() / (2 * len(ordered)))


def best_threshold(scores: Scores, same: NDArray[np.bool_]) -> float:
    """The threshold with the most right answers: `same` where a score is at or above it."""
    order = np.argsort(scores)
    ordered, truth = scores[order], same[order]
    # With the threshold before the k-th score: those below are called different, the rest the same.
    right = np.concatenate([[0], np.cumsum(~truth)]) + np.concatenate([np.cumsum(truth[::-1])[::-1], [0]])
    at = int(right.argmax())
    edges = np.concatenate([[ordered[0] - 1e-6], (ordered[1:] + ordered[:-1]) / 2, [ordered[-1] + 1e-6]])
    return float(edges[at])


def threshold_at(other: Scores, false_match: float) -> float:
    """The threshold that lets through a share `false_match` of pairs of two persons."""
    return float(np.quantile(other, 1.0 - false_match))


def accuracy(scores: Scores, same: NDArray[np.bool_], threshold: float) -> float:
    """Share of right answers."""
    return float(((scores >= threshold) == same).mean())


def equal_error_rate(scores: Scores, same: NDArray[np.bool_]) -> tuple[float, float]:
    """Rate at which both errors are alike, and its threshold."""
    edges = np.unique(scores)
    missed = np.searchsorted(np.sort(scores[same]), edges, "left") / same.sum()
    passed = 1.0 - np.searchsorted(np.sort(scores[~same]), edges, "left") / (~same).sum()
    at = int(np.abs(missed - passed).argmin())
    return float((missed[at] + passed[at]) / 2), float(edges[at])


def fold_accuracies(scores: Scores, same: NDArray[np.bool_], folds: NDArray[np.int64]) -> list[float]:
    """Accuracy on each fold with the threshold of the others (the protocol of LFW, Huang et al. 2007)."""
    return [
        accuracy(scores[folds == fold], same[folds == fold], best_threshold(scores[folds != fold], same[folds != fold]))
        for fold in np.unique(folds)
    ]


def pair_scores(vectors: dict[str, NDArray[np.float32]], pairs: Sequence[tuple[int, bool, str, str]]) -> Scores:
    """Cosine of each pair; vectors of length 1 by path."""
    return np.array([float(vectors[a] @ vectors[b]) for _, _, a, b in pairs])
