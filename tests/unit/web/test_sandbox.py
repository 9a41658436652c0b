"""Scripted outcomes for an app's tests: every one of them, and none that could be taken for a check."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from medauth.bootstrap import Medauth
from medauth.protocol.verdict import Decision
from medauth.service.access import SANDBOX_PREFIX, Scope
from medauth.service.sandbox import CODES, OUTCOMES, PROBLEMS
from medauth.serving import accesses_of, bookings_of, tokens_of
from medauth.store.booking_interface import BookingState
from medauth.web.attendance import FailureCode
from medauth.web.callers import Callers
from medauth.web.limits import Limit
from medauth.web.live import PLAYING_AT_ONCE
from medauth.web.problems import Problem
from tests.unit.web.conftest import Key
from tests.unit.web.people import Host, Page
from tests.unit.web.test_api import ASK, created, told
from tests.unit.web.test_webhooks import HOOK, HOSTS, Post, audience, post, read

__all__ = ["post"]


def played(client: FlaskClient, headers: dict[str, str], script: dict[str, Any], **more: Any) -> Any:
    booked = created(client, headers, sandbox=script, **more)
    return told(client.post(f"/api/v1/checks/{booked['id']}/sandbox", headers=headers))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_verdict_can_be_had_and_is_marked(client: FlaskClient, key: Key, auth: Medauth, outcome: str) -> None:
    headers = key(*Scope, sandbox=True)
    state = played(client, headers, {"outcome": outcome, "reasons": ["presentation_attack.screen"]})
    assert (state["state"], state["outcome"], state["sandbox"]) == ("done", outcome, True)
    assert state["id"].startswith("sbx_")
    assert (state["token"], state["evidence_id"]) == (None, None)
    where = f"/api/v1/checks/{state['id']}"
    result = told(client.get(where + "/result", headers=headers))
    assert result["sandbox"] is True
    assert result["verdict"]["decision"] == outcome
    assert [reason["code"] for reason in result["verdict"]["reasons"]] == ["presentation_attack.screen"]
    evidence = client.get(where + "/evidence", headers=headers)
    assert (evidence.status_code, told(evidence)["code"]) == (409, "sandbox")
    assert not list(auth.store.logs()), "no record, no leaf"


@pytest.mark.parametrize("code", CODES)
def test_every_error_can_be_had(client: FlaskClient, key: Key, code: str) -> None:
    state = played(client, key(sandbox=True), {"code": code})
    assert (state["state"], state["code"], state["outcome"], state["sandbox"]) == ("failed", code, None, True)


def test_the_codes_are_those_of_checks() -> None:
    assert set(CODES) == {code.value for code in FailureCode} | {"attempts"}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_trouble_of_asking_can_be_had(client: FlaskClient, key: Key, problem: str) -> None:
    response = client.post("/api/v1/checks", json=ASK | {"sandbox": {"problem": problem}}, headers=key(sandbox=True))
    assert (response.status_code, told(response)["code"]) == (PROBLEMS[problem], problem)
    assert ("Retry-After" in response.headers) == (problem == "rate")


@pytest.mark.parametrize(
    "script",
    [
        None,
        "live",
        {},
        {"outcome": "passed"},
        {"outcome": 1},
        {"outcome": ["live"]},
        {"code": "live"},
        {"outcome": "live", "code": "busy"},
        {"code": "busy", "reasons": ["a.b"]},
        {"outcome": "live", "reasons": "a.b"},
        {"outcome": "live", "reasons": ["<script>"]},
        {"outcome": "live", "reasons": ["a.b"] * 17},
        {"outcome": "live", "token": "x"},
    ],
)
def test_a_sandbox_key_needs_a_script_that_is_one(client: FlaskClient, key: Key, script: Any) -> None:
    response = client.post("/api/v1/checks", json=ASK | {"sandbox": script}, headers=key(sandbox=True))
    assert (response.status_code, told(response)["code"]) == (400, "input")
    assert client.post("/api/v1/checks", json=ASK, headers=key(sandbox=True)).status_code == 400


def test_a_key_for_checks_gets_no_script_and_plays_none(client: FlaskClient, key: Key) -> None:
    headers = key()
    asked = client.post("/api/v1/checks", json=ASK | {"sandbox": {"outcome": "live"}}, headers=headers)
    assert (asked.status_code, told(asked)["code"]) == (403, "sandbox")
    booked = created(client, headers)
    response = client.post(f"/api/v1/checks/{booked['id']}/sandbox", headers=headers)
    assert (response.status_code, told(response)["code"]) == (409, "ceremony")
    state = told(client.get(f"/api/v1/checks/{booked['id']}", headers=headers))
    assert (state["state"], state["sandbox"]) == ("waiting", False)


def test_a_sandbox_key_is_known_at_a_glance(key: Key) -> None:
    assert key(sandbox=True)["Authorization"].removeprefix("Bearer ").startswith(SANDBOX_PREFIX)
    assert not key()["Authorization"].removeprefix("Bearer ").startswith(SANDBOX_PREFIX)


def test_a_check_is_played_once(client: FlaskClient, key: Key) -> None:
    headers = key(sandbox=True)
    state = played(client, headers, {"outcome": "not_live"})
    assert client.post(f"/api/v1/checks/{state['id']}/sandbox", headers=headers).status_code == 409


def test_no_token_even_where_a_row_says_live_and_names_a_record(
    client: FlaskClient, host: Host, key: Key, auth: Medauth
) -> None:
    """A sandbox booking that somebody made look like a real one yields nothing by its mark alone."""
    real = created(client, key())
    host.serve(host.page(real["session"]))
    booking = bookings_of(auth).booking(real["id"])
    tokens = tokens_of(auth, "https://verify.example")
    assert tokens.issue(booking)
    assert booking.row.state is BookingState.DONE
    assert tokens.issue(replace(booking, row=replace(booking.row, sandbox=True))) is None


@pytest.mark.parametrize(
    ("script", "last"),
    [
        ({"outcome": "live"}, {"type": "end", "outcome": "passed", "hint": None, "sandbox": True}),
        ({"outcome": "not_live"}, {"type": "end", "outcome": "not_passed", "hint": None, "sandbox": True}),
        ({"outcome": "rehearsed"}, {"type": "end", "outcome": "rehearsed", "hint": None, "sandbox": True}),
        ({"code": "busy"}, {"type": "failed", "code": "busy", "sandbox": True}),
        ({"code": "attempts"}, {"type": "failed", "code": "refused", "sandbox": True}),
    ],
)
def test_the_page_is_played_a_check_and_told_that_it_is_none(
    client: FlaskClient, host: Host, key: Key, auth: Medauth, script: dict[str, str], last: dict[str, Any]
) -> None:
    headers = key(sandbox=True)
    booked = created(client, headers, sandbox=script)
    page = host.serve(host.page(booked["session"]))
    assert page.told[0]["sandbox"] is True
    assert page.told[-1] == last
    assert all(message["sandbox"] for message in page.told)
    assert {message["prompt"]["action"] for message in page.told if message.get("prompt")} == {
        "blink",
        "smile",
        "turn_left",
    }
    assert host.check is None, "no session of a check was opened"
    assert (host.room.count(), host.ends, list(auth.store.logs())) == (0, [], [])
    again = host.serve(host.page(booked["session"]))
    assert again.told[-1]["code"] == "refused"
    state = told(client.get(f"/api/v1/checks/{booked['id']}", headers=headers))
    assert state["state"] in {"done", "failed"}


def test_a_page_that_leaves_ends_like_any_other(client: FlaskClient, host: Host, key: Key) -> None:
    booked = created(client, key(sandbox=True), sandbox={"outcome": "live"})
    host.serve(host.page(booked["session"], spoil={5: None}))
    host.server.wall.ms = booked["expires_ms"] + 420_000
    assert host.bookings.lapse() == 1
    assert host.bookings.booking(booked["id"]).row.code == "connection_lost"


def test_webhooks_of_a_sandbox_are_marked_and_refused_by_default(
    client: FlaskClient, key: Key, auth: Medauth, post: Post
) -> None:
    office, postman = post()
    played(client, key(sandbox=True, callback_hosts=HOSTS), {"outcome": "live"}, callback=HOOK)
    office.webhooks.deliver_due()
    event = read(client, postman.parcels[0], audience(auth), sandbox=True)
    assert (event.sandbox, event.outcome, event.evidence_id) == (True, Decision.LIVE.value, None)
    with pytest.raises(Exception, match="sandbox"):
        read(client, postman.parcels[0], audience(auth))


def test_a_receipt_of_a_sandbox_says_so(client: FlaskClient, key: Key) -> None:
    headers = key(sandbox=True)
    booked = created(client, headers, sandbox={"outcome": "live"})
    client.post(f"/api/v1/checks/{booked['id']}/sandbox", headers=headers)
    receipt = told(client.get("/api/v1/receipt", headers={"Authorization": f"Bearer {booked['session']}"}))
    assert (receipt["sandbox"], receipt["evidence"]) == (True, None)


def test_a_sandbox_check_can_be_erased(client: FlaskClient, key: Key) -> None:
    headers = key(*Scope, sandbox=True)
    state = played(client, headers, {"outcome": "live"})
    where = f"/api/v1/checks/{state['id']}"
    assert client.delete(where, headers=headers).status_code == 200
    assert told(client.get(where, headers=headers))["outcome"] == "erased"
    assert client.get(where + "/result", headers=headers).status_code == 404


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_sandbox_key_of_every_scope_sees_no_real_check(
    client: FlaskClient, host: Host, key: Key, method: str
) -> None:
    booked = created(client, key())
    host.serve(host.page(booked["session"]))
    headers, where = key(*Scope, sandbox=True), f"/api/v1/checks/{booked['id']}"
    for path in (where, where + "/result", where + "/evidence") if method == "GET" else (where,):
        assert client.open(path, method=method, headers=headers).status_code == 404
    assert client.get(where, headers=key(Scope.OPERATOR)).status_code == 200


def test_a_sandbox_key_sees_no_figures_where_they_need_one(auth: Medauth, key: Key) -> None:
    accesses, free = accesses_of(auth), Limit(burst=100, per_s=1, clock_ms=lambda: 0.0)
    callers = Callers(accesses, free, free)
    app = Flask("figures")
    with app.test_request_context(headers=key(Scope.OPERATOR)):
        assert callers.require_real(Scope.OPERATOR).scopes == {Scope.OPERATOR}
    with app.test_request_context(headers=key(Scope.OPERATOR, sandbox=True)), pytest.raises(Problem, match="sandbox"):
        callers.require_real(Scope.OPERATOR)


def test_a_page_whose_sandbox_a_call_ended_meanwhile_is_told_so(client: FlaskClient, host: Host, key: Key) -> None:
    headers = key(sandbox=True)
    booked = created(client, headers, sandbox={"outcome": "live"})
    page, receive = host.page(booked["session"]), Page.receive

    def ended_by_then(timeout_s: float) -> str | bytes:
        if page.frames == 10:
            client.post(f"/api/v1/checks/{booked['id']}/sandbox", headers=headers)
        return receive(page, timeout_s)

    page.receive = ended_by_then  # type: ignore[method-assign]  # a page like others, with a call in between
    host.serve(page)
    assert page.told[-1] == {"type": "failed", "code": "expired", "sandbox": True}
    assert told(client.get(f"/api/v1/checks/{booked['id']}", headers=headers))["outcome"] == "live"


def test_an_app_plays_few_sandbox_checks_at_once(client: FlaskClient, host: Host, key: Key) -> None:
    headers = key(sandbox=True)
    sessions = [created(client, headers, sandbox={"outcome": "live"})["session"] for _ in range(PLAYING_AT_ONCE + 1)]
    pages = [host.page(session) for session in sessions]

    def nested(number: int) -> None:
        """Each page's first frame comes once the next page was served: all are at it at the same time."""
        page, receive = pages[number], Page.receive

        def later(timeout_s: float) -> str | bytes:
            if page.frames == 0 and not page.script and number + 1 < len(pages):
                page.receive = lambda timeout_s: receive(page, timeout_s)  # type: ignore[method-assign]
                nested(number + 1)
            return receive(page, timeout_s)

        page.receive = later  # type: ignore[method-assign]  # a page like others, that waits
        host.serve(page)

    nested(0)
    ends = [page.told[-1] for page in pages]
    assert ends[-1] == {"type": "failed", "code": "busy", "sandbox": True}
    assert all(end["outcome"] == "passed" for end in ends[:-1])
    assert host.serve(host.page(sessions[-1])).told[-1]["outcome"] == "passed", "the place is free again"
