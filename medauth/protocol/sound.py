"""Sound as it is digested, judged and sealed, and how much of it may come while digits are asked for.

16,000 samples a second, one channel, 16 bits. A piece is a moment long, and no more sound may come in a step than time has
passed since its prompt: what was recorded before has no place in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError

RATE_HZ = 16_000
SAMPLES_PER_MS = RATE_HZ // 1_000
MOST_SAMPLES = RATE_HZ // 4
"""Of one piece: a quarter of a second."""
SLACK_MS = 120.0
"""Clocks of sound cards and computers differ, and a piece's first sample may have been taken just before the prompt was on."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """One piece, as long as it came in its time."""

    index: int
    t_ms: float
    """When it was there, on the server's clock: its last sample is no younger."""
    shown_ms: float
    """When the prompt it answers was shown."""
    pcm: bytes
    """16-bit little-endian samples, as they came."""
    sha256: bytes
    samples: NDArray[np.int16]
    """(n,) int16 at 16 kHz."""


def samples_of(pcm: bytes) -> NDArray[np.int16]:
    """(n,) int16 of 16-bit little-endian samples. Raises `InputError` for what is no piece of sound."""
    if not pcm or len(pcm) % 2 or len(pcm) > 2 * MOST_SAMPLES:
        raise InputError(
            f"{len(pcm)} bytes that are no piece of sound",
            expected=f"16-bit samples at {RATE_HZ} Hz, 1 to {MOST_SAMPLES} of them",
        )
    return np.frombuffer(pcm, "<i2").astype(np.int16, copy=False)


def pcm_of(samples: object) -> bytes:
    """16-bit little-endian samples of (n,) int16. Raises `InputError` for another shape or type."""
    if not isinstance(samples, np.ndarray) or samples.dtype != np.int16 or samples.ndim != 1:
        raise InputError(f"sound of type {type(samples).__name__}", expected="(n,) int16 at 16 kHz, or bytes")
    return bytes(samples.astype("<i2").tobytes())


class SoundGate:
    """Lets through what may have been said since the prompt, and no more. One for a check."""

    def __init__(self) -> None:
        self._shown_ms: float | None = None
        self._samples = 0

    def admit(self, count: int, t_ms: float, shown_ms: float) -> None:
        """`count` more samples at `t_ms` for the prompt shown at `shown_ms`. Raises `InputError` for more than time allows."""
        if shown_ms != self._shown_ms:
            self._shown_ms, self._samples = shown_ms, 0
        most = (t_ms - shown_ms + SLACK_MS) * SAMPLES_PER_MS
        if self._samples + count > most:
            raise InputError(
                f"{self._samples + count} samples of sound {t_ms - shown_ms:.0f} ms after the prompt",
                expected=f"at most {RATE_HZ} a second, recorded since the prompt",
                next_step="send sound from the prompt on, as it is recorded",
            )
        self._samples += count
