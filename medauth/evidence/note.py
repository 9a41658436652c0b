"""A checkpoint of the log as a signed note: C2SP tlog-checkpoint in C2SP signed-note form.

    medauth/<log id>            origin
    9                           leaves
    <root, base64>

    — <origin> <base64 of key hash and signature>

Witnesses and log tools of other makers read this form. The signature covers the three lines alone, so that others may
add theirs below; lines of keys that a verifier does not know are passed over, as the specification asks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from medauth.errors import EvidenceError, InputError
from medauth.evidence.signing import KeyPurpose, SigningKey, VerifyKey

MAX_BYTES = 16 * 1024
_ED25519 = b"\x01"
_HASH_BYTES = 4
_ROOT_BYTES = 32
_MAX_SIZE = 2**53 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_NAME = re.compile(r"[!-*,-~]+")
"""Printable ASCII but space and plus: less than the specification allows, and the same in every language."""
_SIGNATURE_LINE = re.compile(rf"— ({_NAME.pattern}) ([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One line below a note: whose key, the hash that hints at it, and what it signed."""

    name: str
    key_hash: bytes
    """4 bytes."""
    signature: bytes


@dataclass(frozen=True, slots=True)
class CheckpointNote:
    """The head of a log, signed."""

    origin: str
    size: int
    root: bytes
    signatures: tuple[NoteSignature, ...]

    @property
    def body(self) -> bytes:
        """What is signed: origin, size and root, each with its newline."""
        return checkpoint_body(self.origin, self.size, self.root)

    def to_text(self) -> str:
        """The note as it is handed on."""
        lines = (f"— {s.name} {base64.b64encode(s.key_hash + s.signature).decode()}\n" for s in self.signatures)
        return f"{self.body.decode()}\n{''.join(lines)}"

    @classmethod
    def from_text(cls, text: str) -> CheckpointNote:
        """Reads a note of three lines and at least one signature. Raises `InputError` for every other text."""
        body, gap, signatures = text.partition("\n\n")
        lines = body.split("\n")
        if not gap or len(text) > MAX_BYTES or len(lines) != 3 or not signatures.endswith("\n"):  # noqa: PLR2004
            raise _malformed("its three lines, an empty one and signatures")
        origin, size, root = lines
        if not _NAME.fullmatch(origin) or not _SIZE.fullmatch(size) or int(size) > _MAX_SIZE:
            raise _malformed("an origin without spaces, and a size")
        signed = tuple(_signature(line) for line in signatures[:-1].split("\n"))
        note = cls(origin, int(size), _unbase64(root), signed)
        if len(note.root) != _ROOT_BYTES or note.to_text() != text:
            raise _malformed("a SHA-256 root in base64")
        return note

    def verified(self, trusted: Iterable[VerifyKey]) -> VerifyKey:
        """The first trusted key for checkpoints that signed this. Raises `EvidenceError` where none did."""
        keys = [key for key in trusted if key.purpose is KeyPurpose.CHECKPOINTS]
        for line in self.signatures:
            for key in keys:
                claimed = line.name == self.origin and line.key_hash == key_hash(self.origin, key.raw)
                if claimed and _holds(key.raw, self.body, line.signature):
                    return key
        raise EvidenceError(
            f"no trusted key signed the checkpoint of {self.size} leaves",
            expected=f"a signature by {' or '.join(key.key_id for key in keys) or 'a trusted key for checkpoints'}",
            next_step="get the operator's public key from a source you trust",
        )


def origin_of(log_id: bytes) -> str:
    """The name of a log in its notes, and of its key: by the id that its contract holds, so that no two are alike."""
    return f"medauth/{log_id.hex()}"


def checkpoint_body(origin: str, size: int, root: bytes) -> bytes:
    """The text of a checkpoint, before any signature."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()


def key_hash(name: str, raw: bytes) -> bytes:
    """4 bytes that hint at an Ed25519 key under a name; only a hint, the signature decides."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:_HASH_BYTES]


def signed_note(key: SigningKey, log_id: bytes, size: int, root: bytes) -> CheckpointNote:
    """A checkpoint signed by the key for checkpoints. Ed25519 signs alike every time."""
    origin = origin_of(log_id)
    signature = key.sign_note(checkpoint_body(origin, size, root))
    line = NoteSignature(origin, key_hash(origin, key.verify_key.raw), signature)
    return CheckpointNote(origin, size, root, (line,))


@lru_cache(maxsize=256)
def _holds(raw: bytes, body: bytes, signature: bytes) -> bool:
    """Remembered, since one checkpoint covers thousands of records of an audit."""
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, body)
    except InvalidSignature:
        return False
    return True


def _signature(line: str) -> NoteSignature:
    """Signatures of other kinds than Ed25519 have other lengths, and are kept as they are."""
    match = _SIGNATURE_LINE.fullmatch(line)
    data = _unbase64(match[2]) if match else b""
    if match is None or len(data) <= _HASH_BYTES:
        raise _malformed("signature lines below it")
    return NoteSignature(match[1], data[:_HASH_BYTES], data[_HASH_BYTES:])


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _malformed("base64") from None


def _malformed(expected: str) -> InputError:
    return InputError("a checkpoint that is no signed note", expected=expected)
