"""Checks as an operator looks through them, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, delete, func, select, tuple_

from medauth.errors import NotFound
from medauth.store import tables
from medauth.store.database import dialect_insert, transaction
from medauth.store.interface import LeafKind
from medauth.store.register_interface import UNDECIDED, LabelRow, Listed, Place, Wanted

_checks, _labels = tables.checks, tables.labels
_verdicts = tables.records.alias("verdicts")
_outcome = func.coalesce(_verdicts.c.outcome, UNDECIDED)
_label = func.coalesce(_labels.c.label, "")
_joined = _checks.outerjoin(
    _verdicts, and_(_verdicts.c.check_id == _checks.c.check_id, _verdicts.c.kind == LeafKind.VERDICT.value)
).outerjoin(_labels, _labels.c.check_id == _checks.c.check_id)
_columns = (
    *(_checks.c[name] for name in ("check_id", "log", "purpose", "policy", "started_ms", "state")),
    _verdicts.c.record_id,
    _outcome.label("outcome"),
    _label.label("label"),
)


class SqlRegister:
    """`Register` over the mirror's database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def found(self, wanted: Wanted, limit: int, after: Place | None = None) -> Sequence[Listed]:
        conditions = list(_conditions(wanted))
        if after is not None:
            conditions.append(tuple_(_checks.c.started_ms, _checks.c.check_id) < after)
        query = select(*_columns).select_from(_joined).where(*conditions)
        ordered = query.order_by(_checks.c.started_ms.desc(), _checks.c.check_id.desc()).limit(limit)
        with transaction(self._engine, writes=False) as connection:
            rows = connection.execute(ordered).mappings().all()
        return [Listed(**row) for row in rows]

    def label_of(self, check_id: str) -> LabelRow | None:
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(select(_labels).where(_labels.c.check_id == check_id)).mappings().first()
        return None if row is None else LabelRow(**row)

    def set_label(self, row: LabelRow) -> None:
        known = select(_checks.c.check_id).where(_checks.c.check_id == row.check_id)
        with transaction(self._engine, writes=True) as connection:
            if connection.execute(known).first() is None:
                raise NotFound("no such check", expected="the id of a check, chk_…")
            connection.execute(delete(_labels).where(_labels.c.check_id == row.check_id))
            if row.label:
                connection.execute(dialect_insert(connection, _labels).values(**asdict(row)))

    def labelled(self) -> Sequence[tuple[str, str, int]]:
        counted = select(_labels.c.label, _outcome, func.count()).select_from(_joined).where(_labels.c.label != "")
        grouped = counted.group_by(_labels.c.label, _outcome).order_by(_labels.c.label, _outcome)
        with transaction(self._engine, writes=False) as connection:
            return [(label, outcome, int(number)) for label, outcome, number in connection.execute(grouped)]


def _conditions(wanted: Wanted) -> list[ColumnElement[Any]]:
    given: list[tuple[object, ColumnElement[Any]]] = [
        (wanted.outcome, _outcome == wanted.outcome),
        (wanted.policy, _checks.c.policy == wanted.policy),
        (wanted.log, _checks.c.log == wanted.log),
        (wanted.label, _label == wanted.label),
        (wanted.labelled, _label > ""),
        (wanted.subject_tag, _checks.c.subject_tag == wanted.subject_tag),
    ]
    chosen = [condition for value, condition in given if value]
    if wanted.check_or_record:
        either = (_checks.c.check_id == wanted.check_or_record) | (_verdicts.c.record_id == wanted.check_or_record)
        chosen.append(either)
    if wanted.since_ms is not None:
        chosen.append(_checks.c.started_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        chosen.append(_checks.c.started_ms < wanted.until_ms)
    return chosen
