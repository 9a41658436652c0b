"""HTTP to machines of others, within bounds: so many bytes at most, and an end by the clock, whatever trickles in.

A socket's time-out starts anew with every byte: who sends one a second, of a header or of a body, is never late. So the
connection itself is cut when the time for the whole answer is over, by another descriptor of it, since TLS takes the
first one over.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how large an answer may be."""

    silence_s: float
    """Without a byte."""
    total_s: float
    """From the request to the last byte; looking up the host's name is the system's to end."""
    max_bytes: int


class NoAnswer(Exception):
    """Nothing came, or not all of it in time. Says why without the address, which may hold an access key."""


class TooLarge(Exception):
    """More bytes than were asked for; the rest was not read."""


class Outgoing:
    """Requests to one address. Connections are kept; threads may share it."""

    def __init__(self, url: str, bounds: Bounds) -> None:
        self._url = url
        self._bounds = bounds
        self._session = requests.Session()
        # A proxy of the environment must not get to see, or break, what goes to this machine's own services.
        self._session.trust_env = urlsplit(url).hostname not in _LOOPBACK
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter())

    def post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of the answer. Raises `NoAnswer`, `TooLarge`. Who sends elsewhere is not followed."""
        with _Call(self._bounds.total_s) as call:
            try:
                status, data = self._posted(body, headers)
            except (requests.RequestException, HTTPError, OSError) as error:
                raise NoAnswer(call.in_words or type(error).__name__) from None
        if call.in_words:  # a body that only ends with its connection looks whole when it was cut
            raise NoAnswer(call.in_words)
        if len(data) > self._bounds.max_bytes:
            raise TooLarge(f"more than {self._bounds.max_bytes} bytes")
        return status, data

    def _posted(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        with self._session.post(
            self._url,
            data=body,
            # As it is: a few packed bytes could unpack to any number.
            headers={**headers, "Accept-Encoding": "identity"},
            timeout=self._bounds.silence_s,
            stream=True,
            allow_redirects=False,
        ) as response:
            return response.status_code, response.raw.read(self._bounds.max_bytes + 1, decode_content=False)


class _Call:
    """One request under way, and the connections to cut when its time is over."""

    def __init__(self, seconds: float) -> None:
        self.in_words = ""
        """Why it was cut; empty while it was not."""
        self._seconds = seconds
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _running.call = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _running.call = None
        with self._lock:
            for line in self._lines:
                line.close()
            self._lines.clear()

    def watch(self, connected: socket.socket) -> None:
        """Has this connection cut too; at once where it is late already."""
        with self._lock:
            self._lines.append(socket.socket(fileno=os.dup(connected.fileno())))
        if self.in_words:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            self.in_words = f"not whole after {self._seconds:g} s"
            for line in self._lines:
                with contextlib.suppress(OSError):  # gone by itself
                    line.shutdown(socket.SHUT_RDWR)


_running = threading.local()
"""`call`: what this thread waits for."""


def _watch(connected: socket.socket) -> None:
    call: _Call | None = getattr(_running, "call", None)
    if call is not None:
        call.watch(connected)


class _Watched(HTTPConnection):
    """Tells the call under way which connection it uses: a new one before TLS begins, a kept one when it is used again."""

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        _watch(connected)
        return connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            _watch(self.sock)
        super().request(*args, **kwargs)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class _Adapter(HTTPAdapter):
    """Of `requests`, over connections that can be cut; through a proxy as well."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager
