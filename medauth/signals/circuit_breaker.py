"""Stops asking a service that does not answer, and tries again after a while: Nygard, "Release It!" (2007), chapter 5."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Closed while answers come; open after `failures` in a row; after `rest_s` one question is let through."""

    def __init__(
        self, failures: int = 3, rest_s: float = 30.0, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._rest_s = rest_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._until_s = 0.0

    def allows(self) -> bool:
        """Whether to ask now. Where it rests this is False but for one question every `rest_s`."""
        with self._lock:
            now = self._monotonic()
            if self._failures < self._most:
                return True
            if now < self._until_s:
                return False
            self._until_s = now + self._rest_s  # one is on its way: others wait for what becomes of it
            return True

    def succeeded(self) -> None:
        """An answer came."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """None came, or none that could be used."""
        with self._lock:
            self._failures += 1
            self._until_s = self._monotonic() + self._rest_s
