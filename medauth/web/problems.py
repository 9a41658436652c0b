"""Errors as a program reads them: RFC 9457 problem details. What went wrong inside stays inside."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, Response, current_app, g
from werkzeug.exceptions import HTTPException

from medauth import errors
from medauth.errors import MedauthError

PROBLEM_TYPE = "application/problem+json"
_TYPES = "urn:medauth:problem:"
_STATUS: Mapping[type[MedauthError], int] = {
    errors.NotFound: 404,
    errors.TooManyFailures: 429,
    errors.CheckExpired: 410,
    errors.CeremonyError: 409,
    errors.InputError: 400,
    errors.ConfigError: 422,
    errors.StoreError: 503,
    errors.LedgerUnreachable: 503,
}
"""Of an error's classes the first listed one decides; what is not listed is our own trouble."""


class Problem(Exception):
    """An answer that is no success. `code` is stable; `detail` says what to do."""

    def __init__(self, status: int, code: str, title: str, detail: str = "", *, retry_after_ms: float = 0) -> None:
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.retry_after_ms = retry_after_ms

    def response(self) -> Response:
        """The problem as JSON."""
        body: dict[str, Any] = {
            "type": _TYPES + self.code,
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "request_id": g.get("request_id", ""),
        }
        if self.detail:
            body["detail"] = self.detail
        # Escaped to ASCII: what a caller sent may hold half a character.
        response = Response(json.dumps(body), self.status, content_type=PROBLEM_TYPE)
        if self.retry_after_ms:
            response.headers["Retry-After"] = str(math.ceil(self.retry_after_ms / 1_000))
        if self.status == 401:  # noqa: PLR2004 - RFC 9110, 11.6.1
            response.headers["WWW-Authenticate"] = 'Bearer realm="medauth"'
        return response


def problem_of(error: MedauthError) -> Problem:
    """The product's own error as a problem. What is trouble on this side is logged, and told as no more than that."""
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)
    if status >= 500:  # noqa: PLR2004 - trouble on this side
        structlog.get_logger().error("trouble", code=error.code, got=error.got)
        return Problem(status, error.code, "the server cannot do this now", "try again later")
    return Problem(
        status, error.code, error.got, " · ".join(part for part in (error.expected, error.next_step) if part)
    )


def answer_errors(app: Flask) -> None:
    """Every error becomes a problem; the unforeseen is logged in full and told as nothing but a request id."""

    @app.errorhandler(Problem)
    def _problem(problem: Problem) -> Response:
        return problem.response()

    @app.errorhandler(MedauthError)
    def _ours(error: MedauthError) -> Response:
        return problem_of(error).response()

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        given = error.get_response()
        response = Problem(error.code or 500, f"http-{error.code}", error.name).response()
        for name in ("Allow", "Location"):
            if name in given.headers:
                response.headers[name] = given.headers[name]
        return response

    @app.errorhandler(Exception)
    def _unforeseen(error: Exception) -> Response:
        structlog.get_logger().exception("unforeseen")
        detail = repr(error) if current_app.config["MEDAUTH_DEBUG"] else "tell the operator the request id"
        return Problem(500, "internal", "something went wrong here", detail).response()
