"""Sound as it comes in: strangers' bytes, and no more of them than time has passed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import InputError
from medauth.protocol.sound import MOST_SAMPLES, RATE_HZ, SAMPLES_PER_MS, SLACK_MS, SoundGate, pcm_of, samples_of


@pytest.mark.parametrize("pcm", [b"", b"\0", b"\0" * 3, b"\0" * (2 * MOST_SAMPLES + 2), b"\0" * 1_000_000])
def test_what_is_no_piece_of_sound_is_refused(pcm: bytes) -> None:
    with pytest.raises(InputError, match="no piece of sound"):
        samples_of(pcm)


@given(st.binary(min_size=2, max_size=2 * MOST_SAMPLES).filter(lambda pcm: len(pcm) % 2 == 0))
def test_every_other_piece_is_samples_and_comes_back(pcm: bytes) -> None:
    samples = samples_of(pcm)
    assert samples.dtype == np.dtype(np.int16)
    assert samples.ndim == 1
    assert pcm_of(samples) == pcm


@pytest.mark.parametrize("sound", [np.zeros(4), np.zeros((2, 2), np.int16), [1, 2], None, np.zeros(4, np.uint8)])
def test_samples_of_another_shape_or_type_are_refused(sound: object) -> None:
    with pytest.raises(InputError):
        pcm_of(sound)


def test_no_more_sound_passes_than_was_recorded_since_the_prompt() -> None:
    gate, shown_ms = SoundGate(), 1_000.0
    gate.admit(int(SLACK_MS) * SAMPLES_PER_MS, 1_000, shown_ms)
    with pytest.raises(InputError, match="recorded since the prompt"):
        gate.admit(1, 1_000, shown_ms)
    gate.admit(RATE_HZ // 10, 1_100, shown_ms)
    # The next prompt begins anew.
    gate.admit(int(SLACK_MS) * SAMPLES_PER_MS, 9_000, 9_000.0)


@given(st.lists(st.tuples(st.integers(1, MOST_SAMPLES), st.floats(0, 500)), max_size=60))
def test_whatever_comes_never_more_than_time_allows(pieces: list[tuple[int, float]]) -> None:
    gate, t_ms, passed = SoundGate(), 5_000.0, 0
    for count, later_ms in pieces:
        t_ms += later_ms
        try:
            gate.admit(count, t_ms, 5_000.0)
        except InputError:
            continue
        passed += count
        assert passed <= (t_ms - 5_000 + SLACK_MS) * SAMPLES_PER_MS
