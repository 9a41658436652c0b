"""What kind of attack a refused check looks like, for operator and auditor; the person at the camera is never told.

A family is what a reason code points to, not a proof: who smiles before the prompt may follow a script, or guess. Codes
that point to nobody's doing in particular (a step not answered, nobody blinking) name no family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from medauth.protocol.policy import Policy
from medauth.protocol.reading import PPM, Outcome, SignalReading
from medauth.protocol.verdict import Decision, Role, decide


class AttackFamily(StrEnum):
    """How somebody pretends to be there."""

    PRINT = "print"
    """A picture on paper."""
    SCREEN = "screen"
    """A picture or film on a screen before the camera."""
    INJECTED = "injected"
    """Frames from a program in the camera's place."""
    SWAPPED = "swapped"
    """A face painted over another one, or a picture made to move."""
    REPLAYED = "replayed"
    """Frames of an earlier check."""
    SCRIPTED = "scripted"
    """Gestures that follow no prompt: a recording, or a program's course."""
    EXCHANGED = "exchanged"
    """One person began and another went on, or another than the reference came."""
    ACCOMPANIED = "accompanied"
    """Somebody else in view."""
    DUBBED = "dubbed"
    """A voice that is not of the mouth in view: a loudspeaker, or sound from another take."""


_BY_CODE: Mapping[str, AttackFamily] = {
    "presentation_attack.print": AttackFamily.PRINT,
    "presentation_attack.replay": AttackFamily.SCREEN,
    "deepfake.suspected": AttackFamily.SWAPPED,
    "identity.changed": AttackFamily.EXCHANGED,
    "identity.not_the_reference": AttackFamily.EXCHANGED,
    "faces.several": AttackFamily.ACCOMPANIED,
    "challenge.too_early": AttackFamily.SCRIPTED,
    "emotion.anticipated": AttackFamily.SCRIPTED,
    "blink.too_regular": AttackFamily.SCRIPTED,
    "blink.too_fast": AttackFamily.SCRIPTED,
    "speech.other_digits": AttackFamily.SCRIPTED,
    "speech.lips_elsewhere": AttackFamily.DUBBED,
}
_BY_SIGNAL: Mapping[str, AttackFamily] = {"injection": AttackFamily.INJECTED, "replay": AttackFamily.REPLAYED}
"""Signals whose every refusal points to one family."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One cue that refused: what it points to, and what the verdict would have been had this cue alone held."""

    code: str
    family: AttackFamily | None
    role: Role
    otherwise: Decision
    score_ppm: int | None = None
    """How strongly the cue spoke, in millionths; None where it measures nothing of the kind."""
    threshold_ppm: int | None = None
    """From which score on it refuses, where there is such a line: below it the cue would have held."""

    def to_json(self) -> dict[str, str | int | None]:
        """For programs."""
        return {
            "code": self.code,
            "family": self.family.value if self.family else None,
            "role": self.role.value,
            "otherwise": self.otherwise.value,
            "score_ppm": self.score_ppm,
            "threshold_ppm": self.threshold_ppm,
        }

    def __str__(self) -> str:
        family = self.family.value if self.family else "no attack named"
        line = ""
        if self.score_ppm is not None and self.threshold_ppm is not None:
            line = f", {self.score_ppm / PPM:.2f} where {self.threshold_ppm / PPM:.2f} refuses"
        return f"{family} ({self.code}{line}); had it held: {self.otherwise.value.replace('_', ' ')}"


def family_of(code: str) -> AttackFamily | None:
    """The family that a failed reading's code points to, or None."""
    return _BY_CODE.get(code) or _BY_SIGNAL.get(code.partition(".")[0])


def suspicions(policy: Policy, readings: Iterable[SignalReading]) -> tuple[Suspicion, ...]:
    """Every cue that refused the check, in the order of the verdict's reasons; then those that failed and, under this
    policy, are only told (`Role.NOTE`): they did not decide, so without them all stays as it is."""
    known = list(readings)
    decision, reasons = decide(policy, known)
    deciding = {reason.signal: reason.role for reason in reasons} if decision is Decision.NOT_LIVE else {}
    failed = {reading.signal: reading for reading in known if reading.outcome is Outcome.FAIL}
    told = [signal for signal in failed if signal not in {*policy.deny, *policy.confirm}]
    return tuple(
        Suspicion(
            failed[signal].code,
            family_of(failed[signal].code),
            deciding.get(signal, Role.NOTE),
            _without(policy, known, signal),
            failed[signal].score_ppm,
            _threshold(failed[signal]),
        )
        for signal in [*deciding, *told]
    )


def missing_for_live(policy: Policy, readings: Iterable[SignalReading]) -> tuple[str, ...]:
    """What would have changed the verdict to *live*: the codes of all cues that the policy needs and that did not hold, the
    refusing and the unsure; none for a check that was live."""
    known = list(readings)
    unmet = []
    for name in dict.fromkeys(policy.deny + policy.confirm):
        own = [reading for reading in known if reading.signal == name]
        unmet += [reading.code for reading in own if reading.outcome is not Outcome.PASS] or (
            [] if own else [f"{name}.missing"]
        )
    return tuple(unmet)


def _threshold(reading: SignalReading) -> int | None:
    threshold = reading.details.get("threshold_ppm")
    return threshold if isinstance(threshold, int) else None


def _without(policy: Policy, readings: list[SignalReading], signal: str) -> Decision:
    """The decision had this signal passed."""
    others = [reading for reading in readings if reading.signal != signal]
    held = SignalReading(signal, Outcome.PASS, f"{signal}.held", "Taken to hold.")
    return decide(policy, [*others, held])[0]
