"""Contracts of a log in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from medauth.errors import StoreError
from medauth.store import tables
from medauth.store.database import dialect_insert, transaction
from medauth.store.epoch_interface import ChainIdentityRow, EpochRow


class SqlEpochs:
    """`EpochStore` over a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def chain_identity(self, log: str) -> ChainIdentityRow | None:
        with transaction(self._engine, writes=False) as connection:
            return _pinned(connection, log)

    def pin_chain_identity(self, identity: ChainIdentityRow) -> None:
        with transaction(self._engine, writes=True) as connection:
            new = dialect_insert(connection, tables.chain_identities).values(**asdict(identity))
            connection.execute(new.on_conflict_do_nothing())
        pinned = self.chain_identity(identity.log)
        if pinned is not None and pinned != identity:
            raise _pinned_elsewhere(pinned, identity)

    def epochs(self, log: str) -> Sequence[EpochRow]:
        epochs = tables.epochs
        with transaction(self._engine, writes=False) as connection:
            found = select(epochs).where(epochs.c.log == log).order_by(epochs.c.number)
            rows = connection.execute(found).mappings().all()
        return [_epoch(row) for row in rows]

    def begin_epoch(self, closed: EpochRow, identity: ChainIdentityRow) -> None:
        identities = tables.chain_identities
        with transaction(self._engine, writes=True) as connection:
            moved = connection.execute(
                update(identities)
                .where(identities.c.log == identity.log, identities.c.address == closed.identity.address)
                .values(**asdict(identity))
            )
            if moved.rowcount:
                values = asdict(closed)
                connection.execute(insert(tables.epochs).values(**values.pop("identity"), **values))
                return
            pinned = _pinned(connection, identity.log)
        if pinned != identity:
            raise _pinned_elsewhere(pinned, closed.identity)

    def contract_over(self, log: str, size: int) -> ChainIdentityRow | None:
        left = (epoch.identity for epoch in self.epochs(log) if size <= epoch.size)
        return next(left, None) or self.chain_identity(log)


def _pinned(connection: Connection, log: str) -> ChainIdentityRow | None:
    identities = tables.chain_identities
    row = connection.execute(select(identities).where(identities.c.log == log)).mappings().first()
    return ChainIdentityRow(**row) if row else None


def _epoch(row: Any) -> EpochRow:
    values = dict(row)
    number, size, root = values.pop("number"), values.pop("size"), values.pop("root")
    return EpochRow(ChainIdentityRow(**values), number, size, root)


def _pinned_elsewhere(pinned: ChainIdentityRow | None, other: ChainIdentityRow) -> StoreError:
    found = f"contract {pinned.address} on chain {pinned.chain_id}" if pinned else "no contract"
    return StoreError(
        f"log {other.log} is pinned to {found}",
        expected=f"{other.address} on chain {other.chain_id}",
        next_step="restore the chain, or begin a new log",
    )
