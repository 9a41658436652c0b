"""Readings become a verdict: deny cues and confirm cues, never one weighted mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from medauth.protocol.policy import Policy
from medauth.protocol.reading import Outcome, SignalReading


class Decision(StrEnum):
    """The outcome of a check."""

    LIVE = "live"
    NOT_LIVE = "not_live"
    INCONCLUSIVE = "inconclusive"
    REHEARSED = "rehearsed"
    """A rehearsal ran its course and every cue held; it says nothing about who was there."""


class Role(StrEnum):
    """Why a reason counts."""

    DENY = "deny"
    CONFIRM = "confirm"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause of a decision: which signal, its stable code and a sentence for operator and auditor."""

    code: str
    signal: str
    role: Role
    text: str

    def to_json(self) -> dict[str, str]:
        """As it stands in the statement."""
        return {"code": self.code, "signal": self.signal, "role": self.role.value, "text": self.text}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of one check.

    It has no truth value: `if verdict:` would let an inconclusive check pass by accident. Write `verdict.is_live`.
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    readings: tuple[SignalReading, ...]
    check_id: str
    policy: str
    evidence_id: str = ""
    evidence_sha256: str = ""
    hint: str = ""
    """The one thing the person can do after an inconclusive check (`advice.py`); empty after any other."""
    liveness_ppm: int | None = None
    """How probable a live person is, for risk engines (`liveness.py`): decides nothing, and is never for the person."""

    @property
    def is_live(self) -> bool:
        """True only for a live person under a challenge that nobody could foresee."""
        return self.decision is Decision.LIVE

    def __bool__(self) -> bool:
        raise TypeError("a verdict has no truth value; ask verdict.is_live")


def decide(policy: Policy, readings: Iterable[SignalReading]) -> tuple[Decision, tuple[Reason, ...]]:
    """Fuses readings under a policy.

    1. A deny cue that fails denies, whatever else looks good.
    2. A confirm cue that fails denies: what was asked for did not come.
    3. A cue the policy names that is missing or inconclusive leaves the check inconclusive.
    4. Otherwise the person is live; in a rehearsal, rehearsed.

    Of several readings of one signal the worst counts, so that no reading hides another.
    """
    by_signal: dict[str, SignalReading] = {}
    for reading in sorted(readings, key=lambda r: _WORST_LAST.index(r.outcome)):
        by_signal[reading.signal] = reading
    failed = _reasons(policy.deny, by_signal, Role.DENY, Outcome.FAIL)
    failed += [
        reason
        for reason in _reasons(policy.confirm, by_signal, Role.CONFIRM, Outcome.FAIL)
        if reason.signal not in policy.deny
    ]
    if failed:
        return Decision.NOT_LIVE, tuple(failed)
    unclear = _unclear(policy, by_signal)
    if unclear:
        return Decision.INCONCLUSIVE, tuple(unclear)
    passed = _reasons(policy.confirm, by_signal, Role.CONFIRM, Outcome.PASS)
    return (Decision.REHEARSED if policy.rehearsal else Decision.LIVE), tuple(passed)


_WORST_LAST = (Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL)


def _reasons(
    signals: Sequence[str], by_signal: Mapping[str, SignalReading], role: Role, outcome: Outcome
) -> list[Reason]:
    found = (by_signal[name] for name in signals if name in by_signal)
    return [Reason(r.code, r.signal, role, r.reason) for r in found if r.outcome is outcome]


def _unclear(policy: Policy, by_signal: Mapping[str, SignalReading]) -> list[Reason]:
    unclear: list[Reason] = []
    for name in dict.fromkeys(policy.confirm + policy.deny):
        role = Role.CONFIRM if name in policy.confirm else Role.DENY
        reading = by_signal.get(name)
        if reading is None:
            unclear.append(Reason(f"{name}.missing", name, role, "This signal gave no reading."))
        elif reading.outcome is Outcome.INCONCLUSIVE:
            unclear.append(Reason(reading.code, name, role, reading.reason))
    return unclear
