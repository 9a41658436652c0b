"""How steps are drawn by a CSPRNG, and how many bits they hold.

Only outcomes that a verifier can tell apart count as entropy: a target inside its tolerance band and the pauses between
steps are drawn too, but an attacker's recording need not match them exactly, so they count nothing.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

from medauth.errors import InputError
from medauth.protocol.challenge import PAUSE_RANGE_MS, RULES, Action, Category, Step, is_spoken, step_done
from medauth.protocol.digits import sequence_count

RandomBelow = Callable[[int], int]
"""Uniform integer in [0, n): `secrets.randbelow` unless a test says otherwise."""
_ALIKE = ((Action.TURN_LEFT, Action.PROFILE_LEFT), (Action.TURN_RIGHT, Action.PROFILE_RIGHT))
"""One movement may pass for either: a wide turn that went far, and back."""
_UNREAD = frozenset({Action.OPEN_MOUTH})
"""Expressions that the emotion cue does not read (`signals/responsiveness.py`). They are drawn like others, and do not meet
what a policy requires: a check that held no other could end in no decision but *inconclusive*, whoever answered it."""
_MOST_TRIES = 10_000
"""Draws until one holds what it must, on the average; more would keep a check from beginning."""


def draw_steps(
    actions: Sequence[Action],
    count: int,
    required: frozenset[Category],
    randbelow: RandomBelow = secrets.randbelow,
) -> tuple[Step, ...]:
    """Draws `count` steps uniformly among all sequences that never repeat an action at once and hold every category of
    `required`. Rejection keeps the draw uniform, so `entropy_bits` is exact. Raises `InputError` when there is no such
    sequence, or too few among all to be met by chance: gestures beside digits, of which there are thousands."""
    there_are = _count_sequences(tuple(actions), count, required)
    if not there_are:
        raise InputError(f"no {count} steps hold {', '.join(sorted(required))}", expected="more steps or actions")
    if sum(map(ways_of, actions)) ** count > _MOST_TRIES * there_are:
        rare = f"{count} steps of which hardly any hold {', '.join(sorted(required))}"
        raise InputError(rare, expected="digits in a policy of their own, as in by-voice")
    while True:
        drawn = [_draw_way(actions, randbelow) for _ in range(count)]
        repeats = any(a[0] is b[0] and not is_spoken(a[0]) for a, b in pairwise(drawn))
        if not repeats and required <= {_meets(action) for action, _ in drawn}:
            return tuple(_draw_step(action, way, randbelow) for action, way in drawn)


def entropy_bits(actions: Sequence[Action], count: int, required: frozenset[Category]) -> float:
    """log2 of the number of sequences `draw_steps` chooses from; 0 when there is none or one.

    Where one movement may pass for two actions, a bit a step is taken off: one recording answers two sequences for each
    such step at most.
    """
    sequences = _count_sequences(tuple(actions), count, required)
    bits = math.log2(sequences) if sequences > 1 else 0.0
    return max(0.0, bits - count) if any(set(pair) <= set(actions) for pair in _ALIKE) else bits


def _meets(action: Action) -> Category:
    """The requirement that an action meets."""
    return Category.OTHER if action in _UNREAD else RULES[action].category


def ways_of(action: Action) -> int:
    """How many ways of doing an action a verifier can tell apart."""
    return sequence_count() if is_spoken(action) else len(RULES[action].outcomes)


@cache
def _count_sequences(actions: tuple[Action, ...], count: int, required: frozenset[Category]) -> int:
    """Counts by the last action and the categories still missing. Digits may follow on digits: they are others."""
    states: dict[tuple[Action | None, frozenset[Category]], int] = {(None, required): 1}
    for _ in range(count):
        following: dict[tuple[Action | None, frozenset[Category]], int] = {}
        for (last, missing), ways in states.items():
            for action in actions:
                if action is last and not is_spoken(action):
                    continue
                key = (action, missing - {_meets(action)})
                following[key] = following.get(key, 0) + ways * ways_of(action)
        states = following
    return sum(ways for (_, missing), ways in states.items() if not missing)


def _draw_way(actions: Sequence[Action], randbelow: RandomBelow) -> tuple[Action, int]:
    """One way of doing one of the actions, each as likely as any other."""
    left = randbelow(sum(map(ways_of, actions)))
    for action in actions:
        if left < ways_of(action):
            return action, left
        left -= ways_of(action)
    raise AssertionError("a number beyond the ways there are")


def _draw_step(action: Action, way: int, randbelow: RandomBelow) -> Step:
    outcome = RULES[action].outcomes[0 if is_spoken(action) else way]
    target = outcome.target_low + randbelow(outcome.target_high - outcome.target_low + 1)
    shortest, longest = PAUSE_RANGE_MS
    return step_done(action, way, target, shortest + randbelow(longest - shortest + 1))
