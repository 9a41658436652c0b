"""The REST API as an OpenAPI 3.1 document: what programs read in place of `docs/web.md`. A test holds answers to it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from medauth.protocol.callback import CALLBACK_PATTERN
from medauth.protocol.policy import POLICIES
from medauth.protocol.verdict import Decision
from medauth.service.booking import MAX_KEY, MAX_URL, ORIGIN_PATTERN
from medauth.service.passkeys import MAX_CREDENTIALS, MAX_ID, MAX_PUBLIC_KEY, MAX_SIGN_COUNT, UserVerification
from medauth.service.sandbox import CODES, MAX_REASONS, OUTCOMES, PROBLEMS, REASON
from medauth.store.booking_interface import BookingState, PasskeyState
from medauth.store.webhook_interface import WebhookState

Schema = dict[str, Any]
MAX_TEXT = 256


def document(url: str, policies: Collection[str] = tuple(POLICIES)) -> Schema:
    """The document, for the server at this address, which can decide checks by these policies."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "medauth",
            "version": "1.0.0",
            "summary": "Ask for a live check of a person; read what it came to; take the evidence away.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url}],
        "security": [{"key": []}],
        "paths": {
            "/api/v1/checks": {"post": _create()},
            "/api/v1/checks/{id}": {"parameters": [_ID], "get": _state(), "delete": _erase()},
            "/api/v1/checks/{id}/result": {"parameters": [_ID], "get": _result()},
            "/api/v1/checks/{id}/evidence": {"parameters": [_ID], "get": _evidence()},
            "/api/v1/checks/{id}/sandbox": {"parameters": [_ID], "post": _play()},
            "/api/v1/receipt": {"get": _receipt()},
            "/api/v1/openapi.json": {"get": _document()},
            "/.well-known/jwks.json": {"get": _keys("readKeys", "Keys of verdict tokens")},
            "/.well-known/webhook-keys.json": {"get": _keys("readWebhookKeys", "Keys of webhooks")},
            "/healthz": {"get": _healthz()},
            "/readyz": {"get": _readyz()},
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "From `medauth access`."},
                "session": {"type": "http", "scheme": "bearer", "description": "The session of the check."},
            },
            "schemas": {"Request": _request(policies), "Check": _CHECK, "Created": _CREATED, "Problem": _PROBLEM},
            "responses": {"Problem": {"description": "RFC 9457 problem details", "content": _PROBLEM_CONTENT}},
        },
    }


def _text(most: int, *, least: int = 0, about: str = "") -> Schema:
    return {"type": "string", "minLength": least, "maxLength": most} | ({"description": about} if about else {})


def _one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _object(required: list[str], properties: Schema) -> Schema:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_MS: Schema = {"type": "integer", "minimum": 0, "description": "milliseconds since 1970"}
_ID: Schema = {"name": "id", "in": "path", "required": True, "schema": _text(64, least=1)}
_REASONS: Schema = {
    "type": "array",
    "maxItems": MAX_REASONS,
    "items": _text(64) | {"pattern": f"^{REASON.pattern}$"},
}
_SCRIPT: Schema = {
    "description": "With a sandbox key alone, and needed there: how the check ends.",
    "oneOf": [
        _object(["outcome"], {"outcome": _one_of(*OUTCOMES), "reasons": _REASONS}),
        _object(["code"], {"code": _one_of(*CODES)}),
        _object(["problem"], {"problem": _one_of(*PROBLEMS)}),
    ],
}


def _base64url(most: int, about: str) -> Schema:
    """The one text of one to so many bytes: unused bits of its last letter are zero."""
    canonical = "^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$"
    return _text(-(-most * 4 // 3), least=2, about=about) | {"pattern": canonical}


_CREDENTIAL = _object(
    ["id", "public_key", "sign_count"],
    {
        "id": _base64url(MAX_ID, "base64url"),
        "public_key": _base64url(MAX_PUBLIC_KEY, "COSE key in base64url, as registering the passkey gave it."),
        "sign_count": {"type": "integer", "minimum": 0, "maximum": MAX_SIGN_COUNT, "description": "7, not 7.0."},
    },
)
_PASSKEYS: Schema = _object(
    ["credentials", "user_verification"],
    {
        "credentials": {"type": "array", "minItems": 1, "maxItems": MAX_CREDENTIALS, "items": _CREDENTIAL},
        "user_verification": _one_of(*UserVerification),
        "rp_id": _text(MAX_TEXT, about="The host of `origin`, or a domain above it; without it, the host."),
    },
) | {"description": "Passkeys of which one must confirm a live verdict before there is a token. Not in a sandbox."}
_STORABLE: Schema = {"pattern": r"^[^\u0000]*$"}
"""Text that every database can keep."""


def _request(policies: Collection[str]) -> Schema:
    plain = [name for name in policies if POLICIES[name].light is None and not POLICIES[name].rehearsal]
    return _object(
        ["subject", "purpose", "policy"],
        {
            "subject": _text(MAX_TEXT, least=1, about="Your id of the account.") | _STORABLE,
            "purpose": _text(MAX_TEXT, least=1, about="What the check is for, such as `login`.") | _STORABLE,
            "policy": _one_of(*policies),
            "origin": _text(MAX_TEXT, about="The site on which the check may run; without it, this server's own page.")
            | {"pattern": ORIGIN_PATTERN},
            "address": _text(MAX_TEXT, about="The only address from which it may be attended."),
            "client": _text(MAX_TEXT, about="Id of the device; failures are counted for it and the subject."),
            "without_colours": _one_of("", *plain)
            | {"description": "Policy in whose place a person may choose whom changing colours trouble."},
            "callback": _text(MAX_URL, about="Where a webhook goes once it ended; at a host registered for the key.")
            | {"pattern": CALLBACK_PATTERN},
            "sandbox": _SCRIPT,
            "webauthn": _PASSKEYS,
        },
    )


_CHECK_FIELDS: Schema = {
    "id": _text(64),
    "sandbox": {"type": "boolean", "description": "Nobody was looked at: an outcome by script, for tests."},
    "state": _one_of(*BookingState),
    "policy": _text(64),
    "created_ms": _MS,
    "expires_ms": _MS,
    "ended_ms": _maybe(_MS),
    "outcome": _maybe(_one_of(*Decision, "erased")),
    "code": _maybe(_text(32)),
    "evidence_id": _maybe(_text(64)),
    "webauthn": _maybe(_one_of(*PasskeyState))
    | {"description": "What came of asking for a passkey; null where none was, or the verdict was not live."},
    "webhook": _maybe(
        _object(
            ["id", "state", "attempts", "due_ms", "why"],
            {
                "id": _text(64),
                "state": _one_of(*WebhookState),
                "attempts": {"type": "integer", "minimum": 0},
                "due_ms": _maybe(_MS),
                "why": _maybe(_text(32)),
            },
        )
    ),
}
_STATE_FIELDS = _CHECK_FIELDS | {
    "token": _maybe(_text(8_192, about="JWT for five minutes after a live check, used once."))
}
_CHECK = _object(list(_STATE_FIELDS), _STATE_FIELDS)
_CREATED_FIELDS = _CHECK_FIELDS | {
    "session": _text(256, about="For `<medauth-check session>`; a secret of the person's."),
    "page": _text(2_048, about="A page of this server's that holds the check."),
}
_CREATED = _object(list(_CREATED_FIELDS), _CREATED_FIELDS)
_PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
    },
}
_PROBLEM_CONTENT: Schema = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _answers(status: str, about: str, schema: Schema, *problems: str) -> Schema:
    found: Schema = {status: {"description": about, "content": {"application/json": {"schema": schema}}}}
    return found | {problem: {"$ref": "#/components/responses/Problem"} for problem in problems}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _create() -> Schema:
    key = {"name": "Idempotency-Key", "in": "header", "schema": _text(MAX_KEY) | {"pattern": "^[!-~]*$"}}
    answers = _answers(
        "201", "Created", _ref("Created"), "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"
    )
    answers["200"] = {**answers["201"], "description": "The same request under the same idempotency key, before"}
    return {
        "operationId": "createCheck",
        "summary": "Ask for a check (scope subject)",
        "parameters": [key],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Request")}}},
        "responses": answers,
    }


def _state() -> Schema:
    answers = _answers("200", "Where it stands", _ref("Check"), "401", "403", "404", "429", "503")
    return {"operationId": "readCheck", "summary": "State and outcome (scopes subject, operator)", "responses": answers}


def _play() -> Schema:
    answers = _answers("200", "How it ended", _ref("Check"), "401", "403", "404", "409", "429", "503")
    return {"operationId": "playSandbox", "summary": "End a sandbox check (scope subject)", "responses": answers}


def _result() -> Schema:
    answers = _answers("200", "The statement", {"type": "object"}, "401", "403", "404", "429", "503")
    return {"operationId": "readResult", "summary": "Reasons, steps, readings (scope operator)", "responses": answers}


def _evidence() -> Schema:
    answers = _answers("200", "The bundle", {"type": "object"}, "401", "403", "404", "409", "429", "503")
    return {"operationId": "readEvidence", "summary": "Evidence bundle (scope auditor)", "responses": answers}


def _erase() -> Schema:
    stone = _object(
        ["tombstone", "leaf_index", "erased"],
        {
            "tombstone": _maybe(_text(64, about="null where it ended before it was a check: nothing is in the log.")),
            "leaf_index": _maybe({"type": "integer"}),
            "erased": {"type": "array", "items": _text(64)},
        },
    )
    answers = _answers("200", "Erased", stone, "401", "403", "404", "409", "429", "503")
    return {"operationId": "eraseCheck", "summary": "Destroy its keys (scope operator)", "responses": answers}


def _receipt() -> Schema:
    fields: Schema = {
        "issuer": _text(MAX_URL),
        "check": _maybe(_text(64)),
        "purpose": _text(MAX_TEXT),
        "origin": _text(MAX_TEXT),
        "policy": _text(64),
        "sandbox": {"type": "boolean"},
        "asked_ms": _MS,
        "ended_ms": _maybe(_MS),
        "outcome": _text(16),
        "evidence": _maybe(_text(64)),
    }
    answers = _answers("200", "The receipt", _object(list(fields), fields), "401", "429", "503")
    about = "For the person: the bearer is the session, not an API key"
    return {"operationId": "readReceipt", "summary": about, "security": [{"session": []}], "responses": answers}


def _document() -> Schema:
    answers = _answers("200", "This document", {"type": "object"}, "429")
    return {"operationId": "readDocument", "summary": "This document", "security": [], "responses": answers}


def _keys(name: str, about: str) -> Schema:
    answers = _answers("200", "JWK set (RFC 7517)", {"type": "object", "required": ["keys"]})
    return {"operationId": name, "summary": about, "security": [], "responses": answers}


def _healthz() -> Schema:
    answers = _answers("200", "Alive", {"type": "object"})
    return {"operationId": "isAlive", "summary": "The process lives", "security": [], "responses": answers}


def _readyz() -> Schema:
    answers = _answers("200", "Ready", {"type": "object"})
    answers["503"] = {**answers["200"], "description": "Not ready"}
    return {"operationId": "isReady", "summary": "Checks can be run", "security": [], "responses": answers}
