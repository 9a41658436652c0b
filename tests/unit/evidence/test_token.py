"""Verdict tokens: each step of the verification has a token that breaks exactly that step."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from medauth.errors import EvidenceError, InputError, KeyringError
from medauth.evidence.signing import KeyPurpose, SigningKey
from medauth.evidence.token import (
    LIFE_S,
    MAX_TOKEN,
    SKEW_S,
    PasskeyClaim,
    VerdictClaims,
    key_set,
    keys_in,
    sign_token,
    verify_token,
)

KEY = SigningKey.generate(KeyPurpose.TOKENS)
NOW = 1_700_000_000
CLAIMS = VerdictClaims(
    iss="https://verify.example",
    aud="acc_1",
    jti="j1",
    sub="user-42",
    check="chk_1",
    purpose="login",
    origin="https://app.example",
    outcome="live",
    policy="standard",
    policy_sha256="00" * 32,
    evidence_sha256="11" * 32,
    iat=NOW,
    exp=NOW + LIFE_S,
)
EXPECTED: dict[str, Any] = {
    "expected_subject": "user-42",
    "expected_purpose": "login",
    "expected_origin": "https://app.example",
    "expected_policy": "standard",
    "expected_audience": "acc_1",
    "expected_issuer": "https://verify.example",
}


def verify(token: str, **change: Any) -> VerdictClaims:
    rest: dict[str, Any] = {"keys": {KEY.verify_key.key_id: KEY.verify_key}, "now_s": NOW, "consume": lambda *_: True}
    return verify_token(token, **EXPECTED | rest | change)


def encoded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: Any, body: Any) -> str:
    text = f"{encoded(header)}.{encoded(body)}"
    return f"{text}.{encoded(KEY.sign_token(text.encode()))}"


HEADER = {"alg": "EdDSA", "typ": "medauth-verdict+jwt", "kid": KEY.verify_key.key_id}
BODY = {name: getattr(CLAIMS, name) for name in VerdictClaims.__dataclass_fields__ if name != "webauthn"}
PASSKEY = {"credential": "AAAA", "sign_count": 8, "user_verified": True}


def test_a_token_that_holds_says_what_was_signed() -> None:
    assert verify(sign_token(CLAIMS, KEY)) == CLAIMS
    assert verify(signed(HEADER, BODY)) == CLAIMS


def test_a_token_names_the_passkey_that_confirmed_the_check() -> None:
    confirmed = replace(CLAIMS, webauthn=PasskeyClaim("AAAA", 8, user_verified=True))
    token = sign_token(confirmed, KEY)
    assert verify(token, webauthn=True, expected_credential="AAAA") == confirmed
    assert verify(token) == verify(signed(HEADER, BODY | {"webauthn": PASSKEY})) == confirmed
    for demand in ({"webauthn": True}, {"expected_credential": "AAAA"}):
        with pytest.raises(EvidenceError, match="no passkey"):
            verify(sign_token(CLAIMS, KEY), **demand)
    with pytest.raises(EvidenceError, match="another credential"):
        verify(token, expected_credential="AAAB")


@pytest.mark.parametrize(
    "claim", [None, {}, "AAAA", PASSKEY | {"sign_count": "8"}, PASSKEY | {"sign_count": True}, PASSKEY | {"more": 1}]
)
def test_a_passkeys_claim_of_another_form_is_refused(claim: Any) -> None:
    with pytest.raises(EvidenceError, match="passkey's claim"):
        verify(signed(HEADER, BODY | {"webauthn": claim}))


@pytest.mark.parametrize(
    "token", ["", "a.b", "a.b.c.d", "..", "é.é.é", "a" * MAX_TOKEN + ".b.c", "e30=.e30.e30", "[].{}.x", None]
)
def test_what_is_no_token_is_refused(token: Any) -> None:
    with pytest.raises(EvidenceError):
        verify(token)


@pytest.mark.parametrize(
    "change",
    [{"alg": "none"}, {"alg": "HS256"}, {"typ": "JWT"}, {"kid": "ed25519:other"}, {"jwk": {}}, {"crit": []}],
)
def test_a_header_chooses_nothing(change: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError, match=r"another kind|not trusted"):
        verify(signed(HEADER | change, BODY))


def test_a_key_for_something_else_signs_no_token_and_verifies_none() -> None:
    other = SigningKey.generate(KeyPurpose.STATEMENTS)
    with pytest.raises(KeyringError):
        sign_token(CLAIMS, other)
    with pytest.raises(KeyringError):
        KEY.sign_webhook(b"")
    statement_key = replace(KEY.verify_key, purpose=KeyPurpose.STATEMENTS)
    with pytest.raises(EvidenceError, match="not trusted"):
        verify(sign_token(CLAIMS, KEY), keys={KEY.verify_key.key_id: statement_key})


def test_any_changed_letter_breaks_it() -> None:
    token = sign_token(CLAIMS, KEY)
    for at in range(0, len(token), 7):
        if token[at] != ".":
            changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
            with pytest.raises(EvidenceError):
                verify(changed)


@pytest.mark.parametrize("change", [{"extra": 1}, {"sub": 7}, {"iat": True}, {"exp": "1"}, {"jti": None}])
def test_claims_are_those_of_a_verdict_and_of_their_types(change: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError, match="claims"):
        verify(signed(HEADER, BODY | change))


@pytest.mark.parametrize("now", [NOW - SKEW_S - 1, NOW + LIFE_S, NOW + 10**9])
def test_a_token_of_another_time_is_refused(now: int) -> None:
    with pytest.raises(EvidenceError, match="time"):
        verify(sign_token(CLAIMS, KEY), now_s=now)


def test_a_token_that_lives_too_long_is_refused() -> None:
    with pytest.raises(EvidenceError, match="time"):
        verify(sign_token(replace(CLAIMS, exp=NOW + LIFE_S + 1), KEY))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_token_for_something_else_is_refused(name: str) -> None:
    with pytest.raises(EvidenceError, match="another"):
        verify(sign_token(CLAIMS, KEY), **{name: "other"})


def test_either_of_two_policies_may_be_expected() -> None:
    claims = verify(sign_token(replace(CLAIMS, policy="no-flash"), KEY), expected_policy=("standard", "no-flash"))
    assert claims.policy == "no-flash"


@pytest.mark.parametrize("outcome", ["not_live", "inconclusive", "rehearsed", "Live", ""])
def test_no_outcome_but_live_lets_in(outcome: str) -> None:
    with pytest.raises(EvidenceError, match="no live verdict"):
        verify(sign_token(replace(CLAIMS, outcome=outcome), KEY))


def test_a_token_is_used_once_and_a_refused_one_is_not_used_up() -> None:
    used: list[tuple[str, int]] = []

    def consume(jti: str, exp_s: int) -> bool:
        used.append((jti, exp_s))
        return len(used) == 1

    token = sign_token(CLAIMS, KEY)
    with pytest.raises(EvidenceError):
        verify(token, consume=consume, expected_subject="other")
    assert verify(token, consume=consume) == CLAIMS
    assert used == [("j1", CLAIMS.exp + SKEW_S)]
    with pytest.raises(EvidenceError, match="used before"):
        verify(token, consume=consume)


def test_the_key_set_holds_keys_for_tokens_alone_and_reads_back() -> None:
    others = [SigningKey.generate(purpose).verify_key for purpose in KeyPurpose if purpose is not KeyPurpose.TOKENS]
    published = key_set({key.key_id: key for key in (KEY.verify_key, *others)})
    assert keys_in(json.loads(json.dumps(published))) == {KEY.verify_key.key_id: KEY.verify_key}


@pytest.mark.parametrize(
    "spoil", [lambda _: {}, lambda _: {"keys": [1]}, lambda s: {"keys": [s["keys"][0] | {"x": "AA"}]}]
)
def test_a_key_set_that_cannot_be_read_is_refused(spoil: Callable[[Any], Any]) -> None:
    with pytest.raises(InputError):
        keys_in(spoil(key_set({KEY.verify_key.key_id: KEY.verify_key})))
