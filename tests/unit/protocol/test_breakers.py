"""Steps that painted faces handle badly: far and back, and the face may be out of sight for a moment, there alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from medauth.protocol.ceremony import BRIEFLY_MS, StepOutcome, StepResult
from medauth.protocol.challenge import Action, Category, is_breaker
from medauth.protocol.observation import Prompt
from medauth.protocol.performance import PROFILE_SEEN
from medauth.protocol.policy import POLICIES, policy_named
from medauth.protocol.random_steps import entropy_bits
from tests.unit.protocol.performer import Gesture, Person, Run, over, run_of, step_of

PROFILE, HAND, TURN = step_of(Action.PROFILE_LEFT), step_of(Action.HAND_ACROSS), step_of(Action.TURN_LEFT, 1)


def result(run: Run) -> StepResult:
    (one,) = run.ceremony.results
    return one


def does(action: Action, amount: float, for_ms: float = 900.0) -> Callable[[Person, Prompt], None]:
    return lambda person, prompt: person.plan(Gesture(action, prompt.shown_ms + 500, amount, for_ms))


def lost(run: Run, after_ms: float, for_ms: float) -> Callable[[float], bool]:
    """The face is out of sight from so long after the prompt on."""

    def unseen(t_ms: float) -> bool:
        prompt = run.ceremony.prompt
        return prompt is not None and 0 <= t_ms - prompt.shown_ms - after_ms < for_ms

    return unseen


def test_a_look_to_profile_that_the_mesh_follows_is_answered_when_it_comes_back() -> None:
    answer = result(run_of(PROFILE).until(over, does(Action.TURN_LEFT, PROFILE_SEEN + 5)))
    assert (answer.outcome, answer.gesture) == (StepOutcome.ANSWERED, Action.PROFILE_LEFT)
    assert answer.measured is not None
    assert answer.measured.amount == PROFILE_SEEN + 5


def test_a_face_lost_on_its_way_out_was_in_profile() -> None:
    run = run_of(PROFILE)
    answer = result(run.until(over, does(Action.TURN_LEFT, 35, 1_200), unseen=lost(run, 800, 700)))
    assert answer.outcome is StepOutcome.ANSWERED


def test_a_turn_that_stops_short_of_profile_is_none() -> None:
    assert result(run_of(PROFILE).until(over, does(Action.TURN_LEFT, 35))).outcome is StepOutcome.WRONG_AMOUNT


def test_a_face_that_leaves_without_turning_is_not_in_profile() -> None:
    run = run_of(PROFILE)
    answer = result(run.until(over, does(Action.TURN_LEFT, 20, 1_200), unseen=lost(run, 800, 700)))
    assert answer.outcome is StepOutcome.WRONG_AMOUNT


def test_who_stays_in_profile_has_not_come_back() -> None:
    answer = result(run_of(PROFILE).until(over, does(Action.TURN_LEFT, 60, 20_000)))
    assert answer.outcome is StepOutcome.WRONG_AMOUNT


def test_the_other_side_is_a_wrong_gesture() -> None:
    answer = result(run_of(PROFILE).until(over, does(Action.TURN_RIGHT, 60)))
    assert answer.outcome is StepOutcome.WRONG_GESTURE


@pytest.mark.parametrize(("for_ms", "outcome"), [(800, StepOutcome.ANSWERED), (6_000, StepOutcome.UNSEEN)])
def test_a_face_may_be_out_of_sight_for_a_moment_and_no_longer(for_ms: float, outcome: StepOutcome) -> None:
    assert 800 < BRIEFLY_MS < 6_000
    run = run_of(PROFILE)
    answer = result(run.until(over, does(Action.TURN_LEFT, 60, for_ms + 400), unseen=lost(run, 600, for_ms)))
    assert answer.outcome is outcome


def test_no_other_step_lets_a_face_out_of_sight() -> None:
    """The same turn, hidden for the same time."""
    hidden = 800
    run = run_of(TURN)
    answer = result(run.until(over, does(Action.TURN_LEFT, 35, 900), unseen=lost(run, 300, hidden)))
    assert answer.outcome is StepOutcome.UNSEEN


def test_frames_that_do_not_come_excuse_nothing() -> None:
    run = run_of(PROFILE)
    answer = result(run.until(over, does(Action.TURN_LEFT, 35, 1_200), frame_ms=450))
    assert answer.outcome is StepOutcome.UNSEEN


def test_a_hand_must_cross_and_leave() -> None:
    assert result(run_of(HAND).until(over, does(Action.HAND_ACROSS, 100))).outcome is StepOutcome.ANSWERED
    assert result(run_of(HAND).until(over, does(Action.HAND_ACROSS, 50))).outcome is StepOutcome.WRONG_AMOUNT
    stays = result(run_of(HAND).until(over, does(Action.HAND_ACROSS, 100, 20_000)))
    assert stays.outcome is StepOutcome.WRONG_AMOUNT


def test_a_hand_before_the_face_answers_nothing_else() -> None:
    assert result(run_of(TURN).until(over, does(Action.HAND_ACROSS, 100))).outcome is StepOutcome.WRONG_GESTURE


def test_strict_alone_asks_for_them() -> None:
    assert Category.BREAKER in policy_named("strict").required
    others = [policy for policy in POLICIES.values() if policy.name != "strict"]
    assert not any(is_breaker(action) for policy in others for action in policy.actions)


def test_bits_are_taken_off_where_one_movement_passes_for_two_actions() -> None:
    turns, both = (Action.TURN_LEFT, Action.BLINK), (Action.TURN_LEFT, Action.PROFILE_LEFT, Action.BLINK)
    apart = (Action.TURN_LEFT, Action.PROFILE_RIGHT, Action.BLINK)
    assert entropy_bits(both, 6, frozenset()) == pytest.approx(entropy_bits(apart, 6, frozenset()) - 6)
    assert entropy_bits(both, 6, frozenset()) < entropy_bits(turns, 6, frozenset()) + 6


def test_what_the_mesh_makes_of_a_face_under_a_hand_is_no_gesture() -> None:
    def raises_and_smiles(person: Person, prompt: Prompt) -> None:
        person.plan(
            Gesture(Action.SMILE, prompt.shown_ms + 400, 150), Gesture(Action.TURN_LEFT, prompt.shown_ms + 400, 30)
        )
        person.plan(Gesture(Action.HAND_ACROSS, prompt.shown_ms + 900, 100))

    assert result(run_of(HAND).until(over, raises_and_smiles)).outcome is StepOutcome.ANSWERED
