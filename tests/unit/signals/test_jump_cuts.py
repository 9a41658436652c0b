"""Leaps between calm stretches are counted, quick people and lost frames are not."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.signals.jump_cuts import AROUND, RATIO, TREMOR, JumpCuts

EVERY_MS = 66.7
CALM = 0.004


def counted(lengths: list[float], *, times: list[float] | None = None, still: frozenset[int] = frozenset()) -> JumpCuts:
    found = JumpCuts()
    for index, length in enumerate(lengths):
        t_ms = index * EVERY_MS if times is None else times[index]
        found.add(t_ms, length, still=index in still)
    return found


def around(leap: float, *, before: float = CALM, after: float = CALM) -> list[float]:
    return [*[before] * 8, leap, *[after] * 8]


def test_a_leap_between_calm_stretches_counts_once() -> None:
    found = counted(around(0.06))
    assert (found.seen, found.hidden) == (1, 0)
    assert found.last_ms == pytest.approx(8 * EVERY_MS)
    assert found.greatest == pytest.approx(0.06 / (CALM + TREMOR))


def test_every_leap_counts() -> None:
    assert counted(around(0.06) * 4).seen == 4


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_head_in_motion_leaps_not(side: str) -> None:
    assert counted(around(0.06, **{side: 0.03})).seen == 0


def test_just_below_the_ratio_is_none() -> None:
    edge = RATIO * (CALM + TREMOR)
    assert counted(around(edge * 0.99)).seen == 0
    assert counted(around(edge * 1.01)).seen == 1


def test_tremor_is_no_leap() -> None:
    assert counted(around(0.8 * RATIO * TREMOR, before=0.0, after=0.0)).seen == 0


def test_a_gap_hides_a_leap() -> None:
    times = [index * EVERY_MS + (300 if index >= 8 else 0) for index in range(17)]
    found = counted(around(0.06), times=times)
    assert (found.seen, found.hidden) == (0, 1)


def test_a_frozen_picture_hides_a_leap() -> None:
    found = counted(around(0.06, before=0.0), still=frozenset({6, 7}))
    assert (found.seen, found.hidden) == (0, 1)


@pytest.mark.parametrize("lost", [0, 3, 8, 12])
def test_where_the_head_was_not_seen_nothing_is_claimed(lost: int) -> None:
    lengths = around(0.06)
    lengths[lost] = np.nan
    expected = 1 if abs(lost - 8) > AROUND else 0
    assert counted(lengths).seen == expected


def test_the_end_of_a_film_is_waited_for() -> None:
    assert counted([*[CALM] * 8, 0.06, *[CALM] * (AROUND - 1)]).seen == 0
