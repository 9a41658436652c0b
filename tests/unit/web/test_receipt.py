"""What the person may keep of a check."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from medauth.service.access import Scope
from tests.unit.web.conftest import Key
from tests.unit.web.people import SITE, Host
from tests.unit.web.test_api import created


def receipt(client: FlaskClient, session: str) -> Any:
    return client.get("/api/v1/receipt", headers={"Authorization": f"Bearer {session}"})


def test_a_receipt_says_what_was_decided_and_neither_who_nor_why(client: FlaskClient, host: Host, key: Key) -> None:
    booked = created(client, key())
    assert receipt(client, booked["session"]).get_json()["outcome"] == "waiting"
    host.serve(host.page(booked["session"], answers=False))
    answer = receipt(client, booked["session"])
    told = answer.get_json()
    assert (told["outcome"], told["purpose"], told["origin"], told["policy"]) == (
        "not_passed",
        "login",
        SITE,
        "standard",
    )
    assert host.server.store.record(told["evidence"]).check_id == told["check"]
    assert "user-42" not in answer.text
    assert "challenge." not in answer.text


def test_a_receipt_of_an_erased_check_says_so_and_no_more(client: FlaskClient, host: Host, key: Key) -> None:
    booked = created(client, key())
    host.serve(host.page(booked["session"]))
    client.delete(f"/api/v1/checks/{booked['id']}", headers=key(Scope.OPERATOR))
    told = receipt(client, booked["session"]).get_json()
    assert (told["outcome"], told["purpose"], told["origin"]) == ("erased", "", "")


def test_a_check_that_failed_was_not_decided(client: FlaskClient, host: Host, key: Key) -> None:
    session = created(client, key())["session"]
    page = host.page(session)
    page.spoil[5] = b"no frame"
    host.serve(page)
    assert receipt(client, session).get_json()["outcome"] == "not_decided"


def test_nobody_without_the_session_gets_one(client: FlaskClient, key: Key) -> None:
    booked = created(client, key())
    for session in ("", booked["id"], booked["session"][:-1]):
        assert receipt(client, session).status_code == 401
