"""The signed starts beside a stretch's verdicts: a verdict is held to the very statement that began its check.

A start is logged before its verdict. In the same stretch it has been examined by then, and is only remembered; one of an
earlier stretch comes with the page and is opened once more. Nothing is kept from one stretch to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medauth.errors import EvidenceError, MedauthError
from medauth.evidence.begun import require_begun
from medauth.evidence.signing import Envelope, PayloadType, VerifyKey
from medauth.evidence.verifier import PURPOSES
from medauth.service.disclosure import opened
from medauth.store.interface import Keyring, RecordRow
from medauth.store.reading import LogPage


class StartAudit:
    """Holds verdicts to their starts, over ports and the keys that an audit began with."""

    def __init__(self, keyring: Keyring, keys: Mapping[str, VerifyKey]) -> None:
        self._keyring = keyring
        self._keys = keys
        self._payloads: dict[str, bytes] = {}
        """By record id; of the stretch at hand."""

    def clear(self) -> None:
        """Another stretch begins."""
        self._payloads.clear()

    def examined(self, row: RecordRow, envelope: Envelope) -> None:
        """Remembers a start whose signature was just verified; any other record is passed over."""
        if envelope.payload_type == PayloadType.START.value:
            self._payloads[row.record_id] = envelope.payload

    def require(self, row: RecordRow, envelope: Envelope, verdict: Mapping[str, Any], page: LogPage) -> None:
        """What a bundle's step `start` says of a verdict, but for the place, which columns tell. Raises `EvidenceError`."""
        if envelope.payload_type != PayloadType.VERDICT.value:
            return
        require_begun(self._payload(row, str(verdict["start_record_id"]), page), verdict)

    def _payload(self, row: RecordRow, record_id: str, page: LogPage) -> bytes:
        if record_id not in self._payloads:
            start = page.starts.get(record_id)
            if start is None:
                start = next((other for other in page.records if other.record_id == record_id), None)
            if start is None:
                raise EvidenceError("a verdict without the start of its check", expected=f"{record_id}, signed")
            try:
                _, envelope = opened(start, self._keyring)
            except MedauthError as error:
                raise EvidenceError(f"the start {record_id} does not open: {error}", expected="a start") from error
            self._payloads[record_id] = envelope.verified(self._keys, PayloadType.START, PURPOSES[row.log])
        return self._payloads[record_id]
