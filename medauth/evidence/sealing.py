"""Sealed storage: AES-256-GCM, one key per record, bound to the record and the name it is stored under.

What is sealed: the envelope, the judged JPEG bytes, traces. Destroying the record's key makes all of it unreadable.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from medauth.errors import EvidenceError

_MAGIC = b"MAS1"
_NONCE_BYTES = 12
OVERHEAD_BYTES = len(_MAGIC) + _NONCE_BYTES + 16


def seal(key: bytes, plaintext: bytes, *, record_id: str, name: str) -> bytes:
    """Encrypts under a fresh nonce: magic (4), nonce (12), ciphertext and tag (16)."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _MAGIC + nonce + AESGCM(key).encrypt(nonce, plaintext, _context(record_id, name))


def unseal(key: bytes, sealed: bytes, *, record_id: str, name: str) -> bytes:
    """Decrypts. Raises `EvidenceError` when the bytes were altered or belong to another record or name."""
    if len(sealed) < OVERHEAD_BYTES or not sealed.startswith(_MAGIC):
        raise EvidenceError(f"{name} of record {record_id} is not sealed data", expected="bytes as medauth stored them")
    nonce, ciphertext = sealed[4 : 4 + _NONCE_BYTES], sealed[4 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, _context(record_id, name))
    except InvalidTag:
        raise EvidenceError(
            f"{name} of record {record_id} does not open", expected="bytes as medauth stored them, under the same key"
        ) from None


def _context(record_id: str, name: str) -> bytes:
    return f"medauth seal v1\x00{record_id}\x00{name}".encode()
