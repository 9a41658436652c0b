"""The outbox in SQL. A webhook is claimed by moving its due time: who compares and sets it first has it until then."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from medauth.errors import NotFound
from medauth.store import tables
from medauth.store.database import transaction
from medauth.store.webhook_interface import Settlement, WebhookRow, WebhookState

_ERASED, _REVOKED = "erased", "revoked"


class SqlWebhooks:
    """`WebhookStore` over the mirror's database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim_webhook(self, now_ms: int, lease_ms: int, apart_from: Collection[str]) -> WebhookRow | None:
        webhooks = tables.webhooks
        pending = webhooks.c.state == WebhookState.PENDING.value
        due = select(webhooks).where(pending, webhooks.c.due_ms <= now_ms, webhooks.c.access_id.not_in(apart_from))
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(due.order_by(webhooks.c.due_ms).limit(1)).mappings().first()
        if row is None:
            return None
        claimed = {"due_ms": now_ms + lease_ms, "attempts": row["attempts"] + 1}
        unchanged = (webhooks.c.webhook_id == row["webhook_id"]) & (webhooks.c.due_ms == row["due_ms"]) & pending
        with transaction(self._engine, writes=True) as connection:
            won = connection.execute(update(webhooks).where(unchanged).values(**claimed)).rowcount == 1
        return _webhook({**row, **claimed}) if won else None

    def settle_webhook(self, webhook_id: str, attempts: int, end: Settlement) -> bool:
        webhooks = tables.webhooks
        mine = (webhooks.c.webhook_id == webhook_id) & (webhooks.c.attempts == attempts)
        values = asdict(end) | {"state": end.state.value}
        if end.state is WebhookState.DELIVERED:
            values["sealed"] = b""
        with transaction(self._engine, writes=True) as connection:
            settled = update(webhooks).where(mine, webhooks.c.state == WebhookState.PENDING.value).values(**values)
            return connection.execute(settled).rowcount == 1

    def webhook_of(self, booking_id: str) -> WebhookRow | None:
        found = select(tables.webhooks).where(tables.webhooks.c.booking_id == booking_id)
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(found).mappings().first()
        return None if row is None else _webhook(row)

    def webhook(self, webhook_id: str) -> WebhookRow:
        found = select(tables.webhooks).where(tables.webhooks.c.webhook_id == webhook_id)
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(found).mappings().first()
        if row is None:
            raise NotFound("no webhook under that id", next_step="see `medauth webhooks list`")
        return _webhook(row)

    def webhooks(self, state: WebhookState, most: int) -> Sequence[WebhookRow]:
        webhooks = tables.webhooks
        listed = select(webhooks).where(webhooks.c.state == state.value).order_by(webhooks.c.created_ms.desc())
        with transaction(self._engine, writes=False) as connection:
            return [_webhook(row) for row in connection.execute(listed.limit(most)).mappings()]

    def webhook_counts(self) -> Mapping[WebhookState, int]:
        states = tables.webhooks.c.state
        with transaction(self._engine, writes=False) as connection:
            found = connection.execute(select(states, func.count()).group_by(states)).all()
        return dict.fromkeys(WebhookState, 0) | {WebhookState(state): count for state, count in found}

    def retry_webhook(self, webhook_id: str, now_ms: int) -> bool:
        webhooks = tables.webhooks
        given_up = (webhooks.c.state == WebhookState.GIVEN_UP.value) & (func.length(webhooks.c.sealed) > 0)
        again = {"state": WebhookState.PENDING.value, "due_ms": now_ms, "attempts": 0, "why": "", "ended_ms": None}
        with transaction(self._engine, writes=True) as connection:
            retried = update(webhooks).where(webhooks.c.webhook_id == webhook_id, given_up).values(**again)
            return connection.execute(retried).rowcount == 1


def keep_webhook(connection: Connection, webhook: WebhookRow) -> None:
    """In the transaction of the end that it tells of. An app whose key was revoked meanwhile is told nothing."""
    accesses = tables.accesses
    revoked = select(accesses.c.revoked_ms).where(accesses.c.access_id == webhook.access_id)
    if connection.execute(revoked).scalar() is None:
        connection.execute(insert(tables.webhooks).values(**asdict(webhook) | {"state": webhook.state.value}))


def forget_webhooks(connection: Connection, of: Any) -> None:
    """Blanks what erased checks had to be told about; nothing of it is sent any more. `of` selects booking ids."""
    _give_up(connection, tables.webhooks.c.booking_id.in_(of), _ERASED)


def revoke_webhooks(connection: Connection, access_id: str) -> None:
    """Gives up what a revoked app was to be told."""
    _give_up(connection, tables.webhooks.c.access_id == access_id, _REVOKED)


def _give_up(connection: Connection, which: Any, why: str) -> None:
    webhooks = tables.webhooks
    connection.execute(update(webhooks).where(which).values(sealed=b""))
    pending = webhooks.c.state == WebhookState.PENDING.value
    connection.execute(update(webhooks).where(which, pending).values(state=WebhookState.GIVEN_UP.value, why=why))


def _webhook(row: Any) -> WebhookRow:
    return WebhookRow(**{**row, "state": WebhookState(row["state"])})
