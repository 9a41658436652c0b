"""RFC 3161 time stamps: asked of an authority over HTTP, and checked against certificates that somebody chose to trust.

Needs the extra `timestamp`. A token is checked before it is kept: one that nobody could verify later is worth nothing.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from medauth.errors import ConfigError, EvidenceError, InputError, LedgerError, LedgerUnreachable, MissingTool
from medauth.ledger.outgoing import Bounds, NoAnswer, Outgoing, TooLarge

MAX_ANSWER_BYTES = 64 * 1024
TOTAL_S = 30.0
"""For a whole answer."""
_HTTP_OK = 200
_ASKED = "application/timestamp-query"
_REMEMBERED = 256


class TrustedAuthorities:
    """Certificates, as PEM texts, whose holders are believed about the time."""

    def __init__(self, certificates: Sequence[str]) -> None:
        self._tool = _tool()
        builder = self._tool.VerifierBuilder()
        try:
            for text in certificates:
                builder = builder.add_root_certificate(x509.load_pem_x509_certificate(text.encode()))
            self._verifier = builder.build()
        except ValueError as error:
            raise InputError(
                f"a certificate of a time stamp authority that cannot be read: {error}", expected="PEM certificates"
            ) from error
        # One checkpoint covers thousands of records of an audit.
        self.stamped_ms = functools.lru_cache(_REMEMBERED)(self._stamped_ms)

    def _stamped_ms(self, token: bytes, text: bytes) -> int:
        """When the text was stamped, in ms since the epoch. Raises `EvidenceError` for a token that does not hold."""
        try:
            answer = self._tool.decode_timestamp_response(token)
            self._verifier.verify_message(answer, text)
            return int(answer.tst_info.gen_time.timestamp() * 1_000)
        except (ValueError, TypeError, self._tool.VerificationError) as error:
            raise EvidenceError(
                f"the time stamp does not hold: {str(error)[:200]}",
                expected="a token over this checkpoint by a trusted authority",
            ) from error


class HttpAuthority:
    """`TimeStampAuthority` over HTTP. Its address may hold an access key, so it goes by its host's name."""

    def __init__(
        self, url: str, certificates: Sequence[str], *, timeout_s: float = 10.0, total_s: float = TOTAL_S
    ) -> None:
        if not certificates:
            raise ConfigError(
                "a time stamp authority that nobody vouches for",
                expected="its certificates in PEM form",
                next_step="set MEDAUTH_TIMESTAMP_CERTIFICATES",
            )
        self._tool = _tool()
        self._trusted = TrustedAuthorities(certificates)
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(
                "the time stamp authority's address is no HTTP URL",
                expected="such as http://timestamp.example.org/tsr",
                next_step="set MEDAUTH_TIMESTAMP_URL",
            )
        self._outgoing = Outgoing(url, Bounds(timeout_s, total_s, MAX_ANSWER_BYTES))
        self.name = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"

    def stamp(self, text: bytes) -> bytes:
        hashed = self._tool.TimestampRequestBuilder().data(text).hash_algorithm(self._tool.HashAlgorithm.SHA256)
        request = hashed.build()
        answer = self._ask(request.as_bytes())
        self._trusted.stamped_ms(answer, text)
        if self._tool.decode_timestamp_response(answer).tst_info.nonce != request.nonce:
            raise EvidenceError(f"{self.name} answered another request", expected="the nonce that was sent")
        return answer

    def _ask(self, request: bytes) -> bytes:
        try:
            status, answer = self._outgoing.post(request, {"Content-Type": _ASKED})
        except NoAnswer as error:
            raise LedgerUnreachable(
                f"no answer from the time stamp authority {self.name} ({error})",
                expected="an RFC 3161 service",
                next_step="nothing is lost: it is asked again with the next checkpoint",
            ) from None
        except TooLarge as error:
            raise LedgerError(f"{self.name} answered with {error}", expected="an RFC 3161 response") from None
        if status != _HTTP_OK:
            raise LedgerError(
                f"{self.name} answered HTTP {status} with {len(answer)} bytes", expected="an RFC 3161 response"
            )
        return answer


def read_certificates(path: Path) -> tuple[str, ...]:
    """The certificates of a PEM file, one text each. Raises `ConfigError`."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} holds no certificate that can be read",
            expected="the time stamp authority's root certificate in PEM form",
            next_step="set MEDAUTH_TIMESTAMP_CERTIFICATES",
        ) from error
    return tuple(certificate.public_bytes(Encoding.PEM).decode() for certificate in found)


def _tool() -> Any:
    """The library, imported when it is first needed: it is an extra."""
    try:
        return importlib.import_module("rfc3161_client")
    except ImportError as error:
        raise MissingTool(
            "time stamps need rfc3161-client",
            expected="the extra `timestamp`",
            next_step="pip install 'medauth[timestamp]'",
        ) from error
