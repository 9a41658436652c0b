"""The driver against the real ceremony: what it shows is fed as if the mesh saw exactly that."""

from __future__ import annotations

import random as plain_random

import numpy as np
import pytest

from medauth.evaluation.attacks.driver import Driver, performance
from medauth.evaluation.attacks.look import Look
from medauth.protocol.ceremony import Ceremony, Phase, StepOutcome
from medauth.protocol.challenge import RULES, Action, Challenge, scripted_step
from medauth.protocol.observation import Blink, Posture
from medauth.protocol.policy import STANDARD
from medauth.protocol.random_steps import draw_steps

EVERY_MS = 40.0


class Seen:
    """Looks as postures, blinks as they end."""

    def __init__(self) -> None:
        self._shut: tuple[float, float] | None = None

    def posture(self, t_ms: float, look: Look) -> Posture:
        grown = 100 * (look.size - 1)
        amounts = {
            Action.TURN_LEFT: look.yaw, Action.TURN_RIGHT: -look.yaw, Action.LOOK_UP: look.pitch,
            Action.LOOK_DOWN: -look.pitch, Action.TILT_LEFT: look.roll, Action.TILT_RIGHT: -look.roll,
            Action.CLOSER: grown, Action.FARTHER: -grown, Action.SMILE: 100 * look.smile,
            Action.RAISE_BROWS: 100 * look.brows, Action.OPEN_MOUTH: 100 * look.mouth,
        }  # fmt: skip
        return Posture(amounts, self._blinks(t_ms, look.lids))

    def _blinks(self, t_ms: float, lids: float) -> tuple[Blink, ...]:
        if lids > 0.3 and self._shut is None:
            self._shut = (t_ms, t_ms + EVERY_MS)
        elif lids < 0.1 and self._shut is not None:
            blink = Blink(self._shut[0], self._shut[1], t_ms)
            self._shut = None
            return (blink,)
        return ()


def run(seed: int, delay_ms: float = 0.0) -> list[StepOutcome]:
    draws = plain_random.Random(seed)
    steps = draw_steps(STANDARD.actions, STANDARD.steps, frozenset(STANDARD.required), draws.randrange)
    ceremony = Ceremony(Challenge("c", steps, bytes(32)), STANDARD.timing)
    driver, seen, t_ms = Driver(np.random.default_rng(seed), delay_ms=delay_ms), Seen(), 0.0
    while ceremony.phase not in {Phase.DONE, Phase.EXPIRED}:
        look = driver.look_at(t_ms, ceremony.prompt)
        ceremony.advance(t_ms, seen.posture(t_ms, look))
        t_ms += EVERY_MS
    return [result.outcome for result in ceremony.results]


@pytest.mark.parametrize("seed", range(12))
def test_the_driver_answers_any_challenge(seed: int) -> None:
    assert set(run(seed)) == {StepOutcome.ANSWERED}


def test_a_driver_that_is_too_late_answers_nothing() -> None:
    assert StepOutcome.ANSWERED not in run(1, delay_ms=4_000)


@pytest.mark.parametrize("action", STANDARD.actions[1:])
def test_a_performance_begins_and_ends_at_rest_and_reaches_its_amount(action: Action) -> None:
    step = scripted_step(action, len(RULES[action].outcomes) - 1, pause_ms=0)
    done, seen = performance(step), Seen()
    amounts = [seen.posture(t, done.look(t)).amounts[action] for t in np.arange(0, done.length_ms, 20.0)]
    assert amounts[0] == pytest.approx(0, abs=1)
    assert amounts[-1] < RULES[action].onset
    assert step.low <= max(amounts) <= step.high


def test_a_hand_passes_from_side_to_side_and_a_profile_goes_as_far_as_a_photograph_can() -> None:
    across = performance(scripted_step(Action.HAND_ACROSS, 0, pause_ms=0))
    places = [across.look(t).hand for t in np.linspace(0, across.length_ms, 9)]
    assert places == sorted(places, key=lambda place: -2 if place is None else place)
    assert places[0] == -1
    assert places[-1] == 1
    aside = performance(scripted_step(Action.PROFILE_RIGHT, 0, pause_ms=0))
    assert min(aside.look(t).yaw for t in np.arange(0, aside.length_ms, 20.0)) == -62


@pytest.mark.parametrize(("action", "least"), [(Action.SMILE, 0.2), (Action.RAISE_BROWS, 0.5)])
def test_an_expression_opens_the_lips_and_never_as_far_as_an_open_mouth(action: Action, least: float) -> None:
    done = performance(scripted_step(action, 1, pause_ms=0))
    lips = [done.look(t).mouth for t in np.arange(0, done.length_ms, 20.0)]
    assert lips[0] == pytest.approx(0)
    assert least < max(lips) < 1.0


def test_the_lids_of_a_performance_close_as_often_as_asked() -> None:
    for index in range(3):
        done = performance(scripted_step(Action.BLINK, index, pause_ms=0))
        shut = [done.look(t).lids > 0.5 for t in np.arange(0, done.length_ms, 10.0)]
        assert sum(b and not a for a, b in zip([False, *shut], shut, strict=False)) == index + 1
