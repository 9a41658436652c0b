"""Did the film fade from one moment to another? So does a player that hides its leaps.

The frames of a fade are means of its ends (`mixed_frames`). Looked for in two ways: where a head that kept still goes
elsewhere and keeps still again, however near; and between places so unlike that no head on its way looks like their mean,
whatever it did before and after: a player cuts into a movement, and out of one.

Frames that are means of their next neighbours, as programs make them that change a film's pace, count for nothing: the
ends lie farther away than those do. Where a program made most frames so, a step of the camera is several frames long, and a
quick one looks like a fade: there what is no leap of the camera's steps, too, is told apart (`mixed_throughout`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from medauth.signals.frame_print import Image
from medauth.signals.head_step import UNKNOWN, HeadView, Move, step_between
from medauth.signals.jump_cuts import TREMOR
from medauth.signals.mixed_frames import fine, mixture, noise_around, seems_mixed
from medauth.signals.mixed_throughout import MixedThroughout, Span

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
FAR = 0.8
"""The same where the head did not keep still: above it one that turns comes near a fade (0.04 where a program mixed its frames,
0.08 in a screen's light); below it twice as much is left as of a mean, and more, of five people, however filmed."""
FAR_MS = 210.0
"""Between the ends then: a program that makes more of ten frames a second mixes both of two that lie 100 ms apart."""


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
        self._spans_ms: list[Span] = []
        self._film = MixedThroughout()
        self._told: tuple[list[Span], list[Span]] | None = None

    @property
    def spans_ms(self) -> list[Span]:
        """Of each fade: two frames of which those between are means, a few frames from its ends."""
        return self.told_ms()[0]

    @property
    def unclear_ms(self) -> list[Span]:
        """The same of those that the program may have made which mixes the film's frames throughout."""
        return self.told_ms()[1]

    def told_ms(self) -> tuple[list[Span], list[Span]]:
        """Both; looked at once for as long as no frame comes."""
        if self._told is None:
            unclear = self._film.may_have_made(self._spans_ms)
            both = list(zip(self._spans_ms, unclear, strict=True))
            self._told = [span for span, may in both if not may], [span for span, may in both if may]
        return self._told

    def add(self, t_ms: float, rows: Image, view: HeadView | None, move: Move = UNKNOWN) -> None:
        """Takes in the frame at `t_ms`: rows as of `frame_print.rows_of`, no view where it shows no face, and the move to
        it from the frame before. Where the move is not known it begins anew.
        """
        self._told = None
        if view is None or math.isnan(move.length):
            self._frames.clear()
        if view is None:
            return
        last = self._frames[-1] if self._frames else _Frame(t_ms, rows, view, math.nan, 0.0, 0.0)
        known = move if self._frames else Move(math.nan, 0.0, 0.0)
        self._frames.append(_Frame(t_ms, rows, view, known.length, last.right + known.right, last.down + known.down))
        frames = list(self._frames)
        self._film.add(frames[-3:], (frames[-1].t_ms, frames[-1].right, frames[-1].down), anew=len(frames) == 1)
        self._look(frames)

    def _look(self, frames: Sequence[_Frame]) -> None:
        end = len(frames) - 2 - AROUND
        for half in HALF:
            start = end - 2 * half
            # The first frame of all has no move to it.
            if start - AROUND < 1:
                return
            if frames[end].t_ms - frames[start].t_ms >= LEAST_MS and _fades(frames, start, end):
                self._note(frames[start].t_ms, frames[end].t_ms)
                return

    def _note(self, start_ms: float, end_ms: float) -> None:
        """What begins before the last one ended is more of the same fade."""
        if self._spans_ms and start_ms <= self._spans_ms[-1][1]:
            first_ms, last_ms = self._spans_ms.pop()
            start_ms, end_ms = min(first_ms, start_ms), max(last_ms, end_ms)
        self._spans_ms.append((start_ms, end_ms))


def _fades(frames: Sequence[_Frame], start: int, end: int) -> bool:
    one, middle, other = frames[start], frames[(start + end) // 2], frames[end]
    way = _way(one, other)
    if way < LEAST_WAY / 2:
        return False
    far = way >= LEAST_WAY and other.t_ms - one.t_ms >= FAR_MS
    # Looking at small pictures costs a tenth of looking at fine structure, and rules out nearly all that is no fade.
    if not (far or _may_have_kept_still(frames, start, end)) or not seems_mixed(one.view, middle.view, other.view):
        return False
    near = _kept_still(frames, start, end)
    return (near or far) and _are_mixed(frames, start, end, near=near, far=far)


def _are_mixed(frames: Sequence[_Frame], start: int, end: int, *, near: bool, far: bool) -> bool:
    one, middle, other = frames[start], frames[(start + end) // 2], frames[end]
    first, last = fine(one, one.view), fine(other, one.view)
    between = fine(middle, one.view)
    found = mixture(first, between, last)
    if found is None or found.alike >= UNLIKE:
        return False
    if near and found.is_mean:
        return True
    if not far or found.alike >= FAR:
        return False
    around = (frames[start - AROUND + 1 : start + 1], frames[end : end + AROUND])
    found = mixture(first, between, last, noise_around(around, one.view))
    return found is not None and found.alike < FAR and found.is_mean


def _kept_still(frames: Sequence[_Frame], start: int, end: int) -> bool:
    """Whether the head kept still, went elsewhere, as far as with no other end, and kept still again."""
    if not _may_have_kept_still(frames, start, end):
        return False
    return step_between(frames[start].view, frames[end].view) >= _least(frames, start, end)


def _may_have_kept_still(frames: Sequence[_Frame], start: int, end: int) -> bool:
    """By the moves between, which a fade makes smaller than they are."""
    way = _way(frames[start], frames[end])
    if way < _least(frames, start, end) / 2:
        return False
    return way >= _way(frames[start + 1], frames[end + 1]) and way >= _way(frames[start - 1], frames[end - 1])


def _least(frames: Sequence[_Frame], start: int, end: int) -> float:
    calm = max(frame.step for frame in (*frames[start - AROUND + 1 : start + 1], *frames[end + 1 : end + AROUND + 1]))
    return max(LEAST_WAY, FARTHER * (calm + TREMOR))


def _way(one: _Frame, other: _Frame) -> float:
    return math.hypot(other.right - one.right, other.down - one.down)
