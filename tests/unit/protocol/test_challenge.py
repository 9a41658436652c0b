"""Steps nobody can foresee: how many there are, how evenly they are drawn, and what they are committed to by."""

from __future__ import annotations

import hashlib
import json
import math
import random
import secrets
from collections import Counter
from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import InputError
from medauth.protocol.canonical import canonical
from medauth.protocol.challenge import (
    PAUSE_RANGE_MS,
    RULES,
    Action,
    Category,
    Challenge,
    Outcome,
    is_spoken,
    scripted_step,
)
from medauth.protocol.random_steps import draw_steps, entropy_bits

GESTURES = tuple(action for action in Action if not is_spoken(action))
WITH_MOUTH = (Action.BLINK, Action.SMILE, Action.TURN_LEFT, Action.OPEN_MOUTH)
SMALL = (Action.BLINK, Action.SMILE, Action.TURN_LEFT)
NONE: frozenset[Category] = frozenset()
BOTH = frozenset({Category.BLINK, Category.EXPRESSION})

Drawn = tuple[tuple[Action, Outcome], ...]


def sequences(actions: tuple[Action, ...], count: int, required: frozenset[Category]) -> list[Drawn]:
    """All sequences by the definition, one by one."""
    options = [(action, outcome) for action in actions for outcome in RULES[action].outcomes]
    return [
        drawn
        for drawn in product(options, repeat=count)
        if not any(a[0] is b[0] for a, b in pairwise(drawn))
        and required <= {RULES[action].category for action, _ in drawn if action is not Action.OPEN_MOUTH}
    ]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("required", [NONE, frozenset({Category.TURN}), BOTH], ids=lambda r: "+".join(sorted(r)) or "-")
@pytest.mark.parametrize("actions", [SMALL, (Action.BLINK, Action.LOOK_UP), (Action.SMILE,), WITH_MOUTH], ids=len)
def test_entropy_is_the_number_of_sequences(
    actions: tuple[Action, ...], count: int, required: frozenset[Category]
) -> None:
    there_are = len(sequences(actions, count, required))
    assert entropy_bits(actions, count, required) == (math.log2(there_are) if there_are > 1 else 0)


def test_every_sequence_is_drawn_equally_often() -> None:
    """Chi-square at p = 0.001 with a fixed seed: a skewed draw lies far beyond."""
    there_are = sequences(SMALL, 3, BOTH)
    draw, rounds = random.Random(7), 60
    seen: Counter[tuple[tuple[Action, int, int], ...]] = Counter()
    for _ in range(rounds * len(there_are)):
        steps = draw_steps(SMALL, 3, BOTH, draw.randrange)
        seen[tuple((step.action, step.low, step.hold_min_ms) for step in steps)] += 1
    keys = {tuple((action, o.low, o.hold_min_ms) for action, o in drawn) for drawn in there_are}
    assert set(seen) == keys
    freedom = len(keys) - 1
    chi_square = sum((seen[key] - rounds) ** 2 / rounds for key in keys)
    limit = freedom * (1 - 2 / (9 * freedom) + 3.09 * math.sqrt(2 / (9 * freedom))) ** 3  # Wilson-Hilferty
    assert chi_square < limit


def test_steps_never_repeat_at_once_and_hold_every_required_family() -> None:
    draw = random.Random(1)
    required = frozenset({Category.EXPRESSION, Category.BLINK, Category.TURN})
    for _ in range(200):
        steps = draw_steps(GESTURES, 6, required, draw.randrange)
        assert len(steps) == 6
        assert not any(a.action is b.action for a, b in pairwise(steps))
        assert required <= {RULES[step.action].category for step in steps}


def test_gestures_among_thousands_of_digits_are_refused_and_not_waited_for() -> None:
    with pytest.raises(InputError, match="hardly any"):
        draw_steps(tuple(Action), 6, BOTH)
    assert any(step.digits for step in draw_steps((Action.BLINK, Action.SAY_DIGITS), 2, frozenset({Category.SPEECH})))


def test_targets_and_pauses_stay_in_their_ranges_and_reach_both_ends() -> None:
    draw = random.Random(2)
    steps = [step for _ in range(400) for step in draw_steps(SMALL, 6, NONE, draw.randrange)]
    wide = {step.target for step in steps if step.low == 27}
    assert wide == set(range(32, 39))
    pauses = [step.pause_ms for step in steps]
    assert PAUSE_RANGE_MS[0] <= min(pauses) < PAUSE_RANGE_MS[0] + 25
    assert PAUSE_RANGE_MS[1] - 25 < max(pauses) <= PAUSE_RANGE_MS[1]


def test_without_a_source_of_its_own_the_draw_is_fresh_each_time() -> None:
    assert len({draw_steps(GESTURES, 6, NONE) for _ in range(20)}) == 20
    assert draw_steps.__defaults__ == (secrets.randbelow,)


@pytest.mark.parametrize(
    ("actions", "count", "required"),
    [((), 1, NONE), ((Action.BLINK,), 2, NONE), ((Action.BLINK,), 1, BOTH), (SMALL, 1, BOTH)],
)
def test_a_draw_that_cannot_succeed_is_refused_instead_of_tried_for_ever(
    actions: tuple[Action, ...], count: int, required: frozenset[Category]
) -> None:
    with pytest.raises(InputError):
        draw_steps(actions, count, required)
    assert entropy_bits(actions, count, required) == 0


@pytest.mark.parametrize("action", list(Action))
def test_outcomes_of_an_action_cannot_be_mistaken_for_one_another(action: Action) -> None:
    """Entropy counts them as different, so their accepted bands or hold times must lie apart."""
    for one, other in pairwise(sorted(RULES[action].outcomes, key=lambda o: (o.low, o.hold_min_ms))):
        assert one.high < other.low or one.hold_max_ms < other.hold_min_ms


@pytest.mark.parametrize("action", list(Action))
def test_what_is_shown_lies_in_the_accepted_band_and_needs_an_onset(action: Action) -> None:
    for outcome in RULES[action].outcomes:
        assert outcome.low <= outcome.target_low <= outcome.target_high <= outcome.high
        assert outcome.low >= RULES[action].onset


def test_no_action_is_a_companion_of_its_opposite() -> None:
    opposites = [
        (Action.TURN_LEFT, Action.TURN_RIGHT),
        (Action.LOOK_UP, Action.LOOK_DOWN),
        (Action.TILT_LEFT, Action.TILT_RIGHT),
        (Action.CLOSER, Action.FARTHER),
    ]
    for one, other in opposites:
        assert other not in RULES[one].companions
        assert one not in RULES[other].companions


def challenge(**changes: object) -> Challenge:
    steps = (scripted_step(Action.BLINK, 1, pause_ms=800), scripted_step(Action.TURN_LEFT, 0, pause_ms=900))
    return replace(Challenge("chk_1", steps, bytes(32)), **changes)  # type: ignore[arg-type]


def test_the_commitment_is_the_digest_of_what_is_revealed_later() -> None:
    opening = challenge().opening()
    assert hashlib.sha256(canonical(opening)).digest() == challenge().commitment()
    assert json.loads(canonical(opening)) == {
        "version": 1,
        "check_id": "chk_1",
        "challenge": {
            "scripted": False,
            "steps": [
                {
                    "action": "blink",
                    "target": 2,
                    "low": 2,
                    "high": 2,
                    "hold_min_ms": 0,
                    "hold_max_ms": 0,
                    "pause_ms": 800,
                },
                {
                    "action": "turn_left",
                    "target": 17,
                    "low": 12,
                    "high": 23,
                    "hold_min_ms": 0,
                    "hold_max_ms": 0,
                    "pause_ms": 900,
                },
            ],
        },
        "nonce": "00" * 32,
    }


STEP_FIELDS = ["target", "low", "high", "hold_min_ms", "hold_max_ms", "pause_ms"]


@pytest.mark.parametrize("field", STEP_FIELDS)
def test_the_commitment_binds_every_field_of_every_step(field: str) -> None:
    first, second = challenge().steps
    changed = replace(second, **{field: getattr(second, field) + 1})
    assert challenge(steps=(first, changed)).commitment() != challenge().commitment()


@given(st.binary(min_size=32, max_size=32).filter(any))
def test_the_commitment_hides_behind_its_nonce(nonce: bytes) -> None:
    assert challenge(nonce=nonce).commitment() != challenge().commitment()


@pytest.mark.parametrize(
    "changes", [{"check_id": "chk_2"}, {"scripted": True}, {"steps": challenge().steps[::-1]}, {"steps": ()}], ids=str
)
def test_the_commitment_binds_check_kind_and_order(changes: dict[str, object]) -> None:
    assert challenge(**changes).commitment() != challenge().commitment()
