"""Lips against sound: the same course agrees, another one, a shifted one and none do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.digit_recogniser import Phone
from medauth.signals.lip_sync import LEAST_FRAMES, OPENINGS, expected_opening, match_lips
from medauth.signals.speech import AGREES, ELSEWHERE

NAMES = ("F", "AY", "V", "SIL", "TH", "R", "IY", "SIL", "S", "IH", "K", "S", "SIL", "N", "AY", "N")


def phones(seed: int = 0, start_ms: int = 700) -> list[Phone]:
    random, at, made = np.random.default_rng(seed), start_ms, [Phone("SIL", 0, start_ms)]
    for name in NAMES:
        lasts = int(random.integers(60, 220))
        made.append(Phone(name, at, at + lasts))
        at += lasts
    return [*made, Phone("SIL", at, at + 800)]


def mouth(said: list[Phone], late_ms: float = 0.0, fps: float = 18, seed: int = 1) -> tuple[NDArray[Any], NDArray[Any]]:
    times = np.arange(0, said[-1].end_ms, 1_000 / fps)
    jitter = np.random.default_rng(seed).normal(0, 0.006, len(times))
    return times, 0.01 + 0.15 * expected_opening(said, times - late_ms) + jitter


@pytest.mark.parametrize("late_ms", [-120, 0, 130])
def test_a_mouth_that_moves_as_the_sound_says_agrees_whatever_the_ways_delay(late_ms: float) -> None:
    found = match_lips(*mouth(phones(), late_ms), phones())
    assert found.score is not None
    assert found.score > 0.9
    assert abs(found.lag_ms - late_ms) <= 20


@pytest.mark.parametrize("late_ms", [-700, 700])
def test_a_mouth_that_moves_at_another_time_does_not(late_ms: float) -> None:
    found = match_lips(*mouth(phones(), late_ms), phones())
    assert found.score is not None
    assert found.score < AGREES


def test_a_mouth_that_moves_against_the_sound_is_elsewhere() -> None:
    times, seen = mouth(phones())
    found = match_lips(times, seen.max() - seen, phones())
    assert found.score is not None
    assert found.score <= ELSEWHERE


def test_what_cannot_be_judged_says_why() -> None:
    times, seen = mouth(phones())
    assert match_lips(times, np.full(len(times), 0.05), phones()).trouble == "hardly_moved"
    assert match_lips(times[:: len(times) // 8], seen[:: len(times) // 8], phones()).trouble == "too_few_frames"
    assert match_lips(*mouth(phones(), fps=8), phones()).trouble == "too_few_frames"
    assert match_lips(np.empty(0), np.empty(0), phones()).trouble == "too_few_frames"
    assert match_lips(times, seen, []).trouble == "no_sound"
    assert LEAST_FRAMES > 8


def test_vowels_are_wider_than_what_shuts_the_lips() -> None:
    assert OPENINGS["F"] < OPENINGS["T"] < OPENINGS["IY"] < OPENINGS["AY"]
