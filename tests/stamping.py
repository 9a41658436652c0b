"""A time stamp authority for tests: it signs digest and time with a key of its own. `test_timestamp.py` has a real one."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medauth.errors import EvidenceError

_MS_BYTES = 8


class TestAuthority:
    """`TimeStampAuthority`, and the one who reads its tokens."""

    __test__ = False
    name = "stamps.test"

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.now_ms = 1_700_000_000_000
        self.asked = 0

    def stamp(self, text: bytes) -> bytes:
        self.asked += 1
        time = self.now_ms.to_bytes(_MS_BYTES, "big")
        return time + self._key.sign(time + hashlib.sha256(text).digest())

    def stamped_ms(self, token: bytes, text: bytes) -> int:
        time, signature = token[:_MS_BYTES], token[_MS_BYTES:]
        try:
            self._key.public_key().verify(signature, time + hashlib.sha256(text).digest())
        except InvalidSignature:
            raise EvidenceError("the time stamp does not hold", expected="one over this checkpoint") from None
        return int.from_bytes(time, "big")
