"""Leaps between calm stretches are counted, quick people and lost frames are not, whatever stands between hides none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.signals.jump_cuts import AROUND, FARTHEST, LOST_MS, RATIO, TREMOR, JumpCuts

EVERY_MS = 33.3
CALM = 0.004
Place = float | None
"""Where the head is, on a line; None where no face is seen."""


def between(one: float, other: float) -> float:
    return abs(one - other)


def counted(
    places: Sequence[Place], *, every_ms: float = EVERY_MS, times: list[float] | None = None, still: Sequence[int] = ()
) -> JumpCuts[float]:
    found: JumpCuts[float] = JumpCuts(between)
    for index, place in enumerate(places):
        found.add(index * every_ms if times is None else times[index], place, still=index in still)
    return found


def rest(at: float = 0.0, frames: int = 9) -> list[Place]:
    """A head that keeps still as people do."""
    return [at + CALM * (n % 2) for n in range(frames)]


def steps(*lengths: float) -> list[Place]:
    return [float(place) for place in np.cumsum([0.0, *lengths])]


def around(leap: float, *, before: float = CALM, after: float = CALM) -> list[Place]:
    return steps(*[before] * 8, leap, *[after] * 8)


def test_a_leap_between_calm_stretches_counts_once() -> None:
    found = counted(around(0.06))
    assert (len(found.seen_ms), len(found.hidden_ms)) == (1, 0)
    assert found.seen_ms == [pytest.approx(9 * EVERY_MS)]
    assert found.greatest == pytest.approx(0.06 / (CALM + TREMOR))


def test_every_leap_counts() -> None:
    assert len(counted([*rest(0), *rest(0.1), *rest(0.0), *rest(0.1), *rest(0.2)]).seen_ms) == 4


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_head_in_motion_leaps_not(side: str) -> None:
    assert len(counted(around(0.06, **{side: 0.03})).seen_ms) == 0


def test_just_below_the_ratio_is_none() -> None:
    edge = RATIO * (CALM + TREMOR)
    assert len(counted(around(edge * 0.99)).seen_ms) == 0
    assert len(counted(around(edge * 1.01)).seen_ms) == 1


def test_tremor_is_no_leap() -> None:
    assert len(counted(around(0.8 * RATIO * TREMOR, before=0.0, after=0.0)).seen_ms) == 0


def test_a_gap_hides_a_leap() -> None:
    times = [index * EVERY_MS + (300 if index >= 9 else 0) for index in range(18)]
    found = counted(around(0.06), times=times)
    assert (len(found.seen_ms), len(found.hidden_ms)) == (0, 1)


def test_a_frozen_picture_hides_a_leap() -> None:
    found = counted(around(0.06, before=0.0), still=[6, 7])
    assert (len(found.seen_ms), len(found.hidden_ms)) == (0, 1)


def test_the_end_of_a_film_is_waited_for() -> None:
    assert len(counted([*rest(), *rest(0.1, AROUND)]).seen_ms) == 0
    assert len(counted([*rest(), *rest(0.1, AROUND + 1)]).seen_ms) == 1


@pytest.mark.parametrize("lost", [1, 3, 8, 13])
def test_frames_without_a_face_hide_a_leap_and_do_not_undo_it(lost: int) -> None:
    found = counted([*rest(), *[None] * lost, *rest(0.1)])
    assert (len(found.seen_ms), len(found.hidden_ms)) == (0, 1)


@pytest.mark.parametrize("away", [-3, 3])
def test_a_frame_lost_beside_a_leap_leaves_it_seen(away: int) -> None:
    places = [*rest(), *rest(0.1)]
    places.insert(9 + away, None)
    assert len(counted(places).seen_ms) == 1


@pytest.mark.parametrize("lost", [1, 2, 3, 4, 10])
def test_the_longer_nobody_saw_the_farther_a_head_may_be(lost: int) -> None:
    edge = min(RATIO + lost, FARTHEST) * (CALM + TREMOR)
    assert len(counted([*rest(), *[None] * lost, *rest(0.9 * edge - CALM)]).hidden_ms) == 0
    assert len(counted([*rest(), *[None] * lost, *rest(1.1 * edge + CALM)]).hidden_ms) == 1


def test_after_half_a_second_without_a_face_it_begins_anew() -> None:
    lost = math.ceil(LOST_MS / EVERY_MS)
    found = counted([*rest(), *[None] * lost, *rest(0.5), *rest(0.6)])
    assert (len(found.seen_ms), len(found.hidden_ms)) == (1, 0)


@pytest.mark.parametrize("foreign", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("at", [-0.1, 0.05, 0.3])
def test_frames_of_somewhere_else_hide_no_leap(foreign: int, at: float) -> None:
    found = counted([*rest(), *[at] * foreign, *rest(0.1)])
    assert (len(found.seen_ms), len(found.hidden_ms)) == (0, 1)


@pytest.mark.parametrize("foreign", [1, 2, 5])
def test_a_picture_that_jolts_and_comes_back_is_no_leap(foreign: int) -> None:
    found = counted([*rest(), *[0.2] * foreign, *rest()])
    assert (len(found.seen_ms), len(found.hidden_ms)) == (0, 0)


def test_a_frame_that_cannot_be_measured_is_as_good_as_lost() -> None:
    found: JumpCuts[float] = JumpCuts(lambda one, other: math.nan if 9.0 in (one, other) else between(one, other))
    for index, place in enumerate([*rest(), 9.0, *rest(0.1)]):
        found.add(index * EVERY_MS, place, still=False)
    assert len(found.hidden_ms) == 1


@given(
    st.floats(0.02, 0.6),
    st.integers(6, 40),
    st.sampled_from([33.3, 66.7, 100.0]),
    st.floats(0.001, 0.006),
    st.integers(0, 1_000),
)
def test_a_head_that_turns_and_rests_leaps_not(
    reach: float, frames: int, every_ms: float, tremor: float, seed: int
) -> None:
    """Minimum jerk (T. Flash and N. Hogan 1985) over 200 ms and more at thirty frames a second, 600 at ten; the reach a
    head may have in that time, as fast as 4 distances between the eyes a second: 400 degrees.
    """
    reach = min(reach, 2.1 * frames * every_ms / 1_000)
    share = np.linspace(0, 1, frames + 1)
    turn = reach * (10 * share**3 - 15 * share**4 + 6 * share**5)
    random = np.random.default_rng(seed)
    course = np.concatenate([np.zeros(9), turn, np.full(9, reach)])
    places = course + random.uniform(-tremor / 2, tremor / 2, course.size)
    found = counted(places.tolist(), every_ms=every_ms)
    assert (len(found.seen_ms), len(found.hidden_ms)) == (0, 0)


@given(st.lists(st.integers(0, 59), max_size=20), st.integers(0, 1_000))
def test_faces_lost_now_and_then_make_no_leap(lost: list[int], seed: int) -> None:
    """A person who moves without haste, and frames in which the face was missed."""
    random = np.random.default_rng(seed)
    places: list[Place] = (0.1 * np.sin(np.arange(60) / 8 + seed) + random.uniform(-0.001, 0.001, 60)).tolist()
    for index in lost:
        places[index] = None
    found = counted(places)
    assert (len(found.seen_ms), len(found.hidden_ms)) == (0, 0)
