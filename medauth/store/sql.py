"""The mirror in SQL: checks, records, leaves and tree nodes in one transaction; SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, case, delete, insert, select, update

from medauth.errors import CeremonyError, KeyRetired, NotFound, StoreError, TooManyFailures
from medauth.evidence.merkle import append_coordinates, appended_nodes
from medauth.evidence.signing import KeyPurpose
from medauth.protocol.attempts import DAY_MS
from medauth.store import tables
from medauth.store.anchors import SqlAnchors, read_nodes
from medauth.store.database import dialect_insert, transaction, wipe
from medauth.store.epochs import SqlEpochs
from medauth.store.interface import (
    ERASED,
    MAIN_LOG,
    BlobRow,
    CheckRow,
    CheckState,
    LeafKind,
    LeafRow,
    NewRecord,
    RecordRow,
    RetiredKeyRow,
)
from medauth.store.notes import SqlNotes
from medauth.store.print_interface import NewPrint
from medauth.store.prints import SqlPrints, add_print, drop_prints
from medauth.store.sql_reading import SqlLogReader
from medauth.store.webhooks import forget_webhooks

Word = TypeVar("Word", bound=StrEnum)

PAGE = 500
"""Rows fetched at a time when streaming."""


class SqlStore(SqlAnchors, SqlEpochs, SqlNotes, SqlPrints, SqlLogReader):
    """`RecordStore`, `AnchorStore`, `PrintStore` and `LogReader` over one database."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """The database itself, for what writes rows in bulk."""
        return self._engine

    def close(self) -> None:
        """Gives all connections back; the store cannot be used afterwards."""
        self._engine.dispose()

    def begin_check(self, check: CheckRow, record: NewRecord, *, most_open: int | None = None) -> int:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(insert(tables.checks).values(**asdict(check)))
            index = _append(connection, record)
            # After the append: it holds the log's row, so writers on PostgreSQL queue up before they count.
            running = _open_expiries(connection, check.subject_tag, check.client_tag, check.started_ms)
            if most_open is not None and len(running) > most_open:
                raise TooManyFailures(
                    f"{most_open} checks are open from here",
                    expected="one at a time",
                    next_step="finish or close them, or wait until they expire",
                )
            return index

    def open_checks(self, subject_tag: bytes, client_tag: bytes, since_ms: int) -> Sequence[int]:
        with transaction(self._engine, writes=False) as connection:
            return _open_expiries(connection, subject_tag, client_tag, since_ms)

    def conclude_check(
        self, check_id: str, record: NewRecord, closed_ms: int, remembered: NewPrint | None = None
    ) -> int:
        with transaction(self._engine, writes=True) as connection:
            if not _close(connection, check_id, CheckState.FINISHED, closed_ms):
                raise CeremonyError(
                    f"check {check_id} is closed", expected="an open check", next_step="start a new check"
                )
            index = _append(connection, record)
            drop_prints(connection, tables.prints.c.until_ms <= closed_ms)
            if remembered is not None:
                add_print(connection, record.record_id, remembered)
            return index

    def close_check(self, check_id: str, state: CheckState, closed_ms: int) -> bool:
        with transaction(self._engine, writes=True) as connection:
            return _close(connection, check_id, state, closed_ms)

    def check(self, check_id: str) -> CheckRow:
        columns = [tables.checks.c[name] for name in CheckRow.__dataclass_fields__]
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(select(*columns).where(tables.checks.c.check_id == check_id)).mappings().first()
        if row is None:
            raise NotFound(f"no check {check_id[:80]}", next_step="see `medauth audit --list`")
        return CheckRow(**{**row, "state": _known(CheckState, row["state"])})

    def record_failure(self, subject_tag: bytes, client_tag: bytes, failed_ms: int) -> None:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(
                insert(tables.failures).values(subject_tag=subject_tag, client_tag=client_tag, failed_ms=failed_ms)
            )
            _forget_failures(connection, failed_ms)

    def failures_since(self, subject_tag: bytes, client_tag: bytes, since_ms: int) -> Sequence[int]:
        failures = tables.failures
        with transaction(self._engine, writes=False) as connection:
            return list(
                connection.execute(
                    select(failures.c.failed_ms)
                    .where(_is(subject_tag, client_tag), failures.c.failed_ms >= since_ms)
                    .order_by(failures.c.failed_ms)
                ).scalars()
            )

    def clear_failures(self, subject_tag: bytes, client_tag: bytes) -> None:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(delete(tables.failures).where(_is(subject_tag, client_tag)))

    def record(self, record_id: str) -> RecordRow:
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(select(tables.records).where(tables.records.c.record_id == record_id)).first()
            if row is None:
                raise NotFound(f"no record {record_id[:80]}", next_step="see `medauth audit --list`")
            return _record_rows(connection, [row._mapping])[0]  # noqa: SLF001 - SQLAlchemy's public name for it

    def records(self, log: str, first: int = 0) -> Iterator[RecordRow]:
        records = tables.records
        while True:
            with transaction(self._engine, writes=False) as connection:
                page = select(records).where(records.c.log == log, records.c.leaf_index >= first)
                rows = connection.execute(page.order_by(records.c.leaf_index).limit(PAGE)).mappings().all()
                found = _record_rows(connection, rows)
            yield from found
            if len(found) < PAGE:
                return
            first = found[-1].leaf_index + 1

    def records_of(self, check_id: str) -> Sequence[RecordRow]:
        records = tables.records
        with transaction(self._engine, writes=False) as connection:
            found = select(records).where(records.c.check_id == check_id).order_by(records.c.leaf_index)
            return _record_rows(connection, connection.execute(found).mappings().all())

    def checks_closed_before(self, closed_ms: int) -> Iterator[str]:
        checks, records = tables.checks, tables.records
        readable = select(records.c.check_id).where(records.c.outcome.not_in([ERASED, "tombstone"]))
        ended = case((checks.c.state == CheckState.OPEN.value, checks.c.expires_ms), else_=checks.c.closed_ms)
        query = select(checks.c.check_id).where(ended < closed_ms, checks.c.check_id.in_(readable))
        with transaction(self._engine, writes=False) as connection:
            found = list(connection.execute(query.order_by(ended)).scalars())
        yield from found

    def erase_check(self, check_id: str, tombstone: NewRecord) -> int:
        records, checks = tables.records, tables.checks
        with transaction(self._engine, writes=True) as connection:
            of_check = (records.c.check_id == check_id) & (records.c.kind != LeafKind.TOMBSTONE.value)
            ids = list(connection.execute(select(records.c.record_id).where(of_check)).scalars())
            blank = {"wrapped_key": b"", "sealed_envelope": b"", "sealed_envelope_sha256": b"", "outcome": ERASED}
            connection.execute(update(records).where(of_check).values(**blank))
            connection.execute(delete(tables.blobs).where(tables.blobs.c.record_id.in_(ids)))
            drop_prints(connection, tables.prints.c.record_id.in_(ids))
            nobody = {"subject_tag": b"", "client_tag": b"", "commitment": b"", "purpose": ""}
            connection.execute(update(checks).where(checks.c.check_id == check_id).values(**nobody))
            connection.execute(delete(tables.labels).where(tables.labels.c.check_id == check_id))
            asked = update(tables.bookings).where(tables.bookings.c.check_id == check_id)
            connection.execute(
                asked.values(sealed=b"", request_digest=b"", outcome=ERASED, passkey_tag=None, passkey_sign_count=None)
            )
            forget_webhooks(
                connection, select(tables.bookings.c.booking_id).where(tables.bookings.c.check_id == check_id)
            )
            _forget_failures(connection, tombstone.created_ms)
            return _append(connection, tombstone)

    def rotate_key(self, record: NewRecord, retired: RetiredKeyRow) -> int:
        with transaction(self._engine, writes=True) as connection:
            index = _append(connection, record)
            # Behind the lock of the log, too: this record may be signed by a successor that came a moment ago.
            _refuse_retired(connection, record.record_id, retired.key_id)
            values = asdict(retired) | {"until": index + 1, "purpose": retired.purpose.value}
            connection.execute(insert(tables.retired_keys).values(**values))
            return index

    def retired_keys(self) -> Sequence[RetiredKeyRow]:
        keys, records = tables.retired_keys, tables.records
        found = select(keys).join(records, records.c.record_id == keys.c.record_id).order_by(records.c.created_ms)
        with transaction(self._engine, writes=False) as connection:
            rows = connection.execute(found).mappings().all()
        return [RetiredKeyRow(**{**row, "purpose": _known(KeyPurpose, row["purpose"])}) for row in rows]

    def wipe(self) -> None:
        wipe(self._engine)

    def leaves(self, log: str, first: int = 0) -> Iterator[LeafRow]:
        leaves = tables.leaves
        while True:
            with transaction(self._engine, writes=False) as connection:
                page = select(leaves).where(leaves.c.log == log, leaves.c.index >= first)
                rows = connection.execute(page.order_by(leaves.c.index).limit(PAGE)).mappings().all()
            yield from (LeafRow(**{**row, "kind": _known(LeafKind, row["kind"])}) for row in rows)
            if len(rows) < PAGE:
                return
            first = rows[-1]["index"] + 1

    def logs(self) -> Sequence[str]:
        with transaction(self._engine, writes=False) as connection:
            return list(connection.execute(select(tables.logs.c.log).order_by(tables.logs.c.log)).scalars())


def _open_expiries(connection: Connection, subject_tag: bytes, client_tag: bytes, since_ms: int) -> list[int]:
    """When the open checks of a subject and client end, from `since_ms` on; a rehearsal counts for nobody."""
    checks = tables.checks
    mine = (checks.c.subject_tag == subject_tag) & (checks.c.client_tag == client_tag) & (checks.c.log == MAIN_LOG)
    is_open = (checks.c.state == CheckState.OPEN.value) & (checks.c.expires_ms > since_ms)
    return list(
        connection.execute(select(checks.c.expires_ms).where(mine, is_open).order_by(checks.c.expires_ms)).scalars()
    )


def _forget_failures(connection: Connection, now_ms: int) -> None:
    """A failure names a person, if by a keyed tag: it stays no longer than it counts."""
    connection.execute(delete(tables.failures).where(tables.failures.c.failed_ms < now_ms - DAY_MS))


def _is(subject_tag: bytes, client_tag: bytes) -> Any:
    return (tables.failures.c.subject_tag == subject_tag) & (tables.failures.c.client_tag == client_tag)


def _close(connection: Connection, check_id: str, state: CheckState, closed_ms: int) -> bool:
    """Of parallel calls one sees a row change: the state is compared and set in one statement."""
    checks = tables.checks
    changed = connection.execute(
        update(checks)
        .where(checks.c.check_id == check_id, checks.c.state == CheckState.OPEN.value)
        .values(state=state.value, closed_ms=closed_ms)
    )
    return bool(changed.rowcount)


def _append(connection: Connection, record: NewRecord) -> int:
    """Gives the record the next place in its log, and writes record, blobs, leaf and tree nodes."""
    index = _next_index(connection, record.log)
    _refuse_retired(connection, record.record_id, record.key_id)
    values = asdict(record)
    blobs = values.pop("blobs")
    connection.execute(insert(tables.records).values(**values, leaf_index=index))
    if blobs:
        connection.execute(insert(tables.blobs), [{"record_id": record.record_id, **blob} for blob in blobs])
    connection.execute(
        insert(tables.leaves).values(
            log=record.log, index=index, leaf=record.leaf, kind=record.kind.value, record_id=record.record_id
        )
    )
    _append_nodes(connection, record.log, index, record.leaf)
    return index


def _refuse_retired(connection: Connection, record_id: str, signing: str) -> None:
    """Asked behind the lock of the log: whoever retires a key appends to the same log."""
    key_id = tables.retired_keys.c.key_id
    if connection.execute(select(key_id).where(key_id == signing)).first() is not None:
        raise KeyRetired(
            f"record {record_id} rests on {signing}, which was retired",
            expected="a signature by its successor",
            next_step="restore the newest backup of the keys, or run `medauth keys list`",
        )


def _next_index(connection: Connection, log: str) -> int:
    connection.execute(dialect_insert(connection, tables.logs).values(log=log, size=0).on_conflict_do_nothing())
    counted = update(tables.logs).where(tables.logs.c.log == log).values(size=tables.logs.c.size + 1)
    size = connection.execute(counted.returning(tables.logs.c.size)).scalar_one()
    return int(size) - 1


def _append_nodes(connection: Connection, log: str, index: int, leaf: bytes) -> None:
    siblings = read_nodes(connection, log, append_coordinates(index))
    new = appended_nodes(index, leaf, siblings)
    rows = [{"log": log, "level": level, "position": position, "hash": digest} for (level, position), digest in new]
    connection.execute(insert(tables.nodes), rows)


def _record_rows(connection: Connection, rows: Sequence[Any]) -> list[RecordRow]:
    ids = [row["record_id"] for row in rows]
    blobs: dict[str, list[BlobRow]] = {}
    for blob in connection.execute(
        select(tables.blobs).where(tables.blobs.c.record_id.in_(ids)).order_by(tables.blobs.c.name)
    ).mappings():
        blobs.setdefault(blob["record_id"], []).append(BlobRow(blob["name"], blob["sha256"], blob["length"]))
    return [_record(row, tuple(blobs.get(row["record_id"], ()))) for row in rows]


def _record(row: Any, blobs: tuple[BlobRow, ...]) -> RecordRow:
    return RecordRow(**{**row, "kind": _known(LeafKind, row["kind"]), "blobs": blobs})


def _known(kind: type[Word], text: str) -> Word:
    """A stored word of a fixed set. Another one was not written by this program."""
    try:
        return kind(text)
    except ValueError:
        raise StoreError(
            f"the mirror says {text[:40]!r}",
            expected=f"one of {', '.join(kind)}",
            next_step="the mirror was altered: restore it from a backup",
        ) from None
