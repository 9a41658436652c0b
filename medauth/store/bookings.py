"""What apps ask for over the network, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine, delete, select, update

from medauth.errors import NotFound
from medauth.store import tables
from medauth.store.booking_interface import AccessRow, BookingEnd, BookingRow, BookingState
from medauth.store.database import dialect_insert, transaction
from medauth.store.interface import ERASED
from medauth.store.webhook_interface import WebhookRow
from medauth.store.webhooks import forget_webhooks, keep_webhook, revoke_webhooks

_AT_ONCE = 100


class SqlBookings:
    """`AccessStore` and `BookingStore` over the mirror's database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_access(self, access: AccessRow) -> None:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(tables.accesses.insert().values(**asdict(access)))

    def access_of(self, key_tag: bytes) -> AccessRow | None:
        accesses = tables.accesses
        found = select(accesses).where(accesses.c.key_tag == key_tag, accesses.c.revoked_ms.is_(None))
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(found).mappings().first()
        return None if row is None else AccessRow(**row)

    def accesses(self) -> Sequence[AccessRow]:
        listed = select(tables.accesses).order_by(tables.accesses.c.created_ms, tables.accesses.c.access_id)
        with transaction(self._engine, writes=False) as connection:
            return [AccessRow(**row) for row in connection.execute(listed).mappings()]

    def revoke_access(self, access_id: str, now_ms: int) -> bool:
        accesses = tables.accesses
        revoked = update(accesses).where(accesses.c.access_id == access_id, accesses.c.revoked_ms.is_(None))
        with transaction(self._engine, writes=True) as connection:
            if connection.execute(revoked.values(revoked_ms=now_ms)).rowcount != 1:
                return False
            revoke_webhooks(connection, access_id)
            return True

    def book(self, booking: BookingRow) -> BookingRow:
        bookings = tables.bookings
        values = asdict(booking) | {"state": booking.state.value}
        with transaction(self._engine, writes=True) as connection:
            fresh = dialect_insert(connection, bookings).values(**values).on_conflict_do_nothing()
            # Asked for what was written: PostgreSQL's driver counts no rows of an insert like this one.
            if connection.execute(fresh.returning(bookings.c.booking_id)).first() is not None:
                return booking
            same = (bookings.c.access_id == booking.access_id) & (bookings.c.idempotency_tag == booking.idempotency_tag)
            return _booking(connection.execute(select(bookings).where(same)).mappings().one())

    def booking(self, booking_id: str) -> BookingRow:
        found = select(tables.bookings).where(tables.bookings.c.booking_id == booking_id)
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(found).mappings().first()
        if row is None:
            raise NotFound("no check was asked for under that id", expected="the id that creating it returned")
        return _booking(row)

    def begin_booking(self, booking_id: str, now_ms: int) -> bool:
        bookings = tables.bookings
        waits = (bookings.c.state == BookingState.WAITING.value) & (bookings.c.expires_ms > now_ms)
        begun = update(bookings).where(bookings.c.booking_id == booking_id, waits)
        with transaction(self._engine, writes=True) as connection:
            return connection.execute(begun.values(state=BookingState.RUNNING.value)).rowcount == 1

    def name_check(self, booking_id: str, check_id: str) -> None:
        named = update(tables.bookings).where(tables.bookings.c.booking_id == booking_id)
        with transaction(self._engine, writes=True) as connection:
            connection.execute(named.values(check_id=check_id))

    def end_booking(self, booking_id: str, end: BookingEnd, webhook: WebhookRow | None = None) -> bool:
        ended = update(tables.bookings).where(tables.bookings.c.booking_id == booking_id, _is_open())
        values = asdict(end) | {"state": end.state.value}
        values |= values.pop("passkey") or {}
        with transaction(self._engine, writes=True) as connection:
            if connection.execute(ended.values(**values)).rowcount != 1:
                return False
            if webhook is not None:
                keep_webhook(connection, webhook)
            return True

    def overdue_bookings(self, before_ms: int) -> Sequence[BookingRow]:
        bookings = tables.bookings
        overdue = select(bookings).where(_is_open(), bookings.c.expires_ms < before_ms)
        with transaction(self._engine, writes=False) as connection:
            listed = overdue.order_by(bookings.c.expires_ms).limit(_AT_ONCE)
            return [_booking(row) for row in connection.execute(listed).mappings()]

    def blank_booking(self, booking_id: str) -> bool:
        bookings = tables.bookings
        mine = (bookings.c.booking_id == booking_id) & bookings.c.check_id.is_(None)
        with transaction(self._engine, writes=True) as connection:
            blanked = update(bookings).where(mine, ~_is_open()).values(sealed=b"", request_digest=b"", outcome=ERASED)
            if connection.execute(blanked).rowcount != 1:
                return False
            forget_webhooks(connection, [booking_id])
            return True

    def consume_token(self, jti: str, expires_ms: int, now_ms: int) -> bool:
        tokens = tables.consumed_tokens
        with transaction(self._engine, writes=True) as connection:
            connection.execute(delete(tokens).where(tokens.c.expires_ms < now_ms))
            used = dialect_insert(connection, tokens).values(jti=jti, expires_ms=expires_ms).on_conflict_do_nothing()
            return connection.execute(used.returning(tokens.c.jti)).first() is not None


def _is_open() -> Any:
    return tables.bookings.c.state.in_((BookingState.WAITING.value, BookingState.RUNNING.value))


def _booking(row: object) -> BookingRow:
    values = dict(row)  # type: ignore[call-overload]  # a row's mapping
    return BookingRow(**values | {"state": BookingState(values["state"])})
