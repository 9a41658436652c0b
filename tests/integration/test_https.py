"""Parcels over a real connection on this machine: pinned to what was looked up, never elsewhere, never for ever."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from medauth.delivery.https import HttpsCourier
from medauth.delivery.interface import Answer, NotDelivered, Parcel

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Hook:
    """Takes one connection after the other, keeps what came, and answers what the test says."""

    def __init__(self, answer: bytes, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.came: list[bytes] = []
        self.slowly = threading.Event()
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            try:
                with self._tls.wrap_socket(line, server_side=True) if self._tls else line as taken:
                    self.came.append(_read(taken))
                    for byte in range(len(self.answer)):
                        taken.sendall(self.answer[byte : byte + 1])
                        if self.slowly.is_set():
                            threading.Event().wait(0.03)
            except OSError:
                continue

    def close(self) -> None:
        self._socket.close()


def _read(line: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += line.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += line.recv(65_536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def hook() -> Iterator[Callable[..., Hook]]:
    made: list[Hook] = []

    def _hook(answer: bytes = OK, tls: ssl.SSLContext | None = None) -> Hook:
        made.append(Hook(answer, tls))
        return made[-1]

    yield _hook
    for one in made:
        one.close()


def parcel(port: int, host: str = "127.0.0.1", scheme: str = "http") -> Parcel:
    return Parcel(f"{scheme}://{host}:{port}/hook?a=b", {"webhook-id": "whk_1"}, b'{"type":"check.done"}')


def courier(*addresses: str, **options: object) -> HttpsCourier:
    return HttpsCourier(loopback=True, resolve=lambda _host, _port: addresses or ("127.0.0.1",), **options)  # type: ignore[arg-type]


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(server, client): a certificate for a name, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(named, named, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


def test_a_parcel_arrives_as_it_is(hook: Callable[..., Hook]) -> None:
    there = hook()
    assert courier().deliver(parcel(there.port)) == Answer(204)
    head, _, body = there.came[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{there.port}".encode() in head
    assert b"webhook-id: whk_1" in head
    assert body == b'{"type":"check.done"}'


def test_tls_holds_the_other_side_to_the_name_whatever_its_address(hook: Callable[..., Hook], tmp_path: Path) -> None:
    server, client = certificate(tmp_path, "app.example")
    there = hook(OK, server)
    found = HttpsCourier(loopback=True, resolve=lambda *_: ("127.0.0.1",), tls=client)
    assert found.deliver(parcel(there.port, "app.example", "https")) == Answer(204)
    with pytest.raises(NotDelivered, match="tls"):
        found.deliver(parcel(there.port, "other.example", "https"))
    with pytest.raises(NotDelivered, match="tls"):
        courier().deliver(parcel(there.port, "app.example", "https"))
    assert len(there.came) == 1


def test_the_name_is_looked_up_once_and_the_answer_is_what_is_called(hook: Callable[..., Hook], tmp_path: Path) -> None:
    """DNS rebinding: what was judged and what is called are one address."""
    server, client = certificate(tmp_path, "app.example")
    there, asked = hook(OK, server), []

    def rebinding(host: str, _port: int) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.1",) if len(asked) == 1 else ("169.254.169.254",)

    HttpsCourier(loopback=True, resolve=rebinding, tls=client).deliver(parcel(there.port, "app.example", "https"))
    assert asked == ["app.example"]


@pytest.mark.parametrize("addresses", [("10.0.0.1",), ("8.8.8.8", "169.254.169.254"), ("::ffff:127.0.0.1",), ()])
def test_a_name_that_leads_inside_is_not_called(hook: Callable[..., Hook], addresses: tuple[str, ...]) -> None:
    there = hook()
    found = HttpsCourier(resolve=lambda *_: addresses)
    with pytest.raises(NotDelivered, match="forbidden-address"):
        found.deliver(parcel(there.port, "app.example", "https"))
    assert there.came == []


def test_without_https_nobody_is_called_but_this_machine(hook: Callable[..., Hook]) -> None:
    there = hook()
    for found, host in ((courier(), "app.example"), (HttpsCourier(), "127.0.0.1")):
        with pytest.raises(NotDelivered, match="insecure"):
            found.deliver(parcel(there.port, host))
    assert there.came == []


def test_who_sends_elsewhere_is_not_followed(hook: Callable[..., Hook]) -> None:
    elsewhere = hook()
    there = hook(f"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\n\r\n".encode())
    assert courier().deliver(parcel(there.port)).status == 307
    assert elsewhere.came == []


def test_who_never_ends_is_left(hook: Callable[..., Hook]) -> None:
    """A byte now and then: no silence is ever too long, and still there is an end."""
    there = hook(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 50_000)
    there.slowly.set()
    with pytest.raises(NotDelivered, match="late"):
        courier(total_s=0.15).deliver(parcel(there.port))


@pytest.mark.parametrize(
    ("answer", "retry"),
    [(b"120", 120), (b"-1", 0), (b"Wed, 21 Oct 2026 07:28:00 GMT", 0), (b"99999999999999", 0), (b"9999999", 21_600)],
)
def test_how_long_it_asks_to_be_left_alone_is_told_within_bounds(
    hook: Callable[..., Hook], answer: bytes, retry: int
) -> None:
    there = hook(b"HTTP/1.1 503 Busy\r\nRetry-After: " + answer + b"\r\n\r\n")
    assert courier().deliver(parcel(there.port)) == Answer(503, retry)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n"])
def test_what_is_no_answer_is_none(hook: Callable[..., Hook], answer: bytes) -> None:
    with pytest.raises(NotDelivered, match="no-answer"):
        courier().deliver(parcel(hook(answer).port))


def test_nobody_there_and_no_such_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NotDelivered, match="no-answer"):
        courier().deliver(parcel(port))

    def unknown(*_: object) -> tuple[str, ...]:
        raise socket.gaierror("no such name")

    with pytest.raises(NotDelivered, match="unknown-host"):
        HttpsCourier(loopback=True, resolve=unknown).deliver(parcel(port, "localhost"))
