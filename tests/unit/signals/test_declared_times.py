"""What a client may claim of its frames' times, and what it gets for claims that cannot be true."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.signals.declared_times import DeclaredTimes

Times = Sequence[float]
COUNT = 200


def camera(seed: int = 0, fps: float = 30.0) -> list[float]:
    """When a camera takes frames: nearly even."""
    random = np.random.default_rng(seed)
    return list(5_000_000.0 + np.cumsum(1_000 / fps + random.normal(0, 0.6, COUNT)))


def arrived(taken: Times, seed: int = 0) -> list[float]:
    """When they come: late by a network, now and then in bunches, never before they were taken."""
    random = np.random.default_rng(seed)
    now, late, found = 0.0, 0.0, []
    for t_ms in taken:
        late = random.uniform(100, 900) if random.random() < 0.02 else max(0.0, late - 30)
        now = max(now + 1.0, t_ms - taken[0] + late + abs(random.normal(0, 4)))
        found.append(now)
    return found


def judged(came: Times, declared: Sequence[float | None]) -> DeclaredTimes:
    times = DeclaredTimes()
    for t_ms, claim in zip(came, declared, strict=True):
        times.add(t_ms, claim)
    return times


@given(seed=st.integers(0, 10_000), fps=st.sampled_from([10, 15, 24, 25, 30, 60]))
def test_a_camera_behind_a_network_is_believed(seed: int, fps: float) -> None:
    taken = camera(seed, fps)
    times = judged(arrived(taken, seed), taken)
    assert (times.impossible(), times.unlikely()) == ("", "")


@pytest.mark.parametrize("step_ms", [0.1, 1.0])
def test_a_coarse_clock_is_believed(step_ms: float) -> None:
    taken = camera()
    times = judged(arrived(taken), [round(t_ms / step_ms) * step_ms for t_ms in taken])
    assert (times.impossible(), times.unlikely()) == ("", "")


FORGED: dict[str, tuple[Callable[[Times], Times], str]] = {
    "1 us apart": (lambda t: [t[0] + index / 1_000 for index in range(COUNT)], "too_fast"),
    "backwards": (lambda t: list(reversed(t)), "backwards"),
    "an hour ahead from the middle on": (lambda t: [*t[:100], *(x + 3.6e6 for x in t[100:])], "future"),
    "more film than time": (lambda t: [t[0] + 3 * (x - t[0]) for x in t], "outruns"),
}
UNLIKELY: dict[str, tuple[Callable[[Times], Times], str]] = {
    "constant": (lambda t: [t[0] + index * 33.333 for index in range(COUNT)], "constant"),
    "a gap": (lambda t: [*t[:100], *(x + 2_000 for x in t[100:])], "gap"),
    "set back once": (lambda t: [*t[:100], *(x - 500 for x in t[100:])], "set_back"),
    "standing still": (lambda t: [t[0]] * COUNT, "standing_still"),
}


@pytest.mark.parametrize("name", FORGED)
def test_times_that_no_camera_has_are_named(name: str) -> None:
    forge, code = FORGED[name]
    taken = camera()
    assert judged(arrived(taken), forge(taken)).impossible() == code


@pytest.mark.parametrize("name", UNLIKELY)
def test_times_that_a_camera_hardly_has_leave_it_open(name: str) -> None:
    forge, code = UNLIKELY[name]
    taken = camera()
    times = judged(arrived(taken), forge(taken))
    assert (times.impossible(), times.unlikely()) == ("", code)


def test_every_other_frame_twice_is_a_cameras_doing() -> None:
    taken = camera()
    doubled = [taken[index - index % 2] for index in range(COUNT)]
    times = judged(arrived(taken), doubled)
    assert (times.impossible(), times.unlikely()) == ("", "standing_still") or times.unlikely() == ""


def test_a_stall_of_seconds_is_a_networks_doing() -> None:
    taken = camera()
    came = arrived(taken)
    held = [max(t_ms, 4_000.0 + index) if 500 < t_ms < 4_000 else t_ms for index, t_ms in enumerate(came)]
    times = judged(np.maximum.accumulate(held).tolist(), taken)
    assert times.impossible() == ""


def test_who_claims_nothing_is_asked_nothing() -> None:
    times = judged(arrived(camera()), [None] * COUNT)
    assert (times.impossible(), times.unlikely(), times.figures()) == ("", "", {})


@pytest.mark.parametrize("count", range(3))
def test_a_few_frames_say_nothing(count: int) -> None:
    times = judged([33.0 * index for index in range(count)], [float(index) for index in range(count)])
    assert (times.impossible(), times.unlikely()) == ("", "")


def test_figures_are_in_microseconds() -> None:
    taken = [1_000.0 + 33.0 * index for index in range(100)]
    figures = judged([33.0 * index for index in range(100)], taken).figures()
    assert figures == {
        "frames": 100,
        "interval_us": 33_000,
        "shortest_us": 33_000,
        "longest_us": 33_000,
        "ahead_us": 0,
        "steady_ppm": 1_000_000,
    }


def test_a_stretch_in_no_time_is_hurried_and_refuses_nobody() -> None:
    """Who takes the time at which a frame reached them has bunches after a stall: it is told, and fails no check."""
    taken = camera()
    hurried = [*taken[:80], *(taken[80] + 0.01 * i for i in range(40)), *(t + 2_000.0 for t in taken[120:])]
    found = DeclaredTimes()
    for came, said in zip(arrived(taken), hurried, strict=True):
        found.add(came, said - 2_000.0 * (said > taken[120]))
    assert found.impossible() == ""
    assert found.unlikely() in {"hurried", "gap"}


def test_a_stretch_of_repeated_times_stands_still() -> None:
    taken = camera()
    held = [*taken[:60], *(taken[60 + i // 3 * 3] for i in range(80)), *taken[140:]]
    found = DeclaredTimes()
    for came, said in zip(arrived(taken), held, strict=True):
        found.add(came, said)
    assert found.impossible() == ""
    assert found.unlikely() == "standing_still"
