"""What the mirror says of retired keys, held to the key files that were written when each was replaced.

A key file is outside the mirror's database, and the rotation's own leaf is held to it where that record is audited. So
nobody who can change the mirror alone can move a key's end, name another successor, or take a retirement back.
"""

from __future__ import annotations

from collections.abc import Mapping

from medauth.errors import EvidenceError
from medauth.evidence.verifier import CheckedStep
from medauth.service.audit import step
from medauth.service.rotation import log_of
from medauth.store.interface import Keyring, RecordStore
from medauth.store.keyring_interface import RetiredKeyRow

STEP = "key"


class RetiredKeyAudit:
    """Compares both lists, over ports."""

    def __init__(self, records: RecordStore, keyring: Keyring) -> None:
        self._records = records
        self._keyring = keyring

    def steps(self, log: str) -> list[CheckedStep]:
        """One step for a log in which a key's retirement was announced, none for another."""
        kept = {row.key_id: row for row in self._keyring.retired_rows() if log_of(row.purpose) == log}
        found = step(STEP, lambda: self._compared(log, kept))
        return [found] if found.text else []

    def _compared(self, log: str, kept: Mapping[str, RetiredKeyRow]) -> str:
        mirrored = {row.key_id: row for row in self._records.retired_keys() if log_of(row.purpose) == log}
        for key_id in sorted(kept.keys() | mirrored.keys()):
            here, there = mirrored.get(key_id), kept.get(key_id)
            if here is None or there is None:
                raise EvidenceError(
                    f"key {key_id} is retired {'by its file' if here is None else 'in the mirror'} alone",
                    expected="a row of the mirror and a file beside the keys",
                )
            if here != there:
                raise EvidenceError(
                    f"the mirror says something else of the retired key {key_id} than its file",
                    expected=f"until {there.until}, then {there.successor}, by {there.record_id}",
                )
        return f"{len(kept)} retired keys of log {log} are as their files say" if kept else ""
