"""Signed statements: one key, one purpose; one encoding for one pair of type and payload."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import EvidenceError, InputError
from medauth.evidence.signing import (
    Envelope,
    KeyPurpose,
    PayloadType,
    SigningKey,
    VerifyKey,
    pre_authentication_encoding,
)

KEY = SigningKey(KeyPurpose.STATEMENTS, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
TRUSTED = {KEY.verify_key.key_id: KEY.verify_key}
KINDS = st.sampled_from(PayloadType)


def verified(envelope: Envelope, kind: PayloadType = PayloadType.VERDICT) -> bytes:
    return envelope.verified(TRUSTED, kind, KeyPurpose.STATEMENTS)


def test_the_encoding_is_that_of_dsse() -> None:
    kind = PayloadType.VERDICT.value
    assert pre_authentication_encoding(PayloadType.VERDICT, b"hello") == f"DSSEv1 {len(kind)} {kind} 5 hello".encode()


@given(KINDS, st.binary(max_size=40), KINDS, st.binary(max_size=40))
def test_no_two_pairs_of_type_and_payload_encode_alike(
    one: PayloadType, first: bytes, other: PayloadType, second: bytes
) -> None:
    alike = pre_authentication_encoding(one, first) == pre_authentication_encoding(other, second)
    assert alike == ((one, first) == (other, second))


@given(KINDS, st.binary(max_size=60))
def test_lengths_in_the_payload_confuse_nobody(kind: PayloadType, payload: bytes) -> None:
    inside = pre_authentication_encoding(kind, payload)
    assert pre_authentication_encoding(kind, inside) != inside
    assert pre_authentication_encoding(kind, inside).endswith(b" %d %s" % (len(inside), inside))


@given(st.binary(max_size=200), KINDS)
def test_what_was_signed_is_read_back(payload: bytes, kind: PayloadType) -> None:
    envelope = Envelope.from_bytes(KEY.sign(payload, kind).to_bytes())
    assert verified(envelope, kind) == payload


ENVELOPE = KEY.sign(b'{"a":1}', PayloadType.VERDICT)
BYTES = ENVELOPE.to_bytes()


@given(st.integers(0, 8 * len(BYTES) - 1))
def test_a_flipped_bit_is_found(bit: int) -> None:
    data = bytearray(BYTES)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises((InputError, EvidenceError)):
        verified(Envelope.from_bytes(bytes(data)))


@pytest.mark.parametrize("kind", [k for k in PayloadType if k is not PayloadType.VERDICT], ids=lambda k: k.name)
def test_a_signature_for_one_type_is_none_for_another(kind: PayloadType) -> None:
    with pytest.raises(EvidenceError, match="of type"):
        verified(ENVELOPE, kind)
    with pytest.raises(EvidenceError, match="does not fit"):
        verified(replace(ENVELOPE, payload_type=kind.value), kind)


def test_a_key_counts_for_its_purpose_alone() -> None:
    with pytest.raises(EvidenceError, match="not trusted for rehearsals"):
        ENVELOPE.verified(TRUSTED, PayloadType.VERDICT, KeyPurpose.REHEARSALS)


def test_an_unknown_key_names_the_known_ones() -> None:
    stranger = SigningKey.generate(KeyPurpose.STATEMENTS).sign(b"x", PayloadType.VERDICT)
    with pytest.raises(EvidenceError, match=KEY.verify_key.key_id):
        verified(stranger)


def test_a_key_that_is_claimed_does_not_fit_the_signature() -> None:
    stranger = SigningKey.generate(KeyPurpose.STATEMENTS).sign(b"x", PayloadType.VERDICT)
    with pytest.raises(EvidenceError, match="does not fit"):
        verified(replace(stranger, key_id=KEY.verify_key.key_id))


@pytest.mark.parametrize("signature", [b"", b"\x00" * 63, b"\x00" * 64, b"\x00" * 65, ENVELOPE.signature + b"\x00"])
def test_a_signature_of_any_other_length_or_content_is_refused(signature: bytes) -> None:
    with pytest.raises(EvidenceError, match="does not fit"):
        verified(replace(ENVELOPE, signature=signature))


def test_a_key_id_is_the_digest_of_its_key() -> None:
    other = VerifyKey(KeyPurpose.STATEMENTS, bytes(32))
    assert other.key_id != KEY.verify_key.key_id
    assert KEY.verify_key.key_id.startswith("ed25519:")


def test_a_private_key_never_shows() -> None:
    assert bytes(range(32)).hex() not in repr(KEY)
    assert repr(KEY) == f"SigningKey(statements, {KEY.verify_key.key_id})"


def altered(**changes: Any) -> bytes:
    value = json.loads(BYTES)
    value.update(changes)
    return json.dumps({key: item for key, item in value.items() if item is not ...}).encode()


def signature(**changes: Any) -> list[dict[str, Any]]:
    return [json.loads(BYTES)["signatures"][0] | changes]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(altered(signatures=[]), id="no signature"),
        pytest.param(altered(signatures=signature() * 2), id="two signatures"),
        pytest.param(altered(signatures=...), id="signatures missing"),
        pytest.param(altered(signatures={"0": 1}), id="signatures as an object"),
        pytest.param(altered(signatures=["sig"]), id="a signature as text"),
        pytest.param(altered(signatures=signature(sig=7)), id="a signature as a number"),
        pytest.param(altered(signatures=signature(keyid=None)), id="no key id"),
        pytest.param(altered(payload=...), id="no payload"),
        pytest.param(altered(payload="a b="), id="payload not base64"),
        pytest.param(altered(payload="\u00e4"), id="payload not ASCII"),
        pytest.param(altered(payload=base64.b64encode(b"x").decode() + "\n"), id="payload with a line break"),
        pytest.param(altered(payload="eR=="), id="payload with stray bits"),
        pytest.param(altered(payload="eQ"), id="payload without padding"),
        pytest.param(altered(payloadType=1), id="type as a number"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        Envelope.from_bytes(data)
