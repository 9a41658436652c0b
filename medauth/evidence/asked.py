"""What was asked and what came, judged again from a statement alone.

The ceremony decided on postures that are gone; what is left of them are whole numbers, which must tell the same story:
each step is the one committed to, was shown after the one before it had closed, and counts as answered only if its
gesture came in its window and within its bounds. Times were rounded to milliseconds, so one is granted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from medauth.errors import EvidenceError
from medauth.protocol.ceremony import StepOutcome
from medauth.protocol.challenge import (
    CHALLENGE_VERSION,
    LIT_VERSION,
    NONCE_BYTES,
    RULES,
    SPOKEN_VERSION,
    Action,
    is_spoken,
)
from medauth.protocol.digits import could_draw
from medauth.protocol.policy import Policy, Timing
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.response import EXPIRED, SIGNAL

ROUNDING_MS = 1
_NONCE = re.compile(rf"[0-9a-f]{{{2 * NONCE_BYTES}}}")
"""A shorter one could be tried out: whoever saw the commitment before the first frame would know the steps."""


def same(one: object, other: object) -> bool:
    """Equal as JSON. To Python true is 1; what a signed statement says must not depend on the language that reads it."""
    return one == other and repr(one) == repr(other)


def require_committed(statement: Mapping[str, Any]) -> int:
    """Every step is the one in the opening of this check's challenge; returns how many were asked."""
    opening, steps = statement["challenge"]["opening"], statement["steps"]
    check_id, version = opening["check_id"], _version(opening["challenge"])
    if not isinstance(check_id, str) or not same((opening["version"], check_id), (version, statement["check"]["id"])):
        raise EvidenceError("a challenge of another check", expected=str(statement["check"]["id"]))
    nonce = opening["nonce"]
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        raise EvidenceError(f"a nonce of {len(str(nonce)) // 2} bytes", expected=f"{NONCE_BYTES} bytes in hexadecimal")
    planned = opening["challenge"]["steps"]
    if type(steps) is not list or type(planned) is not list:
        raise EvidenceError("steps that are no list", expected="one entry a step")
    if len(steps) > len(planned):
        raise EvidenceError(f"{len(steps)} steps were closed", expected=f"at most the {len(planned)} asked")
    for position, (step, plan) in enumerate(zip(steps, planned, strict=False)):
        if not same((step["index"], *_asked(step)), (position, *_planned(plan))):
            raise EvidenceError(f"step {position} is not the one committed to", expected=str(plan["action"]))
    return len(planned)


def _version(asked: Mapping[str, Any]) -> int:
    if any("digits" in plan for plan in asked["steps"]):
        return SPOKEN_VERSION
    return LIT_VERSION if "light" in asked else CHALLENGE_VERSION


def require_answers(statement: Mapping[str, Any], policy: Policy, readings: Sequence[SignalReading]) -> None:
    """Steps follow on one another, answers keep to windows and bounds, and the challenge's reading follows from them."""
    opening, steps = statement["challenge"]["opening"]["challenge"], statement["steps"]
    if opening["scripted"] is not policy.rehearsal:
        raise EvidenceError("a scripted challenge under rules for checks", expected="a challenge that was drawn")
    _require_drawable(opening["steps"], policy)
    _require_order(steps, opening["steps"])
    answered = [step for step in steps if step["outcome"] == StepOutcome.ANSWERED]
    for step in answered:
        if not (_timely(step, policy.timing) and _within_bounds(step)):
            raise EvidenceError(f"step {step['index']} says answered", expected="a gesture in its window and bounds")
    _require_reading(readings, len(answered), len(opening["steps"]))


def _require_drawable(planned: Sequence[Mapping[str, Any]], policy: Policy) -> None:
    """The rules could have drawn these steps: as many, of their actions, with every family they require."""
    actions = [Action(plan["action"]) for plan in planned]
    families = {RULES[action].category for action in actions}
    if len(actions) != policy.steps or not set(actions) <= set(policy.actions) or not set(policy.required) <= families:
        raise EvidenceError(f"{len(actions)} steps that {policy.name} does not draw", expected=f"{policy.steps} steps")
    for action, plan in zip(actions, planned, strict=True):
        if not (could_draw(plan.get("digits")) if is_spoken(action) else "digits" not in plan):
            raise EvidenceError(
                "digits that nobody draws", expected="four, none twice in a row, in a step that is spoken"
            )


def _asked(step: Mapping[str, Any]) -> tuple[object, ...]:
    return step["action"], step["target"], step["accepted"], step["hold_ms"], step.get("digits")


def _planned(plan: Mapping[str, Any]) -> tuple[object, ...]:
    bounds = [plan["low"], plan["high"]], [plan["hold_min_ms"], plan["hold_max_ms"]]
    return plan["action"], plan["target"], *bounds, plan.get("digits")


def _require_order(steps: Sequence[Mapping[str, Any]], planned: Sequence[Mapping[str, Any]]) -> None:
    """No prompt was shown before the step ahead of it had closed and the pause was over."""
    closed_ms = [0, *(whole(step["closed_ms"]) for step in steps)]
    if any(later < earlier for earlier, later in pairwise(closed_ms)):
        raise EvidenceError("steps that closed out of order", expected="one step after the other")
    for step, plan, before_ms in zip(steps, planned, closed_ms, strict=False):
        shown_ms = step["shown_ms"]
        if shown_ms is not None and whole(shown_ms) + ROUNDING_MS < before_ms + whole(plan["pause_ms"]):
            raise EvidenceError(f"step {step['index']} was shown too early", expected="the pause after the one before")


def _timely(step: Mapping[str, Any], timing: Timing) -> bool:
    delay_ms = whole(step["onset_ms"]) - whole(step["shown_ms"])
    on_time = timing.onset_min_ms - ROUNDING_MS <= delay_ms <= timing.onset_max_ms + ROUNDING_MS
    return bool(on_time and step["gesture"] == step["action"] and step["onset_ms"] <= step["closed_ms"])


def _within_bounds(step: Mapping[str, Any]) -> bool:
    low, high, shortest_ms, longest_ms = (whole(value) for value in (*step["accepted"], *step["hold_ms"]))
    amount = whole(step["amount"])
    if longest_ms:
        return low <= amount and shortest_ms <= whole(step["held_ms"]) <= longest_ms
    return low <= amount <= high


def whole(value: object) -> int:
    """A number as statements hold them; to Python a flag is one too. Raises `EvidenceError`."""
    if type(value) is not int:
        raise EvidenceError(
            f"{type(value).__name__} in place of a whole number", expected="a statement as medauth makes it"
        )
    return value


def _require_reading(readings: Sequence[SignalReading], answered: int, asked: int) -> None:
    """The challenge passes exactly when all was answered, unless the check outlived its time."""
    given = [reading for reading in readings if reading.signal == SIGNAL]
    passed = any(reading.outcome is Outcome.PASS for reading in given)
    expired = any(reading.code == EXPIRED and reading.outcome is Outcome.INCONCLUSIVE for reading in given)
    if passed != (asked > 0 and answered == asked) and not (expired and not passed):
        raise EvidenceError(
            f"{answered} of {asked} steps answered", expected="a challenge reading that follows from it"
        )
