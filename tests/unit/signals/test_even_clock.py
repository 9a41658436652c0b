"""How evenly times follow each other: what is a program's count, and what a clock that is read coarsely."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.signals.even_clock import is_constant, steady_share, stretches


def a_camera(count: int, jitter_ms: float = 0.5) -> list[float]:
    return list(33.3 + np.random.default_rng(1).normal(0, jitter_ms, count))


def test_stretches_cover_all_intervals() -> None:
    found = stretches(list(range(70)), 60)
    assert found[0, 0] == 0
    assert found[-1, -1] == 69
    assert stretches([1.0] * 59, 60).shape == (0, 60)


def test_an_even_stretch_between_uneven_ones_is_a_programs() -> None:
    steps = [*a_camera(150), *([100 / 3] * 61), *a_camera(150)]
    assert steady_share(steps) < 0.5
    assert is_constant(steps)
    assert not is_constant(a_camera(400))
    assert not is_constant([100 / 3] * 35)


@pytest.mark.parametrize("step_ms", [40.0, 66.7])
def test_a_stretch_on_the_grid_of_a_coarse_clock_says_nothing(step_ms: float) -> None:
    steps = [*a_camera(150), *([step_ms] * 64), *a_camera(150)]
    assert is_constant(steps)
    assert not is_constant(steps, finest_ms=0.1)
    assert is_constant([step_ms] * 64, finest_ms=0.1), "the whole of it is"
