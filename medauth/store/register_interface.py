"""The port of those who look through checks: a page of them by what the mirror knows, and the labels people gave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

UNDECIDED = "undecided"
"""Stands for the outcome of a check that has no verdict."""
Place = tuple[int, str]
"""(started_ms, check id) of the last check of a page: the next page goes on behind it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which checks; what is empty leaves nothing out."""

    check_or_record: str = ""
    outcome: str = ""
    """A decision, `erased`, or `UNDECIDED`."""
    policy: str = ""
    log: str = ""
    label: str = ""
    labelled: bool = False
    """Only checks that have any label."""
    subject_tag: bytes | None = None
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One check with its verdict, if it has one, and its label, if it has one."""

    check_id: str
    log: str
    purpose: str
    policy: str
    started_ms: int
    state: str
    """As the mirror has it."""
    record_id: str | None
    outcome: str
    """As in `Wanted`."""
    label: str


@dataclass(frozen=True, slots=True)
class LabelRow:
    """What somebody knows that a check truly was. It is no part of the evidence and changes no verdict."""

    check_id: str
    label: str
    given_by: str
    """Access id."""
    given_ms: int


class Register(Protocol):
    """Every method is one transaction; errors are `StoreError`."""

    def found(self, wanted: Wanted, limit: int, after: Place | None = None) -> Sequence[Listed]:
        """Checks that fit, newest first."""

    def label_of(self, check_id: str) -> LabelRow | None: ...

    def set_label(self, row: LabelRow) -> None:
        """Gives a check a label in place of an earlier one; an empty one takes it away. Raises `NotFound`."""

    def labelled(self) -> Sequence[tuple[str, str, int]]:
        """(label, outcome, how many checks), by name."""
