"""Micro-expressions: movements of the face of 1/25 to 1/2 s that people do not make on purpose.

Reported, never decisive, and always *inconclusive*: most checks show none, so none says nothing; a picture bent by hand
can show one; and on faces that speak or laugh the spotter finds a few in a minute that are none (docs/adr/0231). Blinks,
nodding, looks aside and longer expressions are not counted; where they fill the time, the reading says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.eyelids import EyeGauge, LidTuning, measure_eyes
from medauth.signals.face_flow import NAMES, REGIONS, Grey, Moves, RegionMeter, draw_face, region_middles
from medauth.signals.interface import Marks, Trace
from medauth.signals.micro_classifier import UNDECIDED, MovementClassifier, MovementModel
from medauth.signals.micro_spotter import MicroEvent, MicroSpotter, MotionSample, SpotterTuning

LEAST_FRAMES = 3
"""A movement of fewer frames cannot be told from a flaw of one frame."""
_BROWS = tuple(index for index, name in enumerate(NAMES) if "brow" in name)
_CORNERS = tuple(index for index, name in enumerate(NAMES) if "corner" in name)
_MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class MicroTuning:
    """When a frame counts, and when there is too little to say anything."""

    spotter: SpotterTuning = field(default_factory=SpotterTuning)
    lids: LidTuning = field(default_factory=LidTuning)
    lids_still: float = 0.75
    """An eye closed further than this (1 is open) is blinking or looks down: the frame is masked."""
    reference_ms: float = 270.0
    """How long one drawing serves as the reference: shorter drifts, longer leaves the linear range."""
    thinning_ms: float = 12.0
    """Frames that follow sooner are left out; 80 a second show the shortest movement in three."""
    least_watched_ms: float = 2_000.0
    least_judgeable: float = 0.3
    """Share of the time in which lids were still; below it nothing is said."""


@dataclass(frozen=True, slots=True)
class NamedEvent:
    """A movement with what the net made of it."""

    event: MicroEvent
    probabilities: Mapping[str, float]
    label: str


class MicroExpressionSignal:
    """Watches the face for movements too short to be meant. A `Signal`; its memory does not grow with the frames."""

    name = "micro_expression"

    def __init__(self, model: MovementModel | None, tuning: MicroTuning | None = None) -> None:
        """Without a model movements are found and described, and keep no name."""
        self._tuning = tuning or MicroTuning()
        self._classifier = MovementClassifier(model) if model is not None else None
        self._spotter = MicroSpotter(self._tuning.spotter)
        self._gauge = EyeGauge(self._tuning.lids)
        self._drawings: deque[tuple[float, Grey]] = deque(maxlen=self._tuning.spotter.capacity)
        self._meter: RegionMeter | None = None
        self._meter_ms = 0.0
        self._offset = np.zeros((len(REGIONS), 2), np.float32)
        self._events: list[NamedEvent] = []
        self._watched_ms = self._masked_ms = 0.0
        self._times_ms: list[float] = []
        self._brows: list[float] = []
        self._corners: list[float] = []

    def start(self, challenge: Challenge | None) -> None:
        """A movement that nobody asked for counts whatever was asked."""

    def update(self, observation: Observation) -> None:
        track, t_ms = observation.track, observation.frame.t_ms
        if track is None:
            self._note(self._spotter.lose())
            self._meter = None
            return
        if self._times_ms and t_ms - self._times_ms[-1] < self._tuning.thinning_ms:
            return
        lids = self._gauge.openness(t_ms, *measure_eyes(track.landmarks), track.pose.yaw)
        masked = lids.narrower < self._tuning.lids_still
        grey = draw_face(observation.frame.image, track)
        moves = self._measure(t_ms, grey, observation)
        pose = track.pose
        self._trace(t_ms, moves, masked=masked)
        self._note(self._spotter.feed(MotionSample(t_ms, moves, (pose.yaw, pose.pitch, pose.roll), masked)))
        self._keep(t_ms, grey)

    def reading(self) -> SignalReading:
        events = [*self._events, *map(self._named, self._spotter.pending())]
        outcome, code, reason = self._conclude(events)
        return SignalReading(self.name, outcome, code, reason, None, self._details(events))

    def marks(self) -> Marks:
        events = [*self._events, *map(self._named, self._spotter.pending())]
        traces = (
            Trace("brows up", "working pixels", tuple(self._times_ms), tuple(self._brows)),
            Trace("mouth corners up", "working pixels", tuple(self._times_ms), tuple(self._corners)),
        )
        models = (self._classifier.use,) if self._classifier is not None else ()
        return Marks(traces, models, {"micro_expression": [_numbers(event) for event in events]})

    def _measure(self, t_ms: float, grey: Grey, observation: Observation) -> Moves:
        """Shifts since the first reference: those since the present one, and how far that one had moved."""
        assert observation.track is not None
        if self._meter is None:
            self._offset = np.zeros_like(self._offset)
            moves = self._offset
        else:
            moves = self._offset + self._meter.moves(grey)
        if self._meter is None or t_ms - self._meter_ms >= self._tuning.reference_ms:
            self._meter, self._meter_ms = RegionMeter(grey, region_middles(observation.track)), t_ms
            self._offset = moves
        return moves

    def _keep(self, t_ms: float, grey: Grey) -> None:
        """Drawings of the spotter's window: an event's onset and apex are looked up when it is decided."""
        spotter = self._tuning.spotter
        self._drawings.append((t_ms, grey))
        while t_ms - self._drawings[0][0] > 2 * (spotter.context_ms + spotter.longest_ms):
            self._drawings.popleft()

    def _note(self, found: Sequence[MicroEvent]) -> None:
        self._events += [self._named(event) for event in found]

    def _named(self, event: MicroEvent) -> NamedEvent:
        if self._classifier is None or not self._drawings:
            return NamedEvent(event, {}, UNDECIDED)
        probabilities = self._classifier.probabilities(
            self._drawing_at(event.onset_ms), self._drawing_at(event.apex_ms)
        )
        return NamedEvent(event, probabilities, self._classifier.name_of(probabilities))

    def _drawing_at(self, t_ms: float) -> Grey:
        return min(self._drawings, key=lambda kept: abs(kept[0] - t_ms))[1]

    def _trace(self, t_ms: float, moves: Moves, *, masked: bool) -> None:
        gap_ms = min(t_ms - self._times_ms[-1], self._tuning.spotter.gap_ms) if self._times_ms else 0.0
        self._watched_ms += gap_ms
        self._masked_ms += gap_ms if masked else 0.0
        self._times_ms.append(t_ms)
        self._brows.append(-float(moves[_BROWS, 1].mean()))
        self._corners.append(-float(moves[_CORNERS, 1].mean()))

    def _conclude(self, events: Sequence[NamedEvent]) -> tuple[Outcome, str, str]:
        tuning, watched_ms = self._tuning, self._watched_ms
        inconclusive, blind = Outcome.INCONCLUSIVE, self._blind_spot()
        if not self._times_ms:
            return inconclusive, "micro_expression.not_measured", "No face was seen, so no movement of it either."
        if self.shortest_ms() > tuning.spotter.longest_ms:
            text = "Frames came too seldom: no movement of half a second or less could be observed."
            return inconclusive, "micro_expression.too_few_frames", text
        if events:
            kinds = ", ".join(event.label for event in events[:5])
            text = (
                f"Short movements of the face: {len(events)} ({kinds}); on real clips many of these are none. {blind}"
            )
            return inconclusive, "micro_expression.seen", text
        if watched_ms < tuning.least_watched_ms:
            return inconclusive, "micro_expression.too_short", "The face was seen too briefly to expect any."
        if watched_ms - self._masked_ms < tuning.least_judgeable * watched_ms:
            text = "The eyes were closing or cast down most of the time, so nothing else could be judged."
            return inconclusive, "micro_expression.not_judgeable", text
        text = f"None in {round(watched_ms / 1000)} s, which says nothing: most people show none. {blind}"
        return inconclusive, "micro_expression.none_seen", text

    def shortest_ms(self) -> float:
        """The shortest movement that the frames could show."""
        return max(self._tuning.spotter.shortest_ms, LEAST_FRAMES * self._frame_ms())

    def _frame_ms(self) -> float:
        """Median interval of the frames; 0 before there are two."""
        return float(np.median(np.diff(self._times_ms))) if len(self._times_ms) > 1 else 0.0

    def _blind_spot(self) -> str:
        rate = 1000.0 / max(self._frame_ms(), 1.0)
        return f"At {rate:.0f} frames a second, movements under {self.shortest_ms():.0f} ms were not observable."

    def _details(self, events: Sequence[NamedEvent]) -> Mapping[str, Json]:
        counts: dict[str, Json] = {}
        for event in events:
            counts[event.label] = int(str(counts.get(event.label, 0))) + 1
        return {
            "watched_ms": round(self._watched_ms),
            "masked_ms": round(self._masked_ms),
            "frame_interval_ms": round(self._frame_ms()),
            "shortest_observable_ms": round(self.shortest_ms()),
            "count": len(events),
            "classes": counts,
            "events": [_detail(event) for event in events[:_MOST_LISTED]],
        }


def _numbers(named: NamedEvent) -> Mapping[str, float]:
    """An event for plots: times, amplitude, and the probability of each class."""
    event = named.event
    times = {"onset_ms": event.onset_ms, "apex_ms": event.apex_ms, "offset_ms": event.offset_ms}
    return {**times, "amplitude_px": event.amplitude_px, **named.probabilities}


def _detail(named: NamedEvent) -> dict[str, Json]:
    event = named.event
    return {
        "onset_ms": round(event.onset_ms),
        "apex_ms": round(event.apex_ms),
        "offset_ms": round(event.offset_ms),
        "amplitude_milli_px": round(1000 * event.amplitude_px),
        "strength_milli": round(1000 * event.strength),
        "directions": dict(event.directions),
        "class": named.label,
        "classes_ppm": {name: to_ppm(value) for name, value in named.probabilities.items()},
    }
