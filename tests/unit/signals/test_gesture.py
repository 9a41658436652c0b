"""Amounts against the person's own face at rest, on synthetic heads."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medauth.protocol.challenge import RULES, Action, Challenge, scripted_step
from medauth.protocol.observation import FaceTrack, Pose, Prompt
from medauth.protocol.reading import Outcome
from medauth.signals.expression_shape import CLEAR_BROWS, CLEAR_OPENING, CLEAR_SMILE
from medauth.signals.gesture import GestureSignal
from medauth.signals.interface import Postures
from tests.unit.signals.heads import FRONT, observed, track

STEP = scripted_step(Action.SMILE, 0, pause_ms=700)
CHALLENGE = Challenge("chk", (STEP,), bytes(32))
PROMPT = Prompt(0, STEP, 0.0)
FPS = 30.0
Scene = Callable[[float], FaceTrack | None]


def watch(signal: GestureSignal, scene: Scene, start_s: float, end_s: float, *, prompted: bool = False) -> None:
    for n in range(round(start_s * FPS), round(end_s * FPS)):
        t_ms = 1000 * n / FPS
        signal.update(observed(t_ms, scene(t_ms), PROMPT if prompted else None))


def at_rest(pose: Pose = FRONT) -> GestureSignal:
    signal = GestureSignal()
    signal.start(CHALLENGE)
    watch(signal, lambda _: track(pose), 0, 1)
    return signal


def shown(signal: GestureSignal, seen: FaceTrack, seconds: float = 0.5) -> dict[str, float]:
    watch(signal, lambda _: seen, 1, 1 + seconds, prompted=True)
    return dict(signal.amounts())


def begun(amounts: Iterable[tuple[str, float]]) -> set[str]:
    return {name for name, amount in amounts if amount >= RULES[Action(name)].onset}


ELSEWHERE = {"profile_left", "profile_right", "hand_across", "say_digits"}
"""Measured as turns, or by another signal."""


def test_a_voice_leaves_no_trace_among_gestures() -> None:
    assert "say_digits" not in {trace.name for trace in GestureSignal().marks().traces}


def test_nothing_is_measured_before_rest_is_known():
    signal = GestureSignal()
    signal.start(CHALLENGE)
    watch(signal, lambda _: track(), 0, 0.5)
    assert signal.amounts() == {}
    watch(signal, lambda _: track(), 0.5, 0.75)
    assert set(signal.amounts()) == {a.value for a in Action if a is not Action.BLINK and a.value not in ELSEWHERE}
    assert isinstance(signal, Postures)


@pytest.mark.parametrize(
    ("action", "seen", "amount"),
    [
        (Action.SMILE, track(smile=CLEAR_SMILE), 100),
        (Action.RAISE_BROWS, track(brows=CLEAR_BROWS), 100),
        (Action.OPEN_MOUTH, track(opening=CLEAR_OPENING), 100),
        (Action.TURN_LEFT, track(Pose(17, 0, 0)), 17),
        (Action.TURN_RIGHT, track(Pose(-35, 0, 0)), 35),
        (Action.LOOK_UP, track(Pose(0, 16, 0)), 16),
        (Action.LOOK_DOWN, track(Pose(0, -16, 0)), 16),
        (Action.TILT_LEFT, track(Pose(0, 0, 18)), 18),
        (Action.TILT_RIGHT, track(Pose(0, 0, -18)), 18),
        (Action.CLOSER, track(size_px=98), 22.5),
        (Action.FARTHER, track(size_px=62), 22.5),
    ],
)
def test_each_action_is_measured_in_its_unit_and_alone(action, seen, amount):
    amounts = shown(at_rest(), seen)
    assert amounts[action.value] == pytest.approx(amount, rel=0.03)
    assert begun(amounts.items()) == {action.value}


@settings(max_examples=30)
@given(st.floats(-28, 28), st.floats(-20, 20), st.floats(-30, 30), st.floats(50, 160))
def test_no_movement_of_the_head_is_an_expression(yaw, pitch, roll, size_px):
    amounts = shown(at_rest(), track(Pose(yaw, pitch, roll), size_px), 0.2)
    for action in (Action.SMILE, Action.RAISE_BROWS, Action.OPEN_MOUTH):
        assert abs(amounts[action.value]) < 5


def test_a_smile_is_seen_on_a_turned_head_and_not_guessed_in_profile():
    signal = at_rest()
    amounts = shown(signal, track(Pose(20, 0, 0), smile=CLEAR_SMILE))
    assert amounts["smile"] == pytest.approx(100, rel=0.05)
    watch(signal, lambda _: track(Pose(40, 0, 0)), 1.5, 1.6)
    assert "smile" not in signal.amounts()
    assert signal.amounts()["turn_left"] == pytest.approx(40, rel=0.02)


def test_amounts_are_relative_to_where_the_person_looks_at_rest():
    amounts = shown(at_rest(Pose(8, -6, 5)), track(Pose(25, -6, 5)))
    assert amounts["turn_left"] == pytest.approx(17, abs=0.5)
    assert abs(amounts["look_up"]) < 1


def test_an_onset_is_seen_within_two_frames():
    signal = at_rest()
    watch(signal, lambda _: track(smile=CLEAR_SMILE), 1, 1 + 2 / FPS, prompted=True)
    assert signal.amounts()["smile"] >= RULES[Action.SMILE].onset


def test_a_held_smile_does_not_become_the_new_rest():
    signal = at_rest()
    watch(signal, lambda _: track(smile=CLEAR_SMILE), 1, 7, prompted=True)
    assert signal.amounts()["smile"] == pytest.approx(100, abs=2)


def test_a_posture_kept_while_nothing_is_asked_becomes_rest():
    signal = at_rest()
    watch(signal, lambda _: track(Pose(14, 0, 0)), 1, 2)
    assert signal.amounts()["turn_left"] == pytest.approx(14, abs=0.5)
    watch(signal, lambda _: track(Pose(14, 0, 0)), 2, 4)
    assert abs(signal.amounts()["turn_left"]) < 1


def test_in_an_analysis_nothing_becomes_rest_by_itself():
    signal = GestureSignal()
    signal.start(None)
    watch(signal, lambda _: track(), 0, 1)
    watch(signal, lambda _: track(Pose(14, 0, 0)), 1, 5)
    assert signal.amounts()["turn_left"] == pytest.approx(14, abs=0.5)


def test_rest_waits_for_a_face_that_is_still():
    signal = GestureSignal()
    signal.start(CHALLENGE)
    watch(signal, lambda t: track(Pose(t / 50, 0, 0)), 0, 1)
    assert signal.amounts() == {}
    watch(signal, lambda _: track(Pose(10, 0, 0)), 1, 2)
    assert abs(signal.amounts()["turn_left"]) < 1


def test_a_face_that_never_rests_is_measured_after_all():
    signal = GestureSignal()
    signal.start(CHALLENGE)
    watch(signal, lambda t: track(Pose(10 if (t // 100) % 2 else -10, 0, 0)), 0, 4)
    assert signal.amounts()


def test_a_mouth_open_from_the_start_is_no_rest():
    signal = GestureSignal()
    signal.start(CHALLENGE)
    watch(signal, lambda _: track(opening=0.3), 0, 4)
    assert signal.amounts()["open_mouth"] == pytest.approx(100, abs=5)


def test_a_lost_face_measures_nothing_and_smoothing_starts_anew():
    signal = at_rest()
    watch(signal, lambda _: track(smile=CLEAR_SMILE), 1, 1.5, prompted=True)
    watch(signal, lambda _: None, 1.5, 2.5, prompted=True)
    assert signal.amounts() == {}
    watch(signal, lambda _: track(), 2.5, 2.5 + 1 / FPS, prompted=True)
    assert abs(signal.amounts()["smile"]) < 1


def test_the_reading_says_how_well_measuring_worked():
    signal = GestureSignal()
    signal.start(CHALLENGE)
    assert signal.reading().code == "gesture.no_neutral"
    signal = at_rest()
    watch(signal, lambda _: track(), 1, 3)
    good = signal.reading()
    assert (good.outcome, good.code) == (Outcome.PASS, "gesture.measured")
    watch(signal, lambda _: None, 3, 9)
    assert signal.reading().code == "gesture.too_few_frames"


def test_traces_name_one_of_each_pair():
    signal = at_rest()
    traces = {trace.name: trace for trace in signal.marks().traces}
    assert set(traces) == {
        "smile", "raise_brows", "open_mouth", "turn_left", "look_up", "tilt_left", "closer",
    }  # fmt: skip
    assert len(traces["smile"].times_ms) == len(traces["smile"].values) > 0


def test_rest_that_was_taken_from_a_smile_is_taken_anew():
    """Whoever smiles from the first frame on, relaxes and is asked to smile then shows a whole smile."""
    signal = GestureSignal()
    signal.start(CHALLENGE)
    watch(signal, lambda _: track(smile=CLEAR_SMILE), 0, 2)
    assert abs(signal.amounts()["smile"]) < 2
    watch(signal, lambda _: track(), 2, 3)
    assert signal.amounts()["smile"] < -90
    watch(signal, lambda _: track(), 3, 4.5)
    assert abs(signal.amounts()["smile"]) < 5
    watch(signal, lambda _: track(smile=CLEAR_SMILE), 4.5, 5.5, prompted=True)
    assert signal.amounts()["smile"] == pytest.approx(100, abs=6)
