"""When frames came: what no camera and no network does to their times.

The times are the server's own. They jitter with camera, network and load; they never run backwards, hardly ever stand
still, and never come as evenly as a program counts.
"""

from __future__ import annotations

import statistics
from array import array
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.canonical import Json
from medauth.signals.even_clock import STRETCH, is_constant, steady_share

FASTEST_MS = 2.0
"""Median interval below which frames come faster than any camera gives them, and than a frame is judged."""
STILL_SHARE = 0.1
"""Share of frames at the very time of the one before; a coarse clock repeats itself in a burst, not all the time."""
LEAST_FRAMES = 15
_BACK_MS = 2_000.0
"""How far back the stall may lie that a burst makes up for."""
_HELD_UP = 0.5
"""Of the time in which a camera takes the frames of a burst, so much nothing must have come before it."""


class Arrivals:
    """Fed the time of every frame."""

    def __init__(self) -> None:
        self._intervals_ms = array("d")
        self._last_ms: float | None = None

    def add(self, t_ms: float) -> None:
        """Takes in one frame's time in milliseconds."""
        if self._last_ms is not None:
            self._intervals_ms.append(t_ms - self._last_ms)
        self._last_ms = t_ms

    @property
    def median_ms(self) -> float:
        """Median interval; 0 of fewer than two frames."""
        return statistics.median(self._intervals_ms) if self._intervals_ms else 0.0

    def impossible(self) -> str:
        """What no clock does: `backwards`, `standing_still` or `too_fast`; empty for none of them."""
        count = len(self._intervals_ms)
        if any(interval < 0 for interval in self._intervals_ms):
            return "backwards"
        if count < LEAST_FRAMES:
            return ""
        if sum(interval == 0 for interval in self._intervals_ms) >= STILL_SHARE * count:
            return "standing_still"
        return "too_fast" if self.median_ms < FASTEST_MS else ""

    @property
    def constant(self) -> bool:
        """Whether frames came as evenly as a program counts, all of them or for a stretch."""
        return is_constant(self._intervals_ms)

    @property
    def hurried(self) -> bool:
        """Whether many frames came at once although nothing had held them up; of the first ones nobody can tell."""
        steps = np.asarray(self._intervals_ms, np.float64)
        ends = np.concatenate([[0], np.flatnonzero(steps >= FASTEST_MS) + 1, [steps.size + 1]])
        times = np.concatenate([[0.0], np.cumsum(steps)])
        return any(
            begin > 0
            and end - begin > STRETCH
            and self._stall_ms(steps, times, int(begin)) < self._due_ms(int(end - begin))
            for begin, end in pairwise(ends)
        )

    def _due_ms(self, frames: int) -> float:
        return _HELD_UP * frames * self.median_ms

    @staticmethod
    def _stall_ms(steps: NDArray[np.float64], times: NDArray[np.float64], begin: int) -> float:
        """The longest interval that ended at frame `begin` or in the two seconds before it."""
        first = int(np.searchsorted(times, times[begin] - _BACK_MS))
        return float(steps[max(0, first - 1) : begin].max(initial=0.0))

    def figures(self) -> Mapping[str, Json]:
        """Times in microseconds, share in millionths."""
        if not self._intervals_ms:
            return {}
        median = self.median_ms
        return {
            "interval_us": round(1_000 * median),
            "jitter_us": round(1_000 * statistics.median(abs(i - median) for i in self._intervals_ms)),
            "longest_us": round(1_000 * max(self._intervals_ms)),
            "steady_ppm": round(1_000_000 * steady_share(self._intervals_ms)),
        }
