"""A source that is fed: the newest frames win."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.capture.pushed import PushedFrames
from medauth.errors import CaptureError

PIXELS = np.zeros((64, 64, 3), np.uint8)


def test_what_is_pushed_comes_out_in_order():
    source = PushedFrames()
    source.push(PIXELS, media_ms=1.0)
    source.push(b"jpeg", media_ms=2.0)
    source.close()
    first, second = source.frames()
    assert first.image is PIXELS
    assert (second.jpeg, second.media_ms) == (b"jpeg", 2.0)
    assert source.dropped == 0


def test_a_slow_check_loses_the_oldest_frames():
    source = PushedFrames(capacity=2)
    for t in range(5):
        source.push(PIXELS, media_ms=float(t))
    source.close()
    assert [frame.media_ms for frame in source.frames()] == [3.0, 4.0]
    assert source.dropped == 3


def test_frames_after_close_are_refused_and_closing_twice_is_fine():
    source = PushedFrames("phone")
    source.close()
    source.close()
    with pytest.raises(CaptureError, match="phone after it was closed"):
        source.push(PIXELS)
    assert list(source.frames()) == []


def test_silence_is_an_error():
    with pytest.raises(CaptureError, match="no frame from pushed"):
        next(PushedFrames(stall_s=0.001).frames())
