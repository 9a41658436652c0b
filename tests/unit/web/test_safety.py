"""What must hold before the server starts, and what every answer carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from medauth.bootstrap import open as open_medauth
from medauth.config import Settings
from medauth.errors import ConfigError
from medauth.protocol.callback import is_loopback
from medauth.web.factory import create_app
from medauth.web.safety import public_url, require_safe

SECRET = "s" * 32
PUBLIC: dict[str, Any] = {"web_host": "0.0.0.0", "web_url": "https://verify.example", "web_secret": SECRET}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"web_secret": ""}, "no secret key"),
        ({"web_secret": "short"}, "too short"),
        ({"web_debug": True}, "debugging"),
        ({"web_url": "http://verify.example"}, "without https"),
        ({"web_url": ""}, "without https"),
        ({"web_url": "https://verify.example/path"}, "path"),
        ({"web_host": "127.0.0.1", "web_secret": ""}, "no secret key"),
        ({"web_host": "127.0.0.1", "web_debug": True}, "debugging"),
        ({"web_host": "127.0.0.1", "web_url": "", "web_proxies": 1}, "without https"),
    ],
)
def test_no_app_for_others_without_what_keeps_them_safe(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    settings = Settings(data_dir=tmp_path, **PUBLIC | change)
    with open_medauth(settings) as auth, pytest.raises(ConfigError, match=word):
        create_app(auth)


def test_on_this_machine_alone_a_key_is_made_and_kept(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        with open_medauth(Settings(data_dir=tmp_path, web_debug=True)) as auth:
            keys.append(create_app(auth).config["SECRET_KEY"])
    assert keys[0] == keys[1]
    assert len(keys[0]) == 32


def test_a_set_of_safe_settings_is_let_through() -> None:
    require_safe(Settings(**PUBLIC))


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("a.example", False)],
)
def test_which_addresses_are_this_machine_alone(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_behind_a_proxy_on_this_machine_strangers_try_no_check_and_see_no_figures(tmp_path: Path) -> None:
    with open_medauth(Settings(data_dir=tmp_path, **PUBLIC | {"web_host": "127.0.0.1", "web_proxies": 1})) as auth:
        client, there = create_app(auth).test_client(), {"Host": "verify.example"}
        assert client.get("/", headers=there).status_code == 404
        assert client.post("/try", headers=there).status_code == 404
        assert client.get("/metrics", headers=there).status_code == 401
        assert client.get("/healthz", headers=there).status_code == 200


@pytest.mark.parametrize(
    ("change", "local"),
    [
        ({}, True),
        ({"web_url": "http://localhost:8300"}, True),
        ({"web_host": "0.0.0.0"}, False),
        ({"web_url": "https://verify.example"}, False),
        ({"web_proxies": 1}, False),
    ],
)
def test_whom_a_proxy_speaks_for_is_not_on_this_machine(change: dict[str, Any], local: bool) -> None:
    assert Settings(**change).web_is_local is local


def test_the_address_that_browsers_use() -> None:
    assert public_url(Settings(web_host="::1", web_port=9)) == "http://[::1]:9"
    assert public_url(Settings(**PUBLIC)) == "https://verify.example"


@pytest.mark.parametrize("name", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[::1", ""])
def test_a_server_of_this_machine_alone_answers_to_its_own_names_alone(client: FlaskClient, name: str) -> None:
    answer = client.get("/healthz", headers={"Host": name})
    assert answer.status_code == 400
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1:8080", "[::1]:8080"])
def test_its_own_names_are_known(client: FlaskClient, name: str) -> None:
    assert client.get("/healthz", headers={"Host": name}).status_code == 200


def test_only_the_page_of_a_check_may_listen(client: FlaskClient) -> None:
    for path in ("/", "/receipt", "/sign-in", "/api/v1/health", "/nowhere"):
        assert "microphone=()" in client.get(path).headers["Permissions-Policy"], path
    assert "camera=(self), microphone=(self)" in client.get("/check").headers["Permissions-Policy"]
