"""Bytes as text in addresses and JSON: base64url without padding (RFC 4648, section 5; RFC 7515, appendix C)."""

from __future__ import annotations

import base64
import binascii


def encoded(data: bytes) -> str:
    """The one text of these bytes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: object) -> bytes:
    """Strict: of the texts that decode alike only the one that encoding gives. Raises `ValueError`."""
    if not isinstance(text, str) or not text.isascii():
        raise ValueError("not base64url")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if encoded(data) != text:
        raise ValueError("another text for the same bytes")
    return data
