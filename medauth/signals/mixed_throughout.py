"""Did a program make the film's frames of fewer, all along? Some cameras' drivers do: ten frames a second become thirty, two
of three of them means of their neighbours.

In such film a step of the camera lies between two frames far apart, with means between: as a fade does. What tells them apart
is what tells a leap from a step (`jump_cuts`), at the camera's own pace: the head's way over as long a time before and after.

Whether film is mixed throughout is told by frames that lie between two others between which the head moved: of 1,800 such of
seven people's film, as filmed and at 10 and 15 frames a second, hardly one is the mean of its neighbours; of film made of 10, 12 or
15 frames a second a third and more.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np

from medauth.signals.jump_cuts import AROUND, RATIO, TREMOR
from medauth.signals.mixed_frames import Seen, fine, mixture, seems_mixed

LEAST_WAY = 0.02
"""Of the distance between the eyes, over two frames: a head that moves less looks the same in all three."""
UNLIKE = 0.98
"""Correlation of the fine structure of both neighbours: above it a mean is not told from them."""
SHARE = 0.25
"""Of the frames in which the head moved: so many means, and the film is mixed throughout."""
LEAST = 6
"""So many frames in which the head moved, away from fades, say what film it is."""
BESIDE_MS = 200.0
"""What lies so near to a fade may be part of it."""

Place = tuple[float, float, float]
"""When, and where the head's middle was by all moves (right, down), in distances between the eyes."""
Span = tuple[float, float]
"""When what looks like a fade begins and ends."""


class MixedThroughout:
    """Fed every frame with a face."""

    def __init__(self) -> None:
        self._times_ms, self._right, self._down = array("d"), array("d"), array("d")
        self._begun = 0.0, 0.0
        self._votes: list[tuple[float, bool]] = []

    def add(self, seen: Sequence[Seen], place: Place, *, anew: bool) -> None:
        """The last frames, three if there are as many, and where the head is in the newest; `anew` where its way there is not
        known: it counts as none."""
        t_ms, right, down = place
        if anew and self._times_ms:
            self._begun = self._right[-1] - right, self._down[-1] - down
        self._times_ms.append(t_ms)
        self._right.append(right + self._begun[0])
        self._down.append(down + self._begun[1])
        if len(seen) == 3 and self._way(-3, -1) >= LEAST_WAY:  # noqa: PLR2004 - one frame and its neighbours
            self._votes.append((self._times_ms[-2], _is_mean(*seen)))

    def may_have_made(self, spans_ms: Sequence[Span]) -> list[bool]:
        """Whether each of the fades that were found may be the program's: the film is mixed throughout, and the head goes no
        farther in it than around it."""
        if not self._mixed(spans_ms):
            return [False] * len(spans_ms)
        return [not self._leapt(*span) for span in spans_ms]

    def _mixed(self, spans_ms: Sequence[Span]) -> bool:
        votes, spans = np.asarray(self._votes, np.float64).reshape(-1, 2), np.reshape(spans_ms, (-1, 2))
        # How many spans have begun by each vote, less how many are over: film made of fades has hundreds of them.
        begun = np.searchsorted(np.sort(spans[:, 0] - BESIDE_MS), votes[:, 0], side="right")
        over = np.searchsorted(np.sort(spans[:, 1] + BESIDE_MS), votes[:, 0], side="left")
        away = votes[begun == over, 1]
        return len(away) >= LEAST and float(away.sum()) >= SHARE * len(away)

    def _leapt(self, start_ms: float, end_ms: float) -> bool:
        """Whether the way from end to end is a leap among those of as long a time around it."""
        start, end = bisect_left(self._times_ms, start_ms), bisect_left(self._times_ms, end_ms)
        lasted_ms = end_ms - start_ms
        first = bisect_left(self._times_ms, start_ms - AROUND * lasted_ms)
        last = bisect_right(self._times_ms, end_ms + AROUND * lasted_ms) - 1
        around = [
            self._way(n, bisect_right(self._times_ms, self._times_ms[n] + lasted_ms) - 1)
            for n in (*range(first, start), *range(end, last))
            if not start_ms < self._times_ms[n] + lasted_ms < end_ms + lasted_ms
        ]
        return self._way(start, end) >= RATIO * (TREMOR + max(around, default=0.0))

    def _way(self, one: int, other: int) -> float:
        return math.hypot(self._right[other] - self._right[one], self._down[other] - self._down[one])


def _is_mean(one: Seen, middle: Seen, other: Seen) -> bool:
    if not seems_mixed(one.view, middle.view, other.view):
        return False
    found = mixture(fine(one, one.view), fine(middle, one.view), fine(other, one.view))
    return found is not None and found.alike < UNLIKE and found.is_mean
