"""The port of what apps are to be told: an outbox, filled in the transaction that ends a check."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class WebhookState(StrEnum):
    """Where a webhook stands."""

    PENDING = "pending"
    """Not tried yet, being tried, or to be tried again."""
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    """Tried often enough, or not wanted any more; `why` says which."""


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """One thing that one app is to be told once."""

    webhook_id: str
    booking_id: str
    access_id: str
    sealed: bytes
    """Where to and what. Blank once it was delivered, or its check was erased."""
    created_ms: int
    due_ms: int
    """Not tried before then: the next try, or while one runs the end of its lease."""
    state: WebhookState = WebhookState.PENDING
    attempts: int = 0
    why: str = ""
    """How the last try failed, as a code; never what the other side said."""
    ended_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one try came to."""

    state: WebhookState
    due_ms: int
    why: str = ""
    ended_ms: int | None = None


class WebhookStore(Protocol):
    """Every method is one transaction; errors are `StoreError`."""

    def claim_webhook(self, now_ms: int, lease_ms: int, apart_from: Collection[str]) -> WebhookRow | None:
        """Takes the pending webhook that is due longest, of no app in `apart_from` (access ids), and counts the try.

        Nobody else gets it until the lease is over: of parallel calls, in whatever process, exactly one.
        """

    def settle_webhook(self, webhook_id: str, attempts: int, end: Settlement) -> bool:
        """Writes down what try number `attempts` came to; False where another try has begun, or nothing is pending."""

    def webhook_of(self, booking_id: str) -> WebhookRow | None:
        """What the app of a booking is told of its end; None before it ended, or where nobody asked to be told."""

    def webhook(self, webhook_id: str) -> WebhookRow:
        """Raises `NotFound`."""

    def webhooks(self, state: WebhookState, most: int) -> Sequence[WebhookRow]:
        """Those in a state, the newest first."""

    def webhook_counts(self) -> Mapping[WebhookState, int]:
        """How many are in each state."""

    def retry_webhook(self, webhook_id: str, now_ms: int) -> bool:
        """Makes one that was given up pending again, with all its tries; False where its body is gone, or it was not."""
