"""Figures for Prometheus. Counted, never named: no label holds a person, an app or a check."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FRAME_BUCKETS = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0)


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

    def page(self) -> Response:
        """The figures as Prometheus reads them."""
        return Response(generate_latest(self.registry), content_type=CONTENT_TYPE)


def count_requests(app: Flask, metrics: Metrics) -> None:
    """Counts every answer by its pattern, method and status."""

    @app.after_request
    def _count(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else "none"
        metrics.requests.labels(request.method, rule, str(response.status_code)).inc()
        metrics.request_s.labels(rule).observe(time.perf_counter() - g.get("began_s", time.perf_counter()))
        return response
