"""The REST API: who may ask for what, that asking twice is asking once, and what a check came to."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from medauth.bootstrap import Medauth
from medauth.errors import StoreError
from medauth.service.access import Scope
from medauth.serving import accesses_of
from medauth.web.factory import create_app
from medauth.web.safety import CONTENT_SECURITY_POLICY, MAX_BODY_BYTES
from tests.unit.web.conftest import Key
from tests.unit.web.people import SITE, Host

ASK = {"subject": "user-42", "purpose": "login", "policy": "standard", "origin": SITE}


def told(response: TestResponse) -> Any:
    """The answer's JSON."""
    return response.get_json()


def created(client: FlaskClient, headers: dict[str, str], **change: Any) -> Any:
    response = client.post("/api/v1/checks", json=ASK | change, headers=headers)
    assert response.status_code == 201, response.json
    return response.json


def test_a_check_from_its_booking_to_its_evidence_and_its_erasure(client: FlaskClient, host: Host, key: Key) -> None:
    app, operator, auditor = key(), key(Scope.OPERATOR), key(Scope.AUDITOR)
    booked = created(client, app)
    where = f"/api/v1/checks/{booked['id']}"
    assert told(client.get(where, headers=app))["state"] == "waiting"
    assert booked["page"].endswith("/check#" + booked["session"])
    host.serve(host.page(booked["session"]))
    state = told(client.get(where, headers=app))
    assert (state["state"], state["outcome"]) == ("done", "live")
    result = told(client.get(where + "/result", headers=operator))
    assert result["verdict"]["decision"] == "live"
    bundle = client.get(where + "/evidence", headers=auditor)
    assert told(bundle)["record_id"] == state["evidence_id"]
    erased = client.delete(where, headers=operator)
    assert erased.status_code == 200
    assert state["evidence_id"] in told(erased)["erased"]
    assert told(client.get(where, headers=app))["outcome"] == "erased"
    assert host.bookings.booking(booked["id"]).row.sealed == b""


def test_one_request_under_one_idempotency_key_is_one_check(client: FlaskClient, key: Key) -> None:
    headers = key() | {"Idempotency-Key": "order-7"}
    first = created(client, headers)
    again = client.post("/api/v1/checks", json=ASK, headers=headers)
    assert (again.status_code, again.json) == (200, first)
    other = client.post("/api/v1/checks", json=ASK | {"subject": "someone else"}, headers=headers)
    assert (other.status_code, told(other)["code"]) == (409, "ceremony")
    assert created(client, key() | {"Idempotency-Key": "order-7"})["id"] != first["id"], "keys are per app"
    assert created(client, key())["id"] != created(client, key())["id"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobody"}, {"Authorization": "Basic eDp5"}])
def test_who_has_no_key_gets_nothing(client: FlaskClient, headers: dict[str, str]) -> None:
    response = client.post("/api/v1/checks", json=ASK, headers=headers)
    assert (response.status_code, told(response)["code"]) == (401, "key")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.content_type == "application/problem+json"


def test_a_revoked_key_opens_nothing(client: FlaskClient, auth: Medauth, key: Key) -> None:
    headers = key()
    (row,) = accesses_of(auth).listed()
    assert accesses_of(auth).revoke(row.access_id)
    assert not accesses_of(auth).revoke(row.access_id)
    assert client.post("/api/v1/checks", json=ASK, headers=headers).status_code == 401


def test_no_key_is_kept_readable(auth: Medauth, key: Key) -> None:
    secret = key()["Authorization"].removeprefix("Bearer ")
    (row,) = accesses_of(auth).listed()
    assert secret.encode() not in repr(row).encode()
    assert len(row.key_tag) == 32


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        (Scope.OPERATOR, "POST", ""),
        (Scope.AUDITOR, "GET", "/{}"),
        (Scope.SUBJECT, "GET", "/{}/result"),
        (Scope.SUBJECT, "GET", "/{}/evidence"),
        (Scope.OPERATOR, "GET", "/{}/evidence"),
        (Scope.AUDITOR, "GET", "/{}/result"),
        (Scope.SUBJECT, "DELETE", "/{}"),
        (Scope.AUDITOR, "DELETE", "/{}"),
    ],
)
def test_a_key_does_what_its_scope_says_and_no_more(
    client: FlaskClient, key: Key, scope: Scope, method: str, path: str
) -> None:
    booked = created(client, key())
    address = "/api/v1/checks" + path.format(booked["id"])
    response = client.open(address, method=method, json=ASK if method == "POST" else None, headers=key(scope))
    assert (response.status_code, told(response)["code"]) == (403, "scope")


def test_a_key_asks_for_its_own_policies_alone(client: FlaskClient, key: Key) -> None:
    for change in ({"policy": "strict"}, {"policy": "rehearsal"}, {"without_colours": "no-flash"}):
        response = client.post("/api/v1/checks", json=ASK | change, headers=key(policies=("standard",)))
        assert (response.status_code, told(response)["code"]) == (403, "policy")


@pytest.mark.parametrize("change", [{"policy": "by-voice"}, {"without_colours": "by-voice"}])
def test_a_server_that_cannot_listen_offers_no_check_by_voice(
    auth: Medauth, host: Host, key: Key, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    """It says so at once, not when the person has come."""
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    client = create_app(auth, open_session=host.open).test_client()
    response = client.post("/api/v1/checks", json=ASK | change, headers=key(policies=("standard", "by-voice")))
    assert (response.status_code, told(response)["code"]) == (422, "missing")
    assert "medauth[speech]" in told(response)["detail"]
    asked = told(client.get("/api/v1/openapi.json"))["components"]["schemas"]["Request"]["properties"]
    assert "by-voice" not in asked["policy"]["enum"] + asked["without_colours"]["enum"]
    assert "by-voice" not in client.get("/").text


def test_a_server_that_can_listen_offers_checks_by_voice(client: FlaskClient, key: Key) -> None:
    pytest.importorskip("pocketsphinx")
    created(client, key(policies=("standard", "by-voice")), without_colours="by-voice")
    assert "by-voice" in client.get("/").text


def test_an_app_does_not_see_the_checks_of_another(client: FlaskClient, key: Key) -> None:
    booked = created(client, key())
    theirs = client.get(f"/api/v1/checks/{booked['id']}", headers=key())
    none = client.get("/api/v1/checks/bkg_none", headers=key())
    assert (theirs.status_code, none.status_code) == (404, 404)
    assert told(theirs) | {"request_id": ""} == told(none) | {"request_id": ""}


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "live"},
        {"is_live": True},
        {"score": 1},
        {"landmarks": []},
        {"passed": True},
        {"sandbox": "live"},
        {"client_ms": 5},
        {"subject": ""},
        {"subject": 7},
        {"subject": "s" * 300},
        {"subject": "s\0"},
        {"purpose": "\0login"},
        {"purpose": None},
        {"callback": ["https://app.example/hook"]},
        {"without_colours": "standard"},
    ],
)
def test_what_a_request_may_not_hold_is_refused(client: FlaskClient, key: Key, change: dict[str, Any]) -> None:
    response = client.post("/api/v1/checks", json=ASK | change, headers=key())
    assert (response.status_code, told(response)["code"]) == (400, "input")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 9_000, "application/json", 400),
        (b'{"subject": "\\ud800"}', "application/json", 400),
        (json.dumps(ASK).encode(), "text/plain", 415),
        (b"{" + b" " * MAX_BODY_BYTES + b"}", "application/json", 413),
    ],
)
def test_hostile_bodies_get_a_clear_answer(client: FlaskClient, key: Key, body: bytes, kind: str, status: int) -> None:
    response = client.post("/api/v1/checks", data=body, headers=key() | {"Content-Type": kind})
    assert response.status_code == status
    assert response.content_type == "application/problem+json"


def test_a_check_that_has_not_ended_has_no_result_and_is_not_erased(client: FlaskClient, key: Key) -> None:
    everything = key(*Scope)
    where = f"/api/v1/checks/{created(client, everything)['id']}"
    assert client.get(where + "/result", headers=everything).status_code == 404
    assert client.get(where + "/evidence", headers=everything).status_code == 404
    assert client.delete(where, headers=everything).status_code == 409


def test_too_many_calls_are_told_to_wait(auth: Medauth, host: Host) -> None:
    auth._sources = replace(
        auth.sources, monotonic_ms=lambda: 0.0
    )  # on a busy machine calls come too slowly for a limit
    client = create_app(auth, open_session=host.open).test_client()
    answers = [client.get("/api/v1/checks/x") for _ in range(90)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert int(limited[0].headers["Retry-After"]) >= 1


def test_every_answer_carries_what_keeps_pages_safe(client: FlaskClient) -> None:
    for path in ("/", "/check", "/healthz", "/nothing", "/api/v1/checks/x", "/static/site.css"):
        with client.get(path) as response:
            headers = response.headers
        assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Request-Id"]
        assert "Access-Control-Allow-Origin" not in headers


def test_no_page_holds_inline_code(client: FlaskClient) -> None:
    for path in ("/", "/check"):
        page = client.get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert not re.search(r"<[^>]* on[a-z]+=", page)
        assert all(part.split(">")[0].count("src=") for part in page.split("<script")[1:])


def test_trouble_inside_is_told_by_its_id_alone(app: Flask, auth: Medauth, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise StoreError("the secret path /srv/x cannot be read")

    def bug() -> str:
        raise RuntimeError("a secret")

    app.get("/broken")(broken)
    app.get("/bug")(bug)
    client = app.test_client()
    for path, status in (("/broken", 503), ("/bug", 500)):
        response = client.get(path)
        assert response.status_code == status
        assert "secret" not in response.text
        assert told(response)["request_id"] == response.headers["X-Request-Id"]


def test_health_and_figures(client: FlaskClient, key: Key) -> None:
    assert client.get("/healthz").json == {"status": "alive"}
    assert client.get("/readyz").json == {"status": "ready"}
    created(client, key())
    figures = client.get("/metrics").text
    assert 'medauth_requests_total{method="POST",route="/api/v1/checks",status="201"} 1.0' in figures
    assert "user-42" not in figures


def test_a_form_needs_the_token_of_its_page(client: FlaskClient) -> None:
    assert client.post("/try", data={"policy": "standard"}).status_code == 400
    page = client.get("/").text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    cookie = client.get_cookie("medauth")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site) == (True, "Strict")
    assert client.post("/try", data={"policy": "standard", "csrf": csrf[:-1] + "x"}).status_code == 400
    there = client.post("/try", data={"policy": "standard", "csrf": csrf})
    assert there.status_code == 303
    assert there.headers["Location"].startswith("/check#bkg_")


def test_methods_that_a_caller_makes_up_are_one_series(client: FlaskClient) -> None:
    for number in range(20):
        client.open("/healthz", method=f"M{number}")
    figures = client.get("/metrics").text
    assert 'medauth_requests_total{method="other",' in figures
    assert 'method="M1"' not in figures


@pytest.mark.parametrize(
    "origin", ["", "null", "*", "app.example", "https://app.example/", "https://App.example", "https://a\n", "file://"]
)
def test_an_origin_that_no_site_has_is_refused(client: FlaskClient, key: Key, origin: str) -> None:
    assert client.post("/api/v1/checks", json=ASK | {"origin": origin}, headers=key()).status_code == 400


@pytest.mark.parametrize("origin", ["https://app.example:8443", "http://[::1]:5000", "capacitor://localhost"])
def test_an_origin_is_what_browsers_state(client: FlaskClient, key: Key, origin: str) -> None:
    assert client.post("/api/v1/checks", json=ASK | {"origin": origin}, headers=key()).status_code == 201
