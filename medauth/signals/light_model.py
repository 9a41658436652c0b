"""How skin looks under a screen's colours: what one sequence explains of what was seen, and what the others would.

Skin sends back ambient light and the screen's, each times its reflectance. The logarithm of a channel is then an offset
(reflectance, exposure, white balance, gamma) plus log(ambient + screen); taken relative to the other channels, exposure
and shading fall out, and with them every tone of skin but its noise. Where the sum of three logs is left out two numbers a
frame remain, red against green and both against blue: six pale hues lie there as a hexagon.

A sequence is fitted by least squares with one gain of 0 or more for each channel, an offset and a slope over time, for a
grid of delays, of ambient light and of how far white balance follows. Sequences share all but their colours, so the fit of
every one that could have been drawn costs one small matrix product (Tang et al., Face Flashing, NDSS 2018, read such
responses by correlation; the white balance term is ours).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.light import DRAWN, SCREEN_RGB, Colour, ColourShown

Floats = NDArray[np.float64]

OPPONENT: Floats = np.array([[1, -1, 0], [1, 1, -2]], np.float64) / np.sqrt([[2], [6]])
"""(2, 3): logs of red, green and blue to red against green, both against blue."""
GAMMA = 2.2
_STEP_MS = 10.0
_RAMP_MS = 60.0
"""A screen's rise and a camera's exposure blur a change."""
_AMBIENTS = (0.15, 0.6, 2.0)
"""Ambient light on the face, by the screen's when white."""
_FOLLOWING = ((0.0, 1_500.0), (0.35, 1_500.0), (0.7, 1_500.0), (0.5, 600.0))
"""Share of a colour that white balance takes away, and how slowly, in milliseconds."""
_DELAYS_MS = range(-1_000, 1_601, 80)
_FINER_MS = range(-80, 81, 20)
"""Delays that are tried: a response may come early, or through a slow screen."""
_LEAST_KEPT = 0.7
"""At a delay at which fewer of the frames fall under the colours, nothing is fitted."""
_TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the camera saw: `times_ms` (n,) and `chroma` (n, 2), the opponent logs of skin."""

    times_ms: Floats
    chroma: Floats


@dataclass(frozen=True, slots=True)
class Fit:
    """The best that a sequence explains."""

    share: float
    """Of the variance of the chroma, 0 to 1."""
    delay_ms: float
    ambient: float
    """Of the grid: which curve fits best."""
    following: tuple[float, float]
    contrast: float
    """Mean difference of a channel's log between a colour that holds it fully and one that does not."""


@dataclass(frozen=True, slots=True, eq=False)
class Rivals:
    """All sequences at one sequence's best delay: `unexplained` (k,) is each one's remaining variance, relative to that of
    the issued; `sequences` (k, colours) index `DRAWN`."""

    unexplained: Floats
    sequences: NDArray[np.intp]

    def margin(self) -> float:
        """How many times worse the best other sequence fits: above 1 the issued is first of all."""
        return float(self.unexplained.min()) if self.unexplained.size else np.inf

    def best(self) -> tuple[Colour, ...]:
        """The colours of the best other sequence."""
        return tuple(DRAWN[index] for index in self.sequences[int(self.unexplained.argmin())])

    def margins(self, issued: Sequence[int]) -> list[float]:
        """For each colour: how many times worse the best sequence fits that differs from the issued in it."""
        other = self.sequences != np.asarray(issued)
        return [float(self.unexplained[other[:, place]].min()) for place in range(len(issued))]


def linear_light(colour: Colour) -> Floats:
    """(3,) a screen's red, green and blue in linear light, 1 when full (IEC 61966-2-1)."""
    share = np.array(SCREEN_RGB[colour]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - the standard's


class LightModel:
    """One sequence as it was released, against what was seen."""

    def __init__(self, shown: Sequence[ColourShown], end_ms: float, seen: Seen) -> None:
        self._colours = [colour.colour for colour in shown]
        self._starts = np.array([colour.shown_ms for colour in shown])
        self._end_ms = end_ms
        self._seen = seen
        self._expected = max(1, self._within(seen.times_ms, 0.0).sum())

    def fit(self) -> Fit | None:
        """The issued sequence at its best delay, first roughly and then finely; None where too few frames were seen."""
        rough = self._best(_DELAYS_MS, _FOLLOWING[:1], _AMBIENTS[1:2])
        return None if rough is None else self._best([rough.delay_ms + by for by in _FINER_MS], _FOLLOWING, _AMBIENTS)

    def _best(
        self, delays_ms: Sequence[float], followings: Sequence[tuple[float, float]], ambients: Sequence[float]
    ) -> Fit | None:
        found: Fit | None = None
        for following in followings:
            for delay_ms, basis, chroma in self._bases(delays_ms, following):
                for ambient in ambients:
                    levels = _levels(self._colours, ambient)[None]
                    rest, gains = _unexplained(basis, chroma, levels)
                    share = 1 - rest[0] / max(float((chroma**2).sum()), _TINY)
                    if found is None or share > found.share:
                        spread = levels.max(axis=(0, 1)) - levels.min(axis=(0, 1))
                        found = Fit(float(share), delay_ms, ambient, following, float((gains[0] * spread).mean()))
        return found

    def rivals(self, fit: Fit) -> Rivals:
        """Every sequence of as many colours in the place of the issued one, all else as in its fit."""
        _, basis, chroma = next(self._bases([fit.delay_ms], fit.following))
        drawn = _sequences(len(self._colours) - 1)
        table = np.stack([_level(colour, fit.ambient) for colour in DRAWN])
        white = np.broadcast_to(_level(Colour.WHITE, fit.ambient), (len(drawn), 1, 3))
        rest, _ = _unexplained(basis, chroma, np.concatenate([white, table[drawn]], axis=1))
        issued = (drawn == self.issued).all(axis=1)
        return Rivals(rest[~issued] / max(float(rest[issued][0]), _TINY), drawn[~issued])

    @property
    def issued(self) -> list[int]:
        """The drawn colours as indices of `DRAWN`."""
        return [DRAWN.index(colour) for colour in self._colours[1:]]

    def _bases(
        self, delays_ms: Sequence[float], following: tuple[float, float]
    ) -> Iterator[tuple[float, Floats, Floats]]:
        """For each delay: how far each colour is on in each frame (n, colours), and the chroma (n, 2) of those frames, both
        without offset and slope."""
        grid, on = self._timeline(following)
        for delay_ms in delays_ms:
            kept = self._within(self._seen.times_ms, delay_ms)
            if kept.sum() < max(_LEAST_KEPT * self._expected, 2 * len(self._colours)):
                continue
            times = self._seen.times_ms[kept] - delay_ms
            basis = np.stack([np.interp(times, grid, column) for column in on.T], axis=1)
            frame = np.linalg.qr(np.column_stack([np.ones_like(times), times - times.mean()]))[0]
            yield delay_ms, _without(basis, frame), _without(self._seen.chroma[kept], frame)

    def _within(self, times_ms: Floats, delay_ms: float) -> NDArray[np.bool_]:
        shifted = times_ms - delay_ms
        return np.asarray((shifted >= self._starts[0] + _RAMP_MS) & (shifted <= self._end_ms))

    def _timeline(self, following: tuple[float, float]) -> tuple[Floats, Floats]:
        """Times (g,) and, for each, how far every colour is on (g, colours), seen through ramp and white balance."""
        grid = np.arange(self._starts[0], self._end_ms + _STEP_MS, _STEP_MS)
        since = grid[:, None] - self._starts[None, :]
        rising = np.clip(since / _RAMP_MS, 0.0, 1.0)
        on = rising - np.concatenate([rising[:, 1:], np.zeros((grid.size, 1))], axis=1)
        share, slow_ms = following
        return grid, on - share * _slowly(on, _STEP_MS / slow_ms) if share else on


def _slowly(values: Floats, rate: float) -> Floats:
    """A first-order low pass along the first axis."""
    state, slow = values[0].copy(), np.empty_like(values)
    for row, value in enumerate(values):
        state += rate * (value - state)
        slow[row] = state
    return slow


def _without(values: Floats, frame: Floats) -> Floats:
    return np.asarray(values - frame @ (frame.T @ values))


@cache
def _level(colour: Colour, ambient: float) -> Floats:
    return np.asarray(np.log(ambient + linear_light(colour)) / GAMMA)


def _levels(colours: Sequence[Colour], ambient: float) -> Floats:
    return np.stack([_level(colour, ambient) for colour in colours])


@cache
def _sequences(count: int) -> NDArray[np.intp]:
    """(6^count, count) all of them; those with a repeat are no rival that matters and do no harm."""
    return np.array(list(product(range(len(DRAWN)), repeat=count)), np.intp)


_SUBSETS = [np.flatnonzero(kept) for kept in product([True, False], repeat=3) if any(kept)]


def _unexplained(basis: Floats, chroma: Floats, levels: Floats) -> tuple[Floats, Floats]:
    """Remaining sums of squares (k,) and gains (k, 3) of sequences whose colours have these `levels` (k, colours, 3).

    The least squares problem with gains of 0 or more, by all seven sets of channels that may be above 0.
    """
    gram, seen = basis.T @ basis, basis.T @ chroma
    normal = levels.transpose(0, 2, 1) @ (gram @ levels) * (OPPONENT.T @ OPPONENT)
    right = (levels * (seen @ OPPONENT)).sum(axis=1)
    total = float((chroma**2).sum())
    best, gains = np.full(len(levels), total), np.zeros((len(levels), 3))
    left = np.arange(len(levels))
    for kept in _SUBSETS:
        part = normal[np.ix_(left, kept, kept)] + _TINY * np.eye(kept.size)
        found = np.linalg.solve(part, right[np.ix_(left, kept)][..., None])[..., 0]
        rest = total - (found * right[np.ix_(left, kept)]).sum(axis=1)
        better = (found >= 0).all(axis=1) & (rest < best[left])
        best[left[better]] = rest[better]
        gains[left[better]] = 0.0
        gains[np.ix_(left[better], kept)] = found[better]
        if kept.size == len(right[0]):  # where all three are above 0 nothing is better: the problem is convex
            left = left[~better]
        if not left.size:
            break
    return best, gains
