"""A key gives way to its successor: an announcement endorsed by both, which becomes a leaf of the log.

The old key's endorsement says that its owner wanted this; the new key's, that the one who announces it holds it. The
leaf's place in the log divides: what the old key signed counts up to there, and nothing after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from medauth.errors import EvidenceError
from medauth.evidence.signing import (
    KEY_BYTES,
    KeyPurpose,
    PayloadType,
    SigningKey,
    VerifyKey,
    pre_authentication_encoding,
)
from medauth.protocol.canonical import Json, canonical

VERSION = 1


@dataclass(frozen=True, slots=True)
class Succession:
    """Which key replaces which."""

    old: VerifyKey
    new: VerifyKey


def rotation_statement(old: SigningKey, new: SigningKey, *, record_id: str, rotated_ms: int) -> dict[str, Json]:
    """What is signed and logged when `new` takes the place of `old`."""
    announced: dict[str, Json] = {
        "version": VERSION,
        "record_id": record_id,
        "purpose": old.verify_key.purpose.value,
        "old": _key_json(old.verify_key),
        "new": _key_json(new.verify_key),
        "rotated_ms": rotated_ms,
    }
    text = canonical(announced)
    return {**announced, "endorsements": {"old": old.endorse(text).hex(), "new": new.endorse(text).hex()}}


def require_endorsed(statement: Mapping[str, Any]) -> Succession:
    """Which key replaces which, once both endorsements hold. Raises `EvidenceError`."""
    purpose = KeyPurpose(statement["purpose"])
    found = Succession(_key(purpose, statement["old"]), _key(purpose, statement["new"]))
    if found.old.raw == found.new.raw:
        raise EvidenceError("a key that replaces itself", expected="a new key")
    announced = canonical({name: value for name, value in statement.items() if name != "endorsements"})
    for name, key in (("old", found.old), ("new", found.new)):
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(
                _unhex(statement["endorsements"][name]),
                pre_authentication_encoding(PayloadType.KEY, announced),
            )
        except InvalidSignature:
            raise EvidenceError(
                f"the {name} key did not endorse this", expected=f"a signature by {key.key_id}"
            ) from None
    return found


def _key_json(key: VerifyKey) -> dict[str, Json]:
    return {"key_id": key.key_id, "ed25519": key.raw.hex()}


def _key(purpose: KeyPurpose, value: Mapping[str, Any]) -> VerifyKey:
    key = VerifyKey(purpose, _unhex(value["ed25519"]))
    if len(key.raw) != KEY_BYTES or key.key_id != value["key_id"]:
        raise EvidenceError("a key id that does not fit its key", expected=key.key_id)
    return key


def _unhex(text: str) -> bytes:
    """Strict: Python would take capitals and blanks for the same bytes, and a verifier in another language would not."""
    data = bytes.fromhex(text)
    if data.hex() != text:
        raise EvidenceError("hexadecimal digits in another form", expected="small letters without blanks")
    return data
