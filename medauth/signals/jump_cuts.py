"""Did the person leap from one moment to another? So does film that a player cuts to what is asked.

Muscles start a head and stop it: a step from one frame to the next is of the size of the steps around it, in slow people
and in quick ones, at thirty frames a second and at ten. Where film was cut the head is at once elsewhere, between two
stretches in which it hardly moves. One such leap can be a frame that was lost where nobody saw it; a player has to leap to
every gesture and back.

What a player may put between both stretches hides no leap: frames without a face are stepped over, and so are a few
with a face that belongs to neither. Nobody saw then how long a person had, or what they did meanwhile; the same holds where
the times show a gap, or the picture stood still before. Such leaps are counted by themselves.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

View = TypeVar("View")
AROUND = 5
"""Steps on each side that a leap is compared with."""
RATIO = 3.0
"""The leap over the largest step around it. Of 20,000 steps of five people, played at 10 to 30 frames a second and up to
three times as fast as filmed, with a tenth of the frames lost, three were more than that, no two in one clip's minute."""
LOST = 1.0
"""So much more for every frame in which the head was not seen. Of 10,000 stretches of 2 to 15 frames of the same people four
were more than that, all of them one moment of one clip."""
FARTHEST = 6.0
"""Enough over any time: heads turn back. Of 6,700 stretches of 8 to 15 frames 230 were more; three have to be in a check, each
where the face was lost."""
FOREIGN = 3.0
"""So much more for every frame with a face that is stepped over: this is looked for everywhere, not where faces are lost."""
MOST_FOREIGN = AROUND
"""Two leaps farther apart count as two."""
BLINK_MS = 110.0
"""No head comes from rest to rest in less, seen in three steps and more."""
SINGLE_MS = 150.0
"""The same, seen in two steps."""
LOST_MS = 500.0
"""After a longer time without a face it begins anew: a person may be anywhere."""
TREMOR = 0.003
"""Of the distance between the eyes: so much a head is away from where it was though it keeps still."""
GAP = 2.5
"""An interval this much longer than the median around it is a gap."""


@dataclass(frozen=True, slots=True, eq=False)
class _Frame(Generic[View]):
    t_ms: float
    view: View
    step: float
    """From the frame with a face before it; NaN where there is none, or it could not be measured."""
    lost: int
    """Frames without a face between both."""
    still: bool
    """The same picture to the bit."""


class JumpCuts(Generic[View]):
    """Fed every frame; a leap is known when the steps after it have come. `between` is the length of a step from one view
    to another, in distances between the eyes; it keeps as many views as lie around one leap.
    """

    def __init__(self, between: Callable[[View, View], float]) -> None:
        self._between = between
        self._frames: deque[_Frame[View]] = deque(maxlen=2 * AROUND + MOST_FOREIGN + 2)
        self._lost = self._since = 0
        self.seen_ms: list[float] = []
        """Where leaps landed that lie between frames that came one after the other."""
        self.hidden_ms: list[float] = []
        """The same of those behind a gap, behind frames without a face or with a foreign one, or behind a picture that stood
        still."""
        self.greatest = 0.0
        """The largest ratio of a leap that counts."""

    def add(self, t_ms: float, view: View | None, *, still: bool, step: float | None = None) -> None:
        """Takes in the frame at `t_ms`; None where it shows no face. `step` is its step from the frame before, where that
        is known already.
        """
        last = self._frames[-1] if self._frames else None
        if last is not None and t_ms - last.t_ms > LOST_MS and (self._lost or view is None):
            self._begin_anew()
            last = None
        if view is None or last is None:
            step = math.nan
        elif step is None or self._lost:
            step = self._between(last.view, view)
        # A picture of another size, or one that cannot be measured, shows as little of the head as one without it.
        if view is None or (last is not None and math.isnan(step)):
            self._lost += 1
            return
        self._frames.append(_Frame(t_ms, view, step, self._lost, still))
        self._lost = 0
        if len(self._frames) > 2 * AROUND + 1:
            self._look(list(self._frames))

    def _begin_anew(self) -> None:
        self._frames.clear()
        self._lost = self._since = 0

    def _look(self, frames: list[_Frame[View]]) -> None:
        """For a leap that ended `AROUND` frames ago, and began after the last one ended."""
        end = len(frames) - 1 - AROUND
        steps = [frame.step for frame in frames]
        after = max(steps[end + 1 :])
        self._since += 1
        for start in range(end - 1, max(AROUND, end - self._since, end - MOST_FOREIGN - 1) - 1, -1):
            around = TREMOR + max(after, *steps[start - AROUND + 1 : start + 1])
            limit = _single(frames[end]) if end - start == 1 else _foreign(frames, steps, start, end, around)
            # Most steps are no leap, and cost no more than this. A foreign frame may say half of how far it is.
            if 2 * sum(steps[start + 1 : end + 1]) < limit * around:
                continue
            step = steps[end] if end - start == 1 else self._between(frames[start].view, frames[end].view)
            if step >= limit * around:
                self._note(frames, start, end, step / around)
                return

    def _note(self, frames: list[_Frame[View]], start: int, end: int, ratio: float) -> None:
        stood = any(frame.still for frame in frames[start - AROUND + 1 : start + 1])
        unseen = end - start > 1 or frames[end].lost > 0
        if stood or unseen or _has_gap([frame.t_ms for frame in frames[start - AROUND + 1 :]]):
            self.hidden_ms.append(frames[end].t_ms)
        else:
            self.seen_ms.append(frames[end].t_ms)
            self.greatest = max(self.greatest, ratio)
        self._since = 0


def _single(frame: _Frame[View]) -> float:
    """What is too far for the step to this frame."""
    return min(RATIO + LOST * frame.lost, FARTHEST) if frame.lost else RATIO


def _foreign(frames: list[_Frame[View]], steps: list[float], start: int, end: int, around: float) -> float:
    """What is too far with frames of somewhere else between. A leap to them and a leap away, each by itself too far, leave
    little to doubt; infinite where a quick head could have done it.
    """
    lasted_ms = frames[end].t_ms - frames[start].t_ms
    foreign = end - start - 1
    sudden = lasted_ms <= (SINGLE_MS if foreign == 1 else BLINK_MS)
    calm = around if sudden else max(around, TREMOR + max(steps[start + 2 : end], default=math.inf))
    if min(steps[start + 1], steps[end]) >= RATIO * calm:
        return RATIO
    return RATIO + FOREIGN * foreign if sudden else math.inf


def _has_gap(times_ms: list[float]) -> bool:
    intervals = np.diff(times_ms)
    return bool(intervals.max() > GAP * max(float(np.median(intervals)), 1.0))
