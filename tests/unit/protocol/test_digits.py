"""Digits to be said: drawn evenly, and answered by a voice in its time, whatever else the face does."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from medauth.protocol.ceremony import StepOutcome, StepResult
from medauth.protocol.challenge import SPOKEN_VERSION, Action, Category, Challenge, scripted_step
from medauth.protocol.digits import COUNT, could_draw, sequence, sequence_count
from medauth.protocol.policy import BY_VOICE, POLICIES
from medauth.protocol.random_steps import draw_steps, entropy_bits
from medauth.protocol.response import challenge_reading
from medauth.protocol.wording import instruction
from tests.unit.protocol.performer import Gesture, Person, Reply, over, run_of

SAY = scripted_step(Action.SAY_DIGITS, 1_234, pause_ms=700)


def said(delay_ms: float, for_ms: float = 2_000, loud: float = 30) -> Reply:
    return lambda person, prompt: person.plan(Gesture(Action.SAY_DIGITS, prompt.shown_ms + delay_ms, loud, for_ms))


def result(reply: Reply) -> StepResult:
    (one,) = run_of(SAY, timing=BY_VOICE.timing).until(over, reply).ceremony.results
    return one


def test_every_number_has_a_sequence_of_its_own_without_a_digit_twice_in_a_row() -> None:
    every = {sequence(number) for number in range(sequence_count())}
    assert len(every) == sequence_count() == 10 * 9**3
    assert all(could_draw(digits) for digits in every)


@pytest.mark.parametrize(
    "digits", ["", "123", "12345", "1123", "12a4", "١٢٣٤", 1234, None, ["1", "2", "3", "4"], "1234\n"]
)
def test_what_nobody_draws_is_no_sequence(digits: object) -> None:
    assert not could_draw(digits)


def test_bits_are_those_of_the_sequences() -> None:
    assert BY_VOICE.entropy_bits() == pytest.approx(2 * math.log2(sequence_count()))
    mixed = entropy_bits((Action.SAY_DIGITS, Action.BLINK), 2, frozenset({Category.SPEECH}))
    # Digits twice, or digits and a blink in either order: no blink twice.
    assert mixed == pytest.approx(math.log2(sequence_count() ** 2 + 2 * 3 * sequence_count()))


def test_digits_are_drawn_as_evenly_as_they_are_counted() -> None:
    asked: list[int] = []

    def last(limit: int) -> int:
        asked.append(limit)
        return limit - 1

    steps = draw_steps((Action.SAY_DIGITS,), 2, frozenset({Category.SPEECH}), last)
    assert [step.digits for step in steps] == ["9898", "9898"]
    assert asked.count(sequence_count()) == 2


def test_only_its_own_policy_draws_it() -> None:
    assert {name for name, policy in POLICIES.items() if policy.spoken} == {"by-voice"}


def test_the_commitment_binds_the_digits_and_a_challenge_without_any_is_written_as_ever() -> None:
    challenge = Challenge("chk_1", (SAY,), bytes(32))
    assert challenge.opening()["version"] == SPOKEN_VERSION
    assert Challenge.from_opening(challenge.opening()) == challenge
    other = Challenge("chk_1", (scripted_step(Action.SAY_DIGITS, 1_235, pause_ms=700),), bytes(32))
    assert other.commitment() != challenge.commitment()
    assert "digits" not in scripted_step(Action.BLINK, 0, pause_ms=700).to_json()


def test_the_person_reads_the_digits_one_by_one() -> None:
    assert instruction(SAY).endswith(": " + " ".join(SAY.digits))
    assert len(SAY.digits) == COUNT


def test_a_voice_in_its_time_answers_and_closes_when_it_has_ended() -> None:
    answered = result(said(900))
    assert answered.outcome is StepOutcome.ANSWERED
    assert answered.to_json()["digits"] == SAY.digits
    assert answered.onset_ms is not None
    assert 3_000 <= answered.closed_ms - answered.onset_ms <= 3_400


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        pytest.param(said(100), StepOutcome.TOO_EARLY, id="before it could be read"),
        pytest.param(said(5_300), StepOutcome.NO_RESPONSE, id="too late"),
        pytest.param(lambda *_: None, StepOutcome.NO_RESPONSE, id="silence"),
        pytest.param(said(900, 400), StepOutcome.WRONG_AMOUNT, id="too short for four digits"),
        pytest.param(said(900, 9_600), StepOutcome.WRONG_AMOUNT, id="without an end"),
    ],
)
def test_a_voice_out_of_its_time_does_not(reply: Reply, outcome: StepOutcome) -> None:
    assert result(reply).outcome is outcome


def test_pauses_between_digits_do_not_end_it() -> None:
    def slowly(person: Person, prompt: object) -> None:
        for number in range(4):
            said(900 + 1_400 * number, 400)(person, prompt)  # type: ignore[arg-type]

    assert result(slowly).outcome is StepOutcome.ANSWERED


def test_a_step_answered_too_early_closes_as_an_answered_one_does() -> None:
    def lasts(reply: Reply) -> float:
        one = result(reply)
        assert one.onset_ms is not None
        return one.closed_ms - one.onset_ms

    assert abs(lasts(said(100)) - lasts(said(900))) <= 70


@pytest.mark.parametrize("action", [Action.OPEN_MOUTH, Action.SMILE, Action.TURN_LEFT, Action.LOOK_DOWN])
def test_whoever_speaks_may_move(action: Action) -> None:
    def moves(person: Person, prompt: object) -> None:
        person.plan(Gesture(action, prompt.shown_ms + 300, 100.0, 2_000))  # type: ignore[attr-defined]
        said(900)(person, prompt)  # type: ignore[arg-type]

    assert result(moves).outcome is StepOutcome.ANSWERED


def test_where_nothing_can_be_heard_nobody_has_failed() -> None:
    def muted(posture: Callable[[float], object]) -> Callable[[float], object]:
        def without(t_ms: float) -> object:
            seen = posture(t_ms)
            seen.amounts.pop(Action.SAY_DIGITS)  # type: ignore[attr-defined]
            return seen

        return without

    run = run_of(SAY, timing=BY_VOICE.timing)
    run.person.posture = muted(run.person.posture)  # type: ignore[method-assign,assignment]
    (one,) = run.until(over, said(900)).ceremony.results
    assert one.outcome is StepOutcome.UNSEEN
    assert "heard" in challenge_reading([one], 1).reason
