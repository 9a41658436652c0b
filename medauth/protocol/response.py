"""The challenge's own reading: were all steps answered, each in its window?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medauth.protocol.ceremony import StepOutcome, StepResult
from medauth.protocol.challenge import is_spoken
from medauth.protocol.reading import Outcome, SignalReading, to_ppm

SIGNAL = "challenge"
EXPIRED = "challenge.expired"
"""The code of a challenge that may have been answered, but not in time."""
_UNCLEAR = frozenset({StepOutcome.UNSEEN, StepOutcome.NOT_RELAXED})
_SENTENCES: Mapping[StepOutcome, str] = {
    StepOutcome.NO_RESPONSE: "was not answered in time",
    StepOutcome.TOO_EARLY: "was answered before a person could have read it",
    StepOutcome.WRONG_GESTURE: "was answered by another gesture",
    StepOutcome.WRONG_AMOUNT: "was not done as far, as often or as long as asked",
    StepOutcome.NOT_RELAXED: "could not be shown, because the face never came to rest",
    StepOutcome.UNSEEN: "could not be judged, because the face was out of sight",
}


def challenge_reading(results: Sequence[StepResult], asked: int, *, expired: bool = False) -> SignalReading:
    """Passes when every step was answered; fails on the first wrong one; inconclusive when steps are missing or were not
    seen, and when the check outlived its time: who was there then need not be there now. The score is the share of steps
    answered.
    """
    answered = sum(r.outcome is StepOutcome.ANSWERED for r in results)
    score = to_ppm(answered / asked) if results and asked else None
    wrong = [r for r in results if r.outcome is not StepOutcome.ANSWERED and r.outcome not in _UNCLEAR]
    unclear = [r for r in results if r.outcome in _UNCLEAR]
    if wrong:
        return _reading(Outcome.FAIL, wrong[0], score)
    if unclear:
        return _reading(Outcome.INCONCLUSIVE, unclear[0], score)
    if expired:
        return SignalReading(SIGNAL, Outcome.INCONCLUSIVE, EXPIRED, "The check was not finished in its time.", score)
    if len(results) < asked or not asked:
        text = f"{len(results)} of {asked} steps were reached."
        return SignalReading(SIGNAL, Outcome.INCONCLUSIVE, "challenge.unfinished", text, score)
    return SignalReading(SIGNAL, Outcome.PASS, "challenge.answered", f"All {asked} steps were answered in time.", score)


def _reading(outcome: Outcome, result: StepResult, score: int | None) -> SignalReading:
    unheard = result.outcome is StepOutcome.UNSEEN and is_spoken(result.step.action)
    how = "could not be judged, because too little was seen or heard" if unheard else _SENTENCES[result.outcome]
    text = f"Step {result.index + 1} ({result.step.action.value}) {how}."
    return SignalReading(SIGNAL, outcome, f"challenge.{result.outcome.value}", text, score)
