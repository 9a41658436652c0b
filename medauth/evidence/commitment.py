"""The keyed commitment of a record, and the digest chain over its frames.

A leaf is HMAC-SHA256 under a random key of the record. Nothing else of a record ever leaves the mirror, and when the key
is destroyed nobody can tell any more what the leaf committed to, not even with the original data in hand.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

KEY_BYTES = 32
_CLIENT_DOMAIN = b"medauth client v1\x00"
_FRAMES_DOMAIN = b"medauth frames v1\x00"
_SOUND_DOMAIN = b"medauth sound v1\x00"


@dataclass(frozen=True, slots=True, repr=False)
class RecordKeys:
    """The two random keys of one record: `leaf` goes into its bundles, `seal` never leaves the server."""

    leaf: bytes
    seal: bytes

    @classmethod
    def generate(cls) -> RecordKeys:
        """Two fresh 32-byte keys."""
        return cls(secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))

    def to_bytes(self) -> bytes:
        """64 bytes, to be wrapped by the master key before they are stored."""
        return self.leaf + self.seal

    @classmethod
    def from_bytes(cls, data: bytes) -> RecordKeys:
        """The inverse of `to_bytes`."""
        return cls(data[:KEY_BYTES], data[KEY_BYTES : 2 * KEY_BYTES])


def leaf_commitment(leaf_key: bytes, payload: bytes) -> bytes:
    """32 bytes: HMAC-SHA256(leaf key, payload)."""
    return hmac.digest(leaf_key, payload, "sha256")


def client_commitment(check_id: str, client_tag: bytes) -> bytes:
    """32 bytes that bind a check to the client it came from. To whom the tag is unknown they say nothing, and two checks of
    one client have nothing in common.
    """
    return hashlib.sha256(_CLIENT_DOMAIN + check_id.encode() + b"\x00" + client_tag).digest()


def microseconds(t_ms: float) -> int:
    """A frame's time as the chain and the statement hold it."""
    return round(t_ms * 1_000)


class FrameChain:
    """A running digest over all frames in order: each link covers the one before, the frame's number, its time and its
    JPEG bytes, so that no frame can be left out, added, moved or retimed afterwards.
    """

    def __init__(self, check_id: str) -> None:
        self._head = hashlib.sha256(_FRAMES_DOMAIN + check_id.encode()).digest()
        self.count = 0

    def add(self, sha256: bytes, t_ms: float) -> None:
        """Takes in the next frame by the digest of its JPEG bytes; time is kept in whole microseconds."""
        link = self.count.to_bytes(8, "big") + microseconds(t_ms).to_bytes(8, "big") + sha256
        self._head = hashlib.sha256(self._head + link).digest()
        self.count += 1

    @property
    def head(self) -> bytes:
        """32 bytes that stand for all frames so far."""
        return self._head


class SoundChain:
    """The same over pieces of sound: each link covers the piece's number, how many frames came before it, its time and
    its samples, so that sound cannot be moved against the picture either.
    """

    def __init__(self, check_id: str) -> None:
        self._head = hashlib.sha256(_SOUND_DOMAIN + check_id.encode()).digest()
        self.count = 0

    def add(self, sha256: bytes, t_ms: float, frames_before: int) -> None:
        """Takes in the next piece by the digest of its samples (16-bit little-endian)."""
        place = self.count.to_bytes(8, "big") + frames_before.to_bytes(8, "big")
        link = place + microseconds(t_ms).to_bytes(8, "big") + sha256
        self._head = hashlib.sha256(self._head + link).digest()
        self.count += 1

    @property
    def head(self) -> bytes:
        """32 bytes that stand for all sound so far."""
        return self._head
