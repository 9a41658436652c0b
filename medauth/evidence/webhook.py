"""Webhooks: what an app is told of a check's end, signed so that it can be believed.

The form is that of Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec 1.0.0), so that libraries
which know its asymmetric scheme can verify it: headers `webhook-id`, `webhook-timestamp` and `webhook-signature`; what is signed is `id.timestamp.body`; the
signature is asymmetric, `v1a,` and base64 of Ed25519, by a key for webhooks alone. The key is one for all apps, so the
body names its `audience`: what one app was told proves nothing to another.

Verified in this order:

1. form: three headers, a body of a usable size
2. time: sent within the replay window
3. signature: by a key trusted for webhooks
4. body: all fields there, of their types, and the id that was signed
5. binding: for this app
6. kind: nothing of a sandbox, unless that is wanted
7. use: the first one, where the app remembers ids
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from medauth.errors import EvidenceError, InputError
from medauth.evidence.signing import KeyPurpose, SigningKey, VerifyKey
from medauth.protocol.canonical import Json, canonical, parse_object

TOLERANCE_S = 300
"""How old or early a webhook may be: for longer an app would have to remember ids."""
MAX_BODY_BYTES = 16 * 1024
MAX_SIGNATURES = 16
DONE, FAILED = "check.done", "check.failed"
_SCHEME, _PUBLIC = "v1a", "whpk_"
_DATA: Mapping[str, tuple[type, ...]] = {
    "webhook": (str,),
    "audience": (str,),
    "check": (str,),
    "state": (str,),
    "policy": (str,),
    "outcome": (str, type(None)),
    "code": (str, type(None)),
    "evidence_id": (str, type(None)),
    "ended_ms": (int,),
    "sandbox": (bool,),
}


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What an app is told. It lets nobody in: the verdict token does, which the app fetches."""

    type: str
    """`check.done` or `check.failed`."""
    webhook: str
    """The same in every try: who saw it before may forget this one."""
    audience: str
    check: str
    state: str
    policy: str
    outcome: str | None
    code: str | None
    evidence_id: str | None
    ended_ms: int
    sandbox: bool

    def to_bytes(self) -> bytes:
        """The body: canonical JSON."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.ended_ms // 1_000))
        data: dict[str, Json] = {name: getattr(self, name) for name in _DATA}
        return canonical({"type": self.type, "timestamp": f"{stamp}.{self.ended_ms % 1_000:03d}Z", "data": data})


def webhook_headers(webhook_id: str, at_s: int, body: bytes, key: SigningKey) -> dict[str, str]:
    """What goes with the body in one try; `at_s` is when it is made, in seconds since 1970."""
    signature = base64.b64encode(key.sign_webhook(_signed(webhook_id, str(at_s), body))).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"{_SCHEME},{signature}",
    }


def public_form(key: VerifyKey) -> str:
    """The key as libraries for Standard Webhooks take it."""
    return _PUBLIC + base64.b64encode(key.raw).decode()


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    *,
    keys: Iterable[VerifyKey],
    expected_audience: str,
    now_s: int | None = None,
    sandbox: bool = False,
    first_time: Callable[[str], bool] = lambda _webhook_id: True,
) -> WebhookEvent:
    """What a request says that came to your callback. Raises `EvidenceError` that names what does not hold.

    `headers` and `body` as they came; `keys` from the server's `/.well-known/webhook-keys.json` (`webhook_keys_in`);
    `expected_audience` is your access id. `first_time` may remember ids for twice `TOLERANCE_S` and say False for a second
    one. Answer 2xx once it is taken, also for one seen before: whatever else is answered is tried again.
    """
    webhook_id, at, signatures = _headers(headers, body)  # 1
    now_s = int(time.time()) if now_s is None else now_s
    if abs(now_s - int(at)) > TOLERANCE_S:  # 2
        raise _refused("a webhook that is not of this time", f"one of the last {TOLERANCE_S} s")
    trusted = [key for key in keys if key.purpose is KeyPurpose.WEBHOOKS]
    if not any(_holds(key, raw, _signed(webhook_id, at, body)) for key in trusted for raw in signatures):  # 3
        raise _refused(
            "no signature by a trusted key", "one by the server's key; fetch its keys again if it has a new one"
        )
    event = _event(body)  # 4
    if event.webhook != webhook_id:
        raise _refused("a body of another webhook", "the id that was signed")
    if event.audience != expected_audience:  # 5
        raise _refused("a webhook for another app", "your access id")
    if event.sandbox and not sandbox:  # 6
        raise _refused("a webhook of a sandbox", "one of a real check; tests say sandbox=True")
    if not first_time(webhook_id):  # 7
        raise _refused("a webhook that was taken before", "each id once")
    return event


def _signed(webhook_id: str, at: str, body: bytes) -> bytes:
    return f"{webhook_id}.{at}.".encode() + body


def _headers(headers: Mapping[str, str], body: bytes) -> tuple[str, str, list[bytes]]:
    given = {name.lower(): value for name, value in headers.items()}
    webhook_id, at, stated = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    usable = webhook_id.isascii() and webhook_id.isprintable() and 0 < len(webhook_id) <= 64 and "." not in webhook_id  # noqa: PLR2004
    if not usable or not (at.isascii() and at.isdecimal() and len(at) <= 12) or len(body) > MAX_BODY_BYTES:  # noqa: PLR2004
        raise _refused("a request that is no webhook", "webhook-id, webhook-timestamp, webhook-signature and a body")
    signatures = []
    for part in stated.split(" ")[:MAX_SIGNATURES]:
        scheme, _, text = part.partition(",")
        if scheme == _SCHEME:
            try:
                signatures.append(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                continue
    return webhook_id, at, signatures


def _holds(key: VerifyKey, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _event(body: bytes) -> WebhookEvent:
    try:
        told = parse_object(body)
    except InputError:
        raise _refused("a body that is no JSON object", "what the server signed") from None
    kind, data = told.get("type"), told.get("data")
    if not isinstance(data, dict) or kind not in {DONE, FAILED}:
        raise _refused("a webhook of another kind", f"{DONE} or {FAILED}")
    # A newer server may say more.
    values: dict[str, Any] = {name: data[name] for name in _DATA if name in data}
    if any(name not in values or type(values[name]) not in types for name, types in _DATA.items()):
        raise _refused("a webhook with fields missing, or of other types", "what the server signed")
    return WebhookEvent(type=str(kind), **values)


def _refused(got: str, expected: str) -> EvidenceError:
    return EvidenceError(got, expected=expected, next_step="answer 400; nothing is to be believed of it")
