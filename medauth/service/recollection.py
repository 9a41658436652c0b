"""What is remembered of earlier checks: looked up when a check closes, added to with its verdict, gone after its time.

A stolen database shows that two checks have stretches alike, and nothing of how they look: codes are stored as keyed tags,
fingerprints under their records' keys. Each tenant has tags of its own, so that none learns of another's checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from medauth.errors import EvidenceError, KeyringError
from medauth.evidence.commitment import RecordKeys
from medauth.evidence.sealing import seal, unseal
from medauth.signals.interface import Offer, Place, Recalled, Recollects
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


@dataclass(frozen=True, slots=True)
class _Lead:
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
        likenesses = [
            signal.compared(stored.record_id, stored.fingerprint, lead.lag, mirrored=lead.mirrored)
            for lead in leads
            if (stored := found.get(lead.print_id)) is not None
        ]
        best = max(likenesses, key=lambda likeness: (likeness.stretches, likeness.alike_ppm), default=None)
        unreadable = sum(stored is None for stored in found.values())
        return Recalled(len(found) - unreadable, unreadable, best)

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


def _leads(rows: Sequence[MarkRow], asked: Mapping[int, Sequence[Place]]) -> list[_Lead]:
    """The lags on which most marks agree, few of any one check; neighbours of a lag say the same."""
    votes: Counter[tuple[int, bool, int]] = Counter()
    for row in rows:
        for place in asked[row.mark]:
            step = (place.at - row.at) // _LAG_STEP
            votes[row.print_id, place.mirrored, step] += 1
            votes[row.print_id, place.mirrored, step + 1] += 1  # a lag near the edge of a step counts on both sides
    leads: list[_Lead] = []
    taken: dict[int, list[tuple[bool, int]]] = {}
    for (print_id, flipped, step), _ in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
        before = taken.setdefault(print_id, [])
        if len(before) < _OF_ONE and all(flipped is not way or abs(step - other) > 1 for way, other in before):
            before.append((flipped, step))
            leads.append(_Lead(print_id, step * _LAG_STEP, flipped))
        if len(leads) == COMPARED:
            break
    return leads
