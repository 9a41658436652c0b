"""Blinks on curves of lid opening: no camera, no mesh, no clip."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medauth.protocol.observation import CaptureProblem, FaceQuality, FaceTrack, Frame, Observation, Pose
from medauth.protocol.reading import Outcome, SignalReading
from medauth.signals.blink import BlinkSignal, BlinkTuning
from medauth.signals.eyelids import LidTuning, measure_eyes
from medauth.signals.interface import Blinks

Lids = tuple[float, float]
"""Opening of the left and right eye, 1 as open as usual."""

OPEN_RATIO = 0.3
EYE_WIDTH = 30.0
NOSE_LENGTH = 60.0


def landmarks(left: float, right: float, *, squeeze_x: float = 1.0, squeeze_y: float = 1.0) -> NDArray[np.float32]:
    """A mesh of which only the eyes and the nose are drawn; squeezed like a photograph that is turned."""
    mesh = np.zeros((478, 3), np.float32)
    for opening, corner, sign, upper, lower in (
        (right, (33, 133), 1, (160, 159, 158), (144, 145, 153)),
        (left, (263, 362), -1, (387, 386, 385), (373, 374, 380)),
    ):
        outer_x = 100.0 if sign > 0 else 200.0
        mesh[corner[0], :2] = outer_x, 100
        mesh[corner[1], :2] = outer_x + sign * EYE_WIDTH, 100
        gap = opening * OPEN_RATIO * EYE_WIDTH
        for k in range(3):
            x = outer_x + sign * EYE_WIDTH * (k + 1) / 4
            mesh[upper[k], :2] = x, 100 - gap / 2
            mesh[lower[k], :2] = x, 100 + gap / 2
    mesh[168, :2] = 150, 100
    mesh[2, :2] = 150, 100 + NOSE_LENGTH
    mesh[:, 0] *= squeeze_x
    mesh[:, 1] *= squeeze_y
    return mesh


def observed(t_ms: float, mesh: NDArray[np.float32] | None, yaw: float = 0.0) -> Observation:
    frame = Frame(0, t_ms, b"", b"", np.zeros((1, 1, 3), np.uint8))
    if mesh is None:
        return Observation(frame, None, CaptureProblem.NO_FACE, None)
    track = FaceTrack(mesh, Pose(yaw, 0.0, 0.0), FaceQuality(100.0, 500.0, 120.0))
    return Observation(frame, track, None, None)


def blink_at(*times_ms: float, half_ms: float = 90.0, depth: float = 0.85) -> Callable[[float], float]:
    """Opening over time: triangular closures around the given times."""

    def opening(t_ms: float) -> float:
        return 1.0 - max((depth * max(0.0, 1.0 - abs(t_ms - at) / half_ms) for at in times_ms), default=0.0)

    return opening


def watch(
    lids: Callable[[float], Lids], *, fps: float = 30.0, seconds: float = 4.0, tuning: BlinkTuning | None = None
) -> tuple[BlinkSignal, list[float]]:
    signal = BlinkSignal(tuning=tuning)
    signal.start(None)
    reported = []
    for k in range(int(seconds * fps)):
        t_ms = 1000 * k / fps
        signal.update(observed(t_ms, landmarks(*lids(t_ms))))
        reported += [t_ms] * len(signal.completed())
    return signal, reported


def both(opening: Callable[[float], float]) -> Callable[[float], Lids]:
    return lambda t_ms: (opening(t_ms), opening(t_ms))


def events(reading: SignalReading) -> list[dict[str, int]]:
    found = reading.details["events"]
    assert isinstance(found, list)
    return found  # type: ignore[return-value]


def test_lid_gap_over_width_is_the_eye_aspect_ratio() -> None:
    left, right = measure_eyes(landmarks(1.0, 0.5))
    assert left.over_width == pytest.approx(OPEN_RATIO)
    assert right.over_width == pytest.approx(OPEN_RATIO / 2)
    assert left.over_nose == pytest.approx(OPEN_RATIO * EYE_WIDTH / NOSE_LENGTH)


def test_signal_reports_blinks() -> None:
    assert isinstance(BlinkSignal(), Blinks)


@pytest.mark.parametrize("fps", [10, 12, 15, 24, 25, 30, 50, 60])
def test_same_blinks_at_every_frame_rate(fps: float) -> None:
    signal, _ = watch(both(blink_at(1000, 2300, 3100, half_ms=130)), fps=fps)
    assert len(events(signal.reading())) == 3
    assert signal.reading().code == "blink.natural"


def test_event_carries_onset_closure_and_reopening() -> None:
    signal, _ = watch(both(blink_at(1500)), fps=60)
    event = events(signal.reading())[0]
    assert event["onset_ms"] == pytest.approx(1420, abs=20)
    assert event["closed_ms"] == pytest.approx(1500, abs=20)
    assert event["reopened_ms"] == pytest.approx(1580, abs=20)
    assert event["closed_ppm"] == pytest.approx(850_000, abs=60_000)


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_blink_is_known_soon_after_the_eye_opened(fps: float) -> None:
    signal, reported = watch(both(blink_at(1500)), fps=fps)
    assert reported[0] - events(signal.reading())[0]["reopened_ms"] <= 150


def test_blinks_that_follow_at_once_are_counted_one_by_one() -> None:
    signal, _ = watch(both(blink_at(1000, 1260, 1520)), fps=30)
    assert len(events(signal.reading())) == 3


def test_wide_and_narrow_eyes_are_judged_against_themselves() -> None:
    opening = blink_at(1500)

    def scaled(usual: float) -> Callable[[float], Lids]:
        return both(lambda t: usual * opening(t))

    for usual in (0.45, 1.0, 1.6):
        assert len(events(watch(scaled(usual))[0].reading())) == 1


def test_squint_is_no_blink() -> None:
    signal, _ = watch(both(blink_at(1500, half_ms=300, depth=0.4)))
    assert events(signal.reading()) == []


def test_glance_down_is_no_blink() -> None:
    signal, _ = watch(both(lambda t: 0.3 if 1000 < t < 2600 else 1.0))
    assert events(signal.reading()) == []


def test_lids_that_sink_slowly_are_no_blink() -> None:
    signal, _ = watch(both(lambda t: max(0.15, 1.0 - max(0.0, t - 1000) / 700) if t < 1700 else 1.0))
    assert events(signal.reading()) == []


def test_wink_is_counted_apart() -> None:
    opening = blink_at(1500, depth=1.0, half_ms=150)
    signal, _ = watch(lambda t: (opening(t), 0.75 + 0.2 * opening(t)), fps=60)
    assert events(signal.reading()) == []
    assert signal.reading().details["winks"] == 1


def test_uneven_closure_shows_as_asymmetry() -> None:
    opening = blink_at(1500, depth=0.9)
    signal, _ = watch(lambda t: (opening(t), 0.3 + 0.7 * opening(t)), fps=60)
    assert events(signal.reading())[0]["asymmetry_ppm"] == pytest.approx(270_000, abs=60_000)


def test_far_eye_of_a_turned_head_is_left_out() -> None:
    signal = BlinkSignal()
    opening = blink_at(1500)
    for k in range(90):
        t_ms = 1000 * k / 30
        signal.update(observed(t_ms, landmarks(1.0, opening(t_ms)), yaw=40.0))
    assert len(events(signal.reading())) == 1


def test_photograph_turned_by_hand_does_not_blink() -> None:
    for axis in ("squeeze_x", "squeeze_y"):
        signal = BlinkSignal()
        for k in range(150):
            t_ms = 1000 * k / 30
            squeeze = math.cos(math.radians(70) * max(0.0, math.sin(t_ms / 150)))
            signal.update(observed(t_ms, landmarks(1.0, 1.0, **{axis: squeeze})))
        assert events(signal.reading()) == []


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 0.08))
def test_noise_does_not_blink(seed: int, spread: float) -> None:
    noise = np.random.default_rng(seed)
    signal, _ = watch(lambda _: (1 + noise.normal(0, spread), 1 + noise.normal(0, spread)), seconds=6)
    assert events(signal.reading()) == []


def test_closure_across_a_lost_face_is_not_judged() -> None:
    signal = BlinkSignal()
    opening = blink_at(1500)
    for k in range(90):
        t_ms = 1000 * k / 30
        signal.update(observed(t_ms, None if 1400 < t_ms < 1520 else landmarks(opening(t_ms), opening(t_ms))))
    assert events(signal.reading()) == []


def test_no_face_measures_nothing() -> None:
    signal = BlinkSignal()
    signal.update(observed(0.0, None))
    reading = signal.reading()
    assert (reading.outcome, reading.code, reading.score_ppm) == (Outcome.INCONCLUSIVE, "blink.not_measured", None)


def test_short_check_without_blink_shows_nothing_and_a_long_one_fails() -> None:
    short, _ = watch(both(blink_at()), seconds=10, fps=15)
    long, _ = watch(both(blink_at()), seconds=50, fps=15)
    assert short.reading().outcome is Outcome.INCONCLUSIVE
    assert long.reading().outcome is Outcome.FAIL
    assert short.reading().code == long.reading().code == "blink.none_seen"


def test_patience_is_an_option() -> None:
    signal, _ = watch(both(blink_at()), seconds=5, tuning=BlinkTuning(expected_within_ms=4000))
    assert signal.reading().outcome is Outcome.FAIL


def test_lid_threshold_is_an_option() -> None:
    shallow = both(blink_at(1500, depth=0.4))
    assert events(watch(shallow)[0].reading()) == []
    lenient = BlinkTuning(lids=LidTuning(closed=0.75, closed_wider_eye=0.8, least_drop=0.2))
    assert len(events(watch(shallow, tuning=lenient)[0].reading())) == 1


def test_frames_too_far_apart_are_inconclusive() -> None:
    signal, _ = watch(both(blink_at()), fps=5, seconds=60)
    assert signal.reading().code == "blink.too_few_frames"


def test_blinks_as_even_as_a_loop_fail() -> None:
    even, _ = watch(both(blink_at(*range(1000, 15000, 2000))), seconds=16)
    assert (even.reading().outcome, even.reading().code) == (Outcome.FAIL, "blink.too_regular")
    human, _ = watch(both(blink_at(1000, 2200, 5600, 6900, 9800, 14000)), seconds=16)
    assert human.reading().outcome is Outcome.PASS


def test_blinks_faster_than_lids_fail() -> None:
    signal, _ = watch(both(blink_at(1500, half_ms=14, depth=1.0)), fps=240)
    assert (signal.reading().outcome, signal.reading().code) == (Outcome.FAIL, "blink.too_fast")


def test_reading_has_no_floats_and_changes_nothing() -> None:
    signal, _ = watch(both(blink_at(1000, 2300)))
    first = signal.reading()
    assert first.to_json() == signal.reading().to_json()
    assert all(not isinstance(value, float) for value in leaves(first.to_json()))
    assert signal.marks().events["blink"][0]["onset_ms"] > 0
    assert len(signal.marks().traces) == 2


def leaves(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value
