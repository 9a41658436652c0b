"""The server process: gunicorn with threads, since every live check keeps one for as long as it lasts.

One worker by default: a check lives in the worker that its connection reached. The app is made in the worker, after the
fork, because the face mesh does not survive one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from medauth.bootstrap import open as open_medauth
from medauth.config import Settings
from medauth.web.factory import create_app, sweep_in_background
from medauth.web.logs import log_as_json
from medauth.web.patience import Hearing, PatientWorker

SPARE_THREADS = 16
"""Beside the threads of live checks: for pages and the API."""
_GRACE_S = 5


def serve(settings: Settings, announce: Callable[[], None]) -> None:
    """Serves until it is told to stop; `announce` is called once it listens."""
    _Server(settings, announce).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, settings: Settings, announce: Callable[[], None]) -> None:
        self._settings = settings
        self._announce = announce
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self._settings.web_host}]" if ":" in self._settings.web_host else self._settings.web_host
        options: dict[str, Any] = {
            "bind": f"{host}:{self._settings.web_port}",
            "workers": 1,
            "worker_class": PatientWorker,
            "threads": self._settings.web_checks * 2 + SPARE_THREADS,
            "graceful_timeout": _GRACE_S,
            "timeout": 60,
            "loglevel": "warning",
            "limit_request_line": 4_094,
            "limit_request_fields": 64,
            "when_ready": lambda _server: self._announce(),
            "worker_exit": lambda _server, worker: _stop(getattr(worker, "wsgi", None)),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        log_as_json(debug=self._settings.web_debug)
        auth = open_medauth(self._settings)
        app = create_app(auth)
        PatientWorker.behind_proxies = bool(self._settings.web_proxies)
        app.wsgi_app = Hearing(app.wsgi_app, PatientWorker.patience)  # type: ignore[method-assign]
        app.extensions["medauth"] = auth
        app.extensions["medauth.stopped"] = sweep_in_background(app)
        return app


def _stop(app: Flask | None) -> None:
    """Ends checks that run, and closes the mirror."""
    if app is not None:
        app.extensions["medauth.stopped"].set()
        app.extensions["medauth.room"].close()
        app.extensions["medauth.takes"].close()
        app.extensions["medauth"].close()
