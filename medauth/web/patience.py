"""How long a client may take to say what it wants: a thread waits for each, and threads are few.

gunicorn lends a thread to a connection as soon as one byte has come, and waits for the rest as long as the client likes.
Some dozens of connections that never finish their headers (Slowloris, 2009) would hold them all. Here a connection is shut
when its request is not whole in time, and one address may have only so many requests under way. gunicorn also waits two
seconds, on the thread that accepts everybody, for a client to hang up after its answer; here the connection's own thread
waits, and shorter.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from medauth.web.limits import Places
from medauth.web.safety import MAX_BODY_BYTES

HEADERS_S = 8.0
"""For the request line, the headers and a body of at most `MAX_BODY_BYTES`."""
LEAST_BYTES_PER_S = 32 * 1024
"""Larger bodies get more time, at this pace."""
SPEAKING_AT_ONCE = 8
PARTING_S = 0.5
_LOOK_S = 0.5


class Patience:
    """Shuts connections whose time is over. Thread-safe; its own thread starts with the first connection."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic, most: int = SPEAKING_AT_ONCE) -> None:
        self._clock_s = clock_s
        self._places = Places(most)
        self._due: dict[socket.socket, tuple[float, str]] = {}
        self._lock = threading.Lock()
        self._looking = False

    def expect(self, line: socket.socket, within_s: float, address: str = "") -> bool:
        """From now on what this connection has to say must come within that time.

        False, and nothing else, where its address has too many such connections already; without an address none is
        counted.
        """
        with self._lock:
            _, earlier = self._due.get(line, (0.0, ""))
            if address and not earlier and not self._places.take(address):
                return False
            self._due[line] = self._clock_s() + within_s, earlier or address
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look, name="medauth-patience", daemon=True).start()
            return True

    def heard(self, line: socket.socket) -> None:
        """It has said it."""
        with self._lock:
            self._forget(line)

    def shut_overdue(self) -> None:
        """Shuts both ways, so that a thread that reads wakes up and sees the end."""
        now = self._clock_s()
        with self._lock:
            for line in [line for line, (due, _) in self._due.items() if due < now]:
                self._forget(line)
                _shut(line)

    def _forget(self, line: socket.socket) -> None:
        _, address = self._due.pop(line, (0.0, ""))
        if address:
            self._places.give_back(address)

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            self.shut_overdue()


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's worker with threads, whose patience ends. One a process."""

    patience = Patience()
    behind_proxies = False
    """All connections then come from few addresses, and proxies hand over whole requests."""

    def handle(self, conn: Any) -> Any:
        """A connection has something to say; `Hearing` tells when it has said it."""
        address = "" if self.behind_proxies or not isinstance(conn.client, tuple) else str(conn.client[0])
        if not self.patience.expect(conn.sock, HEADERS_S, address):
            _shut(conn.sock)
            return False
        try:
            goes_on = super().handle(conn)
        finally:
            self.patience.heard(conn.sock)
        if not goes_on:
            _part(conn.sock)
        return goes_on


class Hearing:
    """Takes a small body in before the app is called, while patience still runs; gives a large one time by its length."""

    def __init__(self, app: Callable[..., Iterable[bytes]], patience: Patience) -> None:
        self._app = app
        self._patience = patience

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """WSGI (PEP 3333)."""
        line = environ.get("gunicorn.socket")
        if line is None:
            return self._app(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MAX_BODY_BYTES:
            self._patience.expect(line, HEADERS_S + length / LEAST_BYTES_PER_S)
            return self._app(environ, start_response)  # which reads it, or refuses it by its length
        if length or environ.get("HTTP_TRANSFER_ENCODING"):
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(MAX_BODY_BYTES + 1))
        self._patience.heard(line)
        return self._app(environ, start_response)


def _part(line: socket.socket) -> None:
    """Says that nothing more comes, and lets the client hang up first, so that it gets to read the end (RFC 9112, 9.6)."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_WR)
        ends = time.monotonic() + PARTING_S
        while (left := ends - time.monotonic()) > 0:
            line.settimeout(left)
            if not line.recv(4_096):
                break
    _shut(line)


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
