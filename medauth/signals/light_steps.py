"""Sudden changes of colour, whoever made them: a film that was taken under changing light has them at its own times."""

from __future__ import annotations

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


def strong_steps(times_ms: Floats, chroma: Floats, least: float) -> int:
    """How many times the colour of skin, `chroma` (n, 2) at `times_ms` (n,), went from one plateau to another at least
    `least` away, and by many times what either plateau wavers."""
    found = list[tuple[float, float]]()
    for t_ms in times_ms:
        before = chroma[(times_ms >= t_ms - _MIDDLE_MS - _PLATEAU_MS) & (times_ms < t_ms - _MIDDLE_MS)]
        after = chroma[(times_ms > t_ms + _MIDDLE_MS) & (times_ms <= t_ms + _MIDDLE_MS + _PLATEAU_MS)]
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
    return len(kept)
