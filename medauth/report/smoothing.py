"""Curves made even and smooth for the eye; nothing here enters a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medauth.signals.smoothing import Curve

STEP_MS = 50.0
GAP_MS = 500.0
"""Where no value came for longer, the curve is broken."""


def even(times_ms: Sequence[float], values: Sequence[float], grid_ms: Curve) -> Curve:
    """Values on an even grid, by straight lines between measurements; NaN in gaps and outside."""
    times, measured = np.asarray(times_ms, np.float64), np.asarray(values, np.float64)
    known = np.isfinite(measured)
    times, measured = times[known], measured[known]
    if not len(times):
        return np.full(len(grid_ms), np.nan)
    curve = np.interp(grid_ms, times, measured)
    after = np.clip(np.searchsorted(times, grid_ms), 0, len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.minimum(np.abs(times[after] - grid_ms), np.abs(times[before] - grid_ms))
    return np.where(nearest <= GAP_MS / 2, curve, np.nan)


def grid(times_ms: Sequence[float], step_ms: float = STEP_MS) -> Curve:
    """Even times from the first to the last measurement."""
    return np.arange(times_ms[0], times_ms[-1] + step_ms, step_ms)


class Exponential:
    """Exponential filter whose constant is a time, so that the pace of the values does not matter."""

    def __init__(self, constant_ms: float) -> None:
        self._constant_ms = constant_ms
        self._t_ms = 0.0
        self._value: NDArray[np.float32] | None = None

    def feed(self, t_ms: float, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The smoothed values after these."""
        if self._value is None:
            self._value = values
        else:
            weight = 1.0 - math.exp(-max(0.0, t_ms - self._t_ms) / self._constant_ms)
            self._value = np.asarray(self._value + np.float32(weight) * (values - self._value), np.float32)
        self._t_ms = t_ms
        return self._value
