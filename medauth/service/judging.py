"""Frames and sound in, a decision out: the one way a check is judged, while it runs and when its frames are judged again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from medauth.protocol.ceremony import Ceremony, Phase, StepResult
from medauth.protocol.challenge import Challenge
from medauth.protocol.coverage import Coverage
from medauth.protocol.light import ColourShown
from medauth.protocol.observation import Frame, Observation
from medauth.protocol.policy import Policy
from medauth.protocol.reading import SignalReading
from medauth.protocol.response import challenge_reading
from medauth.protocol.sound import Sound, SoundGate, samples_of
from medauth.protocol.verdict import Decision, Reason, decide
from medauth.service.observing import Observer


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of all frames."""

    decision: Decision
    reasons: Sequence[Reason]
    steps: Sequence[StepResult]
    readings: Sequence[SignalReading]
    colours: Sequence[ColourShown] = ()


class Judging:
    """One check's ceremony, coverage and observer, fed frame by frame. No clock: a frame's time is part of it."""

    def __init__(self, challenge: Challenge, policy: Policy, observer: Observer) -> None:
        self.ceremony = Ceremony(challenge, policy.timing)
        self.coverage = Coverage()
        self._asked = len(challenge.steps)
        self._gate = SoundGate()
        self._pieces = 0
        self._policy = policy
        self._observer = observer

    def take(self, frame: Frame, round_trip_ms: float = 0.0) -> Observation:
        """Takes in one frame, in order; `round_trip_ms` to the screen as measured by then."""
        observation = self._observer.observe(frame, self.ceremony.prompt, self.ceremony.light)
        self.ceremony.advance(frame.t_ms, self._observer.posture(observation), round_trip_ms)
        self.coverage.add(observation)
        return observation

    def hear(self, pcm: bytes, t_ms: float) -> Sound | None:
        """Takes in a piece of sound; None where nothing is to be said now: it is judged by nobody. Raises `InputError` for
        what is no sound, and for more of it than there has been time for."""
        self.ceremony.expire(t_ms)
        samples, prompt = samples_of(pcm), self.ceremony.prompt
        if prompt is None or not prompt.step.digits:
            return None
        self._gate.admit(len(samples), t_ms, prompt.shown_ms)
        sound = Sound(self._pieces, t_ms, prompt.shown_ms, pcm, hashlib.sha256(pcm).digest(), samples)
        self._pieces += 1
        self._observer.hear(sound)
        return sound

    def judgement(self, elapsed_ms: float | None) -> Judgement:
        """What the frames so far come to. `elapsed_ms` is how long the check took; None: a recording takes no time."""
        if elapsed_ms is not None:
            self.ceremony.expire(elapsed_ms)
        results, expired = self.ceremony.results, self.ceremony.phase is Phase.EXPIRED
        challenge = challenge_reading(results, self._asked, expired=expired)
        readings = (*self.coverage.readings(self._policy), challenge, *self._observer.readings())
        decision, reasons = decide(self._policy, readings)
        return Judgement(decision, tuple(reasons), results, readings, self.ceremony.colours)
