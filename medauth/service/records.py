"""Turns a statement into a record: signed, sealed under keys of its own, with the leaf that commits to it."""

from __future__ import annotations

import base64
import secrets

from medauth.evidence.commitment import RecordKeys, leaf_commitment
from medauth.evidence.sealing import seal
from medauth.evidence.signing import KeyPurpose, PayloadType
from medauth.evidence.statement import statement_digest
from medauth.protocol.canonical import Json, canonical
from medauth.store.interface import REHEARSAL_LOG, Keyring, LeafKind, NewRecord

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
    """Signs a statement about a check and seals its envelope; `statement` names record and check."""
    record_id, check = str(statement["record_id"]), statement["check"]
    assert isinstance(check, dict)
    payload = canonical(statement)
    envelope = keyring.signing_key(purpose_of(log)).sign(payload, payload_type)
    sealed = seal(keys.seal, envelope.to_bytes(), record_id=record_id, name=ENVELOPE)
    return NewRecord(
        record_id=record_id,
        log=log,
        kind=kind,
        check_id=str(check["id"]),
        leaf=leaf_commitment(keys.leaf, payload),
        wrapped_key=keyring.wrap(record_id, keys),
        sealed_envelope=sealed,
        sealed_envelope_sha256=statement_digest(sealed),
        outcome=outcome,
        created_ms=created_ms,
    )
