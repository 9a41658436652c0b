"""The port of keys that never leave the server, and what is remembered of those that were replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from medauth.evidence.commitment import RecordKeys
from medauth.evidence.signing import KeyPurpose, SigningKey, VerifyKey


@dataclass(frozen=True, slots=True)
class RetiredKeyRow:
    """A key that was replaced: committed together with the leaf that announced its successor."""

    key_id: str
    purpose: KeyPurpose
    raw: bytes
    """32 bytes, the public key."""
    until: int
    """Leaves before this index count; the announcement is the last of them."""
    successor: str
    record_id: str


class Keyring(Protocol):
    """Keys that never leave the server. Errors are `KeyringError`."""

    def signing_key(self, purpose: KeyPurpose) -> SigningKey: ...

    def trusted(self) -> Mapping[str, VerifyKey]:
        """Public keys by key id, retired ones too."""

    def retired(self) -> Mapping[str, int]:
        """Key id to the size of the log until which a retired key counts: its leaves lie below."""

    def retired_rows(self) -> Sequence[RetiredKeyRow]:
        """All that is kept of each retired key."""

    def next_key(self, purpose: KeyPurpose) -> SigningKey:
        """The key that will replace the present one: made on first use, the same one until it does."""

    def retire(self, retired: RetiredKeyRow) -> bool:
        """Brings the keys in line with an announcement: keeps the public key, puts the successor in its place, destroys
        the private key. May be called again, by any process; False where the successor is not here.
        """

    def wrap(self, record_id: str, keys: RecordKeys) -> bytes:
        """A record's keys, encrypted under the master key and bound to the record."""

    def unwrap(self, record_id: str, wrapped: bytes) -> RecordKeys: ...

    def tag(self, kind: str, text: str) -> bytes:
        """32 bytes that stand for a subject or client in look-ups; useless without the master key."""

    def secret(self, use: str) -> bytes:
        """32 bytes for one use, the same at every start: what a server of this keyring keeps secret beside its keys."""
