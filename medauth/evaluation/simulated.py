"""A mirror with as many records as wanted, written in bulk: to see how audits and proofs grow.

Signatures, seals, leaves and tree are real, one by one; only the statements are alike but for their ids, and nothing was
committed one transaction at a time as a server would. Starts of checks, since most of an audit does not depend on kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sqlalchemy import insert

from medauth.bootstrap import Medauth
from medauth.evidence.commitment import RecordKeys, leaf_commitment
from medauth.evidence.merkle import RunningRoot, Stretch
from medauth.evidence.sealing import seal
from medauth.evidence.signing import PayloadType, SigningKey
from medauth.evidence.statement import CheckIdentity, start_statement, statement_digest
from medauth.protocol.canonical import canonical
from medauth.protocol.policy import STANDARD
from medauth.service.records import ENVELOPE, purpose_of
from medauth.store import tables
from medauth.store.database import transaction
from medauth.store.interface import MAIN_LOG, CheckpointRow, CheckpointState, CheckRow, LeafKind, RecordRow

_LEVEL = 10
_STARTED_MS = 1_700_000_000_000
_ID = "i" * 30


def simulate(auth: Medauth, records: int) -> None:
    """Fills an empty mirror with `records` starts under one checkpoint. Every record verifies; no chain knows of them."""
    engine, running = auth.store.engine, RunningRoot()
    tag, client = auth.keyring.tag("subject", "user"), auth.keyring.tag("client", "")
    template, key = _template(), auth.keyring.signing_key(purpose_of(MAIN_LOG))
    with transaction(engine, writes=True) as connection:
        connection.execute(insert(tables.logs).values(log=MAIN_LOG, size=records))
        for first in range(0, records, 1 << _LEVEL):
            rows = [_row(auth, key, template, i) for i in range(first, min(first + (1 << _LEVEL), records))]
            checks = [
                CheckRow(
                    row.check_id or "",
                    MAIN_LOG,
                    tag,
                    client,
                    "bench",
                    STANDARD.name,
                    bytes(32),
                    row.created_ms,
                    row.created_ms,
                )
                for row in rows
            ]
            connection.execute(insert(tables.checks), [asdict(check) for check in checks])
            connection.execute(insert(tables.records), [_values(row) for row in rows])
            connection.execute(insert(tables.leaves), [_leaf(row) for row in rows])
            connection.execute(insert(tables.nodes), list(_nodes(Stretch([row.leaf for row in rows]), running, first)))
        checkpoint = CheckpointRow(MAIN_LOG, 1, 0, records, running.root(), CheckpointState.FINAL)
        connection.execute(insert(tables.checkpoints).values(**asdict(checkpoint)))


def _template() -> bytes:
    identity = CheckIdentity(f"chk_{_ID}", "user", "bench", "")
    return canonical(
        start_statement(
            identity,
            STANDARD,
            record_id=f"sta_{_ID}",
            commitment=bytes(32),
            started_ms=_STARTED_MS,
            expires_ms=_STARTED_MS,
        )
    )


def _row(auth: Medauth, key: SigningKey, template: bytes, index: int) -> RecordRow:
    number, keys = f"{index:030d}", RecordKeys.generate()
    record_id = f"sta_{number}"
    payload = template.replace(_ID.encode(), number.encode())
    envelope = key.sign(payload, PayloadType.START)
    sealed = seal(keys.seal, envelope.to_bytes(), record_id=record_id, name=ENVELOPE)
    return RecordRow(
        record_id=record_id,
        log=MAIN_LOG,
        kind=LeafKind.START,
        check_id=f"chk_{number}",
        leaf=leaf_commitment(keys.leaf, payload),
        wrapped_key=auth.keyring.wrap(record_id, keys),
        sealed_envelope=sealed,
        sealed_envelope_sha256=statement_digest(sealed),
        outcome="started",
        created_ms=_STARTED_MS,
        key_id=envelope.key_id,
        leaf_index=index,
    )


def _values(row: RecordRow) -> dict[str, Any]:
    values = asdict(row)
    del values["blobs"]
    return values


def _leaf(row: RecordRow) -> dict[str, Any]:
    return {"log": row.log, "index": row.leaf_index, "leaf": row.leaf, "kind": row.kind, "record_id": row.record_id}


def _nodes(stretch: Stretch, running: RunningRoot, first: int) -> Iterator[dict[str, Any]]:
    count = len(stretch.levels[0])
    for level, hashes in enumerate(stretch.levels):
        for position, digest in enumerate(hashes, start=first >> level):
            yield {"log": MAIN_LOG, "level": level, "position": position, "hash": digest}
    for peak, digest in stretch.peaks(count):
        for (level, position), joined in running.append_subtree(peak, digest):
            yield {"log": MAIN_LOG, "level": level, "position": position, "hash": joined}
