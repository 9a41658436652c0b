"""Verdict tokens are made from recorded verdicts, and used once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from medauth.evidence.signing import KeyPurpose, VerifyKey
from medauth.evidence.statement import statement_digest
from medauth.evidence.token import LIFE_S, PasskeyClaim, VerdictClaims, sign_token, verify_token
from medauth.protocol.base64url import encoded
from medauth.protocol.canonical import canonical
from medauth.protocol.policy import policy_named
from medauth.protocol.verdict import Decision
from medauth.service.booking import Booking
from medauth.service.passkeys import passkeys_in
from medauth.service.pictures import statement_of
from medauth.store.booking_interface import BookingState, BookingStore, PasskeyState
from medauth.store.interface import Keyring, RecordStore

_MS = 1_000


class Tokens:
    """Issues tokens for live checks. Over ports."""

    def __init__(self, records: RecordStore, keyring: Keyring, issuer: str) -> None:
        self._records = records
        self._keyring = keyring
        self._issuer = issuer

    def evidence_digest(self, record_id: str) -> bytes:
        """SHA-256 of the signed statement, as its token names it and as a passkey confirms it. Raises `StoreError`."""
        return statement_digest(canonical(statement_of(record_id, self._records, self._keyring)))

    def issue(self, booking: Booking) -> str | None:
        """The token of a check that came out live, and was confirmed with a passkey where that was asked for; None for
        every other, and for rehearsals.

        The same one each time: what was used up cannot be had anew.
        """
        row, asked = booking.row, booking.request
        live = row.state is BookingState.DONE and row.outcome == Decision.LIVE.value
        if row.sandbox or not live or row.record_id is None or row.check_id is None or row.ended_ms is None:
            return None
        statement = statement_of(row.record_id, self._records, self._keyring)
        policy = policy_named(statement["policy"]["rules"]["name"])
        if policy.rehearsal or statement["verdict"]["decision"] != Decision.LIVE.value:
            return None
        passkey = self._passkey(booking)
        if asked.webauthn and passkey is None:
            return None
        began_s = row.ended_ms // _MS
        claims = VerdictClaims(
            iss=self._issuer,
            aud=row.access_id,
            jti=self._keyring.tag("jti", row.booking_id).hex(),
            sub=asked.subject,
            check=row.check_id,
            purpose=asked.purpose,
            origin=asked.origin,
            outcome=Decision.LIVE.value,
            policy=policy.name,
            policy_sha256=str(statement["policy"]["digest"]),
            evidence_sha256=statement_digest(canonical(statement)).hex(),
            iat=began_s,
            exp=began_s + LIFE_S,
            webauthn=passkey,
        )
        return sign_token(claims, self._keyring.signing_key(KeyPurpose.TOKENS))

    def _passkey(self, booking: Booking) -> PasskeyClaim | None:
        """Which credential confirmed the check; None where none did."""
        row, step = booking.row, passkeys_in(booking.request.webauthn, booking.request.origin)
        if step is None or row.passkey_state != PasskeyState.VERIFIED or row.passkey_tag is None:
            return None
        used = step.tagged(row.passkey_tag, lambda text: self._keyring.tag("credential", text))
        if used is None or row.passkey_sign_count is None:
            return None
        return PasskeyClaim(encoded(used.id), row.passkey_sign_count, bool(row.passkey_user_verified))


class TokenVerifier:
    """What a relying app holds: whose tokens it takes, and which it took before."""

    def __init__(
        self,
        keys: Mapping[str, VerifyKey],
        store: BookingStore,
        *,
        issuer: str,
        audience: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._keys = keys
        self._store = store
        self._issuer = issuer
        self._audience = audience
        self._now_ms = now_ms

    def verify_token(
        self,
        token: str,
        *,
        expected_subject: str,
        expected_purpose: str,
        expected_origin: str,
        expected_policy: str | tuple[str, ...],
        webauthn: bool = False,
        expected_credential: str | None = None,
    ) -> VerdictClaims:
        """The claims of a token that holds; it is used up by this call. Raises `EvidenceError`, `StoreError`."""
        now_ms = self._now_ms()
        return verify_token(
            token,
            keys=self._keys,
            expected_subject=expected_subject,
            expected_purpose=expected_purpose,
            expected_origin=expected_origin,
            expected_policy=expected_policy,
            expected_audience=self._audience,
            expected_issuer=self._issuer,
            now_s=now_ms // _MS,
            webauthn=webauthn,
            expected_credential=expected_credential,
            consume=lambda jti, exp_s: self._store.consume_token(jti, exp_s * _MS, now_ms),
        )
