"""Fingerprints of earlier checks, in SQL: sealed as a whole, found by keyed marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select

from medauth.store import tables
from medauth.store.database import transaction
from medauth.store.print_interface import MarkRow, NewPrint, PrintRow

_ASKED = 500
"""Marks in one query: below what any SQLite takes as parameters."""
_MARKED = select(tables.print_marks.c.mark, tables.print_marks.c.print_id, tables.print_marks.c.at).where(
    tables.print_marks.c.mark.in_(bindparam("marks", expanding=True))
)


class SqlPrints:
    """`PrintStore` over a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def marked(self, marks: Sequence[int], most: int) -> Sequence[MarkRow]:
        found: list[MarkRow] = []
        with transaction(self._engine, writes=False) as connection:
            for first in range(0, len(marks), _ASKED):
                some = {"marks": list(marks[first : first + _ASKED])}
                query = _MARKED.limit(most - len(found))
                found += connection.execute(query, some).all()
                if len(found) >= most:
                    break
        return found

    def prints(self, print_ids: Sequence[int], now_ms: int) -> Sequence[PrintRow]:
        kept, records = tables.prints, tables.records
        columns = (kept.c.print_id, kept.c.record_id, kept.c.sealed, records.c.wrapped_key)
        query = select(*columns).join(records, records.c.record_id == kept.c.record_id)
        wanted = query.where(kept.c.print_id.in_(print_ids), kept.c.until_ms > now_ms)
        with transaction(self._engine, writes=False) as connection:
            return [PrintRow(*row) for row in connection.execute(wanted.order_by(kept.c.print_id))]

    def forget_prints(self, now_ms: int) -> int:
        with transaction(self._engine, writes=True) as connection:
            return drop_prints(connection, tables.prints.c.until_ms <= now_ms)


def add_print(connection: Connection, record_id: str, new: NewPrint) -> None:
    """Keeps a fingerprint of a record that stands in the same transaction; a mark twice is one."""
    values = {"record_id": record_id, "sealed": new.sealed, "until_ms": new.until_ms}
    added = connection.execute(insert(tables.prints).values(**values).returning(tables.prints.c.print_id))
    print_id = added.scalar_one()
    first = {mark.mark: mark.at for mark in reversed(new.marks)}
    # In order, so that a page of the tree is written once.
    rows = [{"mark": mark, "print_id": print_id, "at": at} for mark, at in sorted(first.items())]
    if rows:
        connection.execute(insert(tables.print_marks), rows)


def drop_prints(connection: Connection, which: Any) -> int:
    """Deletes fingerprints and their marks; returns how many fingerprints."""
    ids = select(tables.prints.c.print_id).where(which)
    connection.execute(delete(tables.print_marks).where(tables.print_marks.c.print_id.in_(ids)))
    return connection.execute(delete(tables.prints).where(which)).rowcount
