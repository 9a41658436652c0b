"""Verdict tokens: what a relying app believes without asking again. A JWT (RFC 7519) signed by EdDSA (RFC 8037).

A token names whom it is about, for what, where, under which policy, and is used once. Only a live verdict of a check that
decides something yields one: a rehearsal never does.

Verified in this order:

1. form: three parts, of a usable length
2. header: EdDSA, a JWT of this kind, and a key trusted for tokens
3. signature
4. claims: all of them there, of their types, and none expired or from the future
5. binding: subject, purpose, origin, policy, audience and issuer are those that were expected
6. outcome: live
7. passkey: the person confirmed with one, or with the one that was expected, where that was asked for
8. use: the first one
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from medauth.errors import EvidenceError, InputError
from medauth.evidence.signing import KeyPurpose, SigningKey, VerifyKey
from medauth.protocol.base64url import decoded, encoded
from medauth.protocol.canonical import Json, canonical, parse_object

TOKEN_TYPE = "medauth-verdict+jwt"  # noqa: S105 - a media type
LIFE_S = 300
"""A login takes seconds; who waits longer asks for another check."""
SKEW_S = 30
"""By so much the clocks of two servers may differ."""
MAX_TOKEN = 8_192
_RAW_BYTES = 32
_TEXTS = (
    "iss",
    "aud",
    "jti",
    "sub",
    "check",
    "purpose",
    "origin",
    "outcome",
    "policy",
    "policy_sha256",
    "evidence_sha256",
)

Consume = Callable[[str, int], bool]
"""(jti, expiry in seconds since 1970) to True the first time; of parallel calls exactly one is the first."""


@dataclass(frozen=True, slots=True)
class PasskeyClaim:
    """That the person also confirmed the check with a passkey, over the digest that `evidence_sha256` names."""

    credential: str
    """Its id in base64url."""
    sign_count: int
    """To be kept by the app in place of the one that it named."""
    user_verified: bool


@dataclass(frozen=True, slots=True)
class VerdictClaims:
    """What a token says. Times are seconds since 1970."""

    iss: str
    aud: str
    jti: str
    sub: str
    check: str
    purpose: str
    origin: str
    outcome: str
    policy: str
    policy_sha256: str
    evidence_sha256: str
    iat: int
    exp: int
    webauthn: PasskeyClaim | None = None
    """None where no passkey was asked for."""


def sign_token(claims: VerdictClaims, key: SigningKey) -> str:
    """The claims as a compact JWS (RFC 7515)."""
    header: dict[str, Json] = {"alg": "EdDSA", "typ": TOKEN_TYPE, "kid": key.verify_key.key_id}
    stated: dict[str, Json] = {name: getattr(claims, name) for name in (*_TEXTS, "iat", "exp")}
    if claims.webauthn is not None:
        stated["webauthn"] = asdict(claims.webauthn)
    signed = f"{encoded(canonical(header))}.{encoded(canonical(stated))}"
    return f"{signed}.{encoded(key.sign_token(signed.encode()))}"


def key_set(keys: Mapping[str, VerifyKey], purpose: KeyPurpose = KeyPurpose.TOKENS) -> dict[str, Json]:
    """A JWK set (RFC 7517) of the keys for one purpose; no other key is in it."""
    return {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key.key_id, "x": encoded(key.raw)}
            for key in keys.values()
            if key.purpose is purpose
        ]
    }


def keys_in(jwks: Mapping[str, Any], purpose: KeyPurpose = KeyPurpose.TOKENS) -> dict[str, VerifyKey]:
    """The keys of a JWK set that was fetched for a purpose, each under the id that its own digest gives.

    Raises `InputError`.
    """
    try:
        raws = [decoded(entry["x"]) for entry in jwks["keys"] if entry["kty"] == "OKP" and entry["crv"] == "Ed25519"]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("a key set that cannot be read", expected="a JWK set as the server publishes it") from error
    if any(len(raw) != _RAW_BYTES for raw in raws):
        raise InputError("a key of another length", expected="Ed25519 keys")
    keys = [VerifyKey(purpose, raw) for raw in raws]
    return {key.key_id: key for key in keys}


def verify_token(
    token: str,
    *,
    keys: Mapping[str, VerifyKey],
    expected_subject: str,
    expected_purpose: str,
    expected_origin: str,
    expected_policy: str | tuple[str, ...],
    expected_audience: str,
    expected_issuer: str,
    now_s: int,
    consume: Consume,
    webauthn: bool = False,
    expected_credential: str | None = None,
) -> VerdictClaims:
    """The claims of a token that holds, and is used up by this call. Raises `EvidenceError` that says what does not hold.

    `expected_policy` are several where the app let the person do the check without colours. `webauthn` demands that a
    passkey confirmed the check, `expected_credential` (an id in base64url) that it was this one.
    """
    header, body, signature, signed = _parts(token)  # 1
    key = _trusted(header, keys)  # 2
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, signed)  # 3
    except InvalidSignature:
        raise _refused("the signature does not hold", "an unaltered token") from None
    claims = _claims(body)  # 4
    if not claims.iat - SKEW_S <= now_s < claims.exp or claims.exp - claims.iat > LIFE_S:
        raise _refused("the token is not of this time", f"one of at most {LIFE_S} s, not expired")
    expected = {
        "iss": expected_issuer,
        "aud": expected_audience,
        "sub": expected_subject,
        "purpose": expected_purpose,
        "origin": expected_origin,
    }
    policies = (expected_policy,) if isinstance(expected_policy, str) else expected_policy
    if claims.policy not in policies:
        raise _refused("the token is for another policy", "one that this app asked for")
    for name, value in expected.items():  # 5
        if getattr(claims, name) != value:
            raise _refused(f"the token is for another {name}", "the one that this app asked for")
    if claims.outcome != "live":  # 6
        raise _refused("the token says no live verdict", "outcome live")
    _require_passkey(claims.webauthn, expected_credential, needed=webauthn)  # 7
    if not consume(claims.jti, claims.exp + SKEW_S):  # 8
        raise _refused("the token was used before", "one check, one use")
    return claims


def _parts(token: object) -> tuple[dict[str, Json], dict[str, Json], bytes, bytes]:
    if not isinstance(token, str) or len(token) > MAX_TOKEN or token.count(".") != 2:  # noqa: PLR2004 - RFC 7515, 3.1
        raise _refused("not a token", "three parts with dots between")
    head, body, signature = token.split(".")
    try:
        return (
            parse_object(decoded(head)),
            parse_object(decoded(body)),
            decoded(signature),
            f"{head}.{body}".encode(),
        )
    except (ValueError, InputError):
        raise _refused("a token that cannot be read", "base64url of JSON") from None


def _trusted(header: Mapping[str, Json], keys: Mapping[str, VerifyKey]) -> VerifyKey:
    """No header chooses its algorithm or brings its key."""
    if set(header) != {"alg", "typ", "kid"} or header["alg"] != "EdDSA" or header["typ"] != TOKEN_TYPE:
        raise _refused("a token of another kind", f"EdDSA and {TOKEN_TYPE}")
    key = keys.get(str(header["kid"]))
    if key is None or key.purpose is not KeyPurpose.TOKENS:
        raise _refused("a key that is not trusted for tokens", "one of the server's key set")
    return key


def _claims(body: Mapping[str, Json]) -> VerdictClaims:
    texts = {name: body.get(name) for name in _TEXTS}
    times = {name: body.get(name) for name in ("iat", "exp")}
    whole = all(type(value) is str for value in texts.values()) and all(type(value) is int for value in times.values())
    if not whole or set(body) - {"webauthn"} != set(texts) | set(times):
        raise _refused("a token with claims missing, or others", "those of a verdict")
    values: dict[str, Any] = texts | times
    return VerdictClaims(**values, webauthn=_passkey(body["webauthn"]) if "webauthn" in body else None)


def _passkey(claim: Json) -> PasskeyClaim:
    known: dict[str, type] = {"credential": str, "sign_count": int, "user_verified": bool}
    if not isinstance(claim, dict) or {name: type(value) for name, value in claim.items()} != known:
        raise _refused("a passkey's claim that cannot be read", "credential, sign_count and user_verified")
    values: dict[str, Any] = claim
    return PasskeyClaim(**values)


def _require_passkey(claim: PasskeyClaim | None, credential: str | None, *, needed: bool) -> None:
    if claim is None and (needed or credential is not None):
        raise _refused("a check that no passkey confirmed", "one that was asked for with webauthn")
    if credential is not None and claim is not None and claim.credential != credential:
        raise _refused("the token names another credential", "the one that this app asked for")


def _refused(got: str, expected: str) -> EvidenceError:
    return EvidenceError(got, expected=expected, next_step="ask for a new check")
