"""How an asked expression goes in the face's geometry: when it begins, how long it rises, its apex, its return.

The curve is put on an even grid and smoothed by a Savitzky-Golay filter, which keeps the height and the place of peaks; how
long it rises is read from the frames themselves, since no filter leaves a jump a jump.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medauth.signals.smoothing import savitzky_golay

STEP_MS = 33.0
WINDOW = 7
REST_MS = 600.0
AFTER_MS = 250.0
LEAST_RISE = 0.3
"""Of a clear expression: less is the jitter of the mesh."""
GAP_MS = 400.0
BEGUN, DONE, OVER = 0.2, 0.8, 0.5
"""Shares of the rise between which it is timed, and that must be lost again for the expression to have ended."""
ONSET = 0.4
"""Share at which it has begun: as in the network's curve, so that the two may be compared."""
LEAST_FRAMES = 4


@dataclass(frozen=True, slots=True)
class Course:
    """One expression in geometry; amounts in clear expressions."""

    rise: float
    onset_ms: float | None = None
    """None where nothing rose."""
    apex_ms: float | None = None
    rise_ms: float | None = None
    """From a fifth to four fifths of the rise, frame by frame."""
    frame_ms: float | None = None
    """Between the two frames around its steepest part."""
    returned: bool | None = None
    first_ms: float | None = None
    """When it first was as far as at its onset: earlier than that for who smiles a little, relaxes and smiles more."""


def course_of(times_ms: Sequence[float], values: Sequence[float], shown_ms: float, last_ms: float) -> Course | None:
    """The course around a prompt that was on show from `shown_ms` to `last_ms`; None where too little was seen."""
    times, seen = np.asarray(times_ms), np.asarray(values)
    near = (times >= shown_ms - REST_MS) & (times <= last_ms + AFTER_MS)
    times, seen, later = times[near], seen[near], seen[times > last_ms + AFTER_MS]
    before = int(np.count_nonzero(times < shown_ms))
    if before < LEAST_FRAMES or len(times) - before < LEAST_FRAMES or np.diff(times).max() > GAP_MS:
        return None
    grid = np.arange(times[0], times[-1], STEP_MS)
    smooth = savitzky_golay(np.interp(grid, times, seen), WINDOW)
    resting = float(np.median(seen[:before]))
    asked = int(np.searchsorted(grid, shown_ms))
    apex = asked + int(smooth[asked:].argmax())
    rise = float(smooth[apex]) - resting
    if rise < LEAST_RISE:
        return Course(rise)
    onset = _last_below(smooth[: apex + 1], resting + ONSET * rise)
    first = _last_below(seen[times <= grid[apex]], resting + BEGUN * rise)
    done = first + int(np.argmax(seen[first:] >= resting + DONE * rise))
    after = np.concatenate([smooth[apex:], later])
    return Course(
        rise,
        float(grid[min(onset + 1, apex)]),
        float(grid[apex]),
        float(times[done] - times[first]),
        float(np.diff(times).max()),
        True if float(after.min()) <= resting + (1 - OVER) * rise else None,
        float(grid[asked + int(np.argmax(smooth[asked:] >= resting + ONSET * rise))]),
    )


def _last_below(values: np.ndarray[tuple[int], np.dtype[np.float64]], level: float) -> int:
    """Where the curve was last below `level`; its beginning if it never was."""
    below = np.flatnonzero(values < level)
    return int(below[-1]) if len(below) else 0
