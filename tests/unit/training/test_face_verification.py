"""Figures of pairs, on scores whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.training.verification import (
    accuracy,
    area_between,
    best_threshold,
    equal_error_rate,
    fold_accuracies,
    likeness,
    pair_scores,
    threshold_at,
)

SAME = np.array([True, True, True, False, False, False])


def test_likeness_counts_every_pair_once():
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    same, other = likeness(vectors, np.array([0, 0, 1]))
    assert same == pytest.approx([0.6])
    assert sorted(other) == pytest.approx([0.0, 0.8])


def test_the_area_counts_ties_half():
    assert area_between(np.array([0.9, 0.8]), np.array([0.1])) == 1.0
    assert area_between(np.array([0.5]), np.array([0.5])) == 0.5
    assert area_between(np.array([0.1]), np.array([0.5, 0.9])) == 0.0


def test_the_best_threshold_has_the_most_right_answers():
    scores = np.array([0.9, 0.8, 0.3, 0.4, 0.2, 0.1])
    threshold = best_threshold(scores, SAME)
    assert 0.4 < threshold < 0.8 or 0.2 < threshold < 0.3
    assert accuracy(scores, SAME, threshold) == pytest.approx(5 / 6)


def test_all_of_one_kind_still_gives_a_threshold():
    scores = np.array([0.2, 0.4])
    assert accuracy(scores, np.array([True, True]), best_threshold(scores, np.array([True, True]))) == 1.0
    assert accuracy(scores, np.array([False, False]), best_threshold(scores, np.array([False, False]))) == 1.0


def test_equal_error_rate_and_false_matches():
    scores = np.array([0.9, 0.8, 0.3, 0.4, 0.2, 0.1])
    assert equal_error_rate(scores, SAME)[0] == pytest.approx(1 / 3)
    others = np.linspace(0, 1, 101)
    assert (others > threshold_at(others, 0.1)).mean() == pytest.approx(0.1, abs=0.01)


def test_a_fold_is_judged_by_the_threshold_of_the_others():
    scores = np.array([0.9, 0.1, 0.6, 0.5])
    same = np.array([True, False, True, False])
    folds = np.array([0, 0, 1, 1])
    assert fold_accuracies(scores, same, folds) == [1.0, 0.5]


def test_pairs_are_scored_by_path():
    vectors = {"a": np.array([1, 0], np.float32), "b": np.array([0.6, 0.8], np.float32)}
    assert pair_scores(vectors, [(0, True, "a", "b")]) == pytest.approx([0.6])
