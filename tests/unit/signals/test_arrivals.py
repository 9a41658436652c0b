"""When frames came: possible, impossible, too even."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.arrivals import Arrivals

Numbers = NDArray[Any]


def arrived(times_ms) -> Arrivals:
    arrivals = Arrivals()
    for t_ms in times_ms:
        arrivals.add(float(t_ms))
    return arrivals


def network(seed: int, count: int = 300, every_ms: float = 33.3) -> Numbers:
    """Jitter of 3 ms, and now and then several frames at once after a gap."""
    random = np.random.default_rng(seed)
    late = np.where(random.random(count) < 0.02, random.uniform(100, 900, count), np.abs(random.normal(0, 3, count)))
    times = np.maximum.accumulate(np.arange(count) * every_ms + late)
    return np.asarray(times + np.arange(count) * 0.01)


@pytest.mark.parametrize("every_ms", [16.7, 33.3, 66.7, 100.0])
def test_cameras_behind_a_network_are_possible_and_uneven(every_ms):
    arrivals = arrived(network(1, every_ms=every_ms))
    assert arrivals.impossible() == ""
    assert not arrivals.constant


@pytest.mark.parametrize(
    ("times", "name"),
    [
        ([*np.arange(20) * 33.0, 500.0], "backwards"),
        (np.repeat(np.arange(40), 2) * 66.0, "standing_still"),
        (np.arange(60) * 0.001, "too_fast"),
    ],
)
def test_each_impossible_clock_has_its_name(times, name):
    assert arrived(times).impossible() == name


@pytest.mark.parametrize("seed", range(8))
def test_what_a_network_held_up_comes_at_once_and_is_no_clock(seed: int) -> None:
    arrivals = arrived(network(seed, every_ms=16.7))
    assert not arrivals.constant
    assert not arrivals.hurried


@pytest.mark.parametrize("stall_ms", [33.3, 2_000.0])
def test_many_frames_at_once_are_a_program_s_unless_they_were_held_up(stall_ms: float) -> None:
    before = np.arange(120) * 33.3 + np.random.default_rng(5).normal(0, 3, 120)
    burst = before[-1] + stall_ms + np.arange(60) * 0.4
    after = burst[-1] + 33.3 + network(6, count=120)
    assert arrived([*before, *burst, *after]).hurried == (stall_ms < 500)
    assert not arrived([*before, *burst[:20], *after]).hurried, "twenty at once are a hiccup"
    assert not arrived([*(burst - burst[0]), *after]).hurried, "a check may begin with what waited"


def test_a_program_that_takes_over_in_the_middle_is_no_less_even() -> None:
    honest = network(3, count=200)
    counted = honest[-1] + 40.0 + np.arange(80) * 100 / 3
    again = counted[-1] + 40.0 + network(4, count=200)
    assert arrived([*honest, *counted]).constant
    assert arrived([*honest, *counted, *again]).constant
    assert not arrived([*honest, *counted[:30], *again]).constant, "thirty intervals are no clock"


def test_a_burst_is_neither_too_fast_nor_standing_still():
    burst = np.concatenate([np.arange(100) * 33.0, 4_000 + np.repeat(np.arange(5), 2), 4_030 + np.arange(100) * 33.0])
    assert arrived(burst).impossible() == ""


def test_a_program_counts_more_evenly_than_a_camera():
    even = np.arange(200) * 100 / 3
    assert arrived(even).constant
    assert not arrived(even[:36]).constant, "36 frames have 35 intervals"
    assert not arrived(even + np.random.default_rng(2).normal(0, 0.1, 200)).constant


def test_figures_are_whole_microseconds():
    figures = arrived([0.0, 33.0, 66.5, 100.0]).figures()
    assert figures == {"interval_us": 33_500, "jitter_us": 0, "longest_us": 33_500, "steady_ppm": 666_667}
    assert arrived([5.0]).figures() == {}
