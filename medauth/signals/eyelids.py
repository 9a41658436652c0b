"""How far each eye is open, and when both close and open again like a blink.

Pure values and arithmetic, so that blinks can be tested on curves: no image, no model, no clock.

Opening is the eye aspect ratio of Soukupová & Čech, "Real-Time Eye Blink Detection using Facial Landmarks" (CVWW 2016),
measured twice: the lid gap over the eye's width, and over the length of the nose. A head or a photograph that turns
about the upright axis squeezes the width, one that nods squeezes the nose and the gap together; each eye counts as open
while either measure says so, so neither turn can be mistaken for a lid.

Nothing is compared with a fixed threshold: each measure is taken relative to the person's own open level, which follows
within a second, and all constants are in milliseconds, so that 10 and 60 frames a second give the same events.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import Blink

# FaceMesh indices: outer corner, inner corner, three points of the upper lid, the three below them. Right is the
# person's right eye, which the unmirrored picture shows on its left.
_RIGHT = (33, 133, 160, 159, 158, 144, 145, 153)
_LEFT = (263, 362, 387, 386, 385, 373, 374, 380)
_NOSE = (168, 2)
_POINTS = np.array(_RIGHT + _LEFT + _NOSE)


@dataclass(frozen=True, slots=True)
class EyeShape:
    """One eye's lid gap, as a fraction of two lengths that lids do not change."""

    over_width: float
    over_nose: float


@dataclass(frozen=True, slots=True)
class Openness:
    """Both eyes, each relative to its own open level: 1 open, about 0.2 closed; None where the eye is not seen."""

    t_ms: float
    left: float | None
    right: float | None

    @property
    def both(self) -> float:
        """Mean of the eyes that are seen; 1 when none is, so that nothing is made of it."""
        seen = [eye for eye in (self.left, self.right) if eye is not None]
        return sum(seen) / len(seen) if seen else 1.0

    @property
    def wider(self) -> float:
        """The eye that is less closed."""
        return max((eye for eye in (self.left, self.right) if eye is not None), default=1.0)

    @property
    def narrower(self) -> float:
        """The eye that is more closed."""
        return min((eye for eye in (self.left, self.right) if eye is not None), default=1.0)


@dataclass(frozen=True, slots=True)
class LidEvent:
    """Lids that closed and opened again."""

    blink: Blink
    lowest: float
    """Least openness, mean of the eyes."""
    asymmetry: float
    """Difference of the two eyes' least openness."""
    one_eyed: bool
    """A wink: the other eye stayed open."""
    frame_ms: float
    """Interval between frames around the event: nothing shorter can be told."""

    @property
    def duration_ms(self) -> float:
        """From the last open frame to the first open one."""
        return self.blink.reopened_ms - self.blink.onset_ms


@dataclass(frozen=True, slots=True)
class LidTuning:
    """Constants of the detector. Openness is relative to the open level, times are in milliseconds."""

    closed: float = 0.5
    """Both eyes' mean must fall below this share of the open level (a squint stays above)."""
    closed_wider_eye: float = 0.62
    """And the wider eye below this one, else it is a wink."""
    sparse_allowance: float = 0.12
    """Added to both when frames are `sparse_ms` apart: few frames seldom meet the moment of full closure."""
    dense_ms: float = 45.0
    sparse_ms: float = 85.0
    """Frame intervals between which the allowance grows from nothing to all of it."""
    least_drop: float = 0.3
    """From the frame before it closed, so that lids held low do not blink by trembling."""
    shut: float = 0.35
    """Below this the lids touch; only then may a closure be long."""
    brief_ms: float = 500.0
    """Longest closure that does not get below `shut` (longer ones are glances down)."""
    longest_ms: float = 1000.0
    """Anything longer is closed eyes, not a blink."""
    slowest_closing_ms: float = 350.0
    """From open to most closed; lids falling more slowly follow the gaze or fall asleep."""
    open: float = 0.85
    """Openness above which the eye is simply open."""
    settle_ms: float = 120.0
    """How long after half reopening the detector waits for the rest before it reports."""
    falls_again: float = 0.15
    """Loss of openness that counts as the next closure rather than noise."""
    level_up_ms: float = 250.0
    level_down_ms: float = 2500.0
    """Time constants of the open level: quick up, slow down, so that a blink does not lower it."""
    warm_up_ms: float = 200.0
    """The open level is not known before."""
    gap_ms: float = 400.0
    """A longer silence (face lost) ends whatever was going on."""
    far_eye_yaw_deg: float = 28.0
    """Beyond it the nose hides the far eye."""


def measure_eyes(landmarks: NDArray[np.float32]) -> tuple[EyeShape, EyeShape]:
    """Left and right eye from landmarks (478, 3); depth is left out, being the mesh's weakest coordinate."""
    # Plain floats: for so few points NumPy's calls would cost more than the arithmetic.
    points = landmarks[_POINTS, :2].tolist()
    nose = math.dist(points[16], points[17])
    return _shape(points[8:16], nose), _shape(points[:8], nose)


def _shape(eye: Sequence[Sequence[float]], nose: float) -> EyeShape:
    """`eye` as listed at `_RIGHT`: two corners, three points of the upper lid, three of the lower."""
    gap = sum(math.dist(eye[k], eye[k + 3]) for k in (2, 3, 4)) / 3.0
    return EyeShape(gap / max(math.dist(eye[0], eye[1]), 1.0), gap / max(nose, 1.0))


class OpenLevel:
    """The running level of one measure while the eye is open."""

    def __init__(self, tuning: LidTuning) -> None:
        self._tuning = tuning
        self._level = 0.0

    def relative(self, value: float, dt_ms: float) -> float:
        """`value` as a share of the level, which then follows it."""
        if self._level <= 0.0:
            self._level = value
        constant = self._tuning.level_up_ms if value > self._level else self._tuning.level_down_ms
        self._level += (value - self._level) * (1.0 - math.exp(-dt_ms / constant))
        return value / self._level if self._level > 0.0 else 1.0


class EyeGauge:
    """Openness of both eyes against the person's own open level."""

    def __init__(self, tuning: LidTuning) -> None:
        self._tuning = tuning
        self._last_ms: float | None = None
        self._levels = [OpenLevel(tuning) for _ in range(4)]

    def openness(self, t_ms: float, left: EyeShape, right: EyeShape, yaw_deg: float) -> Openness:
        """The far eye of a turned head is left out, but its level goes on following."""
        dt_ms = 0.0 if self._last_ms is None else min(t_ms - self._last_ms, self._tuning.gap_ms)
        self._last_ms = t_ms
        width_l, nose_l, width_r, nose_r = (
            level.relative(value, dt_ms)
            for level, value in zip(
                self._levels, (left.over_width, left.over_nose, right.over_width, right.over_nose), strict=True
            )
        )
        limit = self._tuning.far_eye_yaw_deg
        return Openness(
            t_ms,
            left=max(width_l, nose_l) if yaw_deg < limit else None,
            right=max(width_r, nose_r) if yaw_deg > -limit else None,
        )


class LidWatch:
    """Turns openness over time into closures. `feed` returns an event on the frame that completes it."""

    def __init__(self, tuning: LidTuning) -> None:
        self._tuning = tuning
        self._recent: deque[Openness] = deque()
        self._began_ms: float | None = None
        self._interval_ms = 0.0
        self._closure: list[Openness] = []
        self._reopened: list[Openness] = []

    @property
    def closing(self) -> bool:
        """True from the frame on which lids were found closed to the one that ends the closure."""
        return bool(self._closure)

    def feed(self, now: Openness) -> LidEvent | None:
        """Takes in one frame; frames must come in order of time."""
        if not self._recent or now.t_ms - self._recent[-1].t_ms > self._tuning.gap_ms:
            self._restart(now.t_ms)
        else:
            self._interval_ms += 0.1 * (now.t_ms - self._recent[-1].t_ms - self._interval_ms)
        self._recent.append(now)
        while now.t_ms - self._recent[0].t_ms > self._tuning.slowest_closing_ms:
            self._recent.popleft()
        if self._closure:
            return self._follow(now)
        if now.both < self._tuning.closed + self._allowance() and self._is_warm(now.t_ms):
            self._closure = self._falling()
        return None

    def _is_warm(self, t_ms: float) -> bool:
        return self._began_ms is not None and t_ms - self._began_ms >= self._tuning.warm_up_ms

    def lose(self) -> None:
        """The face was not seen: what was going on cannot be judged, and the open level must be found again."""
        self._recent.clear()
        self._closure = []
        self._reopened = []

    def _restart(self, t_ms: float) -> None:
        self.lose()
        self._began_ms = t_ms

    def _allowance(self) -> float:
        dense, sparse = self._tuning.dense_ms, self._tuning.sparse_ms
        return self._tuning.sparse_allowance * min(1.0, max(0.0, (self._interval_ms - dense) / (sparse - dense)))

    def _falling(self) -> list[Openness]:
        """The frames since the eye was last open, that one included."""
        start = len(self._recent) - 1
        while start > 0 and self._recent[start].both < self._tuning.open:
            start -= 1
        return list(self._recent)[start:]

    def _follow(self, now: Openness) -> LidEvent | None:
        self._closure.append(now)
        lowest = min(frame.both for frame in self._closure)
        if not self._reopened:
            if now.both >= (lowest + self._tuning.open) / 2.0:
                self._reopened = [now]
            elif now.t_ms - self._closure[0].t_ms > 2 * self._tuning.longest_ms:
                self._closure = []
            return self._end() if now.both >= self._tuning.open else None
        self._reopened.append(now)
        return self._end() if self._has_settled(now) else None

    def _has_settled(self, now: Openness) -> bool:
        """Open, or as open as it gets, or already closing again: blinks may follow one another at once."""
        widest = max(frame.both for frame in self._reopened)
        waited = now.t_ms - self._reopened[0].t_ms >= self._tuning.settle_ms
        return now.both >= self._tuning.open or now.both < widest - self._tuning.falls_again or waited

    def _end(self) -> LidEvent | None:
        widest = max(self._reopened, key=lambda frame: frame.both)
        frames = [frame for frame in self._closure if frame.t_ms <= widest.t_ms]
        self._closure, self._reopened = [], []
        # What comes next cannot have begun before this ended.
        while self._recent and self._recent[0].t_ms < widest.t_ms:
            self._recent.popleft()
        event = _event(frames, self._tuning.closed_wider_eye + self._allowance())
        return event if self._is_closure(frames, event) else None

    def _is_closure(self, frames: list[Openness], event: LidEvent) -> bool:
        tuning = self._tuning
        longest = tuning.longest_ms if event.lowest < tuning.shut else tuning.brief_ms
        closing_ms = event.blink.closed_ms - event.blink.onset_ms
        dropped = frames[0].both - event.lowest >= tuning.least_drop
        return dropped and event.duration_ms <= longest and closing_ms <= tuning.slowest_closing_ms


def _event(frames: list[Openness], closed_wider_eye: float) -> LidEvent:
    lowest = min(frame.both for frame in frames)
    # Lids rest on each other for a while: the closure is reached when they first get there, not at the noise's minimum.
    closed = next(frame for frame in frames if frame.both <= lowest + 0.05)
    lefts = [frame.left for frame in frames if frame.left is not None]
    rights = [frame.right for frame in frames if frame.right is not None]
    asymmetry = abs(min(lefts) - min(rights)) if lefts and rights else 0.0
    frame_ms = (frames[-1].t_ms - frames[0].t_ms) / max(1, len(frames) - 1)
    blink = Blink(frames[0].t_ms, closed.t_ms, frames[-1].t_ms)
    one_eyed = min(frame.wider for frame in frames) >= closed_wider_eye
    return LidEvent(blink, lowest, asymmetry, one_eyed, frame_ms)
