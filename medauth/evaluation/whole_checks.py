"""Identity over whole checks: somebody stays, or hands over to somebody else in the middle.

A check here is the first half of a clip and then the second half of a clip, of the same person or of another, joined by a
hard cut or with nobody in view for a second. The signal runs as in a check; no gesture is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from medauth.capture.encoding import read_frame
from medauth.capture.video_file import VideoFile
from medauth.protocol.observation import CaptureProblem, Observation
from medauth.protocol.reading import SignalReading
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.interface import Signal

HALF_MS = 10_000.0
EVERY_MS = 75.0
GAPS_MS = {"cut": 0.0, "a second out of view": 1_000.0}
Halves = tuple[Sequence[Observation], Sequence[Observation]]


def halves_of(path: Path) -> Halves:
    """The first twenty seconds of a clip, tracked once, about thirteen frames a second."""
    tracker, seen, last_ms = FaceMeshTracker(), list[Observation](), -EVERY_MS
    try:
        for index, captured in enumerate(VideoFile(path, end_ms=2 * HALF_MS).frames()):
            t_ms = captured.media_ms or 0.0
            if t_ms - last_ms >= EVERY_MS - 0.5:
                last_ms = t_ms
                frame = read_frame(captured, index, t_ms)
                seen.append(Observation(frame, *tracker.track(frame), None))
    finally:
        tracker.close()
    middle = len(seen) // 2
    return seen[:middle], seen[middle:]


def judge_checks(
    clips: Mapping[str, Halves], signal: Callable[[], Signal], person_of: Mapping[str, str]
) -> dict[str, dict[str, dict[str, int]]]:
    """By gap and kind (`same person`, `another person`), how many checks came to which outcome code.

    Two clips of one person are neither kind.
    """
    found: dict[str, dict[str, Counter[str]]] = {
        gap: {"same person": Counter(), "another person": Counter()} for gap in GAPS_MS
    }
    for gap, (first, second) in product(GAPS_MS, product(clips, clips)):
        if first != second and person_of.get(first, first) == person_of.get(second, second):
            continue
        kind = "same person" if first == second else "another person"
        reading = run(joined(clips[first][0], clips[second][1], GAPS_MS[gap]), signal())
        found[gap][kind][reading.code] += 1
    return {gap: {kind: dict(count) for kind, count in kinds.items()} for gap, kinds in found.items()}


def run(check: Iterator[Observation], signal: Signal) -> SignalReading:
    """What a fresh signal makes of it."""
    signal.start(None)
    for observation in check:
        signal.update(observation)
    return signal.reading()


def joined(first: Sequence[Observation], second: Sequence[Observation], gap_ms: float) -> Iterator[Observation]:
    """One after the other on one clock; in the gap the last picture goes on without a face."""
    yield from first
    t_ms = first[-1].frame.t_ms
    for _ in range(round(gap_ms / EVERY_MS)):
        t_ms += EVERY_MS
        yield Observation(replace(first[-1].frame, t_ms=t_ms), None, CaptureProblem.NO_FACE, None)
    shift_ms = t_ms + EVERY_MS - second[0].frame.t_ms
    for observation in second:
        frame = replace(observation.frame, t_ms=observation.frame.t_ms + shift_ms)
        yield replace(observation, frame=frame)
