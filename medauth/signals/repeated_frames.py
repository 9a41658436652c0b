"""More frames than pictures: how much of a stretch of film is the frame before it again, to the bit.

A camera that lacks light gives fewer pictures than it is asked for, and each is sent twice or three times. A program that
shows a few stills in turn, or fills a check up to the rate that is asked for, repeats them more often than that.
"""

from __future__ import annotations

from collections import deque


class RepeatedFrames:
    """Fed every frame. Memory is bounded by a stretch."""

    LEAST = 30
    """Frames in a stretch before a share of them means anything."""

    def __init__(self, stretch_ms: float) -> None:
        self._stretch_ms = stretch_ms
        self._frames: deque[tuple[float, bool]] = deque()
        self._repeated = 0
        self.most = 0.0
        """The highest share in any stretch with a face throughout; 0 before one is over."""

    def add(self, t_ms: float, *, again: bool, face: bool) -> None:
        """Takes in one frame: whether it is the bytes of the one before. Without a face a stretch begins anew: a covered
        lens is black to the bit as well."""
        if not face:
            self._frames.clear()
            self._repeated = 0
            return
        self._frames.append((t_ms, again))
        self._repeated += again
        lasted = False
        while t_ms - self._frames[0][0] >= self._stretch_ms:
            lasted = True
            self._repeated -= self._frames.popleft()[1]
        if lasted and len(self._frames) >= self.LEAST:
            self.most = max(self.most, self._repeated / len(self._frames))
