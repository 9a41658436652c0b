"""Did the film go on with another camera? A cut, and with it another picture size or another grain.

A cut is a leap from one frame to the next between two calm stretches: of the picture where its size changes with it, else
of the picture and of the face in it. A lamp changes neither size nor the face's place, a fast head is not calm before and after, and where frames were lost in
between (a gap in the times) nobody knows how far a person moved: none of these is a cut. A cut alone is told and not
judged; another camera right with it is what honest cameras do not do within a check. A telephone turned on its side
swaps width and height, which counts for nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

CALM = 8
"""Frames on each side of a cut."""
LEAP = 4.0
"""The leap over the largest step of the calm frames around it."""
LEAST_LEAP = 0.12
"""Distance of the prints (length 1): a correlation below 0.993."""
FACE_LEAP = 0.06
"""Of the face's centre, in widths and heights of the picture."""
GAP = 2.5
"""An interval this much longer than the median before the cut is a gap."""
NOISE_RATIO = 1.6
"""Between the noise before and after: exposure and compression move it by less within a second."""
NOISE_STEP = 0.3
"""Least difference in grey levels."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What is compared of one frame."""

    t_ms: float
    seen: NDArray[np.float32]
    face: NDArray[np.float64] | None
    """(2,) centre of the face in shares of the picture's sides, where there is one."""
    size: tuple[int, int]
    """(height, width) in pixels."""
    noise: float
    """In grey levels."""


class CameraChange:
    """Fed every frame; remembers as many as lie around one cut."""

    def __init__(self) -> None:
        self._sights: deque[Sight] = deque(maxlen=2 * CALM + 2)
        self._steps: deque[float] = deque(maxlen=2 * CALM + 2)
        self.cuts = 0
        self.sizes = 0
        """Changes of size, turns left out."""
        self.changed_ms: float | None = None
        """When the film first went on with another camera."""

    def add(self, sight: Sight) -> None:
        """Takes in one frame; a cut is found when the frames after it have come."""
        if self._sights and _resized(self._sights[-1], sight):
            self.sizes += 1
        self._steps.append(_distance(self._sights[-1].seen, sight.seen) if self._sights else 0.0)
        self._sights.append(sight)
        # Most frames are no leap, and cost no more than this.
        if len(self._sights) == self._sights.maxlen and self._steps[CALM + 1] >= LEAST_LEAP:
            self._judge(list(self._sights), list(self._steps)[1:])

    def _judge(self, sights: list[Sight], steps: list[float]) -> None:
        """`steps` are the distances between the prints of neighbours."""
        before, after = sights[CALM], sights[CALM + 1]
        resized = _resized(before, after)
        # No lamp changes the size: the picture's leap is enough then.
        if not _stands_out(steps, LEAST_LEAP) or _has_gap(sights) or not (resized or _face_leaps(sights)):
            return
        self.cuts += 1
        if self.changed_ms is None and (resized or _other_noise(sights)):
            self.changed_ms = after.t_ms


def _stands_out(steps: list[float], least: float) -> bool:
    """The step in the middle, against the calm ones around it."""
    return steps[CALM] >= max(least, LEAP * max(steps[:CALM] + steps[CALM + 1 :]))


def _has_gap(sights: list[Sight]) -> bool:
    intervals = np.diff([sight.t_ms for sight in sights])
    return bool(intervals.max() > GAP * np.median(intervals))


def _face_leaps(sights: list[Sight]) -> bool:
    if sights[CALM].face is None or sights[CALM + 1].face is None:
        return False
    return _stands_out([_face_step(one, other) for one, other in pairwise(sights)], FACE_LEAP)


def _resized(before: Sight, after: Sight) -> bool:
    return before.size != after.size and before.size != after.size[::-1]


def _other_noise(sights: list[Sight]) -> bool:
    before = float(np.median([sight.noise for sight in sights[: CALM + 1]]))
    after = float(np.median([sight.noise for sight in sights[CALM + 1 :]]))
    less, more = sorted((before, after))
    return more - less >= NOISE_STEP and more >= NOISE_RATIO * less


def _distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    gap = one - other
    return float(np.sqrt(np.einsum("i,i->", gap, gap)))


def _face_step(one: Sight, other: Sight) -> float:
    if one.face is None or other.face is None:
        return 0.0
    return float(np.hypot(*(one.face - other.face)))
