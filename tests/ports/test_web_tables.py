"""What the server remembers for apps: keys, bookings, used tokens and the outbox, over every database alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace

import pytest

from medauth.errors import NotFound
from medauth.store.booking_interface import (
    AccessRow,
    BookingEnd,
    BookingRow,
    BookingState,
    PasskeyAnswer,
    PasskeyState,
)
from medauth.store.bookings import SqlBookings
from medauth.store.interface import ERASED, LeafKind
from medauth.store.sql import SqlStore
from medauth.store.webhook_interface import Settlement, WebhookRow, WebhookState
from medauth.store.webhooks import SqlWebhooks
from tests.ports.test_store import begin, record

ACCESS = AccessRow("acc_1", "an app", b"t" * 32, "operator subject", "no-flash standard", 1_000)
BOOKING = BookingRow("bkg_1", "acc_1", b"i" * 32, b"d" * 32, b"sealed", "standard", 2**41, 2**41 + 900_000)
END = BookingEnd(BookingState.DONE, 2**41 + 60_000, record_id="evd_1", outcome="live")
HOOK = WebhookRow("whk_1", "bkg_1", "acc_1", b"sealed", 2**41, 2**41)
LEASE = 1_000


@pytest.fixture
def bookings(store: SqlStore) -> SqlBookings:
    return SqlBookings(store.engine)


@pytest.fixture
def outbox(store: SqlStore) -> SqlWebhooks:
    return SqlWebhooks(store.engine)


def ended(bookings: SqlBookings, hook: WebhookRow = HOOK) -> None:
    bookings.book(replace(BOOKING, booking_id=hook.booking_id, access_id=hook.access_id, idempotency_tag=None))
    assert bookings.end_booking(hook.booking_id, END, hook)


def test_a_key_is_found_by_its_tag_until_it_is_revoked(bookings: SqlBookings) -> None:
    kept = replace(ACCESS, callback_hosts="app.example:443", sandbox=True)
    bookings.add_access(kept)
    assert bookings.access_of(b"t" * 32) == kept
    assert bookings.access_of(b"u" * 32) is None
    assert bookings.revoke_access("acc_1", 2_000)
    assert not bookings.revoke_access("acc_1", 3_000)
    assert bookings.access_of(b"t" * 32) is None
    assert [row.revoked_ms for row in bookings.accesses()] == [2_000]


def test_a_booking_is_read_back_and_a_second_one_under_its_tag_is_the_first(bookings: SqlBookings) -> None:
    assert bookings.book(BOOKING) == BOOKING
    assert bookings.booking("bkg_1") == BOOKING
    assert bookings.book(replace(BOOKING, booking_id="bkg_2")) == BOOKING
    other = replace(BOOKING, booking_id="bkg_3", access_id="acc_2", sandbox=True)
    assert bookings.book(other) == other
    assert bookings.booking("bkg_3").sandbox
    with pytest.raises(NotFound):
        bookings.booking("bkg_2")


def test_of_many_at_once_one_books_one_begins_and_one_ends(bookings: SqlBookings) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda n: bookings.book(replace(BOOKING, booking_id=f"bkg_{n}")).booking_id, range(8)))
        assert len(set(kept)) == 1
        begun = list(pool.map(lambda _: bookings.begin_booking(kept[0], 2**41), range(8)))
        done = list(pool.map(lambda _: bookings.end_booking(kept[0], END), range(8)))
    assert (begun.count(True), done.count(True)) == (1, 1)
    row = bookings.booking(kept[0])
    assert (row.state, row.outcome, row.record_id) == (BookingState.DONE, "live", "evd_1")


def test_what_a_passkey_confirmed_is_kept_with_the_end_and_erased_with_the_check(
    bookings: SqlBookings, store: SqlStore
) -> None:
    answer = PasskeyAnswer(PasskeyState.VERIFIED, b"c" * 32, 2**32 - 1, True, 2**41 + 60_000)
    bookings.book(BOOKING)
    assert bookings.end_booking("bkg_1", replace(END, passkey=answer))
    assert not bookings.end_booking("bkg_1", replace(END, passkey=PasskeyAnswer(PasskeyState.FAILED)))
    row = bookings.booking("bkg_1")
    kept = (row.passkey_state, row.passkey_tag, row.passkey_sign_count, row.passkey_user_verified, row.passkey_ms)
    assert kept == astuple(answer)
    begin(store, "chk_1")
    bookings.name_check("bkg_1", "chk_1")
    store.erase_check("chk_1", replace(record("tmb_1"), kind=LeafKind.TOMBSTONE, blobs=()))
    assert (bookings.booking("bkg_1").passkey_tag, bookings.booking("bkg_1").passkey_sign_count) == (None, None)


def test_what_is_over_cannot_be_begun(bookings: SqlBookings) -> None:
    bookings.book(BOOKING)
    assert not bookings.begin_booking("bkg_1", BOOKING.expires_ms)
    assert bookings.begin_booking("bkg_1", BOOKING.expires_ms - 1)


def test_overdue_bookings_are_those_that_did_not_end(bookings: SqlBookings) -> None:
    for number in range(3):
        bookings.book(replace(BOOKING, booking_id=f"bkg_{number}", idempotency_tag=None, expires_ms=1_000 - number))
    bookings.end_booking("bkg_0", END)
    assert [row.booking_id for row in bookings.overdue_bookings(1_000)] == ["bkg_2", "bkg_1"]
    assert not bookings.overdue_bookings(998)


def test_a_token_is_used_once_of_many_at_once(bookings: SqlBookings) -> None:
    with ThreadPoolExecutor(8) as pool:
        used = list(pool.map(lambda _: bookings.consume_token("jti", 5_000, 1_000), range(8)))
    assert used.count(True) == 1
    assert bookings.consume_token("other", 5_000, 6_000)
    assert bookings.consume_token("jti", 9_000, 6_000), "an expired one is forgotten: nothing takes it any more"


def test_what_is_to_be_told_is_kept_with_the_end_or_not_at_all(bookings: SqlBookings, outbox: SqlWebhooks) -> None:
    ended(bookings)
    assert outbox.webhook_of("bkg_1") == outbox.webhook("whk_1") == HOOK
    assert not bookings.end_booking("bkg_1", END, replace(HOOK, webhook_id="whk_2"))
    assert outbox.webhook_counts() == {
        WebhookState.PENDING: 1,
        WebhookState.DELIVERED: 0,
        WebhookState.GIVEN_UP: 0,
    }
    with pytest.raises(NotFound):
        outbox.webhook("whk_2")


def test_a_webhook_is_tried_by_one_of_many_at_once_and_by_the_next_after_its_lease(
    bookings: SqlBookings, outbox: SqlWebhooks
) -> None:
    ended(bookings)
    assert outbox.claim_webhook(HOOK.due_ms - 1, LEASE, ()) is None
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda _: outbox.claim_webhook(HOOK.due_ms, LEASE, ()), range(8)))
    (mine,) = [row for row in claimed if row is not None]
    assert (mine.attempts, mine.due_ms) == (1, HOOK.due_ms + LEASE)
    assert outbox.claim_webhook(HOOK.due_ms + LEASE - 1, LEASE, ()) is None
    second = outbox.claim_webhook(HOOK.due_ms + LEASE, LEASE, ())
    assert second is not None
    delivered = Settlement(WebhookState.DELIVERED, 0, ended_ms=1)
    assert not outbox.settle_webhook("whk_1", mine.attempts, delivered)
    assert outbox.settle_webhook("whk_1", second.attempts, delivered)
    assert outbox.webhook("whk_1").sealed == b""
    assert not outbox.retry_webhook("whk_1", 0)


def test_the_one_due_longest_comes_first_and_busy_apps_are_left_out(bookings: SqlBookings, outbox: SqlWebhooks) -> None:
    for number, app in ((1, "acc_1"), (2, "acc_2"), (3, "acc_1")):
        ended(
            bookings,
            replace(HOOK, webhook_id=f"whk_{number}", booking_id=f"bkg_{number}", access_id=app, due_ms=number),
        )
    first = outbox.claim_webhook(10, LEASE, ())
    second = outbox.claim_webhook(10, LEASE, {"acc_1"})
    assert first is not None
    assert second is not None
    assert (first.webhook_id, second.webhook_id) == ("whk_1", "whk_2")
    assert outbox.claim_webhook(10, LEASE, {"acc_1", "acc_2"}) is None


def test_one_that_was_given_up_may_be_tried_again(bookings: SqlBookings, outbox: SqlWebhooks) -> None:
    ended(bookings)
    claimed = outbox.claim_webhook(HOOK.due_ms, LEASE, ())
    assert claimed is not None
    assert outbox.settle_webhook("whk_1", 1, Settlement(WebhookState.GIVEN_UP, 0, "status-500", 7))
    assert [row.why for row in outbox.webhooks(WebhookState.GIVEN_UP, 10)] == ["status-500"]
    assert outbox.retry_webhook("whk_1", HOOK.due_ms)
    assert outbox.webhook("whk_1") == HOOK


def test_erasing_a_check_takes_its_booking_and_what_was_to_be_told(
    store: SqlStore, bookings: SqlBookings, outbox: SqlWebhooks
) -> None:
    begin(store)
    store.conclude_check("chk_1", record("evd_1"), 5_000)
    bookings.book(BOOKING)
    bookings.name_check("bkg_1", "chk_1")
    bookings.end_booking("bkg_1", END, HOOK)
    ended(bookings, replace(HOOK, webhook_id="whk_2", booking_id="bkg_2"))
    store.erase_check("chk_1", replace(record("tmb_1"), kind=LeafKind.TOMBSTONE, blobs=()))
    row, hook = bookings.booking("bkg_1"), outbox.webhook("whk_1")
    assert (row.sealed, row.request_digest, row.outcome) == (b"", b"", ERASED)
    assert (hook.sealed, hook.state, hook.why) == (b"", WebhookState.GIVEN_UP, "erased")
    assert outbox.webhook("whk_2").state is WebhookState.PENDING
    store.wipe()


def test_what_never_became_a_check_can_be_blanked_once_it_ended(bookings: SqlBookings, outbox: SqlWebhooks) -> None:
    bookings.book(BOOKING)
    assert not bookings.blank_booking("bkg_1"), "it waits"
    bookings.end_booking("bkg_1", END, HOOK)
    assert bookings.blank_booking("bkg_1")
    assert (bookings.booking("bkg_1").sealed, outbox.webhook("whk_1").sealed) == (b"", b"")
    bookings.book(replace(BOOKING, booking_id="bkg_2", idempotency_tag=None))
    bookings.name_check("bkg_2", "chk_1")
    bookings.end_booking("bkg_2", END)
    assert not bookings.blank_booking("bkg_2"), "a check is erased with its tombstone"


def test_a_revoked_app_is_told_nothing_of_what_ends_later(bookings: SqlBookings, outbox: SqlWebhooks) -> None:
    bookings.add_access(ACCESS)
    ended(bookings)
    bookings.revoke_access("acc_1", 1)
    ended(bookings, replace(HOOK, webhook_id="whk_2", booking_id="bkg_2"))
    assert outbox.webhook("whk_1").why == "revoked"
    assert outbox.webhook_of("bkg_2") is None
