"""A WebSocket (RFC 6455) on the request's own thread: it reads when asked to, so that a flood waits in the network.

No compression is agreed on: pictures do not shrink, and a message cannot grow on this side.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

_READ_BYTES = 64 * 1024
_SEND_S = 10.0
_PING_S = 0.5
NORMAL, GOING_AWAY, TOO_BIG = 1000, 1001, 1009
_HOP = ("HTTP_SEC_WEBSOCKET_EXTENSIONS",)


class Disconnected(Exception):
    """The other side went away, fell silent or broke the protocol."""


class WebSocket:
    """The server's end of one connection. For one thread."""

    def __init__(self, environ: Mapping[str, Any], *, max_message: int) -> None:
        found = environ.get("werkzeug.socket") or environ.get("gunicorn.socket")
        if not isinstance(found, socket.socket):
            raise Disconnected("this server hands over no socket")
        self._socket = found
        self._max_message = max_message
        self._connection = WSConnection(ConnectionType.SERVER)
        self._messages: Iterator[Event] = iter(())
        self._gathering = bytearray()
        """What came so far of a message, text as UTF-8. A list of parts would grow by empty ones, of which none counts."""
        self._open = False
        self._pinged: tuple[bytes, float] | None = None
        self._ping_due = 0.0
        self.round_trip_ms: float | None = None
        """How long the last ping took there and back, frames before it in the queue included; None before the first."""
        self._shake_hands(environ)

    def send(self, text: str) -> None:
        """Sends a text message. Raises `Disconnected`."""
        self._write(Message(data=text))

    def receive(self, timeout_s: float) -> str | bytes:
        """The next whole message. Raises `Disconnected`, also when nothing comes for `timeout_s`."""
        ends = time.monotonic() + timeout_s
        while True:
            for event in self._messages:
                message = self._taken(event)
                if message is not None:
                    return message
            self._read(ends)

    def ping(self) -> None:
        """Measures the round trip now and then; one ping is on its way at a time."""
        now = time.monotonic()
        if self._pinged is None and now >= self._ping_due:
            self._pinged = (secrets.token_bytes(8), now)
            self._ping_due = now + _PING_S
            self._write(Ping(payload=self._pinged[0]))

    def close(self, code: int = NORMAL) -> None:
        """Says goodbye, as far as anyone listens."""
        if self._open:
            with contextlib.suppress(Disconnected):
                self._write(CloseConnection(code=code))
            self._open = False

    def hang_up(self) -> None:
        """Ends it at once, from another thread: who waits for a message there wakes up."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _shake_hands(self, environ: Mapping[str, Any]) -> None:
        """Feeds the request that the web server has read already to the protocol, without its extensions."""
        names = {key[5:].replace("_", "-"): str(value) for key, value in environ.items() if _is_header(key)}
        lines = [f"{name}: {value}" for name, value in names.items()]
        self._feed("\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode("latin-1"))
        if not isinstance(next(self._messages, None), Request):
            raise Disconnected("no request for a WebSocket")
        self._open = True
        self._write(AcceptConnection())

    def _read(self, ends: float) -> None:
        left = ends - time.monotonic()
        try:
            if left <= 0:  # also when something lies there: pings alone, or a message without an end, hold no thread
                raise TimeoutError
            self._socket.settimeout(left)
            data = self._socket.recv(_READ_BYTES)
        except (OSError, ValueError) as error:
            self._open = False
            raise Disconnected("nothing came") from error
        if not data:
            self._open = False
            raise Disconnected("the other side hung up")
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        try:
            self._connection.receive_data(data)
            self._messages = self._connection.events()
        except RemoteProtocolError as error:
            raise Disconnected("not the protocol") from error

    def _taken(self, event: Event) -> str | bytes | None:
        """A message once it is whole; everything else is answered here."""
        if isinstance(event, TextMessage | BytesMessage):
            return self._gathered(event)
        if isinstance(event, Ping):
            self._write(event.response())
        elif isinstance(event, CloseConnection):
            with contextlib.suppress(Disconnected):
                self._write(event.response())
            self._open = False
            raise Disconnected("the other side said goodbye")
        elif isinstance(event, Pong):
            self._ponged(bytes(event.payload))
        else:
            raise Disconnected("not the protocol")
        return None

    def _ponged(self, payload: bytes) -> None:
        """Only an answer to the very ping counts: one that was never sent would look fast."""
        if self._pinged is not None and payload == self._pinged[0]:
            self.round_trip_ms = (time.monotonic() - self._pinged[1]) * 1_000
            self._pinged = None

    def _gathered(self, event: TextMessage | BytesMessage) -> str | bytes | None:
        self._gathering += event.data.encode() if isinstance(event, TextMessage) else event.data
        if len(self._gathering) > self._max_message:
            self.close(TOO_BIG)
            raise Disconnected("a message that is too big")
        if not event.message_finished:
            return None
        whole, self._gathering = bytes(self._gathering), bytearray()
        return whole.decode() if isinstance(event, TextMessage) else whole

    def _write(self, event: Event) -> None:
        try:
            self._socket.settimeout(_SEND_S)
            self._socket.sendall(self._connection.send(event))
        except (OSError, LocalProtocolError, ValueError) as error:
            self._open = False
            raise Disconnected("nobody takes messages") from error


class AfterSocket(Response):
    """What a view returns after a WebSocket: nothing may be written to the connection any more."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Ends the connection the way the web server at hand wants it ended."""
        if "gunicorn.socket" in environ:
            raise StopIteration
        return super().__call__(environ, start_response)


def _is_header(key: str) -> bool:
    return key.startswith("HTTP_") and key not in _HOP
