"""A passkey as a second factor on top of a live check: what an app asks for when it books one.

The app is the relying party (WebAuthn, section 1.2): it holds its users' credentials and names those that will do. The
server keeps none; it asks for one assertion over the digest of the statement that it has just signed, so that the person
who holds the key confirms this very check and no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from medauth.errors import CeremonyError, InputError
from medauth.protocol.base64url import decoded, encoded
from medauth.protocol.canonical import Json, canonical, parse_object

MAX_CREDENTIALS = 10
MAX_ID, MAX_PUBLIC_KEY = 1_023, 1_024
"""Bytes: WebAuthn, section 4, "Credential ID"; an RSA key of 4096 bits takes about 530."""
MAX_SIGN_COUNT = 2**32 - 1
"""WebAuthn, section 6.1."""
MAX_STEP = 32_768
"""Characters of a whole step in JSON: ten of the longest credentials and some more."""
_DOMAIN = re.compile(r"localhost|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_FIELDS, _NEEDED = {"credentials", "user_verification", "rp_id"}, {"credentials", "user_verification"}


class UserVerification(StrEnum):
    """Whether the authenticator must ask for a PIN or a biometric. Discouraged is none: a check is worth more than that."""

    REQUIRED = "required"
    PREFERRED = "preferred"


@dataclass(frozen=True, slots=True)
class Passkey:
    """One credential of the app's user."""

    id: bytes
    public_key: bytes
    """COSE (RFC 9052)."""
    sign_count: int
    """As the app last saw it."""


@dataclass(frozen=True, slots=True)
class PasskeyStep:
    """What is asked for after a live verdict."""

    credentials: tuple[Passkey, ...]
    user_verification: UserVerification
    rp_id: str
    """Whose credentials they are: the host of the check's origin, or a domain above it."""

    def to_text(self) -> str:
        """As a booking keeps it."""
        credentials: list[Json] = [
            {"id": encoded(one.id), "public_key": encoded(one.public_key), "sign_count": one.sign_count}
            for one in self.credentials
        ]
        stated: dict[str, Json] = {"credentials": credentials, "rp_id": self.rp_id}
        return canonical(stated | {"user_verification": self.user_verification.value}).decode()

    def credential(self, id_: bytes) -> Passkey | None:
        """The one of that id among those that will do."""
        return next((one for one in self.credentials if one.id == id_), None)

    def tagged(self, tag: bytes, tag_of: Callable[[str], bytes]) -> Passkey | None:
        """The one that a booking remembers by a keyed hash."""
        return next((one for one in self.credentials if tag_of(encoded(one.id)) == tag), None)


def passkey_step(value: object, origin: str) -> PasskeyStep:
    """A step from its JSON form, for a check on that origin.

    Raises `InputError` for another form, `CeremonyError` for a step of the right form that could never be taken.
    """
    if not isinstance(value, Mapping) or not _NEEDED <= set(value) <= _FIELDS:
        raise _refused("a webauthn that cannot be read", ", ".join(sorted(_FIELDS)))
    listed = value["credentials"]
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_CREDENTIALS:
        raise _refused("no credentials, or too many", f"1 to {MAX_CREDENTIALS}")
    credentials = tuple(_passkey(one) for one in listed)
    if len({one.id for one in credentials}) != len(credentials):
        raise _unfit("a credential twice", "each id once")
    if value["user_verification"] not in tuple(UserVerification):
        raise _refused("an unknown user_verification", ", ".join(UserVerification))
    rp_id = _rp_id(value.get("rp_id"), origin)
    return PasskeyStep(credentials, UserVerification(value["user_verification"]), rp_id)


def passkeys_in(text: str, origin: str) -> PasskeyStep | None:
    """The step that a booking keeps; None where none was asked for. Raises `InputError`, `CeremonyError`."""
    return passkey_step(parse_object(text.encode("utf-8", "surrogatepass")), origin) if text else None


def _passkey(value: Any) -> Passkey:
    if not isinstance(value, Mapping) or set(value) != {"id", "public_key", "sign_count"}:
        raise _refused("a credential that cannot be read", "id, public_key and sign_count")
    count = value["sign_count"]
    if type(count) is not int or not 0 <= count <= MAX_SIGN_COUNT:
        raise _refused("a sign_count out of range", f"0 to {MAX_SIGN_COUNT}")
    id_, key = _bytes(value["id"], "id", MAX_ID), _bytes(value["public_key"], "public_key", MAX_PUBLIC_KEY)
    return Passkey(id_, key, count)


def _bytes(text: object, name: str, most: int) -> bytes:
    try:
        data = decoded(text)
    except ValueError:
        raise _refused(f"a credential's {name} that is not base64url", "base64url without padding") from None
    if not 1 <= len(data) <= most:
        raise _refused(f"a credential's {name} of {len(data)} bytes", f"1 to {most}")
    return data


def _rp_id(wanted: object, origin: str) -> str:
    """A browser lets a page ask for credentials of its own domain and of those above it, over https or on localhost.

    Whether a domain above is one under which strangers register is for the browser to know (the public suffix list).
    """
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not _DOMAIN.fullmatch(host) or not (parts.scheme == "https" or (parts.scheme, host) == ("http", "localhost")):
        raise _unfit("an origin at which no passkey can be used", "https and a domain name, or http://localhost")
    if wanted is None:
        return host
    if not isinstance(wanted, str):
        raise _refused("an rp_id that is no text", "a domain name")
    fits = _DOMAIN.fullmatch(wanted) and f".{host}".endswith(f".{wanted}")
    if not fits:
        raise _unfit("an rp_id that is not the origin's", "its host, or a domain above it")
    return wanted


def _unfit(got: str, expected: str) -> CeremonyError:
    return CeremonyError(got, expected=expected, next_step="see docs/web.md#passkeys")


def _refused(got: str, expected: str) -> InputError:
    return InputError(got, expected=expected, next_step="see docs/web.md#passkeys")
