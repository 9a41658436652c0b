"""Who gets past the door, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from medauth.bootstrap import Medauth, Sources
from medauth.service.access import Scope
from medauth.serving import accesses_of
from medauth.web.desk.sign_in import DOORS, LASTS_MS
from tests.unit.checks import Clock
from tests.unit.web.conftest import Key
from tests.unit.web.visits import PAGE, csrf_of, sign_in

WALL = Clock(1_700_000_000_000)


@pytest.fixture
def auth(auth: Medauth) -> Medauth:
    """By a clock of the test's."""
    WALL.ms = 1_700_000_000_000
    auth._sources = replace(Sources(), now_ms=lambda: int(WALL.ms))
    return auth


@pytest.mark.parametrize("door", ["/console", "/console/labels.csv", "/console/checks/chk_1"])
def test_nobody_gets_in_without_a_key(client: FlaskClient, door: str) -> None:
    answer = client.get(door, headers=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/sign-in?next={door}")
    assert client.get(door, headers={"Accept": "application/json"}).status_code == 401


def test_an_operator_gets_in_by_the_cookie_alone_which_scripts_and_other_sites_do_not_get(
    client: FlaskClient, key: Key
) -> None:
    header = key(Scope.OPERATOR)
    answer = sign_in(client, header, "/console")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert header["Authorization"].removeprefix("Bearer ") not in cookie
    assert client.get("/console", headers=PAGE).status_code == 200


def test_a_key_in_a_header_opens_no_page_and_a_cookie_opens_no_api(client: FlaskClient, key: Key) -> None:
    header = key(Scope.OPERATOR)
    assert client.get("/console", headers=header | {"Accept": "application/json"}).status_code == 401
    sign_in(client, header)
    assert client.get("/api/v1/checks/bkg_1").status_code == 401


@pytest.mark.parametrize("scopes", [(Scope.SUBJECT,), ()])
def test_a_key_of_an_app_opens_no_page(client: FlaskClient, key: Key, scopes: tuple[Scope, ...]) -> None:
    answer = sign_in(client, key(*scopes))
    assert answer.status_code == 403
    assert "opens no page" in answer.text
    assert client.get("/console", headers=PAGE).status_code == 303


def test_a_key_of_the_sandbox_opens_no_page(client: FlaskClient, auth: Medauth) -> None:
    _, secret = accesses_of(auth).grant("an app", [Scope.OPERATOR], ["standard"], sandbox=True)
    assert sign_in(client, {"Authorization": f"Bearer {secret}"}).status_code == 403


def test_an_auditor_sees_no_check(client: FlaskClient, key: Key) -> None:
    sign_in(client, key(Scope.AUDITOR))
    assert client.get("/console", headers=PAGE).status_code == 403


def test_a_revoked_key_is_shut_out_at_once(client: FlaskClient, auth: Medauth, key: Key) -> None:
    sign_in(client, key(Scope.OPERATOR))
    accesses = accesses_of(auth)
    accesses.revoke(accesses.listed()[0].access_id)
    assert client.get("/console", headers=PAGE).status_code == 303


def test_after_a_working_day_the_key_is_asked_for_again(client: FlaskClient, key: Key) -> None:
    sign_in(client, key(Scope.OPERATOR))
    WALL.ms += LASTS_MS - 1
    assert client.get("/console", headers=PAGE).status_code == 200
    WALL.ms += 1
    assert client.get("/console", headers=PAGE).status_code == 303


def test_signing_out_needs_the_form_and_forgets_the_browser(client: FlaskClient, key: Key) -> None:
    sign_in(client, key(Scope.OPERATOR))
    assert client.post("/sign-out", headers=PAGE).status_code == 400
    csrf = csrf_of(client.get("/console", headers=PAGE))
    assert client.post("/sign-out", data={"csrf": csrf}, headers=PAGE).status_code == 303
    assert client.get("/console", headers=PAGE).status_code == 303


def test_a_cookie_from_before_signing_in_is_worth_nothing_after(app: Flask, key: Key) -> None:
    client = app.test_client()
    before = csrf_of(client.get("/sign-in", headers=PAGE))
    sign_in(client, key(Scope.OPERATOR))
    assert csrf_of(client.get("/console", headers=PAGE)) != before


def test_a_key_cannot_be_guessed_quickly(client: FlaskClient, key: Key) -> None:
    wrong = {"Authorization": "Bearer mak_wrong"}
    assert {sign_in(client, key(Scope.OPERATOR)).status_code for _ in range(8)} == {303}  # who gets in guesses nothing
    answers = [sign_in(client, wrong).status_code for _ in range(6)]
    assert answers == [403] * 5 + [429]


@pytest.mark.parametrize(
    "wanted", ["https://elsewhere.example", "//elsewhere.example", "/console//elsewhere", "/consolex", "/\\elsewhere"]
)
def test_no_link_to_the_door_leads_elsewhere(client: FlaskClient, key: Key, wanted: str) -> None:
    assert sign_in(client, key(Scope.OPERATOR), wanted).headers["Location"] in DOORS
