"""How much one caller may ask for: a bucket of requests that refills at a steady pace."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable

MOST_CALLERS = 10_000
"""Buckets kept; the one that was idle longest goes first, and would have been full again by then."""


class Limit:
    """At most `burst` at once and `per_s` a second from each caller. Thread-safe."""

    def __init__(self, *, burst: int, per_s: float, clock_ms: Callable[[], float]) -> None:
        self._burst = float(burst)
        self._per_ms = per_s / 1_000
        self._clock_ms = clock_ms
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_ms(self, caller: str) -> float:
        """Takes one from the caller's bucket and returns 0, or returns how long until there is one again."""
        return self._asked(caller, taken=1)

    def due_ms(self, caller: str) -> float:
        """The same without taking one: for what counts only once it failed."""
        return self._asked(caller, taken=0)

    def _asked(self, caller: str, *, taken: int) -> float:
        with self._lock:
            now = self._clock_ms()
            left, since = self._buckets.pop(caller, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._per_ms)
            granted = left >= 1
            self._buckets[caller] = (left - taken if granted else left, now)
            if len(self._buckets) > MOST_CALLERS:
                self._buckets.popitem(last=False)
            return 0.0 if granted else (1 - left) / self._per_ms


class Places:
    """At most so many things of one caller at the same time. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, caller: str) -> bool:
        """Takes a place, if there is one."""
        with self._lock:
            if self._taken[caller] >= self._most:
                return False
            self._taken[caller] += 1
            return True

    def give_back(self, caller: str) -> None:
        """After each `take` that succeeded."""
        with self._lock:
            self._taken[caller] -= 1
            if self._taken[caller] <= 0:
                del self._taken[caller]
