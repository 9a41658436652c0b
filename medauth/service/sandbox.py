"""Scripted outcomes for an app's own tests: nobody is looked at, nothing is recorded, and nothing of it passes as real.

A key is for a sandbox or for checks, never for both. What a sandbox key asks for has ids of its own (`sbx_`), says
`sandbox: true` wherever it is spoken of, and yields no token, no record, no leaf and no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medauth.errors import CeremonyError, InputError
from medauth.protocol.canonical import Json, canonical, parse_object
from medauth.protocol.verdict import Decision
from medauth.service.booking import Booking, Bookings

OUTCOMES = tuple(Decision)
CODES = ("attempts", "busy", "connection_lost", "expired", "refused", "unavailable")
"""How a check can end without a verdict."""
PROBLEMS: Mapping[str, int] = {"rate": 429, "store": 503, "internal": 500}
"""How asking for one can fail though nothing is wrong with the request, with the status."""
REASON = re.compile(r"[a-z_]+(?:\.[a-z0-9_]+)+")
MAX_REASONS = 16
_MAX_REASON = 64
_FIELDS = frozenset({"outcome", "code", "problem", "reasons"})


@dataclass(frozen=True, slots=True)
class Script:
    """How a sandbox check ends: exactly one of the first three says something."""

    outcome: str = ""
    code: str = ""
    problem: str = ""
    reasons: tuple[str, ...] = ()
    """Codes of reasons, such as `presentation_attack.screen`."""

    def to_text(self) -> str:
        """As a booking keeps it."""
        stated: dict[str, Json] = {"outcome": self.outcome, "code": self.code, "reasons": list(self.reasons)}
        return canonical({name: value for name, value in stated.items() if value}).decode()


def script_of(value: object) -> Script:
    """A script from its JSON form. Raises `InputError`."""
    if not isinstance(value, Mapping) or not set(value) <= _FIELDS:
        raise _refused("a sandbox that is no script", ", ".join(sorted(_FIELDS)))
    ways = [name for name in ("outcome", "code", "problem") if name in value]
    if len(ways) != 1:
        raise _refused("a script with no end, or several", "one of outcome, code and problem")
    known: Mapping[str, Any] = {"outcome": OUTCOMES, "code": CODES, "problem": PROBLEMS}
    (way,) = ways
    if not isinstance(value[way], str) or value[way] not in known[way]:
        raise _refused(f"a script with an unknown {way}", ", ".join(known[way]))
    reasons = value.get("reasons", [])
    if not isinstance(reasons, list) or len(reasons) > MAX_REASONS or (reasons and way != "outcome"):
        raise _refused("a script with reasons where there are none", f"an outcome and at most {MAX_REASONS}")
    for reason in reasons:
        if not isinstance(reason, str) or len(reason) > _MAX_REASON or not REASON.fullmatch(reason):
            raise _refused("a reason that is no code", "such as presentation_attack.screen")
    return Script(**{way: value[way]}, reasons=tuple(reasons))


def end_sandbox(bookings: Bookings, booking: Booking) -> Script:
    """Ends a sandbox check as its script says. Raises `CeremonyError` for one that ended before, or is real."""
    if not booking.row.sandbox:
        raise CeremonyError("a check that is real", expected="one that a sandbox key asked for")
    script = script_in(booking)
    row = booking.row
    done = (
        bookings.failed(row.booking_id, script.code) if script.code else bookings.played(row.booking_id, script.outcome)
    )
    if not done:
        raise CeremonyError("a check that has ended", expected="one that waits", next_step="create another")
    return script


def script_in(booking: Booking) -> Script:
    """The script of a sandbox booking; an empty one once it was erased."""
    text = booking.request.sandbox
    return script_of(parse_object(text.encode())) if text else Script()


def result_of(booking: Booking) -> dict[str, Json]:
    """In the place of a statement: the verdict's own fields, and nothing that could be taken for evidence."""
    script = script_in(booking)
    reasons: list[Json] = [
        {"code": code, "signal": code.split(".")[0], "role": "note", "text": "As the sandbox's script says."}
        for code in script.reasons
    ]
    return {"sandbox": True, "verdict": {"decision": booking.row.outcome, "reasons": reasons}}


def _refused(got: str, expected: str) -> InputError:
    return InputError(got, expected=expected, next_step="see docs/web.md#sandbox")
