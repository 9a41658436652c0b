"""Work beside the picture: a thread that always takes the newest thing to do and lets older ones go."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


class Background(Generic[Given, Made]):
    """Runs `work` on what is offered, at most every `interval_s`. `offer` never waits.

    An error of `work` ends the thread and is raised by the next `offer`: a window must not go on with a dead analysis.
    """

    def __init__(
        self,
        work: Callable[[Given], Made],
        *,
        interval_s: float = 0.0,
        depth: int = 1,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._interval_s = interval_s
        self._monotonic = monotonic
        self._waiting: deque[Given] = deque()
        self._depth = depth
        self._changed = threading.Condition()
        self._running = True
        self._trouble: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="medauth-background", daemon=True)
        self.newest: Made | None = None
        """What `work` returned last."""
        self.done = 0
        self.left_out = 0
        """Offers that made way for newer ones."""
        self.spent_s: deque[float] = deque(maxlen=300)
        """How long the last pieces of work took."""
        self._thread.start()

    def offer(self, given: Given) -> None:
        """Hands over a piece of work; the oldest that waits makes way for it. Raises what `work` raised."""
        with self._changed:
            if self._trouble is not None:
                raise self._trouble
            if len(self._waiting) >= self._depth:
                self._waiting.popleft()
                self.left_out += 1
            self._waiting.append(given)
            self._changed.notify()

    def stop(self, *, finish: bool = False) -> None:
        """Ends the thread after the piece in hand; with `finish`, after all that waits."""
        with self._changed:
            self._running = False
            if not finish:
                self._waiting.clear()
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (given := self._next()) is not None:
            began = self._monotonic()
            try:
                self.newest = self._work(given[0])
            except Exception as error:  # noqa: BLE001 - it is raised where somebody sees it
                with self._changed:
                    self._trouble = error
                return
            self.spent_s.append(self._monotonic() - began)
            self.done += 1
            self._pause(self._interval_s - (self._monotonic() - began))

    def _next(self) -> tuple[Given] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._running)
            return (self._waiting.popleft(),) if self._waiting else None

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with self._changed:
                self._changed.wait_for(lambda: not self._running, seconds)
