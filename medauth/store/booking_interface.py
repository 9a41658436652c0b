"""The ports of what apps ask for over the network: who may ask, which checks were asked for, which tokens were used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from medauth.store.webhook_interface import WebhookRow


class BookingState(StrEnum):
    """Where a check that an app asked for stands. Each is attended once."""

    WAITING = "waiting"
    """Nobody came yet."""
    RUNNING = "running"
    DONE = "done"
    """It has a verdict."""
    FAILED = "failed"
    """It ended without one; `code` says why."""


class PasskeyState(StrEnum):
    """What came of asking for a passkey after a live verdict."""

    MISSING = "missing"
    """Nothing came in time."""
    FAILED = "failed"
    """What came does not hold."""
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """The same with what was verified. Fields are named as in a booking."""

    passkey_state: PasskeyState
    passkey_tag: bytes | None = None
    passkey_sign_count: int | None = None
    passkey_user_verified: bool | None = None
    passkey_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AccessRow:
    """An app that may ask: its key is kept as a keyed hash alone."""

    access_id: str
    name: str
    key_tag: bytes
    """32 bytes."""
    scopes: str
    """Names with spaces between, in order."""
    policies: str
    """Likewise."""
    created_ms: int
    revoked_ms: int | None = None
    callback_hosts: str = ""
    """Hosts that may be told how a check ended, likewise."""
    sandbox: bool = False
    """A key for the app's own tests: nothing that it asks for is real."""


@dataclass(frozen=True, slots=True)
class BookingRow:
    """A check that an app asked for. Whom it is about stands in `sealed`, which erasure blanks."""

    booking_id: str
    access_id: str
    idempotency_tag: bytes | None
    """32 bytes, a keyed hash of the app's own key for this request."""
    request_digest: bytes
    """32 bytes, a keyed hash of the request."""
    sealed: bytes
    policy: str
    created_ms: int
    expires_ms: int
    """Until then it may be begun."""
    state: BookingState = BookingState.WAITING
    check_id: str | None = None
    record_id: str | None = None
    outcome: str = ""
    """The verdict's decision, once there is one."""
    code: str = ""
    ended_ms: int | None = None
    sandbox: bool = False
    """Ends as its script says, not as a check."""
    passkey_state: str = ""
    """A `PasskeyState` once a passkey was asked for; empty where none was, or the verdict was not live."""
    passkey_tag: bytes | None = None
    """32 bytes, a keyed hash of the id of the credential that confirmed."""
    passkey_sign_count: int | None = None
    passkey_user_verified: bool | None = None
    """Whether the authenticator asked for a PIN or a biometric."""
    passkey_ms: int | None = None
    """When it confirmed."""


@dataclass(frozen=True, slots=True)
class BookingEnd:
    """What a check came to. Empty texts where there is nothing to say."""

    state: BookingState
    ended_ms: int
    record_id: str | None = None
    outcome: str = ""
    code: str = ""
    passkey: PasskeyAnswer | None = None


class AccessStore(Protocol):
    """Who may ask. Every method is one transaction; errors are `StoreError`."""

    def add_access(self, access: AccessRow) -> None: ...

    def access_of(self, key_tag: bytes) -> AccessRow | None:
        """The app with this key; None for a key that is unknown or was revoked."""

    def accesses(self) -> Sequence[AccessRow]:
        """All of them, revoked ones too, oldest first."""

    def revoke_access(self, access_id: str, now_ms: int) -> bool:
        """Revokes it, and gives up what it was to be told; False where there is none, or it was revoked before."""


class BookingStore(Protocol):
    """Checks that were asked for. Every method is one transaction; errors are `StoreError`."""

    def book(self, booking: BookingRow) -> BookingRow:
        """Keeps a booking; returns the earlier one where the app used the same idempotency tag before."""

    def booking(self, booking_id: str) -> BookingRow:
        """Raises `NotFound`."""

    def begin_booking(self, booking_id: str, now_ms: int) -> bool:
        """Takes a waiting booking that has not expired; of parallel calls exactly one succeeds."""

    def name_check(self, booking_id: str, check_id: str) -> None:
        """Which check was begun for a booking."""

    def end_booking(self, booking_id: str, end: BookingEnd, webhook: WebhookRow | None = None) -> bool:
        """Ends one that waits or runs, and keeps what its app is to be told of it; False where it ended before."""

    def overdue_bookings(self, before_ms: int) -> Sequence[BookingRow]:
        """Some that still wait or run although they had to be begun before then; those longest overdue first."""

    def blank_booking(self, booking_id: str) -> bool:
        """Forgets what was asked for and what is to be told, of one that ended and never became a check; False else."""

    def consume_token(self, jti: str, expires_ms: int, now_ms: int) -> bool:
        """Remembers a token's id until it expires; False when it was used before. Of parallel calls one succeeds."""
