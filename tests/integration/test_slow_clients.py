"""Clients that never finish what they say, before the real web server: it answers the others all the while."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

SERVER = """
import sys
from gunicorn.app.base import BaseApplication
import medauth.web.patience as patience

patience.HEADERS_S = 2.0

class Server(BaseApplication):
    def load_config(self):
        for name, value in {"bind": "127.0.0.1:" + sys.argv[1], "threads": 12, "loglevel": "critical",
                            "worker_class": patience.PatientWorker}.items():
            self.cfg.set(name, value)
    def load(self):
        return patience.Hearing(answer, patience.PatientWorker.patience)

def answer(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body) + 2))])
    return [b"ok", body]

Server().run()
"""
HALF_HEADERS = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
HALF_BODY = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
NEVER_HANGS_UP = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(number)])
    try:
        ends = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", number)).close()
                break
            except OSError:
                assert time.monotonic() < ends
                time.sleep(0.1)
        yield number
    finally:
        server.terminate()
        server.wait(20)


def connected(port: int, source: str) -> socket.socket:
    line = socket.socket()
    line.bind((source, 0))
    line.settimeout(15)
    line.connect(("127.0.0.1", port))
    return line


def asked(port: int, body: bytes = b"hello") -> tuple[float, bytes]:
    """Seconds until the answer of another person's request, and the answer."""
    began = time.monotonic()
    with connected(port, "127.0.0.99") as line:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        line.sendall(head.encode() + body)
        answer = b""
        while part := line.recv(65_536):
            answer += part
    return time.monotonic() - began, answer


@pytest.mark.parametrize("said", [HALF_HEADERS, HALF_BODY, NEVER_HANGS_UP], ids=["headers", "body", "no-hanging-up"])
def test_many_slow_connections_of_one_address_delay_nobody_else(port: int, said: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connected(port, "127.0.0.2")).sendall(said)
        took, answer = asked(port)
    assert answer.endswith(b"okhello")
    assert took < 6.0  # without patience: never, or two seconds for each


def test_slow_connections_of_many_addresses_hold_the_server_no_longer_than_patience_lasts(port: int) -> None:
    with ExitStack() as stack:
        for number in range(40):
            stack.enter_context(connected(port, f"127.0.0.{100 + number}")).sendall(HALF_HEADERS)
        took, answer = asked(port)
    assert answer.endswith(b"okhello")
    assert took < 30.0


def test_a_large_body_arrives_whole(port: int) -> None:
    body = b"x" * 300_000
    _, answer = asked(port, body)
    assert answer.endswith(b"ok" + body)


def test_a_slow_connection_is_shut(port: int) -> None:
    with connected(port, "127.0.0.3") as line:
        line.sendall(HALF_HEADERS)
        for _ in range(10):  # a byte now and then buys no time
            time.sleep(0.5)
            try:
                line.sendall(b"a")
            except OSError:
                return
        assert line.recv(1) == b""
