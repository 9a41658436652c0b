"""A stretch of sound: when it was said, and whether a voice stands out of it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.sound import RATE_HZ, Sound
from medauth.signals.voice import Stretch

PIECE_MS = 50


def sound(samples: NDArray[Any], t_ms: float, index: int = 0) -> Sound:
    whole = samples.astype(np.int16)
    pcm = whole.astype("<i2").tobytes()
    return Sound(index, t_ms, 1_000.0, pcm, hashlib.sha256(pcm).digest(), whole)


def noise(milliseconds: int, loud: float, seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).normal(0, loud, milliseconds * RATE_HZ // 1_000)


def stretch(samples: NDArray[Any], delays_ms: tuple[float, ...] = (30, 80, 45)) -> tuple[Stretch, float]:
    """Comes in pieces, each late by a delay of its own."""
    found, size, t_ms = Stretch(1_000.0), PIECE_MS * RATE_HZ // 1_000, 1_000.0
    for number in range(len(samples) // size):
        t_ms = 1_000 + PIECE_MS * (number + 1) + delays_ms[number % len(delays_ms)]
        found.add(sound(samples[number * size : (number + 1) * size], t_ms, number))
    return found, t_ms


def test_the_quickest_piece_says_when_it_began() -> None:
    found, _ = stretch(noise(1_000, 50))
    assert found.began_ms == pytest.approx(1_030)
    assert not found.has_gap()
    assert found.seconds == 1


def test_sound_that_was_lost_is_noticed() -> None:
    found, t_ms = stretch(noise(1_000, 50))
    for number in range(8):
        found.add(sound(noise(PIECE_MS, 50), t_ms + 400 + PIECE_MS * number))
    assert found.has_gap()


def test_a_voice_stands_out_of_the_room_and_a_click_does_not() -> None:
    quiet, t_ms = stretch(noise(1_000, 60))
    over = quiet.loudness(t_ms)
    assert over is not None
    assert over < 3
    clicked = noise(1_000, 60)
    clicked[-800:-320] = 20_000
    over = stretch(clicked)[0].loudness(t_ms)
    assert over is not None
    assert over < 3
    over = stretch(np.concatenate([noise(600, 60), noise(400, 2_000)]))[0].loudness(t_ms)
    assert over is not None
    assert over > 25


def test_a_loud_room_says_nothing_unless_a_voice_stands_out_of_it() -> None:
    drowned, t_ms = stretch(noise(1_000, 900))
    assert drowned.loudness(t_ms) is None
    louder, t_ms = stretch(np.concatenate([noise(600, 900), noise(400, 9_000)]))
    assert louder.loudness(t_ms) is not None


def test_a_microphone_that_fell_silent_says_nothing() -> None:
    found, t_ms = stretch(noise(1_000, 60))
    assert found.loudness(t_ms + 701) is None
    assert Stretch(0.0).loudness(0.0) is None
    assert Stretch(0.0).contrast_db == 0


def test_digital_silence_is_a_quiet_room() -> None:
    found, t_ms = stretch(np.zeros(RATE_HZ))
    assert found.loudness(t_ms) == 0
