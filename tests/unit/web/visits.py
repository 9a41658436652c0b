"""Operators and auditors at their browsers, in numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PAGE = {"Accept": "text/html"}
Key = Callable[..., dict[str, str]]


def csrf_of(answer: TestResponse) -> str:
    """The token that a page's forms carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert found is not None
    return found.group(1)


def sign_in(client: FlaskClient, header: dict[str, str], wanted: str = "") -> TestResponse:
    """Shows the key of an Authorization header at the door."""
    csrf = csrf_of(client.get("/sign-in", headers=PAGE))
    key = header["Authorization"].removeprefix("Bearer ")
    return client.post("/sign-in", data={"csrf": csrf, "key": key, "next": wanted}, headers=PAGE)
