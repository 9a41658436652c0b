"""What is kept of a whole check to know it again: how brightness moves about the picture, 15 times a second, and nothing else.

Sixteen areas of the picture, without brightness, contrast and what stands still: another encoding, a small crop, another
gamma, frame rate or camera clock leave it nearly as it was, and a mirror swaps its columns. Two takes of one person in one
room share what stands still, and that is gone. No picture can be made of it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.errors import EvidenceError
from medauth.signals.frame_print import COLUMNS, ROWS, Print

HZ = 15
AREAS = 16
"""4 x 4: a crop by some hundredths moves no picture out of its area."""
WINDOW = 3 * HZ
"""Samples compared at a time: one step of a challenge takes longer."""
_SIDE = 4
_MEAN = HZ
"""Samples over which the mean is taken off: what moves more slowly is posture and light."""
_STEP = 1e-5
"""Of a stored value; the areas of a filmed person move by some thousandths."""
_MAGIC = b"MAP1"
_LIMIT = 32_767

Series = NDArray[np.float32]
"""(n, 16) float32: of each area, row by row, what moved, at `HZ`."""
Windows = NDArray[np.float32]
"""(m, 720) float32 of length 1: stretches of `WINDOW` samples, flattened."""


class Taker:
    """Fed every frame's print; keeps sixteen numbers of it."""

    def __init__(self) -> None:
        self._times_ms = array("d")
        self._areas = array("f")

    def add(self, t_ms: float, seen: Print) -> None:
        """Takes in one frame; times never run backwards."""
        cells = seen.reshape(_SIDE, ROWS // _SIDE, _SIDE, COLUMNS // _SIDE)
        self._times_ms.append(t_ms)
        self._areas.extend(np.einsum("abcd->ac", cells).ravel() / (ROWS * COLUMNS // AREAS))

    def series(self) -> Series:
        """All frames so far, at an even rate from the first one on."""
        if not self._times_ms:
            return np.zeros((0, AREAS), np.float32)
        times = np.frombuffer(self._times_ms, np.float64)
        areas = np.frombuffer(self._areas, np.float32).reshape(-1, AREAS)
        even = np.arange(times[0], times[-1] + 1e-6, 1_000 / HZ)
        return _moving(np.stack([np.interp(even, times, area) for area in areas.T], 1))


def _moving(levels: NDArray[np.float64]) -> Series:
    """Less the mean of the second around."""
    before = _MEAN // 2
    padded = np.pad(levels, ((before, _MEAN - 1 - before), (0, 0)), mode="edge")
    sums = np.cumsum(np.concatenate([np.zeros((1, AREAS)), padded]), axis=0)
    return np.asarray(levels - (sums[_MEAN:] - sums[:-_MEAN]) / _MEAN, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Windows of a series in which something moved, and at which sample each begins."""

    windows: Windows
    at: NDArray[np.intp]


def stretches(series: Series, starts: Sequence[int] | NDArray[np.intp], least_motion: float) -> Stretches:
    """Those that begin at `starts` and move at least so much (length of the 720 numbers)."""
    at = np.asarray([start for start in starts if 0 <= start <= len(series) - WINDOW], np.intp)
    if not at.size:
        return Stretches(np.zeros((0, WINDOW * AREAS), np.float32), at)
    flat = np.stack([series[start : start + WINDOW].ravel() for start in at])
    motion = np.sqrt(np.einsum("ij,ij->i", flat, flat))
    moved = motion >= max(least_motion, 1e-9)
    return Stretches(np.asarray(flat[moved] / motion[moved, None], np.float32), at[moved])


def in_a_mirror(series: Series) -> Series:
    """The same film as a mirror shows it."""
    return np.ascontiguousarray(series.reshape(-1, _SIDE, _SIDE)[..., ::-1].reshape(series.shape))


def to_bytes(series: Series) -> bytes:
    """To be sealed: 32 bytes a sample."""
    steps = np.asarray(np.clip(np.rint(series / _STEP), -_LIMIT, _LIMIT), "<i2")
    return _MAGIC + steps.tobytes()


def from_bytes(stored: bytes) -> Series:
    """The inverse of `to_bytes`. Raises `EvidenceError`."""
    if not stored.startswith(_MAGIC) or (len(stored) - len(_MAGIC)) % (2 * AREAS):
        raise EvidenceError("a fingerprint of another kind", expected="one that this version stored")
    return np.asarray(
        np.frombuffer(stored, "<i2", offset=len(_MAGIC)).reshape(-1, AREAS) * np.float32(_STEP), np.float32
    )


def runs(in_step: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """(first, end) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], in_step, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
