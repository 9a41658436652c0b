"""The passkey step of a live check: asks once, over the digest of the signed statement, and waits for a while."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from medauth.errors import InputError
from medauth.protocol.base64url import encoded
from medauth.protocol.canonical import parse_object
from medauth.service.booking import PASSKEY_MS
from medauth.service.passkeys import PasskeyStep
from medauth.web.assertions import VerifiedAssertion, verify_assertion
from medauth.web.attendance import SOUND_MARK
from medauth.web.socket import WebSocket

LATE_FRAMES = 8
"""Frames that were on their way when the verdict came are passed over; more are not frames in flight."""
LATE_PIECES = 50
"""Of sound the same: two seconds of it. A page learns only from the last answer that nobody listens any more."""
MAX_TEXT = 12_288
"""Characters: the longest assertion in base64url, and the words around it."""


def ask(line: WebSocket, step: PasskeyStep, challenge: bytes) -> None:
    """Tells the page what to ask the authenticator for. Raises `Disconnected`."""
    said = {
        "type": "webauthn",
        "challenge": encoded(challenge),
        "rp_id": step.rp_id,
        "credentials": [encoded(one.id) for one in step.credentials],
        "user_verification": step.user_verification.value,
    }
    line.send(json.dumps(said))


def heard(line: WebSocket, clock_ms: Callable[[], float]) -> Mapping[str, Any] | None:
    """The page's one answer; None where the person gave none. Raises `InputError`, `Disconnected`."""
    ends, frames, pieces = clock_ms() + PASSKEY_MS, 0, 0
    while frames <= LATE_FRAMES and pieces <= LATE_PIECES:
        message = line.receive(max(0.0, ends - clock_ms()) / 1_000)
        if isinstance(message, str):
            return _said(message)
        sound = message.startswith(SOUND_MARK)
        frames, pieces = frames + (not sound), pieces + sound
    raise InputError("frames in the place of an assertion", expected="an assertion")


def judged(said: Mapping[str, Any], step: PasskeyStep, challenge: bytes, origin: str) -> VerifiedAssertion | None:
    """What holds of an answer; None where it does not, which the operator's log explains and the person never learns."""
    try:
        return verify_assertion(said, step, challenge=challenge, origin=origin)
    except InputError as error:
        structlog.get_logger().info("an assertion was refused", got=error.got)
        return None


def _said(message: str) -> Mapping[str, Any] | None:
    if len(message) > MAX_TEXT:
        raise InputError("a message that is no assertion", expected=f"at most {MAX_TEXT} characters")
    said = parse_object(message.encode("utf-8", "surrogatepass"))
    kind = said.pop("type", None)
    if kind == "no_assertion" and not said:
        return None
    if kind != "assertion":
        raise InputError("a message that is no assertion", expected="an assertion, or none")
    return said
