"""How evenly times follow each other: over all of them, and over the stretch that is most even.

A program that takes over in the middle of a check counts from there on alone; the times before it are a camera's, and
would hide it in any share of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STEADY_MS = 0.02
"""Intervals this close to their median are the same: a kernel's timers alone jitter more."""
STEADY_SHARE = 0.95
STRETCH = 36
"""Intervals before a clock is called constant: four seconds of a slow camera."""
BURST_MS = 4.0
"""What a network held up comes all at once, as evenly as it is read; no camera takes pictures so fast."""
_EVERY = 4
"""Stretches begin this many intervals apart."""


def stretches(intervals_ms: Sequence[float], length: int) -> NDArray[np.float64]:
    """(k, length): stretches of so many intervals in a row, over all of them; none where there are fewer."""
    steps = np.asarray(intervals_ms, np.float64)
    if steps.size < length:
        return np.zeros((0, length))
    every = np.lib.stride_tricks.sliding_window_view(steps, length)
    return np.concatenate([every[::_EVERY], every[-1:]])


def steady_share(intervals_ms: Sequence[float]) -> float:
    """Share of the intervals that are the same as their median."""
    steps = np.asarray(intervals_ms, np.float64)
    return float((np.abs(steps - np.median(steps)) <= STEADY_MS).mean()) if steps.size else 0.0


def is_constant(intervals_ms: Sequence[float], finest_ms: float = 0.0) -> bool:
    """Whether the times, or a stretch of them, are as even as a program counts.

    A stretch whose interval is a multiple of `finest_ms` says nothing: so even is any clock that is read no finer. Nor does a
    burst.
    """
    if len(intervals_ms) < STRETCH:
        return False
    if steady_share(intervals_ms) >= STEADY_SHARE:
        return True
    found = stretches(intervals_ms, STRETCH)
    middle = np.median(found, axis=1)
    even = (np.abs(found - middle[:, None]) <= STEADY_MS).mean(axis=1) >= STEADY_SHARE
    even &= middle >= BURST_MS
    if finest_ms:
        even &= np.abs(middle - finest_ms * np.round(middle / finest_ms)) > finest_ms / 50
    return bool(even.any())
