"""Replay: was this film, or a stretch of it, shown in an earlier check?

The signal says what to remember of a check and what to look for, and compares it with what the server remembers; looking
things up is the server's affair. It fails where a stretch of some seconds moves as an earlier one did, sample by sample
and in step: in another encoding, cropped, mirrored, retimed by a part of a frame. A person who does the same again does
not do it to the same fifteenth of a second all over the picture.

What it cannot see: the face of a film before another background, a film moved aside by an eighth or played a tenth faster
or slower; and what it never saw.
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
    Taker,
    from_bytes,
    in_a_mirror,
    runs,
    stretches,
    to_bytes,
)
from medauth.signals.frame_print import FrameRows
from medauth.signals.interface import Likeness, Marks, Offer, Place, Recalled
from medauth.signals.print_codes import asked_codes, own_codes
from medauth.signals.print_likeness import Compared, Pair

_WHOLE = 0.9
"""Of the median likeness of a run: a stretch that has it is of the earlier film all through."""


@dataclass(frozen=True, slots=True)
class ReplayTuning:
    """From when on two stretches are the same film, and how many of them are filed and asked for."""

    alike: float = 0.36
    """Correlation of two stretches of 3 s, prewhitened. 12 in a row of the same film, changed in every way, came to 0.46 at
    least; of other film to 0.22 at most, under the same simulated colours or flicker too, where it was tuned (ADR 0560)."""
    in_step: int = 12
    """So many stretches in a row, each a fifteenth of a second on, with one lag."""
    least_motion: float = 0.01
    """Length of a stretch's numbers below which nothing moved but noise."""
    least_filed: float = 0.004
    """The same for what is filed and asked for: other encodings move a stretch by 0.001 to 0.002. What was noise is
    compared, and found to be like nothing."""
    filed_every: int = 8
    """Samples between stretches that are filed."""
    most_filed: int = 64
    most_asked: int = 256
    """Bounds what one check costs, however long it was."""
    slack: int = 5
    """Samples to either side of a lag at which to look: votes are counted by fours, and codes of neighbours are alike. One
    sample off, a film is no longer like itself."""


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
        filed = stretches(series, _spread(len(series), tuning.filed_every, tuning.most_filed), tuning.least_filed)
        asked = stretches(series, _spread(len(series), 1, tuning.most_asked), tuning.least_filed)
        if not asked.at.size:
            return Offer(b"", (), ())
        places = [Place(code, at) for code, at in _listed(own_codes(filed.windows), filed.at)]
        looked = [Place(code, at) for code, at in _listed(asked_codes(asked.windows), asked.at)]
        flipped = stretches(in_a_mirror(series), asked.at, tuning.least_filed)
        looked += [Place(code, at, mirrored=True) for code, at in _listed(asked_codes(flipped.windows), flipped.at)]
        return Offer(to_bytes(series), tuple(places), tuple(looked))

    def compared(self, record_id: str, stored: bytes, lag: int, *, mirrored: bool) -> Likeness:
        theirs, ours = from_bytes(stored), self._taker.series()
        pair = Pair(in_a_mirror(ours) if mirrored else ours, theirs)
        best = Likeness(record_id, 0, 0, lag, mirrored, 0)
        for near in range(lag - self._tuning.slack, lag + self._tuning.slack + 1):
            found = pair.at(near)
            if found.alike.size:
                best = max(best, _longest(record_id, found, near, self._tuning.alike, flipped=mirrored), key=_strength)
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


def _longest(record_id: str, compared: Compared, lag: int, least: float, *, flipped: bool) -> Likeness:
    """The longest run of alike stretches at one lag, and its median correlation; the best single one where there is no
    run."""
    alike, at = compared.alike, compared.first
    found = max(runs(alike >= least), key=lambda run: run[1] - run[0], default=None)
    if found is None:
        best = int(alike.argmax())
        return Likeness(record_id, to_ppm(float(alike[best])), 0, lag, flipped, _ms(best + at))
    first, end = found
    run = alike[first:end]
    middle = float(np.median(run))
    # Stretches that reach into other film are alike enough to count, and less alike than those that do not.
    begins = first + int(np.argmax(run >= _WHOLE * middle))
    return Likeness(record_id, to_ppm(middle), end - first, lag, flipped, _ms(begins + at))


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
