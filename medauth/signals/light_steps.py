"""Sudden changes of colour, whoever made them: a film that was taken under changing light has them at its own times."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PLATEAU_MS = 300.0
"""For so long before and after a change the colour is looked at."""
_MIDDLE_MS = 60.0
"""The change itself: a screen's rise and the camera's exposure."""
_APART_MS = 400.0
_STEEP = 5.0
"""A slope wavers, a step does not."""


def strong_steps(times_ms: Floats, chroma: Floats, least: float) -> list[float]:
    """When the colour of skin, `chroma` (n, 2) at `times_ms` (n,), went from one plateau to another at least `least` away,
    and by many times what either plateau wavers; in order."""
    found = list[tuple[float, float]]()
    far, near = _MIDDLE_MS + _PLATEAU_MS, _MIDDLE_MS
    starts, stops = np.searchsorted(times_ms, times_ms - far), np.searchsorted(times_ms, times_ms - near)
    firsts = np.searchsorted(times_ms, times_ms + near, side="right")
    lasts = np.searchsorted(times_ms, times_ms + far, side="right")
    for t_ms, start, stop, first, last in zip(times_ms, starts, stops, firsts, lasts, strict=True):
        before, after = chroma[start:stop], chroma[first:last]
        if len(before) < 2 or len(after) < 2:  # noqa: PLR2004 - one value is no plateau
            continue
        leap = float(np.hypot(*(np.median(after, axis=0) - np.median(before, axis=0))))
        wavering = max(float(np.hypot(*part.std(axis=0))) for part in (before, after))
        if leap >= least and leap > _STEEP * wavering:
            found.append((leap, float(t_ms)))
    kept = list[float]()
    for _, t_ms in sorted(found, reverse=True):
        if all(abs(t_ms - other) >= _APART_MS for other in kept):
            kept.append(t_ms)
    return sorted(kept)


def at_pace(steps_ms: Sequence[float], pace_ms: tuple[float, float]) -> int:
    """How many times a step came after the one before it as a colour of a challenge does: a film that was taken under one
    keeps its pace, a television cuts when it likes."""
    return sum(pace_ms[0] <= late - early <= pace_ms[1] for early, late in pairwise(steps_ms))
