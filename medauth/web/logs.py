"""One line of JSON for every request: what was asked for, how it went, how long it took. Never whom it was about.

Paths are logged as their pattern and query strings not at all; addresses, sessions, keys, frames and readings never.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import time

import structlog
from flask import Flask, Response, g, request

_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")


def log_as_json(*, debug: bool) -> None:
    """Sets structured logs up for this process, on standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if debug else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def log_requests(app: Flask) -> None:
    """Gives every request an id, tells it to the caller and logs the request under it."""
    log = structlog.get_logger()

    @app.before_request
    def _begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        g.began_s = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def _end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        rule = request.url_rule.rule if request.url_rule else "none"
        took_ms = round((time.perf_counter() - g.get("began_s", time.perf_counter())) * 1_000, 1)
        log.info("request", method=request.method, route=rule, status=response.status_code, ms=took_ms)
        return response
