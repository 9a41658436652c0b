"""Trouble on a page for people: in words, under the same codes and with the same request id as for programs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import structlog
from flask import Blueprint, g, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from medauth.errors import MedauthError
from medauth.web.problems import Problem, problem_of


def tell_people(blueprint: Blueprint) -> None:
    """Errors on this blueprint's pages become pages; requests of its scripts get problem details as programs do."""

    @blueprint.errorhandler(Problem)
    def _problem(problem: Problem) -> Any:
        if problem.status == 401 and wants_page():  # noqa: PLR2004 - RFC 9110
            return redirect("/sign-in?next=" + quote(request.path), 303)
        return _told(problem)

    @blueprint.errorhandler(MedauthError)
    def _ours(error: MedauthError) -> Any:
        return _told(problem_of(error))

    @blueprint.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Any:
        return _told(Problem(error.code or 500, f"http-{error.code}", error.name))

    @blueprint.errorhandler(Exception)
    def _unforeseen(_: Exception) -> Any:
        structlog.get_logger().exception("unforeseen")
        return _told(Problem(500, "internal", "something went wrong here", "tell the operator the request id"))


def wants_page() -> bool:
    """A browser that navigates, not a script that fetches."""
    return request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"


def _told(problem: Problem) -> Any:
    if not wants_page():
        return problem.response()
    page = render_template("desk/trouble.html", problem=problem, request_id=g.get("request_id", ""))
    response = Response(page, problem.status, content_type="text/html; charset=utf-8")
    if problem.retry_after_ms:
        response.headers["Retry-After"] = problem.response().headers["Retry-After"]
    return response
