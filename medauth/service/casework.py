"""One check as the operator examines it: what was asked and answered, what every signal read, what decided and what would
have decided otherwise. For operator and auditor, never for the person at the camera.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medauth.errors import EvidenceError
from medauth.evidence.sealing import unseal
from medauth.protocol.attack_family import Suspicion, missing_for_live, suspicions
from medauth.protocol.canonical import parse_object
from medauth.protocol.liveness_weights import LIVENESS
from medauth.protocol.policy import Policy
from medauth.protocol.reading import SignalReading
from medauth.service.disclosure import opened
from medauth.service.erasure import is_erased
from medauth.service.pictures import statement_of
from medauth.service.verification import TRACES
from medauth.store.interface import BlobStore, CheckRow, Keyring, LeafKind, RecordRow, RecordStore


@dataclass(frozen=True, slots=True)
class Finding:
    """An opened verdict."""

    record: RecordRow
    statement: Mapping[str, Any]
    """Its signature checked."""
    readings: tuple[SignalReading, ...]
    suspected: tuple[Suspicion, ...]
    """What refused, and what the decision had been without it."""
    missing: tuple[str, ...]
    """Codes of what did not hold and a live verdict needs."""
    liveness_ppm: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """One check. Without verdict, and once erased, there is no finding."""

    check: CheckRow
    records: tuple[RecordRow, ...]
    finding: Finding | None
    erased: bool


class Casework:
    """Opens cases over ports."""

    def __init__(self, records: RecordStore, blobs: BlobStore, keyring: Keyring) -> None:
        self._records = records
        self._blobs = blobs
        self._keyring = keyring

    def case(self, check_id: str) -> Case:
        """Raises `NotFound`; `EvidenceError` where what is stored is not what was signed."""
        check, rows = self._records.check(check_id), tuple(self._records.records_of(check_id))
        erased = any(is_erased(row) for row in rows)
        verdict = next((row for row in rows if row.kind is LeafKind.VERDICT), None)
        return Case(check, rows, None if verdict is None or erased else self._finding(verdict), erased)

    def traces(self, finding: Finding) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """By signal, its values over time in thousandths; empty where none were kept. Raises `EvidenceError`."""
        digest = finding.statement["blobs"].get(TRACES)
        if digest is None:
            return {}
        record_id = finding.record.record_id
        keys, _ = opened(finding.record, self._keyring)
        data = unseal(keys.seal, self._blobs.read(record_id, TRACES), record_id=record_id, name=TRACES)
        if hashlib.sha256(data).hexdigest() != digest:
            raise EvidenceError("the traces are other ones", expected=f"SHA-256 {digest}, as signed")
        traces: Any = parse_object(data)
        found: Mapping[str, Sequence[Mapping[str, Any]]] = traces
        return found

    def _finding(self, row: RecordRow) -> Finding:
        statement = statement_of(row.record_id, self._records, self._keyring)
        readings = tuple(SignalReading.from_json(reading) for reading in statement["readings"])
        policy = Policy.from_json(statement["policy"]["rules"])
        return Finding(
            row,
            statement,
            readings,
            suspicions(policy, readings),
            missing_for_live(policy, readings),
            LIVENESS.probability_ppm(readings),
        )
