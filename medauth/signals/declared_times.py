"""When the client says that its frames were taken: data to be looked at, never a clock.

Whoever sends frames can claim any times, so plausible ones prove nothing. But who forges times often forges them badly:
backwards, a microsecond apart, ahead of the time in which they arrive. A network delays frames and lets them arrive in
bunches; it makes none arrive before it was taken.
"""

from __future__ import annotations

import statistics
from array import array
from collections.abc import Mapping

import numpy as np

from medauth.protocol.canonical import Json
from medauth.signals.even_clock import is_constant, steady_share, stretches

BACKWARDS = 3
"""Steps back; one or two are a client whose wall clock was set."""
FASTEST_MS = 2.0
"""Median interval below which frames are taken faster than any camera takes them."""
AHEAD_MS = 5_000.0
"""By so much less time passed here than there: no frame waited that long before the first one that counts, or the check
would have failed by its windows."""
GAP_MS = 1_000.0
"""Between two frames that arrive one after the other: what lay between was left out."""
STILL_SHARE = 0.5
"""Share of frames with the time of the one before; every other one in low light is a camera's doing."""
LEAST_FRAMES = 15
STILL_STRETCH, STILL_IN_STRETCH = 60, 0.6
"""So many steps in a row, of which so many go nowhere: each picture three times, or clock readings that are made up."""
HURRIED_STRETCH = 30
"""Steps in a row, half of them faster than any camera: a second of film, and more, in no time."""
FINEST_MS = 0.1
"""Browsers let a page read its clock no finer, unless it is isolated from all others."""


class DeclaredTimes:
    """Fed every frame's arrival, and what the client says of it."""

    def __init__(self) -> None:
        self._steps_ms = array("d")
        self._arrived_ms = array("d")
        self._last: tuple[float, float] | None = None
        self.told = 0
        """Frames that came with a time."""

    def add(self, t_ms: float, declared_ms: float | None) -> None:
        """Takes in one frame: this side's time, and the client's where there is one."""
        if declared_ms is None:
            return
        self.told += 1
        if self._last is not None:
            self._arrived_ms.append(t_ms - self._last[0])
            self._steps_ms.append(declared_ms - self._last[1])
        self._last = t_ms, declared_ms

    def impossible(self) -> str:
        """What no camera's times are: `backwards`, `too_fast`, `future` or `outruns`; empty for none of them."""
        if sum(step < 0 for step in self._steps_ms) >= BACKWARDS:
            return "backwards"
        if self._leap_ms() > AHEAD_MS:
            return "future"
        if self._ahead_ms() > AHEAD_MS:
            return "outruns"
        if len(self._steps_ms) >= LEAST_FRAMES and self.median_ms < FASTEST_MS and self._still_share() < STILL_SHARE:
            return "too_fast"
        return ""

    def unlikely(self) -> str:
        """What a camera's times hardly are: `set_back`, `gap`, `standing_still`, `hurried` or `constant`; empty for none."""
        if any(step < 0 for step in self._steps_ms):
            return "set_back"
        if self._leap_ms() > GAP_MS:
            return "gap"
        if self._stands_still():
            return "standing_still"
        if self._hurries():
            return "hurried"
        return "constant" if is_constant(self._steps_ms, FINEST_MS) else ""

    @property
    def median_ms(self) -> float:
        """Median step; 0 of fewer than two frames."""
        return statistics.median(self._steps_ms) if self._steps_ms else 0.0

    def figures(self) -> Mapping[str, Json]:
        """Times in microseconds, share in millionths; empty where nothing was declared."""
        if not self._steps_ms:
            return {}
        return {
            "frames": self.told,
            "interval_us": round(1_000 * self.median_ms),
            "shortest_us": round(1_000 * min(self._steps_ms)),
            "longest_us": round(1_000 * max(self._steps_ms)),
            "ahead_us": round(1_000 * self._ahead_ms()),
            "steady_ppm": round(1_000_000 * steady_share(self._steps_ms)),
        }

    def _leap_ms(self) -> float:
        """The most that one step is longer than the time in which it came."""
        return max((step - came for step, came in zip(self._steps_ms, self._arrived_ms, strict=True)), default=0.0)

    def _ahead_ms(self) -> float:
        """The most that the client's time got ahead of this side's since any frame before."""
        ahead = lowest = most = 0.0
        for step, came in zip(self._steps_ms, self._arrived_ms, strict=True):
            ahead += step - came
            lowest = min(lowest, ahead)
            most = max(most, ahead - lowest)
        return most

    def _hurries(self) -> bool:
        """For a stretch. A client that takes the time at which a frame reached it has bunches of them too."""
        found = stretches(self._steps_ms, HURRIED_STRETCH)
        moving = (found == 0).mean(axis=1) < STILL_SHARE
        return bool((moving & (np.median(found, axis=1) < FASTEST_MS)).any())

    def _stands_still(self) -> bool:
        if len(self._steps_ms) >= LEAST_FRAMES and self._still_share() >= STILL_SHARE:
            return True
        found = stretches(self._steps_ms, STILL_STRETCH)
        return bool(((found == 0).mean(axis=1) >= STILL_IN_STRETCH).any())

    def _still_share(self) -> float:
        return sum(step == 0 for step in self._steps_ms) / len(self._steps_ms)
