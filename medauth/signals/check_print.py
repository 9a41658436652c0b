"""What is kept of a whole check to know it again: how brightness moves about picture and face, 15 times a second, no more.

Sixteen areas of the picture, without brightness, contrast and what stands still: another encoding, a small crop, another
gamma, frame rate or camera clock leave it nearly as it was, and a mirror swaps its columns. Two takes of one person in one
room share what stands still, and that is gone. Sixteen parts of the face, by a grid that lies on it (`face_grid`), move the
same way before another background, moved aside or under bands. No picture can be made of either.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.errors import EvidenceError
from medauth.signals.face_grid import Levels
from medauth.signals.frame_print import COLUMNS, ROWS, Print

HZ = 15
AREAS = 16
"""4 x 4: a crop by some hundredths moves no picture out of its area."""
WINDOW = 3 * HZ
"""Samples compared at a time: one step of a challenge takes longer."""
_SIDE = 4
_MEAN = HZ
"""Samples over which the mean is taken off: what moves more slowly is posture and light."""
_STEPS = np.repeat(np.array([1e-5, 1e-4], np.float32), AREAS)
"""Of a stored value; the areas of a filmed person move by some thousandths, parts of a face by some hundredths."""
_MAGIC = b"MAP2"
_WITHOUT_FACE = b"MAP1"
"""As stored before faces had a grid; still read, until it expires."""
_LIMIT = 32_767

Series = NDArray[np.float32]
"""(n, 16) float32: of each area, row by row, what moved, at `HZ`."""
Windows = NDArray[np.float32]
"""(m, 720) float32 of length 1: stretches of `WINDOW` samples, flattened."""


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A check's film: how the whole picture moved, and how the face did, at the same samples."""

    whole: Series
    face: Series
    """Zeros where there was no face; (0, 16) where none was stored."""

    def in_a_mirror(self) -> Film:
        """As a mirror shows it."""
        return Film(in_a_mirror(self.whole), in_a_mirror(self.face))


class Taker:
    """Fed every frame's print, and the face's levels; keeps sixteen numbers of either."""

    def __init__(self) -> None:
        self._whole = _Course()
        self._face = _Course()
        self._film: Film | None = None

    def add(self, t_ms: float, seen: Print, face: Levels | None = None) -> None:
        """Takes in one frame; times never run backwards."""
        self._film = None
        cells = seen.reshape(_SIDE, ROWS // _SIDE, _SIDE, COLUMNS // _SIDE)
        self._whole.add(t_ms, np.einsum("abcd->ac", cells).ravel() / (ROWS * COLUMNS // AREAS))
        if face is not None:
            self._face.add(t_ms, face)

    def film(self) -> Film:
        """All frames so far, at an even rate from the first one on."""
        if self._film is None:
            at = self._whole.times()
            even = np.arange(at[0], at[-1] + 1e-6, 1_000 / HZ) if at.size else at
            self._film = Film(self._whole.series(even), self._face.series(even))
        return self._film


class _Course:
    """Sixteen numbers that change with time."""

    def __init__(self) -> None:
        self._times_ms = array("d")
        self._areas = array("f")

    def add(self, t_ms: float, areas: Levels) -> None:
        self._times_ms.append(t_ms)
        self._areas.extend(areas)

    def times(self) -> NDArray[np.float64]:
        # A copy: an array that is looked into cannot grow.
        return np.array(self._times_ms, np.float64)

    def series(self, even_ms: NDArray[np.float64]) -> Series:
        """At these times; before the first and after the last, as then."""
        if not self._times_ms or not even_ms.size:
            return np.zeros((len(even_ms), AREAS), np.float32)
        areas = np.array(self._areas, np.float32).reshape(-1, AREAS)
        times = self.times()
        return _moving(np.stack([np.interp(even_ms, times, area) for area in areas.T], 1))


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


def played_at(series: Series, pace: float) -> Series:
    """As many times faster, between the samples too; slower below 1."""
    if not len(series):
        return series
    at = np.arange(0.0, len(series) - 1 + 1e-9, pace)
    before = np.arange(len(series))
    return np.asarray(np.stack([np.interp(at, before, area) for area in series.T], 1), np.float32)


def to_bytes(film: Film) -> bytes:
    """To be sealed: 64 bytes a sample."""
    both = np.hstack([film.whole, film.face]) / _STEPS
    return _MAGIC + np.asarray(np.clip(np.rint(both), -_LIMIT, _LIMIT), "<i2").tobytes()


def from_bytes(stored: bytes) -> Film:
    """The inverse of `to_bytes`. Raises `EvidenceError`."""
    kind, columns = stored[: len(_MAGIC)], 2 * AREAS if stored.startswith(_MAGIC) else AREAS
    if kind not in (_MAGIC, _WITHOUT_FACE) or (len(stored) - len(_MAGIC)) % (2 * columns):
        raise EvidenceError("a fingerprint of another kind", expected="one that this version stored, or the one before")
    steps = np.frombuffer(stored, "<i2", offset=len(_MAGIC)).reshape(-1, columns)
    both = np.asarray(steps * _STEPS[:columns], np.float32)
    return Film(both[:, :AREAS], both[:, AREAS:] if columns > AREAS else np.zeros((0, AREAS), np.float32))


def runs(in_step: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """(first, end) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], in_step, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def longest_runs(in_step: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(k,) of (k, m): how many True stand in a row, at most, in each."""
    places = np.arange(1, in_step.shape[1] + 1)
    broken = np.maximum.accumulate(np.where(in_step, 0, places), axis=1)
    return np.asarray((places - broken).max(axis=1, initial=0))
