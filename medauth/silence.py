"""Keeps native libraries from writing to the terminal.

FFmpeg, libjpeg and MediaPipe print to file descriptor 2 whatever Python has set, and what they print is about bytes that
strangers sent: noise in a log at best, a way to flood it at worst.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_lock = threading.Lock()
_inside = 0
_saved: int | None = None


@contextmanager
def native_silence() -> Iterator[None]:
    """Points file descriptor 2 at nothing while the block runs; nests, also across threads. Where there is no descriptor
    2 (a service without a terminal), nothing is done."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _saved  # noqa: PLW0603 - a process has one descriptor 2
    with _lock:
        _inside += 1
        if _inside > 1:
            return
        try:
            _saved = os.dup(_STDERR)
        except OSError:
            _saved = None
            return
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, _STDERR)
        os.close(nothing)


def _leave() -> None:
    global _inside, _saved  # noqa: PLW0603 - see above
    with _lock:
        _inside -= 1
        if _inside == 0 and _saved is not None:
            os.dup2(_saved, _STDERR)
            os.close(_saved)
            _saved = None
