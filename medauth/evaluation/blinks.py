"""Blink events against blinks checked by hand, on recordings as they are and made worse.

Scored by overlap: an event that touches a blink finds it, a second one on the same blink is false, and events that touch
nothing but an `ignore` range (a squint, a gaze cast down, a clip's edge) count neither way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.errors import InputError
from medauth.evaluation.degraded import WORN, Degrade, Landmarks, Moment, Picture
from medauth.evaluation.film_pictures import pictures
from medauth.protocol.observation import FaceTrack, Observation
from medauth.signals.blink import BlinkSignal
from medauth.signals.eyelids import measure_eyes
from medauth.signals.face_track import FaceMeshTracker

Span = tuple[float, float]
FIXED_RATIO, FIXED_FRAMES = 0.21, 2
"""The common rule to compare with: eye aspect ratio below 0.21 for two frames (Soukupová & Čech 2016)."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording with its blinks; spans in milliseconds."""

    path: Path
    fps: float
    blinks: tuple[Span, ...]
    ignored: tuple[Span, ...]


@dataclass(slots=True)
class Count:
    """Blinks found, blinks there are, and events that are no blink."""

    hits: int = 0
    false: int = 0
    blinks: int = 0

    @property
    def f1(self) -> float:
        """2 hits / (2 hits + false + missed)."""
        return 2 * self.hits / max(1, self.hits + self.false + self.blinks)

    def add(self, clip: Clip, events: Sequence[Span]) -> None:
        """Takes in the events of one clip."""
        self.blinks += len(clip.blinks)
        self.hits += sum(any(overlap(blink, event) for event in events) for blink in clip.blinks)
        for event in events:
            if not any(overlap(event, span) for span in (*clip.blinks, *clip.ignored)):
                self.false += 1
        for blink in clip.blinks:
            self.false += max(0, sum(overlap(blink, event) for event in events) - 1)

    def plus(self, other: Count) -> Count:
        """Both together."""
        return Count(self.hits + other.hits, self.false + other.false, self.blinks + other.blinks)

    def as_json(self) -> dict[str, Any]:
        """For a report."""
        return {"f1": round(self.f1, 4), "blinks": self.blinks, "found": self.hits, "false": self.false}


def overlap(one: Span, other: Span) -> bool:
    """True when they share a moment."""
    return one[0] <= other[1] and other[0] <= one[1]


def read_clips(folder: Path) -> dict[str, Clip]:
    """The clips of a folder with a `blinks.json`."""
    try:
        listed: Mapping[str, Any] = json.loads((folder / "blinks.json").read_text())
    except OSError as error:
        raise InputError(f"no blinks.json in {folder}", expected="clips with blinks checked by hand") from error
    return {name: _clip(folder, entry) for name, entry in listed.items()}


def thinned(clip: Clip, most_fps: float) -> Iterator[tuple[int, float, Picture]]:
    """Number, time and picture of every frame that a camera with `most_fps` would have given."""
    taken = -1
    for index, picture in enumerate(pictures(clip.path)):
        tick = int(index * most_fps / clip.fps)
        if most_fps >= clip.fps or tick > taken:
            taken = tick
            yield index, 1000 * index / clip.fps, picture


def landmarks_of(clip: Clip) -> list[Landmarks | None]:
    """The face's landmarks in every frame as it was recorded: where things that are worn on the face belong."""
    tracker, found = FaceMeshTracker(), []
    for index, picture in enumerate(pictures(clip.path)):
        frame = read_frame(CapturedFrame(image=picture), index, 1000 * index / clip.fps)
        track, _ = tracker.track(frame)
        found.append(None if track is None else track.landmarks)
    tracker.close()
    return found


def degraded(
    clip: Clip, most_fps: float, degrade: Degrade, worn: Sequence[Landmarks | None] | None = None
) -> Iterator[tuple[float, Picture]]:
    """Time and picture of the clip as such a camera would have seen it; `worn` as of `landmarks_of`."""
    for index, t_ms, picture in thinned(clip, most_fps):
        yield t_ms, degrade(Moment(picture, worn[index] if worn else None, t_ms))


def watch(
    frames: Iterator[tuple[float, Picture]], signals: Sequence[BlinkSignal]
) -> tuple[list[list[Span]], list[Span]]:
    """Events of each signal, and those of the fixed rule, over one recording seen once."""
    tracker = FaceMeshTracker()
    low: list[tuple[float, bool]] = []
    for index, (t_ms, picture) in enumerate(frames):
        frame = read_frame(CapturedFrame(image=picture), index, t_ms)
        track, problem = tracker.track(frame)
        for signal in signals:
            signal.update(Observation(frame, track, problem, None))
        low.append((t_ms, track is not None and aspect_ratio(track) < FIXED_RATIO))
    tracker.close()
    return [events_of(signal) for signal in signals], runs_below(low)


def events_of(signal: BlinkSignal) -> list[Span]:
    """From the last open frame to the first open one, of every blink."""
    return [(event["onset_ms"], event["reopened_ms"]) for event in signal.marks().events["blink"]]


def runs_below(low: Sequence[tuple[float, bool]]) -> list[Span]:
    """The fixed rule's events."""
    runs = [[t for t, _ in run] for below, run in groupby(low, lambda item: item[1]) if below]
    return [(run[0], run[-1]) for run in runs if len(run) >= FIXED_FRAMES]


def aspect_ratio(track: FaceTrack) -> float:
    """Mean eye aspect ratio of both eyes."""
    left, right = measure_eyes(track.landmarks)
    return (left.over_width + right.over_width) / 2


def count(
    clips: Sequence[Clip], most_fps: float, degrade: Degrade, makers: Sequence[Callable[[], BlinkSignal]]
) -> tuple[list[Count], Count]:
    """Each signal, and the fixed rule, over all clips; a fresh signal for each."""
    ours, fixed = [Count() for _ in makers], Count()
    for clip in clips:
        worn = landmarks_of(clip) if degrade in WORN else None
        found, below = watch(degraded(clip, most_fps, degrade, worn), [make() for make in makers])
        for tally, events in zip(ours, found, strict=True):
            tally.add(clip, events)
        fixed.add(clip, below)
    return ours, fixed


def _clip(folder: Path, entry: Mapping[str, Any]) -> Clip:
    frame_ms = 1000 / entry["fps"]
    blinks = tuple((first * frame_ms, last * frame_ms) for first, _, last in entry["blinks"])
    ignored = tuple((first * frame_ms, last * frame_ms) for first, last in entry["ignore"])
    return Clip(folder / entry["file"], entry["fps"], blinks, ignored)
