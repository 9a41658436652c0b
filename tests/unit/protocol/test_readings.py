"""The two readings that need no model, the challenge's own, and readings as JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medauth.errors import InputError
from medauth.protocol.canonical import canonical, parse_object
from medauth.protocol.ceremony import StepOutcome, StepResult
from medauth.protocol.challenge import Action
from medauth.protocol.coverage import Coverage
from medauth.protocol.observation import HINTS, CaptureProblem, FaceQuality, FaceTrack, Frame, Observation, Pose
from medauth.protocol.policy import STANDARD
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.protocol.response import challenge_reading
from tests.unit.protocol.performer import step_of

TRACK = FaceTrack(np.zeros((478, 3), np.float32), Pose(0, 0, 0), FaceQuality(90, 100, 120))
IMAGE = np.zeros((2, 2, 3), np.uint8)


def covered(*problems: CaptureProblem | None, fps: float = 30) -> Coverage:
    coverage = Coverage()
    for index, problem in enumerate(problems):
        frame = Frame(index, index * 1_000 / fps, b"", bytes(32), IMAGE)
        coverage.add(Observation(frame, None if problem else TRACK, problem, None))
    return coverage


def test_a_face_in_clear_view_passes() -> None:
    capture, faces = covered(*[None] * 60).readings(STANDARD)
    assert (capture.outcome, capture.code, capture.score_ppm) == (Outcome.PASS, "capture.clear", 1_000_000)
    assert (faces.outcome, faces.code) == (Outcome.PASS, "faces.one")
    assert capture.details == {"frames": 60, "judged": 60, "fps_milli": 30_000, "problems": {}}


def test_no_frame_is_inconclusive_without_a_score() -> None:
    capture, faces = Coverage().readings(STANDARD)
    assert (capture.outcome, capture.code, capture.score_ppm) == (Outcome.INCONCLUSIVE, "capture.no_frames", None)
    assert (faces.outcome, faces.code, faces.score_ppm) == (Outcome.INCONCLUSIVE, "faces.none", None)


@pytest.mark.parametrize("problem", list(CaptureProblem))
def test_each_problem_has_its_own_code_and_hint(problem: CaptureProblem) -> None:
    capture, _ = covered(*[None] * 30, *[problem] * 20).readings(STANDARD)
    assert (capture.outcome, capture.code) == (Outcome.INCONCLUSIVE, f"capture.{problem.value}")
    assert HINTS[problem] in capture.reason


@pytest.mark.parametrize(("unseen", "outcome"), [(10, Outcome.PASS), (11, Outcome.INCONCLUSIVE)])
def test_the_policy_sets_the_share_of_frames_that_must_be_judged(unseen: int, outcome: Outcome) -> None:
    coverage = covered(*[None] * (50 - unseen), *[CaptureProblem.NO_FACE] * unseen)
    assert coverage.readings(STANDARD)[0].outcome is outcome
    assert coverage.readings(replace(STANDARD, min_judged_ppm=0))[0].outcome is Outcome.PASS
    assert coverage.readings(replace(STANDARD, min_judged_ppm=1_000_000))[0].outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("fps", "outcome"), [(10, Outcome.PASS), (9.9, Outcome.INCONCLUSIVE)])
def test_the_policy_sets_the_least_frame_rate(fps: float, outcome: Outcome) -> None:
    capture, _ = covered(*[None] * 50, fps=fps).readings(STANDARD)
    assert capture.outcome is outcome
    if outcome is Outcome.INCONCLUSIVE:
        assert capture.code == "capture.too_few_frames"
    assert covered(*[None] * 50, fps=fps).readings(replace(STANDARD, min_fps=11))[0].outcome is Outcome.INCONCLUSIVE


def test_one_frame_is_too_few() -> None:
    assert covered(None).readings(STANDARD)[0].code == "capture.too_few_frames"


@pytest.mark.parametrize(("frames", "outcome"), [(11, Outcome.PASS), (13, Outcome.FAIL)])
def test_a_second_person_in_view_denies_after_four_tenths_of_a_second(frames: int, outcome: Outcome) -> None:
    coverage = covered(*[None] * 90, *[CaptureProblem.SEVERAL_FACES] * frames, *[None] * 10)
    faces = coverage.readings(STANDARD)[1]
    assert faces.outcome is outcome
    assert faces.code == ("faces.several" if outcome is Outcome.FAIL else "faces.one")


def test_glimpses_of_a_second_face_deny_only_when_they_add_up() -> None:
    """The detector looks four times a second: a single false look is a quarter of a second."""
    glimpse = [*[CaptureProblem.SEVERAL_FACES] * 8, *[None] * 10]
    for count, outcome in ((8, Outcome.PASS), (14, Outcome.FAIL)):
        assert covered(*glimpse * count).readings(STANDARD)[1].outcome is outcome


def result(index: int, outcome: StepOutcome) -> StepResult:
    return StepResult(index, step_of(Action.SMILE), outcome, 1_000 * index)


def test_the_challenge_passes_when_every_step_was_answered() -> None:
    reading = challenge_reading([result(n, StepOutcome.ANSWERED) for n in range(3)], 3)
    assert (reading.outcome, reading.code, reading.score_ppm) == (Outcome.PASS, "challenge.answered", 1_000_000)


FAULTS = {
    StepOutcome.NO_RESPONSE: Outcome.FAIL,
    StepOutcome.TOO_EARLY: Outcome.FAIL,
    StepOutcome.WRONG_GESTURE: Outcome.FAIL,
    StepOutcome.WRONG_AMOUNT: Outcome.FAIL,
    StepOutcome.UNSEEN: Outcome.INCONCLUSIVE,
    StepOutcome.NOT_RELAXED: Outcome.INCONCLUSIVE,
}


@pytest.mark.parametrize("outcome", list(FAULTS))
def test_one_step_that_was_not_answered_names_itself(outcome: StepOutcome) -> None:
    steps = [result(0, StepOutcome.ANSWERED), result(1, outcome), result(2, StepOutcome.ANSWERED)]
    reading = challenge_reading(steps, 3)
    assert (reading.outcome, reading.code) == (FAULTS[outcome], f"challenge.{outcome.value}")
    assert "Step 2 (smile)" in reading.reason
    assert reading.score_ppm == 666_667


def test_every_way_a_step_can_end_is_judged() -> None:
    assert set(FAULTS) | {StepOutcome.ANSWERED} == set(StepOutcome)


def test_a_wrong_step_weighs_more_than_an_unseen_one() -> None:
    steps = [result(0, StepOutcome.UNSEEN), result(1, StepOutcome.WRONG_GESTURE)]
    assert challenge_reading(steps, 2).outcome is Outcome.FAIL


@pytest.mark.parametrize("answered", [0, 2])
def test_steps_that_were_never_reached_are_no_pass(answered: int) -> None:
    reading = challenge_reading([result(n, StepOutcome.ANSWERED) for n in range(answered)], 3)
    assert (reading.outcome, reading.code) == (Outcome.INCONCLUSIVE, "challenge.unfinished")
    assert (reading.score_ppm is None) == (answered == 0)


def test_a_challenge_without_steps_is_no_pass() -> None:
    assert challenge_reading([], 0).outcome is Outcome.INCONCLUSIVE


def test_a_check_that_outlived_its_time_is_no_pass_and_no_excuse() -> None:
    answered = [result(n, StepOutcome.ANSWERED) for n in range(3)]
    late = challenge_reading(answered, 3, expired=True)
    assert (late.outcome, late.code) == (Outcome.INCONCLUSIVE, "challenge.expired")
    wrong = challenge_reading([*answered[:2], result(2, StepOutcome.WRONG_GESTURE)], 3, expired=True)
    assert wrong.outcome is Outcome.FAIL


def test_a_reading_comes_back_from_json() -> None:
    reading = SignalReading("blink", Outcome.PASS, "blink.seen", "Blinks.", None, {"count": 3, "at": [1, 2]})
    assert SignalReading.from_json(parse_object(canonical(reading.to_json()))) == reading


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"signal": "a"},
        SignalReading("a", Outcome.PASS, "a.b", "c").to_json() | {"outcome": "maybe"},
        [1],
        None,
        "x",
    ],
    ids=str,
)
def test_what_is_no_reading_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        SignalReading.from_json(value)


@pytest.mark.parametrize(("value", "ppm"), [(0.0, 0), (0.5, 500_000), (1.0, 1_000_000), (-3.0, 0), (7.0, 1_000_000)])
def test_a_fraction_becomes_millionths(value: float, ppm: int) -> None:
    assert to_ppm(value) == ppm
