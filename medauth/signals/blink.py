"""Blink signal: both lids close and open again, as fast and as irregularly as a person's.

A natural blink closes within about 100 ms and is over within 100-400 ms; people blink some 15 times a minute at rest and
4 to 5 times while they look at a screen (Bentivoglio et al., "Analysis of blink rate patterns in normal subjects",
Movement Disorders 1997). So a short check without a blink shows nothing, a long one speaks against a person.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import Blink, FaceTrack, Frame, Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.eye_state import EyeReader
from medauth.signals.eyelids import EyeGauge, LidEvent, LidTuning, Openness, measure_eyes
from medauth.signals.interface import Marks, Trace
from medauth.signals.lid_fusion import JoinedWatch, LookTuning, SecondLook


@dataclass(frozen=True, slots=True)
class BlinkTuning:
    """When blinks are many, few or regular enough to say something."""

    lids: LidTuning = field(default_factory=LidTuning)
    look: LookTuning = field(default_factory=LookTuning)
    expected_within_ms: float = 45_000.0
    """At 5 blinks a minute, 45 s without one happen once in 40 times."""
    slowest_frames_ms: float = 130.0
    """With longer intervals between frames a blink falls between two of them."""
    too_fast_ms: float = 70.0
    """Lids cannot close and open again in less."""
    regular_intervals: int = 5
    """Intervals needed before regularity means anything: three prompted blinks in a row are even."""
    regular_variation: float = 0.08
    """Standard deviation over mean of the intervals; people are near 0.6, a loop near 0."""


class BlinkSignal:
    """Finds blinks in the landmarks and, with a `reader`, in the eyes themselves. A `Signal` and a `Blinks`."""

    name = "blink"

    def __init__(self, reader: EyeReader | None = None, tuning: BlinkTuning | None = None) -> None:
        self._tuning = tuning or BlinkTuning()
        self._reader = reader
        self._gauge = EyeGauge(self._tuning.lids)
        self._look = SecondLook(self._tuning.look)
        self._watch = JoinedWatch(self._tuning.lids)
        self._looks = 0
        self._events: list[LidEvent] = []
        self._winks = 0
        self._completed: tuple[Blink, ...] = ()
        self._times_ms: list[float] = []
        self._lefts: list[float] = []
        self._rights: list[float] = []
        self._watched_ms = 0.0

    def start(self, challenge: Challenge | None) -> None:
        """A blink counts whether it was asked for or not."""

    def update(self, observation: Observation) -> None:
        self._completed = ()
        if observation.track is None:
            self._watch.lose()
            return
        t_ms = observation.frame.t_ms
        left, right = measure_eyes(observation.track.landmarks)
        openness = self._gauge.openness(t_ms, left, right, observation.track.pose.yaw)
        self._note(t_ms, openness.left, openness.right)
        event = self._watch.feed(openness, self._deepened(openness, observation.frame, observation.track))
        if event is not None and event.one_eyed:
            self._winks += 1
        elif event is not None:
            self._events.append(event)
            self._completed = (event.blink,)

    def completed(self) -> tuple[Blink, ...]:
        return self._completed

    def reading(self) -> SignalReading:
        natural = [event for event in self._events if not self._is_too_fast(event)]
        odd = [event for event in self._events if self._is_too_fast(event)]
        outcome, code, reason = self._conclude(natural, odd)
        score = to_ppm(statistics.fmean(1.0 - event.lowest for event in natural)) if natural else None
        return SignalReading(self.name, outcome, code, reason, score, self._details(natural, odd))

    def marks(self) -> Marks:
        traces = (
            Trace("left eye open", "share of open level", tuple(self._times_ms), tuple(self._lefts)),
            Trace("right eye open", "share of open level", tuple(self._times_ms), tuple(self._rights)),
        )
        models = (self._reader.use,) if self._reader is not None else ()
        return Marks(traces=traces, models=models, events={"blink": [_times(event) for event in self._events]})

    def _deepened(self, openness: Openness, frame: Frame, track: FaceTrack) -> Openness:
        if self._reader is None or not self._look.wanted(openness):
            return openness
        self._looks += 1
        return self._look.deepened(openness, self._reader.closed(frame.image, track.landmarks))

    def _note(self, t_ms: float, left: float | None, right: float | None) -> None:
        if self._times_ms:
            self._watched_ms += min(t_ms - self._times_ms[-1], self._tuning.lids.gap_ms)
        self._times_ms.append(t_ms)
        self._lefts.append(float("nan") if left is None else left)
        self._rights.append(float("nan") if right is None else right)

    def _is_too_fast(self, event: LidEvent) -> bool:
        """Only where frames are dense enough that the whole movement was seen."""
        return event.duration_ms < self._tuning.too_fast_ms and event.frame_ms < self._tuning.too_fast_ms / 3

    def _is_regular(self, events: Sequence[LidEvent]) -> bool:
        starts = [event.blink.onset_ms for event in events]
        intervals = [later - earlier for earlier, later in pairwise(starts)]
        if len(intervals) < self._tuning.regular_intervals:
            return False
        return statistics.stdev(intervals) < self._tuning.regular_variation * statistics.fmean(intervals)

    def _frame_ms(self) -> float:
        gaps = [later - earlier for earlier, later in pairwise(self._times_ms)]
        return statistics.median(gaps) if gaps else 0.0

    def _conclude(self, natural: Sequence[LidEvent], odd: Sequence[LidEvent]) -> tuple[Outcome, str, str]:
        seconds = round(self._watched_ms / 1000)
        if self._is_regular(natural):
            return Outcome.FAIL, "blink.too_regular", f"{len(natural)} blinks came as evenly as in a loop."
        if natural:
            return (
                Outcome.PASS,
                "blink.natural",
                f"{len(natural)} natural blink{'s' if len(natural) > 1 else ''} in {seconds} s.",
            )
        if odd:
            return Outcome.FAIL, "blink.too_fast", f"{len(odd)} blinks were faster than lids can move."
        return self._conclude_without(seconds)

    def _conclude_without(self, seconds: int) -> tuple[Outcome, str, str]:
        if not self._times_ms:
            return Outcome.INCONCLUSIVE, "blink.not_measured", "No face was seen, so no eyes either."
        if self._frame_ms() > self._tuning.slowest_frames_ms:
            return Outcome.INCONCLUSIVE, "blink.too_few_frames", "Frames came too seldom to see a blink."
        if self._watched_ms >= self._tuning.expected_within_ms:
            return Outcome.FAIL, "blink.none_seen", f"No blink in {seconds} s, where a person blinks several times."
        return Outcome.INCONCLUSIVE, "blink.none_seen", f"No blink in {seconds} s, too short a time to expect one."

    def _details(self, natural: Sequence[LidEvent], odd: Sequence[LidEvent]) -> Mapping[str, Json]:
        minutes = self._watched_ms / 60_000
        return {
            "watched_ms": round(self._watched_ms),
            "frame_interval_ms": round(self._frame_ms()),
            "blinks_per_minute_milli": round(1000 * len(natural) / minutes) if minutes else None,
            "winks": self._winks,
            "looks": self._looks,
            "events": [_detail(event) for event in natural],
            "too_fast": [_detail(event) for event in odd],
        }


def _times(event: LidEvent) -> Mapping[str, float]:
    blink = event.blink
    return {"onset_ms": blink.onset_ms, "closed_ms": blink.closed_ms, "reopened_ms": blink.reopened_ms}


def _detail(event: LidEvent) -> dict[str, Json]:
    detail: dict[str, Json] = {name: round(value) for name, value in _times(event).items()}
    detail["closed_ppm"] = to_ppm(1.0 - event.lowest)
    detail["asymmetry_ppm"] = to_ppm(event.asymmetry)
    return detail
