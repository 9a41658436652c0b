"""Whole logs read from SQL: a stretch costs some ten queries, however many records it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, bindparam, func, or_, select, union
from sqlalchemy.exc import DBAPIError

from medauth.errors import StoreError
from medauth.store import tables
from medauth.store.anchors import whole_checkpoint
from medauth.store.database import transaction
from medauth.store.interface import (
    ERASED,
    BlobRow,
    CheckpointRow,
    CheckpointState,
    CheckRow,
    CheckState,
    LeafKind,
    LeafRow,
    RecordRow,
)
from medauth.store.reading import CheckTally, LogPage, PlainPage, Sibling

Word = TypeVar("Word", bound=StrEnum)

_CHECKPOINTS = 500
_STRAYS = 10
_NAMED = 500
"""Ids in one query."""
_RECORD = [tables.records.c[name] for name in RecordRow.__dataclass_fields__ if name != "blobs"]
_KIND, _BLOBS = (list(RecordRow.__dataclass_fields__).index(name) for name in ("kind", "blobs"))
_LEAF = [tables.leaves.c[name] for name in LeafRow.__dataclass_fields__]
_CHECK = [tables.checks.c[name] for name in CheckRow.__dataclass_fields__]
_CHECKPOINT = [tables.checkpoints.c[name] for name in CheckpointRow.__dataclass_fields__]
_SIBLING = [tables.records.c[name] for name in ("check_id", *Sibling.__dataclass_fields__)]
_BESIDE = ("record_id", "leaf", "kind", "key_id", "wrapped_key", "sealed_envelope", "sealed_envelope_sha256")
_LINE = [tables.leaves.c[name] for name in ("index", "leaf", "kind", "record_id")]
_LINE += [tables.records.c[name] for name in _BESIDE]
_CHECKPOINT_STATES = [state.value for state in CheckpointState]
_CHECK_STATES = [state.value for state in CheckState]
_KINDS = {kind.value: kind for kind in LeafKind}


def _lines() -> Select[Any]:
    leaves, records = tables.leaves, tables.records
    beside = (records.c.log == leaves.c.log) & (records.c.leaf_index == leaves.c.index)
    return _between(select(*_LINE).select_from(leaves.join(records, beside)), leaves.c.log, leaves.c.index)


def _level() -> Select[Any]:
    nodes = tables.nodes
    query = select(nodes.c.position, nodes.c.hash).where(nodes.c.level == bindparam("level"))
    return _between(query, nodes.c.log, nodes.c.position)


def _between(query: Select[Any], log: Any, place: Any) -> Select[Any]:
    within = (log == bindparam("log"), place >= bindparam("first"), place < bindparam("end"))
    return query.where(*within).order_by(place)


_LINES, _LEVEL = _lines(), _level()
"""Made once: to put them together costs more than to run them."""


class SqlLogReader:
    """`LogReader` over a database."""

    _engine: Engine

    def known_logs(self) -> Sequence[str]:
        named = (tables.logs, tables.chain_identities, tables.checkpoints, tables.leaves)
        with transaction(self._engine, writes=False) as connection:
            return sorted(connection.execute(union(*(select(table.c.log).distinct() for table in named))).scalars())

    def leaf(self, log: str, index: int) -> LeafRow | None:
        with transaction(self._engine, writes=False) as connection:
            found = _leaves(connection, log, index, index + 1)
        return found[0] if found else None

    def next_leaf(self, log: str, index: int) -> int | None:
        leaves = tables.leaves
        query = select(func.min(leaves.c.index)).where(leaves.c.log == log, leaves.c.index >= index)
        with transaction(self._engine, writes=False) as connection:
            found: int | None = connection.execute(query).scalar()
        return found

    def unknown_leaves(self, log: str, leaves: Sequence[bytes]) -> Sequence[bytes]:
        query = select(tables.leaves.c.leaf).where(tables.leaves.c.log == log, tables.leaves.c.leaf.in_(leaves))
        with transaction(self._engine, writes=False) as connection:
            known = set(connection.execute(query).scalars())
        return [leaf for leaf in leaves if leaf not in known]

    def siblings(self, check_id: str) -> Sequence[Sibling]:
        records = tables.records
        query = select(*_SIBLING).where(records.c.check_id == check_id).order_by(records.c.leaf_index)
        with transaction(self._engine, writes=False) as connection:
            return [_sibling(row) for row in connection.execute(query)]

    def page(self, log: str, first: int, end: int, *, checks: bool = True) -> LogPage:
        with transaction(self._engine, writes=False) as connection:
            records = _records(connection, log, first, end, files=checks)
            erased = any(record.outcome == ERASED for record in records)
            begun = _checks(connection, log, first, end) if checks else {}
            return LogPage(
                _leaves(connection, log, first, end),
                records,
                _nodes(connection, log, first, end),
                begun,
                _tombstones(connection, log, first, end) if erased else {},
                _starts(connection, begun, {record.record_id for record in records}),
            )

    def plain_page(self, log: str, first: int, end: int) -> PlainPage:
        with transaction(self._engine, writes=False) as connection:
            lines = _plain(connection, _LINES, log=log, first=first, end=end)
            return PlainPage(lines, _nodes(connection, log, first, end))

    def strays(self, log: str) -> Sequence[str]:
        records, leaves, checks = tables.records, tables.leaves, tables.checks
        size = select(func.coalesce(func.max(leaves.c.index) + 1, 0)).where(leaves.c.log == log).scalar_subquery()
        outside = or_(records.c.leaf_index < 0, records.c.leaf_index >= size)
        started = select(records.c.check_id).where(records.c.check_id == checks.c.check_id).exists()
        with transaction(self._engine, writes=False) as connection:
            lost = select(records.c.record_id).where(records.c.log == log, outside).limit(_STRAYS)
            empty = select(checks.c.check_id).where(checks.c.log == log, ~started).limit(_STRAYS)
            return [*connection.execute(lost).scalars(), *connection.execute(empty).scalars()][:_STRAYS]

    def live_checkpoints(self, log: str) -> Iterator[CheckpointRow]:
        checkpoints, seen = tables.checkpoints, -1
        counts = checkpoints.c.state != CheckpointState.FAILED.value
        while True:
            query = select(*_CHECKPOINT).where(checkpoints.c.log == log, checkpoints.c.seq > seen, counts)
            with transaction(self._engine, writes=False) as connection:
                rows = connection.execute(query.order_by(checkpoints.c.seq).limit(_CHECKPOINTS)).all()
            for row in rows:
                state = CheckpointState(row.state) if row.state in _CHECKPOINT_STATES else CheckpointState.PENDING
                yield whole_checkpoint({**row._mapping, "state": state})  # noqa: SLF001 - SQLAlchemy's public name for it
            if len(rows) < _CHECKPOINTS:
                return
            seen = rows[-1].seq

    def unknown_states(self, log: str) -> Sequence[str]:
        points, checks = tables.checkpoints, tables.checks
        odd = select(points.c.seq, points.c.state).where(points.c.log == log, points.c.state.not_in(_CHECKPOINT_STATES))
        strange = select(checks.c.check_id, checks.c.state).where(
            checks.c.log == log, checks.c.state.not_in(_CHECK_STATES)
        )
        with transaction(self._engine, writes=False) as connection:
            named = [f"checkpoint {seq} is {word[:40]!r}" for seq, word in connection.execute(odd.limit(_STRAYS))]
            named += [f"check {name} is {word[:40]!r}" for name, word in connection.execute(strange.limit(_STRAYS))]
        return named[:_STRAYS]

    def tally(self, log: str, now_ms: int) -> CheckTally:
        checks = tables.checks
        of_log = checks.c.log == log
        is_open = checks.c.state == CheckState.OPEN.value
        with transaction(self._engine, writes=False) as connection:

            def count(query: Select[Any]) -> int:
                return int(connection.execute(query).scalar() or 0)

            states = connection.execute(select(checks.c.state, func.count()).where(of_log).group_by(checks.c.state))
            return CheckTally(
                {CheckState(state): number for state, number in states if state in _CHECK_STATES},
                count(select(func.count()).where(of_log, is_open, checks.c.expires_ms < now_ms)),
                count(select(func.count(checks.c.subject_tag.distinct())).where(of_log, checks.c.subject_tag != b"")),
                count(select(func.count(checks.c.client_tag.distinct())).where(of_log, checks.c.client_tag != b"")),
                count(_most_dropped(of_log, checks.c.subject_tag)),
                count(_most_dropped(of_log, checks.c.client_tag)),
            )


def _most_dropped(of_log: Any, tag: Any) -> Select[Any]:
    over = tables.checks.c.state.in_([CheckState.EXPIRED.value, CheckState.ABANDONED.value])
    each = select(func.count().label("dropped")).where(of_log, over, tag != b"").group_by(tag).subquery()
    return select(func.max(each.c.dropped))


def _leaves(connection: Connection, log: str, first: int, end: int) -> list[LeafRow]:
    leaves = tables.leaves
    query = select(*_LEAF).where(leaves.c.log == log, leaves.c.index >= first, leaves.c.index < end)
    return [
        LeafRow(of_log, index, leaf, _kind(kind), record_id)
        for of_log, index, leaf, kind, record_id in connection.execute(query.order_by(leaves.c.index)).all()
    ]


def _records(connection: Connection, log: str, first: int, end: int, *, files: bool) -> list[RecordRow]:
    blobs: dict[str, list[BlobRow]] = {}
    if files:
        blob = tables.blobs
        query = select(blob).join(tables.records).where(*_within(log, first, end)).order_by(blob.c.name)
        for record_id, name, sha256, length in connection.execute(query):
            blobs.setdefault(record_id, []).append(BlobRow(name, sha256, length))
    query = select(*_RECORD).where(*_within(log, first, end)).order_by(tables.records.c.leaf_index)
    return [_record(row, tuple(blobs.get(row[0], ()))) for row in connection.execute(query).all()]


def _record(row: Any, blobs: tuple[BlobRow, ...]) -> RecordRow:
    """By position: names would cost a third more, a million times."""
    values = [*row[:_BLOBS], blobs, *row[_BLOBS:]]
    values[_KIND] = _kind(values[_KIND])
    return RecordRow(*values)


def _nodes(connection: Connection, log: str, first: int, end: int) -> list[list[tuple[int, bytes]]]:
    """Every level whose subtrees fit between first and end; positions are those that lie wholly within."""
    levels = []
    for level in range((end - first).bit_length()):
        start, stop = -(-first >> level), end >> level
        levels.append(_plain(connection, _LEVEL, log=log, level=level, first=start, end=stop))
    return levels


def _plain(connection: Connection, query: Select[Any], **values: object) -> list[Any]:
    """Tuples as the driver makes them: SQLAlchemy's own rows would cost an audit as much as the database does."""
    result = connection.execute(query, values)
    try:
        return list(result.cursor.fetchall())
    except result.dialect.loaded_dbapi.Error as error:
        raise DBAPIError(None, None, error) from error  # past SQLAlchemy's rows is past its errors too
    finally:
        result.close()


def _checks(connection: Connection, log: str, first: int, end: int) -> Mapping[str, tuple[CheckRow, Sequence[Sibling]]]:
    checks, records = tables.checks, tables.records
    wanted = select(records.c.check_id).where(*_within(log, first, end))
    siblings: dict[str, list[Sibling]] = {}
    query = select(*_SIBLING).where(records.c.check_id.in_(wanted))
    for row in connection.execute(query.order_by(records.c.leaf_index)):
        siblings.setdefault(row[0], []).append(_sibling(row))
    # One in a state that is none must not keep the leaves beside it from being read; `unknown_states` names it.
    known = checks.c.state.in_(_CHECK_STATES)
    found = connection.execute(select(*_CHECK).where(checks.c.check_id.in_(wanted), known))
    return {row[0]: (_check(row), siblings.get(row[0], ())) for row in found}


def _check(row: Any) -> CheckRow:
    return CheckRow(**{**row._mapping, "state": _word(CheckState, row.state)})  # noqa: SLF001 - SQLAlchemy's public name for it


def _tombstones(connection: Connection, log: str, first: int, end: int) -> Mapping[str, Sequence[RecordRow]]:
    records = tables.records
    erased = select(records.c.check_id).where(*_within(log, first, end), records.c.outcome == ERASED)
    query = select(*_RECORD).where(records.c.check_id.in_(erased), records.c.kind == LeafKind.TOMBSTONE.value)
    found: dict[str, list[RecordRow]] = {}
    for row in connection.execute(query.order_by(records.c.leaf_index)):
        found.setdefault(row.check_id, []).append(_record(row, ()))
    return found


def _starts(
    connection: Connection, checks: Mapping[str, tuple[CheckRow, Sequence[Sibling]]], here: set[str]
) -> Mapping[str, RecordRow]:
    """Where a check was still running when the stretch began: a few of a thousand, so they are named one by one."""
    others = (sibling for _, siblings in checks.values() for sibling in siblings if sibling.kind is LeafKind.START)
    wanted = [sibling.record_id for sibling in others if sibling.record_id not in here]
    found: dict[str, RecordRow] = {}
    for at in range(0, len(wanted), _NAMED):
        query = select(*_RECORD).where(tables.records.c.record_id.in_(wanted[at : at + _NAMED]))
        found.update((row[0], _record(row, ())) for row in connection.execute(query))
    return found


def _within(log: str, first: int, end: int) -> tuple[Any, ...]:
    records = tables.records
    return records.c.log == log, records.c.leaf_index >= first, records.c.leaf_index < end


def _sibling(row: Any) -> Sibling:
    return Sibling(_kind(row.kind), row.record_id, row.log, row.leaf_index)


def _kind(text: str) -> LeafKind:
    return _KINDS.get(text) or _word(LeafKind, text)


def _word(words: type[Word], text: str) -> Word:
    """A stored word of a fixed set. Another one was not written by this program."""
    try:
        return words(text)
    except ValueError:
        raise StoreError(
            f"the mirror says {str(text)[:40]!r}",
            expected=f"one of {', '.join(words)}",
            next_step="the mirror was altered: restore it from a backup",
        ) from None
