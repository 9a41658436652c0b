"""The REST API: apps ask for checks and read what they came to. `openapi.py` says the same for programs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from medauth.errors import CeremonyError, InputError, NotFound
from medauth.protocol.callback import callback_host
from medauth.protocol.canonical import parse_object
from medauth.protocol.policy import POLICIES
from medauth.service.access import Access, Scope
from medauth.service.booking import Booking, Bookings, request_of, require_origin
from medauth.service.passkeys import passkey_step
from medauth.service.pictures import statement_of
from medauth.service.sandbox import PROBLEMS, Script, end_sandbox, result_of, script_of
from medauth.service.tokens import Tokens
from medauth.store.booking_interface import BookingState
from medauth.store.interface import ERASED
from medauth.store.webhook_interface import WebhookRow, WebhookState
from medauth.web.assertions import require_keys
from medauth.web.callers import Callers
from medauth.web.problems import Problem

if TYPE_CHECKING:
    from medauth.bootstrap import Medauth

_FIELDS = frozenset(
    {
        "subject",
        "purpose",
        "policy",
        "origin",
        "address",
        "client",
        "without_colours",
        "callback",
        "sandbox",
        "webauthn",
    }
)


class CheckApi:
    """Five verbs on checks. Reads nothing of a request but what its document names."""

    def __init__(
        self,
        auth: Medauth,
        bookings: Bookings,
        tokens: Tokens,
        callers: Callers,
        url: str,
        policies: Collection[str],
    ) -> None:
        self._auth = auth
        self._policies = policies
        self._tokens = tokens
        self._bookings = bookings
        self._callers = callers
        self._url = url
        self._local = auth.settings.web_is_local

    def create(self) -> tuple[Response, int]:
        """Books a check."""
        access = self._callers.require(Scope.SUBJECT)
        given = _body()
        strange = sorted(set(given) - _FIELDS)
        if strange:
            raise InputError(f"an unknown field {strange[0][:80]!r}", expected=", ".join(sorted(_FIELDS)))
        script = _script(access, given)
        named, passkeys = "webauthn" in given, given.pop("webauthn", None)
        asked = request_of({"origin": self._url} | given | {"sandbox": script.to_text() if script else ""})
        require_origin(asked.origin)
        if {asked.policy, asked.without_colours or asked.policy} - access.policies:
            raise Problem(403, "policy", "this key may not ask for that policy", " ".join(sorted(access.policies)))
        _require_ears({asked.policy, asked.without_colours} & POLICIES.keys() - self._policies)
        if asked.callback and callback_host(asked.callback, loopback=self._local) not in access.callback_hosts:
            raise Problem(403, "callback", "this key may not name that host", "medauth access grant --callback-host")
        asked = replace(asked, webauthn=_passkeys(passkeys, asked.origin)) if named else asked
        booking, fresh = self._bookings.book(access.access_id, asked, request.headers.get("Idempotency-Key", ""))
        return jsonify(self._created(booking)), 201 if fresh else 200

    def state(self, booking_id: str) -> Response:
        """Where a check stands, its outcome once there is one, and for the app that asked the token of a live one."""
        access, booking = self._mine(booking_id, Scope.SUBJECT, Scope.OPERATOR)
        owns = access.access_id == booking.row.access_id
        return jsonify(self._stated(booking) | {"token": self._tokens.issue(booking) if owns else None})

    def result(self, booking_id: str) -> Response:
        """The statement behind the outcome: reasons, steps, readings."""
        _, booking = self._mine(booking_id, Scope.OPERATOR)
        if booking.row.sandbox:
            return jsonify(_played(booking))
        return jsonify(statement_of(_record(booking), self._auth.store, self._auth.keyring))

    def evidence(self, booking_id: str) -> Response:
        """The bundle for a stranger."""
        _, booking = self._mine(booking_id, Scope.AUDITOR)
        if booking.row.sandbox:
            raise Problem(409, "sandbox", "a sandbox check leaves no evidence", "ask for a check with another key")
        response = Response(self._auth.bundle(_record(booking)).to_bytes(), content_type="application/json")
        response.headers["Content-Disposition"] = f'attachment; filename="{_record(booking)}.json"'
        return response

    def play(self, booking_id: str) -> Response:
        """Ends a sandbox check as its script says; nobody has to come."""
        _, booking = self._mine(booking_id, Scope.SUBJECT)
        end_sandbox(self._bookings, booking)
        return self.state(booking_id)

    def erase(self, booking_id: str) -> Response:
        """Destroys the keys of a check, and what was asked for; of what ended before it was one, the latter alone."""
        _, booking = self._mine(booking_id, Scope.OPERATOR)
        if booking.row.check_id is None and self._bookings.forget(booking):
            return jsonify(tombstone=None, leaf_index=None, erased=[booking_id])
        if booking.row.check_id is None or booking.row.state is BookingState.RUNNING:
            raise CeremonyError("a check that has not ended", expected="one that has", next_step="wait for its end")
        stone = self._auth.erasure().erase(booking.row.check_id)
        return jsonify(tombstone=stone.record_id, leaf_index=stone.leaf_index, erased=list(stone.erased))

    def _mine(self, booking_id: str, *scopes: Scope) -> tuple[Access, Booking]:
        """A key of scope `subject` alone, or of a sandbox, sees the checks that it asked for, and of others not even that they exist."""
        access = self._callers.require(*scopes)
        booking = self._bookings.booking(booking_id)
        if not _sees(access, booking):
            raise NotFound("no check was asked for under that id", expected="the id that creating it returned")
        return access, booking

    def _created(self, booking: Booking) -> dict[str, Any]:
        session = self._bookings.session(booking.row.booking_id)
        return self._stated(booking) | {"session": session, "page": f"{self._url}/check#{session}"}

    def _stated(self, booking: Booking) -> dict[str, Any]:
        row = booking.row
        return {
            "id": row.booking_id,
            "sandbox": row.sandbox,
            "state": row.state.value,
            "policy": row.policy,
            "created_ms": row.created_ms,
            "expires_ms": row.expires_ms,
            "ended_ms": row.ended_ms,
            "outcome": row.outcome or None,
            "code": row.code or None,
            "evidence_id": row.record_id,
            "webauthn": row.passkey_state or None,
            "webhook": _told(self._bookings.webhook(row.booking_id)),
        }


def api_blueprint(api: CheckApi, callers: Callers, document: Mapping[str, Any]) -> Blueprint:
    """The API under `/api/v1`."""
    blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
    blueprint.before_request(callers.limit)
    blueprint.post("/checks")(api.create)
    blueprint.get("/checks/<booking_id>")(api.state)
    blueprint.get("/checks/<booking_id>/result")(api.result)
    blueprint.get("/checks/<booking_id>/evidence")(api.evidence)
    blueprint.post("/checks/<booking_id>/sandbox")(api.play)
    blueprint.delete("/checks/<booking_id>")(api.erase)

    @blueprint.get("/openapi.json")
    def _document() -> Response:
        return jsonify(document)

    return blueprint


def _script(access: Access, given: dict[str, Any]) -> Script | None:
    """The script of a sandbox key's request; None for other keys. Raises `Problem` where the script is trouble."""
    if not access.sandbox and "sandbox" not in given:
        return None
    script = script_of(given.pop("sandbox", None))
    if not access.sandbox:
        raise Problem(403, "sandbox", "this key is for checks", "a key of `medauth access grant --sandbox`")
    if script.problem:
        wait_ms = 1_000.0 if script.problem == "rate" else 0.0
        title = "as the sandbox's script says"
        raise Problem(PROBLEMS[script.problem], script.problem, title, "sandbox", retry_after_ms=wait_ms)
    return script


def _require_ears(policies: AbstractSet[str]) -> None:
    """Raises `Problem` for policies that this server cannot decide checks by: those that listen, without a recogniser."""
    if policies:
        title = f"this server cannot listen, as {' '.join(sorted(policies))} needs"
        raise Problem(422, "missing", title, "another policy, or on the server: pip install 'medauth[speech]', restart")


def _passkeys(value: object, origin: str) -> str:
    """The passkeys that a request names, as a booking keeps them. Raises `InputError`, `CeremonyError`."""
    step = passkey_step(value, origin)
    require_keys(step)
    return step.to_text()


def _played(booking: Booking) -> dict[str, Any]:
    if booking.row.state is not BookingState.DONE or booking.row.outcome == ERASED:
        raise NotFound("no verdict yet", expected="a check that is done", next_step="ask for its state")
    return result_of(booking)


def _told(webhook: WebhookRow | None) -> dict[str, Any] | None:
    """How telling the app went."""
    if webhook is None:
        return None
    pending = webhook.state is WebhookState.PENDING
    return {
        "id": webhook.webhook_id,
        "state": webhook.state.value,
        "attempts": webhook.attempts,
        "due_ms": webhook.due_ms if pending else None,
        "why": webhook.why or None,
    }


def _sees(access: Access, booking: Booking) -> bool:
    others = not access.sandbox and access.scopes & {Scope.OPERATOR, Scope.AUDITOR}
    return bool(others) or booking.row.access_id == access.access_id


def _record(booking: Booking) -> str:
    if booking.row.record_id is None:
        raise NotFound("no verdict yet", expected="a check that is done", next_step="ask for its state")
    return booking.row.record_id


def _body() -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise Problem(415, "content-type", "not JSON", "send application/json")
    return parse_object(request.get_data())
