"""Where an app may be told: https, at a host that was registered, and nothing that two parsers could read two ways."""

from __future__ import annotations

import re

import pytest

from medauth.errors import InputError
from medauth.protocol.callback import CALLBACK_PATTERN, callback_host, host_and_port


@pytest.mark.parametrize(
    ("registered", "kept"),
    [
        ("app.example", "app.example:443"),
        ("APP.Example:8443", "app.example:8443"),
        ("[::1]", "[::1]:443"),
        ("[::1]:5000", "[::1]:5000"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
    ],
)
def test_a_host_is_kept_in_one_form(registered: str, kept: str) -> None:
    assert host_and_port(registered) == kept


@pytest.mark.parametrize(
    "registered",
    [
        "",
        "https://app.example",
        "app.example/x",
        "a b",
        "*.example",
        "app.example:0",
        "app.example:70000",
        "user@app",
        ":1",
    ],
)
def test_what_is_no_host_is_not_registered(registered: str) -> None:
    with pytest.raises(InputError):
        host_and_port(registered)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://app.example/hook?x=1", "app.example:443"),
        ("https://APP.example:8443/", "app.example:8443"),
        ("https://app.example", "app.example:443"),
        ("https://app.example.evil.example/", "app.example.evil.example:443"),
    ],
)
def test_a_callback_names_its_host(url: str, host: str) -> None:
    assert callback_host(url, loopback=False) == host


def test_this_machine_is_told_without_https_by_a_server_of_this_machine_alone() -> None:
    for url in ("http://127.0.0.1:5000/hook", "http://[::1]:5000/hook"):
        assert callback_host(url, loopback=True) == url[7:-5]
        assert re.match(CALLBACK_PATTERN, url)
        with pytest.raises(InputError, match="without https"):
            callback_host(url, loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example/hook",
        "https://app.example@evil.example/",
        "https://evil.example\\@app.example/",
        "https://app.example#@evil.example/",
        "https://app.example /",
        "https://app.example/\r\nX: 1",
        "https://аpp.example/",
        "ftp://app.example/",
        "file:///etc/passwd",
        "//app.example/",
        "https:///x",
        "https://app.example:port/",
        "https://[::1/",
        "https://app.example/" + "x" * 2_048,
        "",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        callback_host(url, loopback=True)
    assert not url or not re.match(CALLBACK_PATTERN, url) or len(url) > 2_048 or url.startswith("http://app")
