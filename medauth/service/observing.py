"""One frame through the face track and every signal: the same for a check and for the analysis of a recording."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from medauth.capture.interface import CapturedFrame
from medauth.protocol.challenge import Action, Challenge
from medauth.protocol.light import ColourShown
from medauth.protocol.observation import Blink, Frame, Observation, Posture, Prompt
from medauth.protocol.reading import SignalReading
from medauth.protocol.sound import Sound
from medauth.signals.interface import (
    Blinks,
    Explainable,
    Expressions,
    FaceTracker,
    Hears,
    Marks,
    Offer,
    Postures,
    Recalled,
    Recollects,
    Signal,
)

_ACTIONS = {action.value: action for action in Action}
"""Looked up a dozen times a frame: calling the enumeration takes ten times as long."""

FrameReader = Callable[[CapturedFrame, int, float], Frame]
"""(captured, index, t_ms) to the frame that is digested, judged and sealed. Raises `InputError`."""


class Observer:
    """Owns one check's tracker and signals. Each frame is looked at once."""

    def __init__(self, tracker: FaceTracker, signals: Sequence[Signal], challenge: Challenge | None) -> None:
        self._tracker = tracker
        self._signals = tuple(signals)
        self._postures = [s for s in self._signals if isinstance(s, Postures)]
        self._expressions = [s for s in self._signals if isinstance(s, Expressions)]
        self._blinks = [s for s in self._signals if isinstance(s, Blinks)]
        self._hearing = [s for s in self._signals if isinstance(s, Hears)]
        self._recollecting = [s for s in self._signals if isinstance(s, Recollects)]
        self.explainable: Mapping[str, Explainable] = {s.name: s for s in self._signals if isinstance(s, Explainable)}
        for signal in self._signals:
            signal.start(challenge)

    def observe(self, frame: Frame, prompt: Prompt | None, light: ColourShown | None = None) -> Observation:
        """Finds the face and lets every signal take the frame in."""
        track, problem = self._tracker.track(frame)
        observation = Observation(frame, track, problem, prompt, light)
        for signal in self._signals:
            signal.update(observation)
        return observation

    def hear(self, sound: Sound) -> None:
        """Lets every signal that listens take a piece of sound in."""
        for signal in self._hearing:
            signal.hear(sound)

    def posture(self, observation: Observation) -> Posture | None:
        """How far each action is performed now; None when the face could not be judged."""
        if observation.track is None:
            return None
        amounts: dict[Action, float] = {}
        for source in self._postures:
            amounts.update({_ACTIONS[name]: a for name, a in source.amounts().items() if math.isfinite(a)})
        blinks: tuple[Blink, ...] = tuple(blink for source in self._blinks for blink in source.completed())
        return Posture(amounts, blinks, any(source.expressive() for source in self._expressions))

    def recall(self, look_up: Callable[[Recollects], Recalled | None]) -> None:
        """Lets every signal that needs it know what is remembered of earlier checks."""
        for signal in self._recollecting:
            recalled = look_up(signal)
            if recalled is not None:
                signal.recall(recalled)

    def offer(self) -> Offer | None:
        """What to remember of this check; None where no signal remembers."""
        return self._recollecting[0].offer() if self._recollecting else None

    def readings(self) -> tuple[SignalReading, ...]:
        """What every signal says by now."""
        return tuple(signal.reading() for signal in self._signals)

    def marks(self) -> Mapping[str, Marks]:
        """Traces and models by signal."""
        return {signal.name: signal.marks() for signal in self._signals}

    def close(self) -> None:
        """Frees native memory."""
        self._tracker.close()
