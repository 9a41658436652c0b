"""How far two films move alike, sample by sample at one lag, by what in each could not be foreseen.

A head that turns, a screen's glow, a fan or a lamp that beats against the camera moves many areas, much, and in one way or
in one rhythm; other film does so, too. So both films are prewhitened, in space and in time, before they are compared (C. H.
Knapp and G. C. Carter, The generalized correlation method for estimation of time delay, IEEE Transactions on Acoustics,
Speech and Signal Processing 24, 1976): each way of moving, an eigenvector of the areas' covariance in both films, loses
what the four samples before tell of it (Yule and Walker's equations), and then counts as much as any other but the strongest,
which is left out. What remains is small, differs from film to film, and no codec takes it away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.signals.check_print import WINDOW, Series

_ORDER = 4
"""Samples before one that foresee it: two rhythms, or one and a drift."""
_DAMPING = 0.02
"""White noise, as a share of the variance, under which they do: film is short."""
_LEFT_OUT = 1
"""The strongest ways: a screen's colours on a face in the dark, which two checks may share for a while."""
_FLOOR = 0.003
"""Of the mean variance, added to each: a way in which nothing moves is not brought up to the others."""
_LOUD = 2.0
"""Middle lengths to which a sample is held down: one start must not decide a stretch."""
_NOTHING = 1e-12

Moves = NDArray[np.float64]
"""(n, k): of each sample, how much of each of k ways of moving; at first the 16 areas."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Correlations of stretches of `WINDOW` samples, at some lags in a row."""

    alike: NDArray[np.float64]
    """(k, m) float64: -1 to 1; at each lag, of stretches that begin at `first`, `first` + 1 and so on. -inf where one of the
    films has no such stretch."""
    first: int


class Pair:
    """Two films, prewhitened together: neither can hide in a rhythm that only one of them has."""

    def __init__(self, ours: Series, theirs: Series) -> None:
        films = [_of_one_strength(ours), _of_one_strength(theirs)]
        _, ways = np.linalg.eigh(sum(film.T @ film / max(1, len(film)) for film in films))
        films = _surprises([film @ ways[:, :-_LEFT_OUT] for film in films])
        variances = sum(np.einsum("ij,ij->j", film, film) / max(1, len(film)) for film in films)
        strengths = 1.0 / np.sqrt(variances + _FLOOR * float(np.mean(variances)) + _NOTHING)
        self._ours, self._theirs = (_held_down(film * strengths) for film in films)
        self._energies = tuple(np.einsum("ij,ij->i", film, film) for film in (self._ours, self._theirs))

    def at(self, lags: range) -> Compared:
        """Ours against theirs so many samples earlier, at some lags in a row. All in one go: a lag by itself costs as much
        in calls as in numbers."""
        first, end = max(0, lags[0]), min(len(self._ours), len(self._theirs) + lags[-1])
        if min(end - first, len(self._theirs)) < WINDOW:
            return Compared(np.zeros((len(lags), 0)), first)
        begins = np.arange(first, end - WINDOW + 1) - np.asarray(lags)[:, None]
        has = (begins >= 0) & (begins <= len(self._theirs) - WINDOW)
        both = _sums(np.einsum("ij,kij->ki", self._ours[first:end], _earlier(self._theirs, lags, first, end)))
        mine = _sums(self._energies[0][first:end])
        other = _sums(self._energies[1])[np.clip(begins, 0, len(self._theirs) - WINDOW)]
        # A difference of sums: where nothing moved, rounding may leave less than nothing.
        lengths = np.sqrt(np.maximum(mine, 0.0) * np.maximum(other, 0.0))
        return Compared(np.where(has, both / np.maximum(lengths, _NOTHING), -np.inf), first)


def _earlier(theirs: Moves, lags: range, first: int, end: int) -> NDArray[np.float64]:
    """(k, end - first, ways), nothing copied but once: theirs from `first` to `end`, each lag earlier; zeros outside."""
    least, most = first - lags[-1], end - lags[0]
    inside = theirs[max(0, least) : max(0, most)]
    padded = np.zeros((most - least, theirs.shape[1]))
    begin = max(0, -least)
    padded[begin : begin + len(inside)] = inside
    views = np.lib.stride_tricks.sliding_window_view(padded, end - first, axis=0)
    return np.asarray(views[::-1].transpose(0, 2, 1))


def _of_one_strength(series: Series) -> Moves:
    moves = np.asarray(series, np.float64)
    return np.asarray(moves / max(float(np.sqrt(np.mean(moves**2))), _NOTHING) if moves.size else moves)


def _surprises(films: list[Moves]) -> list[Moves]:
    """What is left when each way is foretold by its last four samples, as best fits both films; as long as they were."""
    told = np.zeros((_ORDER + 1, films[0].shape[1]))
    for film in films:
        for back in range(min(_ORDER + 1, len(film))):
            told[back] += np.einsum("ij,ij->j", film[back:], film[: len(film) - back]) / len(film)
    apart = np.abs(np.subtract.outer(np.arange(_ORDER), np.arange(_ORDER)))
    equations = told[apart].transpose(2, 0, 1) + (_DAMPING * told[0] + _NOTHING)[:, None, None] * np.eye(_ORDER)
    weights = np.linalg.solve(equations, told[1:].T[:, :, None])[:, :, 0]
    return [_less(film, weights) for film in films]


def _less(film: Moves, weights: NDArray[np.float64]) -> Moves:
    left = film.copy()
    for back in range(1, _ORDER + 1):
        left[back:] -= film[:-back] * weights[:, back - 1]
    return left


def _held_down(moves: Moves) -> Moves:
    """Loud samples made no louder than `_LOUD` of the middle one that moves at all: still film beside it lowers nothing."""
    lengths = np.sqrt(np.einsum("ij,ij->i", moves, moves))
    moving = lengths[lengths > _NOTHING]
    if not moving.size:
        return moves
    most = _LOUD * float(np.median(moving))
    return np.asarray(moves * np.minimum(1.0, most / np.maximum(lengths, _NOTHING))[:, None])


def _sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of every `WINDOW` values in a row, along the last axis."""
    before = np.cumsum(values, axis=-1)
    sums = before[..., WINDOW - 1 :].copy()
    sums[..., 1:] -= before[..., :-WINDOW]
    return np.asarray(sums)
