"""A server that sends a byte now and then, or never stops sending: neither keeps a caller, nor fills its memory."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from medauth.errors import LedgerError, LedgerUnreachable
from medauth.ledger.outgoing import Bounds, NoAnswer, Outgoing, TooLarge
from medauth.ledger.rpc import JsonRpc

TOTAL_S = 0.6
DRIP_S = 0.15
"""Shorter than the silence that is allowed."""
BOUNDS = Bounds(silence_s=5.0, total_s=TOTAL_S, max_bytes=64 * 1024)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANSWER = b'{"jsonrpc": "2.0", "id": 0, "result": "0x7a69"}'

Send = Callable[[bytes], None]


class Server:
    """Answers every connection with what `answer` sends, until the other side is gone."""

    def __init__(self, answer: Callable[[Send], None], tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.connections = 0
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.stopped = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.stopped.set()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                while request_from(connection):
                    self.answer(connection.sendall)
        except OSError:
            return  # the other side is gone: that is what is tested


def request_from(connection: socket.socket) -> bytes:
    """One whole request, which may come in pieces; empty when the other side is gone."""
    data = b""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) if found else 1
        if len(body) >= length:
            return data
        piece = connection.recv(65_536)
        if not piece:
            return b""
        data += piece


def dripping(data: bytes) -> Callable[[Send], None]:
    def answer(send: Send) -> None:
        for at in range(len(data)):
            send(data[at : at + 1])
            time.sleep(DRIP_S)

    return answer


def body_drips(send: Send) -> None:
    send(HEAD + b"Content-Length: 10000\r\n\r\n")
    dripping(b" " * 10_000)(send)


def unbounded_body_drips(send: Send) -> None:
    send(HEAD + b"Connection: close\r\n\r\n")
    dripping(ANSWER * 100)(send)


def chunks_drip(send: Send) -> None:
    send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;")
    dripping(b"x" * 10_000)(send)


def endless(send: Send) -> None:
    send(HEAD + b"Connection: close\r\n\r\n")
    while True:
        send(b" " * 65_536)


def endless_chunks(send: Send) -> None:
    send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        send(b"10000\r\n" + b" " * 65_536 + b"\r\n")


def huge(send: Send) -> None:
    send(HEAD + b"Content-Length: 1000000000000\r\n\r\n" + b" " * 1_000_000)


def whole(send: Send) -> None:
    send(HEAD + b"Content-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER)


def elsewhere(send: Send) -> None:
    send(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")


DRIPS = {
    "the first line": dripping(HEAD * 10),
    "headers without end": dripping(HEAD + b"X: y\r\n" * 1_000),
    "a body of known length": body_drips,
    "a body until the end": unbounded_body_drips,
    "a chunk's own line": chunks_drip,
}


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(answer: Callable[[Send], None], tls: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(answer, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def timed(do: Callable[[], object]) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began


@pytest.mark.parametrize("what", DRIPS)
def test_an_answer_that_trickles_in_is_cut_off(what: str, serve: Callable[..., Server]) -> None:
    outgoing = Outgoing(f"http://127.0.0.1:{serve(DRIPS[what]).port}/secret", BOUNDS)

    def ask() -> None:
        with pytest.raises(NoAnswer, match=r"not whole after 0\.6 s"):
            outgoing.post(b"{}", {})

    assert TOTAL_S * 0.9 < timed(ask) < TOTAL_S + 3


@pytest.mark.parametrize("send", [endless, endless_chunks, huge])
def test_an_answer_without_end_is_read_no_further(send: Callable[[Send], None], serve: Callable[..., Server]) -> None:
    url = f"http://127.0.0.1:{serve(send).port}/secret"
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            Outgoing(url, Bounds(5.0, 20.0, 64 * 1024)).post(b"{}", {})
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_a_node_that_trickles_or_floods_is_a_node_that_does_not_answer(serve: Callable[..., Server]) -> None:
    slow = f"http://127.0.0.1:{serve(body_drips).port}/v3/secret-access-key"
    with pytest.raises(LedgerUnreachable, match="not whole after") as caught:
        JsonRpc(slow, total_s=TOTAL_S).call("eth_chainId")
    assert "secret" not in str(caught.value)
    flood = f"http://127.0.0.1:{serve(endless).port}/v3/secret-access-key"
    with pytest.raises(LedgerError, match="at most 65536 bytes") as refused:
        JsonRpc(flood, max_answer_bytes=64 * 1024).call("eth_chainId")
    assert "secret" not in str(refused.value)


def test_nobody_is_followed_elsewhere(serve: Callable[..., Server]) -> None:
    with pytest.raises(LedgerUnreachable, match="HTTP 307"):
        JsonRpc(f"http://127.0.0.1:{serve(elsewhere).port}").call("eth_chainId")


def test_a_connection_is_kept_and_still_cut_when_it_is_used_again(serve: Callable[..., Server]) -> None:
    server = serve(whole)
    rpc = JsonRpc(f"http://127.0.0.1:{server.port}", total_s=TOTAL_S)
    assert [rpc.quantity("eth_chainId") for _ in range(3)] == [31337] * 3
    assert server.connections == 1
    server.answer = body_drips
    with pytest.raises(LedgerUnreachable, match="not whole after"):
        rpc.call("eth_chainId")
    server.answer = whole
    assert rpc.quantity("eth_chainId") == 31337


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "certificate.pem"
    name = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name)
    subprocess.run([*command, "-keyout", str(key), "-out", str(pem)], check=True, capture_output=True)
    return pem, key


def test_over_tls_an_answer_is_cut_off_too(
    certificate: tuple[Path, Path], serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    server = serve(whole, tls)
    outgoing = Outgoing(f"https://127.0.0.1:{server.port}/", BOUNDS)
    monkeypatch.setattr(outgoing._session, "verify", str(certificate[0]))
    assert outgoing.post(b"{}", {}) == (200, ANSWER)
    server.answer = body_drips
    with pytest.raises(NoAnswer, match="not whole after"):
        outgoing.post(b"{}", {})


def test_a_handshake_that_trickles_in_is_cut_off(serve: Callable[..., Server]) -> None:
    record = b"\x16\x03\x03\x40\x00" + bytes(16_384)
    outgoing = Outgoing(f"https://127.0.0.1:{serve(dripping(record)).port}/", BOUNDS)

    def ask() -> None:
        with pytest.raises(NoAnswer, match="not whole after"):
            outgoing.post(b"{}", {})

    assert timed(ask) < TOTAL_S + 3
