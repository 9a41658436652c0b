"""The door to the pages of operators and auditors: they show an API key once, and their browser is known by a cookie then.

The cookie names the access and when it was shown, signed by the server's secret; scripts cannot read it and no other
site's request carries it. What the access may do is looked up at every request, so that revoking it shuts the door.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

from flask import Blueprint, g, redirect, render_template, request, session
from werkzeug.wrappers import Response

from medauth.service.access import Access, Accesses, Scope
from medauth.web.callers import refuse_while
from medauth.web.desk.trouble import tell_people
from medauth.web.limits import Limit
from medauth.web.pages import csrf_token, require_csrf
from medauth.web.problems import Problem

LASTS_MS = 8 * 3_600_000
"""A working day; then the key is asked for again."""
_ACCESS, _SINCE = "access", "since_ms"
DOORS = ("/console", "/ledger", "/auditor", "/studio")
"""Where one may be sent after signing in."""


class Desk:
    """Who sits there. Raises `Problem`."""

    def __init__(self, accesses: Accesses, now_ms: Callable[[], int], by_address: Limit, tries: Limit) -> None:
        self._accesses = accesses
        self._now_ms = now_ms
        self._by_address = by_address
        self._tries = tries

    def require(self, *scopes: Scope) -> Access:
        """The access that signed in here, if it has one of these scopes."""
        refuse_while(self._by_address.wait_ms(request.remote_addr or ""))
        access = self._present()
        if access is None:
            raise Problem(401, "signed-out", "nobody is signed in here", "sign in with a key; see `medauth access`")
        if not access.scopes & set(scopes):
            raise Problem(403, "scope", "this key may not do that", f"it needs {' or '.join(sorted(scopes))}")
        g.desk_access = access
        return access

    def enter(self, key: str) -> Access | None:
        """Signs in whose key it is; None for a key that opens no page. The cookie of before is left behind."""
        address = request.remote_addr or ""
        refuse_while(self._tries.due_ms(address))
        access = self._accesses.holder(key.strip())
        if access is None or access.sandbox or not access.scopes & {Scope.OPERATOR, Scope.AUDITOR}:
            self._tries.wait_ms(address)  # only what failed counts
            return None
        session.clear()
        session[_ACCESS], session[_SINCE] = access.access_id, self._now_ms()
        return access

    def _present(self) -> Access | None:
        access_id, since_ms = session.get(_ACCESS), session.get(_SINCE)
        if not isinstance(access_id, str) or not isinstance(since_ms, int):
            return None
        if not 0 <= self._now_ms() - since_ms < LASTS_MS:
            return None
        return self._accesses.named(access_id)


def desk_blueprint(desk: Desk) -> Blueprint:
    """Signing in and out."""
    blueprint = Blueprint("desk", __name__)
    tell_people(blueprint)

    @blueprint.get("/sign-in")
    def _page() -> str:
        return render_template("desk/sign_in.html", csrf=csrf_token(), wanted=_wanted(request.args), wrong=False)

    @blueprint.post("/sign-in")
    def _enter() -> Response | tuple[str, int]:
        require_csrf()
        wanted = _wanted(request.form)
        access = desk.enter(request.form.get("key", ""))
        if access is None:
            page = render_template("desk/sign_in.html", csrf=csrf_token(), wanted=wanted, wrong=True)
            return page, 403
        return redirect(wanted or ("/console" if Scope.OPERATOR in access.scopes else "/auditor"), 303)

    @blueprint.post("/sign-out")
    def _leave() -> Response:
        require_csrf()
        session.clear()
        return redirect("/sign-in", 303)

    return blueprint


def guarded(blueprint: Blueprint, desk: Desk, *scopes: Scope) -> Blueprint:
    """Every page of the blueprint asks for one of the scopes first."""
    tell_people(blueprint)

    @blueprint.before_request
    def _ask() -> None:
        desk.require(*scopes)

    @blueprint.context_processor
    def _around() -> dict[str, object]:
        return {"csrf": csrf_token(), "access": g.get("desk_access")}

    return blueprint


def _wanted(values: Mapping[str, str]) -> str:
    """A page of ours to go on to, or nothing: no address that a link to the form could lead elsewhere with."""
    given = values.get("next", "")
    inside = any(given == door or given.startswith(door + "/") for door in DOORS)
    return quote(given) if inside and "//" not in given and "\\" not in given else ""
