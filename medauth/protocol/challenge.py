"""Steps to perform, what each may come to, and the commitment to them that is published before the first frame.

A step is an action and one of the outcomes that a verifier can tell apart (how far, how often, how long).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from medauth.errors import InputError
from medauth.protocol.canonical import Json, canonical
from medauth.protocol.digits import sequence
from medauth.protocol.light import LightSequence

CHALLENGE_VERSION = 1
LIT_VERSION = 2
"""Of a challenge that holds colours as well; one without is written as it always was."""
SPOKEN_VERSION = 3
"""Of a challenge that holds digits to be said, with colours or without."""
NONCE_BYTES = 32
PAUSE_RANGE_MS = (700, 1900)


class Action(StrEnum):
    """What a person can be asked to do. Left and right are the person's own."""

    BLINK = "blink"
    SMILE = "smile"
    RAISE_BROWS = "raise_brows"
    OPEN_MOUTH = "open_mouth"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    TILT_LEFT = "tilt_left"
    TILT_RIGHT = "tilt_right"
    CLOSER = "closer"
    FARTHER = "farther"
    PROFILE_LEFT = "profile_left"
    PROFILE_RIGHT = "profile_right"
    HAND_ACROSS = "hand_across"
    SAY_DIGITS = "say_digits"


class Unit(StrEnum):
    """What an amount of an action is measured in."""

    TIMES = "times"
    PERCENT = "percent"
    """Of a clearly visible expression; for closer and farther: change of the face's size."""
    DEGREES = "degrees"
    DECIBELS = "decibels"
    """Of a voice over what the room sounds like without it."""


class Category(StrEnum):
    """Families of actions; a policy names those that every challenge must hold."""

    EXPRESSION = "expression"
    BLINK = "blink"
    TURN = "turn"
    OTHER = "other"
    BREAKER = "breaker"
    """What programs that paint a face over another one handle badly. The face may be lost for a moment meanwhile."""
    SPEECH = "speech"
    """What is said. It needs a microphone, and only policies made for it draw it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way of doing an action that cannot be mistaken for another way.

    `low` and `high` bound the accepted amount in the action's unit; `hold_min_ms` and `hold_max_ms` the time for which
    an expression is kept. The target shown to the person is drawn between `target_low` and `target_high`.
    """

    target_low: int
    target_high: int
    low: int
    high: int
    hold_min_ms: int = 0
    hold_max_ms: int = 0


@dataclass(frozen=True, slots=True)
class ActionRule:
    """How an action is measured and drawn.

    `onset` is the amount at which the movement counts as begun. `companions` may come along with it without being a
    wrong gesture: brows go up when the head goes back, a broad smile opens the lips.
    """

    unit: Unit
    category: Category
    onset: float
    companions: frozenset[Action]
    outcomes: tuple[Outcome, ...]
    movement: Action | None = None
    """Which action's amount measures this one, where it has none of its own."""


_BRIEF = Outcome(100, 100, 100, 400, hold_min_ms=150, hold_max_ms=1400)
_HELD = Outcome(100, 100, 100, 400, hold_min_ms=1800, hold_max_ms=6000)
_SLIGHT_TURN = Outcome(15, 19, 12, 23)
_WIDE_TURN = Outcome(32, 38, 27, 60)
_A = Action
_HEAD = frozenset({_A.LOOK_UP, _A.LOOK_DOWN, _A.TILT_LEFT, _A.TILT_RIGHT, _A.CLOSER, _A.FARTHER})
_FACE = frozenset({_A.SMILE, _A.RAISE_BROWS, _A.OPEN_MOUTH})
_WITH_TILT = (_HEAD - {_A.TILT_LEFT, _A.TILT_RIGHT}) | {_A.BLINK, _A.TURN_LEFT, _A.TURN_RIGHT}
_WITH_NOD = (_HEAD - {_A.LOOK_UP, _A.LOOK_DOWN}) | {_A.BLINK} | _FACE
_WITH_STEP = frozenset({_A.BLINK, _A.LOOK_UP, _A.LOOK_DOWN})

RULES: Mapping[Action, ActionRule] = {
    _A.BLINK: ActionRule(
        Unit.TIMES,
        Category.BLINK,
        1,
        frozenset({_A.LOOK_DOWN, _A.RAISE_BROWS}),
        tuple(Outcome(n, n, n, n) for n in (1, 2, 3)),
    ),
    _A.SMILE: ActionRule(
        Unit.PERCENT, Category.EXPRESSION, 60, frozenset({_A.BLINK, _A.OPEN_MOUTH}) | _HEAD, (_BRIEF, _HELD)
    ),
    _A.RAISE_BROWS: ActionRule(
        Unit.PERCENT, Category.EXPRESSION, 60, frozenset({_A.BLINK, _A.OPEN_MOUTH}) | _HEAD, (_BRIEF, _HELD)
    ),
    _A.OPEN_MOUTH: ActionRule(
        Unit.PERCENT, Category.EXPRESSION, 60, frozenset({_A.BLINK, _A.RAISE_BROWS}) | _HEAD, (_BRIEF, _HELD)
    ),
    _A.TURN_LEFT: ActionRule(
        Unit.DEGREES, Category.TURN, 9, frozenset({_A.BLINK}) | _HEAD | _FACE, (_SLIGHT_TURN, _WIDE_TURN)
    ),
    _A.TURN_RIGHT: ActionRule(
        Unit.DEGREES, Category.TURN, 9, frozenset({_A.BLINK}) | _HEAD | _FACE, (_SLIGHT_TURN, _WIDE_TURN)
    ),
    _A.LOOK_UP: ActionRule(Unit.DEGREES, Category.OTHER, 8, _WITH_NOD, (Outcome(14, 18, 11, 40),)),
    _A.LOOK_DOWN: ActionRule(Unit.DEGREES, Category.OTHER, 8, _WITH_NOD, (Outcome(14, 18, 11, 40),)),
    _A.TILT_LEFT: ActionRule(Unit.DEGREES, Category.OTHER, 8, _WITH_TILT, (Outcome(15, 20, 12, 45),)),
    _A.TILT_RIGHT: ActionRule(Unit.DEGREES, Category.OTHER, 8, _WITH_TILT, (Outcome(15, 20, 12, 45),)),
    _A.CLOSER: ActionRule(Unit.PERCENT, Category.OTHER, 9, _WITH_STEP, (Outcome(20, 25, 14, 60),)),
    _A.FARTHER: ActionRule(Unit.PERCENT, Category.OTHER, 9, _WITH_STEP, (Outcome(20, 25, 14, 60),)),
    _A.PROFILE_LEFT: ActionRule(
        Unit.DEGREES,
        Category.BREAKER,
        9,
        frozenset({_A.BLINK, _A.HAND_ACROSS}) | _HEAD | _FACE,
        (Outcome(80, 90, 30, 90),),
        movement=_A.TURN_LEFT,
    ),
    _A.PROFILE_RIGHT: ActionRule(
        Unit.DEGREES,
        Category.BREAKER,
        9,
        frozenset({_A.BLINK, _A.HAND_ACROSS}) | _HEAD | _FACE,
        (Outcome(80, 90, 30, 90),),
        movement=_A.TURN_RIGHT,
    ),
    _A.HAND_ACROSS: ActionRule(
        Unit.PERCENT,
        Category.BREAKER,
        15,
        frozenset({_A.BLINK, _A.TURN_LEFT, _A.TURN_RIGHT}) | _HEAD | _FACE,
        (Outcome(100, 100, 80, 100),),
    ),
    _A.SAY_DIGITS: ActionRule(
        Unit.DECIBELS,
        Category.SPEECH,
        10,
        frozenset(Action) - {_A.SAY_DIGITS},
        (Outcome(10, 10, 10, 100, hold_min_ms=500, hold_max_ms=9_000),),
    ),
}
"""Bands leave a gap between outcomes of one action, so that a measurement error does not turn one into the other."""


def movement_of(action: Action) -> Action:
    """The action whose amount measures this one."""
    return RULES[action].movement or action


def is_breaker(action: Action) -> bool:
    """True for steps in which the face may be out of sight for a moment."""
    return RULES[action].category is Category.BREAKER


def is_spoken(action: Action) -> bool:
    """True for steps that are answered by voice."""
    return RULES[action].category is Category.SPEECH


@dataclass(frozen=True, slots=True)
class Step:
    """One prompt: the action, the target shown, the band that passes, and the pause before it."""

    action: Action
    target: int
    low: int
    high: int
    hold_min_ms: int
    hold_max_ms: int
    pause_ms: int
    digits: str = ""
    """What is to be said, where the step asks for that."""

    def to_json(self) -> dict[str, Json]:
        """All fields, as the commitment binds them; where nothing is to be said, there is no word of it."""
        fields: dict[str, Json] = asdict(self) | {"action": self.action.value}
        if not self.digits:
            del fields["digits"]
        return fields


@dataclass(frozen=True, slots=True)
class Challenge:
    """What one check asks for, known to the server alone until each prompt is due."""

    check_id: str
    steps: tuple[Step, ...]
    nonce: bytes
    scripted: bool = False
    """A rehearsal's challenge: written for a clip, not drawn."""
    light: LightSequence | None = None
    """Colours that the screen is asked to show; None where the policy asks for none."""

    def opening(self) -> dict[str, Json]:
        """What the commitment binds; JSON values only."""
        asked: dict[str, Json] = {"scripted": self.scripted, "steps": [step.to_json() for step in self.steps]}
        if self.light is not None:
            asked["light"] = self.light.to_json()
        unspoken = CHALLENGE_VERSION if self.light is None else LIT_VERSION
        return {
            "version": SPOKEN_VERSION if any(step.digits for step in self.steps) else unspoken,
            "check_id": self.check_id,
            "challenge": asked,
            "nonce": self.nonce.hex(),
        }

    @classmethod
    def from_opening(cls, opening: Mapping[str, Any]) -> Challenge:
        """The inverse of `opening()`, for auditors. Raises `InputError`."""
        try:
            stated = opening["challenge"]
            steps = tuple(Step(**step | {"action": Action(step["action"])}) for step in stated["steps"])
            light = LightSequence.from_json(stated["light"]) if "light" in stated else None
            return cls(opening["check_id"], steps, bytes.fromhex(opening["nonce"]), stated["scripted"], light)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not the opening of a challenge: {error}", expected="check, steps and nonce") from error

    def commitment(self) -> bytes:
        """SHA-256 of the RFC 8785 form of `opening()`."""
        return hashlib.sha256(canonical(self.opening())).digest()


def scripted_step(action: Action, outcome_index: int, *, pause_ms: int) -> Step:
    """A step for a rehearsal: the named outcome of an action, with its mean target."""
    outcome = RULES[action].outcomes[0 if is_spoken(action) else outcome_index]
    return step_done(action, outcome_index, (outcome.target_low + outcome.target_high) // 2, pause_ms)


def step_done(action: Action, way: int, target: int, pause_ms: int) -> Step:
    """A step that asks for one way of doing an action."""
    spoken = is_spoken(action)
    outcome = RULES[action].outcomes[0 if spoken else way]
    digits = sequence(way) if spoken else ""
    held = (outcome.hold_min_ms, outcome.hold_max_ms)
    return Step(action, target, outcome.low, outcome.high, *held, pause_ms, digits)
