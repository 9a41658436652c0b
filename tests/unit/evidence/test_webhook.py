"""A webhook is believed for its signature, its time, its audience and its kind; each breaks by itself."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medauth.errors import EvidenceError, KeyringError
from medauth.evidence.signing import KeyPurpose, SigningKey
from medauth.evidence.token import key_set, keys_in
from medauth.evidence.webhook import (
    TOLERANCE_S,
    WebhookEvent,
    public_form,
    verify_webhook,
    webhook_headers,
)

KEY = SigningKey(KeyPurpose.WEBHOOKS, Ed25519PrivateKey.from_private_bytes(b"w" * 32))
OTHER = SigningKey(KeyPurpose.WEBHOOKS, Ed25519PrivateKey.from_private_bytes(b"o" * 32))
NOW = 1_800_000_000
EVENT = WebhookEvent(
    "check.done", "whk_1", "acc_1", "bkg_1", "done", "standard", "live", None, "evd_1", 1_800_000_000_123, sandbox=False
)
BODY = EVENT.to_bytes()
HEADERS = webhook_headers("whk_1", NOW, BODY, KEY)


def verified(headers: dict[str, str] = HEADERS, body: bytes = BODY, **change: Any) -> WebhookEvent:
    expected: dict[str, Any] = {"keys": [KEY.verify_key], "expected_audience": "acc_1", "now_s": NOW}
    return verify_webhook(headers, body, **expected | change)


def signed(event: WebhookEvent | bytes, webhook_id: str = "whk_1", at: int = NOW) -> tuple[dict[str, str], bytes]:
    body = event if isinstance(event, bytes) else event.to_bytes()
    return webhook_headers(webhook_id, at, body, KEY), body


def test_what_was_told_is_what_is_read() -> None:
    assert verified() == EVENT
    assert json.loads(BODY)["timestamp"] == "2027-01-15T08:00:00.123Z"


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """Its specification, "Signature scheme": `v1a,` and base64 of Ed25519 over `id.timestamp.body`."""
    scheme, _, text = HEADERS["webhook-signature"].partition(",")
    assert scheme == "v1a"
    content = b"whk_1." + str(NOW).encode() + b"." + BODY
    Ed25519PrivateKey.from_private_bytes(b"w" * 32).public_key().verify(base64.b64decode(text), content)
    assert base64.b64decode(public_form(KEY.verify_key).removeprefix("whpk_")) == KEY.verify_key.raw


def test_headers_are_found_in_whatever_case_they_come() -> None:
    assert verified({name.title(): value for name, value in HEADERS.items()}) == EVENT


def test_one_of_several_signatures_is_enough_and_others_are_looked_over() -> None:
    other = webhook_headers("whk_1", NOW, BODY, OTHER)["webhook-signature"]
    both = HEADERS | {"webhook-signature": f"v1,AAAA v1a,!!! {other} {HEADERS['webhook-signature']}"}
    assert verified(both) == EVENT


@pytest.mark.parametrize("late_s", [-TOLERANCE_S - 1, TOLERANCE_S + 1, 86_400])
def test_one_of_another_time_is_refused_though_its_signature_holds(late_s: int) -> None:
    with pytest.raises(EvidenceError, match="not of this time"):
        verified(now_s=NOW + late_s)
    assert verified(now_s=NOW + (TOLERANCE_S if late_s > 0 else -TOLERANCE_S)) == EVENT


@pytest.mark.parametrize("place", range(0, len(BODY), 7))
def test_no_byte_of_the_body_can_be_changed(place: int) -> None:
    with pytest.raises(EvidenceError, match="no signature"):
        verified(body=BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :])


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "whk_2"},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-signature": webhook_headers("whk_1", NOW, BODY, OTHER)["webhook-signature"]},
        {"webhook-signature": ""},
        {"webhook-signature": "v1," + HEADERS["webhook-signature"].split(",")[1]},
    ],
)
def test_id_time_and_key_are_signed_too(change: dict[str, str]) -> None:
    with pytest.raises(EvidenceError, match="no signature"):
        verified(HEADERS | change)


def test_a_key_for_another_purpose_signs_no_webhook_and_is_believed_for_none() -> None:
    token_key = SigningKey(KeyPurpose.TOKENS, Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    with pytest.raises(KeyringError):
        webhook_headers("whk_1", NOW, BODY, token_key)
    with pytest.raises(EvidenceError, match="no signature"):
        verified(keys=[token_key.verify_key])
    with pytest.raises(EvidenceError, match="no signature"):
        verified(keys=[])


def test_what_one_app_was_told_proves_nothing_to_another() -> None:
    with pytest.raises(EvidenceError, match="another app"):
        verified(expected_audience="acc_2")


def test_a_sandbox_is_believed_by_tests_alone() -> None:
    headers, body = signed(replace(EVENT, sandbox=True))
    with pytest.raises(EvidenceError, match="sandbox"):
        verified(headers, body)
    assert verified(headers, body, sandbox=True).sandbox


def test_a_body_under_another_id_is_refused() -> None:
    headers, body = signed(EVENT, "whk_2")
    with pytest.raises(EvidenceError, match="another webhook"):
        verified(headers, body)


def test_who_remembers_ids_takes_each_once() -> None:
    seen: set[str] = set()

    def first_time(webhook_id: str) -> bool:
        known = webhook_id in seen
        seen.add(webhook_id)
        return not known

    assert verified(first_time=first_time) == EVENT
    with pytest.raises(EvidenceError, match="taken before"):
        verified(first_time=first_time)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": ""},
        {"webhook-id": "whk.1"},
        {"webhook-id": "x" * 65},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "-5"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "9" * 20},
        {"webhook-timestamp": "１８"},
    ],
)
def test_what_is_no_webhook_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(EvidenceError, match="no webhook"):
        verified(HEADERS | change)
    with pytest.raises(EvidenceError, match="no webhook"):
        verified({})


def changed(**change: Any) -> bytes:
    told = json.loads(BODY)
    told["data"] |= change
    return json.dumps(told, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"\xff",
        b"x" * 20_000,
        BODY.replace(b"check.done", b"check.what"),
        changed(sandbox=0),
        changed(outcome=1),
        changed(ended_ms=True),
        changed(state=None),
        json.dumps({"type": "check.done", "data": {"webhook": "whk_1"}}).encode(),
    ],
)
def test_a_signed_body_of_another_form_is_refused(body: bytes) -> None:
    headers, body = signed(body)
    with pytest.raises(EvidenceError):
        verified(headers, body)


def test_a_newer_server_may_say_more() -> None:
    headers, body = signed(changed(something="new"))
    assert verified(headers, body) == EVENT


def test_keys_travel_as_a_key_set_for_webhooks_alone() -> None:
    published = key_set({KEY.verify_key.key_id: KEY.verify_key}, KeyPurpose.WEBHOOKS)
    assert verified(keys=keys_in(published, KeyPurpose.WEBHOOKS).values()) == EVENT
    assert key_set({KEY.verify_key.key_id: KEY.verify_key}) == {"keys": []}
