"""Webhooks are delivered: once at least, each by one at a time, again and again for a day, then given up.

An app may be down for hours; what it missed waits in the outbox. A try is claimed before it is made and written down
after: who dies between the two leaves it to the next one, so an app may be told twice, under the same id.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from medauth.delivery.interface import Answer, Courier, NotDelivered, Parcel
from medauth.errors import EvidenceError
from medauth.evidence.sealing import seal, unseal
from medauth.evidence.signing import KeyPurpose
from medauth.evidence.webhook import DONE, FAILED, WebhookEvent, webhook_headers
from medauth.protocol.canonical import canonical, parse_object
from medauth.protocol.random_steps import RandomBelow
from medauth.service.records import new_id
from medauth.store.booking_interface import BookingEnd, BookingRow, BookingState
from medauth.store.interface import Keyring
from medauth.store.webhook_interface import Settlement, WebhookRow, WebhookState, WebhookStore

MOST_ATTEMPTS = 10
FIRST_WAIT_MS, GROWTH, LONGEST_WAIT_MS = 5_000, 4, 6 * 3_600_000
"""Waits of 5 s, 20 s, 80 s, ... up to six hours: about 20 hours in all, of which chance takes up to half."""
LEASE_MS = 120_000
"""Longer than any try takes (`delivery/https.py`), with a slow look-up of the name."""
_GONE = 410
_SEALED_AS = "webhook"

OnTry = Callable[[str], None]
"""`delivered`, or why a try failed: for figures."""


def webhook_for(booking: BookingRow, end: BookingEnd, callback: str, keyring: Keyring) -> WebhookRow:
    """What the app of a booking is to be told of its end, sealed until it was."""
    event = WebhookEvent(
        type=DONE if end.state is BookingState.DONE else FAILED,
        webhook=new_id("whk"),
        audience=booking.access_id,
        check=booking.booking_id,
        state=end.state.value,
        policy=booking.policy,
        outcome=end.outcome or None,
        code=end.code or None,
        evidence_id=end.record_id,
        ended_ms=end.ended_ms,
        sandbox=booking.sandbox,
    )
    told = canonical({"url": callback, "body": event.to_bytes().decode()})
    sealed = seal(keyring.secret("webhooks"), told, record_id=event.webhook, name=_SEALED_AS)
    return WebhookRow(event.webhook, event.check, event.audience, sealed, end.ended_ms, end.ended_ms)


def wait_ms(attempts: int, randbelow: RandomBelow) -> int:
    """How long after the try of that number: it grows, and half of it is chance, so that what failed at one moment does
    not all come back at one other (M. Brooker, "Exponential backoff and jitter", AWS Architecture Blog, 2015)."""
    longest: int = min(LONGEST_WAIT_MS, FIRST_WAIT_MS * GROWTH ** (attempts - 1))
    return longest // 2 + randbelow(longest // 2 + 1)


class Webhooks:
    """Empties the outbox. Thread-safe; several threads and processes may be at it. Over ports."""

    def __init__(
        self,
        store: WebhookStore,
        keyring: Keyring,
        courier: Courier,
        *,
        now_ms: Callable[[], int],
        randbelow: RandomBelow,
        on_try: OnTry = lambda _: None,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._courier = courier
        self._now_ms = now_ms
        self._randbelow = randbelow
        self._on_try = on_try
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def deliver_next(self) -> bool:
        """Makes one try that is due, if there is one; False where there is none.

        Of one app one at a time: who answers slowly keeps one thread waiting, not all.
        """
        with self._lock:
            row = self._store.claim_webhook(self._now_ms(), LEASE_MS, self._busy)
            if row is None:
                return False
            self._busy.add(row.access_id)
        try:
            why, answer = self._tried(row)
            self._settle(row, why, answer)
        finally:
            with self._lock:
                self._busy.discard(row.access_id)
        return True

    def deliver_due(self) -> int:
        """Makes every try that is due now; how many there were."""
        count = 0
        while self.deliver_next():
            count += 1
        return count

    def counts(self) -> Mapping[WebhookState, int]:
        """How many are in each state."""
        return self._store.webhook_counts()

    def _tried(self, row: WebhookRow) -> tuple[str, Answer | None]:
        """Why it failed, empty where it did not, and what the other side said, if anything."""
        try:
            answer = self._courier.deliver(self._parcel(row))
        except NotDelivered as error:
            return error.why, None
        except EvidenceError:
            return "altered", None
        is_taken = 200 <= answer.status < 300  # noqa: PLR2004 - RFC 9110, 15.3
        return ("" if is_taken else f"status-{answer.status}"), answer

    def _parcel(self, row: WebhookRow) -> Parcel:
        """Signed anew in each try: by the key of now, with the time of now."""
        told = parse_object(
            unseal(self._keyring.secret("webhooks"), row.sealed, record_id=row.webhook_id, name=_SEALED_AS)
        )
        body = str(told["body"]).encode()
        key = self._keyring.signing_key(KeyPurpose.WEBHOOKS)
        return Parcel(str(told["url"]), webhook_headers(row.webhook_id, self._now_ms() // 1_000, body, key), body)

    def _settle(self, row: WebhookRow, why: str, answer: Answer | None) -> None:
        self._on_try(why or "delivered")
        now = self._now_ms()
        if not why:
            end = Settlement(WebhookState.DELIVERED, now, "", now)
        elif row.attempts >= MOST_ATTEMPTS or (answer is not None and answer.status == _GONE):
            end = Settlement(WebhookState.GIVEN_UP, now, why, now)
        else:
            asked_ms = 1_000 * answer.retry_after_s if answer is not None else 0
            end = Settlement(WebhookState.PENDING, now + max(asked_ms, wait_ms(row.attempts, self._randbelow)), why)
        self._store.settle_webhook(row.webhook_id, row.attempts, end)
