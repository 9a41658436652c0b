"""Who calls the REST API: a key in the Authorization header, what it is good for, and how often it may call."""

from __future__ import annotations

from flask import g, request

from medauth.service.access import Access, Accesses, Scope
from medauth.web.limits import Limit
from medauth.web.problems import Problem

_BEARER = "Bearer "


class Callers:
    """Finds the app behind a request. Raises `Problem`."""

    def __init__(self, accesses: Accesses, by_address: Limit, by_app: Limit) -> None:
        self._accesses = accesses
        self._by_address = by_address
        self._by_app = by_app

    def limit(self) -> None:
        """Counts the request against its address: a key cannot be guessed quickly."""
        refuse_while(self._by_address.wait_ms(request.remote_addr or ""))

    def require(self, *scopes: Scope) -> Access:
        """The app, if its key has one of these scopes."""
        access = self._accesses.holder(bearer())
        if access is None:
            raise Problem(401, "key", "no valid API key", "send `Authorization: Bearer KEY`; see `medauth access`")
        refuse_while(self._by_app.wait_ms(access.access_id))
        if not access.scopes & set(scopes):
            raise Problem(403, "scope", "this key may not do that", f"it needs {' or '.join(sorted(scopes))}")
        g.access_id = access.access_id
        return access

    def require_real(self, *scopes: Scope) -> Access:
        """The same, and not by the key of a sandbox: what it would see is not of its own tests."""
        access = self.require(*scopes)
        if access.sandbox:
            raise Problem(403, "sandbox", "a sandbox key may not do that", "a key of `medauth access grant`")
        return access


def bearer() -> str:
    """What the Authorization header holds; empty where it holds nothing of that kind."""
    given = request.headers.get("Authorization", "")
    return given[len(_BEARER) :] if given.startswith(_BEARER) else ""


def refuse_while(wait_ms: float) -> None:
    """Raises a problem while a limit is used up."""
    if wait_ms:
        raise Problem(429, "rate", "too many requests", "wait, then try again", retry_after_ms=wait_ms)
