"""The outline's blinks and the net's, as one list; the net's word is a plain number here."""

from __future__ import annotations

from collections.abc import Callable

from medauth.signals.eyelids import LidEvent, LidTuning, Openness
from medauth.signals.lid_fusion import JoinedWatch, LookTuning, OpenEyes, SecondLook

FRAME_MS = 1000 / 30
Curve = Callable[[float], float]


def dip(at_ms: float, depth: float, half_ms: float = 100.0) -> Curve:
    return lambda t_ms: 1.0 - depth * max(0.0, 1.0 - abs(t_ms - at_ms) / half_ms)


def follow(outline: Curve, closed: Curve | None, frames: int = 90) -> list[LidEvent]:
    watch, look, found = JoinedWatch(LidTuning()), SecondLook(), []
    for k in range(frames):
        t_ms = k * FRAME_MS
        plain = Openness(t_ms, outline(t_ms), outline(t_ms))
        deep = plain if closed is None else look.deepened(plain, (closed(t_ms), closed(t_ms)))
        event = watch.feed(plain, deep)
        if event is not None:
            found.append(event)
    return found


def closing(at_ms: float, opened: float = 0.05, shut: float = 1.0) -> Curve:
    return lambda t_ms: shut if abs(t_ms - at_ms) < 70 else opened


def test_a_clear_blink_is_reported_once_with_and_without_the_net():
    assert len(follow(dip(1500, 0.85), None)) == 1
    assert len(follow(dip(1500, 0.85), closing(1500))) == 1


def test_half_a_closure_counts_when_the_net_saw_the_eye_shut():
    half = dip(1500, 0.45)
    assert follow(half, None) == []
    (event,) = follow(half, closing(1500))
    assert event.blink.onset_ms <= 1500 <= event.blink.reopened_ms


def test_the_net_alone_makes_no_blink():
    assert follow(lambda _t_ms: 1.0, closing(1500)) == []


def test_a_net_that_calls_open_eyes_closed_is_not_heard():
    assert follow(dip(1500, 0.45), closing(1500, opened=0.9)) == []


def test_the_net_takes_no_blink_away():
    assert len(follow(dip(1500, 0.85), lambda _t_ms: 0.0)) == 1


def test_two_blinks_are_two_events():
    def twice(t_ms: float) -> float:
        return min(dip(1000, 0.85)(t_ms), dip(2000, 0.45)(t_ms))

    def seen(t_ms: float) -> float:
        return max(closing(1000)(t_ms), closing(2000)(t_ms))

    assert [round(event.blink.closed_ms / 1000) for event in follow(twice, seen)] == [1, 2]


def test_losing_the_face_forgets_what_waited():
    watch = JoinedWatch(LidTuning())
    for k in range(40):
        t_ms = k * FRAME_MS
        level = dip(1200, 0.9)(t_ms)
        watch.feed(Openness(t_ms, level, level), Openness(t_ms, level, level))
    watch.lose()
    assert all(watch.feed(Openness(t, 1.0, 1.0), Openness(t, 1.0, 1.0)) is None for t in (1400.0, 1433.0, 1466.0))


def test_open_eyes_are_looked_at_seldom_and_narrow_ones_always():
    look, looks = SecondLook(), []
    for k in range(30):
        t_ms = k * FRAME_MS
        now = Openness(t_ms, 1.0, 0.7 if k >= 20 else 1.0)
        if look.wanted(now):
            look.deepened(now, (0.0, 0.0))
            looks.append(k)
    assert [k for k in looks if k < 20] == [0, 8, 16]
    assert [k for k in looks if k >= 20] == list(range(20, 30))


def test_surplus_is_measured_from_the_persons_own_open_eyes():
    eye = OpenEyes(LookTuning())
    for k in range(30):
        assert eye.surplus(0.4, k * FRAME_MS) == 0.0
    assert 0.9 < eye.surplus(1.0, 30 * FRAME_MS) <= 1.0
