"""Signatures by the million: libsodium, twice as fast as OpenSSL, says yes; what it refuses the strict verifier judges.

Both recompute R = sB - hA and compare its 32 bytes with the signature's; neither multiplies by the cofactor, and both
refuse an s that is not reduced. libsodium refuses small-order keys and points beside that. So whatever it takes OpenSSL
takes too, and with the second look the two answers are the same for every input: `test_bulk_signatures.py` holds them
together on the edge cases of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (2020), section 5.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError

SIGNATURE_BYTES = 64


def signature_holds(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `cryptography` takes this Ed25519 signature under this 32-byte key (RFC 8032); asks libsodium first."""
    if len(signature) != SIGNATURE_BYTES:
        return False  # libsodium takes both in one piece and would borrow the message's first bytes
    try:
        crypto_sign_open(signature + message, key)
    except (CryptoError, ValueError):
        return strictly_holds(key, signature, message)
    return True


def strictly_holds(key: bytes, signature: bytes, message: bytes) -> bool:
    """The reference: the verifier that judges single records and bundles."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
