"""Time stamps of a real authority: OpenSSL's own, served over HTTP for as long as a test runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from medauth.errors import ConfigError, EvidenceError, InputError, LedgerError, LedgerUnreachable, MissingTool
from medauth.evidence.verifier import Examination, StepState, Trust
from medauth.ledger.timestamp import MAX_ANSWER_BYTES, HttpAuthority, TrustedAuthorities, read_certificates
from medauth.store.interface import MAIN_LOG
from tests.recorded import open_world

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed: no time stamp authority to ask")
pytest.importorskip("rfc3161_client", reason="the extra `timestamp` is not installed")

TEXT = b"medauth/07\n9\nAAAA\n"
CONFIG = """
[ req ]
distinguished_name = name
[ name ]
[ ca ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[ stamper ]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ server ]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = critical,serverAuth
[ tsa ]
default_tsa = here
[ here ]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/stamper.pem
signer_key = {folder}/stamper.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """`openssl ts -reply`, with a root and a signer of its own."""

    folder: Path
    answer: Callable[[bytes], tuple[int, bytes]] | None = None
    asked: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "config").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "serial").write_text("01\n")
        self._certificate("root", "ca", "-x509")
        self._certificate("stamper", "stamper")

    @property
    def certificates(self) -> tuple[str, ...]:
        return ((self.folder / "root.pem").read_text(),)

    def reply(self, request: bytes) -> bytes:
        (self.folder / "query").write_bytes(request)
        self._run("ts", "-reply", "-config", "config", "-queryfile", "query", "-out", "answer")
        return (self.folder / "answer").read_bytes()

    def _certificate(self, name: str, section: str, *options: str) -> None:
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key")
        subject = ("-subj", f"/CN={name} of a test", "-config", "config")
        if options:
            self._run("req", *options, *key, *subject, "-days", "2", "-extensions", section, "-out", f"{name}.pem")
            return
        self._run("req", "-new", *key, *subject, "-out", f"{name}.csr")
        signing = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "2")
        extensions = ("-extfile", "config", "-extensions", section)
        self._run("x509", "-req", "-in", f"{name}.csr", *signing, *extensions, "-out", f"{name}.pem")

    def _run(self, *command: str) -> None:
        subprocess.run([str(OPENSSL), *command], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "here")


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            authority.asked.append(request)
            status, answer = authority.answer(request) if authority.answer else (200, authority.reply(request))
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the base class's name

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/tsr?key=secret"
        http.shutdown()
        thread.join()


@pytest.fixture
def asked(authority: Authority, server: str) -> Iterator[HttpAuthority]:
    yield HttpAuthority(server, authority.certificates, timeout_s=5)
    authority.answer = None


def test_a_text_is_stamped_now_and_the_stamp_is_read_later(asked: HttpAuthority, authority: Authority) -> None:
    token = asked.stamp(TEXT)
    stamped_ms = TrustedAuthorities(authority.certificates).stamped_ms(token, TEXT)
    assert abs(stamped_ms - time.time() * 1_000) < 60_000


def test_only_a_digest_is_shown_to_the_authority(asked: HttpAuthority, authority: Authority) -> None:
    asked.stamp(TEXT)
    assert TEXT not in authority.asked[-1]


def test_a_stamp_is_for_one_text(asked: HttpAuthority, authority: Authority) -> None:
    token = asked.stamp(TEXT)
    with pytest.raises(EvidenceError):
        TrustedAuthorities(authority.certificates).stamped_ms(token, TEXT + b" ")


def test_a_stamp_counts_by_the_certificates_that_somebody_trusts(
    asked: HttpAuthority, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    token = asked.stamp(TEXT)
    with pytest.raises(EvidenceError):
        TrustedAuthorities(other.certificates).stamped_ms(token, TEXT)
    both = TrustedAuthorities((*other.certificates, *authority.certificates))
    assert both.stamped_ms(token, TEXT)


def test_a_changed_stamp_says_no_other_time(asked: HttpAuthority, authority: Authority) -> None:
    """Every bit, but those that are neither signed nor read: what comes along with a stamp, as its certificate's own
    signature by the root that is trusted anyway.
    """
    token, trusted = asked.stamp(TEXT), TrustedAuthorities(authority.certificates)
    held, stamped_ms = 0, trusted.stamped_ms(token, TEXT)
    for at in range(len(token)):
        changed = bytearray(token)
        changed[at] ^= 1 << at % 8
        try:
            assert trusted.stamped_ms(bytes(changed), TEXT) == stamped_ms
            held += 1
        except EvidenceError:
            continue
    assert held < len(token) // 50


@pytest.mark.parametrize("token", [b"", b"0", b"\x30\x03\x02\x01\x00", bytes(1_000)], ids=len)
def test_what_is_no_stamp_is_refused(token: bytes, authority: Authority) -> None:
    with pytest.raises(EvidenceError):
        TrustedAuthorities(authority.certificates).stamped_ms(token, TEXT)


def test_an_answer_to_another_request_is_refused(asked: HttpAuthority, authority: Authority) -> None:
    earlier = asked.stamp(TEXT)
    authority.answer = lambda _: (200, earlier)
    with pytest.raises(EvidenceError, match="another request"):
        asked.stamp(TEXT)


def test_an_authority_out_of_order_is_named_without_its_key(asked: HttpAuthority, authority: Authority) -> None:
    for status, answer in ((500, b"sorry"), (200, bytes(MAX_ANSWER_BYTES + 1)), (302, b"")):
        authority.answer = lambda _, status=status, answer=answer: (status, answer)
        with pytest.raises(LedgerError) as found:
            asked.stamp(TEXT)
        assert "127.0.0.1" in str(found.value)
        assert "secret" not in str(found.value)
    authority.answer = lambda _: (200, b"no time stamp")
    with pytest.raises(EvidenceError):
        asked.stamp(TEXT)


def test_nobody_there_is_an_error_of_the_products_own(authority: Authority) -> None:
    with pytest.raises(LedgerUnreachable) as found:
        HttpAuthority("http://127.0.0.1:1/tsr?key=secret", authority.certificates, timeout_s=1).stamp(TEXT)
    assert "secret" not in str(found.value)


@pytest.mark.parametrize("url", ["ftp://example.org", "http://", "tsr"])
def test_an_address_of_another_kind_is_refused(url: str, authority: Authority) -> None:
    with pytest.raises(ConfigError):
        HttpAuthority(url, authority.certificates)


def test_an_authority_without_certificates_is_refused(server: str) -> None:
    with pytest.raises(ConfigError, match="nobody vouches"):
        HttpAuthority(server, ())


def test_certificates_are_read_from_a_file(authority: Authority, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text("".join((authority.folder / f"{name}.pem").read_text() for name in ("root", "stamper")))
    assert len(read_certificates(both)) == 2
    both.write_text("nothing")
    for path in (both, tmp_path / "none.pem"):
        with pytest.raises(ConfigError):
            read_certificates(path)
    with pytest.raises(InputError):
        TrustedAuthorities(["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])


def test_without_the_library_the_message_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(MissingTool, match=r"medauth\[timestamp\]"):
        TrustedAuthorities([])


def test_from_checkpoint_to_auditor(asked: HttpAuthority, authority: Authority, tmp_path: Path) -> None:
    """A record, its checkpoint, a stamp on it; and a stranger who trusts the authority."""
    world = open_world(tmp_path)
    recorded = world.record_check(0)
    world.anchor()
    assert world.notary(lambda: asked).notarise(MAIN_LOG).stamped == 1
    bundle = world.auditor().bundle(recorded.record_id)
    stamped_ms = TrustedAuthorities(authority.certificates).stamped_ms
    steps = Examination(bundle, Trust(world.keyring.trusted(), stamped_ms=stamped_ms)).steps()
    step = next(step for step in steps if step.name == "time stamp")
    assert step.state is StepState.HOLDS
    assert step.text.startswith(f"stamped {time.strftime('%Y-%m-%dT', time.gmtime())}")
