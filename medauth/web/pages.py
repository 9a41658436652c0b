"""The pages a person sees: the check itself and, on this machine alone, a page to try it from."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence

from flask import Blueprint, redirect, render_template, request, session
from werkzeug.wrappers import Response

from medauth.protocol.policy import NO_FLASH, policy_named
from medauth.service.booking import Bookings, Request
from medauth.web.problems import Problem
from medauth.web.safety import WITH_MICROPHONE

TRIED_BY = "trial"
"""Stands in place of an app's access for checks of the trial page."""
_CSRF = "csrf"


def page_blueprint() -> Blueprint:
    """The page that holds the check; its session travels behind the `#`, which no server and no log gets to see."""
    blueprint = Blueprint("pages", __name__)

    @blueprint.get("/check")
    def _check() -> tuple[str, Mapping[str, str]]:
        return render_template("check.html"), WITH_MICROPHONE

    return blueprint


def trial_blueprint(bookings: Bookings, url: str, policies: Sequence[str]) -> Blueprint:
    """A page on which a person at this machine tries a check by one of these policies, without an app."""
    blueprint = Blueprint("trial", __name__)

    @blueprint.get("/")
    def _trial() -> str:
        return render_template("trial.html", policies=policies, csrf=csrf_token())

    @blueprint.post("/try")
    def _try() -> Response:
        require_csrf()
        policy = _chosen(policies)
        colours = policy_named(policy).light is not None
        without = NO_FLASH.name if colours else ""
        asked = Request(subject="trial", purpose="trial", policy=policy, origin=url, without_colours=without)
        booking, _ = bookings.book(TRIED_BY, asked)
        return redirect(f"/check#{bookings.session(booking.row.booking_id)}", 303)

    return blueprint


def csrf_token() -> str:
    """This browser's token for forms, made on first use."""
    if _CSRF not in session:
        session[_CSRF] = secrets.token_urlsafe(24)
    return str(session[_CSRF])


def require_csrf() -> None:
    """Raises a problem unless the form, or the script's request, came from a page of ours in this browser."""
    given = request.headers.get("X-CSRF", "") or request.form.get(_CSRF, "")
    known = session.get(_CSRF, "")
    if not known or not hmac.compare_digest(given.encode(), str(known).encode()):
        raise Problem(400, "form", "this form was not sent from its page", "open the page again, then send the form")


def _chosen(policies: Sequence[str]) -> str:
    chosen = request.form.get("policy", "standard")
    if chosen not in policies:
        raise Problem(400, "policy", "no such policy", " ".join(policies))
    return chosen
