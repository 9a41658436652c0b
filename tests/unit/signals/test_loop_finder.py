"""Any film that repeats itself is found, none that does not: on frames of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medauth.signals.loop_finder import IN_STEP_MS, Loop, LoopFinder

pytestmark = pytest.mark.simulated

Numbers = NDArray[Any]

FOUND = 0.35
"""From this share of looks on the signal refuses."""


def frames(count: int, seed: int, size: int = 24) -> Numbers:
    """So many pictures of a moving thing: no two alike, neighbours less unlike than others, about as long as a print."""
    steps = np.random.default_rng(seed).normal(0, 1, (count + 4, size))
    smooth = np.mean([steps[shift : shift + count] for shift in range(5)], axis=0)
    return np.asarray(0.1 * smooth, np.float32)


def found(prints: Numbers, fps: float = 30.0, digests: list[bytes] | None = None, jitter: int | None = None) -> Loop:
    finder = LoopFinder()
    late = np.random.default_rng(jitter).uniform(0, 8, len(prints)) if jitter is not None else np.zeros(len(prints))
    for index, seen in enumerate(prints):
        finder.add(1_000 * index / fps + late[index], seen, digests[index] if digests else b"")
    return finder.best


@given(period_s=st.floats(2.0, 12.0), fps=st.sampled_from([10, 15, 24, 25, 30]), seed=st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_whatever_repeats_itself_is_found_with_its_period(period_s, fps, seed):
    count = round(period_s * fps)
    played = np.concatenate([frames(count, seed)] * 4)[: count + 8 * fps]
    loop = found(played, fps, jitter=seed)
    assert loop.share >= FOUND
    assert not loop.backwards
    turns = loop.lag_ms / (1_000 * count / fps)
    assert abs(turns - round(turns)) * 1_000 * count / fps <= 2 * IN_STEP_MS


@given(seconds=st.integers(4, 30), fps=st.sampled_from([10, 15, 24, 25, 30]), seed=st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_whatever_does_not_is_not(seconds, fps, seed):
    assert found(frames(seconds * fps, seed), fps, jitter=seed).share < 0.5 * FOUND


@given(noise=st.floats(0.0, 0.012), seed=st.integers(0, 10_000))
@settings(max_examples=6, deadline=None)
def test_noise_upon_every_picture_does_not_hide_a_loop(noise, seed):
    played = np.concatenate([frames(120, seed)] * 3)
    grain = np.random.default_rng(seed).normal(0, noise, played.shape)
    assert found(np.asarray(played + grain, np.float32)).share >= FOUND


def test_back_and_forth_is_found_and_called_so():
    there = frames(150, 3)
    loop = found(np.concatenate([there, there[-2:0:-1]]))
    assert loop.share >= FOUND
    assert loop.backwards


def test_a_rhythm_that_never_hits_the_same_spot_is_no_loop():
    """A head that nods every 1.5 s: the phase is the same, the pose nearly."""
    t_s = np.arange(900) / 30
    random = np.random.default_rng(5)
    drift = np.cumsum(random.normal(0, 0.004, (900, 24)), axis=0)
    nod = np.sin(2 * np.pi * t_s / 1.5)[:, None] * random.normal(0, 0.05, 24)
    assert found(np.asarray(nod + drift, np.float32)).share < FOUND


def test_keeping_still_is_no_loop():
    still = np.full((600, 24), 0.2, np.float32)
    assert found(still).share == 0.0
    grain = np.random.default_rng(1).normal(0, 0.0003, still.shape)
    assert found(np.asarray(still + grain, np.float32)).share == 0.0


def test_the_same_bytes_in_step_are_a_loop_even_without_motion():
    still = np.full((300, 24), 0.2, np.float32)
    assert found(still, digests=[bytes([index % 100]) for index in range(300)]).share >= FOUND
    assert found(still, digests=[b"frozen"] * 300).share == 0.0


def test_frames_sent_again_in_a_burst_are_no_loop():
    """An upload that is repeated after a broken connection arrives as fast as it is read, not at the pace of life."""
    prints, finder = frames(300, 8), LoopFinder()
    t_ms = 0.0
    for index in [*range(150), *range(90, 150), *range(150, 300)]:
        t_ms += 5.0 if index < 150 and t_ms >= 149 * 33.0 else 33.0
        finder.add(t_ms, prints[index], index.to_bytes(2, "big"))
    assert finder.best.share < FOUND


@pytest.mark.parametrize("period", [60, 120])
def test_memory_is_bounded_and_the_latest_frames_are_kept(period):
    finder = LoopFinder(capacity=200)
    for index, seen in enumerate(np.concatenate([frames(900, 1), *[frames(period, 2)] * 3])):
        finder.add(1_000 * index / 30, seen, index.to_bytes(2, "big"))
    assert finder.best.share >= FOUND
    assert len(finder._prints) == 200
    assert len(finder._seen_ms) == 200
