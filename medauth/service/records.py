"""Turns a statement into a record: signed, sealed under keys of its own, with the leaf that commits to it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import replace

from medauth.errors import EvidenceError, InputError, KeyRetired, KeyringError, StoreError
from medauth.evidence.commitment import RecordKeys, leaf_commitment
from medauth.evidence.rotation import require_endorsed
from medauth.evidence.sealing import seal, unseal
from medauth.evidence.signing import Envelope, KeyPurpose, PayloadType
from medauth.evidence.statement import statement_digest
from medauth.protocol.canonical import Json, canonical, parse_object
from medauth.store.interface import REHEARSAL_LOG, Keyring, LeafKind, NewRecord, RecordStore, RetiredKeyRow

ENVELOPE = "envelope"
"""The name under which an envelope is sealed."""


def new_id(prefix: str) -> str:
    """128 random bits in lower-case base 32, e.g. `evd_…`."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(16)).decode().rstrip('=').lower()}"


def purpose_of(log: str) -> KeyPurpose:
    """Which key signs a log's statements."""
    return KeyPurpose.REHEARSALS if log == REHEARSAL_LOG else KeyPurpose.STATEMENTS


def sealed_record(
    statement: dict[str, Json],
    payload_type: PayloadType,
    kind: LeafKind,
    *,
    keyring: Keyring,
    keys: RecordKeys,
    log: str,
    outcome: str,
    created_ms: int,
) -> NewRecord:
    """Signs a statement and seals its envelope; `statement` names the record, and the check where it is about one."""
    record_id, check = str(statement["record_id"]), statement.get("check")
    payload = canonical(statement)
    envelope = keyring.signing_key(purpose_of(log)).sign(payload, payload_type)
    sealed = seal(keys.seal, envelope.to_bytes(), record_id=record_id, name=ENVELOPE)
    return NewRecord(
        record_id=record_id,
        log=log,
        kind=kind,
        check_id=str(check["id"]) if isinstance(check, dict) else None,
        leaf=leaf_commitment(keys.leaf, payload),
        wrapped_key=keyring.wrap(record_id, keys),
        sealed_envelope=sealed,
        sealed_envelope_sha256=statement_digest(sealed),
        outcome=outcome,
        created_ms=created_ms,
        key_id=envelope.key_id,
    )


def appended(
    append: Callable[[NewRecord], int], record: NewRecord, keys: RecordKeys, records: RecordStore, keyring: Keyring
) -> int:
    """Commits a record by `append`; returns its leaf index.

    Where its signing key was retired since it was signed, it is signed again by the successor: the leaf commits to the
    statement, so it stays what it is.
    """
    try:
        return append(record)
    except KeyRetired:
        renew(records, keyring)
        again = _signed_again(record, keys, keyring)
        if again.key_id == record.key_id:
            raise
        return append(again)


def renew(records: RecordStore, keyring: Keyring) -> None:
    """Brings the keys in line with what the log announced.

    Raises `StoreError` for a key that is called retired and was never announced: a retired key is believed up to its end,
    and whoever can write the mirror would have one of his own believed.
    """
    for retired in records.retired_keys():
        if retired.key_id not in keyring.retired():
            _require_announced(retired, records, keyring)
        keyring.retire(retired)


def _require_announced(retired: RetiredKeyRow, records: RecordStore, keyring: Keyring) -> None:
    """The announcement is sealed under the master key, which the mirror does not hold."""
    row = records.record(retired.record_id)
    try:
        keys = keyring.unwrap(row.record_id, row.wrapped_key)
        data = unseal(keys.seal, row.sealed_envelope, record_id=row.record_id, name=ENVELOPE)
        found = require_endorsed(parse_object(Envelope.from_bytes(data).payload))
        holds = (found.old.key_id, found.old.raw, found.old.purpose, found.new.key_id, row.leaf_index + 1) == (
            retired.key_id,
            retired.raw,
            retired.purpose,
            retired.successor,
            retired.until,
        )
    except (EvidenceError, InputError, KeyringError, KeyError, TypeError, ValueError):
        holds = False
    if not holds:
        raise StoreError(
            f"the mirror calls key {retired.key_id} retired",
            expected=f"its announcement, sealed in record {retired.record_id}",
            next_step="the mirror was altered: restore it from a backup",
        )


def _signed_again(record: NewRecord, keys: RecordKeys, keyring: Keyring) -> NewRecord:
    old = Envelope.from_bytes(unseal(keys.seal, record.sealed_envelope, record_id=record.record_id, name=ENVELOPE))
    new = keyring.signing_key(purpose_of(record.log)).sign(old.payload, PayloadType(old.payload_type))
    sealed = seal(keys.seal, new.to_bytes(), record_id=record.record_id, name=ENVELOPE)
    return replace(record, sealed_envelope=sealed, sealed_envelope_sha256=statement_digest(sealed), key_id=new.key_id)
