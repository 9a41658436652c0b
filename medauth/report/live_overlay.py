"""What `medauth live` draws over the camera's picture: bars, history, motion, time and pace. For the curious, not for a check."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.report.overlay import Colour, Picture, put_text, text_width
from medauth.report.overlay_panel import Panel
from medauth.signals.smoothing import savitzky_golay

HISTORY_S = 12.0
_STEP_S = 0.1
_WHITE: Colour = (255, 255, 255)
_ARROW: Colour = (80, 220, 255)
_GREY: Colour = (150, 150, 150)
_MESH: Colour = (190, 255, 190)
# The colours of `timeline.EMOTION_COLOURS` in BGR.
_COLOURS: Mapping[str, Colour] = {
    "neutral": (187, 187, 187), "happiness": (66, 228, 240), "surprise": (0, 159, 230), "sadness": (220, 150, 60),
    "fear": (167, 121, 204), "anger": (60, 94, 235), "disgust": (115, 158, 0), "contempt": (233, 180, 86),
}  # fmt: skip
_HISTORY_UNITS = 7
_LINE = 1.5
"""Height of a line of letters, in units."""
_TOLD_FRAMES = 15
"""For so many frames the pace stays as it was told."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A part of the face that moves: how far in thousandths of the distance between the outer eye corners."""

    region: str
    direction: str
    amount: float
    start: tuple[int, int]
    end: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class LiveView:
    """What one analysed frame holds, in pixels of the whole picture."""

    t_ms: float
    box: tuple[int, int, int, int] | None = None
    emotions: Mapping[str, float] = field(default_factory=dict)
    dominant: str = ""
    arrows: tuple[Arrow, ...] = ()
    problem: str = ""
    movements: tuple[str, ...] | None = None
    """What the face does, in words; None where nobody asked for it."""
    against: str = ""
    """What these were measured against."""
    points: NDArray[np.int32] | None = None
    """(n, 2) x and y of the face mesh; None where nobody asked for it."""

    def scaled(self, scale: float) -> LiveView:
        """The same in pixels of a picture so many times as large."""
        if scale == 1.0:
            return self
        box = None if self.box is None else _scaled4(self.box, scale)
        arrows = tuple(
            replace(arrow, start=_scaled2(arrow.start, scale), end=_scaled2(arrow.end, scale)) for arrow in self.arrows
        )
        points = None if self.points is None else np.round(self.points * scale).astype(np.int32)
        return replace(self, box=box, arrows=arrows, points=points)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast it goes."""

    shown_fps: float
    captured_fps: float
    dropped: int
    """Frames that the camera gave and nobody saw."""
    analysis_ms: float
    clock: str


class LiveOverlay:
    """Draws, and remembers the last seconds of every expression."""

    def __init__(self, caption: str = "") -> None:
        """`caption` stands in the lower right corner."""
        self._caption = caption
        self._history: deque[tuple[float, Mapping[str, float]]] = deque()
        self._panels = {name: Panel() for name in ("bars", "history", "movements", "pace")}
        self._told: tuple[str, ...] = ()
        self._frames = 0

    def drawn(self, picture: Picture, view: LiveView, pace: Pace | None = None) -> Picture:
        """Draws onto the picture (height, width, 3) uint8 BGR itself: a copy of 6 MB costs time in every frame."""
        self._remember(view)
        unit = max(10, picture.shape[0] // 45)
        if view.box is not None:
            left, top, right, bottom = view.box
            cv2.rectangle(picture, (left, top), (right, bottom), _COLOURS.get(view.dominant, _WHITE), 2)
            name = f"{view.dominant} {view.emotions[view.dominant]:.0%}" if view.dominant else "?"
            put_text(picture, name, (left, max(unit, top - unit // 2)), unit, _WHITE, outline=True)
        _dot(picture, view.points, max(2, unit // 10))
        for arrow in view.arrows:
            cv2.arrowedLine(picture, arrow.start, arrow.end, _ARROW, max(2, unit // 10), cv2.LINE_AA, tipLength=0.35)
        self._put_bars(picture, view, unit)
        self._put_history(picture, unit)
        if self._caption:
            left = picture.shape[1] - text_width(self._caption, 0.8 * unit) - unit // 2
            put_text(picture, self._caption, (left, picture.shape[0] - unit // 2), 0.8 * unit, _GREY, outline=True)
        self._put_movements(picture, view, unit)
        self._put_pace(picture, view, pace, unit)
        return picture

    def _remember(self, view: LiveView) -> None:
        if view.emotions and (not self._history or view.t_ms > self._history[-1][0]):
            self._history.append((view.t_ms, view.emotions))
        while self._history and view.t_ms - self._history[0][0] > 1000 * HISTORY_S:
            self._history.popleft()

    def _put_bars(self, picture: Picture, view: LiveView, unit: int) -> None:
        """One bar an expression, upper left; below them what moved."""
        moved = [f"{a.region}: {a.direction}" for a in sorted(view.arrows, key=lambda a: -a.amount)[:4]]
        rows = len(view.emotions) + len(moved)
        if rows:
            box = (0, 0, 16 * unit, int((rows + 0.8) * _LINE * unit))
            says = (tuple(view.emotions.items()), tuple(moved), unit)
            self._panels["bars"].put(picture, box, says, lambda part: _draw_bars(part, view.emotions, moved, unit))

    def _put_history(self, picture: Picture, unit: int) -> None:
        """The last seconds along the lower edge."""
        height, width = picture.shape[:2]
        box = (0, height - _HISTORY_UNITS * unit, width, height)
        says = self._history[-1][0] if self._history else None
        self._panels["history"].put(picture, box, says, lambda part: _draw_history(part, self._history, unit))

    def _put_movements(self, picture: Picture, view: LiveView, unit: int) -> None:
        """Action units in words, on the left above the history."""
        if view.movements is None or view.box is None:
            return
        lines = (f"movements, {view.against}", *(view.movements or ("none",)))
        width = max(text_width(line, 0.8 * unit) for line in lines) + unit
        bottom = picture.shape[0] - _HISTORY_UNITS * unit
        box = (0, bottom - int((len(lines) + 0.4) * _LINE * unit), width, bottom)
        self._panels["movements"].put(picture, box, lines, lambda part: _draw_movements(part, lines, unit))

    def _put_pace(self, picture: Picture, view: LiveView, pace: Pace | None, unit: int) -> None:
        """Upper right, and as long as a person needs to read a number."""
        if self._frames % _TOLD_FRAMES == 0 or (view.problem and view.problem not in self._told):
            self._told = (*(_pace_lines(pace) if pace is not None else ()), *((view.problem,) if view.problem else ()))
        self._frames += 1
        lines = self._told
        if lines:
            widths = [text_width(line, 0.8 * unit) for line in lines]
            left = picture.shape[1] - max(widths) - unit
            box = (left, 0, picture.shape[1], int((len(lines) + 0.4) * _LINE * unit))
            self._panels["pace"].put(picture, box, lines, lambda part: _draw_pace(part, lines, unit))


def _dot(picture: Picture, points: NDArray[np.int32] | None, side: int) -> None:
    """A small square a point; all at once, since 478 circles take longer than everything else."""
    if points is None:
        return
    inside = (points >= 0).all(axis=1) & (points < np.array(picture.shape[1::-1]) - side).all(axis=1)
    x, y = points[inside].T
    for dy in range(side):
        for dx in range(side):
            picture[y + dy, x + dx] = _MESH


def _draw_bars(part: Picture, emotions: Mapping[str, float], moved: Sequence[str], unit: int) -> None:
    for row, (name, share) in enumerate(emotions.items()):
        y = int((row + 0.4) * _LINE * unit)
        put_text(part, name, (unit // 2, y + unit), 0.8 * unit, _WHITE)
        left, end = 7 * unit, 7 * unit + int(share * 5 * unit)
        cv2.rectangle(part, (left, y + unit // 5), (end, y + unit), _COLOURS.get(name, _GREY), cv2.FILLED)
        put_text(part, f"{share:.0%}", (12 * unit + unit // 2, y + unit), 0.8 * unit, _WHITE)
    for row, text in enumerate(moved, start=len(emotions)):
        put_text(part, text, (unit // 2, int((row + 0.4) * _LINE * unit) + unit), 0.8 * unit, _ARROW)


def _draw_history(part: Picture, history: Sequence[tuple[float, Mapping[str, float]]], unit: int) -> None:
    """Savitzky-Golay smoothed, the newest at the right."""
    tall, width = part.shape[:2]
    if len(history) < 2:  # noqa: PLR2004 - a line has two ends
        return
    times = np.array([t_ms for t_ms, _ in history]) / 1000
    even = np.arange(max(times[0], times[-1] - HISTORY_S), times[-1], _STEP_S)
    if len(even) < 2:  # noqa: PLR2004
        return
    across = width - (times[-1] - even) / HISTORY_S * width
    for name in history[-1][1]:
        values = np.interp(even, times, [shares.get(name, 0.0) for _, shares in history])
        smooth = np.clip(savitzky_golay(values, window=9), 0.0, 1.0)
        points = np.stack([across, tall - unit / 2 - smooth * (tall - unit)], axis=1).round().astype(np.int32)
        cv2.polylines(part, [points], False, _COLOURS.get(name, _GREY), max(1, unit // 10), cv2.LINE_AA)


def _draw_movements(part: Picture, lines: Sequence[str], unit: int) -> None:
    for row, line in enumerate(lines):
        y = int((row + 0.2) * _LINE * unit) + unit
        put_text(part, line, (unit // 2, y), 0.8 * unit, _WHITE if row else _GREY)


def _draw_pace(part: Picture, lines: Sequence[str], unit: int) -> None:
    for row, line in enumerate(lines):
        x = part.shape[1] - text_width(line, 0.8 * unit) - unit // 2
        put_text(part, line, (x, int((row + 0.2) * _LINE * unit) + unit), 0.8 * unit, _WHITE)


def _pace_lines(pace: Pace) -> tuple[str, ...]:
    return (
        f"{pace.clock}   {pace.shown_fps:.0f} fps",
        f"camera {pace.captured_fps:.0f} fps, {pace.dropped} dropped",
        f"analysis {pace.analysis_ms:.0f} ms",
    )


def _scaled2(point: tuple[int, int], scale: float) -> tuple[int, int]:
    return round(point[0] * scale), round(point[1] * scale)


def _scaled4(box: tuple[int, int, int, int], scale: float) -> tuple[int, int, int, int]:
    return (*_scaled2(box[:2], scale), *_scaled2(box[2:], scale))
