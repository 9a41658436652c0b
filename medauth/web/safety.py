"""What must hold before the server starts, and what every answer carries: no page may run or be run by another's code."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Flask, Response, request

from medauth.config import Settings
from medauth.errors import ConfigError
from medauth.protocol.callback import is_loopback
from medauth.store.interface import Keyring
from medauth.web.problems import Problem

LEAST_SECRET = 32
MAX_BODY_BYTES = 64 * 1024
"""The largest request of the API; frames come over the live connection, which has limits of its own."""

_ALLOWED = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "media-src 'self' blob:",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
CONTENT_SECURITY_POLICY = "; ".join(_ALLOWED)
"""No inline script or style, nothing from elsewhere, in nobody's frame."""
_PERMISSIONS = "camera=(self), microphone=({}), geolocation=(), payment=(), usb=()"
WITH_MICROPHONE: Mapping[str, str] = {"Permissions-Policy": _PERMISSIONS.format("self")}
"""Of the one page that may listen: no other has digits to be said."""
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": _PERMISSIONS.format(""),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_CORS_HEADERS = "Authorization, Content-Type, Idempotency-Key"


def local_names(settings: Settings) -> frozenset[str]:
    """By which names a server of this machine alone may be called: a page of a site whose name was made to point here
    (DNS rebinding) calls it by that site's."""
    return frozenset(
        {"localhost", "127.0.0.1", "::1", settings.web_host, urlsplit(public_url(settings)).hostname or ""}
    )


def public_url(settings: Settings) -> str:
    """Scheme, host and port under which browsers reach the server: an origin, as in RFC 6454."""
    if settings.web_url:
        return settings.web_url.rstrip("/")
    host = f"[{settings.web_host}]" if ":" in settings.web_host else settings.web_host
    return f"http://{host}:{settings.web_port}"


def require_safe(settings: Settings) -> None:
    """Raises `ConfigError` for settings under which no server may start."""
    url = urlsplit(settings.web_url)
    if url.path.rstrip("/") or url.query:
        raise _unsafe("MEDAUTH_WEB_URL has a path", "scheme, host and port alone, such as https://verify.example")
    if settings.web_secret and len(settings.web_secret) < LEAST_SECRET:
        raise _unsafe("the secret key is too short", f"{LEAST_SECRET} characters or more in MEDAUTH_WEB_SECRET")
    if settings.web_is_local:
        return
    if settings.web_debug:
        raise _unsafe("debugging on an address that others can reach", "MEDAUTH_WEB_DEBUG=0")
    if not settings.web_secret:
        raise _unsafe("no secret key, on an address that others can reach", "MEDAUTH_WEB_SECRET")
    if url.scheme != "https":
        raise _unsafe("an address that others can reach, without https", "MEDAUTH_WEB_URL=https://...")


def secret_key(settings: Settings, keyring: Keyring) -> bytes:
    """The key behind cookies and forms: the one that was set, else one kept beside the others for this machine alone."""
    require_safe(settings)
    return settings.web_secret.encode() if settings.web_secret else keyring.secret("cookies")


def guard(app: Flask, settings: Settings) -> None:
    """Puts the headers on every answer, lets no other site's page read one unless it is on the list, and answers to its own
    names alone where only this machine is served."""
    allowed = frozenset(origin.strip() for origin in settings.web_origins.split(",") if origin.strip())
    secure = public_url(settings).startswith("https://")
    names = local_names(settings) if is_loopback(settings.web_host) else None

    @app.before_request
    def _by_its_name() -> None:
        if names is not None and _name(request.host) not in names:
            raise Problem(400, "host", "not a name of this server", "call it by the address that it printed")

    @app.after_request
    def _headers(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if secure:
            response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        origin = request.headers.get("Origin", "")
        if request.path.startswith("/api/"):
            response.headers.add("Vary", "Origin")
            if origin in allowed:
                _let_in(response, origin)
        return response


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _let_in(response: Response, origin: str) -> None:
    """Keys travel in a header, never in a cookie: no credentials are allowed."""
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
        response.headers["Access-Control-Allow-Headers"] = _CORS_HEADERS
        response.headers["Access-Control-Max-Age"] = "600"


def _unsafe(got: str, expected: str) -> ConfigError:
    return ConfigError(got, expected=expected, next_step="see docs/settings.md and docs/web.md")
