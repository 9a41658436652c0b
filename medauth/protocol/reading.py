"""What a signal says at the end of a check: pass, fail or inconclusive, with a score and a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from medauth.errors import InputError
from medauth.protocol.canonical import Json

PPM = 1_000_000


class Outcome(StrEnum):
    """What a signal concluded."""

    PASS = "pass"  # noqa: S105 - an outcome, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class SignalReading:
    """One signal's answer.

    `score_ppm` is in millionths: for a deny cue the strength of the attack, for a confirm cue of the sign of life. None
    when nothing was measured; never 0 in place of a missing measurement. `details` hold what an auditor needs to judge
    again, as JSON without floats.
    """

    signal: str
    outcome: Outcome
    code: str
    """Stable reason code, e.g. `blink.none_seen`."""
    reason: str
    """One sentence for operator and auditor."""
    score_ppm: int | None = None
    details: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """As it stands in the statement."""
        return {
            "signal": self.signal,
            "outcome": self.outcome.value,
            "code": self.code,
            "reason": self.reason,
            "score_ppm": self.score_ppm,
            "details": dict(self.details),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> SignalReading:
        """The inverse of `to_json`, for auditors. Raises `InputError`."""
        try:
            values: dict[str, Any] = dict(value)
            return cls(**values | {"outcome": Outcome(values["outcome"])})
        except (TypeError, KeyError, ValueError) as error:
            raise InputError(f"not a reading: {error}", expected="signal, outcome, code, reason, score") from error


def to_ppm(value: float) -> int:
    """A fraction as an integer in millionths, clipped to [0, 1]."""
    return round(min(1.0, max(0.0, value)) * PPM)
