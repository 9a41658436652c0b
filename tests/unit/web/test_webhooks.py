"""What an app is told: once a check ended, again until it is taken, never to a host that was not registered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from medauth.bootstrap import Medauth
from medauth.delivery.interface import Answer, NotDelivered, Parcel
from medauth.errors import EvidenceError, StoreError
from medauth.evidence.signing import KeyPurpose
from medauth.evidence.token import keys_in
from medauth.evidence.webhook import WebhookEvent, public_form, verify_webhook
from medauth.service.access import Scope
from medauth.service.booking import WAITING_MS
from medauth.service.webhooks import LEASE_MS, LONGEST_WAIT_MS, MOST_ATTEMPTS, Webhooks, wait_ms
from medauth.serving import accesses_of, outbox_of
from medauth.store.webhook_interface import Settlement, WebhookState
from medauth.store.webhooks import SqlWebhooks
from medauth.web.factory import create_app
from tests.unit.web.conftest import Key
from tests.unit.web.people import Host
from tests.unit.web.test_api import created, told

HOOK = "https://app.example/hook"
HOSTS = ("app.example",)


class Postman:
    """A courier that keeps what it was given and says what the test says."""

    def __init__(self, *answers: Answer | NotDelivered) -> None:
        self.answers = list(answers)
        self.parcels: list[Parcel] = []

    def deliver(self, parcel: Parcel) -> Answer:
        self.parcels.append(parcel)
        answer = self.answers.pop(0) if self.answers else Answer(204)
        if isinstance(answer, NotDelivered):
            raise answer
        return answer


class Office:
    """The outbox of an app over a clock that the test moves."""

    def __init__(self, auth: Medauth, postman: Postman) -> None:
        self.now = auth.sources.now_ms() + 10_000_000
        self.tries: list[str] = []
        self.webhooks = Webhooks(
            outbox_of(auth),
            auth.keyring,
            postman,
            now_ms=lambda: self.now,
            randbelow=lambda bound: bound - 1,
            on_try=self.tries.append,
        )


@pytest.fixture
def post(auth: Medauth) -> Callable[..., tuple[Office, Postman]]:
    def _post(*answers: Answer | NotDelivered) -> tuple[Office, Postman]:
        postman = Postman(*answers)
        return Office(auth, postman), postman

    return _post


Post = Callable[..., tuple[Office, Postman]]


def ended(client: FlaskClient, host: Host, headers: dict[str, str], callback: str = HOOK) -> Any:
    """A check that somebody passed, as its app sees it."""
    booked = created(client, headers, callback=callback)
    host.serve(host.page(booked["session"]))
    return told(client.get(f"/api/v1/checks/{booked['id']}", headers=headers))


def read(client: FlaskClient, parcel: Parcel, audience: str, **more: Any) -> WebhookEvent:
    """As the app reads it, with the keys that the server publishes."""
    keys = keys_in(told(client.get("/.well-known/webhook-keys.json")), KeyPurpose.WEBHOOKS).values()
    at = int(parcel.headers["webhook-timestamp"])
    return verify_webhook(parcel.headers, parcel.body, keys=keys, expected_audience=audience, now_s=at, **more)


def audience(auth: Medauth) -> str:
    return accesses_of(auth).listed()[-1].access_id


def test_an_app_is_told_once_what_its_check_came_to(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, post: Post
) -> None:
    office, postman = post()
    headers = key(callback_hosts=HOSTS)
    state = ended(client, host, headers)
    assert (state["webhook"]["state"], state["webhook"]["attempts"]) == ("pending", 0)
    assert office.webhooks.deliver_due() == 1
    (parcel,) = postman.parcels
    event = read(client, parcel, audience(auth))
    assert (parcel.url, event.type, event.check) == (HOOK, "check.done", state["id"])
    assert (event.outcome, event.evidence_id, event.sandbox) == ("live", state["evidence_id"], False)
    assert b"user-42" not in parcel.body
    after = told(client.get(f"/api/v1/checks/{state['id']}", headers=headers))["webhook"]
    assert after | {"id": ""} == {"id": "", "state": "delivered", "attempts": 1, "due_ms": None, "why": None}
    office.now += LONGEST_WAIT_MS
    assert office.webhooks.deliver_due() == 0
    assert outbox_of(auth).webhook(event.webhook).sealed == b"", "what was told is kept no longer"


def test_who_asked_for_no_webhook_gets_none(client: FlaskClient, host: Host, key: Key, post: Post) -> None:
    office, _postman = post()
    headers = key(callback_hosts=HOSTS)
    booked = created(client, headers)
    host.serve(host.page(booked["session"]))
    assert told(client.get(f"/api/v1/checks/{booked['id']}", headers=headers))["webhook"] is None
    assert office.webhooks.deliver_due() == 0


def test_a_check_that_ends_without_a_verdict_is_told_too(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, post: Post
) -> None:
    office, postman = post()
    booked = created(client, key(callback_hosts=HOSTS), callback=HOOK)
    host.serve(host.page(booked["session"], spoil={5: "no frame"}))
    office.webhooks.deliver_due()
    event = read(client, postman.parcels[0], audience(auth))
    assert (event.type, event.code, event.outcome, event.evidence_id) == ("check.failed", "refused", None, None)


@pytest.mark.parametrize(
    ("callback", "status"),
    [
        ("http://app.example/hook", 400),
        ("https://app.example@other.example/", 400),
        ("app.example", 400),
        ("https://other.example/hook", 403),
        ("https://app.example.other.example/hook", 403),
        ("https://app.example:444/", 403),
        ("", 201),
    ],
)
def test_only_registered_hosts_are_told_and_only_by_https(
    client: FlaskClient, key: Key, callback: str, status: int
) -> None:
    response = client.post(
        "/api/v1/checks",
        json={"subject": "s", "purpose": "p", "policy": "standard", "callback": callback},
        headers=key(callback_hosts=HOSTS),
    )
    assert response.status_code == status


def test_a_key_without_hosts_may_name_none(client: FlaskClient, key: Key) -> None:
    asked = {"subject": "s", "purpose": "p", "policy": "standard", "callback": HOOK}
    response = client.post("/api/v1/checks", json=asked, headers=key())
    assert (response.status_code, told(response)["code"]) == (403, "callback")
    assert "callback-host" in told(response)["detail"]


def test_waits_grow_and_half_of_each_is_chance() -> None:
    longest = [wait_ms(attempt, lambda bound: bound - 1) for attempt in range(1, MOST_ATTEMPTS)]
    shortest = [wait_ms(attempt, lambda _: 0) for attempt in range(1, MOST_ATTEMPTS)]
    assert longest == [5_000, 20_000, 80_000, 320_000, 1_280_000, 5_120_000, 20_480_000, 21_600_000, 21_600_000]
    assert shortest == [wait // 2 for wait in longest]


def test_what_is_not_taken_is_tried_again_later_and_given_up_at_last(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, post: Post
) -> None:
    office, postman = post(*[NotDelivered("no-answer"), Answer(500)] * MOST_ATTEMPTS)
    headers = key(callback_hosts=HOSTS)
    state = ended(client, host, headers)
    times: list[int] = []
    row = outbox_of(auth).webhook_of(state["id"])
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert office.webhooks.deliver_due() == 1
        times.append(int(postman.parcels[-1].headers["webhook-timestamp"]))
        row = outbox_of(auth).webhook_of(state["id"])
        assert row is not None
        assert row.why == ("status-500" if attempt % 2 == 0 else "no-answer")
        if attempt < MOST_ATTEMPTS:
            assert row.due_ms - office.now == wait_ms(attempt, lambda bound: bound - 1)
            office.now = row.due_ms - 1
            assert office.webhooks.deliver_due() == 0
            office.now += 1
    assert times == sorted(set(times)), "each try is signed anew, with its own time"
    assert row is not None
    assert {parcel.headers["webhook-id"] for parcel in postman.parcels} == {row.webhook_id}
    assert len({parcel.body for parcel in postman.parcels}) == 1
    assert row.state is WebhookState.GIVEN_UP
    office.now += 10 * LONGEST_WAIT_MS
    assert office.webhooks.deliver_due() == 0
    assert outbox_of(auth).retry_webhook(row.webhook_id, office.now)
    assert office.webhooks.deliver_due() == 1
    assert office.tries.count("status-500") == MOST_ATTEMPTS // 2


def test_who_says_gone_is_asked_no_more_and_who_asks_for_time_gets_it(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, post: Post
) -> None:
    office, _ = post(Answer(503, 3_600), Answer(410))
    state = ended(client, host, key(callback_hosts=HOSTS))
    office.webhooks.deliver_due()
    row = outbox_of(auth).webhook_of(state["id"])
    assert row is not None
    assert row.due_ms - office.now == 3_600_000
    office.now = row.due_ms
    office.webhooks.deliver_due()
    row = outbox_of(auth).webhook_of(state["id"])
    assert row is not None
    assert (row.state, row.why) == (WebhookState.GIVEN_UP, "status-410")


def test_a_try_whose_process_died_is_made_by_the_next_one_after_its_lease(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, post: Post
) -> None:
    office, _postman = post()
    state = ended(client, host, key(callback_hosts=HOSTS))
    store = outbox_of(auth)
    dead = store.claim_webhook(office.now, LEASE_MS, ())
    assert dead is not None
    assert office.webhooks.deliver_due() == 0
    office.now += LEASE_MS
    assert office.webhooks.deliver_due() == 1
    late = Settlement(WebhookState.PENDING, 0, "late")
    assert not store.settle_webhook(dead.webhook_id, dead.attempts, late), "the dead one has no say any more"
    assert told(client.get(f"/api/v1/checks/{state['id']}", headers=key(Scope.OPERATOR)))["webhook"]["attempts"] == 2


def test_an_app_that_answers_slowly_keeps_no_other_waiting(
    client: FlaskClient, host: Host, key: Key, auth: Medauth
) -> None:
    slow, fast = key(callback_hosts=("slow.example",)), key(callback_hosts=HOSTS)
    for _ in range(3):
        ended(client, host, slow, "https://slow.example/")
    ended(client, host, fast)
    told_fast, go = threading.Event(), threading.Event()
    most = [0, 0]

    class Slowly:
        def deliver(self, parcel: Parcel) -> Answer:
            if parcel.url == HOOK:
                told_fast.set()
                return Answer(200)
            most[0] += 1
            most[1] = max(most)
            assert go.wait(10)
            most[0] -= 1
            return Answer(200)

    office = Office(auth, Slowly())  # type: ignore[arg-type]  # of the same form
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(office.webhooks.deliver_next)
        second = pool.submit(office.webhooks.deliver_due)
        assert told_fast.wait(10)
        go.set()
        assert first.result()
        assert second.result() >= 1
    office.webhooks.deliver_due()
    assert most == [0, 1], "one at a time of one app"
    assert office.webhooks.counts()[WebhookState.DELIVERED] == 4


def test_a_revoked_app_is_told_nothing_any_more(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, post: Post
) -> None:
    office, _postman = post()
    headers = key(callback_hosts=HOSTS)
    state = ended(client, host, headers)
    running = created(client, headers, callback=HOOK)
    assert accesses_of(auth).revoke(audience(auth))
    host.serve(host.page(running["session"]))
    assert office.webhooks.deliver_due() == 0
    row = outbox_of(auth).webhook_of(state["id"])
    assert row is not None
    assert (row.state, row.why, row.sealed) == (WebhookState.GIVEN_UP, "revoked", b"")
    assert outbox_of(auth).webhook_of(running["id"]) is None


def test_with_the_record_goes_what_was_to_be_told_of_it(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, post: Post
) -> None:
    office, _postman = post(Answer(500))
    headers = key(*Scope, callback_hosts=HOSTS)
    state = ended(client, host, headers)
    office.webhooks.deliver_due()
    assert client.delete(f"/api/v1/checks/{state['id']}", headers=headers).status_code == 200
    office.now += LONGEST_WAIT_MS
    assert office.webhooks.deliver_due() == 0
    row = outbox_of(auth).webhook_of(state["id"])
    assert row is not None
    assert (row.state, row.why, row.sealed) == (WebhookState.GIVEN_UP, "erased", b"")
    assert not outbox_of(auth).retry_webhook(row.webhook_id, office.now)


def test_what_waits_can_be_read_by_nobody_without_the_master_key_and_not_be_altered(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, post: Post
) -> None:
    office, postman = post()
    state = ended(client, host, key(callback_hosts=HOSTS))
    store = outbox_of(auth)
    row = store.webhook_of(state["id"])
    assert row is not None
    assert b"app.example" not in row.sealed
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE webhooks SET sealed = ?", (row.sealed[:-1] + b"x",))
    office.webhooks.deliver_due()
    assert postman.parcels == []
    assert office.tries == ["altered"]


def test_a_check_nobody_came_to_ends_and_its_app_is_told(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, post: Post
) -> None:
    office, postman = post()
    headers = key(callback_hosts=HOSTS)
    booked = created(client, headers, callback=HOOK)
    host.server.wall.ms = booked["created_ms"] + WAITING_MS - 1
    assert host.bookings.lapse() == 0
    host.server.wall.ms += 2
    assert host.bookings.lapse() == 1
    assert host.bookings.lapse() == 0
    office.now += WAITING_MS
    office.webhooks.deliver_due()
    event = read(client, postman.parcels[0], audience(auth))
    assert (event.type, event.code) == ("check.failed", "expired")
    assert host.serve(host.page(booked["session"])).told[-1] == {"type": "failed", "code": "refused"}


def test_what_was_asked_for_in_vain_can_be_erased(client: FlaskClient, host: Host, key: Key, auth: Medauth) -> None:
    headers = key(*Scope, callback_hosts=HOSTS)
    booked = created(client, headers, callback=HOOK)
    where = f"/api/v1/checks/{booked['id']}"
    assert client.delete(where, headers=headers).status_code == 409, "somebody may still come"
    host.server.wall.ms = booked["expires_ms"] + 1
    host.bookings.lapse()
    assert told(client.delete(where, headers=headers)) == {
        "tombstone": None,
        "leaf_index": None,
        "erased": [booked["id"]],
    }
    assert host.bookings.booking(booked["id"]).row.sealed == b""
    assert told(client.get(where, headers=headers))["outcome"] == "erased"
    row = outbox_of(auth).webhook_of(booked["id"])
    assert row is not None
    assert (row.sealed, row.why) == (b"", "erased")


def test_a_check_whose_process_died_ends_once_it_cannot_run_any_more(
    client: FlaskClient, host: Host, key: Key, auth: Medauth
) -> None:
    booked = created(client, key())
    host.server.wall.ms = booked["created_ms"] + 1
    assert host.bookings.begin(host.bookings.attended(booked["session"]))
    host.server.wall.ms = booked["expires_ms"] + 300_000
    assert host.bookings.lapse() == 0
    host.server.wall.ms += 61_000
    assert host.bookings.lapse() == 1
    row = host.bookings.booking(booked["id"]).row
    assert (row.state.value, row.code) == ("failed", "connection_lost")


def test_checks_that_nobody_came_to_end_also_while_much_is_to_be_told(
    app: Flask, client: FlaskClient, host: Host, key: Key, post: Post
) -> None:
    office, _ = post()
    outbox, headers = app.extensions["medauth.outbox"], key(callback_hosts=HOSTS)
    outbox._webhooks, lapse, lapsed = office.webhooks, outbox._bookings.lapse, []
    outbox._bookings.lapse = lambda: lapsed.append(lapse())
    for _ in range(3):
        ended(client, host, headers)
    outbox.look(first=True)
    assert len(lapsed) == 4


def test_the_server_tells_by_itself_and_says_how_it_goes(
    app: Flask, client: FlaskClient, host: Host, key: Key, post: Post
) -> None:
    office, postman = post()
    app.extensions["medauth.outbox"]._webhooks = office.webhooks
    ended(client, host, key(callback_hosts=HOSTS))
    assert 'medauth_webhooks{state="pending"} 1.0' in client.get("/metrics").text
    app.extensions["medauth.outbox"].look(first=True)
    assert len(postman.parcels) == 1
    figures = client.get("/metrics").text
    assert 'medauth_webhooks{state="pending"} 0.0' in figures
    assert 'medauth_webhooks{state="delivered"} 1.0' in figures


def test_the_published_key_is_the_one_that_signs_and_no_other(client: FlaskClient, auth: Medauth) -> None:
    keys = told(client.get("/.well-known/webhook-keys.json"))["keys"]
    tokens = told(client.get("/.well-known/jwks.json"))["keys"]
    assert [entry["kid"] for entry in keys] == [auth.keyring.signing_key(KeyPurpose.WEBHOOKS).verify_key.key_id]
    shown = told(client.get("/.well-known/webhook-keys.json"))["standard_webhooks"]
    assert shown == [public_form(auth.keyring.signing_key(KeyPurpose.WEBHOOKS).verify_key)]
    assert {entry["x"] for entry in keys}.isdisjoint(entry["x"] for entry in tokens)


def test_what_was_told_to_one_app_is_refused_by_another(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, post: Post
) -> None:
    office, postman = post()
    ended(client, host, key(callback_hosts=HOSTS))
    office.webhooks.deliver_due()
    key(callback_hosts=HOSTS)
    others: Mapping[str, str] = {row.access_id: row.name for row in accesses_of(auth).listed()}
    refused = 0
    for one in others:
        try:
            read(client, postman.parcels[0], one)
        except EvidenceError:
            refused += 1
    assert refused == len(others) - 1


def test_figures_are_told_though_the_mirror_counts_no_webhooks(auth: Medauth, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> Mapping[WebhookState, int]:
        raise StoreError("the database does not answer")

    monkeypatch.setattr(SqlWebhooks, "webhook_counts", broken)
    figures = create_app(auth).test_client().get("/metrics")  # the method is taken when the app is made
    assert figures.status_code == 200
    assert 'medauth_webhooks{state="pending"} NaN' in figures.text
