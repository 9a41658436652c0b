"""How one step of a check ended: what was asked, what came, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Action, Step
from medauth.protocol.performance import Measured


class StepOutcome(StrEnum):
    """How one step ended. The value is a stable code."""

    ANSWERED = "answered"
    NO_RESPONSE = "no_response"
    TOO_EARLY = "too_early"
    WRONG_GESTURE = "wrong_gesture"
    WRONG_AMOUNT = "wrong_amount"
    NOT_RELAXED = "not_relaxed"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class StepResult:
    """What was asked and what came. Times in milliseconds since the check began."""

    index: int
    step: Step
    outcome: StepOutcome
    closed_ms: int
    shown_ms: int | None = None
    onset_ms: int | None = None
    gesture: Action | None = None
    measured: Measured | None = None

    def to_json(self) -> dict[str, Json]:
        """As it stands in the statement."""
        said: dict[str, Json] = {"digits": self.step.digits} if self.step.digits else {}
        return {
            "index": self.index,
            "action": self.step.action.value,
            "target": self.step.target,
            "accepted": [self.step.low, self.step.high],
            "hold_ms": [self.step.hold_min_ms, self.step.hold_max_ms],
            "outcome": self.outcome.value,
            "shown_ms": self.shown_ms,
            "onset_ms": self.onset_ms,
            "closed_ms": self.closed_ms,
            "gesture": self.gesture.value if self.gesture else None,
            "amount": self.measured.amount if self.measured else None,
            "held_ms": self.measured.held_ms if self.measured else None,
            **said,
        }
