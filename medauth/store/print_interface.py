"""The port of what is remembered of earlier checks, to know their film again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Mark:
    """A keyed code of a stretch of film, and at which sample it begins. Without the key it says nothing of the film."""

    mark: int
    """64 bits, signed."""
    at: int


@dataclass(frozen=True, slots=True)
class NewPrint:
    """A check's fingerprint, to be committed with its verdict."""

    sealed: bytes
    """Under the record's own key: it goes with it."""
    marks: Sequence[Mark]
    until_ms: int


MarkRow = tuple[int, int, int]
"""A mark that was found, whose it is (`print_id`), and at which sample it begins. A look-up finds tens of thousands: they
are plain tuples, which cost a tenth of anything with a name."""


@dataclass(frozen=True, slots=True)
class PrintRow:
    """A stored fingerprint, with what opens it."""

    print_id: int
    record_id: str
    sealed: bytes
    wrapped_key: bytes


class PrintStore(Protocol):
    """Finds fingerprints by their marks. Every method is one transaction; errors are `StoreError`."""

    def marked(self, marks: Sequence[int], most: int) -> Sequence[MarkRow]:
        """Who has one of these marks; about `most` rows at the most."""

    def prints(self, print_ids: Sequence[int], now_ms: int) -> Sequence[PrintRow]:
        """Fingerprints that are not past their time by now."""

    def forget_prints(self, now_ms: int) -> int:
        """Deletes the fingerprints whose time is over, and their marks; returns how many."""
