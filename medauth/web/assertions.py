"""Judges what a person's authenticator signed (WebAuthn, section 7.2). The only module that knows py_webauthn.

Verified in this order:

1. form: four texts in base64url, of usable lengths
2. credential: one of those that the app named
3. client data: flat JSON, on a page that stands in nobody else's frame
4. kind, challenge, origin, relying party, presence, user verification, sign count and signature, by py_webauthn
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webauthn import verify_authentication_response
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

from medauth.errors import CeremonyError, InputError
from medauth.protocol.base64url import decoded, encoded
from medauth.protocol.canonical import parse_object
from medauth.service.passkeys import MAX_ID, PasskeyStep, UserVerification

FIELDS: Mapping[str, int] = {"id": MAX_ID, "client_data": 2_048, "authenticator_data": 1_024, "signature": 4_096}
"""Bytes at most. Authenticator data are 37 bytes and what extensions nobody asked for add."""


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """What holds."""

    credential_id: bytes
    sign_count: int
    user_verified: bool


def require_keys(step: PasskeyStep) -> None:
    """Raises `CeremonyError` for a public key that could verify nothing, while the app can still mend it."""
    for credential in step.credentials:
        try:
            decoded_public_key_to_cryptography(decode_credential_public_key(credential.public_key))
        except Exception as error:  # whatever a decoder of foreign bytes comes to
            raise CeremonyError(
                "a credential's public_key that cannot be used",
                expected="a COSE key as registering the passkey gave it",
                next_step="see docs/web.md#passkeys",
            ) from error


def verify_assertion(said: Mapping[str, str], step: PasskeyStep, *, challenge: bytes, origin: str) -> VerifiedAssertion:
    """Raises `InputError` that says what does not hold."""
    parts = _parts(said)  # 1
    credential = step.credential(parts["id"])  # 2
    if credential is None:
        raise InputError("a credential that was not asked for", expected="one that the app named")
    _require_own_page(parts["client_data"])  # 3
    response = AuthenticatorAssertionResponse(
        client_data_json=parts["client_data"],
        authenticator_data=parts["authenticator_data"],
        signature=parts["signature"],
    )
    try:  # 4
        held = verify_authentication_response(
            credential=AuthenticationCredential(id=encoded(credential.id), raw_id=credential.id, response=response),
            expected_challenge=challenge,
            expected_rp_id=step.rp_id,
            expected_origin=origin,
            credential_public_key=credential.public_key,
            credential_current_sign_count=credential.sign_count,
            require_user_verification=step.user_verification is UserVerification.REQUIRED,
        )
    except (WebAuthnException, ValueError) as error:
        raise InputError(f"an assertion that does not hold: {error}") from error
    return VerifiedAssertion(credential.id, held.new_sign_count, held.user_verified)


def _parts(said: Mapping[str, str]) -> dict[str, bytes]:
    if set(said) != set(FIELDS):
        raise InputError("an assertion with parts missing, or others", expected=", ".join(FIELDS))
    try:
        parts = {name: decoded(said[name]) for name in FIELDS}
    except ValueError as error:
        raise InputError("an assertion that cannot be read", expected="base64url") from error
    long = [name for name, most in FIELDS.items() if len(parts[name]) > most]
    if long:
        raise InputError(f"an assertion whose {long[0]} is too long", expected=f"at most {FIELDS[long[0]]} bytes")
    return parts


def _require_own_page(client_data: bytes) -> None:
    """Read by our own parser first: deep JSON would end the process in another. A stranger's page that frames the app's
    could otherwise have the person confirm without knowing where."""
    if parse_object(client_data).get("crossOrigin", False) is not False:
        raise InputError("an assertion from within another site's page", expected="the check's own page")
