"""Settings and services become a Flask app."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask, jsonify
from werkzeug.middleware.proxy_fix import ProxyFix

from medauth.evidence.token import key_set
from medauth.protocol.policy import policy_named
from medauth.service.access import Scope
from medauth.serving import accesses_of, begin, bookings_of, outbox_of, policies_here, tokens_of, webhooks_of
from medauth.web.api import CheckApi, api_blueprint
from medauth.web.attendance import Attendance
from medauth.web.callers import Callers
from medauth.web.component import Component
from medauth.web.desk.rooms import staff_blueprint
from medauth.web.health import health_blueprint
from medauth.web.limits import Limit
from medauth.web.live import LiveChecks, live_blueprint
from medauth.web.logs import log_requests
from medauth.web.metrics import Metrics, count_requests
from medauth.web.openapi import document
from medauth.web.outbox import Outbox, webhook_keys
from medauth.web.pages import page_blueprint, trial_blueprint
from medauth.web.problems import answer_errors
from medauth.web.receipt import receipt_blueprint
from medauth.web.room import OpenSession, Room
from medauth.web.safety import MAX_BODY_BYTES, guard, public_url, secret_key

if TYPE_CHECKING:
    from medauth.bootstrap import Medauth


def create_app(auth: Medauth, *, open_session: OpenSession | None = None) -> Flask:
    """The app over one server's services. Raises `ConfigError` for settings under which no server may start.

    `open_session` replaces what a person is judged by, in tests alone.
    """
    settings, url = auth.settings, public_url(auth.settings)
    app = Flask("medauth.web")
    app.config.update(
        SECRET_KEY=secret_key(settings, auth.keyring),
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        SESSION_COOKIE_NAME="__Host-medauth" if url.startswith("https://") else "medauth",
        SESSION_COOKIE_SECURE=url.startswith("https://"),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        MEDAUTH_DEBUG=settings.web_debug,
    )
    app.json.ensure_ascii = True  # type: ignore[attr-defined]  # Flask's own provider has it
    if settings.web_proxies:
        hops = settings.web_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    clock_ms, bookings, tokens = auth.sources.monotonic_ms, bookings_of(auth), tokens_of(auth, url)
    metrics = Metrics()
    log_requests(app)
    count_requests(app, metrics)
    guard(app, settings)
    answer_errors(app)

    def ended(end: str, _attendance: Attendance) -> None:
        metrics.checks.labels(end).inc()

    room = Room(
        bookings, open_session or partial(begin, auth), most=settings.web_checks, clock_ms=clock_ms, on_end=ended
    )
    app.extensions["medauth.room"] = room
    app.extensions["medauth.outbox"] = Outbox(webhooks_of(auth, metrics.webhook_tried), bookings)
    metrics.watch_webhooks(outbox_of(auth).webhook_counts)
    callers = Callers(
        accesses_of(auth),
        Limit(burst=60, per_s=20, clock_ms=clock_ms),
        Limit(burst=100, per_s=50, clock_ms=clock_ms),
    )
    app.register_blueprint(health_blueprint(readiness(auth), metrics, _figures(callers, local=settings.web_is_local)))
    policies = policies_here()
    api = CheckApi(auth, bookings, tokens, callers, url, policies)
    app.register_blueprint(api_blueprint(api, callers, document(url, policies)))
    app.register_blueprint(
        live_blueprint(
            LiveChecks(room, metrics, clock_ms, digest_of=tokens.evidence_digest),
            Limit(burst=20, per_s=1, clock_ms=clock_ms),
        )
    )
    app.register_blueprint(page_blueprint())
    app.register_blueprint(receipt_blueprint(bookings, callers, url))
    app.register_blueprint(staff_blueprint(auth, clock_ms))
    if settings.web_is_local:
        tried = [name for name in policies if settings.rehearsal or not policy_named(name).rehearsal]
        app.register_blueprint(trial_blueprint(bookings, url, tried))
    app.get("/.well-known/jwks.json", endpoint="token_keys")(lambda: jsonify(key_set(auth.keyring.trusted())))
    app.get("/.well-known/webhook-keys.json", endpoint="webhook_keys")(lambda: jsonify(webhook_keys(auth.keyring)))
    Component.read().serve(app)
    return app


def readiness(auth: Medauth) -> Callable[[], None]:
    """Whether checks can be run now: mirror, keys and models. Raises a `MedauthError`."""

    def _ready() -> None:
        auth.store.logs()
        auth.keyring.trusted()
        for name in auth.models.names():
            auth.models.load(name)

    return _ready


def sweep_in_background(app: Flask) -> threading.Event:
    """Ends lost checks and tells apps from now on; set the event to stop."""
    stopped, room = threading.Event(), app.extensions["medauth.room"]
    threading.Thread(target=room.sweep_until, args=(stopped,), name="medauth-sweep", daemon=True).start()
    app.extensions["medauth.outbox"].start(stopped)
    return stopped


def _figures(callers: Callers, *, local: bool) -> Callable[[], None]:
    """On this machine alone anyone may see the figures; elsewhere an operator."""

    def _may() -> None:
        if not local:
            callers.require_real(Scope.OPERATOR)

    return _may
