"""A person's own face at rest: what every gesture is measured against.

Learned in the first moments, followed slowly while the face rests, held still during every gesture, so that a smile
that is held does not become the new normal. After a change of posture, when nothing is asked and the face has been still
for a while, the new posture is taken as rest: without this a person who sat back could never be prompted again.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEARN_MS = 600.0
"""The shortest pause before a first prompt is 700 ms."""
LEARN_MAX_MS = 3_000.0
"""A face that is not still by then is taken as it is: its median is the best there is."""
MIN_FRAMES = 6
QUIET_SHARE = 0.6
"""The level follows while every amount is below this share of its onset."""
FOLLOW_MS = 6_000.0
"""Time constant: posture drifts by a few degrees in ten seconds, gestures take less than one."""
REST_MS = 1_800.0
"""A face this long without movement, while nothing is asked, is at rest where it is."""

STILL: Floats = np.array([3.0, 3.0, 3.0, 0.03, 0.05, 0.016, 0.04])
"""Greatest spread of each measurement that counts as still: a third of its onset or less."""
CEILING: Floats = np.array([25.0, 22.0, 20.0, np.inf, np.inf, np.inf, 0.08])
"""No face is at rest beyond these: turned away, or with an open mouth."""


class Neutral:
    """Follows the level of rest of one person's measurements (see `gesture.measure`)."""

    def __init__(self) -> None:
        self.level: Floats | None = None
        self.follows_rest = True
        self._recent: deque[tuple[float, Floats]] = deque()
        self._first_ms: float | None = None
        self._last_ms = 0.0

    def update(self, t_ms: float, measured: Floats, activity: float, *, prompted: bool) -> None:
        """`activity` is the greatest amount now as a share of its onset; `prompted` is true while a step is on show."""
        past, self._last_ms = t_ms - self._last_ms, t_ms
        if prompted:
            self._recent.clear()
        else:
            self._remember(t_ms, measured)
        if self.level is None:
            self._learn(t_ms)
        elif activity < QUIET_SHARE:
            self.level = self.level + (1 - math.exp(-min(past, LEARN_MS) / FOLLOW_MS)) * (measured - self.level)
        elif self.follows_rest and self._spans(REST_MS) and self._is_still():
            self.level = self._taken(np.median)

    def _remember(self, t_ms: float, measured: Floats) -> None:
        self._recent.append((t_ms, measured))
        while t_ms - self._recent[0][0] > REST_MS * 1.1:
            self._recent.popleft()

    def _learn(self, t_ms: float) -> None:
        self._first_ms = t_ms if self._first_ms is None else self._first_ms
        if len(self._recent) < MIN_FRAMES or not self._spans(LEARN_MS):
            return
        while t_ms - self._recent[0][0] > LEARN_MS * 1.2:
            self._recent.popleft()
        waited = t_ms - self._first_ms >= LEARN_MAX_MS
        level = self._taken(np.median)
        if waited:
            self.level = np.clip(level, -CEILING, CEILING)
        elif self._is_still() and (np.abs(level) <= CEILING).all():
            self.level = level

    def _spans(self, duration_ms: float) -> bool:
        return bool(self._recent) and self._recent[-1][0] - self._recent[0][0] >= duration_ms

    def _is_still(self) -> bool:
        rows = np.array([measured for _, measured in self._recent])
        return bool((np.ptp(rows, axis=0) <= STILL).all() and (np.abs(rows[-1]) <= CEILING).all())

    def _taken(self, statistic: Callable[..., Floats]) -> Floats:
        return np.asarray(statistic(np.array([measured for _, measured in self._recent]), axis=0), dtype=np.float64)
