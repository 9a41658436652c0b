"""libsodium and the strict verifier give one answer, on what signers make and on what nobody should make."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError

from medauth.evidence import bulk_signatures
from medauth.evidence.bulk_signatures import signature_holds, strictly_holds
from tests.edwards import L, odd_cases

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = PRIVATE.public_key().public_bytes_raw()
MESSAGE = b"a statement"
SIGNATURE = PRIVATE.sign(MESSAGE)


def libsodium_alone(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        crypto_sign_open(signature + message, key)
    except CryptoError:
        return False
    return True


def test_on_keys_points_and_scalars_of_every_kind_the_two_agree() -> None:
    answers: set[tuple[bool, bool]] = set()
    for case in odd_cases():
        strict = strictly_holds(case.key, case.signature, case.message)
        assert signature_holds(case.key, case.signature, case.message) == strict, case.name
        quick = libsodium_alone(case.key, case.signature, case.message)
        assert strict or not quick, f"libsodium takes what the strict verifier refuses: {case.name}"
        answers.add((quick, strict))
    # All three kinds of case are there: both take it, both refuse it, and only the second look takes it.
    assert answers == {(True, True), (False, False), (False, True)}


def test_what_libsodium_takes_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_signatures, "strictly_holds", None)
    assert signature_holds(KEY, SIGNATURE, MESSAGE)


@given(st.integers(0, 511), st.integers(0, 255), st.integers(0, 8 * len(MESSAGE) - 1))
def test_no_flipped_bit_passes(in_signature: int, in_key: int, in_message: int) -> None:
    assert not signature_holds(KEY, flipped(SIGNATURE, in_signature), MESSAGE)
    assert not signature_holds(flipped(KEY, in_key), SIGNATURE, MESSAGE)
    assert not signature_holds(KEY, SIGNATURE, flipped(MESSAGE, in_message))


@pytest.mark.parametrize("length", [0, 32, 63, 65, 128])
def test_a_signature_of_another_length_borrows_nothing_from_its_message(length: int) -> None:
    whole = SIGNATURE + MESSAGE
    assert not signature_holds(KEY, whole[:length], whole[length:])
    assert not signature_holds(KEY[:31], SIGNATURE, MESSAGE)


def test_a_scalar_that_is_not_reduced_is_refused() -> None:
    s = int.from_bytes(SIGNATURE[32:], "little") + L
    assert not signature_holds(KEY, SIGNATURE[:32] + s.to_bytes(32, "little"), MESSAGE)


def flipped(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "big") ^ (1 << bit)).to_bytes(len(data), "big")
