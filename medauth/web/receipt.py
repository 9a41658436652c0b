"""What the person who was checked may keep: that a check took place, when, for what, under which rules, and how it ended.

Shown to whoever holds the session. No score and no reason stands in it, and no name: who holds it knows whom it is about.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from medauth.errors import NotFound
from medauth.protocol.verdict import Decision
from medauth.service.booking import Booking, Bookings
from medauth.store.booking_interface import BookingState, PasskeyState
from medauth.store.interface import ERASED
from medauth.web.attendance import OUTCOMES, Outcome
from medauth.web.callers import Callers, bearer
from medauth.web.problems import Problem


def receipt_of(booking: Booking, issuer: str) -> dict[str, Any]:
    """The receipt as JSON values."""
    row, asked = booking.row, booking.request
    return {
        "issuer": issuer,
        "check": row.check_id,
        "purpose": asked.purpose,
        "origin": asked.origin,
        "policy": row.policy,
        "sandbox": row.sandbox,
        "asked_ms": row.created_ms,
        "ended_ms": row.ended_ms,
        "outcome": _outcome(booking),
        "evidence": row.record_id,
    }


def receipt_blueprint(bookings: Bookings, callers: Callers, issuer: str) -> Blueprint:
    """The page, and the receipt it shows. The session comes in a header: it is in no address and in no log."""
    blueprint = Blueprint("receipt", __name__)

    @blueprint.get("/receipt")
    def _page() -> str:
        return render_template("receipt.html")

    @blueprint.get("/api/v1/receipt")
    def _receipt() -> Response:
        callers.limit()
        try:
            booking = bookings.attended(bearer())
        except NotFound as error:
            raise Problem(401, "session", "no valid session", "send `Authorization: Bearer SESSION`") from error
        return jsonify(receipt_of(booking, issuer))

    return blueprint


def _outcome(booking: Booking) -> str:
    """What the person was told; nothing more while it runs."""
    row = booking.row
    if row.outcome == ERASED:
        return ERASED
    if row.passkey_state and row.passkey_state != PasskeyState.VERIFIED:
        return Outcome.NOT_PASSED.value
    if row.state is BookingState.DONE:
        return OUTCOMES[Decision(row.outcome)].value
    return "not_decided" if row.state is BookingState.FAILED else row.state.value
