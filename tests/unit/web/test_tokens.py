"""From a live check to a token that lets in once; nothing else yields one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from medauth.bootstrap import Medauth
from medauth.errors import EvidenceError
from medauth.evidence.token import keys_in
from medauth.service.access import Scope
from medauth.service.tokens import TokenVerifier
from medauth.serving import accesses_of, token_verifier
from medauth.store.bookings import SqlBookings
from tests.unit.web.conftest import Key
from tests.unit.web.people import SITE, Host
from tests.unit.web.test_api import created

EXPECTED: dict[str, Any] = {
    "expected_subject": "user-42",
    "expected_purpose": "login",
    "expected_origin": SITE,
    "expected_policy": "standard",
}


def token_of(client: FlaskClient, host: Host, headers: dict[str, str], **page: Any) -> Any:
    booked = created(client, headers)
    host.serve(host.page(booked["session"], **page))
    return client.get(f"/api/v1/checks/{booked['id']}", headers=headers).get_json()["token"]


def test_a_live_check_yields_one_token_that_is_used_once(
    client: FlaskClient, host: Host, key: Key, auth: Medauth
) -> None:
    headers = key()
    token = token_of(client, host, headers)
    (access,) = accesses_of(auth).listed()
    published = client.get("/.well-known/jwks.json").get_json()
    verifier = TokenVerifier(
        keys_in(published),
        SqlBookings(auth.store.engine),
        issuer="http://127.0.0.1:8300",
        audience=access.access_id,
        now_ms=lambda: int(host.server.wall.ms),
    )
    with ThreadPoolExecutor(8) as pool:
        tries = [pool.submit(verifier.verify_token, token, **EXPECTED) for _ in range(24)]
    held = [done for done in tries if done.exception() is None]
    assert len(held) == 1
    assert all(isinstance(done.exception(), EvidenceError) for done in tries if done not in held)
    claims = held[0].result()
    assert (claims.outcome, claims.sub, claims.aud) == ("live", "user-42", access.access_id)
    assert claims.evidence_sha256


def test_who_did_not_pass_gets_no_token(client: FlaskClient, host: Host, key: Key) -> None:
    assert token_of(client, host, key(), answers=False) is None


def test_a_check_that_waits_has_none_and_another_app_does_not_get_it(client: FlaskClient, host: Host, key: Key) -> None:
    app, operator = key(), key(Scope.OPERATOR)
    booked = created(client, app)
    where = f"/api/v1/checks/{booked['id']}"
    assert client.get(where, headers=app).get_json()["token"] is None
    host.serve(host.page(booked["session"]))
    assert client.get(where, headers=operator).get_json()["token"] is None
    first, again = (client.get(where, headers=app).get_json()["token"] for _ in range(2))
    assert first == again


def test_a_token_of_another_server_or_app_is_refused(client: FlaskClient, host: Host, key: Key, auth: Medauth) -> None:
    token = token_of(client, host, key())
    for issuer, audience in (("https://other.example", "acc_1"), ("http://127.0.0.1:8300", "acc_other")):
        verifier = token_verifier(auth, issuer=issuer, audience=audience)
        with pytest.raises(EvidenceError):
            verifier.verify_token(token, **EXPECTED)
