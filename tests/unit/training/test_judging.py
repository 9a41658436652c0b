from __future__ import annotations

import numpy as np
import pytest

from medauth.training.judging import (
    bootstrap_mean_recall,
    calibration_error,
    chosen_classes,
    confusion_matrix,
    fit_temperature,
    reliability,
    softmax,
    wilson_rate,
)

pytestmark = pytest.mark.simulated


def test_wilsons_interval_matches_a_textbook_value():
    rate = wilson_rate(8, 10)
    assert (rate.low, rate.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert rate.as_json() == {"value": 0.8, "hits": 8, "n": 10, "interval95": [0.4902, 0.9433]}
    assert str(rate) == "0.800 [0.490, 0.943] (n = 10)"


def test_nothing_counted_says_nothing():
    rate = wilson_rate(0, 0)
    assert (rate.value, rate.low, rate.high) == (0.0, 0.0, 1.0)


def test_only_allowed_classes_are_chosen():
    logits = np.array([[0.0, 1.0, 9.0]], np.float32)
    assert chosen_classes(logits, 3).tolist() == [2]
    assert chosen_classes(logits, 2).tolist() == [1]


def test_rows_of_the_confusion_are_the_truth():
    matrix = confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_calibration_error_of_overconfidence():
    probabilities = np.tile([0.9, 0.1], (10, 1))
    truth = np.array([0] * 5 + [1] * 5)
    assert calibration_error(probabilities, truth) == pytest.approx(0.4)
    assert reliability(probabilities, truth) == [{"confidence": pytest.approx(0.9), "accuracy": 0.5, "n": 10.0}]


def test_the_temperature_that_made_the_labels_is_found():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (20_000, 4)).astype(np.float32)
    truth = np.array([rng.choice(4, p=row) for row in softmax(logits, 2.0)])
    assert fit_temperature(logits, truth) == pytest.approx(2.0, rel=0.05)


def test_temperature_flattens():
    logits = np.array([[3.0, 0.0]], np.float32)
    assert softmax(logits, 2.0)[0, 0] < softmax(logits)[0, 0]
    assert softmax(logits, 2.0).sum() == pytest.approx(1.0)


def test_mean_recall_counts_every_class_alike():
    truth = np.array([0] * 90 + [1] * 10)
    value, (low, high) = bootstrap_mean_recall(truth, np.zeros(100, np.int64))
    assert value == 0.5
    assert low == high == 0.5
    value, (low, high) = bootstrap_mean_recall(truth, np.where(np.arange(100) % 2, truth, 0))
    assert low < value < high
