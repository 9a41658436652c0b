"""The colours of a light challenge, judged again from a statement alone.

Each is the one committed to and left the server after its time had come: no earlier than the colour before had been on
for as long as was drawn, not before the step ahead of it had closed, and no step was prompted meanwhile. Whether skin
gave the colours back only the frames can tell; that a reading says so without all colours shown is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medauth.errors import EvidenceError
from medauth.evidence.asked import ROUNDING_MS, same, whole
from medauth.protocol.canonical import canonical
from medauth.protocol.light import LightSequence, TimedColour, could_draw
from medauth.protocol.lighting import MOST_ROUND_TRIP_MS
from medauth.protocol.policy import Policy
from medauth.protocol.reading import Outcome, SignalReading

SIGNAL = "light"
_FIELDS = {"index", "colour", "shown_ms", "round_trip_ms"}


def require_lit(statement: Mapping[str, Any]) -> int:
    """Every colour shown is the one in the opening of this check's challenge; returns how many were asked. Raises
    `EvidenceError`."""
    asked = statement["challenge"]["opening"]["challenge"]
    if "light" not in asked:
        if "light" in statement:
            raise EvidenceError("colours that no challenge holds", expected="a challenge with light")
        return 0
    sequence, shown = _planned(asked["light"]), statement["light"]
    if type(shown) is not list or len(shown) > len(sequence.colours):
        raise EvidenceError("colours that are no list of those asked", expected=f"at most {len(sequence.colours)}")
    for position, (entry, timed) in enumerate(zip(shown, sequence.colours, strict=False)):
        if set(entry) != _FIELDS or not same((entry["index"], entry["colour"]), (position, timed.colour.value)):
            raise EvidenceError(f"colour {position} is not the one committed to", expected=timed.colour.value)
        if not 0 <= whole(entry["round_trip_ms"]) <= MOST_ROUND_TRIP_MS:
            raise EvidenceError(f"a round trip of {entry['round_trip_ms']} ms", expected=f"0 to {MOST_ROUND_TRIP_MS}")
    return len(sequence.colours)


def require_light(statement: Mapping[str, Any], policy: Policy, readings: Sequence[SignalReading]) -> None:
    """The rules could have drawn these colours, each was shown in its time, and none passes that was not shown. Raises
    `EvidenceError`."""
    asked = statement["challenge"]["opening"]["challenge"]
    if ("light" in asked) is not (policy.light is not None):
        raise EvidenceError("a challenge with other light than its rules", expected=f"as {policy.name} draws it")
    if policy.light is None:
        return
    sequence = _planned(asked["light"])
    if not could_draw(policy.light, sequence, len(asked["steps"])):
        raise EvidenceError(f"colours that {policy.name} does not draw", expected=f"{policy.light.colours} after white")
    _require_order(statement, sequence, statement["light"])
    passed = any(reading.signal == SIGNAL and reading.outcome is Outcome.PASS for reading in readings)
    if passed and len(statement["light"]) < len(sequence.colours):
        raise EvidenceError(
            f"light passes by {len(statement['light'])} colours", expected=f"all {len(sequence.colours)} shown"
        )


def _planned(stated: Mapping[str, Any]) -> LightSequence:
    """The sequence, of which nothing was left out or added."""
    sequence = LightSequence.from_json(stated)
    if canonical(sequence.to_json()) != canonical(stated) or not sequence.colours:
        raise EvidenceError("a light sequence with more or less than its colours", expected="before_step and colours")
    for number in (sequence.before_step, *(timed.lasts_ms for timed in sequence.colours)):
        whole(number)
    return sequence


def _require_order(statement: Mapping[str, Any], sequence: LightSequence, shown: Sequence[Mapping[str, Any]]) -> None:
    steps, before = statement["steps"], sequence.before_step
    if shown and not 0 <= before <= len(steps):
        raise EvidenceError(f"colours ahead of step {before}", expected=f"after step {before - 1} had closed")
    due_ms = whole(steps[before - 1]["closed_ms"]) if shown and before else 0
    for entry, timed in zip(shown, sequence.colours, strict=False):
        if whole(entry["shown_ms"]) + ROUNDING_MS < due_ms:
            raise EvidenceError(f"colour {entry['index']} was shown too early", expected=f"not before {due_ms} ms")
        due_ms = _until(entry, timed)
    if shown and entry["shown_ms"] > whole(statement["frames"]["last_ms"]) + ROUNDING_MS:
        raise EvidenceError("a colour after the last frame", expected="colours shown upon frames")
    prompted = [step for step in steps[before:] if step["shown_ms"] is not None]
    if prompted and (len(shown) < len(sequence.colours) or whole(prompted[0]["shown_ms"]) + ROUNDING_MS < due_ms):
        raise EvidenceError(f"step {before} was shown before the colours were over", expected="one after the other")


def _until(entry: Mapping[str, Any], timed: TimedColour) -> int:
    return whole(entry["shown_ms"]) + timed.lasts_ms
