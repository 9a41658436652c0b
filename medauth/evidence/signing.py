"""Signed statements: a DSSE envelope (secure-systems-lab/dsse, protocol v1) with an Ed25519 signature.

One key, one purpose: statements of checks, of rehearsals, checkpoints, verdict tokens and webhooks never share a key, and
the payload type is part of what is signed, so that no signature can be passed off as one for another purpose.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from medauth.errors import EvidenceError, InputError, KeyringError
from medauth.protocol.canonical import Json, canonical, parse_object

KEY_BYTES = 32
_WRITTEN = b'{"payload":"%s","payloadType":"%s","signatures":[{"keyid":"%s","sig":"%s"}]}'
"""An envelope as canonical JSON."""
_WORDS = _WRITTEN.count(b'"') + 1


class KeyPurpose(StrEnum):
    """What a key may sign; the value names its file."""

    STATEMENTS = "statements"
    REHEARSALS = "rehearsals"
    CHECKPOINTS = "checkpoints"
    TOKENS = "tokens"
    WEBHOOKS = "webhooks"


class PayloadType(StrEnum):
    """What a payload is; DSSE binds it into the signature."""

    VERDICT = "application/vnd.medauth.verdict.v1+json"
    START = "application/vnd.medauth.start.v1+json"
    TOMBSTONE = "application/vnd.medauth.tombstone.v1+json"
    RECEIPT = "application/vnd.medauth.start-receipt.v1+json"
    KEY = "application/vnd.medauth.key.v1+json"


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key with the purpose it is trusted for."""

    purpose: KeyPurpose
    raw: bytes
    """32 bytes, RFC 8032."""

    @property
    def key_id(self) -> str:
        """Names the key by its own digest, so that a key id cannot be claimed for another key."""
        return f"ed25519:{hashlib.sha256(self.raw).hexdigest()[:32]}"


class SigningKey:
    """A private key for one purpose. Never printed: its repr shows the key id alone."""

    def __init__(self, purpose: KeyPurpose, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.verify_key = VerifyKey(purpose, private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"SigningKey({self.verify_key.purpose.value}, {self.verify_key.key_id})"

    @classmethod
    def generate(cls, purpose: KeyPurpose) -> SigningKey:
        """A new key from the operating system's randomness."""
        return cls(purpose, Ed25519PrivateKey.generate())

    def sign(self, payload: bytes, payload_type: PayloadType) -> Envelope:
        """Signs the payload as what it is."""
        if self.verify_key.purpose is KeyPurpose.CHECKPOINTS:
            raise KeyringError(f"a key for checkpoints signs no {payload_type.value}")
        signature = self._private.sign(pre_authentication_encoding(payload_type, payload))
        return Envelope(payload, payload_type.value, self.verify_key.key_id, signature)

    def endorse(self, announcement: bytes) -> bytes:
        """Signs the announcement of a key's successor, which every key may do. 64 bytes (`rotation.py`)."""
        return self._private.sign(pre_authentication_encoding(PayloadType.KEY, announcement))

    def sign_token(self, signed: bytes) -> bytes:
        """Signs a verdict token, a form of its own (`token.py`). 64 bytes; for that purpose alone."""
        return self._sign_as(KeyPurpose.TOKENS, signed)

    def sign_webhook(self, signed: bytes) -> bytes:
        """Signs a webhook, a form of its own (`webhook.py`). 64 bytes; for that purpose alone."""
        return self._sign_as(KeyPurpose.WEBHOOKS, signed)

    def _sign_as(self, purpose: KeyPurpose, signed: bytes) -> bytes:
        if self.verify_key.purpose is not purpose:
            raise KeyringError(f"a key for {self.verify_key.purpose.value} signs nothing for {purpose.value}")
        return self._private.sign(signed)

    def sign_note(self, body: bytes) -> bytes:
        """Signs the text of a checkpoint, which has a form of its own (`note.py`). 64 bytes; for that purpose alone."""
        if self.verify_key.purpose is not KeyPurpose.CHECKPOINTS:
            raise KeyringError(f"a key for {self.verify_key.purpose.value} signs no checkpoint")
        return self._private.sign(body)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with one signature over it."""

    payload: bytes
    payload_type: str
    key_id: str
    signature: bytes

    def to_json(self) -> dict[str, Json]:
        """The DSSE form."""
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": self.key_id, "sig": base64.b64encode(self.signature).decode()}],
        }

    def to_bytes(self) -> bytes:
        """The DSSE form as canonical JSON."""
        return canonical(self.to_json())

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Envelope:
        """Reads the DSSE form with exactly one signature. Raises `InputError`."""
        signatures = value.get("signatures")
        first = signatures[0] if isinstance(signatures, list) and len(signatures) == 1 else None
        if not isinstance(first, dict):
            raise InputError("an envelope without exactly one signature", expected="a DSSE envelope of medauth")
        return cls(
            payload=_unbase64(value.get("payload"), "payload"),
            payload_type=_text(value.get("payloadType"), "payloadType"),
            key_id=_text(first.get("keyid"), "keyid"),
            signature=_unbase64(first.get("sig"), "sig"),
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Envelope:
        """Reads the DSSE form from JSON bytes. Raises `InputError`."""
        return cls._as_written(data) or cls.from_json(parse_object(data))

    @classmethod
    def _as_written(cls, data: bytes) -> Envelope | None:
        """The short way for `to_bytes`'s own form, taken a million times in an audit; None for anything else.

        Only the four texts are looked for. That nothing else was there is known because they give the same bytes again.
        """
        words = data.split(b'"', 20)
        if len(words) != _WORDS or b"\\" in data:
            return None
        payload, kind, key_id, signature = words[3], words[7], words[13], words[17]
        if data != _WRITTEN % (payload, kind, key_id, signature):
            return None
        try:
            decoded = binascii.a2b_base64(payload), binascii.a2b_base64(signature)
            texts = kind.decode("ascii"), key_id.decode("ascii")
        except ValueError:
            return None
        again = [binascii.b2a_base64(part, newline=False) for part in decoded]
        if again != [payload, signature] or not (texts[0].isprintable() and texts[1].isprintable()):
            return None
        return cls(decoded[0], texts[0], texts[1], decoded[1])

    def verified(self, trusted: Mapping[str, VerifyKey], payload_type: PayloadType, purpose: KeyPurpose) -> bytes:
        """The payload, once its signature holds under a key trusted for this purpose. Raises `EvidenceError`."""
        if self.payload_type != payload_type.value:
            raise EvidenceError(f"a payload of type {self.payload_type[:80]}", expected=payload_type.value)
        key = trusted.get(self.key_id)
        if key is None or key.purpose is not purpose:
            raise EvidenceError(
                f"a signature by key {self.key_id[:80]}, which is not trusted for {purpose.value}",
                expected=" or ".join(k.key_id for k in trusted.values() if k.purpose is purpose) or "a trusted key",
                next_step="get the operator's public key from a source you trust",
            )
        try:
            _public_key(key.raw).verify(self.signature, pre_authentication_encoding(payload_type, self.payload))
        except InvalidSignature:
            raise EvidenceError("the signature does not fit the payload", expected="an unaltered statement") from None
        return self.payload


@lru_cache(maxsize=64)
def _public_key(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def pre_authentication_encoding(payload_type: PayloadType, payload: bytes) -> bytes:
    """PAE of DSSE v1: lengths before contents, so that no two pairs of type and payload encode alike."""
    kind = payload_type.value.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _text(value: Json, name: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name} is not a string", expected="a DSSE envelope of medauth")
    return value


def _unbase64(value: Json, name: str) -> bytes:
    """Strict: of the texts that decode to the same bytes, only the one that encoding gives."""
    text = _text(value, name)
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if base64.b64encode(decoded).decode() != text:
        raise InputError(f"{name} is not base64", expected="a DSSE envelope of medauth")
    return decoded
