from __future__ import annotations

import pytest

from medauth.training.schedule import cosine_rate, plateau_rate, should_stop


def rate(step: int) -> float:
    return cosine_rate(step, total_steps=100, warmup_steps=10, peak=0.2)


def test_the_rate_warms_up_then_falls_to_its_floor():
    assert rate(0) == pytest.approx(0.02)
    assert rate(9) == pytest.approx(0.2)
    assert rate(55) == pytest.approx(0.2 * (0.01 + 0.99 * 0.5))
    assert rate(100) == pytest.approx(0.002)
    assert rate(500) == pytest.approx(0.002)


def test_the_rate_never_rises_after_the_warm_up():
    rates = [rate(step) for step in range(10, 101)]
    assert rates == sorted(rates, reverse=True)


def test_a_plateau_halves_the_rate_once_for_each_wait():
    assert plateau_rate([], peak=1.0, patience=2) == 1.0
    assert plateau_rate([0.5, 0.6, 0.6], peak=1.0, patience=2) == 1.0
    assert plateau_rate([0.5, 0.6, 0.6, 0.5], peak=1.0, patience=2) == 0.5
    assert plateau_rate([0.6, 0.5, 0.5, 0.5, 0.5], peak=1.0, patience=2) == 0.25
    assert plateau_rate([0.6, 0.5, 0.5, 0.7, 0.5], peak=1.0, patience=2) == 0.5
    assert plateau_rate([0.6, 0.5, 0.5], peak=1.0, patience=2, factor=0.1) == pytest.approx(0.1)


def test_training_stops_when_the_best_score_has_stood_too_long():
    assert not should_stop([], patience=2)
    assert not should_stop([0.5, 0.4], patience=2)
    assert should_stop([0.5, 0.4, 0.4], patience=2)
    assert not should_stop([0.5, 0.4, 0.6], patience=2)
    assert not should_stop([0.5] * 50, patience=0)
