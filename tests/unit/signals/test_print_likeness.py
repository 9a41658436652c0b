"""Two films are compared by what could not be foreseen: on numbers that are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.check_print import AREAS, HZ, WINDOW, Series
from medauth.signals.print_likeness import Pair

pytestmark = pytest.mark.simulated

LENGTH = 10 * HZ


def drawn(seed: int, length: int = LENGTH) -> Series:
    """Sixteen areas that move, each a little as its neighbours do."""
    steps = np.random.default_rng(seed).normal(0, 1, (length, AREAS))
    mixed = steps @ (np.eye(AREAS) + 0.4 * np.eye(AREAS, k=1))
    return np.asarray(0.001 * mixed, np.float32)


def rhythm(strength: float, phase: float) -> NDArray[np.float64]:
    """Bands that roll over the areas."""
    places, times = np.arange(AREAS), np.arange(LENGTH)[:, None]
    return np.asarray(strength * np.sin(0.71 * times + 0.9 * places + phase))


def alike(pair: Pair, lag: int) -> NDArray[np.float64]:
    return np.asarray(pair.at(range(lag, lag + 1)).alike[0])


def likest(pair: Pair) -> float:
    return float(pair.at(range(-30, 31)).alike.max())


def test_a_film_is_like_itself_at_its_lag_alone() -> None:
    film = drawn(1)
    pair = Pair(film[20:], film)
    assert alike(pair, -20).min() > 0.97
    assert all(float(alike(pair, lag).max()) < 0.3 for lag in (-30, -25, -15, 0, 20))


def test_where_stretches_begin_is_told() -> None:
    pair = Pair(drawn(1), drawn(2))
    assert (pair.at(range(7, 8)).first, len(alike(pair, 7))) == (7, LENGTH - 7 - WINDOW + 1)
    assert (pair.at(range(-7, -6)).first, len(alike(pair, -7))) == (0, LENGTH - 7 - WINDOW + 1)


@pytest.mark.parametrize(("ours", "theirs"), [(LENGTH, LENGTH), (LENGTH, WINDOW), (WINDOW, LENGTH)])
def test_lags_together_are_as_each_alone(ours: int, theirs: int) -> None:
    pair = Pair(drawn(1, ours), drawn(1, theirs))
    lags = range(-LENGTH - 3, LENGTH + 4)
    together = pair.at(lags)
    for row, lag in zip(together.alike, lags, strict=True):
        alone = pair.at(range(lag, lag + 1))
        has = np.flatnonzero(row > -np.inf)
        assert len(has) == alone.alike.size
        if has.size:
            assert has[0] + together.first == alone.first
            np.testing.assert_allclose(row[has], alone.alike[0], atol=1e-9)


def test_contrast_and_one_glow_change_nothing() -> None:
    film, glow = drawn(1), np.linspace(0.2, 1, AREAS)
    levels = np.repeat(np.random.default_rng(3).normal(0, 0.02, 20), 8)[:LENGTH, None]
    assert alike(Pair((3 * film + levels * glow).astype(np.float32), film), 0).mean() > 0.7
    other = drawn(2) + levels * glow
    assert likest(Pair((film + levels * glow).astype(np.float32), other.astype(np.float32))) < 0.33


@pytest.mark.parametrize("strength", [0.003, 0.03])
def test_one_rhythm_makes_no_two_films_alike_and_hides_none(strength: float) -> None:
    one, other = drawn(1), drawn(2)
    both = (one + rhythm(strength, 0.0)).astype(np.float32), (other + rhythm(strength, 2.0)).astype(np.float32)
    assert likest(Pair(*both)) < 0.33
    assert alike(Pair(both[0], one), 0).mean() > 0.5


def test_one_loud_moment_in_both_decides_nothing() -> None:
    one, other = drawn(1), drawn(2)
    one[70], other[70] = (np.linspace(-1, 1, AREAS) ** 3, np.linspace(-1, 1, AREAS) ** 3)
    assert likest(Pair(one, other)) < 0.33


@pytest.mark.parametrize("length", [0, 1, 3, WINDOW - 1])
def test_a_film_too_short_for_a_stretch_is_like_nothing(length: int) -> None:
    for pair in (Pair(drawn(1, length), drawn(1)), Pair(drawn(1), drawn(1, length))):
        assert pair.at(range(-5, 6)).alike.size == 0


def test_where_nothing_moves_nothing_is_alike() -> None:
    still = np.zeros((LENGTH, AREAS), np.float32)
    for pair in (Pair(still, still), Pair(still, drawn(1)), Pair(drawn(1), still)):
        assert np.abs(alike(pair, 0)).max() == 0.0
