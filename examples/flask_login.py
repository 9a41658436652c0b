"""A login that asks for a password, then for a live person, and lets in with a verified token that is used once.

    medauth access grant "my app"            # prints an access id and a key
    VERIFIER_KEY=mak_... VERIFIER_ACCESS=acc_... flask --app examples/flask_login.py run --port 5000

`medauth serve` must run, by default on this machine.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any

import requests
from flask import Flask, abort, redirect, render_template_string, request, session, url_for
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Response

from medauth.errors import EvidenceError
from medauth.evidence.token import keys_in, verify_token

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Example</title>
<meta name="viewport" content="width=device-width">{{ body | safe }}</html>"""
ASK = """<form method="post"><input type="hidden" name="csrf" value="{{ csrf }}">
<label>Name <input name="name" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Go on</button></form>"""
CHECK = """<script type="module" src="{{ verifier }}/medauth-check.js" crossorigin="anonymous"></script>
<script type="module" src="{{ url_for('static_finish') }}"></script>
<medauth-check session="{{ check }}"></medauth-check>
<form method="post" action="{{ url_for('finish') }}"><input type="hidden" name="csrf" value="{{ csrf }}"></form>"""
FINISH = 'document.querySelector("medauth-check").addEventListener("done", () => document.forms[0].submit());'
ANSWER_S = 10


class Used:
    """Ids of tokens that were used. An app of several processes keeps them in its database."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}
        self._lock = threading.Lock()

    def consume(self, jti: str, expires_s: int) -> bool:
        """True the first time."""
        now = int(time.time())
        with self._lock:
            self._until = {known: until for known, until in self._until.items() if until >= now}
            if jti in self._until:
                return False
            self._until[jti] = expires_s
            return True


class Verifier:
    """The medauth server, as this app knows it."""

    def __init__(self, url: str, key: str, access_id: str, origin: str) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._access_id = access_id
        self._origin = origin
        self._used = Used()

    def ask(self, subject: str) -> Mapping[str, Any]:
        """A check of this account's person, on this app's own page."""
        asked = {"subject": subject, "purpose": "login", "policy": "standard", "origin": self._origin}
        asked["without_colours"] = "no-flash"
        return self._told("POST", "/api/v1/checks", asked)

    def was_there(self, check: str, subject: str) -> bool:
        """Whether the check came out live for this account, once. What the browser says plays no part."""
        token = self._told("GET", f"/api/v1/checks/{check}").get("token")
        if not token:
            return False
        try:
            verify_token(
                token,
                keys=keys_in(self._told("GET", "/.well-known/jwks.json")),
                expected_subject=subject,
                expected_purpose="login",
                expected_origin=self._origin,
                expected_policy=("standard", "no-flash"),
                expected_audience=self._access_id,
                expected_issuer=self.url,
                now_s=int(time.time()),
                consume=self._used.consume,
            )
        except EvidenceError:
            return False
        return True

    def _told(self, method: str, path: str, asked: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        answer = requests.request(method, self.url + path, json=asked, headers=self._headers, timeout=ANSWER_S)
        answer.raise_for_status()
        told: Mapping[str, Any] = answer.json()
        return told


def create_app(verifier: Verifier, passwords: Mapping[str, str]) -> Flask:
    """`passwords`: account to password hash, as `generate_password_hash` makes them."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY=secrets.token_bytes(32), SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax")
    nobody = generate_password_hash(secrets.token_hex())

    @app.get("/")
    def home() -> str | Response:
        if "account" not in session:
            return redirect(url_for("log_in"))
        return page("<p>Welcome, {{ name }}.</p>", name=session["account"])

    @app.route("/login", methods=["GET", "POST"])
    def log_in() -> str | Response | tuple[str, int]:
        if request.method == "GET":
            return page(ASK)
        require_csrf()
        name = request.form.get("name", "")
        # A name that nobody has takes as long as a wrong password.
        if not check_password_hash(passwords.get(name, nobody), request.form.get("password", "")):
            return page("<p>Not this way.</p>" + ASK), 403
        asked = verifier.ask(name)
        # One step is done. It says who is to be checked, and lets nobody in.
        session.clear()
        session.update(waits=name, check=asked["id"])
        return page(CHECK, verifier=verifier.url, check=asked["session"])

    @app.post("/finish")
    def finish() -> str | Response | tuple[str, int]:
        require_csrf()
        name, check = session.pop("waits", ""), session.pop("check", "")
        if not name or not verifier.was_there(check, name):
            return page("<p>That did not work. <a href='{{ url_for('log_in') }}'>Try again</a>.</p>"), 403
        session.clear()
        session["account"] = name
        return redirect(url_for("home"))

    @app.get("/finish.js")
    def static_finish() -> Response:
        return app.response_class(FINISH, content_type="text/javascript")

    return app


def page(body: str, **values: Any) -> str:
    """A page with its form's token."""
    csrf = session.setdefault("csrf", secrets.token_hex())
    return render_template_string(PAGE, body=render_template_string(body, csrf=csrf, **values))


def require_csrf() -> None:
    """No other site's page may post here in somebody's name."""
    known, given = session.get("csrf", secrets.token_hex()), request.form.get("csrf", "")
    if not secrets.compare_digest(known.encode(), given.encode()):
        abort(400)


def app() -> Flask:
    """What `flask run` serves: one account, from the environment."""
    url = os.environ.get("VERIFIER_URL", "http://127.0.0.1:8300")
    origin = os.environ.get("APP_ORIGIN", "http://127.0.0.1:5000")
    verifier = Verifier(url, os.environ["VERIFIER_KEY"], os.environ["VERIFIER_ACCESS"], origin)
    return create_app(verifier, {"ada": generate_password_hash(os.environ.get("APP_PASSWORD", "correct horse"))})
