"""Did the film fade from one moment to another? So does a player that hides its leaps.

A head that moves is, half way, sharp and in between. A film that fades shows both ends laid over each other: the middle
frame is the mean of two pictures, to the noise, though they differ. Fine structure of forehead, cheeks, ears and hair tells
the one from the other as soon as the head is displaced by a part of it; light that changes has no fine structure.

Looked for where a head that kept still goes elsewhere and keeps still again. Frames that are means of their next
neighbours, as programs make them that change a film's pace, count for nothing: the ends lie farther away than those do.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.signals.frame_print import Image
from medauth.signals.head_step import UNKNOWN, HeadView, Move, mask_of, step_between
from medauth.signals.jump_cuts import TREMOR

Fine = NDArray[np.float32]
HALF = (2, 3, 5)
"""Frames from the middle to the ends that are tried: fades over two to eight frames."""
AROUND = 5
"""Steps on each side in which the head keeps still."""
FARTHER = 2.0
"""The way from end to end over the largest of those steps."""
LEAST_WAY = 0.012
"""Of the distance between the eyes: less is not told from noise."""
LEAST_MS = 110.0
"""Between the ends: slow cameras' frames lie as far apart, and programs that make more of them mix both."""
UNLIKE = 0.93
"""Correlation of the fine structure at both ends: above it a head that moves looks like a fade as well."""
MIXED = 0.05
"""What is left of the middle frame by what a mean would leave at most. Filmed people of three clips had 0.08 and more, those
of four others 0.07; fades that were played leave 0.002 to 0.05."""
_SHARE = 0.25
"""A middle frame holds at least so much of either end."""
_SCALE = 2
"""Columns to one of the small picture's: 160 across."""
_SIGMA = 2.0
_SMOOTH = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    t_ms: float
    rows: Image
    view: HeadView
    step: float
    """Length of the move to it."""
    right: float
    down: float
    """Where the head's middle came by all moves, in distances between the eyes."""


class CrossFades:
    """Fed every frame; a fade is known when the frames after it have come. Keeps the rows of as many as lie around one: 1.3 MB
    at 640 x 480.
    """

    def __init__(self) -> None:
        self._frames: deque[_Frame] = deque(maxlen=2 * HALF[-1] + 2 * AROUND + 2)
        self._since = 0
        self.spans_ms: list[tuple[float, float]] = []
        """Of each fade: two frames of which those between are means, a few frames from its ends."""

    def add(self, t_ms: float, rows: Image, view: HeadView | None, move: Move = UNKNOWN) -> None:
        """Takes in the frame at `t_ms`: rows as of `frame_print.rows_of`, no view where it shows no face, and the move to
        it from the frame before. Where the move is not known it begins anew.
        """
        if view is None or math.isnan(move.length):
            self._frames.clear()
        if view is None:
            return
        last = self._frames[-1] if self._frames else _Frame(t_ms, rows, view, math.nan, 0.0, 0.0)
        known = move if self._frames else Move(math.nan, 0.0, 0.0)
        self._frames.append(_Frame(t_ms, rows, view, known.length, last.right + known.right, last.down + known.down))
        self._since += 1
        self._look(list(self._frames))

    def _look(self, frames: Sequence[_Frame]) -> None:
        end = len(frames) - 2 - AROUND
        for half in HALF:
            start = end - 2 * half
            # The first frame of all has no move to it.
            if start - AROUND < 1 or self._since < 2 * half:
                return
            if _may_fade(frames, start, end) and is_mixed(frames[start : end + 1]):
                self.spans_ms.append((frames[start].t_ms, frames[end].t_ms))
                self._since = 0
                return


def _may_fade(frames: Sequence[_Frame], start: int, end: int) -> bool:
    """Whether the head kept still, went elsewhere, as far as with no other end, and kept still again."""
    calm = max(frame.step for frame in (*frames[start - AROUND + 1 : start + 1], *frames[end + 1 : end + AROUND + 1]))
    least = max(LEAST_WAY, FARTHER * (calm + TREMOR))
    way = _way(frames[start], frames[end])
    if way < least / 2 or frames[end].t_ms - frames[start].t_ms < LEAST_MS:
        return False
    if way < _way(frames[start + 1], frames[end + 1]) or way < _way(frames[start - 1], frames[end - 1]):
        return False
    return step_between(frames[start].view, frames[end].view) >= least


def _way(one: _Frame, other: _Frame) -> float:
    return math.hypot(other.right - one.right, other.down - one.down)


def is_mixed(frames: Sequence[_Frame]) -> bool:
    """Whether the frame in the middle is a mean of the first and the last, and has lost what a mean loses."""
    one, middle, other = (_fine(frames[n], frames[0].view) for n in (0, len(frames) // 2, -1))
    whole, gap = other - one, middle - one
    size, ends = float(whole @ whole), (float(one @ one) + float(other @ other)) / 2
    # Half of the squared difference is what the ends have not in common.
    if size / 2 <= (1 - UNLIKE) * ends:
        return False
    share = float(gap @ whole) / size
    least = min(share, 1 - share)
    if least < _SHARE:
        return False
    left = gap - share * whole
    # A mean of two keeps of the structure as much less as they differ: by half of that a moving head stays away.
    faint = float(middle @ middle) <= ends - share * (1 - share) * size / 2
    return faint and float(left @ left) <= MIXED * least**2 * size


def _fine(frame: _Frame, head: HeadView) -> Fine:
    """What is finer than some pixels of the small picture, where the head of `head` is: flat."""
    box, mask = mask_of(head)
    lines, columns = (len(frame.rows) / head.picture.shape[0], frame.rows.shape[1] / head.picture.shape[1])
    across = slice(round(box[1].start * columns), round(box[1].stop * columns))
    cut = frame.rows[round(box[0].start * lines) : round(box[0].stop * lines), across]
    size = (_SCALE * mask.shape[1], len(cut))
    grey = cv2.resize(cut, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    ratio = lines / _SCALE
    smooth = cv2.GaussianBlur(grey, (0, 0), _SMOOTH, sigmaY=_SMOOTH * ratio)
    fine = smooth - cv2.GaussianBlur(smooth, (0, 0), _SIGMA, sigmaY=_SIGMA * ratio)
    return np.asarray(fine[cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) > 0], np.float32)
