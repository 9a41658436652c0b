"""The app over a server in a folder, with a key for every scope; whoever is checked is a person of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.config import Settings
from medauth.service.access import Scope
from medauth.serving import accesses_of
from medauth.store.keyring import FileKeyring
from medauth.web.factory import create_app
from tests.unit.checks import STEPS, Server, memory_server
from tests.unit.web.people import Host

POLICIES = ("standard", "no-flash")


@pytest.fixture(scope="session", autouse=True)
def urls_written_once() -> Iterator[None]:
    """Werkzeug compiles two functions for each of some forty rules of an app, which takes longer than most tests. They
    depend on the rule alone, so apps share them."""
    compile_builder, written = Rule._compile_builder, dict[Any, Any]()

    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        key = (tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in written:
            written[key] = compile_builder(rule, append_unknown)
        return written[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", compiled)
        yield


@pytest.fixture
def auth(tmp_path: Path, keyring: FileKeyring) -> Iterator[Medauth]:
    """Over a database in memory and keys made once."""
    server = memory_server(tmp_path, keyring)
    auth = open_medauth(Settings(data_dir=tmp_path))
    auth._store, auth._keyring = server.store, keyring
    yield auth
    auth.close()


@pytest.fixture
def host(auth: Medauth, tmp_path: Path) -> Host:
    """Runs checks of one step over the same store as the app: what an app is told does not depend on how many there are."""
    return Host(Server(tmp_path, auth.store, auth._keyring), steps=STEPS[:1])  # type: ignore[arg-type]  # set above


@pytest.fixture
def app(auth: Medauth, host: Host) -> Flask:
    return create_app(auth, open_session=host.open)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def key(auth: Medauth) -> Callable[..., dict[str, str]]:
    """Makes a key and returns the header that shows it."""

    def _key(*scopes: Scope, policies: tuple[str, ...] = POLICIES, **more: Any) -> dict[str, str]:
        _, secret = accesses_of(auth).grant("an app", scopes or (Scope.SUBJECT,), policies, **more)
        return {"Authorization": f"Bearer {secret}"}

    return _key


Key = Callable[..., dict[str, str]]
Json = dict[str, Any]
