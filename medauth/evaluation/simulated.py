"""A mirror with as many records as wanted, written in bulk: to see how audits and proofs grow.

Signatures, seals, leaves and tree are real, one by one; only the statements are alike but for their ids, and nothing was
committed one transaction at a time as a server would. Starts of checks, since most of an audit does not depend on kind.
SQLite alone, in the driver's own tuples: a million records take minutes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple
from typing import Any

from sqlalchemy import Connection, Table, insert

from medauth.bootstrap import Medauth
from medauth.evidence.commitment import RecordKeys, client_commitment, leaf_commitment
from medauth.evidence.merkle import RunningRoot, Stretch
from medauth.evidence.sealing import seal
from medauth.evidence.signing import Envelope, PayloadType, SigningKey
from medauth.evidence.statement import CheckIdentity, start_statement, statement_digest
from medauth.protocol.canonical import canonical
from medauth.protocol.policy import STANDARD
from medauth.service.records import ENVELOPE, purpose_of
from medauth.store import tables
from medauth.store.database import transaction
from medauth.store.interface import MAIN_LOG, CheckpointRow, CheckpointState, CheckState, LeafKind

_LEVEL = 10
_STRETCHES_A_TRANSACTION = 32
"""So that the write-ahead log stays small."""
_STARTED_MS = 1_700_000_000_000
_ID = "i" * 30
_CLIENT = b"c" * 32

Row = tuple[Any, ...]


def simulate(auth: Medauth, records: int, on_progress: Callable[[int], None] = lambda _: None) -> None:
    """Fills an empty mirror with `records` starts under one checkpoint. Every record verifies; no chain knows of them."""
    engine, running = auth.store.engine, RunningRoot()
    make, width = _Maker(auth), 1 << _LEVEL
    for batch in range(0, records, width * _STRETCHES_A_TRANSACTION):
        end = min(batch + width * _STRETCHES_A_TRANSACTION, records)
        with transaction(engine, writes=True) as connection:
            for first in range(batch, end, width):
                made = [make.record(index) for index in range(first, min(first + width, end))]
                _write(connection, tables.checks, [make.check(row) for row in made])
                _write(connection, tables.records, made)
                _write(connection, tables.leaves, [_leaf(row) for row in made])
                _write(connection, tables.nodes, _nodes(Stretch([row[5] for row in made]), running, first))
                on_progress(len(made))
    checkpoint = CheckpointRow(MAIN_LOG, 1, 0, records, running.root(), CheckpointState.FINAL)
    with transaction(engine, writes=True) as connection:
        _write(connection, tables.logs, [(MAIN_LOG, records)])
        _write(connection, tables.checkpoints, [astuple(checkpoint)])


def _write(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Rows have the order of the table's columns."""
    connection.exec_driver_sql(str(insert(table).compile(dialect=connection.dialect)), list(rows))


class _Maker:
    """Makes records that differ in their ids, and in all that follows from them."""

    def __init__(self, auth: Medauth) -> None:
        self._keyring = auth.keyring
        self._key: SigningKey = auth.keyring.signing_key(purpose_of(MAIN_LOG))
        self._tags = auth.keyring.tag("subject", "user"), auth.keyring.tag("client", "")
        self._statement = start_payload()
        envelope = self._key.sign(b"payload", PayloadType.START)
        parts = (b64encode(envelope.payload), b64encode(envelope.signature))
        self._form = envelope.to_bytes().replace(b"%", b"%%").replace(parts[0], b"%s").replace(parts[1], b"%s")

    def record(self, index: int) -> Row:
        number, keys = f"{index:030d}", RecordKeys.generate()
        record_id = f"sta_{number}"
        client = client_commitment(f"chk_{number}", self._tags[1]).hex().encode()
        payload = self._statement.replace(_ID.encode(), number.encode()).replace(_CLIENT.hex().encode(), client)
        envelope = self._key.sign(payload, PayloadType.START)
        sealed = seal(keys.seal, self._written(envelope), record_id=record_id, name=ENVELOPE)
        return (
            record_id,
            MAIN_LOG,
            LeafKind.START.value,
            f"chk_{number}",
            index,
            leaf_commitment(keys.leaf, envelope.payload),
            self._keyring.wrap(record_id, keys),
            sealed,
            statement_digest(sealed),
            "started",
            _STARTED_MS,
            envelope.key_id,
        )

    def check(self, record: Row) -> Row:
        when = _STARTED_MS, _STARTED_MS, CheckState.OPEN.value, None
        return record[3], MAIN_LOG, *self._tags, "bench", STANDARD.name, bytes(32), *when

    def _written(self, envelope: Envelope) -> bytes:
        """As `Envelope.to_bytes` writes it: all envelopes of one key and type are alike but for two texts."""
        return self._form % (b64encode(envelope.payload), b64encode(envelope.signature))


def start_payload() -> bytes:
    """The statement of a start, but for the numbers in its ids."""
    identity = CheckIdentity(f"chk_{_ID}", "user", "bench", "")
    return canonical(
        start_statement(
            identity,
            STANDARD,
            record_id=f"sta_{_ID}",
            commitment=bytes(32),
            client=_CLIENT,
            started_ms=_STARTED_MS,
            expires_ms=_STARTED_MS,
        )
    )


def _leaf(record: Row) -> Row:
    return MAIN_LOG, record[4], record[5], record[2], record[0]


def _nodes(stretch: Stretch, running: RunningRoot, first: int) -> Iterator[Row]:
    count: int = len(stretch.levels[0])
    for level, hashes in enumerate(stretch.levels):
        yield from ((MAIN_LOG, level, position, digest) for position, digest in enumerate(hashes, start=first >> level))
    for peak, digest in stretch.peaks(count):
        yield from ((MAIN_LOG, *place, joined) for place, joined in running.append_subtree(peak, digest))
