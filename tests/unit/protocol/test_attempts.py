"""How long someone who keeps failing must wait (T6)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medauth.protocol.attempts import DAY_MS, wait_ms

TIMES = st.lists(st.integers(0, 3 * DAY_MS), max_size=30).map(sorted)


def test_four_failures_cost_nothing() -> None:
    assert wait_ms([], 0) == 0
    assert wait_ms([1, 2, 3, 4], 5) == 0


def test_the_fifth_failure_brings_thirty_seconds() -> None:
    assert wait_ms([0] * 5, 0) == 30_000
    assert wait_ms([0] * 5, 29_999) == 1
    assert wait_ms([0] * 5, 30_000) == 0


def test_each_further_failure_doubles_the_delay() -> None:
    waits = [wait_ms([0] * count, 0) for count in range(5, 17)]
    assert waits == [30_000 << doubling for doubling in range(12)]


def test_the_delay_runs_from_the_last_failure() -> None:
    assert wait_ms([0, 0, 0, 0, 1_000_000], 1_000_000) == 30_000


def test_after_twenty_failures_nothing_goes_until_the_oldest_is_a_day_old() -> None:
    apart = [n * 4_000_000 for n in range(20)]
    assert wait_ms(apart, apart[-1]) > DAY_MS - apart[-1] - 1
    assert wait_ms([0] * 20, 5) == DAY_MS - 5


def test_a_failure_a_day_old_is_forgotten() -> None:
    assert wait_ms([0] * 5, DAY_MS) == 0
    assert wait_ms([0, 1_000, 1_000, 1_000, 1_000], DAY_MS) == 0


@given(TIMES, st.integers(0, 4 * DAY_MS))
def test_the_wait_is_over_when_it_says_and_not_a_moment_before(failures: list[int], later_ms: int) -> None:
    now = (failures[-1] if failures else 0) + later_ms % DAY_MS
    wait = wait_ms(failures, now)
    assert 0 <= wait <= DAY_MS
    assert wait_ms(failures, now + wait) == 0
    for before in {0, wait // 2, wait - 1} if wait else ():
        assert wait_ms(failures, now + before) == wait - before


@given(TIMES, st.integers(0, DAY_MS))
def test_failing_again_never_shortens_the_wait(failures: list[int], later_ms: int) -> None:
    now = (failures[-1] if failures else 0) + later_ms
    assert wait_ms([*failures, now], now) >= wait_ms(failures, now)
