"""Checkpoints as strangers get them, in SQL: signed notes, and the time stamps on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Engine, and_, select

from medauth.store import tables
from medauth.store.anchors import read_checkpoint
from medauth.store.database import dialect_insert, transaction
from medauth.store.interface import CheckpointRow, CheckpointState, NoteRow, StampRow


class SqlNotes:
    """The notes of `AnchorStore` over a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def unsigned_checkpoints(self, log: str) -> Sequence[CheckpointRow]:
        checkpoints, notes = tables.checkpoints, tables.notes
        signed = and_(notes.c.log == checkpoints.c.log, notes.c.seq == checkpoints.c.seq)
        missing = (
            select(checkpoints)
            .outerjoin(notes, signed)
            .where(checkpoints.c.log == log, checkpoints.c.state == CheckpointState.FINAL.value, notes.c.seq.is_(None))
            .order_by(checkpoints.c.seq)
        )
        with transaction(self._engine, writes=False) as connection:
            return [read_checkpoint(row) for row in connection.execute(missing).mappings()]

    def note(self, log: str, seq: int) -> NoteRow | None:
        notes = tables.notes
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(select(notes).where(notes.c.log == log, notes.c.seq == seq)).mappings().first()
        return NoteRow(**row) if row else None

    def add_note(self, note: NoteRow) -> None:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(dialect_insert(connection, tables.notes).values(**asdict(note)).on_conflict_do_nothing())

    def unstamped_notes(self, log: str, authority: str) -> Sequence[NoteRow]:
        notes, stamps = tables.notes, tables.stamps
        stamped = and_(stamps.c.log == notes.c.log, stamps.c.seq == notes.c.seq, stamps.c.authority == authority)
        missing = (
            select(notes)
            .outerjoin(stamps, stamped)
            .where(notes.c.log == log, stamps.c.seq.is_(None))
            .order_by(notes.c.seq)
        )
        with transaction(self._engine, writes=False) as connection:
            return [NoteRow(**row) for row in connection.execute(missing).mappings()]

    def stamps(self, log: str, seq: int) -> Sequence[StampRow]:
        stamps = tables.stamps
        found = select(stamps).where(stamps.c.log == log, stamps.c.seq == seq).order_by(stamps.c.authority)
        with transaction(self._engine, writes=False) as connection:
            return [StampRow(**row) for row in connection.execute(found).mappings()]

    def add_stamp(self, stamp: StampRow) -> None:
        with transaction(self._engine, writes=True) as connection:
            new = dialect_insert(connection, tables.stamps).values(**asdict(stamp))
            connection.execute(new.on_conflict_do_nothing())
