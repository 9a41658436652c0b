"""Erasure: a check's keys are destroyed, and with them everything that could be read or matched again.

What stays is a leaf that commits to nothing any more, and a signed tombstone. Every other proof still verifies. Bundles
and tokens that were handed out before are out of reach and still match: whoever holds one keeps it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from medauth.errors import CeremonyError, EvidenceError, MedauthError
from medauth.evidence.commitment import RecordKeys
from medauth.evidence.signing import PayloadType
from medauth.protocol.canonical import Json
from medauth.service.records import appended, new_id, sealed_record
from medauth.store.interface import (
    ERASED,
    BlobStore,
    CheckRow,
    CheckState,
    Keyring,
    LeafKind,
    RecordRow,
    RecordStore,
)

_log = logging.getLogger(__name__)
_DAY_MS = 86_400_000


class ErasureReason(StrEnum):
    """Why a check was erased; stated in the tombstone."""

    REQUEST = "request"
    RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What an erasure left behind."""

    record_id: str
    leaf_index: int
    erased: tuple[str, ...]
    """Record ids."""


def is_erased(row: RecordRow) -> bool:
    """True when a record's keys and statement are gone on purpose."""
    return row.outcome == ERASED and not row.wrapped_key and not row.sealed_envelope


def require_nothing_left(row: RecordRow, check: CheckRow | None, blobs: BlobStore) -> None:
    """An erased record has no file and no digest of what it said, its check no name. Raises `EvidenceError`.

    Without `check` that of the record is not looked at.
    """
    named = check is not None and (check.subject_tag or check.client_tag or check.commitment or check.purpose)
    if row.sealed_envelope_sha256 or row.blobs or named or blobs.any_of(row.record_id):
        raise EvidenceError(
            "the record is said to be erased, and something of it is left",
            expected="no file, no digest, no tag",
            next_step=f"run `medauth erase {row.check_id}` again",
        )


@dataclass(frozen=True, slots=True)
class Retained:
    """What enforcing the retention came to."""

    erased: int
    trouble: str = ""
    """Why it is not more, in words."""


class Erasure:
    """Erases whole checks: the start and the verdict name the same person."""

    def __init__(self, records: RecordStore, blobs: BlobStore, keyring: Keyring, now_ms: Callable[[], int]) -> None:
        self._records = records
        self._blobs = blobs
        self._keyring = keyring
        self._now_ms = now_ms

    def erase(self, check_id: str, reason: ErasureReason = ErasureReason.REQUEST) -> Tombstone:
        """Erases a closed check. Safe to call again: what a crash left over is removed.

        Keys and statement go first, in one transaction with the tombstone; files that nobody can open any more follow.
        Raises `NotFound`, and `CeremonyError` while the check is open. One whose time is over, left open by a process that
        died, is closed first.
        """
        stone = self._erased(check_id, reason)
        self._records.wipe()
        return stone

    def erase_older(self, days: int) -> Iterator[Tombstone]:
        """Erases every check that ended more than `days` days ago, also one that nobody ended.

        Wipes once, at its end, and also when nothing was left to erase: an earlier run may have found the log in use.
        """
        for check_id in list(self._records.checks_closed_before(self._now_ms() - days * _DAY_MS)):
            yield self._erased(check_id, ErasureReason.RETENTION)
        self._records.wipe()

    def retain(self, days: int) -> Retained:
        """`erase_older` for those who have more to do: trouble is logged and told, not raised, and mended by the next run."""
        erased = 0
        try:
            for _ in self.erase_older(days):
                erased += 1
        except MedauthError as error:
            _log.warning("what is past its retention is not wholly erased; the next run goes on: %s", error)
            return Retained(erased, str(error))
        return Retained(erased)

    def _erased(self, check_id: str, reason: ErasureReason) -> Tombstone:
        check = self._records.check(check_id)
        overdue = check.expires_ms < self._now_ms()
        closed = check.state is not CheckState.OPEN or (
            overdue and self._records.close_check(check_id, CheckState.EXPIRED, check.expires_ms)
        )
        if not closed:
            raise CeremonyError(
                f"check {check_id} is still open", expected="a closed check", next_step="finish or abandon it first"
            )
        rows = [row for row in self._records.records_of(check_id) if row.kind is not LeafKind.TOMBSTONE]
        if not all(is_erased(row) for row in rows):
            self._bury(check_id, rows, reason)
        for row in rows:
            self._blobs.delete(row.record_id)
        stone = next(row for row in self._records.records_of(check_id) if row.kind is LeafKind.TOMBSTONE)
        return Tombstone(stone.record_id, stone.leaf_index, tuple(row.record_id for row in rows))

    def _bury(self, check_id: str, rows: list[RecordRow], reason: ErasureReason) -> None:
        now = self._now_ms()
        statement: dict[str, Json] = {
            "version": 1,
            "record_id": new_id("tmb"),
            "check": {"id": check_id},
            "erased": [[row.record_id, row.leaf_index, row.leaf.hex()] for row in rows],
            "reason": reason.value,
            "erased_ms": now,
        }
        keys = RecordKeys.generate()
        record = sealed_record(
            statement,
            PayloadType.TOMBSTONE,
            LeafKind.TOMBSTONE,
            keyring=self._keyring,
            keys=keys,
            log=rows[0].log,
            outcome="tombstone",
            created_ms=now,
        )
        appended(lambda signed: self._records.erase_check(check_id, signed), record, keys, self._records, self._keyring)
