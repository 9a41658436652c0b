"""The sealed pictures of a verdict, opened for the operator: heat maps and kept frames, each held to its signed digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from medauth.errors import EvidenceError, InputError
from medauth.evidence.archive import FILE, frames_in
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import PayloadType
from medauth.evidence.verifier import PURPOSES
from medauth.protocol.canonical import parse_object
from medauth.service.disclosure import opened
from medauth.service.explaining import PREFIX
from medauth.store.interface import BlobStore, Keyring, LeafKind, RecordStore


def statement_of(record_id: str, records: RecordStore, keyring: Keyring) -> Mapping[str, Any]:
    """The verdict's statement, its signature checked. Raises `NotFound`, `InputError`, `EvidenceError`."""
    row = records.record(record_id)
    if row.kind is not LeafKind.VERDICT or not row.wrapped_key:
        state = "erased" if not row.wrapped_key else f"a {row.kind.value}"
        raise InputError(f"{record_id} is {state}", expected="the record of a verdict, evd_…")
    _, envelope = opened(row, keyring)
    statement: Mapping[str, Any] = parse_object(
        envelope.verified(keyring.trusted(), PayloadType.VERDICT, PURPOSES[row.log])
    )
    return statement


def pictures_of(record_id: str, records: RecordStore, blobs: BlobStore, keyring: Keyring) -> dict[str, bytes]:
    """Heat maps (PNG) and kept frames (JPEG) by file name. Raises `EvidenceError` where one is not what was signed."""
    statement = statement_of(record_id, records, keyring)
    keys, _ = opened(records.record(record_id), keyring)
    found: dict[str, bytes] = {}
    for name, digest in statement["blobs"].items():
        if name.startswith(PREFIX):
            found[name] = unseal(keys.seal, blobs.read(record_id, name), record_id=record_id, name=name)
            _require(found[name], digest, name)
    kept = {index: digest for index, _, digest in statement["frames"]["kept"]}
    if kept:
        data = blobs.read(record_id, FILE)
        for index, jpeg in frames_in(keys.seal, data, record_id=record_id, indices=list(kept)):
            _require(jpeg, kept[index], f"frame {index}")
            found[f"frame-{index:05d}.jpg"] = jpeg
    return found


def _require(data: bytes, digest: str, name: str) -> None:
    if hashlib.sha256(data).hexdigest() != digest:
        raise EvidenceError(f"{name} is another picture", expected=f"SHA-256 {digest}, as signed")
