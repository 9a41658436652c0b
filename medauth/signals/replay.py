"""Replay: was this film, or a stretch of it, shown in an earlier check?

The signal says what to remember of a check and what to look for, and compares it with what the server remembers; looking
things up is the server's affair. It fails where a stretch of some seconds moves as an earlier one did, sample by sample
and in step: in another encoding, cropped, mirrored, retimed by a part of a frame. A person who does the same again does
not do it to the same fifteenth of a second all over the picture.

What it cannot see: a film played faster or slower, or turned, or before another background; and what it never saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.check_print import (
    HZ,
    WINDOW,
    Series,
    Taker,
    from_bytes,
    in_a_mirror,
    runs,
    stretches,
    to_bytes,
    without_strongest,
)
from medauth.signals.frame_print import FrameRows
from medauth.signals.interface import Likeness, Marks, Offer, Place, Recalled
from medauth.signals.print_codes import asked_codes, own_codes


@dataclass(frozen=True, slots=True)
class ReplayTuning:
    """From when on two stretches are the same film, and how many of them are filed and asked for."""

    alike: float = 0.8
    """Correlation of two stretches of 3 s. The same film, changed in every way, stays above 0.9 for most of it; other film
    reached 0.66 where it was tuned (ADR 0330)."""
    in_step: int = 12
    """So many stretches in a row, each a fifteenth of a second on, with one lag."""
    least_motion: float = 0.01
    """Length of a stretch's numbers below which nothing moved but noise."""
    least_rest: float = 0.005
    """The same where the strongest pattern was taken out."""
    filed_every: int = 8
    """Samples between stretches that are filed."""
    most_filed: int = 64
    most_asked: int = 256
    """Bounds what one check costs, however long it was."""
    slack: int = 2
    """Samples to either side of a lag at which to look: codes of neighbours are alike."""


class ReplaySignal:
    """Fails where the film is that of an earlier check. A `Signal` that `Recollects`."""

    name = "replay"

    def __init__(self, tuning: ReplayTuning | None = None, rows: FrameRows | None = None) -> None:
        self._tuning = tuning or ReplayTuning()
        self._rows = rows or FrameRows()
        self._taker = Taker()
        self._recalled: Recalled | None = None

    def start(self, challenge: Challenge | None) -> None: ...

    def update(self, observation: Observation) -> None:
        # As signed: judged again, a frame must give the same.
        self._taker.add(round(1_000 * observation.frame.t_ms) / 1_000, self._rows.of(observation.frame)[1])

    def offer(self) -> Offer:
        series, tuning = self._taker.series(), self._tuning
        filed = stretches(series, _spread(len(series), tuning.filed_every, tuning.most_filed), tuning.least_motion)
        asked = stretches(series, _spread(len(series), 1, tuning.most_asked), tuning.least_motion)
        if not asked.at.size:
            return Offer(b"", (), ())
        places = [Place(code, at) for code, at in _listed(own_codes(filed.windows), filed.at)]
        looked = [Place(code, at) for code, at in _listed(asked_codes(asked.windows), asked.at)]
        flipped = stretches(in_a_mirror(series), asked.at, tuning.least_motion)
        looked += [Place(code, at, mirrored=True) for code, at in _listed(asked_codes(flipped.windows), flipped.at)]
        return Offer(to_bytes(series), tuple(places), tuple(looked))

    def compared(self, record_id: str, stored: bytes, lag: int, *, mirrored: bool) -> Likeness:
        theirs = from_bytes(stored)
        ours = in_a_mirror(self._taker.series()) if mirrored else self._taker.series()
        rest = without_strongest(theirs)
        ours, theirs = ours @ rest, theirs @ rest
        best = Likeness(record_id, 0, 0, lag, mirrored, 0)
        for near in range(lag - self._tuning.slack, lag + self._tuning.slack + 1):
            best = max(best, self._in_step(record_id, ours, theirs, near, flipped=mirrored), key=_strength)
        return best

    def recall(self, recalled: Recalled) -> None:
        self._recalled = recalled

    def reading(self) -> SignalReading:
        series = self._taker.series()
        starts = _spread(len(series), 1, self._tuning.most_asked)
        moving = len(stretches(series, starts, self._tuning.least_motion).at)
        recalled = self._recalled
        details: dict[str, Json] = {"stretches": moving, "recalled": None if recalled is None else recalled.to_json()}
        if not moving:
            text = "Too little moved for too short a time to know it from other film."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "replay.too_still", text, None, details)
        if recalled is None:
            text = "Nothing was looked up: this is no check."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "replay.not_looked_up", text, None, details)
        score = 0 if recalled.best is None else recalled.best.alike_ppm
        if recalled.best is not None and recalled.best.stretches >= self._tuning.in_step:
            return SignalReading(self.name, Outcome.FAIL, "replay.seen_before", str(recalled.best), score, details)
        if recalled.unreadable:
            text = f"{recalled.unreadable} fingerprints that may be of the same film could not be read."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "replay.unreadable", text, score, details)
        text = "No earlier check moved as this one did."
        return SignalReading(self.name, Outcome.PASS, "replay.not_seen", text, score, details)

    def marks(self) -> Marks:
        return Marks()

    def _in_step(self, record_id: str, ours: Series, theirs: Series, lag: int, *, flipped: bool) -> Likeness:
        """The longest run of alike stretches at one lag, and its median correlation; the best single one where there is
        no run."""
        first, end = max(0, lag), min(len(ours), len(theirs) + lag) - WINDOW + 1
        mine = stretches(ours, np.arange(first, max(first, end)), self._tuning.least_rest)
        other = stretches(theirs, mine.at - lag, self._tuning.least_rest)
        both = np.isin(mine.at - lag, other.at)
        if not both.any():
            return Likeness(record_id, 0, 0, lag, flipped, 0)
        alike = np.einsum("ij,ij->i", mine.windows[both], other.windows)
        return _longest(record_id, alike, mine.at[both], lag, self._tuning.alike, flipped=flipped)


def _longest(
    record_id: str, alike: NDArray[np.float32], at: NDArray[np.intp], lag: int, least: float, *, flipped: bool
) -> Likeness:
    dense = np.zeros(int(at[-1] - at[0]) + 1, np.float32)
    dense[at - at[0]] = alike
    found = max(runs(dense >= least), key=lambda run: run[1] - run[0], default=None)
    if found is None:
        best = int(dense.argmax())
        return Likeness(record_id, to_ppm(float(dense[best])), 0, lag, flipped, _ms(best + int(at[0])))
    first, end = found
    run = dense[first:end]
    middle = float(np.median(run))
    # Stretches that reach into other film are alike enough to count, and less alike than those that do not.
    begins = first + int(np.argmax(run >= 1 - 2 * (1 - middle)))
    return Likeness(record_id, to_ppm(middle), end - first, lag, flipped, _ms(begins + int(at[0])))


def _strength(likeness: Likeness) -> tuple[int, int]:
    return likeness.stretches, likeness.alike_ppm


def _ms(samples: int) -> int:
    return round(1_000 * samples / HZ)


def _spread(length: int, every: int, most: int) -> NDArray[np.intp]:
    """Where stretches begin: `every` so many samples, farther apart in a film too long for `most` of them."""
    last = length - WINDOW
    if last < 0:
        return np.zeros(0, np.intp)
    return np.arange(0, last + 1, max(every, -(-(last + 1) // most)), dtype=np.intp)


def _listed(codes: NDArray[np.int64], at: NDArray[np.intp]) -> list[tuple[int, int]]:
    return list(zip(codes.ravel().tolist(), np.repeat(at, codes.shape[1]).tolist(), strict=True))
