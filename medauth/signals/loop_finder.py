"""Was this stretch of the film shown before? Finds a clip that is played again, in constant memory and without a picture.

Every frame leaves a few numbers. Some times a second the nearest of all earlier frames is looked for. In a loop it lies
the same time back again and again (played backwards: at the same distance on the other side of the turn), and fits far
better than its own neighbours a moment before and after it. A person comes back to a pose, even in a rhythm, but neither
to the same fraction of a pixel nor for seconds in step.

Without motion there is nothing to tell a loop from keeping still, and nothing is claimed, unless the very bytes come
again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUERY_MS = 60.0
"""How often an earlier twin is looked for."""
LEAST_LAG_MS = 1_000.0
"""Shorter repetitions are nods, blinks and cameras that give a frame twice."""
ASIDE_MS = 130.0
"""The twin is compared with what was seen so much before and after it: a face in motion has moved by then."""
SHARP = 0.4
"""A twin this much nearer than its neighbours is the same picture again, not the same pose."""
LEAST_MOTION = 0.002
"""Distance to the neighbours below which nothing moved: rounding and compression alone reach half of it."""
IN_STEP_MS = 45.0
"""Lags of one loop differ by at most a frame of a slow camera."""
WINDOW = 40
"""Looks that are judged together: 2.4 s and more."""
BACKWARDS_WEIGHT = 2 / 3
"""A nod comes and goes, and is its own mirror image in time for a while: to be played backwards takes half as much again."""
_SLACK_MS = 0.5


@dataclass(frozen=True, slots=True)
class Twin:
    """The nearest earlier frame of one look."""

    t_ms: float
    lag_ms: float
    sharpness: float
    """Distance to it over the distance to what was seen around it: 0 for the same picture, about 1 for a still one."""


@dataclass(frozen=True, slots=True)
class Loop:
    """The stretch that looked most like one: the share of its looks that found the same picture in step."""

    share: float = 0.0
    lag_ms: float = 0.0
    ended_ms: float = 0.0
    backwards: bool = False


class LoopFinder:
    """Fed every frame of a check. `capacity` bounds its memory; from then on the oldest frames are forgotten."""

    def __init__(self, capacity: int = 5_400) -> None:
        self._capacity = capacity
        self._prints = np.zeros((0, 0), np.float32)
        self._squares = np.zeros(capacity, np.float32)
        self._times_ms = np.zeros(capacity)
        self._count = 0
        self._seen_ms: dict[bytes, float] = {}
        self._last_digest = b""
        self._asked_ms = -np.inf
        self._recent: deque[Twin | None] = deque(maxlen=WINDOW)
        self.best = Loop()

    def add(self, t_ms: float, seen: NDArray[np.float32], digest: bytes = b"") -> None:
        """Takes in one frame; times never run backwards. `seen` is (n,) float32, n the same for every frame; distances
        say how alike two are. `digest` is of the frame's bytes; empty where they say nothing."""
        if t_ms - self._asked_ms >= QUERY_MS - _SLACK_MS:
            self._asked_ms = t_ms
            self._recent.append(self._same_bytes(t_ms, digest) or self._twin(t_ms, seen))
            self._judge(t_ms)
            self._last_digest = digest
        self._remember(t_ms, seen, digest)

    def _remember(self, t_ms: float, seen: NDArray[np.float32], digest: bytes) -> None:
        if self._count == 0:
            # Pages that are never written to take no memory.
            self._prints = np.zeros((self._capacity, seen.size), np.float32)
        row = self._count % self._capacity
        self._prints[row], self._times_ms[row] = seen, t_ms
        self._squares[row] = np.einsum("i,i->", seen, seen)
        self._count += 1
        if digest:
            self._seen_ms.pop(digest, None)  # so that the oldest stays the first
            self._seen_ms[digest] = t_ms
            if len(self._seen_ms) > self._capacity:
                del self._seen_ms[next(iter(self._seen_ms))]

    def _same_bytes(self, t_ms: float, digest: bytes) -> Twin | None:
        """A picture whose very bytes came before, in a film that goes on: a frozen one repeats itself without a step."""
        before_ms = self._seen_ms.get(digest)
        if before_ms is None or digest == self._last_digest or t_ms - before_ms < LEAST_LAG_MS:
            return None
        return Twin(t_ms, t_ms - before_ms, 0.0)

    def _twin(self, t_ms: float, seen: NDArray[np.float32]) -> Twin | None:
        """None where there is no past, or no motion that could tell."""
        known = min(self._count, self._capacity)
        times = self._times_ms[:known]
        past = times <= t_ms - LEAST_LAG_MS
        if not past.any():
            return None
        # |a - b|^2 without the |b|^2 that all have in common: a product costs a quarter of the differences.
        unlike = self._squares[:known] - 2 * np.einsum("ij,j->i", self._prints[:known], seen)
        nearest = int(np.where(past, unlike, np.inf).argmin())
        around = np.flatnonzero(np.abs(np.abs(times - times[nearest]) - ASIDE_MS) <= IN_STEP_MS)
        aside = float(_distances(self._prints[around], seen).mean()) if around.size else 0.0
        if aside < LEAST_MOTION:
            return None
        near = float(_distances(self._prints[nearest : nearest + 1], seen)[0])
        return Twin(t_ms, t_ms - float(times[nearest]), near / aside)

    def _judge(self, t_ms: float) -> None:
        sharp = [twin for twin in self._recent if twin is not None and twin.sharpness <= SHARP]
        # Most looks find so few that no stretch of them could be the best, however well in step.
        if len(sharp) <= self.best.share * WINDOW:
            return
        forwards, lag_ms = _most_in_step([twin.lag_ms for twin in sharp])
        # Played backwards, time and the twin's time have a constant sum.
        backwards, _ = _most_in_step([twin.t_ms - twin.lag_ms / 2 for twin in sharp])
        share = max(forwards, BACKWARDS_WEIGHT * backwards) / WINDOW
        if share > self.best.share:
            self.best = Loop(share, lag_ms, t_ms, BACKWARDS_WEIGHT * backwards > forwards)


def _distances(prints: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """(m,) of (m, n) prints to one, exact: the twin of a loop is too near for the difference of two sums."""
    gaps = prints - seen
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", gaps, gaps)), np.float32)


def _most_in_step(values: Sequence[float]) -> tuple[int, float]:
    """How many values lie within one step of each other at most, and their median; 0 and 0 of none."""
    if not values:
        return 0, 0.0
    ordered = np.sort(np.asarray(values))
    ends = np.searchsorted(ordered, ordered + 2 * IN_STEP_MS, side="right")
    counts = ends - np.arange(len(ordered))
    first = int(counts.argmax())
    return int(counts[first]), float(np.median(ordered[first : ends[first]]))
