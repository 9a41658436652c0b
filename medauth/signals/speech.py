"""Were the digits said that were asked, in their time, and by the lips in view?

Sound comes while a step asks for digits, and only then. Three questions, in this order: was there sound that can be judged;
which digits does it hold (`digit_recogniser`); do the lips move as it says (`lip_sync`). The first that cannot be answered
leaves the reading inconclusive and says why: that is the recogniser's or the room's trouble as often as anybody's doing.

A voice from a loudspeaker beside a photograph leaves lips that stay still or move otherwise. A face that a program animates
by the very sound it plays moves as the sound says: against that this signal has nothing, and other cues must find it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Action, Challenge
from medauth.protocol.observation import Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.protocol.sound import Sound
from medauth.signals.digit_recogniser import DigitRecogniser, Hearing, recogniser_use
from medauth.signals.expression_shape import expression_shape
from medauth.signals.interface import Marks, Trace
from medauth.signals.lip_sync import LipMatch, match_lips
from medauth.signals.recogniser_apart import RecogniserApart
from medauth.signals.voice import Stretch

NAME = "speech"
LEAST_S = 0.5
"""Less sound than this holds no four digits."""
CLEARLY = 0.15
"""Nats a second by which the digits heard must fit better than those asked before they count as others: less is how far
noise moves a right answer (`medauth evaluate digits`)."""
AGREES, ELSEWHERE = 0.55, 0.2
"""Correlations of lips and sound from which on they agree, and below which they do not (`medauth evaluate digits`)."""
_OPENING = 2
_TEXTS: Mapping[str, str] = {
    "no_sound": "No sound came while digits were asked for.",
    "gap": "Sound was lost on its way.",
    "noise": "No voice stood out from the room.",
    "not_understood": "No digits could be understood.",
    "unclear": "Other digits were understood, but hardly better than those asked for.",
    "too_few_frames": "The mouth was seen in too few frames while digits were said.",
    "hardly_moved": "The mouth hardly moved while digits were said.",
    "lips_unclear": "Lips and sound went together too loosely to say.",
}


@dataclass(slots=True)
class _Said:
    """One step: what was asked, its sound, and the mouth meanwhile."""

    digits: str
    stretch: Stretch
    times: list[float] = field(default_factory=list)
    openings: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What one step came to: `trouble` is a code where it could not be judged."""

    asked: str
    heard: str = ""
    trouble: str = ""
    lips: LipMatch | None = None


class SpeechSignal:
    """Listens to one check. Raises `MissingTool` where the recogniser is not installed."""

    def __init__(self, recogniser: DigitRecogniser | RecogniserApart | None = None) -> None:
        self.name = NAME
        self._recogniser = recogniser or RecogniserApart()
        self._asked: list[str] = []
        self._said: dict[float, _Said] = {}
        self._now: _Said | None = None
        self._t_ms = 0.0
        self._judged: tuple[int, list[_Judged]] = (-1, [])

    def start(self, challenge: Challenge | None) -> None:
        self._asked = [step.digits for step in challenge.steps if step.digits] if challenge is not None else []

    def hear(self, sound: Sound) -> None:
        """Takes in one piece of sound."""
        said = self._said.get(sound.shown_ms)
        if said is not None:
            said.stretch.add(sound)

    def update(self, observation: Observation) -> None:
        prompt, track = observation.prompt, observation.track
        self._now, self._t_ms = None, observation.frame.t_ms
        if prompt is None or not prompt.step.digits:
            return
        self._now = self._said.setdefault(prompt.shown_ms, _Said(prompt.step.digits, Stretch(prompt.shown_ms)))
        if track is not None:
            self._now.times.append(self._t_ms)
            self._now.openings.append(float(expression_shape(track)[_OPENING]))

    def amounts(self) -> Mapping[str, float]:
        loud = None if self._now is None else self._now.stretch.loudness(self._t_ms)
        return {} if loud is None else {Action.SAY_DIGITS.value: loud}

    def reading(self) -> SignalReading:
        if not self._asked:
            return SignalReading(NAME, Outcome.INCONCLUSIVE, "speech.not_asked", "Nothing was to be said.")
        judged = self._all_judged()
        details = self._details(judged)
        wrong = next((number for number, one in enumerate(judged) if _is_other(one)), None)
        if wrong is not None:
            text = f"Step {wrong + 1} of those to be said holds other digits."
            return SignalReading(NAME, Outcome.FAIL, "speech.other_digits", text, 0, details)
        score = _lips_score(judged)
        if score is not None and score <= ELSEWHERE:
            text = "The lips did not move as the sound says."
            return SignalReading(NAME, Outcome.FAIL, "speech.lips_elsewhere", text, to_ppm(score), details)
        trouble = next((one.trouble for one in judged if one.trouble), "")
        if not trouble and len(judged) < len(self._asked):
            trouble = "no_sound"
        if not trouble and (score is None or score < AGREES):
            trouble = "lips_unclear"
        if trouble:
            known = None if score is None else to_ppm(score)
            return SignalReading(NAME, Outcome.INCONCLUSIVE, f"speech.{trouble}", _TEXTS[trouble], known, details)
        assert score is not None
        text = "The digits were said, and the lips moved with them."
        return SignalReading(NAME, Outcome.PASS, "speech.said", text, to_ppm(score), details)

    def marks(self) -> Marks:
        times = [t for said in self._said.values() for t in said.times]
        values = [v for said in self._said.values() for v in said.openings]
        return Marks((Trace("mouth opening", "eye distances", times, values),), (recogniser_use(),))

    def _all_judged(self) -> list[_Judged]:
        """Judged once for as much as has come: the recogniser takes a while, and readings are asked for twice."""
        samples = sum(len(said.stretch.samples) for said in self._said.values())
        if self._judged[0] != samples:
            try:
                self._judged = (samples, [self._judge(said) for said in self._said.values()])
            finally:
                self._recogniser.rest()
        return self._judged[1]

    def _judge(self, said: _Said) -> _Judged:
        stretch = said.stretch
        if stretch.seconds < LEAST_S:
            return _Judged(said.digits, trouble="no_sound")
        if stretch.has_gap():
            return _Judged(said.digits, trouble="gap")
        samples = stretch.samples
        heard = self._recogniser.hear(samples)
        if heard.digits != said.digits:
            return self._unlike(said, heard, drowned=stretch.contrast_db < 10)  # noqa: PLR2004 - the onset of a voice
        phones = self._recogniser.sounds(samples, said.digits)
        lips = match_lips(np.array(said.times) - stretch.began_ms, np.array(said.openings), phones)
        return _Judged(said.digits, heard.digits, lips.trouble, lips)

    def _unlike(self, said: _Said, heard: Hearing, *, drowned: bool) -> _Judged:
        """Other digits, or none, or the recogniser's doubt."""
        if not heard.digits:
            return _Judged(said.digits, trouble="noise" if drowned else "not_understood")
        asked = self._recogniser.hear_asked(said.stretch.samples, said.digits)
        clearly = heard.likelihood - asked.likelihood >= CLEARLY
        return _Judged(said.digits, heard.digits, "" if clearly else "unclear")

    def _details(self, judged: Sequence[_Judged]) -> dict[str, Json]:
        lips = [one.lips for one in judged]
        return {
            "asked": list(self._asked),
            "heard": [one.heard for one in judged],
            "lips_milli": [None if m is None or m.score is None else round(1_000 * m.score) for m in lips],
            "lag_ms": [None if m is None else m.lag_ms for m in lips],
            "mouth_frames": [None if m is None else m.frames for m in lips],
        }


def _is_other(judged: _Judged) -> bool:
    return bool(judged.heard) and not judged.trouble and judged.heard != judged.asked


def _lips_score(judged: Sequence[_Judged]) -> float | None:
    """The mean over all steps; None where there is a step of which nobody can say."""
    scores = [one.lips.score for one in judged if one.lips is not None and one.lips.score is not None]
    return float(np.mean(scores)) if scores and len(scores) == len(judged) else None
