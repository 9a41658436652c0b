"""Replay: was this film, or a stretch of it, shown in an earlier check?

The signal says what to remember of a check and what to look for, and compares it with what the server remembers; looking
things up is the server's affair. It fails where a stretch of some seconds moves as an earlier one did, sample by sample
and in step: in another encoding, cropped, mirrored, retimed by a part of a frame. A person who does the same again does
not do it to the same fifteenth of a second all over the picture. The face by itself is known as well: before another
background, moved aside, turned or slowly zoomed, under bands or drifting light (ADR 0610).

What it cannot see: film played more than a tenth faster or slower; and what it never saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medauth.errors import EvidenceError
from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.check_print import (
    HZ,
    WINDOW,
    Film,
    Series,
    Taker,
    from_bytes,
    longest_runs,
    played_at,
    runs,
    stretches,
    to_bytes,
)
from medauth.signals.face_grid import FaceGrid
from medauth.signals.frame_print import FrameRows
from medauth.signals.interface import Lead, Likeness, Marks, Offer, Place, Recalled
from medauth.signals.print_codes import FACE_TABLE, asked_codes, own_codes
from medauth.signals.print_likeness import Pair

_COUNTED = 256
"""Stretches, when it is told how many of them moved."""
_PACES = (0.95, 1.05, 0.9, 1.1)
_WHOLE = 0.9
"""Of the median likeness of a run: a stretch that has it is of the earlier film all through."""


@dataclass(frozen=True, slots=True)
class ReplayTuning:
    """From when on two stretches are the same film, and how many of them are filed and asked for."""

    alike: float = 0.36
    """Correlation of two stretches of 3 s, prewhitened. 12 in a row of the same film, changed in every way, came to 0.46 at
    least; of other film to 0.22 at most, under the same simulated colours or flicker too, where it was tuned (ADR 0560)."""
    alike_face: float = 0.5
    """The same for the face alone: of other film, also of one person who does the same again, 0.42 at most; of the same film
    changed in every way 0.75 at least where it was tuned, 0.58 with others' meshes (ADR 0610)."""
    maybe_face: float = 0.25
    """From here on a face is compared at other paces, too: 5 % aside it is still somewhat like itself."""
    most_paced: int = 6
    """So many faces at most, the likest: bounds what a film costs that is made to be somewhat like many (ADR 0640)."""
    in_step: int = 12
    """So many stretches in a row, each a fifteenth of a second on, with one lag."""
    least_motion: float = 0.01
    """Length of a stretch's numbers below which nothing moved but noise."""
    least_filed: float = 0.004
    """The same for what is filed and asked for: other encodings move a stretch by 0.001 to 0.002. What was noise is
    compared, and found to be like nothing."""
    least_face: float = 0.08
    """The same for the face, in logarithms of brightness: other encodings move a stretch by 0.02 to 0.06."""
    filed_every: int = 8
    """Samples between stretches that are filed."""
    asked_every: int = 3
    """The same for those that are asked for: one that is filed lies a sample away at most."""
    most_filed: int = 64
    most_asked: int = 160
    """Bounds what one check costs, however long it was."""
    slack_paced: int = 24
    """At another pace a lag grows by a tenth of the film."""
    slack: int = 5
    """Samples to either side of a lag at which to look: votes are counted by fours, and codes of neighbours are alike. One
    sample off, a film is no longer like itself."""


@dataclass(slots=True)
class _Look:
    """What came of one lead: both faces, and how far whole pictures and faces are alike."""

    ours: Series
    theirs: Series
    nothing: Likeness
    whole: Likeness
    face: Likeness

    @property
    def best(self) -> Likeness:
        return max(self.whole, self.face, key=_strength)


class ReplaySignal:
    """Fails where the film is that of an earlier check. A `Signal` that `Recollects`."""

    name = "replay"

    def __init__(self, tuning: ReplayTuning | None = None, rows: FrameRows | None = None) -> None:
        self._tuning = tuning or ReplayTuning()
        self._rows = rows or FrameRows()
        self._taker = Taker()
        self._grid = FaceGrid()
        self._recalled: Recalled | None = None

    def start(self, challenge: Challenge | None) -> None: ...

    def update(self, observation: Observation) -> None:
        frame, track = observation.frame, observation.track
        # As signed: judged again, a frame must give the same.
        t_ms, seen = round(1_000 * frame.t_ms) / 1_000, self._rows.of(frame)[1]
        face = None
        if track is not None and (sums := self._rows.sums_of(frame)).size > 1:
            face = self._grid.levels(t_ms, sums, len(frame.image), track)
        self._taker.add(t_ms, seen, face)

    def offer(self) -> Offer:
        film = self._taker.film()
        ways = ((film, False), (film.in_a_mirror(), True))
        asked = [place for shown, flipped in ways for place in self._asked(shown, flipped=flipped)]
        return Offer(to_bytes(film), tuple(self._filed(film)), tuple(asked)) if asked else Offer(b"", (), ())

    def _filed(self, film: Film) -> Iterator[Place]:
        tuning = self._tuning
        at = _spread(len(film.whole), tuning.filed_every, tuning.most_filed)
        for series, least, table in self._views(film):
            found = stretches(series, at, least)
            yield from (Place(code, at) for code, at in _listed(own_codes(found.windows, table), found.at))

    def _asked(self, film: Film, *, flipped: bool) -> Iterator[Place]:
        at = _spread(len(film.whole), self._tuning.asked_every, self._tuning.most_asked)
        for series, least, table in self._views(film):
            found = stretches(series, at, least)
            codes = asked_codes(found.windows, table)
            yield from (Place(code, at, mirrored=flipped) for code, at in _listed(codes, found.at))

    def _views(self, film: Film) -> tuple[tuple[Series, float, int], ...]:
        return (film.whole, self._tuning.least_filed, 0), (film.face, self._tuning.least_face, FACE_TABLE)

    def compared(self, leads: Sequence[Lead]) -> Sequence[Likeness | None]:
        """Each at its own pace; where none is of the same film, the faces that are likest at others, too."""
        found = [self._looked_at(lead) for lead in leads]
        read = [look for look in found if look is not None]
        if all(look.best.stretches < self._tuning.in_step for look in read):
            maybe = [look for look in read if look.face.alike_ppm >= to_ppm(self._tuning.maybe_face)]
            for look in sorted(maybe, key=lambda look: _strength(look.face), reverse=True)[: self._tuning.most_paced]:
                look.face = self._at_other_paces(look)
        return [None if look is None else look.best for look in found]

    def _looked_at(self, lead: Lead) -> _Look | None:
        try:
            theirs = from_bytes(lead.stored)
        except EvidenceError:
            return None
        film = self._taker.film()
        ours = film.in_a_mirror() if lead.mirrored else film
        nothing = Likeness(lead.record_id, 0, 0, lead.lag, lead.mirrored, 0)
        whole = self._likest(Pair(ours.whole, theirs.whole), nothing, self._tuning.alike, self._tuning.slack)
        pair, nothing = Pair(ours.face, theirs.face), replace(nothing, face=True)
        face = self._likest(pair, nothing, self._tuning.alike_face, self._tuning.slack)
        return _Look(ours.face, theirs.face, nothing, whole, face)

    def _at_other_paces(self, look: _Look) -> Likeness:
        best = look.face
        for pace in _PACES:
            # The other pace undone: ours is brought to theirs.
            pair = Pair(played_at(look.ours, 1 / pace), look.theirs)
            found = self._likest(pair, look.nothing, self._tuning.alike_face, self._tuning.slack_paced)
            best = max(best, replace(found, from_ms=round(found.from_ms / pace)), key=_strength)
        return best

    def _likest(self, pair: Pair, nothing: Likeness, least: float, slack: int) -> Likeness:
        """The best at any lag near that of `nothing`."""
        lags = range(nothing.lag - slack, nothing.lag + slack + 1)
        compared = pair.at(lags)
        if not compared.alike.size:
            return nothing
        longest = longest_runs(compared.alike >= least)
        if not longest.any():
            row, best = np.unravel_index(compared.alike.argmax(), compared.alike.shape)
            alike = to_ppm(float(compared.alike[row, best]))
            return replace(nothing, lag=lags[row], alike_ppm=alike, from_ms=_ms(int(best) + compared.first))
        rows = np.flatnonzero(longest == longest.max()).tolist()
        found = (_run(compared.alike[row], compared.first, replace(nothing, lag=lags[row]), least) for row in rows)
        return max(found, key=_strength)

    def recall(self, recalled: Recalled) -> None:
        self._recalled = recalled

    def reading(self) -> SignalReading:
        series = self._taker.film().whole
        moving = len(stretches(series, _spread(len(series), 1, _COUNTED), self._tuning.least_motion).at)
        recalled = self._recalled
        details: dict[str, Json] = {"stretches": moving, "recalled": None if recalled is None else recalled.to_json()}
        score = None if recalled is None else 0 if recalled.best is None else recalled.best.alike_ppm
        # First: of a film that is another's behind a still picture hardly anything moves but the face.
        if recalled is not None and recalled.best is not None and recalled.best.stretches >= self._tuning.in_step:
            return SignalReading(self.name, Outcome.FAIL, "replay.seen_before", str(recalled.best), score, details)
        if not moving:
            text = "Too little moved for too short a time to know it from other film."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "replay.too_still", text, None, details)
        if recalled is None:
            text = "Nothing was looked up: this is no check."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "replay.not_looked_up", text, None, details)
        if recalled.unreadable:
            text = f"{recalled.unreadable} fingerprints that may be of the same film could not be read."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "replay.unreadable", text, score, details)
        text = "No earlier check moved as this one did."
        return SignalReading(self.name, Outcome.PASS, "replay.not_seen", text, score, details)

    def marks(self) -> Marks:
        return Marks()


def _run(alike: NDArray[np.float64], at: int, nothing: Likeness, least: float) -> Likeness:
    """The longest run of alike stretches at one lag, the first of which begins `at` that sample, and its median."""
    first, end = max(runs(alike >= least), key=lambda run: run[1] - run[0])
    run = alike[first:end]
    middle = float(np.median(run))
    # Stretches that reach into other film are alike enough to count, and less alike than those that do not.
    begins = first + int(np.argmax(run >= _WHOLE * middle))
    return replace(nothing, alike_ppm=to_ppm(middle), stretches=end - first, from_ms=_ms(begins + at))


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
