"""What is remembered of earlier checks: looked up when a check closes, added to with its verdict, gone after its time.

A stolen database shows that two checks have stretches alike, and nothing of how they look: codes are stored as keyed tags,
fingerprints under their records' keys. Each tenant has tags of its own, so that none learns of another's checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from medauth.errors import EvidenceError, KeyringError
from medauth.evidence.commitment import RecordKeys
from medauth.evidence.sealing import seal, unseal
from medauth.signals.interface import Lead, Offer, Place, Recalled, Recollects
from medauth.store.interface import Keyring, NewPrint, PrintStore
from medauth.store.print_interface import Mark, MarkRow, PrintRow

FINGERPRINT = "fingerprint"
"""The name under which a fingerprint is sealed."""
COMPARED = 16
"""Leads that are followed, sample by sample: those on which most marks agree."""
_OF_ONE = 3
"""Lags at which one earlier check is compared at most."""
MOST_ROWS = 300_000
_LAG_STEP = 4
"""Samples: marks of one film lie at one lag but for the neighbour that was filed."""
_DAY_MS = 86_400_000

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Voted:
    """An earlier check that may be of the same film, and at which lag."""

    print_id: int
    lag: int
    mirrored: bool


@dataclass(frozen=True, slots=True)
class _Opened:
    record_id: str
    fingerprint: bytes


class Remembered(Protocol):
    """The check whose film it is: the record that its verdict becomes, and the keys of that."""

    @property
    def record_id(self) -> str: ...

    @property
    def keys(self) -> RecordKeys: ...


class Recollection:
    """One tenant's memory, over ports."""

    def __init__(
        self, prints: PrintStore, keyring: Keyring, *, now_ms: Callable[[], int], tenant: str, days: int
    ) -> None:
        self._prints = prints
        self._keyring = keyring
        self._now_ms = now_ms
        self._tenant = tenant
        self._days = days

    def look_up(self, signal: Recollects) -> Recalled:
        """Compares a check's film with every check that may be of the same. Raises `StoreError`: who cannot look has
        nothing to say, and the check has no verdict yet."""
        asked: dict[int, list[Place]] = {}
        for place, mark in self._tagged(signal.offer().asked):
            asked.setdefault(mark, []).append(place)
        leads = _leads(self._prints.marked(list(asked), MOST_ROWS) if asked else (), asked)
        ids = sorted({lead.print_id for lead in leads})
        rows = self._prints.prints(ids, self._now_ms()) if ids else ()
        found = {row.print_id: self._opened(row) for row in rows}
        followed = [(lead, stored) for lead in leads if (stored := found.get(lead.print_id)) is not None]
        likenesses = signal.compared(
            [Lead(stored.record_id, stored.fingerprint, lead.lag, lead.mirrored) for lead, stored in followed]
        )
        # Of another key, or of another version: what it is of is not known, and the check stays open.
        unreadable = {print_id for print_id, stored in found.items() if stored is None}
        unreadable |= {lead.print_id for (lead, _), like in zip(followed, likenesses, strict=True) if like is None}
        read = [likeness for likeness in likenesses if likeness is not None]
        best = max(read, key=lambda likeness: (likeness.stretches, likeness.alike_ppm), default=None)
        return Recalled(len(found) - len(unreadable), len(unreadable), best)

    def remembered(self, check: Remembered, offer: Offer | None) -> NewPrint | None:
        """A check's own film, sealed and tagged; None where it has nothing to be known by."""
        if offer is None or not offer.fingerprint:
            return None
        sealed = seal(check.keys.seal, offer.fingerprint, record_id=check.record_id, name=FINGERPRINT)
        marks = tuple(Mark(mark, place.at) for place, mark in self._tagged(offer.filed))
        return NewPrint(sealed, marks, self._now_ms() + self._days * _DAY_MS)

    def _opened(self, row: PrintRow) -> _Opened | None:
        """None for what does not open: it is of another key, or was altered."""
        try:
            keys = self._keyring.unwrap(row.record_id, row.wrapped_key)
            return _Opened(row.record_id, unseal(keys.seal, row.sealed, record_id=row.record_id, name=FINGERPRINT))
        except (KeyringError, EvidenceError):
            return None

    def _tagged(self, places: Iterable[Place]) -> Iterable[tuple[Place, int]]:
        known: dict[int, int] = {}
        for place in places:
            if place.code not in known:
                tag = self._keyring.tag("film", f"{self._tenant}\x00{place.code}")
                known[place.code] = int.from_bytes(tag[:8], "big", signed=True)
            yield place, known[place.code]


def _leads(rows: Sequence[MarkRow], asked: Mapping[int, Sequence[Place]]) -> list[_Voted]:
    """The lags on which most marks agree, few of any one check; neighbours of a lag say the same."""
    if not rows:
        return []
    prints, flipped, steps, votes = _voted(rows, asked)
    leads: list[_Voted] = []
    taken: dict[int, list[tuple[bool, int]]] = {}
    for index in np.lexsort((steps, flipped, prints, -votes)).tolist():
        print_id, way, step = int(prints[index]), bool(flipped[index]), int(steps[index])
        before = taken.setdefault(print_id, [])
        if len(before) < _OF_ONE and all(way is not other or abs(step - near) > 1 for other, near in before):
            before.append((way, step))
            leads.append(_Voted(print_id, step * _LAG_STEP, way))
        if len(leads) == COMPARED:
            break
    return leads


def _voted(rows: Sequence[MarkRow], asked: Mapping[int, Sequence[Place]]) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Four (n,) int64: each earlier check, way and step of lag that any mark speaks for, and how many do."""
    found = np.fromiter(chain.from_iterable(rows), np.int64, 3 * len(rows)).reshape(-1, 3)
    places = [(mark, place.at, place.mirrored) for mark, those in asked.items() for place in those]
    ours = np.array(sorted(places), np.int64)
    # Every row meets every place that was asked for under its mark.
    first, end = (np.searchsorted(ours[:, 0], found[:, 0], side) for side in ("left", "right"))
    counts = end - first
    row = np.repeat(np.arange(len(found)), counts)
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    step = (ours[place, 1] - found[row, 2]) // _LAG_STEP
    which = found[row, 1] * 2 + ours[place, 2]
    # A lag near the edge of a step counts on both sides.
    keys = np.concatenate([which, which]), np.concatenate([step, step + 1])
    least = int(keys[1].min())
    width = int(keys[1].max()) - least + 1
    together, votes = np.unique(keys[0] * width + (keys[1] - least), return_counts=True)
    which = together // width
    return which // 2, which % 2, together % width + least, votes
