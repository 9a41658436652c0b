"""Carries parcels over HTTPS: to the very address that was looked up and judged, with an end by the clock.

Looked up once: were the name resolved again for the connection, it could give another address then (DNS rebinding). TLS
still asks for the certificate of the name. Who answers "elsewhere" is not followed, and no proxy is asked.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from urllib.parse import urlsplit

from medauth.delivery.addresses import Network, may_be_called
from medauth.delivery.interface import Answer, NotDelivered, Parcel
from medauth.protocol.callback import is_loopback

SILENCE_S, TOTAL_S = 5.0, 15.0
"""Without a byte; from the first byte to the last. Looking a name up is the system's to end."""
MAX_RETRY_AFTER_S = 6 * 3_600
_ADDRESSES = 3
"""So many of a name's addresses are tried."""

Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, each once, in the system's order. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class HttpsCourier:
    """`Courier` to the public internet, to `networks`, and with `loopback` to this machine, where http does too."""

    def __init__(
        self,
        *,
        networks: Sequence[Network] = (),
        loopback: bool = False,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        total_s: float = TOTAL_S,
    ) -> None:
        self._networks = networks
        self._loopback = loopback
        self._resolve = resolve
        self._given = tls
        self._total_s = total_s

    def deliver(self, parcel: Parcel) -> Answer:
        parts = urlsplit(parcel.url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        if not secure and not (self._loopback and is_loopback(host)):
            raise NotDelivered("insecure")
        addresses = self._judged(host, parts.port or (443 if secure else 80))
        line = _Line(host, parts.port, addresses, self._tls if secure else None)
        try:
            with _cut_after(self._total_s, line):
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                line.request("POST", target, parcel.body, {**parcel.headers, "Connection": "close"})
                response = line.getresponse()
                return Answer(response.status, _seconds(response.getheader("Retry-After")))
        except ssl.SSLError:
            raise NotDelivered("late" if line.is_cut else "tls") from None
        except TimeoutError:
            raise NotDelivered("late") from None
        except (OSError, http.client.HTTPException, ValueError):
            raise NotDelivered("late" if line.is_cut else "no-answer") from None
        finally:
            line.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made when first needed: reading the system's certificates takes longer than everything else an app is made of."""
        return self._given or ssl.create_default_context()

    def _judged(self, host: str, port: int) -> Sequence[str]:
        """All of a name's addresses must be allowed: one that mixes is up to something. Raises `NotDelivered`."""
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise NotDelivered("unknown-host") from None
        if not addresses or not all(may_be_called(a, self._networks, loopback=self._loopback) for a in addresses):
            raise NotDelivered("forbidden-address")
        return addresses[:_ADDRESSES]


class _Line(http.client.HTTPConnection):
    """A connection to one of these addresses, under a name that TLS holds the other side to."""

    def __init__(self, host: str, port: int | None, addresses: Sequence[str], tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port or (443 if tls else 80), timeout=SILENCE_S)
        self._addresses = addresses
        self._tls = tls
        if tls:
            self.default_port = 443
        self.is_cut = False
        self._raw: socket.socket | None = None
        """Another descriptor of the connection: TLS takes the first one over."""

    def connect(self) -> None:
        connected = self._connected()
        self._raw = socket.socket(fileno=os.dup(connected.fileno()))
        if self.is_cut:
            self.cut()
        self.sock = self._tls.wrap_socket(connected, server_hostname=self.host) if self._tls else connected

    def cut(self) -> None:
        """Ends it from another thread."""
        self.is_cut = True
        if self._raw is not None:
            with contextlib.suppress(OSError):
                self._raw.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        if self._raw is not None:
            self._raw.close()

    def _connected(self) -> socket.socket:
        failed: OSError | None = None
        for address in self._addresses:
            if self.is_cut:
                break
            try:
                return socket.create_connection((address, self.port), self.timeout)
            except OSError as error:
                failed = error
        raise failed or TimeoutError


@contextlib.contextmanager
def _cut_after(seconds: float, line: _Line) -> Iterator[None]:
    """A socket's time-out starts anew with every byte: who sends one a second would never be late."""
    timer = threading.Timer(seconds, line.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _seconds(header: str | None) -> int:
    """Of `Retry-After` the form in seconds alone (RFC 9110, 10.2.3)."""
    return min(int(header), MAX_RETRY_AFTER_S) if header and header.isdecimal() and len(header) < 8 else 0  # noqa: PLR2004
