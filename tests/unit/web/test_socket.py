"""The server's end of a WebSocket, against wsproto's own client over a pair of sockets."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Iterator

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Message, Ping, Pong, Request, TextMessage
from wsproto.extensions import PerMessageDeflate

from medauth.web.socket import Disconnected, WebSocket

HEADERS = {
    "HTTP_HOST": "verify.example",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": base64.b64encode(bytes(16)).decode(),
    "HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate",
}


class Client:
    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self.protocol = WSConnection(ConnectionType.CLIENT)
        hello = self.protocol.send(Request(host="verify.example", target="/", extensions=[PerMessageDeflate()]))
        (self.nonce,) = re.findall(r"(?i)sec-websocket-key: (\S+)", hello.decode())

    def send(self, *events: Event) -> None:
        for event in events:
            self.end.sendall(self.protocol.send(event))

    def events(self) -> list[Event]:
        self.protocol.receive_data(self.end.recv(65_536))
        return list(self.protocol.events())


@pytest.fixture
def pair() -> Iterator[tuple[WebSocket, Client]]:
    ours, theirs = socket.socketpair()
    client = Client(theirs)
    nonce = client.nonce
    line = WebSocket({"gunicorn.socket": ours, **HEADERS, "HTTP_SEC_WEBSOCKET_KEY": nonce}, max_message=1_000)
    (accepted,) = client.events()
    assert isinstance(accepted, AcceptConnection)
    assert not accepted.extensions
    yield line, client
    ours.close()
    theirs.close()


def test_text_and_bytes_arrive_whole(pair: tuple[WebSocket, Client]) -> None:
    line, client = pair
    client.send(Message(data="one"), Message(data=b"two", message_finished=False), Message(data=b" three"))
    assert line.receive(1) == "one"
    assert line.receive(1) == b"two three"


def test_what_is_sent_arrives(pair: tuple[WebSocket, Client]) -> None:
    line, client = pair
    line.send("state")
    (told,) = client.events()
    assert isinstance(told, TextMessage)
    assert told.data == "state"


def test_a_message_that_is_too_big_ends_the_connection(pair: tuple[WebSocket, Client]) -> None:
    line, client = pair
    client.send(Message(data=bytes(600), message_finished=False), Message(data=bytes(600)))
    with pytest.raises(Disconnected, match="too big"):
        line.receive(1)
    assert any(isinstance(event, CloseConnection) and event.code == 1009 for event in client.events())


def test_silence_ends_the_connection(pair: tuple[WebSocket, Client]) -> None:
    with pytest.raises(Disconnected):
        pair[0].receive(0.001)


@pytest.mark.parametrize("flood", [Ping(), Message(data=b"", message_finished=False)])
def test_who_talks_on_without_a_message_is_silent_all_the_same(
    pair: tuple[WebSocket, Client], flood: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, client = pair
    now = [0.0]

    def passing() -> float:
        now[0] += 0.4
        return now[0]

    monkeypatch.setattr("medauth.web.socket.time.monotonic", passing)
    monkeypatch.setattr("medauth.web.socket._READ_BYTES", 6)
    client.send(*[flood] * 10)
    with pytest.raises(Disconnected):
        line.receive(1)
    assert ours_left(line), "it gave up while more lay there"


def ours_left(line: WebSocket) -> bytes:
    line._socket.settimeout(0.1)
    return line._socket.recv(1_000)


def test_parts_without_content_are_not_kept(pair: tuple[WebSocket, Client]) -> None:
    line, client = pair
    parts = [Message(data="", message_finished=False)] * 100
    client.end.sendall(b"".join(map(client.protocol.send, [*parts, Message(data="whole: ä")])))
    assert line.receive(1) == "whole: ä"
    assert not line._gathering


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 40])
def test_no_protocol_and_no_connection_end_it(pair: tuple[WebSocket, Client], data: bytes) -> None:
    line, client = pair
    if data:
        client.end.sendall(data)
    else:
        client.end.close()
    with pytest.raises(Disconnected):
        line.receive(1)


def test_a_ping_is_answered_and_a_goodbye_too(pair: tuple[WebSocket, Client]) -> None:
    line, client = pair
    client.send(Ping(payload=b"there?"), CloseConnection(code=1000))
    with pytest.raises(Disconnected):
        line.receive(1)
    assert [type(event) for event in client.events()] == [Pong, CloseConnection]


def test_the_round_trip_counts_the_answer_to_the_very_ping(pair: tuple[WebSocket, Client]) -> None:
    line, client = pair
    line.ping()
    line.ping()
    (ping,) = client.events()
    assert isinstance(ping, Ping)
    client.send(Pong(payload=b"forged"), Message(data=b"1"))
    assert line.receive(1) == b"1"
    measured = [line.round_trip_ms]
    client.send(Pong(payload=bytes(ping.payload)), Message(data=b"2"))
    assert line.receive(1) == b"2"
    measured.append(line.round_trip_ms)
    assert measured[0] is None
    assert measured[1] is not None
    assert 0 <= measured[1] < 10_000


def test_a_request_for_something_else_is_refused() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(Disconnected):
        WebSocket({"gunicorn.socket": ours, "HTTP_HOST": "verify.example"}, max_message=10)
    with pytest.raises(Disconnected):
        WebSocket({}, max_message=10)
