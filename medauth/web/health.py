"""Is it alive, is it ready, how is it doing."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify

from medauth.errors import MedauthError
from medauth.web.metrics import Metrics


def health_blueprint(ready: Callable[[], None], metrics: Metrics, may_see_figures: Callable[[], None]) -> Blueprint:
    """`ready` raises a `MedauthError` when checks cannot be run; `may_see_figures` raises a problem for strangers."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def _alive() -> Response:
        return jsonify(status="alive")

    @blueprint.get("/readyz")
    def _ready() -> tuple[Response, int]:
        try:
            ready()
        except MedauthError as error:
            return jsonify(status="not ready", code=error.code), 503
        return jsonify(status="ready"), 200

    @blueprint.get("/metrics")
    def _metrics() -> Response:
        may_see_figures()
        return metrics.page()

    return blueprint
