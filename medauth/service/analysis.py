"""Every signal over a recording: nothing was asked, so nobody is ever found *live* here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from medauth.capture.interface import FrameSource, release
from medauth.errors import InputError
from medauth.protocol.coverage import Coverage
from medauth.protocol.observation import Observation
from medauth.protocol.policy import STANDARD
from medauth.protocol.reading import SignalReading
from medauth.service.observing import FrameReader, Observer
from medauth.signals.interface import Explainable, Marks


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the signals say about a recording."""

    source: str
    frames: int
    judged: int
    duration_ms: int
    readings: tuple[SignalReading, ...]
    marks: Mapping[str, Marks]
    frame_ms: tuple[tuple[float, float], ...] = ()
    """For each frame its time in the recording, and how long decoding, digest, face track and all signals took, in ms."""


class Onlooker(Protocol):
    """Whoever wants to see every frame of an analysis after the signals did."""

    def see(self, observation: Observation, explainable: Mapping[str, Explainable]) -> None:
        """One frame, and the signals that can show where their models looked. The image must not be kept."""


def analyze(
    source: FrameSource,
    observer: Observer,
    read_frame: FrameReader,
    on_frame: Callable[[Observation], None] | None = None,
    onlooker: Onlooker | None = None,
    clock_s: Callable[[], float] = time.perf_counter,
) -> Analysis:
    """Runs a recording through the observer and closes it. Raises `InputError` when the source holds no frame."""
    coverage, spent = Coverage(), list[tuple[float, float]]()
    frames = source.frames()
    try:
        for index, captured in enumerate(frames):
            began = clock_s()
            frame = read_frame(captured, index, captured.media_ms or 0.0)
            observation = observer.observe(frame, None)
            spent.append((frame.t_ms, 1000 * (clock_s() - began)))
            coverage.add(observation)
            if on_frame is not None:
                on_frame(observation)
            if onlooker is not None:
                onlooker.see(observation, observer.explainable)
        if not coverage.frames:
            raise InputError(f"{source.name} holds no frame", expected="a picture or a clip of a face")
        readings = (*coverage.readings(STANDARD), *observer.readings())
        duration = round(coverage.last_ms - coverage.first_ms)
        marks = observer.marks()
        return Analysis(source.name, coverage.frames, coverage.judged, duration, readings, marks, tuple(spent))
    finally:
        release(frames)
        observer.close()
