"""Probabilities that mean what they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.evaluation.calibration import binary_calibration_error, binary_reliability, fit_isotonic
from medauth.signals.calibration import Calibration, calibrated, deny_threshold


def drawn(count: int = 4_000, seed: int = 3) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores that are too sure: truth follows the square root of the odds they claim."""
    rng = np.random.default_rng(seed)
    raw = rng.uniform(0.01, 0.99, count)
    odds = np.sqrt(raw / (1 - raw))
    return raw, rng.random(count) < odds / (1 + odds)


def test_isotonic_knots_rise_and_mend_the_error_on_other_data() -> None:
    raw, truth = drawn()
    knots = fit_isotonic(raw, truth)
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in itertools.pairwise(knots))
    fresh, came = drawn(seed=4)
    mended = np.array(calibrated({"method": "isotonic", "knots": knots, "in_file": False}, list(fresh)))
    assert binary_calibration_error(mended, came) < 0.04 < binary_calibration_error(fresh, came)


def test_few_trials_claim_no_certainty() -> None:
    knots = fit_isotonic(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    assert all(0 < probability < 1 for _, probability in knots)


def test_temperature_halves_the_log_odds() -> None:
    stated = {"method": "temperature", "temperature": 2.0, "in_file": False}
    assert Calibration.of(stated).probability(0.9) == pytest.approx(0.75)


def test_a_file_that_calibrates_itself_is_left_alone() -> None:
    stated = {"method": "temperature", "temperature": 2.0, "in_file": True}
    assert Calibration.of(stated).probability(0.9) == 0.9
    assert Calibration.of({}).probability(0.3) == 0.3


def test_unknown_method_is_refused() -> None:
    with pytest.raises(ModelError, match="calibration by 'magic'"):
        Calibration.of({"method": "magic"})


def test_threshold_is_that_of_the_policy_and_else_of_standard() -> None:
    stated = {"standard": {"threshold": 0.7}, "strict": {"threshold": 0.5}}
    assert deny_threshold(stated, "strict") == 0.5
    assert deny_threshold(stated, "no-turn") == 0.7


def test_no_threshold_is_made_up() -> None:
    with pytest.raises(ModelError, match="without recorded operating points"):
        deny_threshold({})


def test_bins_count_every_score() -> None:
    raw, truth = drawn(500)
    assert sum(entry["n"] for entry in binary_reliability(raw, truth)) == 500
