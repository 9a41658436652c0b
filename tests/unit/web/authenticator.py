"""An authenticator in software (WebAuthn, section 6): makes a key, signs what a page asks for, and can be told to cheat."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from medauth.protocol.base64url import encoded

USER_PRESENT, USER_VERIFIED = 1, 4


@dataclass
class Authenticator:
    """One credential over P-256 (ES256)."""

    origin: str
    sign_count: int = 7
    flags: int = USER_PRESENT | USER_VERIFIED
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_key(self) -> bytes:
        """COSE (RFC 9053, section 7.1.1): {1: 2, 3: -7, -1: 1, -2: x, -3: y}."""
        numbers = self.key.public_key().public_numbers()
        x, y = (value.to_bytes(32, "big") for value in (numbers.x, numbers.y))
        return bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y

    def booked(self, sign_count: int = 7, user_verification: str = "required", **more: Any) -> dict[str, Any]:
        """The step as its app asks for it."""
        one = {"id": encoded(self.id), "public_key": encoded(self.public_key), "sign_count": sign_count}
        return {"credentials": [one], "user_verification": user_verification} | more

    def get(self, asked: dict[str, Any], **change: Any) -> dict[str, Any]:
        """The assertion over a page's request. `change` replaces fields of the client data, or `rp_id` that of the rest."""
        self.sign_count += 1
        rp_id = str(change.pop("rp_id", asked["rp_id"]))
        stated = {"type": "webauthn.get", "challenge": asked["challenge"], "origin": self.origin, "crossOrigin": False}
        client = json.dumps(stated | change).encode()
        about = hashlib.sha256(rp_id.encode()).digest() + bytes([self.flags]) + self.sign_count.to_bytes(4, "big")
        signature = self.key.sign(about + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"id": self.id, "client_data": client, "authenticator_data": about, "signature": signature}
        return {"type": "assertion"} | {name: encoded(part) for name, part in parts.items()}
