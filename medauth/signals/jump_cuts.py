"""Did the person leap from one moment to another? So does film that a player cuts to what is asked.

Muscles start a head and stop it: a step from one frame to the next is of the size of the steps around it, in slow people
and in quick ones, at thirty frames a second and at ten. Where film was cut the head is at once elsewhere, between two
stretches in which it hardly moves. One such leap can be a frame that was lost where nobody saw it; a player has to leap to
every gesture and back.

Where the times show a gap, or the picture stood still before, nobody knows how long a person had: such leaps are counted
by themselves.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

AROUND = 5
"""Steps on each side that a leap is compared with."""
RATIO = 3.0
"""The leap over the largest step around it. Of 20,000 steps of five people, played at 10 to 30 frames a second and up to
three times as fast as filmed, with a tenth of the frames lost, three were more than that, no two in one clip's minute."""
TREMOR = 0.003
"""Of the distance between the eyes: so much a head is away from where it was though it keeps still."""
GAP = 2.5
"""An interval this much longer than the median around it is a gap."""


@dataclass(frozen=True, slots=True)
class _Step:
    t_ms: float
    length: float
    """NaN where it could not be measured."""
    still: bool
    """The same picture to the bit."""


class JumpCuts:
    """Fed every frame's step; a leap is known when the steps after it have come."""

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque(maxlen=2 * AROUND + 1)
        self.seen = 0
        """Leaps between frames that came one after the other."""
        self.hidden = 0
        """Leaps behind a gap, or behind a picture that stood still."""
        self.greatest = 0.0
        """The largest ratio of a leap that counts."""
        self.last_ms = 0.0

    def add(self, t_ms: float, length: float, *, still: bool) -> None:
        """Takes in the step to the frame at `t_ms`, in distances between the eyes."""
        self._steps.append(_Step(t_ms, length, still))
        if len(self._steps) < 2 * AROUND + 1:
            return
        middle = self._steps[AROUND].length
        # Most steps are no leap, and cost no more than this.
        if math.isfinite(middle) and middle > RATIO * TREMOR:
            self._judge(list(self._steps))

    def _judge(self, steps: list[_Step]) -> None:
        around = [*steps[:AROUND], *steps[AROUND + 1 :]]
        largest = max(step.length for step in around)
        if any(math.isnan(step.length) for step in around) or steps[AROUND].length < RATIO * (largest + TREMOR):
            return
        if _has_gap(steps) or any(step.still for step in steps[:AROUND]):
            self.hidden += 1
            return
        self.seen += 1
        self.greatest = max(self.greatest, steps[AROUND].length / (largest + TREMOR))
        self.last_ms = steps[AROUND].t_ms


def _has_gap(steps: list[_Step]) -> bool:
    intervals = np.diff([step.t_ms for step in steps])
    return bool(intervals.max() > GAP * max(float(np.median(intervals)), 1.0))
