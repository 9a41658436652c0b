"""The port of those who read a whole log: stretches of it, each as one transaction sees it, in a handful of queries.

Apart from `interface.py`, whose ports serve one record at a time: an audit of millions cannot ask seven questions each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from medauth.store.interface import CheckpointRow, CheckRow, CheckState, LeafKind, LeafRow, RecordRow


@dataclass(frozen=True, slots=True)
class Sibling:
    """A record of the same check, by its place alone."""

    kind: LeafKind
    record_id: str
    log: str
    leaf_index: int


@dataclass(frozen=True, slots=True)
class LogPage:
    """What the mirror holds of leaves [first, end) of a log, in leaf order."""

    leaves: Sequence[LeafRow]
    records: Sequence[RecordRow]
    nodes: Sequence[Sequence[tuple[int, bytes]]]
    """By level: position and hash of the complete subtrees that lie within the stretch."""
    checks: Mapping[str, tuple[CheckRow, Sequence[Sibling]]] = field(default_factory=dict)
    """By check id, where it was asked for: the check, and all its records in leaf order."""
    tombstones: Mapping[str, Sequence[RecordRow]] = field(default_factory=dict)
    """By check id, for the stretch's erased records."""
    starts: Mapping[str, RecordRow] = field(default_factory=dict)
    """By record id, where checks were asked for: starts of the stretch's checks that lie outside it; without their files."""


Line = tuple[int, bytes, str, str, str, bytes, str, str, bytes, bytes, bytes]
"""Index, leaf, kind and record id as the log has them; then record id, leaf, kind, key id, wrapped key, sealed envelope
and its SHA-256 as the record has them. Just as stored: nothing is turned into what this program makes of it."""


@dataclass(frozen=True, slots=True)
class PlainPage:
    """What the mirror holds of leaves [first, end) and their records: no line for a leaf or a record without the other."""

    lines: Sequence[Line]
    nodes: Sequence[Sequence[tuple[int, bytes]]]
    """As in `LogPage`."""


@dataclass(frozen=True, slots=True)
class CheckTally:
    """Started checks in numbers; who they were about does not leave the database."""

    states: Mapping[CheckState, int]
    overdue: int
    """Still open, though their time is over."""
    subjects: int
    clients: int
    most_dropped_by_a_subject: int
    """Checks without verdict of the subject that has most of them: how often somebody tried and broke off."""
    most_dropped_by_a_client: int


class LogReader(Protocol):
    """Reads for audits. Every method is one transaction; errors are `StoreError`."""

    def known_logs(self) -> Sequence[str]:
        """Every log that anything in the mirror belongs to: a log does not vanish with its line in the list of logs."""

    def leaf(self, log: str, index: int) -> LeafRow | None: ...

    def next_leaf(self, log: str, index: int) -> int | None:
        """The index of the first leaf from there on, or None."""

    def unknown_leaves(self, log: str, leaves: Sequence[bytes]) -> Sequence[bytes]:
        """Those of up to a hundred leaves (unhashed) that the log does not hold. Reads the whole log once."""

    def siblings(self, check_id: str) -> Sequence[Sibling]:
        """All records of a check, in leaf order."""

    def page(self, log: str, first: int, end: int, *, checks: bool = True) -> LogPage:
        """Leaves [first, end). Without `checks`, neither they nor the records' files are looked up."""

    def plain_page(self, log: str, first: int, end: int) -> PlainPage:
        """Leaves [first, end) in order, each beside the record at its place, for those who look at a million of them."""

    def strays(self, log: str) -> Sequence[str]:
        """Up to ten records outside the log's leaves, and checks without a record. In a whole mirror there are none."""

    def live_checkpoints(self, log: str) -> Iterator[CheckpointRow]:
        """Checkpoints that did not fail, in order of `seq`, streamed. One in an unknown state passes for pending."""

    def unknown_states(self, log: str) -> Sequence[str]:
        """Up to ten checkpoints and checks whose state is no word of this program, each with that word."""

    def tally(self, log: str, now_ms: int) -> CheckTally: ...
