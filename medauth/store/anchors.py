"""What the chain writer remembers, in SQL: checkpoints, signed attempts and the writer's lease."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, case, delete, insert, or_, select, update

from medauth.errors import StoreError
from medauth.store import tables
from medauth.store.database import dialect_insert, transaction
from medauth.store.interface import AttemptRow, CheckpointRow, CheckpointState, NodeCoordinate

_NODES = 100
"""Asked for at a time; a proof takes about two for each level of the tree."""


class SqlAnchors:
    """`AnchorStore` over a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def leaf_count(self, log: str) -> int:
        with transaction(self._engine, writes=False) as connection:
            return count_leaves(connection, log)

    def nodes(self, log: str, coordinates: Sequence[NodeCoordinate]) -> Sequence[bytes]:
        with transaction(self._engine, writes=False) as connection:
            return read_nodes(connection, log, coordinates)

    def open_checkpoint(self, log: str) -> CheckpointRow | None:
        checkpoints = tables.checkpoints
        unsettled = checkpoints.c.state != CheckpointState.FINAL.value
        return self._one(_of(log).where(unsettled).order_by(checkpoints.c.seq))

    def last_checkpoint(self, log: str) -> CheckpointRow | None:
        checkpoints = tables.checkpoints
        return self._one(_of(log).where(_counts()).order_by(checkpoints.c.seq.desc()))

    def covering_checkpoint(self, log: str, leaf_index: int) -> CheckpointRow | None:
        checkpoints = tables.checkpoints
        covers = _of(log).where(checkpoints.c.new_size > leaf_index)
        failed = case((_counts(), 0), else_=1)
        return self._one(covers.order_by(failed, checkpoints.c.new_size))

    def checkpoints(self, log: str) -> Iterator[CheckpointRow]:
        with transaction(self._engine, writes=False) as connection:
            rows = connection.execute(_of(log).order_by(tables.checkpoints.c.seq)).mappings().all()
        yield from (read_checkpoint(row) for row in rows)

    def add_checkpoint(self, checkpoint: CheckpointRow, attempt: AttemptRow) -> None:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(insert(tables.checkpoints).values(**asdict(checkpoint)))
            _add_attempt(connection, attempt)

    def add_attempt(self, attempt: AttemptRow) -> None:
        with transaction(self._engine, writes=True) as connection:
            _add_attempt(connection, attempt)

    def attempts(self, log: str, seq: int) -> Sequence[AttemptRow]:
        attempts = tables.attempts
        with transaction(self._engine, writes=False) as connection:
            rows = connection.execute(select(attempts).where(attempts.c.log == log, attempts.c.seq == seq)).mappings()
            found = [AttemptRow(**{**row, "max_fee": int(row["max_fee"]), "tip": int(row["tip"])}) for row in rows]
        return sorted(found, key=lambda attempt: attempt.max_fee, reverse=True)

    def update_checkpoint(self, checkpoint: CheckpointRow) -> None:
        values = asdict(checkpoint)
        log, seq = values.pop("log"), values.pop("seq")
        fixed = ("old_size", "new_size", "root")
        changed = {name: value for name, value in values.items() if name not in fixed}
        checkpoints = tables.checkpoints
        with transaction(self._engine, writes=True) as connection:
            connection.execute(
                update(checkpoints).where(checkpoints.c.log == log, checkpoints.c.seq == seq).values(**changed)
            )

    def take_lease(self, name: str, holder: str, now_ms: int, ttl_ms: int) -> bool:
        leases = tables.leases
        with transaction(self._engine, writes=True) as connection:
            free = (leases.c.holder == holder) | (leases.c.expires_ms <= now_ms)
            taken = connection.execute(
                update(leases).where(leases.c.name == name, free).values(holder=holder, expires_ms=now_ms + ttl_ms)
            )
            if taken.rowcount:
                return True
            new = dialect_insert(connection, leases).values(name=name, holder=holder, expires_ms=now_ms + ttl_ms)
            # Not rowcount: for an insert PostgreSQL's driver may report -1, and everybody would hold the lease.
            return connection.execute(new.on_conflict_do_nothing().returning(leases.c.holder)).first() is not None

    def release_lease(self, name: str, holder: str) -> None:
        leases = tables.leases
        with transaction(self._engine, writes=True) as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))

    def _one(self, query: Select[Any]) -> CheckpointRow | None:
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(query.limit(1)).mappings().first()
        return read_checkpoint(row) if row else None


def read_nodes(connection: Connection, log: str, coordinates: Sequence[NodeCoordinate]) -> list[bytes]:
    """Node hashes in the order asked. Raises `StoreError` when one is missing."""
    if not coordinates:
        return []
    nodes, rows = tables.nodes, list[Any]()
    for first in range(0, len(coordinates), _NODES):
        # Each with its whole key: for a list of pairs SQLite reads every node of the log, for each append.
        wanted = or_(
            *(
                and_(nodes.c.log == log, nodes.c.level == level, nodes.c.position == position)
                for level, position in coordinates[first : first + _NODES]
            )
        )
        rows += connection.execute(select(nodes.c.level, nodes.c.position, nodes.c.hash).where(wanted)).all()
    found = {(level, position): digest for level, position, digest in rows}
    missing = [c for c in coordinates if c not in found]
    if missing:
        raise StoreError(
            f"tree node {missing[0]} of log {log} is missing",
            expected="every complete subtree of the log",
            next_step="the mirror was altered: restore it from a backup, then run `medauth audit --all`",
        )
    return [found[c] for c in coordinates]


def count_leaves(connection: Connection, log: str) -> int:
    """The size that appending keeps in the same transaction; an audit compares it with the leaves themselves."""
    size = connection.execute(select(tables.logs.c.size).where(tables.logs.c.log == log)).scalar() or 0
    if type(size) is not int:  # SQLite keeps whatever somebody writes
        raise altered(f"the size of log {log} is {str(size)[:40]!r}", "a number of leaves")
    return size


def _of(log: str) -> Select[Any]:
    return select(tables.checkpoints).where(tables.checkpoints.c.log == log)


def _counts() -> Any:
    return tables.checkpoints.c.state != CheckpointState.FAILED.value


def read_checkpoint(row: Any) -> CheckpointRow:
    """A row of the table of checkpoints. Raises `StoreError` for a state, a size or a root that this program does not write."""
    try:
        state = CheckpointState(row["state"])
    except ValueError:
        raise altered(
            f"checkpoint {row['seq']} is {str(row['state'])[:40]!r}", f"one of {', '.join(CheckpointState)}"
        ) from None
    return whole_checkpoint({**row, "state": state})


def whole_checkpoint(values: Mapping[str, Any]) -> CheckpointRow:
    """Sizes are numbers and roots are bytes: SQLite keeps whatever somebody writes. Raises `StoreError`."""
    row = CheckpointRow(**values)
    if {type(row.seq), type(row.old_size), type(row.new_size)} != {int} or type(row.root) is not bytes:
        raise altered(f"checkpoint {str(row.seq)[:40]} of log {row.log} is malformed", "two sizes and a root")
    return row


def altered(got: str, expected: str) -> StoreError:
    """The error for what only somebody else can have written."""
    next_step = "the mirror was altered: restore it from a backup, then run `medauth audit --all`"
    return StoreError(got, expected=expected, next_step=next_step)


def _add_attempt(connection: Connection, attempt: AttemptRow) -> None:
    values = asdict(attempt) | {"max_fee": str(attempt.max_fee), "tip": str(attempt.tip)}
    connection.execute(dialect_insert(connection, tables.attempts).values(**values).on_conflict_do_nothing())
