"""More frames than pictures: what low light does, and what it does not."""

from __future__ import annotations

import pytest

from medauth.signals.repeated_frames import RepeatedFrames


def shown(times: int, *, frames: int = 300, every_ms: float = 33.3, hidden: bool = False) -> RepeatedFrames:
    """Every picture so many times; `hidden`: each tenth frame without a face."""
    repeats = RepeatedFrames(4_000.0)
    for index in range(frames):
        repeats.add(index * every_ms, again=bool(index % times), face=not (hidden and index % 10 == 0))
    return repeats


@pytest.mark.parametrize(("times", "share"), [(1, 0.0), (2, 1 / 2), (3, 2 / 3), (4, 3 / 4), (10, 9 / 10)])
def test_the_share_is_that_of_frames_without_a_picture_of_their_own(times: int, share: float) -> None:
    assert shown(times).most == pytest.approx(share, abs=0.02)


def test_a_stretch_among_others_is_found() -> None:
    repeats = RepeatedFrames(4_000.0)
    for index in range(900):
        repeats.add(index * 33.3, again=400 <= index < 540 and bool(index % 5), face=True)
    assert repeats.most == pytest.approx(0.8, abs=0.02)


def test_too_little_tells_nothing() -> None:
    assert shown(10, frames=100).most == 0.0, "less than a stretch"
    assert shown(10, every_ms=200.0).most == 0.0, "too few frames in one"
    assert shown(10, hidden=True).most == 0.0, "no face throughout"


def test_what_came_before_a_lost_face_counts_no_more() -> None:
    repeats = RepeatedFrames(4_000.0)
    for index in range(400):
        repeats.add(index * 33.3, again=index < 100, face=index != 100)
    assert repeats.most == 0.0
