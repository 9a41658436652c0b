"""A verdict's statement of a check by voice, in which everything follows from everything; and ways to spoil it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from medauth.evidence.statement import FrameSummary, KeptSound, SoundSummary, opened_commitment, verdict_statement
from medauth.protocol.ceremony import StepOutcome, StepResult
from medauth.protocol.challenge import Action, Challenge, scripted_step
from medauth.protocol.performance import Measured
from medauth.protocol.policy import BY_VOICE
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.response import challenge_reading
from medauth.protocol.verdict import decide
from tests.unit.evidence.bundles import IDENTITY, Statement

STEPS = tuple(scripted_step(Action.SAY_DIGITS, number, pause_ms=800) for number in (3_210, 6_543))
CHALLENGE = Challenge(IDENTITY.check_id, STEPS, bytes(range(32)))
DIGITS = [step.digits for step in STEPS]
SOUND = SoundSummary(
    90, 144_000, bytes(32), (KeptSound(0, 20, 1_300_000, bytes(32)), KeptSound(1, 21, 1_400_000, bytes(32)))
)


def spoken_statement() -> Statement:
    """Live, by digits that were said."""
    steps = [_said(0, 1_000), _said(1, 7_000)]
    named = dict.fromkeys(BY_VOICE.deny + BY_VOICE.confirm)
    others = [SignalReading(name, Outcome.PASS, f"{name}.fine", "Fine.", 1) for name in named if name != "challenge"]
    details: dict[str, Any] = {"heard": DIGITS}
    spoken = [SignalReading(r.signal, r.outcome, r.code, r.reason, 1, details) for r in others if r.signal == "speech"]
    readings = [*(r for r in others if r.signal != "speech"), *spoken, challenge_reading(steps, len(STEPS))]
    decision, reasons = decide(BY_VOICE, readings)
    statement: Statement = verdict_statement(
        IDENTITY,
        BY_VOICE,
        CHALLENGE,
        record_id="evd_1",
        start_record_id="sta_1",
        steps=steps,
        readings=readings,
        models={},
        frames=FrameSummary(400, bytes(32), 0, 13_000, 400, ()),
        decision=decision,
        reasons=reasons,
        software={"medauth": "0.1.0"},
        blobs={},
        started_ms=1,
        finished_ms=13_001,
        sound=SOUND,
    )
    return copy.deepcopy(statement)


def _said(index: int, shown_ms: int) -> StepResult:
    measured = Measured(30, 2_000, fits=True)
    onset = shown_ms + 900
    return StepResult(
        index, STEPS[index], StepOutcome.ANSWERED, onset + 3_300, shown_ms, onset, Action.SAY_DIGITS, measured
    )


def _planned(statement: Statement, **changes: Any) -> object:
    """Other steps, to which the commitment and what was closed are fitted."""
    for step in statement["challenge"]["opening"]["challenge"]["steps"]:
        step.update(changes)
    for step in statement["steps"]:
        step.update(changes)
    statement["challenge"]["commitment"] = opened_commitment(statement).hex()
    return statement


def _silent(statement: Statement) -> None:
    statement["sound"].update(count=0, samples=0, kept=[])


Change = Callable[[Statement], object]
CHALLENGE_FAULTS: Mapping[str, Change] = {
    "no sound": lambda s: s.pop("sound"),
    "sound of another form": lambda s: s["sound"].update(rate=16_000),
    "more samples than fit": lambda s: s["sound"].update(samples=90 * 4_000 + 1),
    "fewer samples than pieces": lambda s: s["sound"].update(samples=89),
    "a chain that is none": lambda s: s["sound"].update(chain="00"),
    "kept sound that is no list": lambda s: s["sound"].update(kept={}),
    "kept sound twice": lambda s: s["sound"]["kept"].append(s["sound"]["kept"][1]),
    "kept sound beyond the last": lambda s: s["sound"]["kept"][1].__setitem__(0, 90),
    "kept sound behind the frames": lambda s: s["sound"]["kept"][1].__setitem__(1, 401),
    "kept sound ahead of the piece before": lambda s: s["sound"]["kept"][1].__setitem__(2, 1_200_000),
    "kept sound without a digest": lambda s: s["sound"]["kept"][1].__setitem__(3, "00"),
    "other digits than committed to": lambda s: s["steps"][0].update(digits="0102"),
    "a step that forgot its digits": lambda s: s["steps"][0].pop("digits"),
    "a version without digits": lambda s: (s["challenge"]["opening"].update(version=1), _planned(s)),
}
VERDICT_FAULTS: Mapping[str, Change] = {
    "speech by other digits": lambda s: _heard(s, ["0102", DIGITS[1]]),
    "speech by some digits": lambda s: _heard(s, DIGITS[:1]),
    "speech by nothing": lambda s: _heard(s, None),
    "speech without sound": _silent,
    "digits twice in a row": lambda s: (_planned(s, digits="1123"), _heard(s, ["1123", "1123"])),
    "three digits": lambda s: (_planned(s, digits="123"), _heard(s, ["123", "123"])),
    "digits that are a number": lambda s: (_planned(s, digits=1234), _heard(s, [1234, 1234])),
    "digits with a line's end": lambda s: (_planned(s, digits="1234\n"), _heard(s, ["1234\n", "1234\n"])),
    "an answer of no length": lambda s: s["steps"][0].update(held_ms=499),
}


def _heard(statement: Statement, digits: Any) -> object:
    next(r for r in statement["readings"] if r["signal"] == "speech")["details"].update(heard=digits)
    return statement
