"""Figures for Prometheus. Counted, never named: no label holds a person, an app or a check."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from functools import partial

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from medauth.errors import MedauthError
from medauth.store.webhook_interface import WebhookState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FRAME_BUCKETS = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""A caller may make methods up; each would be a series that is kept for good."""


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "medauth_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self.request_s = Histogram("medauth_request_seconds", "Time to answer", ("route",), registry=self.registry)
        self.checks = Counter("medauth_checks", "Live checks that ended, by how", ("end",), registry=self.registry)
        self.refusals = Counter(
            "medauth_refusals", "Live connections refused, by why", ("why",), registry=self.registry
        )
        self.running = Gauge("medauth_checks_running", "Live checks now", registry=self.registry)
        self.frame_s = Histogram(
            "medauth_frame_seconds", "Time to judge a frame", buckets=_FRAME_BUCKETS, registry=self.registry
        )

        self.webhook_tries = Counter(
            "medauth_webhook_tries", "Webhooks tried, by how it went", ("result",), registry=self.registry
        )
        self.webhooks = Gauge(
            "medauth_webhooks", "Webhooks of all processes, by state", ("state",), registry=self.registry
        )

    def webhook_tried(self, result: str) -> None:
        """Counts one try."""
        self.webhook_tries.labels(result).inc()

    def watch_webhooks(self, counts: Callable[[], Mapping[WebhookState, int]]) -> None:
        """Asks how many webhooks there are whenever figures are asked for."""
        for state in WebhookState:
            self.webhooks.labels(state.value).set_function(partial(_count_of, counts, state))

    def page(self) -> Response:
        """The figures as Prometheus reads them."""
        return Response(generate_latest(self.registry), content_type=CONTENT_TYPE)


def _count_of(counts: Callable[[], Mapping[WebhookState, int]], state: WebhookState) -> float:
    """Not a number while the mirror does not answer: the other figures are wanted then most of all."""
    try:
        return counts()[state]
    except MedauthError:
        return math.nan


def count_requests(app: Flask, metrics: Metrics) -> None:
    """Counts every answer by its pattern, method and status."""

    @app.after_request
    def _count(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in _METHODS else "other"
        metrics.requests.labels(method, rule, str(response.status_code)).inc()
        metrics.request_s.labels(rule).observe(time.perf_counter() - g.get("began_s", time.perf_counter()))
        return response
