"""What each signal costs: CPU time a frame of every part of the chain, so that what costs most is seen."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from medauth import bootstrap
from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.config import Settings
from medauth.evidence.commitment import FrameChain
from medauth.protocol.ceremony import Ceremony
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import FaceTrack, Frame, Observation
from medauth.protocol.policy import STANDARD
from medauth.protocol.reading import SignalReading
from medauth.sensing import embedder, signals
from medauth.service.observing import Observer
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.interface import FaceTracker, Marks, Signal

WHOLE, DECODING, DIGEST, TRACK, REST = "whole", "decoding", "digest", "face track", "ceremony"


@dataclass(frozen=True, slots=True)
class Costs:
    """Mean CPU ms a frame, dearest first; `total` is the mean over whole frames, of the same run."""

    parts: Mapping[str, float]
    total: float
    frames: int


class _Clock:
    """Adds up the CPU time of named stretches, in nanoseconds."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        began = time.process_time_ns()
        yield
        self.spent[name] += time.process_time_ns() - began


class _Timed:
    """A signal with a clock around its update. Ports that the observer asks for are passed on."""

    def __init__(self, signal: Signal, clock: _Clock) -> None:
        self.name = signal.name
        self._signal = signal
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._signal, name)

    def start(self, challenge: Challenge | None) -> None:
        self._signal.start(challenge)

    def update(self, observation: Observation) -> None:
        with self._clock.on(self.name):
            self._signal.update(observation)

    def reading(self) -> SignalReading:
        return self._signal.reading()

    def marks(self) -> Marks:
        return self._signal.marks()


class _TimedTracker:
    def __init__(self, tracker: FaceTracker, clock: _Clock) -> None:
        self._tracker = tracker
        self._clock = clock

    def track(self, frame: Frame) -> tuple[FaceTrack | None, Any]:
        with self._clock.on(TRACK):
            return self._tracker.track(frame)

    def close(self) -> None:
        self._tracker.close()


def signal_costs(
    jpegs: Sequence[tuple[float, bytes]],
    tracker: FaceTracker,
    watching: Sequence[Signal],
    challenge: Challenge,
    warm_up: int = 30,
) -> Costs:
    """One run over frames (time in ms, JPEG) as a server gets them: decoded, digested, tracked, judged."""
    clock = _Clock()
    observer = Observer(_TimedTracker(tracker, clock), [_Timed(signal, clock) for signal in watching], challenge)
    ceremony, chain = Ceremony(challenge, STANDARD.timing), FrameChain("cost")
    for index, (t_ms, jpeg) in enumerate(jpegs):
        if index == warm_up:
            clock.spent.clear()
        with clock.on(WHOLE):
            with clock.on(DECODING):
                frame = read_frame(CapturedFrame(None, jpeg=jpeg), index, t_ms)
            with clock.on(DIGEST):
                chain.add(hashlib.sha256(frame.jpeg).digest(), t_ms)
            observation = observer.observe(frame, ceremony.prompt)
            with clock.on(REST):
                ceremony.advance(t_ms, observer.posture(observation))
    observer.close()
    frames = max(1, len(jpegs) - warm_up)
    means = {name: ns / 1e6 / frames for name, ns in clock.spent.most_common()}
    return Costs({name: ms for name, ms in means.items() if name != WHOLE}, means[WHOLE], frames)


def costs_of(frames: Sequence[Frame], challenge: Challenge, warm_up: int) -> Costs:
    """With every signal of the standard policy, and the models that are shipped."""
    settings = Settings()
    models = bootstrap.open(settings).models
    found = signals(models, STANDARD.name, embedder(settings, models))
    return signal_costs([(f.t_ms, f.jpeg) for f in frames], FaceMeshTracker(), found, challenge, warm_up)
