"""Frames that somebody else pushes: a browser's connection, a phone app's upload, a test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from medauth.capture.interface import CapturedFrame
from medauth.errors import CaptureError

_CLOSED = object()


class PushedFrames:
    """A source fed from another thread. A check that falls behind loses the oldest frames, never its memory.

    `stall_s` is for how long nothing may come before the source counts as lost.
    """

    live = True
    duration_ms = None

    def __init__(self, name: str = "pushed", *, capacity: int = 4, stall_s: float = 10.0) -> None:
        self.name = name
        self._stall_s = stall_s
        self._capacity = max(1, capacity)
        self._frames: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self.dropped = 0
        """Frames that were pushed and never delivered."""

    def push(self, frame: NDArray[np.uint8] | bytes, *, media_ms: float | None = None) -> None:
        """Hands over one frame: pixels (height, width, 3) uint8 BGR, or JPEG bytes. Never blocks."""
        if isinstance(frame, bytes):
            captured = CapturedFrame(image=None, jpeg=frame, media_ms=media_ms)
        else:
            captured = CapturedFrame(image=frame, media_ms=media_ms)
        with self._lock:
            if self._closed:
                raise CaptureError(
                    f"a frame for {self.name} after it was closed",
                    expected="frames before close()",
                    next_step="start a new check for more frames",
                )
            self._put(captured)

    def close(self) -> None:
        """Says that no more frames will come. Calling it twice does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._put(_CLOSED)

    def frames(self) -> Iterator[CapturedFrame]:
        """Yields what is pushed until `close`. Raises `CaptureError` when nothing comes for `stall_s`."""
        while True:
            try:
                item = self._frames.get(timeout=self._stall_s)
            except queue.Empty as error:
                raise CaptureError(
                    f"no frame from {self.name} for {self._stall_s:g} s",
                    expected="frames until close()",
                    next_step="check the connection of whoever sends them",
                ) from error
            if not isinstance(item, CapturedFrame):
                return
            yield item

    def _put(self, item: object) -> None:
        """Makes room by dropping the oldest frame; the caller holds the lock."""
        if item is not _CLOSED and self._frames.qsize() >= self._capacity:
            with suppress(queue.Empty):  # the reader may have been faster
                self._frames.get_nowait()
                self.dropped += 1
        self._frames.put(item)
