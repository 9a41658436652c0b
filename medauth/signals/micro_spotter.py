"""Finds short, small, single movements in the shifts of facial regions over time.

Pure arithmetic over a window of constant length: no image, no model, no clock. A micro-expression lasts 1/25 to 1/2 s
(Yan et al., "How fast are the leaked facial expressions", Journal of Nonverbal Behavior 2013). What rises and falls
within that time is what morphology calls a white top-hat: a signal less its opening by a window of that length (Serra
1982). Steps, drifts and longer movements leave nothing; speech, trembling and nodding leave a crowd of peaks, none of
which stands alone.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_flow import NAMES, Moves
from medauth.signals.facial_actions import ACTIONS, LOWER, UPPER, amounts, explained

DIRECTIONS = ("right", "down-right", "down", "down-left", "left", "up-left", "up", "up-right")
"""In the picture, a step of 45 degrees each, y down."""

LEAST_SHOWN = 2
_ANGLES = np.arange(8) * np.pi / 4
_COMPASS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)]).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class MotionSample:
    """One frame: shifts of all regions (regions, 2) in working pixels, relative to any fixed start."""

    t_ms: float
    moves: Moves
    turn: tuple[float, float, float]
    """Yaw, pitch and roll in degrees."""
    masked: bool
    """Lids closing or gaze moving: nothing here counts."""


@dataclass(frozen=True, slots=True)
class MicroEvent:
    """One movement; amplitude in working pixels, `strength` in thresholds (1 is just enough)."""

    onset_ms: float
    apex_ms: float
    offset_ms: float
    amplitude_px: float
    strength: float
    action: str
    """One of `facial_actions.ACTIONS`: the one that stands out most."""
    directions: Mapping[str, str]
    """By region that moved: one of `DIRECTIONS`."""

    @property
    def duration_ms(self) -> float:
        """From onset to offset."""
        return self.offset_ms - self.onset_ms


@dataclass(frozen=True, slots=True)
class SpotterTuning:
    """Constants of the spotter; times in ms, shifts in working pixels."""

    least_px: float = 0.2
    """Of the action at the apex."""
    over_activity: float = 2.5
    """And this many times what is usual for the action around it."""
    per_degree_px: float = 0.03
    """And this much more for every degree by which the head turns and returns at that time."""
    alone: float = 0.8
    """The same action within `context_ms` may not come again at this share of it."""
    quiet: float = 1.0
    """And nothing in the same half of the face at this multiple of it: whoever speaks or laughs moves all of it."""
    least_explained: float = 0.5
    """Share of the movement that facial actions must account for."""
    shown: float = 0.3
    """A frame shows a movement from this share of its apex on."""
    macro: float = 1.9
    """A movement that is this many times larger when longer ones are let in is the tip of a longer one."""
    broadest_ms: float = 270.0
    """Width at half the apex of a movement of the longest duration (half of it, for any smooth rise and fall)."""
    shortest_ms: float = 40.0
    longest_ms: float = 500.0
    window_ms: float = 560.0
    """Of the opening: the longest event and a frame or two."""
    context_ms: float = 900.0
    least_context_ms: float = 350.0
    guard_ms: float = 90.0
    """Around an event within which nothing may be masked."""
    every_ms: float = 250.0
    grid_ms: float = 15.0
    gap_ms: float = 250.0
    """A longer silence (face lost) ends the window."""
    capacity: int = 256


class MicroSpotter:
    """Fed samples in order of time; `feed` returns the events that they decided."""

    def __init__(self, tuning: SpotterTuning | None = None) -> None:
        self._tuning = tuning or SpotterTuning()
        self._samples: deque[MotionSample] = deque(maxlen=self._tuning.capacity)
        self._looked_ms: float | None = None
        self._decided_ms = -np.inf

    def feed(self, sample: MotionSample) -> Sequence[MicroEvent]:
        """Takes in one frame. Events come about a second after their apex: what follows decides, too."""
        found: Sequence[MicroEvent] = ()
        if self._samples and sample.t_ms - self._samples[-1].t_ms > self._tuning.gap_ms:
            found = self.lose()
        self._samples.append(sample)
        horizon = sample.t_ms - 2 * self._tuning.context_ms - self._tuning.longest_ms - self._tuning.every_ms
        while self._samples[0].t_ms < horizon:
            self._samples.popleft()
        if self._looked_ms is None:
            self._looked_ms = sample.t_ms
        if sample.t_ms - self._looked_ms >= self._tuning.every_ms:
            self._looked_ms = sample.t_ms
            until = sample.t_ms - self._tuning.context_ms
            found = (*found, *self._between(self._decided_ms, until))
            self._decided_ms = max(self._decided_ms, until)
        return found

    def lose(self) -> Sequence[MicroEvent]:
        """The face went out of sight: decides what can be decided and begins anew."""
        found = self.pending()
        if self._samples:
            self._decided_ms = self._samples[-1].t_ms
        self._samples.clear()
        self._looked_ms = None
        return found

    def pending(self) -> Sequence[MicroEvent]:
        """Events near the end of what was seen, judged with less context than the others. Changes nothing."""
        if not self._samples:
            return ()
        return self._between(self._decided_ms, self._samples[-1].t_ms - self._tuning.least_context_ms)

    def frame_ms(self) -> float:
        """Median interval of the frames in the window; 0 before there are two."""
        times = [sample.t_ms for sample in self._samples]
        return float(np.median(np.diff(times))) if len(times) > 1 else 0.0

    def _between(self, after_ms: float, until_ms: float) -> Sequence[MicroEvent]:
        """Events whose apex lies in (after, until]."""
        first = self._samples[0].t_ms + self._tuning.least_context_ms
        if len(self._samples) < 8 or until_ms <= max(after_ms, first):  # noqa: PLR2004 - too few to say anything
            return ()
        return _Window(tuple(self._samples), self._tuning).events(max(after_ms, first), until_ms)


def short_part(signals: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """White top-hat of each row [N, T]: what is narrower than `width` samples (odd)."""
    element = np.ones((1, width), np.uint8)
    opened = cv2.dilate(cv2.erode(signals, element), element)
    return np.asarray(signals - opened, np.float32)


def direction_of(shift: NDArray[np.float32]) -> str:
    """The compass direction nearest to a shift (2,)."""
    return DIRECTIONS[int(np.argmax(shift @ _COMPASS))]


class _Window:
    """All that is worked out over the window at one time."""

    def __init__(self, samples: Sequence[MotionSample], tuning: SpotterTuning) -> None:
        self.tuning = tuning
        self.times = np.array([sample.t_ms for sample in samples])
        # On the same lattice in every window, so that an apex has one time, and is decided once.
        first, last = math.ceil(self.times[0] / tuning.grid_ms), math.floor(self.times[-1] / tuning.grid_ms)
        self.grid = np.arange(first, last + 1) * tuning.grid_ms
        moves = np.stack([sample.moves for sample in samples])
        self.moves = self._even(moves.reshape(len(samples), -1)).reshape(*moves.shape[1:], -1)  # [regions, 2, T]
        self.masked = self._spread_mask(np.array([sample.masked for sample in samples]))
        self._turn = np.maximum(*(self._short(sign * self._even(_turns(samples))) for sign in (1.0, -1.0)))
        actions = self._actions()
        self.amount, self.wide = self._short(actions), self._short(actions, 3)

    def events(self, after_ms: float, until_ms: float) -> Sequence[MicroEvent]:
        """Those with their apex in (after, until], strongest first where they overlap, in order of time."""
        limits = self._limits()
        ratio = self.amount / limits
        open_ = (self.grid > after_ms) & (self.grid <= until_ms)
        peak = (self.amount >= cv2.dilate(self.amount, np.ones((1, 9), np.uint8))) & (ratio >= 1.0) & open_
        candidates = sorted(zip(*np.nonzero(peak), strict=True), key=lambda at: -ratio[at])
        found: list[MicroEvent] = []
        taken = np.zeros(len(self.grid), bool)
        for channel, at in candidates:
            if taken[at]:
                continue
            event = self._judge(int(channel), int(at), float(ratio[channel, at]))
            if event is not None:
                found.append(event)
                taken |= (self.grid > event.onset_ms - 150.0) & (self.grid < event.offset_ms + 150.0)
        return tuple(sorted(found, key=lambda event: event.apex_ms))

    def _judge(self, channel: int, at: int, strength: float) -> MicroEvent | None:
        left, right = self._half_width(channel, at)
        tuning, peak = self.tuning, float(self.amount[channel, at])
        apex = float(self.grid[at])
        first, last = max(0, 2 * left - at), min(len(self.grid) - 1, 2 * right - at)
        onset, offset = float(self.grid[first]), float(self.grid[last])
        if self.grid[right] - self.grid[left] > tuning.broadest_ms or not self._has_frames(
            channel, onset, offset, peak
        ):
            return None
        if self._is_masked(onset, offset) or self.wide[channel, at] > tuning.macro * peak:
            return None
        beside = self._loudest_beside(first, last)
        half = UPPER if channel in UPPER else LOWER
        if beside[channel] > tuning.alone * peak or beside[list(half)].max() > tuning.quiet * peak:
            return None
        shifts = self.moves[..., at] - 0.5 * (self.moves[..., first] + self.moves[..., last])
        if explained(shifts) < tuning.least_explained:
            return None
        return MicroEvent(onset, apex, offset, peak, strength, ACTIONS[channel], _directions(shifts))

    def _has_frames(self, channel: int, onset_ms: float, offset_ms: float, peak: float) -> bool:
        """Whether two frames at least show it: one alone is a flaw of that frame."""
        inside = self.times[(self.times > onset_ms) & (self.times < offset_ms)]
        shown = np.interp(inside, self.grid, self.amount[channel]) > self.tuning.shown * peak
        return int(shown.sum()) >= LEAST_SHOWN

    def _half_width(self, channel: int, at: int) -> tuple[int, int]:
        """Where the movement, along its own direction, is at half its height over what is usual."""
        row = self.amount[channel]
        usual = min(float(np.median(row)), 0.5 * float(row[at]))
        below = np.flatnonzero(row < usual + 0.5 * (row[at] - usual))
        before, after = below[below < at], below[below > at]
        return int(before[-1]) if before.size else 0, int(after[0]) if after.size else len(row) - 1

    def _is_masked(self, onset_ms: float, offset_ms: float) -> bool:
        guard = self.tuning.guard_ms
        return bool(self.masked[(self.grid >= onset_ms - guard) & (self.grid <= offset_ms + guard)].any())

    def _loudest_beside(self, first: int, last: int) -> NDArray[np.float32]:
        """The most that each action reaches shortly before or after: (actions,)."""
        tuning = self.tuning
        reach, margin = round(tuning.context_ms / tuning.grid_ms), round(60.0 / tuning.grid_ms)
        before = self.amount[:, max(0, first - reach) : max(0, first - margin)]
        beside = np.concatenate([before, self.amount[:, last + margin : last + reach]], axis=1)
        return np.asarray(beside.max(axis=1, initial=0.0), np.float32)

    def _limits(self) -> NDArray[np.float32]:
        """What each channel must reach at each time, (channels, T)."""
        tuning = self.tuning
        usual = np.percentile(self.amount, 60, axis=1, keepdims=True)
        head = tuning.per_degree_px * self._turn.max(axis=0, keepdims=True)
        return np.asarray(np.maximum(tuning.least_px, tuning.over_activity * usual) + head, np.float32)

    def _actions(self) -> NDArray[np.float32]:
        """How far each action is performed over time: [actions, T]."""
        return np.ascontiguousarray(amounts(np.moveaxis(self.moves, -1, 0)).T)

    def _short(self, signals: NDArray[np.float32], times: int = 1) -> NDArray[np.float32]:
        """What rises and falls within the window, or within `times` of it."""
        return short_part(signals, round(times * self.tuning.window_ms / self.tuning.grid_ms) | 1)

    def _even(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Rows over the even grid: float32 [columns, T] from [frames, columns], lightly smoothed."""
        rows = np.stack([np.interp(self.grid, self.times, column) for column in values.T.astype(np.float64)])
        return np.asarray(cv2.blur(rows.astype(np.float32), (3, 1), borderType=cv2.BORDER_REPLICATE), np.float32)

    def _spread_mask(self, masked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A masked frame covers the time to its neighbours."""
        spread = np.zeros(len(self.grid), bool)
        ends = [self.times[0], *self.times.tolist(), self.times[-1]]
        for flag, (before, after) in zip(masked.tolist(), pairwise(_neighbours(ends)), strict=True):
            if flag:
                spread |= (self.grid >= before) & (self.grid <= after)
        return spread


def _directions(shifts: NDArray[np.float32]) -> Mapping[str, str]:
    """Regions that moved at least half as far as the one that moved most, and where to."""
    lengths = np.hypot(shifts[:, 0], shifts[:, 1])
    return {NAMES[k]: direction_of(shifts[k]) for k in np.flatnonzero(lengths >= 0.5 * lengths.max()).tolist()}


def _turns(samples: Sequence[MotionSample]) -> NDArray[np.float64]:
    return np.array([sample.turn for sample in samples])


def _neighbours(ends: Sequence[float]) -> Sequence[float]:
    """Middles between successive times."""
    return [0.5 * (a + b) for a, b in pairwise(ends)]
